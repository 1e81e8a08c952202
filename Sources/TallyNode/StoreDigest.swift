// SPDX-License-Identifier: Apache-2.0
//
// What a snapshot of the state store says of all state: its digest, which a clean stop prints, and
// a seal. The checker computes the same from the records alone. May import TallyStore.

import TallyCodec
package import TallyProof
package import TallyStore
package import TallyTypes

extension StateStatement {
    /// Where a store stands as of its last flush, and the digest of what it holds.
    static func of(_ store: any StateStore) throws -> StateStatement {
        let walk = try StoreWalk(store)
        var digest = StateDigest(deleted: try walk.deletedBooks())
        try walk.forEachRow { key, row in
            digest.add(book: key.book, key: row.key, value: row.value)
        }
        return StateStatement(
            head: LedgerHead(
                size: walk.tree.size,
                root: walk.tree.root,
                logIndex: walk.marker.applied
            ),
            digest: digest.finish(scalars: walk.marker.scalars)
        )
    }
}

extension StateDigest {
    /// The digest of a store's rows and scalars as of its last flush.
    package static func of(_ store: any StateStore) throws -> Digest {
        try StateStatement.of(store).digest
    }
}

extension LogSeal {
    /// What a store holds as of its last flush, with every balance kept in files.
    ///
    /// - Throws: ``StoreFault``, ``Malformed``.
    package static func of(_ store: any StateStore, keeping files: SealFiles) throws -> LogSeal {
        let walk = try StoreWalk(store)
        var writer = try files.begin(size: walk.tree.size)
        var builder = SealBuilder(deleted: try walk.deletedBooks())
        try walk.forEachRow { key, row in
            guard let leaf = builder.add(key: key, row.key, value: row.value) else { return }
            try writer.append(SealBuilder.leafInput(key: row.key, value: row.value), leaf: leaf)
        }
        try writer.finish()
        return builder.finish(size: walk.tree.size, scalars: walk.marker.scalars)
    }
}

/// A snapshot of a store as of its last flush.
private struct StoreWalk {
    let snapshot: any StateSnapshot
    let marker: FlushMarker
    let tree: CompactRange

    init(_ store: any StateStore) throws {
        snapshot = try store.snapshot()
        guard let marker = snapshot.marker else {
            throw StoreFault(.missing, subject: "state store", reason: "was never flushed")
        }
        self.marker = marker
        tree = try CompactRange(decoding: marker.tree)
    }

    /// Calls the body with each row, ascending by key.
    func forEachRow(_ body: (StateKey, StateRow) throws -> Void) throws {
        let cursor = try snapshot.cursor(from: [])
        while let row = try cursor.next() { try body(try StateCodec.decodeKey(row.key), row) }
    }

    func deletedBooks() throws -> Set<BookID> {
        let prefix: [UInt8] = [FormatRegistry.stateKey, StateKeyKind.book.rawValue]
        let cursor = try snapshot.cursor(from: prefix)
        var deleted: Set<BookID> = []
        while let row = try cursor.next(), row.key.starts(with: prefix) {
            let key = try StateCodec.decodeKey(row.key)
            if case .book(let book) = try StateCodec.decodeValue(kind: .book, row.value),
                book.isDeleted
            {
                deleted.insert(key.book)
            }
        }
        return deleted
    }
}
