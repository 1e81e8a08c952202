// SPDX-License-Identifier: Apache-2.0
//
// Checks the derived files against the records, and that nothing lies behind the last record;
// writes nothing. Imports TallyTypes and TallyProof. Called by `tally verify`, whose Checker walks
// the records themselves with a RecordScanner. Every byte of the files is looked at.

import TallyProof
package import TallyTypes

/// What the verifier found in the record files.
package struct RecordFilesReport: Hashable, Sendable {
    /// Whole records, by their framing.
    package let count: RecordIndex
    /// Bytes of records and their lengths.
    package let entryBytes: Int
    /// Transactions with a position.
    package let positionCount: Int
    /// Behind the last record the first byte that is not zero; nil after a clean stop.
    package let remnant: Int?
    /// False when there are no tiles, or a start that made them did not end; the next one does.
    package let hasTiles: Bool
}

/// Checks the record files without changing them.
package struct RecordVerifier {
    private let disk: any Disk
    private let directory: String
    private var expected: [BookID: [RecordPosition]] = [:]

    /// Checks a folder of record files.
    package init(disk: any Disk, directory: String) {
        self.disk = disk
        self.directory = directory
    }

    /// Walks all records and compares the derived files with them.
    ///
    /// - Parameters:
    ///   - durable: So many records were synced: their hashes must be there.
    ///   - visit: Gets each record in order; returns the position that it gives, if any.
    /// - Returns: What was found; the remnant is for the caller to judge.
    /// - Throws: ``StoreFault``: `corrupt` names the file and the record or the offset; or what
    ///   `visit` threw.
    package mutating func verify(
        durable: UInt64,
        _ visit: (ScannedRecord) throws(StoreFault) -> RecordPosition?
    ) throws(StoreFault) -> RecordFilesReport {
        var scanner = try RecordScanner(disk: disk, directory: directory)
        var offsets: [UInt64] = []
        var positionCount = 0
        let mark = RecordLayout.rebuildingTiles(directory)
        let isRebuilding = try onDisk { () throws(DiskFault) in try disk.exists(mark) }
        var tiles = try TileComparison(
            disk: disk,
            directory: directory,
            durable: isRebuilding ? 0 : durable
        )
        while let record = try scanner.next() {
            if record.index.rawValue % RecordLayout.bundle == 0 {
                offsets.append(UInt64(record.offset))
            }
            try tiles?.add(Hashing.leaf(record.bytes))
            if let position = try visit(record) {
                expected[position.book, default: []].append(position)
                positionCount += 1
            }
        }
        let remnant = try scanner.firstNonZero(from: scanner.offset)
        try compare(RecordLayout.offsets(directory), RecordLayout.rows(offsets))
        try comparePositions()
        try tiles?.finish()
        return RecordFilesReport(
            count: scanner.index,
            entryBytes: scanner.offset,
            positionCount: positionCount,
            remnant: remnant,
            hasTiles: tiles != nil && !isRebuilding
        )
    }

    private func comparePositions() throws(StoreFault) {
        let folder = RecordLayout.positions(directory)
        let names = try onDisk { () throws(DiskFault) in try disk.list(folder).map(\.name) }
        let books = expected.keys.sorted()
        for name in names where !books.contains(where: { $0.description == name }) {
            // An array may be made before its first row is durable.
            try compare(folder + "/" + name, [])
        }
        for book in books {
            var rows: [UInt64] = []
            for position in expected[book] ?? [] {
                let row = Int(position.transaction.rawValue) - 1
                while rows.count <= row { rows.append(0) }
                rows[row] = position.record.rawValue
            }
            let path = RecordLayout.positions(directory, book)
            guard names.contains(book.description) else {
                throw StoreFault(.missing, subject: path, reason: "is missing")
            }
            try compare(path, RecordLayout.rows(rows))
        }
    }

    /// A derived file must hold these bytes and then zeros.
    private func compare(_ path: String, _ wanted: [UInt8]) throws(StoreFault) {
        let file = try onDisk { () throws(DiskFault) in try disk.open(path, .readOnly) }
        let size = try onDisk { () throws(DiskFault) in try file.size() }
        guard size >= wanted.count else {
            let reason = "\(size) bytes, and the records give \(wanted.count)"
            throw StoreFault(.corrupt, subject: path, reason: reason)
        }
        var at = 0
        while at < size {
            let count = min(size - at, 1 << 20)
            let from = at
            let held = try onDisk { () throws(DiskFault) in
                try file.bytes(at: from, count: count)
            }
            let part = wanted.span.extracting(min(at, wanted.count)..<min(at + count, wanted.count))
            let rest = held.span.extracting(part.count..<count)
            if isEqual(held.span.extracting(first: part.count), part), firstNonZero(rest) == nil {
                at += count
                continue
            }
            for (position, byte) in held.enumerated() {
                let offset = at + position
                guard byte == (offset < wanted.count ? wanted[offset] : 0) else {
                    let row = offset / RecordLayout.rowBytes
                    let subject = "\(path), offset \(offset)"
                    let reason = "row \(row) is not what the records give"
                    throw StoreFault(.corrupt, subject: subject, reason: reason)
                }
            }
            at += count
        }
    }
}
