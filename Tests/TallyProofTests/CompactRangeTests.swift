// SPDX-License-Identifier: Apache-2.0
//
// The compact range against the vectors and against the literal tree.

import TallyProof
import TallyTypes
import TestSupport
import Testing

@Suite("Compact range")
struct CompactRangeTests {
    @Test("every root of the vectors")
    func vectorRoots() throws {
        let vectors = try MerkleVectors.load()
        #expect(vectors.roots.count == 75)
        #expect(CompactRange.emptyRoot == digest(hex: vectors.emptyRoot))
        for expected in vectors.roots {
            var range = CompactRange()
            SlowTree.leaves(expected.size).forEach { range.append($0) }
            #expect(range.root == digest(hex: expected.root), "size \(expected.size)")
            #expect(range.size == UInt64(expected.size))
        }
    }

    @Test("the public test leaves")
    func knownLeaves() throws {
        let known = try MerkleVectors.load().ctKnown
        #expect(known.leavesHex.count == 8)
        var range = CompactRange()
        #expect(range.root == digest(hex: known.roots[0]))
        for (leaf, root) in zip(known.leavesHex, known.roots.dropFirst()) {
            range.append(Hashing.leaf(try #require(bytes(hex: leaf))))
            #expect(range.root == digest(hex: root))
        }
    }

    @Test("leaf hashes of the test leaves")
    func leafHashes() throws {
        let expected = try MerkleVectors.load().leafHashesFirst17
        #expect(expected.count == 17)
        for (number, hash) in expected.enumerated() {
            #expect(SlowTree.leaf(number) == digest(hex: hash))
            #expect(Hashing.leaf(Array("tallystick/test/leaf/\(number)".utf8)) == digest(hex: hash))
        }
    }

    @Test("equals the literal tree for every size up to 300, and so does its decoded form")
    func literalTree() throws {
        var range = CompactRange()
        var leaves: [Digest] = []
        for size in 0...300 {
            #expect(range.root == SlowTree.root(leaves), "size \(size)")
            #expect(range.peaks.count == size.nonzeroBitCount)
            var decoded = try CompactRange(decoding: range.bytes)
            #expect(decoded == range)
            let leaf = SlowTree.leaf(size)
            leaves.append(leaf)
            range.append(leaf)
            decoded.append(leaf)
            #expect(decoded == range)
        }
    }

    @Test("the encoded form is strict")
    func strictDecoding() throws {
        var range = CompactRange()
        SlowTree.leaves(13).forEach { range.append($0) }
        let good = range.bytes
        #expect(good.count == 9 + 3 * 32)
        var bad: [[UInt8]] = (0..<good.count).map { Array(good.prefix($0)) }
        bad.append(good + [0])
        bad.append([2] + good.dropFirst())
        bad.append([1, 0x80] + [UInt8](repeating: 0, count: 7 + 32))
        for bytes in bad {
            #expect(throws: Malformed.self) { try CompactRange(decoding: bytes) }
        }
    }

    @Test("invariant 21 fires on a tree that is full")
    func fullTree() async {
        let exit = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let size = [0x7F] + [UInt8](repeating: 0xFF, count: 7)
            let peaks = [UInt8](repeating: 9, count: 63 * 32)
            var range = try CompactRange(decoding: [1] + size + peaks)
            range.append(.zero)
        }
        expectInvariant(.i21, in: exit)
    }
}
