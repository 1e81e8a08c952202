// SPDX-License-Identifier: Apache-2.0
//
// Inclusion and consistency proofs against the vectors: made, accepted, refused.

import TallyProof
import TallyTypes
import TestSupport
import Testing

@Suite("Tree proofs")
struct TreeProofTests {
    @Test("inclusion paths are made and accepted as in the vectors")
    func inclusion() throws {
        let cases = try MerkleVectors.load().inclusion
        #expect(cases.count == 160)
        for expected in cases {
            let made = InclusionProof(
                index: Int(expected.index),
                leaves: SlowTree.leaves(Int(expected.size))[...]
            )
            #expect(made.path == digests(hex: expected.path), "\(expected)")
            #expect(try holds(expected), "\(expected)")
        }
    }

    @Test("wrong inclusion paths are refused")
    func inclusionRefused() throws {
        let cases = try MerkleVectors.load().inclusionRefuse
        #expect(cases.count == 241)
        for wrong in cases {
            #expect(try !holds(wrong), "\(wrong)")
        }
    }

    @Test("consistency paths are made and accepted as in the vectors")
    func consistency() throws {
        let cases = try ConsistencyVectors.load().consistency
        #expect(cases.count == 174)
        for expected in cases {
            let made = ConsistencyProof(
                oldSize: Int(expected.oldSize),
                leaves: SlowTree.leaves(Int(expected.newSize))[...]
            )
            #expect(made.path == digests(hex: expected.path), "\(expected)")
            #expect(try holds(expected), "\(expected)")
        }
    }

    @Test("wrong consistency paths are refused")
    func consistencyRefused() throws {
        let cases = try ConsistencyVectors.load().consistencyRefuse
        #expect(cases.count == 283)
        for wrong in cases {
            #expect(try !holds(wrong), "\(wrong)")
        }
    }

    @Test("a path does not bind the size: a trap that callers must know")
    func sizeNotBound() throws {
        let trap = try MerkleVectors.load().noteSizeNotBound
        let leaf = try #require(digest(hex: trap.leafHash))
        let root = try #require(digest(hex: trap.root))
        let path = try #require(digests(hex: trap.path))
        #expect(trap.sizesThatVerify == [3, 4])
        for size in trap.sizesThatVerify {
            let proof = InclusionProof(index: trap.index, size: size, path: path)
            #expect(proof.holds(leaf: leaf, root: root))
        }
    }

    @Test("all proofs of all sizes up to 40 hold, and no proof holds for another leaf or size")
    func exhaustive() {
        let leaves = SlowTree.leaves(40)
        for size in 1...40 {
            let root = SlowTree.root(Array(leaves[..<size]))
            for index in 0..<size {
                let proof = InclusionProof(index: index, leaves: leaves[..<size])
                #expect(proof.holds(leaf: leaves[index], root: root))
                #expect(!proof.holds(leaf: leaves[(index + 1) % 40], root: root))
            }
            for old in 0...size {
                let oldRoot = SlowTree.root(Array(leaves[..<old]))
                let proof = ConsistencyProof(oldSize: old, leaves: leaves[..<size])
                #expect(proof.holds(oldRoot: oldRoot, newRoot: root))
                #expect(old == 0 || !proof.holds(oldRoot: oldRoot, newRoot: leaves[0]) || size == 1)
            }
        }
    }

    @Test("invariant 22 fires on a proof for a leaf that is not there", arguments: [0, 1])
    func outside(kind: Int) async {
        let exit =
            kind == 0
            ? await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = InclusionProof(index: 2, leaves: [.zero, .zero])
            }
            : await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = ConsistencyProof(oldSize: 3, leaves: [.zero, .zero])
            }
        expectInvariant(.i22, in: exit)
    }

    /// Elements that are not thirty-two bytes are refused before any proof is built from them.
    private func holds(_ vector: InclusionCase) throws -> Bool {
        guard let path = digests(hex: vector.path), let leaf = digest(hex: vector.leafHash) else {
            return false
        }
        return InclusionProof(index: vector.index, size: vector.size, path: path)
            .holds(leaf: leaf, root: try #require(digest(hex: vector.root)))
    }

    private func holds(_ vector: ConsistencyCase) throws -> Bool {
        guard let path = digests(hex: vector.path), let old = digest(hex: vector.oldRoot) else {
            return false
        }
        return ConsistencyProof(oldSize: vector.oldSize, newSize: vector.newSize, path: path)
            .holds(oldRoot: old, newRoot: try #require(digest(hex: vector.newRoot)))
    }
}
