// SPDX-License-Identifier: Apache-2.0
//
// Looking at the record files: finds the end of the flushed records and of everything behind them,
// and whether derived files must be made again. Changes nothing. Imports TallyTypes. Called by
// RecordReplay only, which writes when start-up mends.

internal import TallyTypes

/// What the record files hold.
struct RecordFilesStart {
    /// The records; nil where no file is.
    let entries: (any DiskFile)?
    /// The offsets; nil where no file is.
    let offsetsFile: (any DiskFile)?
    /// True when the folder of the positions is there.
    let hasPositions: Bool
    /// True when the folder of the blobs is there.
    let hasBlobs: Bool
    /// True when the folder of the tiles is there.
    let hasTiles: Bool
    /// Where each bundle of the flushed records begins.
    private(set) var offsets: [UInt64] = []
    /// The offset behind the flushed records.
    private(set) var end = 0
    /// The offset behind the last byte that is not zero.
    private(set) var heldEnd = 0
    private(set) var present = RecordIndex.zero
    private(set) var rebuildsOffsets = false
    /// True when a try to make the positions again did not end.
    let wasRebuilding: Bool
    /// True when a try to make the tiles again did not end.
    let wasRebuildingTiles: Bool
    private let directory: String
    private let flushed: RecordIndex

    init(_ disk: any Disk, _ directory: String, _ flushed: RecordIndex) throws(StoreFault) {
        self.directory = directory
        self.flushed = flushed
        let names = try onDisk { () throws(DiskFault) in try disk.list(directory).map(\.name) }
        hasPositions = names.contains("positions")
        hasBlobs = names.contains("blobs")
        hasTiles = names.contains("tiles")
        wasRebuilding = names.contains("rebuilding")
        wasRebuildingTiles = names.contains("rebuilding-tiles")
        entries = try Self.open(disk, RecordLayout.entries(directory), names)
        offsetsFile = try Self.open(disk, RecordLayout.offsets(directory), names)
        guard let entries else {
            guard flushed == .zero else {
                let path = RecordLayout.entries(directory)
                let reason = "is not there, and \(flushed) records were flushed"
                throw StoreFault(.missing, subject: path, reason: reason)
            }
            rebuildsOffsets = true
            return
        }
        let size = try onDisk { () throws(DiskFault) in try entries.size() }
        try loadOffsets(UInt64(size))
        try findEnds(entries, size)
    }

    private static func open(
        _ disk: any Disk,
        _ path: String,
        _ names: [String]
    ) throws(StoreFault) -> (any DiskFile)? {
        guard names.contains(where: { path.hasSuffix("/" + $0) }) else { return nil }
        return try onDisk { () throws(DiskFault) in try disk.open(path, .readWrite) }
    }

    /// True when an expected array of positions is missing or short, or an earlier try to make them
    /// again did not end.
    func rebuildsPositions(
        _ positions: PositionFiles,
        _ expecting: [ExpectedPositions]
    ) throws(StoreFault) -> Bool {
        if wasRebuilding { return true }
        for expected in expecting where expected.next > TransactionID(1) {
            let size = try onDisk { () throws(DiskFault) in try positions.size(of: expected.book) }
            let wanted = Int(expected.next.rawValue - 1) * RecordLayout.rowBytes
            guard let size, size >= wanted else { return true }
        }
        return false
    }

    /// Takes the rows of the flushed bundles, if all are there and rise as bundles do.
    private mutating func loadOffsets(_ entriesSize: UInt64) throws(StoreFault) {
        let bundle = RecordLayout.bundle
        let wanted = Int((flushed.rawValue + bundle - 1) / bundle)
        let bytes = wanted * RecordLayout.rowBytes
        guard let file = offsetsFile,
            try onDisk({ () throws(DiskFault) in try file.size() }) >= bytes
        else {
            rebuildsOffsets = true
            return
        }
        let rows = try onDisk { () throws(DiskFault) in try file.bytes(at: 0, count: bytes) }
        offsets = (0..<wanted).map { rows.span.word(at: $0 * RecordLayout.rowBytes) }
        let least = bundle * UInt64(RecordLayout.prefixBytes + 1)
        let most = bundle * UInt64(RecordLayout.prefixBytes + Limits.recordBytesMax)
        let rises = zip(offsets, offsets.dropFirst()).allSatisfy { left, right in
            right > left && (least...most).contains(right - left)
        }
        if offsets.first ?? 0 != 0 || !rises || offsets.last ?? 0 > entriesSize {
            offsets = []
            rebuildsOffsets = true
        }
    }

    /// Walks from the last known bundle to the end of the flushed records, and on to the end of
    /// all.
    private mutating func findEnds(_ file: any DiskFile, _ size: Int) throws(StoreFault) {
        let known = max(0, offsets.count - 1)
        let start = UInt64(known) * RecordLayout.bundle
        var scanner = try RecordScanner(
            file: file,
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
            heldEnd = min(size, (next / 4096 + 1) * 4096)
        }
    }
}
