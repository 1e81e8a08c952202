// SPDX-License-Identifier: Apache-2.0
//
// The record files at start-up. Imports TallyTypes. First they are only read: what they hold behind
// the flushed records is compared with what the replay of the log yields, and what is left over is
// judged; until then no byte of them is changed. Then `mend` writes: derived files that are
// missing, sectors that a loss of power left out, an incomplete last record; and everything that is
// not known to have been synced once more, since what can be read after a sync failed need not be
// durable.
//
// After a loss of power, any sector that was not synced may still be as it was before it was
// written: zero from some byte on. So in each sector the files may hold the replay's bytes up to a
// point and zeros behind it, and such a sector is written again. Anything else differs from the
// log.

package import TallyCodec
package import TallyTypes

/// The array of positions that a book must have.
package struct ExpectedPositions: Hashable, Sendable {
    /// The book.
    package let book: BookID
    /// Its next transaction as of the flush.
    package let next: TransactionID

    /// Makes an expectation.
    package init(book: BookID, next: TransactionID) {
        self.book = book
        self.next = next
    }
}

/// What start-up found in the record files, and does about it.
package struct RecordFilesRecovery: Hashable, Sendable, CustomStringConvertible {
    /// Records that were flushed; the replay begins behind them.
    package let flushed: RecordIndex
    /// The first index behind the records that look whole, flushed or not; the replay proves them.
    package let present: RecordIndex
    /// True when the offsets are made again from the records.
    package let rebuiltOffsets: Bool
    /// True when the positions are made again from the records.
    package let rebuiltPositions: Bool
    /// True when the tiles of all records are made again.
    package let rebuiltTiles: Bool

    /// One line for the start-up log.
    package var description: String {
        let rebuilt = [
            (rebuiltOffsets, "offsets"), (rebuiltPositions, "positions"), (rebuiltTiles, "tiles"),
        ].filter(\.0).map(\.1)
        let found = "records: \(flushed) flushed, \(present) present"
        return rebuilt.isEmpty
            ? found : found + "; rebuilt: " + rebuilt.joined(separator: ", ")
    }
}

/// What the end of the replay does to the record files.
package struct RecordFilesRepair: Hashable, Sendable, CustomStringConvertible {
    /// Sectors that a loss of power had left unwritten and that the replay yields again.
    package let repairedSectors: Int
    /// The index of the incomplete last record that is cut, and its offset.
    package let cut: Cut?

    /// One incomplete record.
    package struct Cut: Hashable, Sendable {
        /// Its index.
        package let index: RecordIndex
        /// The offset at which it began.
        package let offset: Int
    }

    /// One line for the start-up log.
    package var description: String {
        let repaired = "records: \(repairedSectors) sectors written again"
        guard let cut else { return repaired }
        return repaired + ", incomplete record \(cut.index) cut at offset \(cut.offset)"
    }
}

