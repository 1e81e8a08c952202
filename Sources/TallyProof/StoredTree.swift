// SPDX-License-Identifier: Apache-2.0
//
// Roots and proofs from stored rows of tiles: a level's row stands for 256 of the level below, so a
// subtree of any size is folded from at most 255 neighbouring hashes of one level. Imports
// TallyTypes; reading is the caller's. Used by the server for receipts and for what it signs.
//
// The same roots and proofs come from a list of leaf hashes (TreeProofs.swift), which judges these.

package import TallyTypes

/// A tree whose hashes lie in rows.
///
/// Level 0 are the leaves, each level above holds the root of every full tile of 256.
package struct StoredTree<Failure: Error> {
    /// Gives neighbouring hashes of a level, exactly as many as asked for.
    package typealias Row = (
        _ level: UInt64, _ positions: Range<UInt64>
    ) throws(Failure) -> [Digest]

    private let row: Row

    /// Makes a tree of rows.
    ///
    /// - Parameter row: Gives hashes; asked only for those that a tree of the given size has.
    package init(row: @escaping Row) {
        self.row = row
    }

    /// The root over the first leaves.
    ///
    /// - Throws: What `row` throws.
    package func root(size: UInt64) throws(Failure) -> Digest {
        size == 0 ? CompactRange.emptyRoot : try root(of: 0..<size)
    }

    /// The proof that a leaf is in the tree of the first leaves.
    ///
    /// Invariant 22: the leaf is one of them.
    ///
    /// - Throws: What `row` throws.
    package func inclusion(of index: UInt64, size: UInt64) throws(Failure) -> InclusionProof {
        invariant(.i22, index < size, "leaf \(index) is not in the tree of \(size)")
        var path: [Digest] = []
        var leaves = 0..<size
        while leaves.count > 1 {
            let middle = leaves.lowerBound + StoredTree.split(UInt64(leaves.count))
            let (left, right) = (leaves.lowerBound..<middle, middle..<leaves.upperBound)
            path.append(try root(of: index < middle ? right : left))
            leaves = index < middle ? left : right
        }
        return InclusionProof(index: index, size: size, path: path.reversed())
    }

    /// The proof that the tree of fewer leaves is a prefix of that of more.
    ///
    /// Invariant 22: it has no more leaves.
    ///
    /// - Throws: What `row` throws.
    package func consistency(
        from oldSize: UInt64,
        to newSize: UInt64
    ) throws(Failure) -> ConsistencyProof {
        invariant(.i22, oldSize <= newSize, "no prefix of \(oldSize) in \(newSize) leaves")
        var path: [Digest] = []
        guard oldSize > 0, oldSize < newSize else {
            return ConsistencyProof(oldSize: oldSize, newSize: newSize, path: path)
        }
        var leaves = 0..<newSize
        // The whole old tree is known to who asks, unless the way to its end leaves the left edge.
        var isWholeKnown = true
        while leaves.upperBound != oldSize {
            let middle = leaves.lowerBound + StoredTree.split(UInt64(leaves.count))
            let (left, right) = (leaves.lowerBound..<middle, middle..<leaves.upperBound)
            if oldSize <= middle {
                path.append(try root(of: right))
                leaves = left
            } else {
                path.append(try root(of: left))
                leaves = right
                isWholeKnown = false
            }
        }
        if !isWholeKnown { path.append(try root(of: leaves)) }
        return ConsistencyProof(oldSize: oldSize, newSize: newSize, path: path.reversed())
    }

    /// The root over a range of leaves that is a subtree of the whole.
    private func root(of leaves: Range<UInt64>) throws(Failure) -> Digest {
        let count = UInt64(leaves.count)
        guard count.nonzeroBitCount == 1 else {
            let middle = leaves.lowerBound + StoredTree.split(count)
            return Hashing.node(
                try root(of: leaves.lowerBound..<middle),
                try root(of: middle..<leaves.upperBound)
            )
        }
        let level = UInt64(count.trailingZeroBitCount / 8)
        let first = leaves.lowerBound >> (8 * level)
        return TileBuilder.root(try row(level, first..<(first + (count >> (8 * level))))[...])
    }

    /// The largest power of two below a number of two or more leaves.
    private static func split(_ count: UInt64) -> UInt64 {
        1 << UInt64(63 - (count - 1).leadingZeroBitCount)
    }
}
