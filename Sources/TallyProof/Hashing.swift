// SPDX-License-Identifier: Apache-2.0
//
// SHA-256, and the two hashes of the tree. Imports TallyTypes and CTally, which calls libcrypto.
// Everything that hashes a whole buffer in this repository calls these functions; `leaf` and `node`
// are the only two on the hot path.
//
// | hash | input |
// |---|---|
// | leaf | 00 ‖ the exact bytes of the encoded record |
// | node | 01 ‖ left (32) ‖ right (32) |
// | empty tree | nothing: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 |
//
// - Source: RFC 9162 §2.1.1.

internal import CTally
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
        Digest(unsafe tally_sha256(bytes.baseAddress, bytes.count))
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
        Digest(unsafe tally_sha256_prefixed(leafPrefix, record.baseAddress, record.count))
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
        Digest(tally_sha256_node(nodePrefix, tally_digest(left), tally_digest(right)))
    }
}

extension Digest {
    @inline(__always)
    fileprivate init(_ digest: tally_digest) {
        self.init(digest.word0, digest.word1, digest.word2, digest.word3)
    }
}

extension tally_digest {
    @inline(__always)
    fileprivate init(_ digest: Digest) {
        self.init(
            word0: digest.word0,
            word1: digest.word1,
            word2: digest.word2,
            word3: digest.word3
        )
    }
}
