// SPDX-License-Identifier: Apache-2.0
//
// The digest of all state of a ledger, as a stream over its rows in key order. Imports TallyTypes
// and Crypto. Computed from a snapshot of the state store, from the checker's rows, and by
// replicas: equal states give equal digests whatever the cache, the flushes or the janitor did.
//
// SHA-256 over:
//
// | part | bytes |
// |---|---|
// | each row of a book not deleted, ascending | u32 key length, key, u32 value length, value |
// | the end of the rows | FFFFFFFF |
// | the scalars | u32 length, encoded scalars without the key secrets |
//
// Numbers are big-endian. Rows of a deleted book are left out, its own row too, because a janitor
// takes them away at a time of its own; the row of its name stands under the system book and
// stays.

import struct Crypto.SHA256
package import TallyTypes

/// A digest of state rows and scalars, fed in key order.
package struct StateDigest {
    private let deleted: Set<BookID>
    private var hash = SHA256()
    private var lastKey: [UInt8] = []
    /// The number of rows that went into the digest.
    package private(set) var rows: UInt64 = 0

    /// Starts a digest.
    ///
    /// - Parameter deleted: The deleted books, whose rows are left out.
    package init(deleted: Set<BookID>) {
        self.deleted = deleted
    }

    /// Adds a row, unless its book is deleted; keys must ascend by their bytes.
    ///
    /// - Parameters:
    ///   - book: The book that the key names.
    ///   - key: The canonical bytes of the key.
    ///   - value: The canonical bytes of the value.
    package mutating func add(book: BookID, key: [UInt8], value: [UInt8]) {
        invariant(
            .i23,
            lastKey.lexicographicallyPrecedes(key),
            "state digest: a key does not ascend"
        )
        lastKey = key
        guard !deleted.contains(book) else { return }
        rows += 1
        add(framed: key)
        add(framed: value)
    }

    /// Ends the rows and returns the digest of them and the scalars.
    ///
    /// - Parameter scalars: The canonical bytes of the scalars, without the key secrets.
    /// - Returns: The digest of all state.
    package consuming func finish(scalars: [UInt8]) -> Digest {
        add(plain: [0xFF, 0xFF, 0xFF, 0xFF])
        add(framed: scalars)
        return digest(hash)
    }

    private mutating func add(framed bytes: [UInt8]) {
        add(plain: bigEndianBytes(UInt64(bytes.count)).suffix(4) + bytes)
    }

    private mutating func add(plain bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe hash.update(bufferPointer: buffer)
        }
    }
}

/// What a SHA-256 computation has arrived at, as machine words.
private func digest(_ hash: SHA256) -> Digest {
    unsafe hash.finalize().withUnsafeBytes { bytes in
        Digest(
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        )
    }
}
