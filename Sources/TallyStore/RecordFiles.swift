// SPDX-License-Identifier: Apache-2.0
//
// The permanent, encoded records: the ledger itself. Imports TallyTypes. Layout:
// RecordLayout.swift. Appended to on the log's thread, without waiting for the disk, only with
// records whose entry is durable; read from any thread. `sync()` comes before each flush and each
// head.
//
// Start-up: `init` finds the flushed part and what lies behind it. Then the replay of the log
// appends the same records again: `append` compares them with what the files hold
// (RecordFiles+Replay.swift), and `finishReplay` judges what is left over. Whole records are never
// cut.

internal import Synchronization
package import TallyTypes

/// What start-up found in the record files.
package struct RecordFilesRecovery: Hashable, Sendable, CustomStringConvertible {
    /// Records that were flushed; the replay begins behind them.
    package let flushed: RecordIndex
    /// The first index behind the records that look whole, flushed or not; the replay proves them.
    package let present: RecordIndex
    /// True when the offsets were rebuilt from the records.
    package let rebuiltOffsets: Bool
    /// True when the positions were rebuilt from the records.
    package let rebuiltPositions: Bool

    /// One line for the start-up log.
    package var description: String {
        let rebuilt = [(rebuiltOffsets, "offsets"), (rebuiltPositions, "positions")]
            .filter(\.0).map(\.1)
        let found = "records: \(flushed) flushed, \(present) present"
        return rebuilt.isEmpty
            ? found : found + "; rebuilt: " + rebuilt.joined(separator: ", ")
    }
}

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

/// The files of all records of a ledger.
package final class RecordFiles: Sendable {
    /// What a writer moves on; published to readers when its writes are done.
    struct Tail {
        var entries: GrowingFile
        var offsetsFile: GrowingFile
        var count: RecordIndex
        var end: Int
        /// Behind this, the file held only zeros when it was opened.
        var heldEnd: Int
        /// Bundles begun.
        var bundleCount: Int
        var repairedSectors = 0
    }

    struct State {
        var tail: Tail
        /// Where each bundle begins.
        var offsets: [UInt64]
        var isStopped = false
    }

    let disk: any Disk
    let directory: String
    let configuration: RecordFilesConfiguration
    let positions: PositionFiles
    let state: Mutex<State>
    /// What start-up found.
    package let recovery: RecordFilesRecovery

    /// Opens the record files of a folder; without records flushed it makes them.
    ///
    /// - Parameters:
    ///   - disk: The disk.
    ///   - directory: The folder, which exists.
    ///   - configuration: The files' sizes.
    ///   - flushed: The next record index as of the last flush: so many records must be there.
    ///   - expecting: The arrays of positions as of the last flush.
    ///   - positionOf: The position that a record gives, if any; asked only when the positions of a
    ///     book are missing or short and are rebuilt from all records.
    /// - Throws: ``StoreFault``: `corrupt` or `missing` when fewer records than flushed are there.
    package init(
        disk: any Disk,
        directory: String,
        configuration: RecordFilesConfiguration = RecordFilesConfiguration(),
        flushed: RecordIndex,
        expecting: [ExpectedPositions] = [],
        positionOf: (RecordIndex, [UInt8]) throws(StoreFault) -> RecordPosition?
    ) throws(StoreFault) {
        self.disk = disk
        self.directory = directory
        self.configuration = configuration
        positions = PositionFiles(
            disk: disk,
            directory: RecordLayout.positions(directory),
            configuration: configuration
        )
        let start = try RecordFilesStart(disk, directory, flushed)
        let rebuilt = try start.rebuildPositions(positions, expecting, positionOf)
        let tail = Tail(
            entries: start.entries,
            offsetsFile: start.offsetsFile,
            count: flushed,
            end: start.end,
            heldEnd: start.heldEnd,
            bundleCount: start.offsets.count
        )
        state = Mutex(State(tail: tail, offsets: start.offsets))
        recovery = RecordFilesRecovery(
            flushed: flushed,
            present: start.present,
            rebuiltOffsets: start.rebuiltOffsets,
            rebuiltPositions: rebuilt
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
    /// - Throws: ``StoreFault``; `lostEntry` when the files hold something else there. The node
    ///   stops.
    package func append(
        _ framed: Span<UInt8>,
        first: RecordIndex,
        positions new: [RecordPosition]
    ) throws(StoreFault) {
        var tail = takeTail()
        invariant(.i42, first == tail.count, "record \(first) appended behind \(tail.count)")
        let at = tail.end
        let begun = bundles(in: framed, &tail)
        do {
            if at < tail.heldEnd {
                try compareAndWrite(framed, at: at, first, &tail)
            } else {
                try write(framed, at: at, &tail)
            }
            try writeOffsets(begun, &tail)
            try onDisk { () throws(DiskFault) in try positions.append(new) }
        } catch {
            stop()
            throw error
        }
        publish(tail, begun)
    }

    /// Makes every record, offset and position appended so far durable.
    ///
    /// - Throws: ``StoreFault``; the node stops, the call is never repeated.
    package func sync() throws(StoreFault) {
        let tail = takeTail()
        do {
            try onDisk { () throws(DiskFault) in
                try tail.entries.file.sync()
                try tail.offsetsFile.file.sync()
                try positions.sync()
            }
        } catch {
            stop()
            throw error
        }
    }

    func stop() {
        state.withLock { $0.isStopped = true }
    }

    /// The tail for a writer; readers go on with what was published before.
    func takeTail() -> Tail {
        state.withLock { state in
            invariant(.i41, !state.isStopped, "the record files were used after a fault")
            return state.tail
        }
    }

    func publish(_ tail: Tail, _ begun: [UInt64]) {
        state.withLock { state in
            state.tail = tail
            state.offsets += begun
        }
    }

    func write(_ bytes: Span<UInt8>, at offset: Int, _ tail: inout Tail) throws(StoreFault) {
        try onDisk { () throws(DiskFault) in
            try tail.entries.write(bytes, at: offset, step: configuration.stepBytes)
        }
    }

    /// Counts the records of a batch, moves the end behind them, and says where bundles begin.
    private func bundles(in framed: Span<UInt8>, _ tail: inout Tail) -> [UInt64] {
        var begun: [UInt64] = []
        var (at, index) = (0, tail.count.rawValue)
        let begin = UInt64(tail.end)
        while at + RecordLayout.prefixBytes < framed.count {
            if index % RecordLayout.bundle == 0 { begun.append(begin + UInt64(at)) }
            let length = Int(framed[at]) << 8 | Int(framed[at + 1])
            invariant(.i34, length > 0, "record \(index) has no bytes")
            at += RecordLayout.prefixBytes + length
            index += 1
        }
        invariant(.i34, at == framed.count, "the last record of a batch ends at \(at)")
        tail.count = RecordIndex(index)
        tail.end += framed.count
        return begun
    }

    private func writeOffsets(_ begun: [UInt64], _ tail: inout Tail) throws(StoreFault) {
        guard !begun.isEmpty else { return }
        let rows = RecordLayout.rows(begun)
        let step = max(4096, configuration.stepBytes >> 10)
        try onDisk { () throws(DiskFault) in
            try tail.offsetsFile.write(
                rows.span,
                at: tail.bundleCount * RecordLayout.rowBytes,
                step: step
            )
        }
        tail.bundleCount += begun.count
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
