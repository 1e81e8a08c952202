// SPDX-License-Identifier: Apache-2.0
//
// The digest of all state, read from a snapshot of the state store: what a clean stop prints, and
// what the checker computes from the records alone. May import TallyStore.

import TallyCodec
package import TallyProof
package import TallyStore
package import TallyTypes

extension StateStatement {
    /// Where a store stands as of its last flush, and the digest of what it holds.
    static func of(_ store: any StateStore) throws -> StateStatement {
        let snapshot = try store.snapshot()
        guard let marker = snapshot.marker else {
            throw StoreFault(.missing, subject: "state store", reason: "was never flushed")
        }
        let tree = try CompactRange(decoding: marker.tree)
        return StateStatement(
            head: LedgerHead(size: tree.size, root: tree.root, logIndex: marker.applied),
            digest: try StateDigest.of(snapshot, marker)
        )
    }
}

extension LogSeal {
    /// What a store holds as of its last flush, with every balance kept in files.
    ///
    /// - Throws: ``StoreFault``, ``Malformed``.
    package static func of(_ store: any StateStore, keeping files: SealFiles) throws -> LogSeal {
        let snapshot = try store.snapshot()
        guard let marker = snapshot.marker else {
            throw StoreFault(.missing, subject: "state store", reason: "was never flushed")
        }
        let size = try CompactRange(decoding: marker.tree).size
        var writer = try files.begin(size: size)
        var builder = SealBuilder(deleted: try StateDigest.deletedBooks(snapshot))
        let cursor = try snapshot.cursor(from: [])
        while let row = try cursor.next() {
            let key = try StateCodec.decodeKey(row.key)
            guard let leaf = builder.add(key: key, row.key, value: row.value) else { continue }
            try writer.append(SealBuilder.leafInput(key: row.key, value: row.value), leaf: leaf)
        }
        try writer.finish()
        return builder.finish(size: size, scalars: marker.scalars)
    }
}

extension StateDigest {
    /// The digest of a store's rows and scalars as of its last flush.
    package static func of(_ store: any StateStore) throws -> Digest {
        try StateStatement.of(store).digest
    }

    fileprivate static func of(
        _ snapshot: any StateSnapshot,
        _ marker: FlushMarker
    ) throws -> Digest {
        var digest = StateDigest(deleted: try deletedBooks(snapshot))
        let cursor = try snapshot.cursor(from: [])
        while let row = try cursor.next() {
            let key = try StateCodec.decodeKey(row.key)
            digest.add(book: key.book, key: row.key, value: row.value)
        }
        return digest.finish(scalars: marker.scalars)
    }

    fileprivate static func deletedBooks(_ snapshot: any StateSnapshot) throws -> Set<BookID> {
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
