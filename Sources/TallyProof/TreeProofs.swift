// SPDX-License-Identifier: Apache-2.0
//
// Inclusion and consistency proofs: made from a list of leaf hashes, checked from roots alone.
// Imports TallyTypes. Small and literal; receipts and tiles will make the same proofs from stored
// hashes.
//
// A path does not bind the size of the tree: take size and root together from one verified
// statement.
//
// - Source: RFC 9162 §2.1.3 and §2.1.4.

package import TallyTypes

/// A proof that a leaf is in a tree: sibling hashes from the leaf to the root.
package struct InclusionProof: Hashable, Sendable {
    /// The position of the leaf.
    package let index: UInt64
    /// The number of leaves of the tree.
    package let size: UInt64
    /// The siblings, the leaf's own first.
    package let path: [Digest]

    /// Takes the parts of a proof from elsewhere; `holds` judges them.
    package init(index: UInt64, size: UInt64, path: [Digest]) {
        self.index = index
        self.size = size
        self.path = path
    }

    /// Makes the proof for the leaf at a position of a tree of these leaves.
    package init(index: Int, leaves: ArraySlice<Digest>) {
        invariant(.i22, leaves.indices.contains(index), "leaf \(index) is not in the tree")
        self.init(
            index: UInt64(index - leaves.startIndex),
            size: UInt64(leaves.count),
            path: InclusionProof.siblings(of: index, in: leaves)
        )
    }

    private static func siblings(of index: Int, in leaves: ArraySlice<Digest>) -> [Digest] {
        guard leaves.count > 1 else { return [] }
        let middle = splitPoint(leaves)
        return index < middle
            ? siblings(of: index, in: leaves[..<middle]) + [treeRoot(leaves[middle...])]
            : siblings(of: index, in: leaves[middle...]) + [treeRoot(leaves[..<middle])]
    }

    /// True when the path leads from this leaf hash at this position to this root.
    package func holds(leaf: Digest, root: Digest) -> Bool { self.root(leaf: leaf) == root }

    /// The root to which the path leads; nil when it is not as long as the way.
    package func root(leaf: Digest) -> Digest? {
        guard index < size else { return nil }
        var position = index
        var last = size - 1
        var hash = leaf
        for sibling in path {
            guard last > 0 else { return nil }
            if position & 1 == 1 || position == last {
                hash = Hashing.node(sibling, hash)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                hash = Hashing.node(hash, sibling)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 ? hash : nil
    }
}

/// A proof that a tree is a prefix of a later one.
package struct ConsistencyProof: Hashable, Sendable {
    /// The number of leaves of the earlier tree.
    package let oldSize: UInt64
    /// The number of leaves of the later tree.
    package let newSize: UInt64
    /// The hashes, deepest first; none when a size is zero or both are equal.
    package let path: [Digest]

    /// Takes the parts of a proof from elsewhere; `holds` judges them.
    package init(oldSize: UInt64, newSize: UInt64, path: [Digest]) {
        self.oldSize = oldSize
        self.newSize = newSize
        self.path = path
    }

    /// Makes the proof that the first `oldSize` of these leaves are a prefix of all of them.
    package init(oldSize: Int, leaves: ArraySlice<Digest>) {
        invariant(
            .i22,
            oldSize >= 0 && oldSize <= leaves.count,
            "no prefix of \(oldSize) leaves"
        )
        let path =
            oldSize == 0 || oldSize == leaves.count
            ? [] : ConsistencyProof.path(oldSize, leaves, isWholeKnown: true)
        self.init(oldSize: UInt64(oldSize), newSize: UInt64(leaves.count), path: path)
    }

    private static func path(
        _ oldSize: Int,
        _ leaves: ArraySlice<Digest>,
        isWholeKnown: Bool
    ) -> [Digest] {
        if oldSize == leaves.count {
            return isWholeKnown ? [] : [treeRoot(leaves)]
        }
        let middle = splitPoint(leaves)
        let left = middle - leaves.startIndex
        return oldSize <= left
            ? path(oldSize, leaves[..<middle], isWholeKnown: isWholeKnown)
                + [treeRoot(leaves[middle...])]
            : path(oldSize - left, leaves[middle...], isWholeKnown: false)
                + [treeRoot(leaves[..<middle])]
    }

    /// True when the path shows that the old root's tree is a prefix of the new root's.
    package func holds(oldRoot: Digest, newRoot: Digest) -> Bool {
        guard oldSize <= newSize else { return false }
        if oldSize == newSize { return path.isEmpty && oldRoot == newRoot }
        if oldSize == 0 { return path.isEmpty && oldRoot == CompactRange.emptyRoot }
        let isPerfect = oldSize.nonzeroBitCount == 1
        guard let first = isPerfect ? oldRoot : path.first else { return false }
        var position = oldSize - 1
        var last = newSize - 1
        while position & 1 == 1 {
            position >>= 1
            last >>= 1
        }
        var (old, new) = (first, first)
        for hash in isPerfect ? path[...] : path.dropFirst() {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                old = Hashing.node(hash, old)
                new = Hashing.node(hash, new)
                while position & 1 == 0, position != 0 {
                    position >>= 1
                    last >>= 1
                }
            } else {
                new = Hashing.node(new, hash)
            }
            position >>= 1
            last >>= 1
        }
        return last == 0 && old == oldRoot && new == newRoot
    }
}

/// Where a tree of two or more leaves splits: at the largest power of two below its size.
private func splitPoint(_ leaves: ArraySlice<Digest>) -> Int {
    let below = leaves.count - 1
    return leaves.startIndex + (1 << (Int.bitWidth - 1 - below.leadingZeroBitCount))
}

private func treeRoot(_ leaves: ArraySlice<Digest>) -> Digest {
    var range = CompactRange()
    for leaf in leaves {
        range.append(leaf)
    }
    return range.root
}
