// SPDX-License-Identifier: Apache-2.0
//
// Every number that stands in bytes on a disk or on a wire, in one place. Imports the data types
// only; read by every codec, by the store's format gate and by docs/formats/registry.md. A number
// is never reused: what is removed stays here as reserved. A snapshot test pins this file; a change
// of a number's meaning asks for a new number, a new golden vector and a line in the changelog.

package import TallyTypes

/// The registry of all format numbers.
package enum FormatRegistry {
    /// The first item of a record; docs/formats/record.md.
    package static let record: UInt64 = 1
    /// The first byte of an entry of the replicated log.
    package static let entry: UInt8 = 1
    /// The first byte of every key of the state; docs/formats/state.md.
    package static let stateKey: UInt8 = 1
    /// The first item of the row of the ledger's scalars; docs/formats/state.md.
    package static let scalars: UInt64 = 1
    /// The frame around an entry in a segment of the embedded log.
    package static let logFrame: UInt8 = 1
    /// The header of a file of records.
    package static let recordFile: UInt8 = 1
    /// The image of the cache that a flush writes.
    package static let cacheImage: UInt8 = 1
    /// The marker that says with which formats a data directory was written.
    package static let storeMarker: UInt8 = 1
    /// The binary batch of transfers; docs/formats/batch.md.
    package static let batch: UInt8 = 1

    /// The first item of the row under a key of each kind.
    package static func stateValue(_ kind: StateKeyKind) -> UInt64 {
        switch kind {
        case .book: 1
        case .bookName: 1
        case .volume: 1
        case .accountMetadata: 1
        case .transactionState: 1
        case .reference: 1
        case .idempotency: 1
        case .bookMetadata: 1
        case .entity: 1
        }
    }

    /// Keys of a record's payload; those in no list are free, reserved ones are refused.
    package enum PayloadKey {
        /// The order as asked.
        package static let order: UInt64 = 0
        /// The outcome.
        package static let outcome: UInt64 = 1
        /// Reserved for sealed fields.
        package static let sealedFields: UInt64 = 2
        /// Who asked.
        package static let actor: UInt64 = 3
        /// Position and count within a group.
        package static let group: UInt64 = 4
        /// The digest of a batch's bytes.
        package static let batch: UInt64 = 5
        /// Position and count within a batch.
        package static let batchPosition: UInt64 = 6
        /// Instead of the order: length and digest of the blob that holds it.
        package static let orderBlob: UInt64 = 7
        /// Instead of the outcome: length and digest of the blob that holds it.
        package static let outcomeBlob: UInt64 = 8
    }

    /// Numbers of orders: the kind in an entry, the word in a record.
    package static var orders: [(number: UInt8, word: String)] {
        OrderKind.allCases.map { ($0.rawValue, $0.word) }
    }
}
