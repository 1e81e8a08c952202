// SPDX-License-Identifier: Apache-2.0
//
// Why evidence from outside is not accepted: one code for each check, the words that
// `tally verify` prints. Imports nothing; every parser of this module throws it.

/// Why a note, a checkpoint, a key or a tile is not accepted.
package struct EvidenceRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The check that said no.
    package enum Code: String, CaseIterable, Hashable, Sendable {
        /// The text of a verifier key, or its parts.
        case keyFormat = "KEY_FORMAT"
        /// The form of a note.
        case noteFormat = "NOTE_FORMAT"
        /// No known key signed, or a known key's signature fails.
        case signature = "SIGNATURE"
        /// A known witness's cosignature fails.
        case cosignature = "COSIGNATURE"
        /// A checkpoint of another log.
        case origin = "ORIGIN"
        /// The form of a checkpoint.
        case checkpointFormat = "CHECKPOINT_FORMAT"
        /// The form of a receipt.
        case receiptFormat = "RECEIPT_FORMAT"
        /// A member that is not canonical base64.
        case base64 = "BASE64"
        /// Too few witnesses, or not known ones.
        case witnessPolicy = "WITNESS_POLICY"
        /// The path does not lead from the record to the root.
        case receiptProof = "RECEIPT_PROOF"
        /// The bytes of a record are not canonical.
        case recordEncoding = "RECORD_ENCODING"
        /// A record without the items of one.
        case recordShape = "RECORD_SHAPE"
        /// A record at another index.
        case recordIndex = "RECORD_INDEX"
        /// A disclosed value that the record does not commit to.
        case opening = "OPENING"
        /// A balance that the seal does not hold, or neighbours that show nothing.
        case balanceProof = "BALANCE_PROOF"
        /// Records that are not a whole run of a book.
        case bookProof = "BOOK_PROOF"
        /// The form of a request to a witness.
        case witnessRequest = "WITNESS_REQUEST"
        /// The form of a fork report.
        case forkFormat = "FORK_FORMAT"
        /// A fork report whose two sides do not contradict each other.
        case forkProof = "FORK_PROOF"
        /// A path that names no tile.
        case tilePath = "TILE_PATH"
        /// A bundle that is not exactly its records.
        case bundle = "BUNDLE"
    }

    /// The check that said no.
    package let code: Code
    /// What is wrong, in words, without the content.
    package let reason: String

    /// Makes a refusal.
    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// One line.
    package var description: String { "\(code.rawValue): \(reason)" }
}
