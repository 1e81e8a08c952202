// SPDX-License-Identifier: Apache-2.0
//
// The balances of a seal as they were, so that each can be shown later: docs/formats/seal.md. In
// the folder `seals` of a data directory, under the seal's size as twenty decimal digits:
//
// | file | holds |
// |---|---|
// | `<size>.rows` | the leaf inputs of all balances, one behind the other, ascending by key |
// | `<size>.offsets` | where each begins, 8 bytes big-endian, and where the last one ends |
// | `<size>.0`, `<size>.1`, … | the hashes of the tree over them, by level, as in `records/tiles` |
// | `<size>.record` | index of the record that seals, in decimal, and a line feed; written last |
//
// Derived: without them a seal stands, and its single balances cannot be shown. Imports TallyTypes
// and TallyProof. Written on the thread that walks a snapshot, read on that of records.

import TallyProof
package import TallyTypes

/// The seals whose balances are kept.
package struct SealFiles: Sendable {
    /// How many are kept: the newest may not be covered by a checkpoint yet.
    private static let keptMax = 2
    private let disk: any Disk
    private let folder: String

    /// The seals of a data directory.
    package init(disk: any Disk, directory: String) {
        self.disk = disk
        folder = directory + "/seals"
    }

    /// Begins the files of a seal.
    ///
    /// - Throws: ``StoreFault``.
    package func begin(size: UInt64) throws(StoreFault) -> SealWriter {
        try onDisk { () throws(DiskFault) in
            let parent = disk.folder(of: folder)
            let isThere = try disk.exists(folder)
            if !isThere {
                try disk.makeDirectory(folder)
                try disk.syncDirectory(parent)
            }
            return SealWriter(disk: disk, prefix: prefix(size))
        }
    }

    /// Says which record seals, durable, and removes the files of older seals.
    ///
    /// - Throws: ``StoreFault``.
    package func finish(size: UInt64, record: RecordIndex) throws(StoreFault) {
        try onDisk { () throws(DiskFault) in
            try disk.replace(prefix(size) + ".record", with: Array("\(record)\n".utf8))
            let kept = try complete().suffix(SealFiles.keptMax)
            for entry in try disk.list(folder) {
                guard let size = SealFiles.size(entry.name), !kept.contains(size) else { continue }
                try disk.remove(folder + "/" + entry.name)
            }
        }
    }

    /// The newest seal whose record is below a size; nil when there is none.
    ///
    /// - Throws: ``StoreFault``.
    package func newest(coveredBy size: UInt64) throws(StoreFault) -> SealedBalances? {
        guard try onDisk({ () throws(DiskFault) in try disk.exists(folder) }) else { return nil }
        for sealed in try onDisk({ () throws(DiskFault) in try complete() }).reversed() {
            let path = prefix(sealed) + ".record"
            let bytes = try onDisk { () throws(DiskFault) in
                try disk.contents(of: path, limit: ByteCount(32))
            }
            guard bytes.last == 0x0A, let record = CanonicalDecimal.read(bytes.dropLast()) else {
                throw StoreFault(.corrupt, subject: path, reason: "is no index of a record")
            }
            guard record < size else { continue }
            return try SealedBalances(
                disk: disk,
                prefix: prefix(sealed),
                size: sealed,
                record: RecordIndex(record)
            )
        }
        return nil
    }

    /// The sizes of the seals that are whole, ascending.
    private func complete() throws(DiskFault) -> [UInt64] {
        try disk.list(folder).filter { $0.name.hasSuffix(".record") }
            .compactMap { SealFiles.size($0.name) }.sorted()
    }

    private func prefix(_ size: UInt64) -> String { folder + "/" + MirrorLayout.digits(size) }

    /// The size that a file's name says; nil for a name of another kind.
    private static func size(_ name: String) -> UInt64? {
        MirrorLayout.savedSize(String(name.prefix { $0 != "." }))
    }
}

/// Writes the balances of a seal.
package struct SealWriter: ~Copyable {
    private struct Output {
        let file: any DiskFile
        var written = 0
        var waiting: [UInt8] = []

        mutating func append(_ bytes: [UInt8]) throws(DiskFault) {
            waiting += bytes
            if waiting.count >= 1 << 16 { try flush() }
        }

        mutating func flush() throws(DiskFault) {
            try file.write(waiting.span, at: written)
            written += waiting.count
            waiting.removeAll(keepingCapacity: true)
        }
    }

    private let disk: any Disk
    private let prefix: String
    private var outputs: [String: Output] = [:]
    private var tree = TileBuilder()
    private var end: UInt64 = 0

    init(disk: any Disk, prefix: String) {
        self.disk = disk
        self.prefix = prefix
    }

    /// Appends the next balance.
    ///
    /// - Parameters:
    ///   - input: The leaf input.
    ///   - leaf: Its hash.
    /// - Throws: ``StoreFault``.
    package mutating func append(_ input: [UInt8], leaf: Digest) throws(StoreFault) {
        try write(input, to: "rows")
        try write(SealWriter.bytes(end), to: "offsets")
        end += UInt64(input.count)
        try write(leaf.bytes, to: "0")
        for tile in tree.append(leaf) {
            try write(TileBuilder.root(tile.hashes[...]).bytes, to: "\(tile.level + 1)")
        }
    }

    /// Ends the files; durable on return.
    ///
    /// - Throws: ``StoreFault``.
    package consuming func finish() throws(StoreFault) {
        try write(SealWriter.bytes(end), to: "offsets")
        try write([], to: "rows")
        try onDisk { () throws(DiskFault) in
            for name in outputs.keys.sorted() {
                try outputs[name]?.flush()
                try outputs[name]?.file.sync()
            }
            try disk.syncDirectory(disk.folder(of: prefix))
        }
    }

    private mutating func write(_ bytes: [UInt8], to name: String) throws(StoreFault) {
        try onDisk { () throws(DiskFault) in
            if outputs[name] == nil {
                outputs[name] = Output(file: try disk.open(prefix + "." + name, .createOrEmpty))
            }
            try outputs[name]?.append(bytes)
        }
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt64($0)) }
    }
}

