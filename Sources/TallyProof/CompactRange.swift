// SPDX-License-Identifier: Apache-2.0
//
// The state that is needed to append to the tree: one hash per set bit of its size. Imports
// TallyTypes. The kernel appends to one, start-up and the checker build one from the records, and
// a flush marker holds its bytes.
//
// | bytes | what |
// |---|---|
// | 1 | format: 1 |
// | 8 | size, big-endian, at most 2⁶³ − 1 |
// | 32 × number of set bits of the size | hashes of the full subtrees, largest first |
//
// Example, size 1: 01 0000000000000001 ‖ the one leaf hash (41 bytes).

package import TallyTypes

/// The peaks of a Merkle tree: what appending and the root need.
package struct CompactRange: Hashable, Sendable {
    /// The root of a tree without leaves: the SHA-256 of nothing.
    package static let emptyRoot = Hashing.sha256([UInt8]())
    /// The number of the encoded form.
    package static let format: UInt8 = 1
    /// The largest size of a tree.
    package static let sizeMax = UInt64(Int64.max)

    /// The number of leaves.
    package private(set) var size: UInt64
    /// The hashes of the full subtrees, largest first: one per set bit of the size, at most 63.
    package private(set) var peaks: [Digest]

    /// Makes the tree without leaves.
    package init() {
        size = 0
        peaks = []
        peaks.reserveCapacity(63)
    }

    /// Appends one leaf hash: amortised one node hash.
    package mutating func append(_ leaf: Digest) {
        invariant(.i21, size < CompactRange.sizeMax, "a tree of \(size) leaves cannot grow")
        var hash = leaf
        var rest = size
        while rest & 1 == 1 {
            hash = Hashing.node(peaks.removeLast(), hash)
            rest >>= 1
        }
        peaks.append(hash)
        size += 1
    }

    /// The root: the fold of the peaks from the smallest; the empty root without leaves.
    package var root: Digest {
        guard var hash = peaks.last else { return CompactRange.emptyRoot }
        for peak in peaks.dropLast().reversed() {
            hash = Hashing.node(peak, hash)
        }
        return hash
    }

    /// The encoded form, for flush markers.
    package var bytes: [UInt8] {
        [CompactRange.format] + bigEndianBytes(size) + peaks.flatMap(\.bytes)
    }

    /// Reads the encoded form.
    ///
    /// - Throws: ``Malformed`` for another format, a size of 2⁶³ or more, a wrong number of bytes.
    package init(decoding bytes: [UInt8]) throws(Malformed) {
        guard bytes.count >= 9 else {
            throw Malformed("nine bytes expected", field: "tree", offset: bytes.count)
        }
        guard bytes[0] == CompactRange.format else {
            throw Malformed("unknown format", field: "tree.format", offset: 0)
        }
        let size = bytes[1..<9].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard size <= CompactRange.sizeMax else {
            throw Malformed("2⁶³ or more", field: "tree.size", offset: 1)
        }
        guard bytes.count == 9 + 32 * size.nonzeroBitCount else {
            throw Malformed(
                "one hash per set bit of the size expected",
                field: "tree.peaks",
                offset: 9
            )
        }
        self.size = size
        self.peaks = try CompactRange.peaks(bytes[9...])
    }

    private static func peaks(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> [Digest] {
        var peaks: [Digest] = []
        peaks.reserveCapacity(63)
        for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: 32) {
            guard let peak = Digest(bytes[start..<(start + 32)]) else {
                throw Malformed("thirty-two bytes expected", field: "tree.peaks", offset: start)
            }
            peaks.append(peak)
        }
        return peaks
    }
}
