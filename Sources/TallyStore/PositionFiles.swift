// SPDX-License-Identifier: Apache-2.0
//
// The arrays that lead from a transaction to its record, one file per book. Imports TallyTypes.
// Written by RecordFiles on the log's thread, read from any thread.

internal import Synchronization
internal import TallyTypes

/// The open arrays of positions; at most as many as configured, the least recently used is closed.
final class PositionFiles: Sendable {
    private struct Open {
        var file: GrowingFile
        var isDirty: Bool
        var lastUse: UInt64
    }

    private struct State {
        var open: [BookID: Open] = [:]
        var uses: UInt64 = 0
        /// True at first: names that an earlier process made may not be durable yet.
        var hasNewNames = true
    }

    private let disk: any Disk
    private let directory: String
    private let stepMax: Int
    private let openMax: Int
    private let state = Mutex(State())

    init(disk: any Disk, directory: String, configuration: RecordFilesConfiguration) {
        self.disk = disk
        self.directory = directory
        stepMax = configuration.stepBytes
        openMax = configuration.openBooksMax
    }

    /// Writes positions; a run of one book's consecutive transactions is one write.
    func append(_ positions: [RecordPosition]) throws(DiskFault) {
        var start = 0
        while start < positions.count {
            let first = positions[start]
            var rows: [UInt64] = []
            rows.reserveCapacity(positions.count - start)
            var next = first.transaction
            while start < positions.count, positions[start].book == first.book,
                positions[start].transaction == next
            {
                rows.append(positions[start].record.rawValue)
                next = next.next
                start += 1
            }
            try write(first, RecordLayout.rows(rows))
        }
    }

    /// The record of a transaction, or nil.
    func record(of transaction: TransactionID, in book: BookID) throws(DiskFault) -> RecordIndex? {
        guard transaction.rawValue > 0, let file = try file(book, isWriting: false) else {
            return nil
        }
        var row = [UInt8](repeating: 0, count: RecordLayout.rowBytes)
        var span = row.mutableSpan
        let read = try file.file.read(into: &span, at: Self.offset(transaction))
        let value = row.span.word(at: 0)
        return read == row.count && value != 0 ? RecordIndex(value) : nil
    }

    /// Makes everything written before the call durable.
    ///
    /// Arrays are clean from before their sync on; what is written meanwhile dirties them again.
    func sync() throws(DiskFault) {
        let (dirty, hadNewNames) = state.withLock { state in
            let dirty = state.open.filter(\.value.isDirty).sorted { $0.key < $1.key }
            for (book, _) in dirty { state.open[book]?.isDirty = false }
            defer { state.hasNewNames = false }
            return (dirty, state.hasNewNames)
        }
        for (_, open) in dirty {
            try open.file.file.sync()
        }
        if hadNewNames { try disk.syncDirectory(directory) }
    }

    /// The bytes of a book's array; nil when it has none.
    func size(of book: BookID) throws(DiskFault) -> Int? {
        try file(book, isWriting: false)?.size
    }

    private static func offset(_ transaction: TransactionID) -> Int {
        Int(transaction.rawValue - 1) * RecordLayout.rowBytes
    }

    private func write(_ first: RecordPosition, _ rows: [UInt8]) throws(DiskFault) {
        guard var file = try file(first.book, isWriting: true) else { return }
        let offset = Self.offset(first.transaction)
        let doubled = min(max(4096, file.size), stepMax)
        try file.write(rows.span, at: offset, step: doubled)
        let written = file
        state.withLock { state in
            state.open[first.book]?.file = written
            state.open[first.book]?.isDirty = true
        }
    }

    private func file(_ book: BookID, isWriting: Bool) throws(DiskFault) -> GrowingFile? {
        let known = state.withLock { state -> GrowingFile? in
            state.uses += 1
            state.open[book]?.lastUse = state.uses
            return state.open[book]?.file
        }
        if let known { return known }
        guard let opened = try open(book, isWriting: isWriting) else { return nil }
        try makeRoom()
        return state.withLock { state in
            if let other = state.open[book] { return other.file }
            state.open[book] = Open(file: opened, isDirty: false, lastUse: state.uses)
            return opened
        }
    }

    private func open(_ book: BookID, isWriting: Bool) throws(DiskFault) -> GrowingFile? {
        let path = directory + "/" + book.description
        do {
            return try GrowingFile(disk.open(path, .readWrite))
        } catch  where error.code == .notFound {
            guard isWriting else { return nil }
            let made = try GrowingFile(disk.open(path, .createNew))
            state.withLock { $0.hasNewNames = true }
            return made
        }
    }

    /// Closes the least recently used array, synced, while too many are open.
    private func makeRoom() throws(DiskFault) {
        while true {
            let oldest = state.withLock { state -> (BookID, Open)? in
                guard state.open.count >= openMax else { return nil }
                let oldest = state.open.min { $0.value.lastUse < $1.value.lastUse }
                return oldest.map { ($0.key, $0.value) }
            }
            guard let (book, open) = oldest else { return }
            if open.isDirty { try open.file.file.sync() }
            state.withLock { $0.open[book] = nil }
        }
    }
}
