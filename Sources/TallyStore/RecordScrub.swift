// SPDX-License-Identifier: Apache-2.0
//
// One round of the self-check of a running node: reads old records, offsets, tiles and blobs again
// and compares what can be checked without the state: each record's leaf hash with its row, where
// bundles begin with `offsets`, each level's rows with the level below, roots with those that were
// signed, blobs with their names. Writes nothing, and has handles of its own. Imports TallyTypes,
// TallyCodec and TallyProof. Called by the node's Scrubber, a bounded piece at a time; only below a
// size whose files are synced, where nothing is written any more.

internal import Synchronization
import TallyCodec
import TallyProof
package import TallyTypes

/// A root that the first records must have, and who says so.
package struct ScrubMark: Hashable, Sendable {
    /// The number of records.
    package let size: UInt64
    /// Their root.
    package let root: Digest
    /// Who says so, for people.
    package let name: String

    /// Makes a mark.
    package init(size: UInt64, root: Digest, name: String) {
        self.size = size
        self.root = root
        self.name = name
    }
}

/// Checks the record files below the largest mark, front to back.
package struct RecordScrub: Sendable {
    /// Gives what stands beside a record.
    package typealias References = @Sendable ([UInt8]) throws(Malformed) -> [BlobReference]

    private let disk: any Disk
    private let directory: String
    private let marks: [ScrubMark]
    private let newest: ScrubMark
    private let references: References
    private let blobs: BlobFiles
    private let entries: any DiskFile
    private let offsets: any DiskFile
    private let levels: ScrubbedLevels
    /// The newest records stay in the system's memory.
    private var coldEnd = 0
    private var scanner: RecordScanner
    /// The stored leaf hashes of the bundle that is read.
    private var rows: [Digest] = []
    private var builder = TileBuilder()
    private var range = CompactRange()

    /// Begins a round.
    ///
    /// - Parameters:
    ///   - disk: The disk.
    ///   - directory: The folder of the record files.
    ///   - mark: A root of the ledger at a size whose files are synced.
    ///   - others: More of them.
    ///   - references: Gives what stands beside a record, from its bytes.
    /// - Throws: ``StoreFault`` when a file cannot be opened.
    package init(
        disk: any Disk,
        directory: String,
        mark: ScrubMark,
        others: [ScrubMark] = [],
        references: @escaping References = RecordCodec.references(of:)
    ) throws(StoreFault) {
        self.disk = disk
        self.directory = directory
        marks = [mark] + others
        newest = others.reduce(mark) { $0.size < $1.size ? $1 : $0 }
        size = newest.size
        self.references = references
        blobs = BlobFiles(disk: disk, directory: directory)
        let (entries, offsets) = try onDisk { () throws(DiskFault) in
            (
                try disk.open(RecordLayout.entries(directory), .readOnly),
                try disk.open(RecordLayout.offsets(directory), .readOnly)
            )
        }
        self.entries = entries
        self.offsets = offsets
        levels = ScrubbedLevels(disk: disk, folder: RecordLayout.tiles(directory))
        scanner = try RecordScanner(
            file: entries,
            index: .zero,
            offset: 0,
            windowBytes: RecordScrub.windowBytes
        )
        guard size > 0 else { return }
        let last = try offset(ofBundle: (size - 1) / RecordLayout.bundle)
        coldEnd = max(0, last) - RecordFiles.warmBytes
    }

    /// Bytes that are read at a time.
    private static let windowBytes = 1 << 18

    /// Records below this are checked.
    package let size: UInt64

    /// True when the round has checked everything.
    package var isDone: Bool { scanner.index.rawValue >= size }

    /// Checks records one after the other until so many bytes were read, or the round is done.
    ///
    /// - Returns: The bytes that were checked: up to one record and its blobs more than asked for.
    /// - Throws: ``StoreFault``: `corrupt` or `missing` names file, offset and record, and what was
    ///   expected and found; or that of the disk.
    package mutating func step(bytesMax: Int) throws(StoreFault) -> Int {
        guard !isDone else { return 0 }
        let start = scanner.offset
        var read = 0
        while read < bytesMax, !isDone { read += try checkNext() }
        if isDone { try checkEnd() }
        let end = min(scanner.offset, coldEnd)
        if start < end { try onDisk { () throws(DiskFault) in try entries.letGo(start..<end) } }
        return read
    }

    private mutating func checkNext() throws(StoreFault) -> Int {
        let index = scanner.index.rawValue
        if index % RecordLayout.bundle == 0 { try beginBundle(index) }
        let place = scanner.offset
        let row = rows[Int(index % RecordLayout.bundle)]
        guard let record = try scanner.next() else {
            throw StoreFault(
                .corrupt,
                subject: subject(index, place),
                reason: "no whole record is there, expected one with the leaf hash \(row)"
            )
        }
        let leaf = Hashing.leaf(record.bytes)
        guard leaf == row else { throw try fault(index, place, leaf: leaf, row: row) }
        range.append(leaf)
        for tile in builder.append(leaf) where tile.level > 0 {
            try compare(tile.hashes, tile.level, from: tile.number * TilePath.width)
        }
        for mark in marks where mark.size == range.size { try check(mark) }
        let beside = try checkBlobs(record, place)
        return RecordLayout.prefixBytes + record.bytes.count + TileFiles.hashBytes + beside
    }

    /// Reads the leaf hashes of a bundle, and compares where it begins.
    private mutating func beginBundle(_ index: UInt64) throws(StoreFault) {
        let number = index / RecordLayout.bundle
        let begin = try offset(ofBundle: number)
        guard begin == scanner.offset else {
            let place = number * UInt64(RecordLayout.rowBytes)
            throw StoreFault(
                .corrupt,
                subject: "\(offsets.path), offset \(place), record \(index)",
                reason: "expected \(scanner.offset), where the record before ends, found \(begin)"
            )
        }
        rows = try levels.row(0, index..<min(size, index + RecordLayout.bundle))
    }

    private func offset(ofBundle number: UInt64) throws(StoreFault) -> Int {
        let bytes = try onDisk { () throws(DiskFault) in
            try offsets.bytes(
                at: Int(number) * RecordLayout.rowBytes,
                count: RecordLayout.rowBytes
            )
        }
        // A rotted row may name any number; it is compared, never used as a place.
        return Int(truncatingIfNeeded: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// Which of the two has rotted: the one that does not lead to the newest root.
    private func fault(
        _ index: UInt64,
        _ place: Int,
        leaf: Digest,
        row: Digest
    ) throws(StoreFault) -> StoreFault {
        let rowSubject =
            "\(levels.folder)/0, offset \(index * UInt64(TileFiles.hashBytes)), record \(index)"
        let tree = StoredTree { level, positions throws(StoreFault) in
            try levels.row(level, positions)
        }
        let proof = try tree.inclusion(of: index, size: size)
        if proof.holds(leaf: leaf, root: newest.root) {
            let reason = "expected \(leaf), the leaf hash of the record, found \(row)"
            return StoreFault(.corrupt, subject: rowSubject, reason: reason)
        }
        let reason = "expected the leaf hash \(row), found \(leaf)"
        guard proof.holds(leaf: row, root: newest.root) else {
            let both = "; neither leads to the root of \(newest.name), see \(rowSubject)"
            return StoreFault(.corrupt, subject: subject(index, place), reason: reason + both)
        }
        return StoreFault(.corrupt, subject: subject(index, place), reason: reason)
    }

    private func subject(_ index: UInt64, _ place: Int) -> String {
        "\(entries.path), offset \(place), record \(index)"
    }

    /// Compares rows of a level with what the level below gives.
    private func compare(
        _ hashes: [Digest],
        _ level: UInt64,
        from first: UInt64
    ) throws(StoreFault) {
        guard !hashes.isEmpty else { return }
        let held = try levels.row(level, first..<first + UInt64(hashes.count))
        for (position, (hash, found)) in zip(hashes, held).enumerated() where hash != found {
            let number = first + UInt64(position)
            let record = number << (8 * level)
            throw StoreFault(
                .corrupt,
                subject: "\(levels.folder)/\(level), offset \(number * UInt64(TileFiles.hashBytes))"
                    + ", record \(record)",
                reason: "expected \(hash), which level \(level - 1) gives, found \(found)"
            )
        }
    }

    /// Rows that are in no full tile.
    private func checkEnd() throws(StoreFault) {
        for level in TileLevel.all(size: size) where level.level > 0 {
            let partial = builder.partial(level: level.level)
            try compare(partial, level.level, from: level.full * TilePath.width)
        }
    }

    private func check(_ mark: ScrubMark) throws(StoreFault) {
        let root = range.root
        guard root == mark.root else {
            throw StoreFault(
                .corrupt,
                subject: "\(entries.path), \(mark.size) records",
                reason: "expected the root \(mark.root) of \(mark.name), found \(root)"
            )
        }
    }

    /// Reads what stands beside a record; returns its size.
    private func checkBlobs(
        _ record: ScannedRecord,
        _ place: Int
    ) throws(StoreFault) -> Int {
        let beside: [BlobReference]
        do throws(Malformed) {
            beside = try references(record.bytes)
        } catch {
            let subject = subject(record.index.rawValue, place)
            throw StoreFault(.corrupt, subject: subject, reason: "does not decode: \(error)")
        }
        var read = 0
        for reference in beside {
            let subject = "\(blobs.path(of: reference)), offset 0, record \(record.index)"
            guard let bytes = try blobs.bytes(of: reference) else {
                let reason = "expected \(reference.length) bytes, found no file"
                throw StoreFault(.missing, subject: subject, reason: reason)
            }
            let found = BlobReference(length: bytes.count, digest: Hashing.sha256(bytes))
            guard found == reference else {
                throw StoreFault(
                    .corrupt,
                    subject: subject,
                    reason: "expected \(reference.length) bytes with the SHA-256 "
                        + "\(reference.digest), found \(found.length) with \(found.digest)"
                )
            }
            read += bytes.count
        }
        return read
    }
}

/// The rows of tiles, through handles that are opened when they are needed.
private final class ScrubbedLevels: Sendable {
    let folder: String
    private let disk: any Disk
    private let files = Mutex<[UInt64: any DiskFile]>([:])

    init(disk: any Disk, folder: String) {
        self.disk = disk
        self.folder = folder
    }

    func row(_ level: UInt64, _ positions: Range<UInt64>) throws(StoreFault) -> [Digest] {
        let bytes = try onDisk { () throws(DiskFault) in
            try file(level).bytes(
                at: Int(positions.lowerBound) * TileFiles.hashBytes,
                count: positions.count * TileFiles.hashBytes
            )
        }
        return bytes.span.digests(positions.count)
    }

    private func file(_ level: UInt64) throws(DiskFault) -> any DiskFile {
        if let known = files.withLock({ $0[level] }) { return known }
        let opened = try disk.open(folder + "/\(level)", .readOnly)
        files.withLock { $0[level] = opened }
        return opened
    }
}
