// SPDX-License-Identifier: Apache-2.0
//
// Opening the record files: finds the end of the flushed records and of everything behind them, and
// rebuilds derived files. Imports TallyTypes. Called by RecordFiles only.

internal import TallyTypes

/// What opening found.
struct RecordFilesStart {
    private(set) var entries: GrowingFile
    private(set) var offsetsFile: GrowingFile
    private(set) var offsets: [UInt64] = []
    /// The offset behind the flushed records.
    private(set) var end = 0
    /// The offset behind the last byte that is not zero.
    private(set) var heldEnd = 0
    private(set) var present = RecordIndex.zero
    private(set) var rebuiltOffsets = false
    private let disk: any Disk
    private let directory: String
    private let flushed: RecordIndex

    init(_ disk: any Disk, _ directory: String, _ flushed: RecordIndex) throws(StoreFault) {
        self.disk = disk
        self.directory = directory
        self.flushed = flushed
        (entries, offsetsFile) = try Self.open(disk, directory, flushed)
        try loadOffsets()
        try findEnds()
        if rebuiltOffsets { try writeOffsets() }
    }

    /// Rebuilds all positions when an expected array is missing or short, or an earlier try did not
    /// end.
    func rebuildPositions(
        _ positions: PositionFiles,
        _ expecting: [ExpectedPositions],
        _ positionOf: (RecordIndex, [UInt8]) throws(StoreFault) -> RecordPosition?
    ) throws(StoreFault) -> Bool {
        let wasRebuilding = try isRebuilding()
        let isShort = try isShort(positions, expecting)
        guard wasRebuilding || isShort else { return false }
        let mark = RecordLayout.rebuilding(directory)
        try onDisk { () throws(DiskFault) in
            _ = try disk.open(mark, .createOrEmpty)
            try disk.syncDirectory(directory)
        }
        var scanner = try RecordScanner(file: entries.file, index: .zero, offset: 0)
        while scanner.index < flushed, let record = try scanner.next() {
            guard let position = try positionOf(record.index, record.bytes) else { continue }
            try onDisk { () throws(DiskFault) in try positions.append([position]) }
        }
        try onDisk { () throws(DiskFault) in
            try positions.sync()
            try disk.remove(mark)
            try disk.syncDirectory(directory)
        }
        return true
    }

    private func isRebuilding() throws(StoreFault) -> Bool {
        try onDisk { () throws(DiskFault) in
            try disk.exists(RecordLayout.rebuilding(directory))
        }
    }

    private func isShort(
        _ positions: PositionFiles,
        _ expecting: [ExpectedPositions]
    ) throws(StoreFault) -> Bool {
        for expected in expecting where expected.next > TransactionID(1) {
            let size = try onDisk { () throws(DiskFault) in try positions.size(of: expected.book) }
            let wanted = Int(expected.next.rawValue - 1) * RecordLayout.rowBytes
            guard let size, size >= wanted else { return true }
        }
        return false
    }

    private static func open(
        _ disk: any Disk,
        _ directory: String,
        _ flushed: RecordIndex
    ) throws(StoreFault) -> (entries: GrowingFile, offsets: GrowingFile) {
        try onDisk { () throws(DiskFault) in
            let names = try disk.list(directory).map(\.name)
            let mode: DiskOpenMode =
                flushed == .zero && !names.contains("entries")
                ? .createNew : .readWrite
            let entries = try disk.open(RecordLayout.entries(directory), mode)
            let hasOffsets = names.contains("offsets")
            let offsets = try disk.open(
                RecordLayout.offsets(directory),
                hasOffsets ? .readWrite : .createNew
            )
            if !names.contains("positions") {
                try disk.makeDirectory(RecordLayout.positions(directory))
            }
            // Also when nothing was made now: what an earlier process made may not be durable yet.
            try disk.syncDirectory(directory)
            return (try GrowingFile(entries), try GrowingFile(offsets))
        }
    }

    /// Takes the rows of the flushed bundles, if all are there and rise as bundles do.
    private mutating func loadOffsets() throws(StoreFault) {
        let bundle = RecordLayout.bundle
        let wanted = Int((flushed.rawValue + bundle - 1) / bundle)
        let bytes = wanted * RecordLayout.rowBytes
        guard offsetsFile.size >= bytes else {
            rebuiltOffsets = true
            return
        }
        let file = offsetsFile.file
        let rows = try onDisk { () throws(DiskFault) in try file.bytes(at: 0, count: bytes) }
        offsets = (0..<wanted).map { rows.span.word(at: $0 * RecordLayout.rowBytes) }
        let least = bundle * UInt64(RecordLayout.prefixBytes + 1)
        let most = bundle * UInt64(RecordLayout.prefixBytes + Limits.recordBytesMax)
        let rises = zip(offsets, offsets.dropFirst()).allSatisfy { left, right in
            right > left && (least...most).contains(right - left)
        }
        if offsets.first ?? 0 != 0 || !rises || offsets.last ?? 0 > UInt64(entries.size) {
            offsets = []
            rebuiltOffsets = true
        }
    }

    /// Walks from the last known bundle to the end of the flushed records, and on to the end of
    /// all.
    private mutating func findEnds() throws(StoreFault) {
        let known = max(0, offsets.count - 1)
        let start = UInt64(known) * RecordLayout.bundle
        var scanner = try RecordScanner(
            file: entries.file,
            index: RecordIndex(start),
            offset: Int(offsets.isEmpty ? 0 : offsets[known])
        )
        offsets = Array(offsets.prefix(known))
        while scanner.index < flushed {
            if scanner.index.rawValue % RecordLayout.bundle == 0 {
                offsets.append(UInt64(scanner.offset))
            }
            guard try scanner.skip() != nil else {
                let subject = "\(scanner.path), record \(scanner.index)"
                let reason = "is not there, and \(flushed) records were flushed"
                throw StoreFault(.corrupt, subject: subject, reason: reason)
            }
        }
        end = scanner.offset
        while try scanner.skip() != nil {}
        present = scanner.index
        heldEnd = end
        while let next = try scanner.firstNonZero(from: heldEnd) {
            heldEnd = min(entries.size, (next / 4096 + 1) * 4096)
        }
    }

    private mutating func writeOffsets() throws(StoreFault) {
        let rows = RecordLayout.rows(offsets)
        let old = offsetsFile.file
        try onDisk { () throws(DiskFault) in
            try old.truncate(to: 0)
            try old.write(rows.span, at: 0)
            try old.sync()
        }
        offsetsFile = try onDisk { () throws(DiskFault) in try GrowingFile(old) }
    }
}
