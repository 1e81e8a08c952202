// SPDX-License-Identifier: Apache-2.0
//
// What a seal says, as a stream over all rows of the state in key order: the digest of the state,
// and two trees over some of its rows. docs/formats/seal.md. Imports TallyTypes. Fed from a
// snapshot of the state store, and by the checker from its own rows.
//
// | tree | rows | leaf input |
// |---|---|---|
// | balances | kind `volume`, of books not deleted | u32 key length, key, u32 value length, value |
// | heads | kind `book`, of books not deleted | the same |
//
// Numbers are big-endian; keys and values are the bytes of docs/formats/state.md; leaves ascend by
// key; leaf, node and root as in the tree of records (docs/formats/tree.md).

package import TallyTypes

/// Makes a seal from rows in key order.
package struct SealBuilder {
    private let deleted: Set<BookID>
    private var digest: StateDigest
    private var balances = CompactRange()
    private var heads = CompactRange()

    /// Starts a seal.
    ///
    /// - Parameter deleted: The deleted books, whose rows are left out.
    package init(deleted: Set<BookID>) {
        self.deleted = deleted
        digest = StateDigest(deleted: deleted)
    }

    /// Adds the next row; keys must ascend by their bytes (invariant 23).
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - bytes: Its canonical bytes.
    ///   - value: The canonical bytes of the value.
    /// - Returns: The leaf hash, when the row is a balance that the seal holds.
    @discardableResult
    package mutating func add(key: StateKey, _ bytes: [UInt8], value: [UInt8]) -> Digest? {
        digest.add(book: key.book, key: bytes, value: value)
        guard !deleted.contains(key.book) else { return nil }
        switch key.kind {
        case .volume:
            let leaf = Hashing.leaf(SealBuilder.leafInput(key: bytes, value: value))
            balances.append(leaf)
            return leaf
        case .book:
            heads.append(Hashing.leaf(SealBuilder.leafInput(key: bytes, value: value)))
            return nil
        case .bookName, .accountMetadata, .transactionState, .reference, .idempotency,
            .bookMetadata, .entity:
            return nil
        }
    }

    /// Ends the rows.
    ///
    /// - Parameters:
    ///   - size: The number of records.
    ///   - scalars: The canonical bytes of the scalars, without the key secrets.
    /// - Returns: The seal.
    package consuming func finish(size: UInt64, scalars: [UInt8]) -> LogSeal {
        LogSeal(
            size: size,
            stateDigest: digest.finish(scalars: scalars),
            balances: SealedRows(count: balances.size, root: balances.root),
            heads: SealedRows(count: heads.size, root: heads.root)
        )
    }

    /// What is hashed of a row.
    package static func leafInput(key: [UInt8], value: [UInt8]) -> [UInt8] {
        [key, value].flatMap { bigEndianBytes(UInt64($0.count)).suffix(4) + $0 }
    }
}
