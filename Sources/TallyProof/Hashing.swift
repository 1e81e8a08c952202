// SPDX-License-Identifier: Apache-2.0
//
// SHA-256, and the two hashes of the tree. Imports TallyTypes and Crypto. Everything that hashes
// in this repository calls these functions; `leaf` and `node` are the only two on the hot path, so
// that a faster implementation can replace them here and nowhere else.
//
// | hash | input |
// |---|---|
// | leaf | 00 ‖ the exact bytes of the encoded record |
// | node | 01 ‖ left (32) ‖ right (32) |
// | empty tree | nothing: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 |
//
// - Source: RFC 9162 §2.1.1.

import struct Crypto.SHA256
package import TallyTypes

/// SHA-256 and the two hashes of the tree.
package enum Hashing {
    /// The first byte of a leaf's input.
    package static let leafPrefix: UInt8 = 0
    /// The first byte of a node's input.
    package static let nodePrefix: UInt8 = 1

    /// The SHA-256 of bytes.
    package static func sha256(_ bytes: [UInt8]) -> Digest {
        unsafe bytes.withUnsafeBytes { buffer in unsafe sha256(buffer) }
    }

    /// The SHA-256 of bytes in place.
    package static func sha256(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        unsafe hash.update(bufferPointer: bytes)
        return digest(hash)
    }

    /// The SHA-256 of bytes in place.
    package static func sha256(_ bytes: Span<UInt8>) -> Digest {
        unsafe bytes.withUnsafeBytes { buffer in unsafe sha256(buffer) }
    }

    /// The leaf hash of an encoded record.
    package static func leaf(_ record: [UInt8]) -> Digest {
        unsafe record.withUnsafeBytes { buffer in unsafe leaf(buffer) }
    }

    /// The leaf hash of an encoded record in place.
    package static func leaf(_ record: UnsafeRawBufferPointer) -> Digest {
        var hash = SHA256()
        var prefix = leafPrefix
        unsafe withUnsafeBytes(of: &prefix) { buffer in
            unsafe hash.update(bufferPointer: buffer)
        }
        unsafe hash.update(bufferPointer: record)
        return digest(hash)
    }

    /// The leaf hash of a buffer that already holds the leaf prefix and then the encoded record.
    ///
    /// Saves a call into the library for each record: the writer of a bundle puts the prefix into
    /// the slot of the record's length, hashes in place, and writes the length over it.
    package static func leaf(prefixed bytes: UnsafeRawBufferPointer) -> Digest {
        invariant(
            .i20,
            unsafe bytes.first == leafPrefix,
            "a prefixed leaf starts with another byte"
        )
        return unsafe sha256(bytes)
    }

    /// The hash of a node above two hashes.
    package static func node(_ left: Digest, _ right: Digest) -> Digest {
        unsafe withUnsafeTemporaryAllocation(byteCount: 65, alignment: 8) { buffer in
            unsafe buffer.storeBytes(of: nodePrefix, as: UInt8.self)
            unsafe store(left, in: buffer, at: 1)
            unsafe store(right, in: buffer, at: 33)
            return unsafe sha256(UnsafeRawBufferPointer(buffer))
        }
    }

    private static func store(
        _ digest: Digest,
        in buffer: UnsafeMutableRawBufferPointer,
        at offset: Int
    ) {
        unsafe buffer.storeBytes(of: digest.word0.bigEndian, toByteOffset: offset, as: UInt64.self)
        unsafe buffer.storeBytes(
            of: digest.word1.bigEndian,
            toByteOffset: offset + 8,
            as: UInt64.self
        )
        unsafe buffer.storeBytes(
            of: digest.word2.bigEndian,
            toByteOffset: offset + 16,
            as: UInt64.self
        )
        unsafe buffer.storeBytes(
            of: digest.word3.bigEndian,
            toByteOffset: offset + 24,
            as: UInt64.self
        )
    }
}

/// What a SHA-256 computation has arrived at, as machine words.
func digest(_ hash: SHA256) -> Digest {
    unsafe hash.finalize().withUnsafeBytes { bytes in
        Digest(
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        )
    }
}
