// SPDX-License-Identifier: Apache-2.0
//
// Roots and proofs from rows of tiles, against those from lists of leaves; every single-bit
// corruption of small proofs is refused.

import TallyProof
import TallyTypes
import TestSupport
import Testing

/// The rows of a growing tree.
private final class Rows {
    private var builder = TileBuilder()
    private var full: [UInt64: [Digest]] = [:]
    private(set) var reads = 0

    func append(_ leaf: Digest) {
        for tile in builder.append(leaf) { full[tile.level, default: []] += tile.hashes }
    }

    var tree: StoredTree<Never> {
        StoredTree { level, positions in
            self.reads += 1
            let row = self.full[level, default: []] + self.builder.partial(level: level)
            return Array(row[Int(positions.lowerBound)..<Int(positions.upperBound)])
        }
    }
}

@Suite("A tree of stored rows")
struct StoredTreeTests {
    @Test("all roots and all proofs of all trees to 128 leaves")
    func small() {
        let leaves = SlowTree.leaves(128)
        let rows = Rows()
        var proofs = 0
        for size in 0...128 {
            if size > 0 { rows.append(leaves[size - 1]) }
            let tree = rows.tree
            let some = leaves[..<size]
            let root = SlowTree.root(Array(some))
            #expect(tree.root(size: UInt64(size)) == root)
            for index in 0..<size {
                let made = tree.inclusion(of: UInt64(index), size: UInt64(size))
                #expect(made == InclusionProof(index: index, leaves: some))
                #expect(made.holds(leaf: leaves[index], root: root))
                proofs += 1
            }
            for old in 0...size {
                let made = tree.consistency(from: UInt64(old), to: UInt64(size))
                #expect(made == ConsistencyProof(oldSize: old, leaves: some))
                #expect(made.holds(oldRoot: SlowTree.root(Array(leaves[..<old])), newRoot: root))
                proofs += 1
            }
        }
        #expect(proofs == 128 * 129 / 2 + 129 * 130 / 2)
    }

    @Test("trees of several levels, at the ends of tiles and at random sizes")
    func large() {
        let leaves = SlowTree.leaves(70_000)
        let rows = Rows()
        var roots: [UInt64: Digest] = [:]
        var random = SeededRandom(seed: 21)
        print("seed \(random.seed)")
        var sizes: Set<UInt64> = [
            1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 70_000,
        ]
        while sizes.count < 40 { sizes.insert(UInt64(1 + random.below(70_000))) }
        var range = CompactRange()
        for leaf in leaves {
            rows.append(leaf)
            range.append(leaf)
            if sizes.contains(range.size) { roots[range.size] = range.root }
        }
        let tree = rows.tree
        for (size, root) in roots {
            #expect(tree.root(size: size) == root, "\(size)")
            for index in [0, size / 2, size - 1, UInt64(random.below(Int(size)))] {
                let proof = tree.inclusion(of: index, size: size)
                #expect(proof.holds(leaf: leaves[Int(index)], root: root), "\(index) of \(size)")
            }
            for (old, oldRoot) in roots where old <= size {
                let proof = tree.consistency(from: old, to: size)
                #expect(proof.holds(oldRoot: oldRoot, newRoot: root), "\(old) to \(size)")
            }
        }
        let before = rows.reads
        _ = tree.inclusion(of: 40_000, size: 70_000)
        #expect(rows.reads - before <= 80, "a proof reads a few rows")
    }

    @Test("every single-bit corruption of every proof to 16 leaves is refused")
    func corruption() {
        let leaves = SlowTree.leaves(16)
        var refused = 0
        for size in 1...16 {
            let some = leaves[..<size]
            let root = SlowTree.root(Array(some))
            for index in 0..<size {
                let proof = InclusionProof(index: index, leaves: some)
                for wrong in flips(of: proof.path) {
                    let other = InclusionProof(index: proof.index, size: proof.size, path: wrong)
                    #expect(!other.holds(leaf: leaves[index], root: root))
                    refused += 1
                }
            }
            for old in 1...size {
                let proof = ConsistencyProof(oldSize: old, leaves: some)
                let oldRoot = SlowTree.root(Array(leaves[..<old]))
                for wrong in flips(of: proof.path) {
                    let other = ConsistencyProof(
                        oldSize: proof.oldSize,
                        newSize: proof.newSize,
                        path: wrong
                    )
                    #expect(!other.holds(oldRoot: oldRoot, newRoot: root))
                    refused += 1
                }
            }
        }
        #expect(refused > 100_000)
    }

    /// The path with each of its bits turned, one at a time.
    private func flips(of path: [Digest]) -> [[Digest]] {
        path.indices.flatMap { position in
            (0..<256).map { bit in
                var bytes = path[position].bytes
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                var wrong = path
                wrong[position] = Digest(bytes) ?? .zero
                return wrong
            }
        }
    }

    @Test("invariant 22 fires on a leaf and a prefix that the tree does not have")
    func beyond() async {
        await #expect(processExitsWith: .failure) {
            _ = Rows().tree.inclusion(of: 0, size: 0)
        }
        await #expect(processExitsWith: .failure) {
            _ = Rows().tree.consistency(from: 2, to: 1)
        }
    }
}
