// SPDX-License-Identifier: Apache-2.0
//
// The one writer of all views: folds runs of records into the files of their books and into the
// system view. Blocking; its owner runs it on a thread of its own. Books are committed before the
// system view, so the system view's position is one that every file has reached; recovery finds the
// files that have not (a file removed, of another version, damaged, or older after a power cut) and
// names where to fold on from. Imports GRDB and Foundation for the directory; Node owns one,
// Checker makes one in a temporary directory.

import Foundation
import GRDB
package import TallyTypes

/// A view file that was thrown away, or found behind, and will be folded again.
package struct ViewLoss: Hashable, Sendable, CustomStringConvertible {
    /// The book.
    package let book: BookID
    /// Why, in words.
    package let reason: String
    /// The first record that its file needs.
    package let from: RecordIndex

    /// One line for the log.
    package var description: String {
        "\(ViewFile.name(of: book)): \(reason); folded again from record \(from)"
    }
}

/// What opening the views found.
package struct ViewRecovery: Hashable, Sendable {
    /// The first record to fold: everything before it is in every view.
    package let resume: RecordIndex
    /// One above the last record that any view has folded; never above what the log yields.
    package let furthest: RecordIndex
    /// Files that are folded again.
    package let losses: [ViewLoss]
}

/// The writer of all views of one data directory.
package struct ViewStore: ~Copyable {
    /// Book files open at a time, unless said otherwise.
    package static let openFilesMaxDefault = 256
    /// Rows of accounts views kept in memory at most, over all books.
    private static let cachedRowsMax = 1 << 19

    /// What opening found.
    package private(set) var recovery: ViewRecovery
    /// The reads; safe to use from anywhere while records are folded.
    package let reader: ViewReader
    private let files: ViewFiles
    private var caches: [BookID: AccountsCache] = [:]
    private var nextRecord: RecordIndex

    /// Opens the views of a directory, making it and them when they are not there.
    ///
    /// - Parameters:
    ///   - directory: The folder of view files alone.
    ///   - openFilesMax: The most book files open at a time; the least recently used is closed.
    ///   - trace: Called with each SQL statement that runs, for diagnosis.
    /// - Throws: ``ViewFault`` when the directory cannot be used.
    package init(
        directory: String,
        openFilesMax: Int = ViewStore.openFilesMaxDefault,
        trace: (@Sendable (String) -> Void)? = nil
    ) throws {
        let (files, recovery) = try ViewFiles.recover(
            directory: directory,
            openFilesMax: openFilesMax,
            trace: trace
        )
        let next = try files.system.pool.read { try FoldPosition.read($0).nextRecord }
        self.files = files
        self.recovery = recovery
        reader = ViewReader(files)
        nextRecord = next
    }

    /// One above the last record that the system view has folded.
    package var applied: RecordIndex { nextRecord }

    /// Folds a run of consecutive records of any books: one transaction per book, then the system
    /// view.
    ///
    /// Records folded before change nothing, so a run may start anywhere at or before ``applied``.
    /// - Throws: ``ViewFault``: `gap` before anything is written when records are missing; after
    ///   any other fault some books may be ahead of the system view, which the next fold repairs.
    package mutating func fold(_ records: ArraySlice<TallyTypes.Record>) throws {
        guard let first = records.first else { return }
        guard first.index <= nextRecord else {
            throw ViewFault(
                .gap,
                subject: "record \(first.index)",
                cause: "record \(nextRecord) is next"
            )
        }
        let runs = try BookRuns(records, kinds: files)
        for run in runs.books {
            try fold(run, records)
        }
        let created = try files.system.write { database in
            var fold = try SystemFold(database)
            for position in records.indices { try fold.fold(records[position]) }
            return try fold.finish()
        }
        files.note(created)
        nextRecord = max(nextRecord, records[records.endIndex - 1].index.next)
        trimCaches()
    }

    /// The SHA-256 of every row of a book's view, or of the system view; equal after folding again.
    ///
    /// - Throws: ``ViewRefusal`` when there is no such book.
    package func digest(_ book: BookID) throws -> Digest {
        guard let kind = files.kind(of: book) else { throw ViewRefusal.bookNotFound(book) }
        return try files.file(book, kind).pool.read { database in
            try ViewDump.digest(database, ViewSchema.tables(kind))
        }
    }

    /// Removes every view file; the next fold starts from record 0.
    package mutating func removeAll() throws {
        caches = [:]
        try files.removeBooks()
        try files.system.write { database in
            for table in ViewSchema.tables(.system) where table.name != "state" {
                try database.execute(sql: "DELETE FROM \(table.name)")
            }
            try database.execute(sql: "DELETE FROM state")
            try database.execute(sql: ViewFile.firstState(.system))
        }
        nextRecord = .zero
        recovery = ViewRecovery(resume: .zero, furthest: .zero, losses: [])
    }

    private mutating func fold(_ run: BookRuns.Run, _ records: ArraySlice<Record>) throws {
        let file = try files.file(run.book, run.kind)
        switch run.kind {
        case .system:
            return
        case .journal:
            try file.write { database in
                var fold = try JournalFold(database, book: run.book)
                for position in run.positions { try fold.fold(records[position]) }
                try fold.finish()
            }
        case .accounts:
            // Out of the dictionary while it is used: a fold that fails leaves no cache behind.
            let cache = caches.removeValue(forKey: run.book) ?? AccountsCache()
            try file.write { database in
                var fold = try AccountsFold(database, book: run.book, cache: cache)
                for position in run.positions { try fold.fold(records[position]) }
                try fold.finish()
            }
            caches[run.book] = cache
        }
    }

    private mutating func trimCaches() {
        if caches.values.reduce(0, { $0 + $1.count }) > ViewStore.cachedRowsMax { caches = [:] }
    }
}

/// The positions of each book's records in a run, in order of first appearance.
struct BookRuns {
    /// One book's part of the run.
    struct Run {
        /// The book.
        let book: BookID
        /// Its kind.
        let kind: BookKind
        /// Where its records are.
        var positions: [Int]
    }

    /// The parts, without that of the system book.
    private(set) var books: [Run] = []

    /// Sorts a run by book.
    ///
    /// - Throws: ``ViewFault`` with `gap` when the records are not consecutive, `contradiction`
    ///   when a record stands in a book that nothing created.
    init(_ records: ArraySlice<Record>, kinds files: ViewFiles) throws {
        var places: [BookID: Int] = [:]
        var made: [BookID: BookKind] = [:]
        var expected: RecordIndex?
        for position in records.indices {
            let record = records[position]
            guard expected == nil || record.index == expected else {
                throw ViewFault(
                    .gap,
                    subject: "record \(record.index)",
                    cause: "the run is not consecutive"
                )
            }
            expected = record.index.next
            if record.book == .system {
                if let (book, kind) = BookRuns.creation(record) { made[book] = kind }
            } else if let place = places[record.book] {
                books[place].positions.append(position)
            } else {
                guard let kind = made[record.book] ?? files.kind(of: record.book) else {
                    throw ViewFault(
                        .contradiction,
                        subject: "record \(record.index)",
                        cause: "nothing created book \(record.book)"
                    )
                }
                places[record.book] = books.count
                books.append(Run(book: record.book, kind: kind, positions: [position]))
            }
        }
    }

    private static func creation(_ record: Record) -> (BookID, BookKind)? {
        guard case .createBook(let order) = record.order,
            case .committed(.bookCreated(let book)) = record.outcome
        else { return nil }
        return (book, order.kind)
    }
}
