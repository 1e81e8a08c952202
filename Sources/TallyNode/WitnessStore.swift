// SPDX-License-Identifier: Apache-2.0
//
// What a witness holds: its key, the keys of the logs that it follows, and the last checkpoint that
// it cosigned for each, docs/formats/witness.md. One thread decides and stores, and nothing is
// answered before it is durable, so that two requests at once cannot take it back. May import
// Synchronization; the witness's server calls it.

import Synchronization
package import TallyProof
import TallyStore
package import TallyTypes

/// The state of a witness in a folder.
package final class WitnessStore: Sendable {
    /// The public half of the witness's key.
    package let verifierKey: VerifierKey
    /// The keys of the logs that are followed.
    package let logKeys: [VerifierKey]
    private let signer: SignerKey
    private let disk: any Disk
    private let folder: String
    private let now: @Sendable () -> UInt64
    private let lock: any DiskLock
    private let thread = SerialThread(name: "witness")
    /// By the hex digits under which a log's checkpoint is published.
    private let stored: Mutex<[String: CosignedCheckpoint]>

    /// Opens the folder of a witness, or makes it with a new key.
    ///
    /// - Parameters:
    ///   - disk: The disk that it is on.
    ///   - folder: The folder.
    ///   - name: The name of a new key; nil for a folder that has one.
    ///   - logs: The texts of the public keys of the logs to follow.
    ///   - seed: Gives thirty-two random bytes.
    ///   - now: Seconds since 1970 UTC.
    /// - Throws: ``StoreFault`` or ``NodeFault``.
    package init(
        disk: any Disk,
        folder: String,
        name: String?,
        logs: [String],
        seed: () -> Digest,
        now: @escaping @Sendable () -> UInt64
    ) throws {
        self.disk = disk
        self.folder = folder
        self.now = now
        logKeys = try WitnessStore.keys(logs)
        do throws(DiskFault) {
            let isThere = try disk.exists(folder)
            if !isThere {
                try disk.makeDirectory(folder)
                try disk.syncDirectory(disk.folder(of: folder))
            }
            lock = try disk.lock(folder + "/LOCK")
        } catch {
            throw StoreFault(error)
        }
        signer = try WitnessStore.key(disk, folder, name, seed)
        verifierKey = signer.verifier
        var found: [String: CosignedCheckpoint] = [:]
        for origin in Set(logKeys.map(\.id.name.text)) {
            found[WitnessStore.digits(origin)] = try WitnessStore.read(
                disk,
                WitnessStore.path(folder, WitnessStore.digits(origin)),
                origin,
                logKeys,
                signer.verifier
            )
        }
        stored = Mutex(found)
    }

    /// Decides about a request, and stores what is cosigned before it returns.
    ///
    /// - Returns: The line of the witness.
    /// - Throws: ``WitnessRefusal``; ``StoreFault`` when the disk failed, and nothing is answered
    ///   then.
    package func add(_ body: [UInt8]) async throws -> [UInt8] {
        try await thread.run { [self] in
            let request: AddCheckpoint
            do throws(EvidenceRefusal) {
                request = try AddCheckpoint(body)
            } catch {
                throw WitnessRefusal.malformed(error)
            }
            let digits = WitnessStore.digits(request.origin)
            let next = try request.cosigned(
                after: stored.withLock { $0[digits] },
                keys: logKeys,
                by: signer,
                at: now()
            )
            do throws(DiskFault) {
                try disk.replace(WitnessStore.path(folder, digits), with: next.note.bytes)
            } catch {
                throw StoreFault(error)
            }
            stored.withLock { $0[digits] = next }
            return next.line
        }
    }

    /// The note that was cosigned last for a log, by the hex SHA-256 of its origin; nil when there
    /// is none.
    package func checkpoint(_ digits: String) -> [UInt8]? {
        stored.withLock { $0[digits]?.note.bytes }
    }

    /// The hex digits under which the checkpoint of a log is published.
    package static func digits(_ origin: String) -> String {
        "\(Hashing.sha256(Array(origin.utf8)))"
    }

    // MARK: - Files

    private static let keyBytesMax = 4_096

    private static func path(_ folder: String, _ digits: String) -> String {
        "\(folder)/\(digits).checkpoint"
    }

    private static func keys(_ texts: [String]) throws -> [VerifierKey] {
        var keys: [VerifierKey] = []
        for text in texts {
            do throws(EvidenceRefusal) {
                let key = try VerifierKey(text: text)
                guard key.type == .log else {
                    throw EvidenceRefusal(.keyFormat, "of a witness, not of a log")
                }
                keys.append(key)
            } catch {
                throw NodeFault(
                    .directory,
                    subject: text,
                    reason: "\(error)",
                    nextStep: "give the output of `tally keys show` of each log with --log"
                )
            }
        }
        guard !keys.isEmpty else {
            throw NodeFault(
                .directory,
                subject: "witness",
                reason: "has no log to follow",
                nextStep: "give the output of `tally keys show` of each log with --log"
            )
        }
        return keys
    }

    private static func key(
        _ disk: any Disk,
        _ folder: String,
        _ name: String?,
        _ seed: () -> Digest
    ) throws -> SignerKey {
        let path = folder + "/witness.key"
        do {
            if try disk.exists(path) {
                try LogKeys.requirePrivate(path)
                let bytes = try disk.contents(of: path, limit: ByteCount(keyBytesMax))
                let line = String(decoding: bytes.dropLast(), as: UTF8.self)
                let key = try SignerKey(text: line, type: .witness)
                guard name == nil || name == key.verifier.id.name.text else {
                    throw fault(path, "has another name, \(key.verifier.id.name.text)")
                }
                return key
            }
            let isUsed = try disk.list(folder).contains { $0.name.hasSuffix(".checkpoint") }
            guard !isUsed else { throw fault(path, "is missing: bring it back") }
            guard let name = NoteKeyName(name ?? "localhost/witness") else {
                throw fault(path, "the name is none that a key can have")
            }
            let bytes = seed().bytes
            let text = try SignerKey.text(name: name, type: .witness, seed: bytes)
            try disk.replace(path, with: Array((text + "\n").utf8))
            return try SignerKey(name: name, type: .witness, seed: bytes)
        } catch let error as DiskFault {
            throw StoreFault(error)
        } catch let error as EvidenceRefusal {
            throw fault(path, "\(error)")
        }
    }

    private static func fault(_ path: String, _ reason: String) -> NodeFault {
        NodeFault(
            .directory,
            subject: path,
            reason: reason,
            nextStep: "name the folder of this witness with --dir"
        )
    }

    private static func read(
        _ disk: any Disk,
        _ path: String,
        _ origin: String,
        _ keys: [VerifierKey],
        _ witness: VerifierKey
    ) throws(StoreFault) -> CosignedCheckpoint? {
        let bytes: [UInt8]
        do throws(DiskFault) {
            guard try disk.exists(path) else { return nil }
            bytes = try disk.contents(of: path, limit: ByteCount(SignedNote.bytesMax))
        } catch {
            throw StoreFault(error)
        }
        do throws(EvidenceRefusal) {
            return try CosignedCheckpoint(
                bytes,
                of: origin,
                keys: keys.filter { $0.id.name.text == origin },
                witness: witness
            )
        } catch {
            throw StoreFault(.corrupt, subject: path, reason: error.description)
        }
    }
}
