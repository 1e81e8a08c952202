// SPDX-License-Identifier: Apache-2.0
//
// What the routes may ask of the evidence: closures that the composition root fills in. HTTP knows
// no hash and no key. Imports TallyTypes.

package import TallyTypes

/// The signed log as the routes see it.
package struct LogPort: Sendable {
    /// A checkpoint that everybody may see.
    package struct Published: Hashable, Sendable {
        /// The number of records.
        package let size: UInt64
        /// The signed note.
        package let note: [UInt8]
        /// Another one for other bytes; letters and digits.
        package let tag: String

        /// Makes a checkpoint.
        package init(size: UInt64, note: [UInt8], tag: String) {
            self.size = size
            self.note = note
            self.tag = tag
        }
    }

    /// Where a record stands in a tree, in base64.
    package struct Inclusion: Hashable, Sendable {
        /// The leaf hash.
        package let leaf: String
        /// The hashes beside the way to the root.
        package let path: [String]

        /// Makes a proof.
        package init(leaf: String, path: [String]) {
            self.leaf = leaf
            self.path = path
        }
    }

    /// A seal with its record.
    package struct Sealed: Hashable, Sendable {
        /// What it says.
        package let seal: LogSeal
        /// The record that says it.
        package let record: RecordIndex

        /// Makes a seal.
        package init(seal: LogSeal, record: RecordIndex) {
            self.seal = seal
            self.record = record
        }
    }

    /// A witness, and how it stands.
    package struct Witness: Hashable, Sendable {
        /// Its public key.
        package let verifierKey: String
        /// What it cosigned last; nil while that is not known.
        package let size: UInt64?
        /// Why the last question to it brought nothing; nil when it did.
        package let problem: String?

        /// Makes a witness.
        package init(verifierKey: String, size: UInt64?, problem: String?) {
            self.verifierKey = verifierKey
            self.size = size
            self.problem = problem
        }
    }

    /// In which form a receipt is given.
    package enum ReceiptForm: Hashable, Sendable {
        /// `tallystick-receipt/1`.
        case json
        /// `c2sp.org/tlog-proof@v1`.
        case tlogProof
    }

    /// The public keys, as verifiers take them.
    package var verifierKeys: @Sendable () -> [String]
    /// The newest checkpoint; nil before the first.
    package var published: @Sendable () -> Published?
    /// The size that is published: 0 before the first checkpoint.
    var publishedSize: UInt64 { published().map(\.size) ?? 0 }  // nothing is published then
    /// Why nothing is signed; nil while it is.
    package var refusal: @Sendable () -> String?
    /// The witnesses that are asked, in the operator's order.
    package var witnesses: @Sendable () -> [Witness]
    /// The way from a record to the root of a published size.
    package var inclusion: @Sendable (_ index: UInt64, _ size: UInt64) async throws -> Inclusion
    /// The hashes, in base64, that show that a size is a prefix of a published one.
    package var consistency: @Sendable (_ from: UInt64, _ to: UInt64) async throws -> [String]
    /// The receipt of a record under the newest checkpoint; nil when that does not cover it.
    package var receipt: @Sendable (_ index: UInt64, ReceiptForm) async throws -> [UInt8]?
    /// Waits until a checkpoint covers a record, bounded; false when none does in time or ever.
    package var covered: @Sendable (_ index: UInt64) async -> Bool
    /// What stands beside records under the text of a digest; nil when nothing does.
    package var blob: @Sendable (String) async throws -> [UInt8]?
    /// The bytes of a tile or a bundle, by its path below the log; nil when there is none in the
    /// published size.
    package var tile: @Sendable (_ path: String) async throws -> [UInt8]?

    /// Seals the ledger as it is now, and waits for it.
    package var seal: @Sendable () async throws -> Sealed
    /// Why the newest seal of the schedule was not made; nil when it was.
    package var sealProblem: @Sendable () -> String?
    /// The receipt of a balance under the newest seal that a checkpoint covers; nil without one.
    package var balance: @Sendable (StateKey) async throws -> [UInt8]?

    /// Makes a port.
    package init(
        verifierKeys: @escaping @Sendable () -> [String],
        published: @escaping @Sendable () -> Published?,
        refusal: @escaping @Sendable () -> String?,
        witnesses: @escaping @Sendable () -> [Witness],
        inclusion: @escaping @Sendable (UInt64, UInt64) async throws -> Inclusion,
        consistency: @escaping @Sendable (UInt64, UInt64) async throws -> [String],
        receipt: @escaping @Sendable (UInt64, ReceiptForm) async throws -> [UInt8]?,
        covered: @escaping @Sendable (UInt64) async -> Bool,
        blob: @escaping @Sendable (String) async throws -> [UInt8]?,
        tile: @escaping @Sendable (String) async throws -> [UInt8]?,
        seal: @escaping @Sendable () async throws -> Sealed,
        sealProblem: @escaping @Sendable () -> String?,
        balance: @escaping @Sendable (StateKey) async throws -> [UInt8]?
    ) {
        self.verifierKeys = verifierKeys
        self.published = published
        self.refusal = refusal
        self.witnesses = witnesses
        self.inclusion = inclusion
        self.consistency = consistency
        self.receipt = receipt
        self.covered = covered
        self.blob = blob
        self.tile = tile
        self.seal = seal
        self.sealProblem = sealProblem
        self.balance = balance
    }
}
