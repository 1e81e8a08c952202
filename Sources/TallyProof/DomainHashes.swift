// SPDX-License-Identifier: Apache-2.0
//
// Hashes under a domain of their own: the genesis of a book's chain, idempotency keys, salts.
// Imports TallyTypes and Crypto. The kernel makes them, the checker makes them again.
//
// | value | definition |
// |---|---|
// | `previous` of a first record | SHA-256("tallystick/book/v1" 0A ‖ origin ‖ 0A ‖ book id) |
// | `previous` of later records | the leaf hash of the book's previous record |
// | `idem` | SHA-256("tallystick/idem/v1" 0A ‖ book id ‖ key bytes) |
// | salt n of an entry | bytes 16n … 16n+15 of the ChaCha20 key stream under the entry's seed |
//
// Example: seed 000102…1f gives salt 0 = 18b84231ade6a6d113615c61af434e27.

import enum Crypto.ChaChaPoly
import struct Crypto.SymmetricKey
package import TallyTypes

/// The chain that each book's records form through their `previous`.
package enum BookChain {
    /// The hash that stands for "no previous record" in the first record of a book.
    package static func genesis(origin: Text, book: BookID) -> Digest {
        Hashing.sha256(
            domain("tallystick/book/v1") + origin.utf8 + [0x0A] + book.bytes
        )
    }
}

/// The hash under which a record claims an idempotency key.
package enum IdempotencyHash {
    /// The hash of a client's key in a book.
    package static func of(book: BookID, key: Text) -> Digest {
        Hashing.sha256(domain("tallystick/idem/v1") + book.bytes + key.utf8)
    }
}

/// The salts of an entry's records, in order, drawn from the seed that its plan carries.
package struct SaltStream: Sendable {
    /// The number of bytes of a seed.
    package static let seedBytes = 32
    private let key: SymmetricKey

    /// Takes the seed as a plan carries it.
    package init(seed: Digest) {
        key = SymmetricKey(data: seed.bytes)
    }

    /// Takes a seed of thirty-two bytes; nil for any other number.
    package init?(seed: [UInt8]) {
        guard seed.count == SaltStream.seedBytes else { return nil }
        key = SymmetricKey(data: seed)
    }

    /// The first `count` salts; one call serves all records of an entry.
    ///
    /// - Source: RFC 8439, nonce of twelve zero bytes, counter from 1: what sealing zero bytes with
    ///   ChaCha20-Poly1305 gives.
    package func salts(_ count: Int) -> [Salt] {
        invariant(
            .i24,
            count >= 0 && count <= Limits.ordersPerEntryMax,
            "\(count) salts for one entry"
        )
        return unsafe keyStream(16 * count).withUnsafeBytes { stream in
            (0..<count).map { number in
                unsafe Salt(word(stream, at: 16 * number), word(stream, at: 16 * number + 8))
            }
        }
    }

    private func keyStream(_ count: Int) -> [UInt8] {
        do {
            let zeros = [UInt8](repeating: 0, count: count)
            let nonce = try ChaChaPoly.Nonce(data: [UInt8](repeating: 0, count: 12))
            return try [UInt8](ChaChaPoly.seal(zeros, using: key, nonce: nonce).ciphertext)
        } catch {
            invariantFailure(.i24, "sealing \(count) zero bytes failed: \(error)")
        }
    }
}

private func domain(_ name: StaticString) -> [UInt8] {
    Array("\(name)\n".utf8)
}

private func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
    unsafe UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
}
