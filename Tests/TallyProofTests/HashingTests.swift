// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 through libcrypto, judged by swift-crypto: every length around the block's, leaves and
// nodes.

import struct Crypto.SHA256
import TallyProof
import TallyTypes
import TestSupport
import Testing

@Suite("Hashing")
struct HashingTests {
    /// The same hash as bytes.
    private static func judge(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    @Test("whole buffers, leaves and nodes of every length up to five blocks")
    func lengths() {
        var random = SeededRandom(seed: 3)
        for count in 0...320 {
            let bytes = random.bytes(count)
            #expect(Hashing.sha256(bytes).bytes == HashingTests.judge(bytes), "\(count)")
            #expect(Hashing.leaf(bytes).bytes == HashingTests.judge([0] + bytes), "\(count)")
            let (left, right) = (Hashing.sha256(bytes), Hashing.leaf(bytes))
            let node = HashingTests.judge([1] + left.bytes + right.bytes)
            #expect(Hashing.node(left, right).bytes == node, "\(count)")
        }
    }

    @Test("one changed bit changes the hash")
    func everyBit() {
        let bytes = Array("a record".utf8)
        var seen: Set = [Hashing.leaf(bytes)]
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(seen.insert(Hashing.leaf(changed)).inserted)
        }
        #expect(seen.count == 65)
    }
}