/// The record files while the log is replayed.
package struct RecordReplay: ~Copyable {
    /// A part of the records behind the flush.
    private enum Part {
        /// In the file, byte for byte.
        case held(Range<Int>)
        /// Not in the file, or not whole.
        case lacking(at: Int, [UInt8])
    }

    /// Consecutive transactions of one book in consecutive records.
    fileprivate struct Run {
        let first: RecordPosition
        var count: UInt64
    }

    /// What looking at the files found.
    package let recovery: RecordFilesRecovery
    /// The index of the next record that the log yields.
    package private(set) var count: RecordIndex

    private let disk: any Disk
    private let directory: String
    private let configuration: RecordFilesConfiguration
    private let durable: RecordIndex
    private let start: RecordFilesStart
    private let positions: PositionFiles
    /// What stands beside the records.
    package let blobs: BlobFiles
    private var newBlobs: [Blob] = []
    private var end: Int
    private var begun: [UInt64] = []
    private var parts: [Part] = []
    private var runs: [Run] = []
    private var repairedSectors = 0

    /// Looks at the record files of a folder, and changes nothing.
    ///
    /// - Parameters:
    ///   - disk: The disk.
    ///   - directory: The folder, which exists.
    ///   - configuration: The files' sizes.
    ///   - flushed: The next record index as of the last flush: so many records must be there.
    ///   - durable: Records below this index were synced; at least `flushed`.
    ///   - expecting: The arrays of positions as of the last flush.
    /// - Throws: ``StoreFault``: `corrupt` or `missing` when fewer records than flushed are there.
    package init(
        disk: any Disk,
        directory: String,
        configuration: RecordFilesConfiguration = RecordFilesConfiguration(),
        flushed: RecordIndex,
        durable: RecordIndex = .zero,
        expecting: [ExpectedPositions] = []
    ) throws(StoreFault) {
        let positions = PositionFiles(
            disk: disk,
            directory: RecordLayout.positions(directory),
            configuration: configuration
        )
        let start = try RecordFilesStart(disk, directory, flushed)
        recovery = RecordFilesRecovery(
            flushed: flushed,
            present: start.present,
            rebuiltOffsets: start.rebuildsOffsets && flushed > .zero,
            rebuiltPositions: try start.rebuildsPositions(positions, expecting),
            rebuiltTiles: start.wasRebuildingTiles || !start.hasTiles && durable > .zero
        )
        self.disk = disk
        self.directory = directory
        self.configuration = configuration
        self.durable = durable
        self.positions = positions
        blobs = BlobFiles(disk: disk, directory: directory)
        self.start = start
        count = flushed
        end = start.end
    }

    /// Compares the records of one entry with what the files hold.
    ///
    /// - Parameters:
    ///   - framed: The records, each behind its length in two big-endian bytes.
    ///   - first: The index of the first: exactly ``count`` (invariant 42).
    ///   - new: Where the transactions made by these records are.
    ///   - beside: What is too large for these records.
    /// - Throws: ``StoreFault``; `lostEntry` when the files hold something else there.
    package mutating func compare(
        _ framed: [UInt8],
        first: RecordIndex,
        positions new: [RecordPosition],
        blobs beside: [Blob] = []
    ) throws(StoreFault) {
        invariant(.i42, first == count, "record \(first) compared where \(count) is next")
        let (bundles, next) = RecordLayout.bundles(in: framed.span, from: first, at: end)
        if try isHeld(framed, first) {
            if next > durable { noteHeld(end..<end + framed.count) }
        } else {
            parts.append(.lacking(at: end, framed))
        }
        for blob in beside {
            if next <= durable { try requireHeld(blob) } else { newBlobs.append(blob) }
        }
        begun += bundles
        (count, end) = (next, end + framed.count)
        for position in new { note(position) }
    }

    /// Judges what lies behind the records that the log yielded: at most one incomplete record.
    ///
    /// - Parameter isWhole: True when bytes are a whole, valid record of the next index.
    /// - Returns: What ``mend(positionOf:)`` repairs and cuts.
    /// - Throws: ``StoreFault``: `lostEntry` when a whole record, or more than one incomplete
    ///   record, is there: an acknowledged entry was lost.
    package func judgeSurplus(
        isWhole: ([UInt8]) -> Bool
    ) throws(StoreFault) -> RecordFilesRepair {
        var cut: RecordFilesRepair.Cut?
        if start.heldEnd > end, let entries = start.entries {
            var scanner = try RecordScanner(file: entries, index: count, offset: end)
            if try scanner.firstNonZero(from: end) != nil {
                try check(&scanner, isWhole)
                cut = RecordFilesRepair.Cut(index: count, offset: end)
            }
        }
        return RecordFilesRepair(repairedSectors: repairedSectors, cut: cut)
    }

    /// Writes what is missing, and all that was not synced once more; durable on return.
    ///
    /// - Parameter positionOf: The position that a record gives, if any; asked only when the
    ///   positions are made again from all records.
    /// - Returns: The files, ready for use.
    /// - Throws: ``StoreFault``.
    package consuming func mend(
        positionOf: (RecordIndex, [UInt8]) throws(StoreFault) -> RecordPosition?
    ) throws(StoreFault) -> RecordFiles {
        var tail = try makeFiles()
        try onDisk { () throws(DiskFault) in
            for blob in newBlobs { try blobs.sync([try blobs.write(blob)]) }
            try writeOffsets(&tail)
            try writeRecords(&tail)
        }
        if recovery.rebuiltPositions { try rebuildPositions(tail.entries.file, positionOf) }
        for run in runs {
            try onDisk { () throws(DiskFault) in try positions.append(run.positions) }
        }
        var rebuildsTiles = recovery.rebuiltTiles
        if rebuildsTiles { try mark(RecordLayout.rebuildingTiles(directory)) }
        let files = RecordFiles(
            disk: disk,
            directory: directory,
            configuration: configuration,
            positions: positions,
            tiles: try onDisk { () throws(DiskFault) in
                try TileFiles(
                    disk: disk,
                    directory: directory,
                    stepBytes: configuration.stepBytes,
                    trusted: start.wasRebuildingTiles ? 0 : durable.rawValue
                )
            },
            tail: tail,
            offsets: start.offsets + begun,
            newBlobs: []
        )
        if !rebuildsTiles, files.tiles.lacks(durable.rawValue) {
            rebuildsTiles = true
            try mark(RecordLayout.rebuildingTiles(directory))
        }
        try files.mendTiles()
        try files.sync()
        if rebuildsTiles { try unmark(RecordLayout.rebuildingTiles(directory)) }
        return files
    }

    // MARK: - Looking

    private mutating func noteHeld(_ range: Range<Int>) {
        if case .held(let before)? = parts.last, before.upperBound == range.lowerBound {
            parts[parts.count - 1] = .held(before.lowerBound..<range.upperBound)
        } else {
            parts.append(.held(range))
        }
    }

    private mutating func note(_ position: RecordPosition) {
        if let last = runs.last, last.continues(with: position) {
            runs[runs.count - 1].count += 1
        } else {
            runs.append(Run(first: position, count: 1))
        }
    }

    /// A blob of a record that was synced was synced before it.
    private func requireHeld(_ blob: Blob) throws(StoreFault) {
        let path = blobs.path(of: blob.reference)
        switch try blobs.compare(blob) {
        case .same: return
        case .nothing:
            throw StoreFault(.missing, subject: path, reason: "is missing, and a record needs it")
        case .other:
            let reason = "does not hold the bytes that the log yields"
            throw StoreFault(.corrupt, subject: path, reason: reason)
        }
    }

    /// True when the file holds these bytes; counts the sectors that it lacks.
    private mutating func isHeld(
        _ framed: [UInt8],
        _ first: RecordIndex
    ) throws(StoreFault) -> Bool {
        guard let file = start.entries, end < start.heldEnd else { return false }
        let offset = end
        let held = try onDisk { () throws(DiskFault) in
            let available = min(framed.count, max(0, try file.size() - offset))
            return try file.bytes(at: offset, count: available)
        }
        if isEqual(framed.span, held.span) { return true }
        var torn = 0
        for sector in RecordLayout.sectors(offset, framed.count) {
            switch SectorComparison(framed.span, held.span, sector) {
            case .same: continue
            case .torn: torn += 1
            case .other(let position):
                throw differs(framed.span, offset, position, first)
            }
        }
        repairedSectors += torn
        return torn == 0
    }

    private func differs(
        _ framed: Span<UInt8>,
        _ offset: Int,
        _ position: Int,
        _ first: RecordIndex
    ) -> StoreFault {
        var (at, index) = (0, first.rawValue)
        while true {
            let next = at + RecordLayout.prefixBytes + (Int(framed[at]) << 8 | Int(framed[at + 1]))
            guard next <= position else { break }
            (at, index) = (next, index + 1)
        }
        let subject = "\(RecordLayout.entries(directory)), record \(index)"
        let reason = "differs at offset \(offset + position) from what the log yields"
        return StoreFault(.lostEntry, subject: subject, reason: reason)
    }

    private func check(
        _ scanner: inout RecordScanner,
        _ isWhole: ([UInt8]) -> Bool
    ) throws(StoreFault) {
        let subject = "\(RecordLayout.entries(directory)), record \(count)"
        let length = try scanner.length() ?? 0
        if let record = try scanner.next(), isWhole(record.bytes) {
            let reason = "is whole, and the log ends before it"
            throw StoreFault(.lostEntry, subject: subject, reason: reason)
        }
        let reach = length > 0 ? length : Limits.recordBytesMax
        let after = end + RecordLayout.prefixBytes + reach
        if let offset = try scanner.firstNonZero(from: after) {
            let reason = "the log ends before it, and more follows at offset \(offset)"
            throw StoreFault(.lostEntry, subject: subject, reason: reason)
        }
    }

    // MARK: - Mending

    private func makeFiles() throws(StoreFault) -> RecordFiles.Tail {
        try onDisk { () throws(DiskFault) in
            let entries = try file(start.entries, RecordLayout.entries(directory))
            let offsets = try file(start.offsetsFile, RecordLayout.offsets(directory))
            if !start.hasPositions {
                try disk.makeDirectory(RecordLayout.positions(directory))
            }
            if !start.hasBlobs { try disk.makeDirectory(RecordLayout.blobs(directory)) }
            // Also when nothing was made now: what an earlier process made may not be durable yet.
            try disk.syncDirectory(directory)
            if start.rebuildsOffsets { try offsets.truncate(to: 0) }
            return RecordFiles.Tail(
                entries: try GrowingFile(entries),
                offsetsFile: try GrowingFile(offsets),
                count: count,
                end: end,
                bundleCount: start.rebuildsOffsets ? 0 : start.offsets.count
            )
        }
    }

    private func file(_ found: (any DiskFile)?, _ path: String) throws(DiskFault) -> any DiskFile {
        if let found { return found }
        return try disk.open(path, .createNew)
    }

    /// The offsets that are not known to be durable, and zeros behind the last.
    private func writeOffsets(_ tail: inout RecordFiles.Tail) throws(DiskFault) {
        let rows = start.rebuildsOffsets ? start.offsets + begun : begun
        try tail.write(offsets: rows, configuration)
        let used = tail.bundleCount * RecordLayout.rowBytes
        let size = tail.offsetsFile.size
        if size > used { try tail.offsetsFile.file.writeZeros(at: used, count: size - used) }
    }

    /// The records that were not synced, and zeros over an incomplete one.
    ///
    /// Also over one that an earlier start cut and could not make durable.
    private func writeRecords(_ tail: inout RecordFiles.Tail) throws(DiskFault) {
        for part in parts {
            switch part {
            case .held(let range): try tail.entries.file.writeAgain(range)
            case .lacking(let offset, let bytes):
                try tail.entries.write(bytes.span, at: offset, step: configuration.stepBytes)
            }
        }
        let reach = max(start.heldEnd, end + RecordLayout.prefixBytes + Limits.recordBytesMax)
        let room = min(reach, tail.entries.size) - end
        if room > 0 { try tail.entries.file.writeZeros(at: end, count: room) }
    }

    private func rebuildPositions(
        _ entries: any DiskFile,
        _ positionOf: (RecordIndex, [UInt8]) throws(StoreFault) -> RecordPosition?
    ) throws(StoreFault) {
        try mark(RecordLayout.rebuilding(directory))
        var scanner = try RecordScanner(file: entries, index: .zero, offset: 0)
        while scanner.index < recovery.flushed, let record = try scanner.next() {
            guard let position = try positionOf(record.index, record.bytes) else { continue }
            try onDisk { () throws(DiskFault) in try positions.append([position]) }
        }
        try onDisk { () throws(DiskFault) in try positions.sync() }
        try unmark(RecordLayout.rebuilding(directory))
    }

    /// Notes, durable, that something derived is being made again: until it is done, nothing of it
    /// can be trusted.
    private func mark(_ path: String) throws(StoreFault) {
        try onDisk { () throws(DiskFault) in
            _ = try disk.open(path, .createOrEmpty)
            try disk.syncDirectory(directory)
        }
    }

    private func unmark(_ path: String) throws(StoreFault) {
        try onDisk { () throws(DiskFault) in
            try disk.remove(path)
            try disk.syncDirectory(directory)
        }
    }
}

