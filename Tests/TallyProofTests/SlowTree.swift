// SPDX-License-Identifier: Apache-2.0
//
// The judge of the compact range: the tree's definition taken literally, root by root from the
// leaves, without state. Called by the tests of this folder only.

import TallyProof
import TallyTypes

enum SlowTree {
    /// Leaf i of the test trees: `tallystick/test/leaf/` and i in decimal.
    static func leaf(_ number: Int) -> Digest {
        Hashing.sha256([0] + Array("tallystick/test/leaf/\(number)".utf8))
    }

    static func leaves(_ count: Int) -> [Digest] {
        (0..<count).map(leaf)
    }

    /// The root of any number of leaves, by the recursive definition.
    static func root(_ leaves: [Digest]) -> Digest {
        if leaves.isEmpty { return Hashing.sha256([UInt8]()) }
        if leaves.count == 1 { return leaves[0] }
        var middle = 1
        while middle * 2 < leaves.count {
            middle *= 2
        }
        let left = root(Array(leaves[..<middle]))
        let right = root(Array(leaves[middle...]))
        return Hashing.sha256([1] + left.bytes + right.bytes)
    }
}
