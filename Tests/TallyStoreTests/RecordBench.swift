// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the record files share: records that name their index, and their positions.

import TallyCodec
import TallyProof
import TestSupport
import TallySim
import TallyStore
import TallyTypes

/// Small record files on a simulated disk.
enum RecordBench {
    static let folder = "/records"
    static let configuration = RecordFilesConfiguration(stepBytes: 1 << 14, openBooksMax: 2)

    static func disk(plan: FaultPlan = FaultPlan()) throws -> FaultDisk {
        let disk = FaultDisk()
        try disk.makeDirectory(folder)
        try disk.syncDirectory("/")
        return disk.afterCrash(.nothing, plan: plan)
    }

    /// The bytes of a record: its index, then bytes drawn from it; none of them zero at the end.
    static func record(_ index: UInt64) -> [UInt8] {
        index < UInt64(made.count) ? made[Int(index)] : make(index)
    }

    private static let made = (0..<1_200).map(make)

    private static func make(_ index: UInt64) -> [UInt8] {
        var random = SeededRandom(seed: index)
        return bigEndianBytes(index) + random.bytes(20 + random.below(160)) + [0xA5]
    }

    /// True when bytes are exactly the record of an index.
    static func isWhole(_ bytes: [UInt8], _ index: UInt64) -> Bool { bytes == record(index) }

    static func framed(_ indices: Range<UInt64>) -> [UInt8] {
        indices.flatMap { index in
            let bytes = record(index)
            return [UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
        }
    }

    /// Every third record makes no transaction; the others go to three books in turn.
    static func position(_ index: UInt64) -> RecordPosition? {
        guard index % 3 != 0 else { return nil }
        let number = index / 3 * 2 + index % 3 - 1
        return RecordPosition(
            book: BookID(0, number % 3 + 1),
            transaction: TransactionID(number / 3 + 1),
            record: RecordIndex(index)
        )
    }

    /// The leaf hashes of records.
    static func leaves(_ range: Range<UInt64>) -> [Digest] {
        range.map { Hashing.leaf(record($0)) }
    }

    /// What stands beside a record: every 45th has a blob, every 90th the same one.
    static func blob(_ index: UInt64) -> Blob? {
        guard index % 45 == 4 else { return nil }
        var random = SeededRandom(seed: index % 90 == 4 ? 4 : index)
        let bytes = random.bytes(700 + random.below(900)) + [0xA5]
        return Blob(bytes, digest: Hashing.sha256(bytes))
    }

    /// Every blob of the records below an index is in its file.
    static func checkBlobs(_ disk: any Disk, below end: UInt64) throws {
        let files = BlobFiles(disk: disk, directory: folder)
        for blob in (0..<end).compactMap(blob) {
            let held = try files.read(blob.reference)
            guard held == blob.bytes else { throw StoreFault(.corrupt, subject: "", reason: "") }
        }
    }

    static func expecting(_ count: UInt64) -> [ExpectedPositions] {
        var next: [BookID: TransactionID] = [:]
        for position in (0..<count).compactMap(position) {
            next[position.book] = position.transaction.next
        }
        return next.sorted { $0.key < $1.key }.map {
            ExpectedPositions(book: $0.key, next: $0.value)
        }
    }

    /// The files at start-up, looked at.
    static func look(_ disk: any Disk, flushed: UInt64) throws -> RecordReplay {
        try RecordReplay(
            disk: disk,
            directory: folder,
            configuration: configuration,
            flushed: RecordIndex(flushed),
            expecting: expecting(flushed)
        )
    }

    /// Lets the log yield the records up to an index.
    static func replay(_ files: inout RecordReplay, to end: UInt64) throws(StoreFault) {
        let range = files.count.rawValue..<end
        try files.compare(
            framed(range),
            first: files.count,
            positions: range.compactMap(position),
            blobs: range.compactMap(blob)
        )
    }

    static func mend(_ files: consuming RecordReplay) throws -> RecordFiles {
        try files.mend { (index, bytes) throws(StoreFault) -> RecordPosition? in
            position(index.rawValue)
        }
    }

    /// The files of a ledger whose log yields nothing above the flush.
    static func open(_ disk: any Disk, flushed: UInt64) throws -> RecordFiles {
        let files = try look(disk, flushed: flushed)
        _ = try files.judgeSurplus { isWhole($0, flushed) }
        return try mend(files)
    }

    static func append(_ files: RecordFiles, to end: UInt64) throws {
        let range = files.count.rawValue..<end
        let bytes = framed(range)
        try files.append(
            bytes.span,
            first: files.count,
            positions: range.compactMap(position),
            leaves: leaves(range),
            blobs: range.compactMap(blob)
        )
    }

    static func verify(_ disk: any Disk, durable: UInt64 = 0) throws -> RecordFilesReport {
        var verifier = RecordVerifier(disk: disk, directory: folder)
        return try verifier.verify(durable: durable) {
            (record) throws(StoreFault) -> RecordPosition? in
            guard isWhole(record.bytes, record.index.rawValue) else {
                let subject = "\(folder)/entries, record \(record.index)"
                throw StoreFault(.corrupt, subject: subject, reason: "is another")
            }
            return position(record.index.rawValue)
        }
    }

    /// Like `verify`, for files whose positions may be ahead of their records.
    static func verifyEntries(_ disk: any Disk) throws -> (count: UInt64, remnant: Int?) {
        var scanner = try RecordScanner(disk: disk, directory: folder)
        while let record = try scanner.next(), isWhole(record.bytes, record.index.rawValue) {}
        return (scanner.index.rawValue, try scanner.firstNonZero(from: scanner.offset))
    }
}