extension RecordReplay.Run {
    fileprivate func continues(with next: RecordPosition) -> Bool {
        next.book == first.book
            && next.transaction.rawValue == first.transaction.rawValue + count
            && next.record.rawValue == first.record.rawValue + count
    }

    fileprivate var positions: [RecordPosition] {
        (0..<count).map { step in
            RecordPosition(
                book: first.book,
                transaction: TransactionID(first.transaction.rawValue + step),
                record: RecordIndex(first.record.rawValue + step)
            )
        }
    }
}

extension RecordLayout {
    /// The parts of a run of bytes that lie in one sector each, as positions in the run.
    fileprivate static func sectors(_ offset: Int, _ count: Int) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var at = 0
        while at < count {
            let next = min(count, at + sectorBytes - (offset + at) % sectorBytes)
            parts.append(at..<next)
            at = next
        }
        return parts
    }
}

/// How a sector of a file stands to what the log yields for it.
private enum SectorComparison {
    case same
    /// The wanted bytes up to some point, then zeros.
    case torn
    case other(at: Int)

    init(_ wanted: Span<UInt8>, _ held: Span<UInt8>, _ part: Range<Int>) {
        var at = part.lowerBound
        while at < part.upperBound, at < held.count, held[at] == wanted[at] {
            at += 1
        }
        guard at < part.upperBound else {
            self = .same
            return
        }
        while at < part.upperBound, at < held.count {
            guard held[at] == 0 else {
                self = .other(at: at)
                return
            }
            at += 1
        }
        self = .torn
    }
}
