// SPDX-License-Identifier: Apache-2.0
//
// Backups as the command line sees them: create, restore, and what to verify behind a path or at a
// server. Called by the command line.

import TallyCodec
import TallyStore
package import TallyChecker
import TallyTypes

/// What a command did, for people and for programs.
package struct BackupReport: Sendable {
    /// One line.
    package let line: String
    /// One JSON object.
    package let json: String
}

/// Backups on the system's disk.
package enum Backups {
    /// Copies what is new in a data directory into a backup.
    ///
    /// - Throws: ``StoreFault``; the backup is then what it was before.
    package static func create(
        from data: String,
        to path: String,
        progress: (UInt64, UInt64) -> Void
    ) throws -> BackupReport {
        let outcome = try MirrorWriter.run(
            from: data,
            to: path,
            disk: RealDisk(),
            progress: progress
        )
        let signed = outcome.signed.map { "\($0) of them signed" } ?? "none of them signed"
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("records", outcome.records)
        writer.member("added", outcome.added)
        if let signed = outcome.signed { writer.member("signed", signed) }
        writer.member("root", outcome.root.description)
        writer.member("blobs", outcome.blobs)
        writer.endObject()
        return BackupReport(
            line: "\(path): \(outcome.records) records, \(outcome.added) new, \(signed), "
                + "root \(outcome.root)",
            json: String(decoding: writer.take(), as: UTF8.self)
        )
    }

    /// Makes a data directory from a backup.
    ///
    /// - Throws: What ``Restore/run(_:to:until:trusted:disk:random:progress:)`` throws.
    package static func restore(
        from path: String,
        to data: String,
        until point: PointInTime,
        trusted: TrustedEvidence,
        progress: @escaping (UInt64, UInt64) -> Void
    ) throws -> BackupReport {
        let source = ChoiceSource(clock: RealClock())
        let outcome = try Restore.run(
            MirrorDirectory(disk: RealDisk(), path: path),
            to: data,
            until: point,
            trusted: trusted,
            disk: RealDisk(),
            random: { source.secret() },
            progress: progress
        )
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("records", outcome.records)
        writer.member("available", outcome.available)
        if let signed = outcome.signed { writer.member("signed", signed) }
        writer.member("root", outcome.root.description)
        writer.member("stateDigest", outcome.stateDigest.description)
        writer.endObject()
        return BackupReport(
            line: "\(data): restored \(outcome.records) of \(outcome.available) records, "
                + "root \(outcome.root), state digest \(outcome.stateDigest)",
            json: String(decoding: writer.take(), as: UTF8.self)
        )
    }

    /// Verifies what a path names: a mirror when its FORMAT says so, else a data directory.
    ///
    /// - Returns: The report.
    package static func verify(
        _ path: String,
        trusted: TrustedEvidence,
        progress: @escaping (UInt64, UInt64) -> Void
    ) -> Report {
        let disk = RealDisk()
        do {
            guard try MirrorDirectory.isMirror(disk: disk, path: path) else {
                return Verification.run(path, trusted: trusted, progress: progress)
            }
            let mirror = MirrorDirectory(disk: disk, path: path)
            return MirrorVerification.run(mirror, trusted: trusted, progress: progress)
        } catch {
            // What cannot be read as a mirror is named by whoever reads it as a ledger.
            return Verification.run(path, trusted: trusted, progress: progress)
        }
    }

    /// Verifies the log of a server.
    ///
    /// - Parameters:
    ///   - url: The prefix of its log, without a slash at its end.
    ///   - trusted: Keys and an earlier checkpoint that did not come from it.
    ///   - fetch: Gives the bytes at a URL; nil for a 404.
    ///   - progress: Told of records done and records in all, now and then.
    /// - Returns: The report.
    package static func verify(
        url: String,
        trusted: TrustedEvidence,
        fetch: @escaping (_ url: String, _ limit: Int) throws(FetchFault) -> [UInt8]?,
        progress: @escaping (UInt64, UInt64) -> Void
    ) -> Report {
        let mirror = FetchedMirror(place: url, fetch: fetch)
        return MirrorVerification.run(mirror, trusted: trusted, progress: progress)
    }
}

/// Why something could not be fetched.
package enum FetchFault: Error {
    /// The answer is larger than asked for.
    case tooLarge
    /// The server did not answer, or not as one that has it or has it not.
    case failed(String)
}

/// A mirror whose files come from somewhere else, one by one.
struct FetchedMirror: MirrorSource {
    let place: String
    /// Never: nothing is listed, and what a server says of its keys is not believed.
    let isWhole = false
    let fetch: (_ url: String, _ limit: Int) throws(FetchFault) -> [UInt8]?

    func read(_ name: String, limit: Int) throws(StoreFault) -> [UInt8]? {
        let url = place + "/" + name
        do throws(FetchFault) {
            return try fetch(url, limit)
        } catch {
            switch error {
            case .tooLarge:
                let reason = "has more than the \(limit) bytes that are expected"
                throw StoreFault(.corrupt, subject: url, reason: reason)
            case .failed(let cause):
                throw StoreFault(DiskFault(.io, .read, path: url, cause: cause))
            }
        }
    }

    func forEachName(_ visit: (String) -> Void) throws(StoreFault) {}
}
