// SPDX-License-Identifier: Apache-2.0
//
// The hash tiles of a log, leaf by leaf: what the server appends to its rows of tiles, and what a
// verifier compares with those that it was given. Imports TallyTypes. Holds one unfinished tile a
// level, 8 KiB each at most.

package import TallyTypes

/// Makes hash tiles from leaf hashes, in order.
package struct TileBuilder: Sendable {
    /// A tile that is full.
    package struct Tile: Hashable, Sendable {
        /// Its level; 0 are the leaves.
        package let level: UInt64
        /// Its position in the level.
        package let number: UInt64
        /// Its 256 hashes.
        package let hashes: [Digest]
    }

    /// The number of leaves so far.
    package private(set) var size: UInt64 = 0
    /// By level: the hashes of the tile that is not full.
    private var unfinished: [[Digest]] = []

    /// Begins with no leaf.
    package init() {}

    /// Appends a leaf.
    ///
    /// - Returns: The tiles that are full now, lowest level first.
    package mutating func append(_ leaf: Digest) -> [Tile] {
        size += 1
        var full: [Tile] = []
        var hash = leaf
        var level = 0
        while true {
            if level == unfinished.count { unfinished.append([]) }
            unfinished[level].append(hash)
            guard unfinished[level].count == Int(TilePath.width) else { return full }
            let hashes = unfinished[level]
            unfinished[level] = []
            let hashesBelow = TileBuilder.leaves(of: UInt64(level + 1))
            full.append(
                Tile(level: UInt64(level), number: size / hashesBelow - 1, hashes: hashes)
            )
            hash = TileBuilder.root(hashes[...])
            level += 1
        }
    }

    /// The hashes of a level's tile that is not full; none when there is no such tile.
    package func partial(level: UInt64) -> [Digest] {
        level < UInt64(unfinished.count) ? unfinished[Int(level)] : []
    }

    /// The number of leaves under one hash of a level.
    private static func leaves(of level: UInt64) -> UInt64 { 1 << (8 * level) }

    /// The root over the hashes of a full tile: 256, or any power of two.
    package static func root(_ hashes: ArraySlice<Digest>) -> Digest {
        var row = Array(hashes)
        var count = row.count
        while count > 1 {
            count /= 2
            for position in 0..<count {
                row[position] = Hashing.node(row[2 * position], row[2 * position + 1])
            }
        }
        return row[0]
    }
}
