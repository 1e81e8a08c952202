// SPDX-License-Identifier: Apache-2.0
//
// Compares the rows of tiles with the records, leaf by leaf; writes nothing. Imports TallyTypes and
// TallyProof. Called by RecordVerifier. Every byte of the files is looked at.

import TallyProof
import TallyTypes

/// The hashes that the records give, against those of the files.
struct TileComparison {
    private let disk: any Disk
    private let folder: String
    /// So many leaves have rows that are durable; a row behind them may be absent.
    private let durable: UInt64
    private var builder = TileBuilder()
    private var files: [UInt64: any DiskFile] = [:]
    private var sizes: [UInt64: Int] = [:]

    /// Opens the files of a folder of record files; nil when there is no folder of tiles.
    init?(disk: any Disk, directory: String, durable: UInt64) throws(StoreFault) {
        self.disk = disk
        folder = RecordLayout.tiles(directory)
        self.durable = durable
        let (folder, names) = try onDisk { () throws(DiskFault) in
            let path = RecordLayout.tiles(directory)
            return try disk.exists(path) ? (path, try disk.list(path).map(\.name)) : (path, nil)
        }
        guard let names else { return nil }
        for name in names {
            let path = folder + "/" + name
            guard let level = UInt64(name), level < TilePath.levels, "\(level)" == name else {
                throw StoreFault(.corrupt, subject: path, reason: "is no level of the tree")
            }
            let file = try onDisk { () throws(DiskFault) in try disk.open(path, .readOnly) }
            files[level] = file
            sizes[level] = try onDisk { () throws(DiskFault) in try file.size() }
        }
    }

    /// Takes the next leaf.
    mutating func add(_ leaf: Digest) throws(StoreFault) {
        for tile in builder.append(leaf) {
            try compare(tile.hashes, tile.level, from: tile.number * TilePath.width)
        }
    }

    /// Compares what is in no full tile, and what lies behind it.
    func finish() throws(StoreFault) {
        var level: UInt64 = 0
        while level < TilePath.levels {
            let count = builder.size >> (8 * level)
            let partial = builder.partial(level: level)
            try compare(partial, level, from: count - UInt64(partial.count))
            try requireZeros(level, from: Int(count) * TileFiles.hashBytes)
            level += 1
            // A shift by 64 and more gives zero: the levels end before.
            guard 8 * level < 64 else { break }
        }
        for level in files.keys.sorted() where 8 * level >= 64 { try requireZeros(level, from: 0) }
    }

    private func compare(
        _ hashes: [Digest],
        _ level: UInt64,
        from first: UInt64
    ) throws(StoreFault) {
        let start = Int(first) * TileFiles.hashBytes
        let there = max(0, min(hashes.count * TileFiles.hashBytes, (sizes[level] ?? 0) - start))
        var held: [UInt8] = []
        if let file = files[level], there > 0 {
            held = try onDisk { () throws(DiskFault) in try file.bytes(at: start, count: there) }
        }
        for (position, hash) in hashes.enumerated() {
            let row = position * TileFiles.hashBytes
            let isThere = row + TileFiles.hashBytes <= held.count
            let found = isThere ? held.span.digest(at: row) : .zero
            let mayLack = first + UInt64(position) >= durable >> (8 * level)
            guard found == hash || mayLack && found == .zero else {
                throw StoreFault(
                    .corrupt,
                    subject: "\(folder)/\(level), offset \(start + row)",
                    reason: "is not the hash that the records give"
                )
            }
        }
    }

    private func requireZeros(_ level: UInt64, from start: Int) throws(StoreFault) {
        guard let file = files[level], let size = sizes[level] else { return }
        var at = start
        while at < size {
            let (from, count) = (at, min(1 << 20, size - at))
            let held = try onDisk { () throws(DiskFault) in
                try file.bytes(at: from, count: count)
            }
            if let position = firstNonZero(held.span) {
                throw StoreFault(
                    .corrupt,
                    subject: "\(folder)/\(level), offset \(from + position)",
                    reason: "is not zero behind the last hash"
                )
            }
            at += count
        }
    }
}
