// SPDX-License-Identifier: Apache-2.0
//
// What an operator does to the keys of a ledger, each step recorded in it: another key beside the
// one that signs, the end of a key, and the two ways out of "nothing is signed". Called by the
// command line, on a node that it started in its own process; docs/formats/keys.md has the order
// of steps, so that each can be repeated after a crash.

import TallyCodec
import TallyProof
import TallyStore
package import TallyTypes

/// What a change of the keys did.
package struct KeyChangeResult: Sendable {
    /// The public key concerned, as text.
    package let verifierKey: String
    /// The record that says so.
    package let record: RecordIndex
}

extension Node {
    // MARK: - Rotation

    /// Introduces another key: from now on both sign.
    ///
    /// Secret first, then the record, then the public key, then the key signs. A step that was done
    /// before a crash is not done again.
    ///
    /// - Throws: ``NodeFault``, ``StoreFault`` or ``Busy``.
    package func introduceKey() async throws -> KeyChangeResult {
        let keys = signer.keys
        let held = try signingKeys()
        guard held.count < LogKeys.keysMax else {
            throw refused("\(held.count) keys sign already", "retire one with `tally keys retire`")
        }
        let next = try keys.next(named: signingName())
        let record = try await change(.introduce, next.key)
        var known = try directory.readVerifierKeys() ?? []  // a ledger that never signed has none
        if !known.contains(next.key.verifier.text) {
            known.append(next.key.verifier.text)
            try directory.writeVerifierKeys(known)
        }
        if !held.contains(where: { $0.key.verifier == next.key.verifier }) {
            try keys.write(held.map(\.text) + [next.text])
        }
        try keys.removeNext()
        return KeyChangeResult(verifierKey: next.key.verifier.text, record: record)
    }

    /// Retires a key: the others go on alone.
    ///
    /// Its public half stays, and what it signed with it.
    ///
    /// - Parameter id: The eight hexadecimal digits of its id.
    /// - Returns: The key, and the record that ends it.
    /// - Throws: ``NodeFault``, ``StoreFault`` or ``Busy``.
    package func retireKey(_ id: String) async throws -> KeyChangeResult {
        let held = try signingKeys()
        guard let leaving = held.first(where: { $0.key.verifier.idText == id }) else {
            throw refused(
                "no key with the id \(id) signs",
                "choose one of \(held.map(\.key.verifier.idText).joined(separator: ", "))"
            )
        }
        guard held.count > 1 else {
            throw refused("\(id) is the only key", "introduce another with `tally keys rotate`")
        }
        // Before the record: the key signs no tree that holds it.
        signer.drop(leaving.key.verifier)
        let record = try await change(.retire, leaving.key)
        let staying = held.filter { $0.key.verifier != leaving.key.verifier }
        try signer.keys.write(staying.map(\.text))
        return KeyChangeResult(verifierKey: leaving.key.verifier.text, record: record)
    }

    /// Writes the secrets again, encrypted when the node was given a passphrase.
    package func rewriteKeys() throws {
        try signer.keys.write(try signingKeys().map(\.text))
    }

    private func signingKeys() throws -> [(text: String, key: SignerKey)] {
        if let reason = signer.refusal {
            throw refused("nothing is signed: \(reason)", "see `tally recover --help`")
        }
        guard let held = try signer.keys.secrets() else {
            throw refused("there is no key", "start the node once")
        }
        return held
    }

    private func signingName() throws -> NoteKeyName {
        guard let name = NoteKeyName(origin) else {
            throw refused("the origin \(origin) is no name of a key", "see `tally recover --help`")
        }
        return name
    }

    /// Records a change of a key; the same change again is answered by its first record.
    private func change(_ action: LogKeyAction, _ key: SignerKey) async throws -> RecordIndex {
        guard let publicKey = Digest(key.verifier.publicKey) else {
            throw refused("a public key has not thirty-two bytes", "report it")
        }
        return try await record(
            .changeLogKey(LogKeyChange(action: action, publicKey: publicKey)),
            once: Text("log.key \(action.word) \(publicKey)")
        )
    }

    /// Submits one order of the system book and waits until it is durable.
    func record(_ order: Order, once key: Text?) async throws -> RecordIndex {
        let request = Request(book: nil, order: order, idempotencyKey: key)
        let answer = try await sequencer.submit(.groups([[request]]))
        guard case .groups(let groups) = answer, let first = groups.first?.first else {
            throw refused("the order has no answer", "report it")
        }
        let record: Record =
            switch first {
            case .record(let record), .replay(let record): record
            }
        if case .refused(let refusal) = record.outcome {
            throw refused(
                "the order was refused for reason \(refusal.number) at record \(record.index)",
                "see docs/formats/refusals.md"
            )
        }
        return record.index
    }

    private func refused(_ reason: String, _ nextStep: String) -> NodeFault {
        NodeFault(.directory, subject: signer.keys.folder, reason: reason, nextStep: nextStep)
    }

