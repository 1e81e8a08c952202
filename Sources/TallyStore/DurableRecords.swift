// SPDX-License-Identifier: Apache-2.0
//
// Reads the record files of a ledger that a node may have open: only what lies below a size that
// the node has made durable, which never changes. Writes nothing. Imports TallyCodec and
// TallyProof. Called by the writer of mirrors.

import TallyCodec
package import TallyProof
package import TallyTypes

/// The records and tiles of a ledger, as far as they are durable.
package struct DurableRecords {
    private let disk: any Disk
    private let directory: String
    private let levels: [any DiskFile]
    /// What stands beside the records.
    let blobs: BlobFiles

    /// Opens the files of a folder of record files.
    ///
    /// - Throws: ``StoreFault``.
    package init(disk: any Disk, directory: String) throws(StoreFault) {
        self.disk = disk
        self.directory = directory
        blobs = BlobFiles(disk: disk, directory: directory)
        levels = try onDisk { () throws(DiskFault) in
            let folder = RecordLayout.tiles(directory)
            let names = try disk.list(folder).map(\.name)
            var levels: [any DiskFile] = []
            while names.contains("\(levels.count)") {
                levels.append(try disk.open(folder + "/\(levels.count)", .readOnly))
            }
            return levels
        }
    }

    /// The tree of the stored rows.
    package var tree: StoredTree<StoreFault> {
        StoredTree { level, row throws(StoreFault) in try self.row(level, row) }
    }

    /// Neighbouring hashes of a level.
    ///
    /// - Throws: ``StoreFault``: `missing` for one that is not there.
    func row(_ level: UInt64, _ positions: Range<UInt64>) throws(StoreFault) -> [Digest] {
        let path = RecordLayout.tiles(directory) + "/\(level)"
        guard level < UInt64(levels.count) else {
            throw StoreFault(.missing, subject: path, reason: "is missing")
        }
        let file = levels[Int(level)]
        let bytes = try onDisk { () throws(DiskFault) in
            try file.bytes(
                at: Int(positions.lowerBound) * TileFiles.hashBytes,
                count: positions.count * TileFiles.hashBytes
            )
        }
        return bytes.span.digests(positions.count)
    }

    /// A walk over the records from the first of a bundle on.
    ///
    /// - Throws: ``StoreFault``.
    func scanner(bundle: UInt64) throws(StoreFault) -> RecordScanner {
        let file = try onDisk { () throws(DiskFault) in
            try disk.open(RecordLayout.entries(directory), .readOnly)
        }
        var offset: UInt64 = 0
        if bundle > 0 {
            let row = try onDisk { () throws(DiskFault) in
                try disk.open(RecordLayout.offsets(directory), .readOnly)
                    .bytes(at: Int(bundle) * RecordLayout.rowBytes, count: RecordLayout.rowBytes)
            }
            offset = row.span.word(at: 0)
        }
        guard let start = Int(exactly: offset) else {
            throw StoreFault(
                .corrupt,
                subject: "\(RecordLayout.offsets(directory)), row \(bundle)",
                reason: "is no offset"
            )
        }
        return try RecordScanner(
            file: file,
            index: RecordIndex(bundle * RecordLayout.bundle),
            offset: start
        )
    }

    /// The record at the scanner, whose leaf hash is the stored one.
    ///
    /// - Throws: ``StoreFault``: `corrupt` when it is not there, or another.
    func next(_ scanner: inout RecordScanner, leaf: Digest) throws(StoreFault) -> [UInt8] {
        let index = scanner.index
        guard let record = try scanner.next(), Hashing.leaf(record.bytes) == leaf else {
            throw StoreFault(
                .corrupt,
                subject: "\(RecordLayout.entries(directory)), record \(index)",
                reason: "is not the record that the tiles name"
            )
        }
        return record.bytes
    }

    /// What stands beside a record.
    ///
    /// - Throws: ``StoreFault``.
    func references(of record: [UInt8], at index: UInt64) throws(StoreFault) -> [BlobReference] {
        do throws(Malformed) {
            return try RecordCodec.parse(record[...]).references
        } catch {
            throw StoreFault(
                .corrupt,
                subject: "\(RecordLayout.entries(directory)), record \(index)",
                reason: "does not decode: \(error)"
            )
        }
    }
}
