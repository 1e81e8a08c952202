// SPDX-License-Identifier: Apache-2.0
//
// The signed notes that a verification starts from: the newest checkpoint, the saved ones, and one
// that the verifier kept from an earlier day. Called by the verifications of data directories and
// of mirrors. specs: evidence §5.

import TallyChecker
import TallyProof
import TallyStore
import TallyTypes

/// Something is wrong: the first thing.
struct Refuted: Error {
    let finding: Finding

    init(_ finding: Finding) { self.finding = finding }

    init(_ reason: Reason, _ detail: String, file: String) {
        finding = Finding(reason, detail, file: file)
    }

    /// The same words as the parser's.
    init(_ refusal: EvidenceRefusal, file: String) {
        let reason = Reason(rawValue: refusal.code.rawValue) ?? .noteFormat  // codes of other kinds
        self.init(reason, refusal.reason, file: file)
    }
}

/// What a verifier brings along: it did not come with what is verified.
package struct TrustedEvidence: Sendable {
    /// Public keys, one each, as text; nil when none were given.
    package var keys: [String]?
    /// A signed note that the verifier kept from an earlier day.
    package var since: [UInt8]?

    /// Makes the set.
    package init(keys: [String]? = nil, since: [UInt8]? = nil) {
        self.keys = keys
        self.since = since
    }
}

/// The keys of a ledger, and what they signed.
struct SignedHeads {
    let keys: [VerifierKey]

    /// Reads keys; the name of each is the origin that it signs for.
    init(_ lines: [String], file: String) throws(Refuted) {
        var keys: [VerifierKey] = []
        do throws(EvidenceRefusal) {
            for line in lines { keys.append(try VerifierKey(text: line)) }
            guard !keys.isEmpty else { throw EvidenceRefusal(.keyFormat, "names no key") }
        } catch {
            throw Refuted(error, file: file)
        }
        self.keys = keys
    }

    /// Opens a note that one of the keys must have signed.
    func open(_ note: [UInt8], file: String) throws(Refuted) -> Checkpoint {
        do throws(EvidenceRefusal) {
            return try Checkpoint.open(try SignedNote(note), byAnyOf: keys)
        } catch {
            throw Refuted(error, file: file)
        }
    }

    /// Opens a saved checkpoint, which says the size that it is named by.
    func saved(_ note: [UInt8], size: UInt64, file: String) throws(Refuted) -> TreeHead {
        let checkpoint = try open(note, file: file)
        guard checkpoint.size == size else {
            let detail = "it counts \(checkpoint.size) records, and its name says \(size)"
            throw Refuted(.checkpointFormat, detail, file: file)
        }
        return TreeHead(
            size: size,
            root: checkpoint.root,
            source: MirrorLayout.saved(size),
            reason: .fork,
            file: file
        )
    }

    /// Compares a checkpoint of an earlier day with what the ledger says now.
    ///
    /// - Returns: What the replay must confirm, when it is a smaller one.
    func since(_ note: [UInt8], heads: [TreeHead]) throws(Refuted) -> TreeHead? {
        let file = "the checkpoint given with --since"
        let kept = try open(note, file: file)
        let size = heads.map(\.size).max() ?? 0  // a ledger that says nothing has nothing
        guard kept.size <= size else {
            let detail = "\(kept.size) records were signed, and there are \(size)"
            throw Refuted(.rollback, detail, file: file)
        }
        if let same = heads.first(where: { $0.size == kept.size }) {
            guard same.root == kept.root else {
                let detail =
                    "root \(kept.root) of \(kept.size) records, \(same.source) gives "
                    + "\(same.root): two notes that contradict each other"
                throw Refuted(.splitView, detail, file: file)
            }
        }
        return TreeHead(
            size: kept.size,
            root: kept.root,
            source: file,
            reason: .fork,
            file: file
        )
    }
}