    // MARK: - Ways out of "nothing is signed"

    /// Makes the guard again that was lost, from the largest checkpoint that anybody has.
    ///
    /// Refused unless this ledger holds all that the checkpoint counts, with the same root, and
    /// unless a guard that is there knows of nothing larger.
    ///
    /// - Parameter note: The signed note: of a witness, a mirror, a receipt.
    /// - Throws: ``NodeFault``, ``StoreFault``, ``EvidenceRefusal``.
    /// - Returns: What the guard says now.
    package func restoreGuard(
        from note: [UInt8]
    ) async throws -> (size: UInt64, root: Digest) {
        try signer.requireLock()
        let last = try Checkpoint.open(try SignedNote(note), of: origin, keys: try knownKeys())
        if let held = try signer.keys.guardHeld(), held.origin == origin, held.size > last.size {
            throw refused(
                "the guard knows of \(held.size) signed records, the checkpoint of \(last.size)",
                "bring the newest checkpoint, or end the origin with --new-origin"
            )
        }
        let size = await sequencer.currentHead().size
        guard last.size <= size else {
            throw refused(
                "\(last.size) records were signed, and this ledger has \(size)",
                "restore a newer backup or mirror, or end the origin with --new-origin"
            )
        }
        let root = try await records.onFiles { try $0.tree.root(size: last.size) }
        guard root == last.root else {
            throw refused(
                "this ledger has another root at \(last.size) records: it went another way",
                "end the origin with --new-origin"
            )
        }
        signer.end("the guard is made again")
        try signer.keys.write(LogGuard(origin: origin, size: last.size, root: last.root))
        return (last.size, last.root)
    }

    /// Ends the origin: the ledger goes on under another, with another key, and says so first.
    ///
    /// - Parameters:
    ///   - name: The new origin.
    ///   - note: The largest checkpoint that anybody has under the old one, when it is larger than
    ///     what the guard knows.
    /// - Returns: The new key, and the record that names the new origin.
    /// - Throws: ``NodeFault``, ``StoreFault``, ``EvidenceRefusal`` or ``Busy``.
    package func succeed(as name: String, last note: [UInt8]?) async throws -> KeyChangeResult {
        guard let keyName = NoteKeyName(name), name.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else { throw refused("\(name) is no name of a key", "use printable ASCII without blanks") }
        try signer.requireLock()
        signer.end("the origin \(origin) ends")
        let index: RecordIndex
        if name == origin {
            index = try await successionRecord()
        } else {
            index = try await record(.succeedLog(try succession(to: name, note)), once: nil)
        }
        let key = try signer.keys.begin(keyName)
        var known = try directory.readVerifierKeys() ?? []  // a ledger that never signed has none
        if !known.contains(key.text) {
            known.append(key.text)
            try directory.writeVerifierKeys(known)
        }
        return KeyChangeResult(verifierKey: key.text, record: index)
    }

    /// The public keys that the directory names: none opens no note.
    private func knownKeys() throws -> [VerifierKey] {
        let lines = try directory.readVerifierKeys() ?? []  // a ledger that never signed has none
        return try lines.map { try VerifierKey(text: $0) }
    }

    /// What was signed last under the origin that ends: the larger of guard and given checkpoint.
    private func succession(to name: String, _ note: [UInt8]?) throws -> LogSuccession {
        let known = try knownKeys()
        var last: (size: UInt64, root: Digest, note: [UInt8]?) = (0, CompactRange.emptyRoot, nil)
        if let held = try signer.keys.guardHeld(), held.origin == origin {
            last = (held.size, held.root, nil)
        }
        for bytes in [try directory.readCheckpoint(), note].compactMap({ $0 }) {
            let checkpoint: Checkpoint
            do throws(EvidenceRefusal) {
                checkpoint = try Checkpoint.open(try SignedNote(bytes), of: origin, keys: known)
            } catch {
                if bytes == note { throw error }
                continue  // the directory's own, of another origin or damaged: verify names it
            }
            if checkpoint.size >= last.size {
                last = (checkpoint.size, checkpoint.root, bytes)
            }
        }
        return LogSuccession(
            origin: Text(name),
            lastSize: last.size,
            lastRoot: last.root,
            lastNote: last.note.flatMap { Text(utf8: $0) }
        )
    }

    /// The record that gave the ledger the origin that it has, when it is among the last ones.
    private func successionRecord() async throws -> RecordIndex {
        var index = await sequencer.currentHead().size
        while index > 0 {
            index -= 1
            guard let found = try await records.record(RecordIndex(index)),
                case .whole(let record) = try RecordCodec.parse(found.leaf[...]),
                case .succeedLog(let succession) = record.order, record.isCommitted,
                succession.origin == Text(origin)
            else { continue }
            return record.index
        }
        throw refused("\(origin) is the origin since the beginning", "name another origin")
    }
}
