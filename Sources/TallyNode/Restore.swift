// SPDX-License-Identifier: Apache-2.0
//
// `tally backup restore`: makes a data directory from a backup. Every record is verified on its
// way, and the rows of the state are those that the checker computes: nothing is taken from the
// ledger's own state. The last file written is FORMAT, so a restore that did not end leaves no
// ledger. Keys and guard are in no backup: docs/operating/backup.md.

import TallyChecker
import TallyCodec
import TallyKernel
import TallyLog
import TallyProof
package import TallyStore
package import TallyTypes

/// What a restore made.
package struct RestoreOutcome: Hashable, Sendable {
    /// Records of the restored ledger.
    package let records: UInt64
    /// Records of the backup.
    package let available: UInt64
    /// The root over the restored records.
    package let root: Digest
    /// The digest of the restored state.
    package let stateDigest: Digest
    /// Records that a checkpoint in the restored ledger covers; nil without one.
    package let signed: UInt64?
    /// What the verification noted.
    package let notes: [String]
}

/// Makes a data directory from a mirror.
package struct Restore {
    private let source: any MirrorSource
    private let directory: DataDirectory
    private let secret: Digest
    private let log: EmbeddedLogConfiguration

    /// Restores a backup.
    ///
    /// - Parameters:
    ///   - source: The mirror; it is verified as a whole, also when fewer records are taken.
    ///   - data: A missing or empty folder.
    ///   - point: Until when.
    ///   - trusted: Keys and an earlier checkpoint that did not come from the mirror.
    ///   - disk: The disk of the new directory.
    ///   - random: Gives random bytes, for the secrets of the ledger's keys in memory.
    ///   - progress: Told of records done and records in all, now and then.
    /// - Returns: What was made.
    /// - Throws: ``NodeFault`` when the mirror is refuted; ``StoreFault`` or ``LogFault``. No
    ///   ledger is left behind then.
    package static func run(
        _ source: any MirrorSource,
        to data: String,
        until point: PointInTime = .end,
        trusted: TrustedEvidence = TrustedEvidence(),
        disk: any Disk,
        random: () -> Digest,
        progress: @escaping (UInt64, UInt64) -> Void = { _, _ in }
    ) throws -> RestoreOutcome {
        var verification = MirrorVerification(source, trusted, progress)
        verification.open()
        try requireOpened(verification, source)
        let end = RestoreEnd(source, size: verification.size) { [verification] number in
            verification.isFull(number)
        }
        let count = try end.count(until: point)
        let restore = Restore(
            source: source,
            directory: try DataDirectory(disk: disk, path: data, mode: .restore),
            secret: random(),
            log: EmbeddedLogConfiguration(salt: random().word0)
        )
        return try restore.run(&verification, count)
    }

    private static func requireOpened(
        _ verification: MirrorVerification,
        _ source: any MirrorSource
    ) throws {
        if let finding = verification.firstFinding { throw refused(source, finding) }
        guard verification.size > 0 else {
            throw NodeFault(
                .directory,
                subject: source.place,
                reason: "holds no ledger: neither a checkpoint nor a head",
                nextStep: "name a backup"
            )
        }
    }

    private static func refused(_ source: any MirrorSource, _ finding: Finding) -> NodeFault {
        NodeFault(
            .corrupt,
            subject: source.place,
            reason: "is refuted: \(finding.line)",
            nextStep: "take another backup; what was restored of this one is no ledger, remove it"
        )
    }

    private func run(
        _ verification: inout MirrorVerification,
        _ count: UInt64
    ) throws -> RestoreOutcome {
        let files = try recordFiles()
        var settled: (root: Digest, digest: Digest)?
        let sink = MirrorSink(count: count) { records, leaves in
            try take(records, leaves, into: files)
        } settle: { checker in
            guard let digest = checker.stateDigest() else { return }
            try files.sync()
            try writeState(checker)
            settled = (checker.root, digest)
        }
        let report: Report
        do {
            report = try verification.verify(into: sink)
        } catch let fault as SinkFault {
            throw fault.cause
        }
        if let finding = report.firstFinding { throw Restore.refused(source, finding) }
        guard let settled else { throw open(report) }
        let missing = report.checks.filter { $0.verdict != .ok && $0.name != "checkpoint" }
        guard missing.isEmpty else { throw open(report) }
        let signed = try writeHeads(verification, count, settled.root)
        // Sums say that the last stop was clean, and after one there is a checkpoint.
        if signed != nil { try directory.writeSums() }
        try directory.publish()
        directory.unlock()
        return RestoreOutcome(
            records: count,
            available: report.records,
            root: settled.root,
            stateDigest: settled.digest,
            signed: signed,
            notes: report.notes
        )
    }

    private func open(_ report: Report) -> NodeFault {
        NodeFault(
            .corrupt,
            subject: source.place,
            reason: "could not be verified: " + report.lines.joined(separator: "; "),
            nextStep: "remove \(directory.path), which is no ledger, and try again"
        )
    }

    // MARK: - Records

    private func recordFiles() throws -> RecordFiles {
        try RecordReplay(
            disk: directory.disk,
            directory: directory.records,
            flushed: .zero
        )
        .mend { _, _ throws(StoreFault) in nil }
    }

    private func take(
        _ records: [ArraySlice<UInt8>],
        _ leaves: [Digest],
        into files: RecordFiles
    ) throws {
        var framed: [UInt8] = []
        var positions: [RecordPosition] = []
        var blobs: [Blob] = []
        let first = files.count
        for (offset, bytes) in records.enumerated() {
            framed += [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
            let parsed = try RecordCodec.parse(bytes)
            let record = try parsed.completed { reference throws(StoreFault) in
                let blob = try MirrorBundle.blob(source, reference)
                blobs.append(Blob(blob, digest: reference.digest))
                return blob
            }
            guard case .committed(.transaction(let effects)) = record.outcome else { continue }
            positions.append(
                RecordPosition(
                    book: record.book,
                    transaction: effects.id,
                    record: RecordIndex(first.rawValue + UInt64(offset))
                )
            )
        }
        try files.append(
            framed.span,
            first: first,
            positions: positions,
            leaves: leaves,
            blobs: blobs
        )
    }

    // MARK: - State

    /// Rows of one write; all writes together are nothing until FORMAT is there.
    private static let rowsPerFlush = 100_000

    /// The index in the new log as of which the state is: no entry of the old log that made these
    /// records had a larger one.
    private func applied(_ size: UInt64) -> LogIndex { LogIndex(size) }

    private func writeState(_ checker: Checker) throws {
        let applied = applied(checker.size)
        let scalars = checker.scalars
        let payload = CacheImageCodec.empty(
            entriesPerGeneration: scalars.entriesPerGeneration,
            applied: applied
        )
        let images = CacheImages(disk: directory.disk, directory: directory.image)
        let marker = FlushMarker(
            applied: applied,
            scalars: StateCodec.encodeScalars(scalars),
            secrets: KeySecrets(secret).words.bytes,
            tree: checker.compactRange.bytes,
            image: try images.write([payload], applied: applied)
        )
        let store = try RocksStateStore(path: directory.state)
        var rows = FlushRows()
        for (key, value) in checker.rows() {
            rows.put(StateCodec.encodeKey(key).span, StateCodec.encodeValue(value).span)
            guard rows.count == Restore.rowsPerFlush else { continue }
            rows.sort()
            try store.flush(FlushBatch(rows: rows, marker: marker))
            rows = FlushRows()
        }
        rows.sort()
        try store.flush(FlushBatch(rows: rows, marker: marker))
        try store.close()
        let log = EmbeddedLog(
            disk: directory.disk,
            directory: directory.log,
            configuration: log
        )
        try log.begin(after: applied)
    }

    // MARK: - What was signed

    /// Head, public keys, and the checkpoints that cover no more than was restored.
    private func writeHeads(
        _ verification: MirrorVerification,
        _ count: UInt64,
        _ root: Digest
    ) throws -> UInt64? {
        try directory.write(Head(size: count, root: root, log: applied(count)))
        if let keys = try verification.keyLines() { try directory.writeVerifierKeys(keys) }
        let folder = directory.path + "/checkpoints"
        var newest: (size: UInt64, note: [UInt8])?
        for (size, name) in verification.checkpoints where size <= count {
            guard let note = try source.read(name, limit: MirrorLayout.noteBytesMax) else {
                let subject = source.place + "/" + name
                throw StoreFault(.missing, subject: subject, reason: "was there a moment before")
            }
            if size >= newest?.size ?? 0 { newest = (size, note) }  // nothing is older than none
            guard name != "checkpoint" else { continue }
            let isThere = try directory.disk.exists(folder)
            if !isThere { try directory.disk.makeDirectory(folder) }
            try directory.disk.replace(directory.path + "/" + name, with: note)
        }
        if let newest { try directory.writeCheckpoint(newest.note) }
        return newest?.size
    }
}
