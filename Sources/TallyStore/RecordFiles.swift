// SPDX-License-Identifier: Apache-2.0
//
// The permanent, encoded records: the ledger itself. Imports TallyTypes. Layout:
// RecordLayout.swift. Appended to on the log's thread, without waiting for the disk, only with
// records whose entry is durable; synced on another, so that no frame waits for it; read from any.
// `sync()` comes before each flush and each head.
//
// What is too large for a record stands in a file of its own (BlobFiles.swift), written before the
// record and synced before it.
//
// Start-up is RecordReplay's: it looks at what the files hold, compares it with what the log
// yields, and only then writes; ``RecordReplay/mend(positionOf:)`` hands these files on.

internal import Synchronization
package import TallyCodec
import TallyProof
package import TallyTypes

/// The files of all records of a ledger.
package final class RecordFiles: Sendable {
    /// What a writer moves on; published to readers when its writes are done.
    struct Tail {
        var entries: GrowingFile
        var offsetsFile: GrowingFile
        var count: RecordIndex
        var end: Int
        /// Bundles begun.
        var bundleCount: Int
    }

    struct State {
        var tail: Tail
        /// Where each bundle begins.
        var offsets: [UInt64]
        /// The records before this were let go of.
        var coldEnd: Int
        /// The system was asked to write the records before this.
        var writingEnd: Int
        /// Blobs that were written and not synced.
        var newBlobs: [any DiskFile]
        /// Why an append failed, or a sync.
        ///
        /// The two are called from two threads, so that one may be called when the other has
        /// failed: it fails with it, since that is no mistake.
        var appendFault: StoreFault?
        var syncFault: StoreFault?
    }

    private let disk: any Disk
    private let directory: String
    private let configuration: RecordFilesConfiguration
    private let positions: PositionFiles
    /// What stands beside the records.
    package let blobs: BlobFiles
    /// The hashes of the tree over them.
    package let tiles: TileFiles
    private let state: Mutex<State>

    /// Takes over files that start-up has mended.
    init(
        disk: any Disk,
        directory: String,
        configuration: RecordFilesConfiguration,
        positions: PositionFiles,
        tiles: TileFiles,
        tail: Tail,
        offsets: [UInt64],
        newBlobs: [any DiskFile]
    ) {
        self.disk = disk
        self.directory = directory
        self.configuration = configuration
        self.positions = positions
        self.tiles = tiles
        blobs = BlobFiles(disk: disk, directory: directory)
        state = Mutex(
            State(
                tail: tail,
                offsets: offsets,
                coldEnd: tail.end,
                writingEnd: tail.end,
                newBlobs: newBlobs
            )
        )
    }

    /// The index of the next record.
    package var count: RecordIndex { state.withLock { $0.tail.count } }

    /// Appends records whose entry is durable.
    ///
    /// - Parameters:
    ///   - framed: The records, each behind its length in two big-endian bytes.
    ///   - first: The index of the first: exactly ``count`` (invariant 42).
    ///   - new: Where the transactions made by these records are.
    ///   - leaves: The leaf hashes of these records.
    ///   - beside: What is too large for these records.
    /// - Throws: ``StoreFault``; the node stops.
    package func append(
        _ framed: Span<UInt8>,
        first: RecordIndex,
        positions new: [RecordPosition],
        leaves: [Digest],
        blobs beside: [Blob] = []
    ) throws(StoreFault) {
        var tail = try tailToAppend()
        invariant(.i42, first == tail.count, "record \(first) appended behind \(tail.count)")
        let at = tail.end
        let (begun, count) = RecordLayout.bundles(in: framed, from: tail.count, at: at)
        invariant(
            .i34,
            count.rawValue - tail.count.rawValue == UInt64(leaves.count),
            "\(leaves.count) leaf hashes of records \(tail.count) to \(count)"
        )
        (tail.count, tail.end) = (count, at + framed.count)
        var newBlobs: [any DiskFile] = []
        do {
            try onDisk { () throws(DiskFault) in
                for blob in beside { newBlobs.append(try blobs.write(blob)) }
                // Many open files would end the process; these are synced here and not later.
                if newBlobs.count + state.withLock({ $0.newBlobs.count }) > RecordFiles.openBlobsMax
                {
                    try blobs.sync(newBlobs)
                    newBlobs = []
                }
                try tail.entries.write(framed, at: at, step: configuration.stepBytes)
                try tail.write(offsets: begun, configuration)
                try positions.append(new)
                try tiles.append(leaves)
            }
        } catch {
            let fault = error
            state.withLock { $0.appendFault = fault }
            throw error
        }
        let (written, writtenBlobs) = (tail, newBlobs)
        let cold = state.withLock { state -> Range<Int>? in
            state.tail = written
            state.offsets += begun
            state.newBlobs += writtenBlobs
            guard written.end - state.writingEnd >= RecordFiles.writingStep else { return nil }
            defer { state.writingEnd = written.end }
            return state.writingEnd..<written.end
        }
        if let cold {
            try onDisk { () throws(DiskFault) in try tail.entries.file.beginWriting(cold) }
        }
    }

    /// Blobs that wait, open, for the next sync.
    private static let openBlobsMax = 64

    /// Bytes after which the system is asked to write, long before a sync waits for it.
    private static let writingStep = 4 << 20

    /// Makes every blob, record, offset and position appended before the call durable.
    ///
    /// - Throws: ``StoreFault``; the node stops, the call is never repeated.
    package func sync() throws(StoreFault) {
        let (tail, coldEnd, newBlobs, appendFault) = state.withLock { state in
            invariant(.i41, state.syncFault == nil, "records were synced after a failed sync")
            defer { state.newBlobs = [] }
            return (state.tail, state.coldEnd, state.newBlobs, state.appendFault)
        }
        if let appendFault { throw appendFault }
        do {
            try onDisk { () throws(DiskFault) in
                try blobs.sync(newBlobs)
                try tail.entries.file.sync()
                try tail.offsetsFile.file.sync()
                try positions.sync()
                try tiles.extend()
                try tiles.sync()
                try letGo(tail, from: coldEnd)
            }
        } catch {
            let fault = error
            state.withLock { $0.syncFault = fault }
            throw error
        }
    }

    /// Keeps only the newest records in the system's memory; older ones come back when read.
    private func letGo(_ tail: Tail, from start: Int) throws(DiskFault) {
        let end = (tail.end - RecordFiles.warmBytes) / RecordFiles.warmStep * RecordFiles.warmStep
        guard end > start else { return }
        try tail.entries.file.letGo(start..<end)
        state.withLock { $0.coldEnd = end }
    }

    /// Bytes of the newest records that stay, for the views that follow.
    static let warmBytes = 64 << 20
    /// Bytes let go of at a time.
    private static let warmStep = 8 << 20

    /// The tail for a writer; readers go on with what was published before.
    private func tailToAppend() throws(StoreFault) -> Tail {
        let (tail, fault) = state.withLock { state in
            invariant(.i41, state.appendFault == nil, "records were appended after a failed append")
            return (state.tail, state.syncFault)
        }
        if let fault { throw fault }
        return tail
    }
}

