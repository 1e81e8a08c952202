// SPDX-License-Identifier: Apache-2.0
//
// Signs what the ledger is, and never two things that contradict each other. Called on the thread
// that syncs records, after they and the tiles are durable: guard, then signature, then the
// published file. specs: evidence §6.
//
// It signs only a size above the guard's, and only when the tree of its own hashes has the guard's
// root at the guard's size; or the guard's own size and root again. Anything else is a ledger that
// was restored from an older copy, or copied: nothing is signed, and the reason is said.

import Synchronization
package import TallyProof
package import TallyStore
package import TallyTypes

/// A checkpoint that everybody may see.
package struct PublishedCheckpoint: Hashable, Sendable {
    /// What it says.
    package let checkpoint: Checkpoint
    /// The signed note.
    package let note: [UInt8]
}

/// The signer of one ledger.
package final class LogSigner: Sendable {
    private struct State {
        /// The keys that sign; none when nothing is signed.
        var signers: [SignerKey] = []
        var held: LogGuard?
        var lock: (any DiskLock)?
        var published: PublishedCheckpoint?
        var refusal: String?
    }

    /// The ledger's name.
    package let origin: String
    /// The public keys that the directory names.
    package let verifierKeys: [String]
    /// Where its keys are kept.
    let keys: LogKeys
    private let directory: DataDirectory
    private let records: RecordFiles
    private let state: Mutex<State>
    /// Tells those who wait for a checkpoint.
    package let publication = Publication()

    /// Opens the keys of a ledger.
    ///
    /// - Throws: ``StoreFault`` or ``NodeFault``.
    init(
        _ keys: LogKeys,
        of origin: String,
        _ directory: DataDirectory,
        records: RecordFiles
    ) throws {
        self.origin = origin
        self.directory = directory
        self.records = records
        self.keys = keys
        switch try keys.open(of: origin, directory) {
        case .keys(let signers, let held, let lock):
            state = Mutex(State(signers: signers, held: held, lock: lock))
        case .none(let reason):
            state = Mutex(State(refusal: reason))
        }
        verifierKeys = try directory.readVerifierKeys() ?? []  // a ledger that never signed
        let earlier = try earlierCheckpoint()
        state.withLock { $0.published = earlier }
        if let earlier { publication.reached(earlier.checkpoint.size) }
        if refusal != nil { publication.end() }
    }

    /// The checkpoint that the directory holds, when it is one of this ledger as it is.
    ///
    /// It stays published also when nothing more is signed. Verify says what is wrong with any
    /// other.
    private func earlierCheckpoint() throws(StoreFault) -> PublishedCheckpoint? {
        guard let note = try directory.readCheckpoint() else { return nil }
        let checkpoint: Checkpoint
        do throws(EvidenceRefusal) {
            var keys: [VerifierKey] = []
            for text in verifierKeys { keys.append(try VerifierKey(text: text)) }
            checkpoint = try Checkpoint.open(try SignedNote(note), of: origin, keys: keys)
        } catch {
            return nil  // the next signature replaces it
        }
        guard checkpoint.size <= records.count.rawValue,
            try records.tree.root(size: checkpoint.size) == checkpoint.root
        else { return nil }
        return PublishedCheckpoint(checkpoint: checkpoint, note: note)
    }

    /// Signs no more with one of the keys; the others go on.
    func drop(_ key: VerifierKey) {
        state.withLock { $0.signers.removeAll { $0.verifier == key } }
    }

    /// Sees to it that nobody else signs with the keys while they are changed.
    ///
    /// - Throws: ``NodeFault`` when another process has them, ``StoreFault``.
    func requireLock() throws {
        if state.withLock({ $0.lock != nil }) { return }
        guard let lock = try keys.lock() else {
            throw NodeFault(
                .directory,
                subject: keys.folder,
                reason: "another process signs with the keys in it",
                nextStep: "stop that one first"
            )
        }
        state.withLock { $0.lock = lock }
    }

    /// Signs nothing from here on, and says why.
    func end(_ reason: String) {
        state.withLock { if $0.refusal == nil { $0.refusal = reason } }
        publication.end()
    }

    /// Lets go of the key; nothing is signed afterwards.
    package func close() {
        state.withLock { state in
            state.lock = nil
            if state.refusal == nil { state.refusal = "the node has stopped" }
        }
        publication.end()
    }

    /// The size that was signed last; 0 when nothing was, or there is no key.
    var guarded: UInt64 { state.withLock { $0.held?.size ?? 0 } }

    /// Adds the word of a witness to the published checkpoint, unless a newer one is published.
    ///
    /// Called on the thread that signs, so that no signature comes between.
    /// - Throws: ``StoreFault``; the node stops.
    func add(_ line: SignedNote.Line, to checkpoint: Checkpoint) throws(StoreFault) {
        guard let published, published.checkpoint == checkpoint else { return }
        let note: SignedNote
        do throws(EvidenceRefusal) {
            let old = try SignedNote(published.note)
            // The words of one witness differ in their time: the newest stays.
            note = SignedNote(text: old.text, lines: old.lines.filter { $0.id != line.id } + [line])
        } catch {
            throw StoreFault(.engine, subject: "checkpoint", reason: error.description)
        }
        try directory.writeCheckpoint(note.bytes)
        state.withLock {
            $0.published = PublishedCheckpoint(checkpoint: checkpoint, note: note.bytes)
        }
    }

    /// The newest checkpoint; nil before the first.
    package var published: PublishedCheckpoint? { state.withLock { $0.published } }

    /// Why nothing is signed; nil while it is.
    package var refusal: String? { state.withLock { $0.refusal } }

    /// What start-up found, in one line.
    var line: String {
        if let refusal { return "evidence: nothing is signed: \(refusal)" }
        let signed =
            published.map { "\($0.checkpoint.size) records signed" } ?? "nothing signed yet"
        return "evidence: keys \(verifierKeys.joined(separator: " ")), \(signed)"
    }

    /// Signs a position whose records and tiles are durable, and publishes it.
    ///
    /// - Throws: ``StoreFault``; the node stops. A position that must not be signed is no fault.
    package func sign(_ head: LedgerHead) throws(StoreFault) {
        let (signers, held, published, refusal) = state.withLock {
            ($0.signers, $0.held, $0.published, $0.refusal)
        }
        guard !signers.isEmpty, let held, refusal == nil, head.size > 0
        else { return }
        guard try guardOnDisk() == held.bytes else {
            throw StoreFault(
                .corrupt,
                subject: keys.guardPath,
                reason: "was changed by somebody else while this node signs"
            )
        }
        if let reason = try objection(to: head, held) {
            end(reason)
            return
        }
        if held.size == head.size, published?.checkpoint.size == head.size { return }
        guard try records.tree.root(size: head.size) == head.root else {
            throw StoreFault(
                .corrupt,
                subject: records.tiles.folder,
                reason: "gives another root of \(head.size) records than the ledger has; "
                    + "remove the folder, a start makes it again"
            )
        }
        let checkpoint = Checkpoint(origin: origin, size: head.size, root: head.root)
        let next = LogGuard(origin: origin, size: head.size, root: head.root)
        do throws(DiskFault) {
            try directory.disk.replace(keys.guardPath, with: next.bytes)
        } catch {
            throw StoreFault(error)
        }
        let note = try signed(checkpoint, by: signers)
        try SavedCheckpoints(directory).save(note, size: head.size)
        try directory.writeCheckpoint(note)
        state.withLock { state in
            state.held = next
            state.published = PublishedCheckpoint(checkpoint: checkpoint, note: note)
        }
        publication.reached(head.size)
    }

    private func guardOnDisk() throws(StoreFault) -> [UInt8] {
        do throws(DiskFault) {
            return try directory.disk.contents(of: keys.guardPath, limit: ByteCount(4_096))
        } catch {
            throw StoreFault(error)
        }
    }

    /// Why a position may not be signed.
    private func objection(to head: LedgerHead, _ held: LogGuard) throws(StoreFault) -> String? {
        let signed = "\(held.size) records with root \(held.root) were signed before"
        if held.size > head.size {
            return "\(signed), and this ledger has \(head.size): it is an older copy"
        }
        let root = held.size == head.size ? head.root : try records.tree.root(size: held.size)
        guard root == held.root else {
            return "\(signed), and this ledger has another root there: it went another way"
        }
        return nil
    }

    /// The note, with a line of each key that signs.
    private func signed(
        _ checkpoint: Checkpoint,
        by signers: [SignerKey]
    ) throws(StoreFault) -> [UInt8] {
        do throws(EvidenceRefusal) {
            let text = checkpoint.text
            var lines: [SignedNote.Line] = []
            for key in signers { lines.append(try SignedNote.line(signing: text, by: key)) }
            return SignedNote(text: text, lines: lines).bytes
        } catch {
            throw StoreFault(.engine, subject: "checkpoint", reason: error.description)
        }
    }
}