/// The balances of one seal.
package struct SealedBalances: Sendable {
    /// A balance with its place in the tree.
    package struct Row: Hashable, Sendable {
        /// The position, from 0.
        package let position: UInt64
        /// The canonical bytes of its key.
        package let key: [UInt8]
        /// The canonical bytes of its value.
        package let value: [UInt8]
        /// The hashes beside the way to the root.
        package let path: [Digest]
    }

    /// The size that was sealed.
    package let size: UInt64
    /// The record that seals.
    package let record: RecordIndex
    /// The number of balances.
    package let count: UInt64
    private let disk: any Disk
    private let prefix: String
    private let rows: any DiskFile
    private let offsets: any DiskFile

    init(
        disk: any Disk,
        prefix: String,
        size: UInt64,
        record: RecordIndex
    ) throws(StoreFault) {
        self.disk = disk
        self.prefix = prefix
        self.size = size
        self.record = record
        (rows, offsets, count) = try onDisk { () throws(DiskFault) in
            let offsets = try disk.open(prefix + ".offsets", .readOnly)
            let places = UInt64(try offsets.size()) / 8
            return (try disk.open(prefix + ".rows", .readOnly), offsets, max(places, 1) - 1)
        }
    }

    /// The balance of a key; when there is none, the balances on both sides of where it would be.
    ///
    /// - Returns: One row with this key; or none, one or two without it.
    /// - Throws: ``StoreFault``.
    package func find(_ key: [UInt8]) throws(StoreFault) -> [Row] {
        var (low, high) = (UInt64(0), count)
        while low < high {
            let middle = (low + high) / 2
            let found = try parts(middle).key
            if found == key { return [try row(middle)] }
            if found.lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
        }
        var neighbours: [Row] = []
        if low > 0 { neighbours.append(try row(low - 1)) }
        if low < count { neighbours.append(try row(low)) }
        return neighbours
    }

    private func row(_ position: UInt64) throws(StoreFault) -> Row {
        let (key, value) = try parts(position)
        let tree = StoredTree { (level, positions) throws(StoreFault) in
            try hashes(level, positions)
        }
        return Row(
            position: position,
            key: key,
            value: value,
            path: try tree.inclusion(of: position, size: count).path
        )
    }

    private func parts(_ position: UInt64) throws(StoreFault) -> (key: [UInt8], value: [UInt8]) {
        let bytes = try onDisk { () throws(DiskFault) in
            let ends = try offsets.bytes(at: Int(position) * 8, count: 16)
            let (start, end) = (
                SealedBalances.number(ends[..<8]), SealedBalances.number(ends[8...])
            )
            guard start < end, end - start < 1 << 20 else { return [UInt8]() }
            return try rows.bytes(at: Int(start), count: Int(end - start))
        }
        guard let (key, rest) = SealedBalances.framed(bytes[...]),
            let (value, nothing) = SealedBalances.framed(rest), nothing.isEmpty
        else {
            throw StoreFault(
                .corrupt,
                subject: prefix + ".rows",
                reason: "holds no balance at position \(position); remove the files of this seal"
            )
        }
        return (Array(key), Array(value))
    }

    private func hashes(
        _ level: UInt64,
        _ positions: Range<UInt64>
    ) throws(StoreFault) -> [Digest] {
        let bytes = try onDisk { () throws(DiskFault) in
            try disk.open("\(prefix).\(level)", .readOnly).bytes(
                at: Int(positions.lowerBound) * TileFiles.hashBytes,
                count: positions.count * TileFiles.hashBytes
            )
        }
        return bytes.span.digests(positions.count)
    }

    private static func framed(
        _ bytes: ArraySlice<UInt8>
    ) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
        guard bytes.count >= 4 else { return nil }
        let length = Int(number(bytes.prefix(4)))
        let rest = bytes.dropFirst(4)
        return rest.count >= length ? (rest.prefix(length), rest.dropFirst(length)) : nil
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }
}