extension RecordFiles.Tail {
    /// Writes the offsets of bundles that begin behind the last one.
    mutating func write(
        offsets begun: [UInt64],
        _ configuration: RecordFilesConfiguration
    ) throws(DiskFault) {
        guard !begun.isEmpty else { return }
        try offsetsFile.write(
            RecordLayout.rows(begun).span,
            at: bundleCount * RecordLayout.rowBytes,
            step: max(4096, configuration.stepBytes >> 10)
        )
        bundleCount += begun.count
    }
}

extension RecordFiles {
    /// Returns the bytes of a record.
    ///
    /// - Parameter index: The record's index.
    /// - Returns: Its bytes, without the length; nil at or above ``count``.
    /// - Throws: ``StoreFault``.
    package func read(_ index: RecordIndex) throws(StoreFault) -> [UInt8]? {
        try records(from: index, count: 1).first
    }

    /// Returns consecutive records, fewer where ``count`` ends them.
    ///
    /// - Throws: ``StoreFault``.
    package func records(from first: RecordIndex, count: Int) throws(StoreFault) -> [[UInt8]] {
        let total = self.count.rawValue
        guard first.rawValue < total, count > 0 else { return [] }
        let last = min(total - 1, first.rawValue + UInt64(count) - 1)
        var found: [[UInt8]] = []
        var number = first.rawValue / RecordLayout.bundle
        while number <= last / RecordLayout.bundle {
            let bundle = try self.bundle(number)
            let start = number * RecordLayout.bundle
            found += try split(bundle, start, max(start, first.rawValue)...last)
            number += 1
        }
        return found
    }

    /// Returns the bytes of a bundle.
    ///
    /// - Parameter number: The bundle's number, from 0.
    /// - Returns: Up to 256 records, each behind its length; nothing behind the last bundle.
    /// - Throws: ``StoreFault``.
    package func bundle(_ number: UInt64) throws(StoreFault) -> [UInt8] {
        let (file, range) = state.withLock { state -> (any DiskFile, Range<Int>) in
            guard number < UInt64(state.offsets.count) else {
                return (state.tail.entries.file, 0..<0)
            }
            let position = Int(number)
            let start = Int(state.offsets[position])
            let end =
                position + 1 < state.offsets.count
                ? Int(state.offsets[position + 1]) : state.tail.end
            return (state.tail.entries.file, start..<end)
        }
        return try onDisk { () throws(DiskFault) in
            try file.bytes(at: range.lowerBound, count: range.count)
        }
    }

    /// Returns the record that made a transaction, or nil.
    ///
    /// - Throws: ``StoreFault``.
    package func record(
        of transaction: TransactionID,
        in book: BookID
    ) throws(StoreFault) -> RecordIndex? {
        try onDisk { () throws(DiskFault) in try positions.record(of: transaction, in: book) }
    }

    /// Makes the hashes of records that have none, or none that is known to be durable.
    func mendTiles() throws(StoreFault) {
        while tiles.count < count.rawValue {
            let found = try records(from: RecordIndex(tiles.count), count: 8_192)
            try onDisk { () throws(DiskFault) in try tiles.append(found.map { Hashing.leaf($0) }) }
        }
    }

    private func split(
        _ bundle: [UInt8],
        _ start: UInt64,
        _ wanted: ClosedRange<UInt64>
    ) throws(StoreFault) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var (at, index) = (0, start)
        while index <= wanted.upperBound, at + RecordLayout.prefixBytes < bundle.count {
            let from = at + RecordLayout.prefixBytes
            let end = from + (Int(bundle[at]) << 8 | Int(bundle[at + 1]))
            guard end <= bundle.count, end > from else { break }
            if wanted.contains(index) { found.append(Array(bundle[from..<end])) }
            (at, index) = (end, index + 1)
        }
        let isEnd = index == start + RecordLayout.bundle || index > wanted.upperBound
        guard isEnd else {
            let subject = "\(RecordLayout.entries(directory)), record \(index)"
            throw StoreFault(.corrupt, subject: subject, reason: "is not there, or not whole")
        }
        return found
    }
}
