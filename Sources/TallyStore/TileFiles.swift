// SPDX-License-Identifier: Apache-2.0
//
// The hashes of the tree, docs/formats/record-files.md: in the folder `records/tiles` one file for
// each level, named by its number, that holds the level's hashes one behind the other, 32 bytes
// each; zeros behind the last. Level 0 are the leaf hashes, a hash of any other level is the root
// of 256 of the level below. So a tile of C2SP tlog-tiles is a range of its level's file, full or
// not. Derived from the records. Imports TallyTypes and TallyProof.
//
// Leaves are appended on the log's thread; the levels above follow from them when the records are
// synced, on that thread; reads come from any.

internal import Synchronization
import TallyProof
package import TallyTypes

/// The rows of all tiles.
package final class TileFiles: Sendable {
    private struct Level {
        var file: GrowingFile
        /// Hashes written.
        var count: UInt64
        var isDirty = false
    }

    static let hashBytes = 32
    private static let width = TilePath.width
    /// Hashes of the level below that are read at a time.
    private static let readMax: UInt64 = 256 * 64

    private let disk: any Disk
    /// The folder of the rows.
    package let folder: String
    private let stepBytes: Int
    private let state: Mutex<(levels: [Level], hasNewNames: Bool)>

    /// Opens the rows, or makes the folder.
    ///
    /// So many leaves are trusted to be durable; what stands behind them is written again.
    ///
    /// - Throws: ``DiskFault``.
    init(
        disk: any Disk,
        directory: String,
        stepBytes: Int,
        trusted: UInt64
    ) throws(DiskFault) {
        self.disk = disk
        folder = RecordLayout.tiles(directory)
        self.stepBytes = max(4096, stepBytes >> 3)
        let isThere = try disk.exists(folder)
        if !isThere { try disk.makeDirectory(folder) }
        // Also when it was made by an earlier process: its name may not be durable yet.
        try disk.syncDirectory(directory)
        var levels: [Level] = []
        var known = trusted
        let names = try disk.list(folder).map(\.name)
        for number in 0..<Int(TilePath.levels) where names.contains("\(number)") {
            guard number == levels.count else { break }
            let file = try GrowingFile(disk.open(folder + "/\(number)", .readWrite))
            known = min(known, UInt64(file.size / TileFiles.hashBytes))
            levels.append(Level(file: file, count: known))
            known /= TileFiles.width
        }
        state = Mutex((levels, true))
    }

    /// The number of leaves that have a row.
    package var count: UInt64 { state.withLock { $0.levels.first?.count ?? 0 } }

    /// True when a level has fewer hashes than a number of leaves gives.
    func lacks(_ leaves: UInt64) -> Bool {
        state.withLock { state in
            var (level, wanted) = (0, leaves)
            while wanted > 0 {
                guard level < state.levels.count, state.levels[level].count >= wanted else {
                    return true
                }
                (level, wanted) = (level + 1, wanted / TileFiles.width)
            }
            return false
        }
    }

    /// Appends leaf hashes; the levels above follow with the next ``extend()``.
    func append(_ leaves: [Digest]) throws(DiskFault) { try append(leaves, to: 0) }

    /// Makes every level as long as the leaves allow.
    func extend() throws(DiskFault) {
        var level = 1
        while true {
            let (below, have) = state.withLock { state in
                (
                    level <= state.levels.count ? state.levels[level - 1].count : 0,
                    level < state.levels.count ? state.levels[level].count : 0
                )
            }
            let wanted = below / TileFiles.width
            guard wanted > 0 else { return }
            var next = have
            while next < wanted {
                let end = min(wanted, next + TileFiles.readMax / TileFiles.width)
                let hashes = try read(
                    UInt64(level - 1),
                    next * TileFiles.width..<end * TileFiles.width
                )
                let roots = stride(from: 0, to: hashes.count, by: Int(TileFiles.width)).map {
                    TileBuilder.root(hashes[$0..<$0 + Int(TileFiles.width)])
                }
                try append(roots, to: level)
                next = end
            }
            level += 1
        }
    }

    /// Makes every row and every name durable.
    func sync() throws(DiskFault) {
        let (dirty, hadNewNames) = state.withLock { state in
            let dirty = state.levels.filter(\.isDirty).map(\.file.file)
            for level in state.levels.indices { state.levels[level].isDirty = false }
            defer { state.hasNewNames = false }
            return (dirty, state.hasNewNames)
        }
        for file in dirty { try file.sync() }
        if hadNewNames { try disk.syncDirectory(folder) }
    }

    /// Returns neighbouring hashes of a level.
    ///
    /// - Throws: ``StoreFault``: `missing` for one that is not there.
    package func row(_ level: UInt64, _ positions: Range<UInt64>) throws(StoreFault) -> [Digest] {
        let count = state.withLock { state in
            level < UInt64(state.levels.count) ? state.levels[Int(level)].count : 0
        }
        guard positions.upperBound <= count else {
            let reason = "has \(count) hashes, asked for \(positions)"
            throw StoreFault(.missing, subject: "\(folder)/\(level)", reason: reason)
        }
        return try onDisk { () throws(DiskFault) in try read(level, positions) }
    }

    private func read(_ level: UInt64, _ positions: Range<UInt64>) throws(DiskFault) -> [Digest] {
        let file = state.withLock { $0.levels[Int(level)].file.file }
        let bytes = try file.bytes(
            at: Int(positions.lowerBound) * TileFiles.hashBytes,
            count: positions.count * TileFiles.hashBytes
        )
        return bytes.span.digests(positions.count)
    }

    private func append(_ hashes: [Digest], to number: Int) throws(DiskFault) {
        guard !hashes.isEmpty else { return }
        var level = try level(number)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(hashes.count * TileFiles.hashBytes)
        for hash in hashes { hash.append(to: &bytes) }
        try level.file.write(
            bytes.span,
            at: Int(level.count) * TileFiles.hashBytes,
            step: number == 0 ? stepBytes : 4096
        )
        level.count += UInt64(hashes.count)
        level.isDirty = true
        let written = level
        state.withLock { $0.levels[number] = written }
    }

    private func level(_ number: Int) throws(DiskFault) -> Level {
        if let known = state.withLock({ $0.levels.count > number ? $0.levels[number] : nil }) {
            return known
        }
        let file = try disk.open(folder + "/\(number)", .createOrEmpty)
        let made = Level(file: try GrowingFile(file), count: 0)
        state.withLock { state in
            state.levels.append(made)
            state.hasNewNames = true
        }
        return made
    }
}

extension Span where Element == UInt8 {
    /// So many digests, one behind the other.
    func digests(_ count: Int) -> [Digest] {
        (0..<count).map { digest(at: $0 * TileFiles.hashBytes) }
    }

    /// The digest at an offset.
    func digest(at offset: Int) -> Digest {
        func word(_ number: Int) -> UInt64 {
            var value: UInt64 = 0
            for position in 0..<8 {
                value = value << 8 | UInt64(self[offset + number * 8 + position])
            }
            return value
        }
        return Digest(word(0), word(1), word(2), word(3))
    }
}

extension Digest {
    /// Appends the thirty-two bytes.
    func append(to bytes: inout [UInt8]) {
        for word in [word0, word1, word2, word3] {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
    }
}
