// SPDX-License-Identifier: Apache-2.0
//
// Reads of the system view: the ledger and its books. Imports GRDB; ViewReader.swift calls it
// within one snapshot.

import GRDB
import TallyTypes

/// Reads of the system view.
enum BookReads {
    private static let columns = """
        number, id, name, kind, bucket, features, metadata, added_at, deleted_at, record, \
        next_sequence
        """

    /// The ledger as a whole.
    static func ledger(_ database: Database) throws -> LedgerSummary {
        let row = try PreparedStatement(
            database,
            "SELECT origin, entries_per_generation, books, next_record FROM state WHERE id = 1"
        )
        guard try row.step() else { throw row.corrupt(0, "no row") }
        return LedgerSummary(
            origin: try row.textBlob(0),
            entriesPerGeneration: try row.number(1),
            books: try row.number(2),
            nextRecord: RecordIndex(try row.number(3))
        )
    }

    /// The book with a name.
    static func book(_ database: Database, named name: BookName) throws -> BookSummary? {
        let row = try PreparedStatement(
            database,
            "SELECT \(columns) FROM books WHERE name = ?"
        )
        try row.bind(1, text: name.text)
        return try row.step() ? try decode(row) : nil
    }

    /// The book with an id.
    static func book(_ database: Database, id: BookID) throws -> BookSummary? {
        let row = try PreparedStatement(database, "SELECT \(columns) FROM books WHERE id = ?")
        try row.bind(1, blob: id.bytes)
        return try row.step() ? try decode(row) : nil
    }

    /// One page of the list of books.
    static func books(
        _ database: Database,
        _ start: PageStart<BookList>
    ) throws -> Page<BookSummary> {
        var source = ListSource(columns: columns, from: "books", keys: ["number"])
        if let kind = start.list.kind {
            source.filters.append("kind = ?")
            source.arguments.append(.integer(Int64(kind.rawValue)))
        }
        if !start.list.includesDeleted { source.filters.append("deleted_at IS NULL") }
        return try fetchPage(database, start, source) { row in
            (try decode(row), [.integer(try row.integer(0))])
        }
    }

    private static func decode(_ row: borrowing PreparedStatement) throws -> BookSummary {
        guard let id = BookID(try row.blob(1)),
            let name = BookName(try row.textValue(2).string),
            let kind = BookKind(rawValue: UInt8(clamping: try row.integer(3)))
        else { throw row.corrupt(1, "no book") }
        return BookSummary(
            number: try row.number(0),
            id: id,
            name: name,
            kind: kind,
            bucket: try row.textBlob(4),
            features: try row.metadata(5),
            metadata: try row.metadata(6),
            addedAt: try row.instant(7),
            deletedAt: row.isNull(8) ? nil : try row.instant(8),
            record: RecordIndex(try row.number(9)),
            nextSequence: BookSequence(try row.number(10))
        )
    }
}
