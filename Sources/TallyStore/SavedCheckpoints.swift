// SPDX-License-Identifier: Apache-2.0
//
// The checkpoints that a ledger keeps, docs/formats/keys.md: `DIR/checkpoints/SIZE`, the size in
// twenty decimal digits, each a signed note. Imports TallyTypes. Called by the signer before it
// replaces `checkpoint`.
//
// One is signed every 500 ms of a ledger that grows, so older ones are thinned: which stay follows
// from their sizes alone. The newest 128 stay. Of those that lie d records behind the newest, with
// 2^j ≤ d < 2^(j+1), the oldest of each aligned run of 2^max(0, j − 3) sizes stays: at most nine
// for each j. So there are never more than 128 + 63 · 9 = 695.

import TallyTypes

/// The saved checkpoints of one ledger.
package struct SavedCheckpoints: Sendable {
    /// How many of the newest are never thinned.
    package static let newest = 128
    /// The most that stay.
    package static let countMax = newest + 63 * 9
    /// Runs that a doubling of the distance is cut into, as a power of two.
    private static let runsPerDoubling = 3

    private let disk: any Disk
    private let path: String

    /// The checkpoints in a data directory.
    package init(_ directory: DataDirectory) {
        disk = directory.disk
        path = directory.path
    }

    /// Saves one, durable on return, and then removes what need not stay.
    ///
    /// A removal that a crash takes back is made again with the next checkpoint.
    ///
    /// - Parameters:
    ///   - note: The signed note.
    ///   - size: The size that it speaks of.
    /// - Throws: ``StoreFault``: `disk`.
    package func save(_ note: [UInt8], size: UInt64) throws(StoreFault) {
        let folder = path + "/checkpoints"
        do throws(DiskFault) {
            let isThere = try disk.exists(folder)
            if !isThere {
                try disk.makeDirectory(folder)
                try disk.syncDirectory(path)
            }
            try disk.replace(path + "/" + MirrorLayout.saved(size), with: note)
        } catch {
            throw StoreFault(error)
        }
        let sizes = try MirrorDirectory(disk: disk, path: path).saved()
        do throws(DiskFault) {
            for old in Self.surplus(sizes) where old != size {
                try disk.remove(path + "/" + MirrorLayout.saved(old))
            }
        } catch {
            throw StoreFault(error)
        }
    }

    /// The sizes that need not stay.
    ///
    /// - Parameter sizes: What is there, ascending.
    /// - Returns: Some of them, ascending.
    package static func surplus(_ sizes: [UInt64]) -> [UInt64] {
        guard let last = sizes.last else { return [] }
        var surplus: [UInt64] = []
        var run: (shift: Int, number: UInt64)?
        for size in sizes.dropLast(newest) {
            let doubling = 63 - (last - size).leadingZeroBitCount
            let shift = max(0, doubling - runsPerDoubling)
            let next = (shift: shift, number: size >> UInt64(shift))
            if let run, run == next { surplus.append(size) }
            run = next
        }
        return surplus
    }
}
