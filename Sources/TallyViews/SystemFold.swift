// SPDX-License-Identifier: Apache-2.0
//
// Folds every record of the ledger into the system view: the list of books with their metadata,
// what the ledger was made with, and how far each book has come. It is written last, so its
// position is one that every book's file has reached. Imports GRDB; ViewStore.swift calls it.

import GRDB
import TallyTypes

/// A fold of a run of records into the system view.
struct SystemFold: ~Copyable {
    private let database: Database
    private var nextRecord: RecordIndex
    private var nextSequence: BookSequence
    private var books: UInt64
    private var bookSequences: [BookID: BookSequence] = [:]
    /// The books that this fold made.
    private(set) var created: [(BookID, BookKind)] = []

    /// Starts where the file stands.
    init(_ database: Database) throws {
        let applied = try FoldPosition.read(database)
        let books = try scalar(database, "SELECT books FROM state WHERE id = 1")
        self.database = database
        nextRecord = applied.nextRecord
        nextSequence = applied.nextSequence
        self.books = UInt64(bitPattern: books)
    }

    /// Folds one record; one that was folded before changes nothing.
    mutating func fold(_ record: Record) throws {
        guard record.index >= nextRecord else { return }
        guard record.index == nextRecord else {
            throw ViewFault(
                .gap,
                subject: "system view, record \(record.index)",
                cause: "record \(nextRecord) is next"
            )
        }
        try advance(record)
        nextRecord = record.index.next
        guard case .committed(let effects) = record.outcome else { return }
        switch record.order {
        case .createLedger(let order): try create(order)
        case .createBook(let order): try create(order, effects, record)
        case .deleteBook: try delete(record)
        case .setBookMetadata(let metadata):
            try changeMetadata(record) { $0 = $0.merging(metadata) }
        case .deleteBookMetadata(let key): try changeMetadata(record) { $0[key] = nil }
        case .setConfiguration(let entries): try configure(entries)
        case .succeedLog(let succession): try rename(succession)
        case .changeLogKey, .sealLog: return  // nothing but their records
        case .createTransaction, .revertTransaction, .setTransactionMetadata,
            .deleteTransactionMetadata, .setAccountMetadata, .deleteAccountMetadata, .recordEvent:
            return  // rows of the book's own view
        }
    }

    /// Writes the positions, as the last step of the transaction, and returns the books made.
    consuming func finish() throws -> [(BookID, BookKind)] {
        let book = try PreparedStatement(
            database,
            "UPDATE books SET next_sequence = ? WHERE id = ?"
        )
        for (id, sequence) in bookSequences.sorted(by: { $0.key < $1.key }) {
            try book.bind(1, number: sequence.rawValue)
            try book.bind(2, blob: id.bytes)
            try book.run()
        }
        let state = try PreparedStatement(
            database,
            "UPDATE state SET next_record = ?, next_sequence = ?, books = ? WHERE id = 1"
        )
        try state.bind(1, number: nextRecord.rawValue)
        try state.bind(2, number: nextSequence.rawValue)
        try state.bind(3, number: books)
        try state.run()
        return created
    }

    private mutating func advance(_ record: Record) throws {
        let expected = try expectedSequence(record)
        guard record.sequence == expected else {
            throw ViewFault(
                .gap,
                subject: "system view, record \(record.index)",
                cause: "sequence \(record.sequence) of book \(record.book), \(expected) is next"
            )
        }
        if record.book == .system {
            nextSequence = record.sequence.next
        } else {
            bookSequences[record.book] = record.sequence.next
        }
    }

    private func expectedSequence(_ record: Record) throws -> BookSequence {
        if record.book == .system { return nextSequence }
        if let known = bookSequences[record.book] { return known }
        let statement = try PreparedStatement(
            database,
            "SELECT next_sequence FROM books WHERE id = ?"
        )
        try statement.bind(1, blob: record.book.bytes)
        guard try statement.step() else { throw unknownBook(record) }
        return BookSequence(try statement.number(0))
    }

    private func rename(_ order: LogSuccession) throws {
        let statement = try PreparedStatement(
            database,
            "UPDATE state SET origin = ? WHERE id = 1"
        )
        try statement.bind(1, blob: order.origin.utf8)
        try statement.run()
    }

    private func create(_ order: CreateLedger) throws {
        let statement = try PreparedStatement(
            database,
            "UPDATE state SET origin = ?, entries_per_generation = ? WHERE id = 1"
        )
        try statement.bind(1, blob: order.origin.utf8)
        try statement.bind(2, number: order.entriesPerGeneration)
        try statement.run()
    }

    private func configure(_ entriesPerGeneration: UInt64) throws {
        let statement = try PreparedStatement(
            database,
            "UPDATE state SET entries_per_generation = ? WHERE id = 1"
        )
        try statement.bind(1, number: entriesPerGeneration)
        try statement.run()
    }

    private mutating func create(
        _ order: CreateBook,
        _ effects: Effects,
        _ record: Record
    ) throws {
        guard case .bookCreated(let id) = effects else {
            throw ViewFault(
                .contradiction,
                subject: "record \(record.index)",
                cause: "a book without an id"
            )
        }
        books += 1
        let statement = try PreparedStatement(
            database,
            "INSERT INTO books VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, 0)"
        )
        try statement.bind(1, number: books)
        try statement.bind(2, blob: id.bytes)
        try statement.bind(3, text: order.name.text)
        try statement.bind(4, Int64(order.kind.rawValue))
        try statement.bind(5, blob: order.bucket.utf8)
        try statement.bind(6, blob: order.features.blob)
        try statement.bind(7, blob: order.metadata.blob)
        try statement.bind(8, number: record.time.microseconds)
        try statement.bind(9, number: record.index.rawValue)
        try statement.run()
        bookSequences[id] = BookSequence(0)
        created.append((id, order.kind))
    }

    private func delete(_ record: Record) throws {
        let statement = try PreparedStatement(
            database,
            "UPDATE books SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL"
        )
        try statement.bind(1, number: record.time.microseconds)
        try statement.bind(2, blob: record.book.bytes)
        try statement.run()
        guard statement.changes == 1 else { throw unknownBook(record) }
    }

    private func changeMetadata(_ record: Record, _ change: (inout Metadata) -> Void) throws {
        let row = record.book == .system ? "state WHERE id = ?" : "books WHERE id = ?"
        let key: Cell = record.book == .system ? .integer(1) : .blob(record.book.bytes)
        let old = try PreparedStatement(database, "SELECT metadata FROM \(row)")
        try old.bind(1, key)
        guard try old.step() else { throw unknownBook(record) }
        var metadata = try old.metadata(0)
        change(&metadata)
        let table = record.book == .system ? "state" : "books"
        let new = try PreparedStatement(
            database,
            "UPDATE \(table) SET metadata = ? WHERE id = ?"
        )
        try new.bind(1, blob: metadata.blob)
        try new.bind(2, key)
        try new.run()
    }

    private func unknownBook(_ record: Record) -> ViewFault {
        ViewFault(
            .contradiction,
            subject: "record \(record.index)",
            cause: "no live book \(record.book) in the system view"
        )
    }
}
