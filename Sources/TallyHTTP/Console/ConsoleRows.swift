// SPDX-License-Identifier: Apache-2.0
//
// What the templates are rendered from: one type per page and per row, plain text and numbers only.
// May import TallyTypes and TallyViews; ConsolePages makes them. The names are those in the
// templates.

import TallyCodec
import TallyTypes
import TallyViews

/// The page of the node.
struct NodePage: Sendable {
    let title = "Node"
    let footer: String
    let notReady: String?
    let origin: String
    let size: UInt64
    let root: String
    let logIndex: UInt64
    let version: String
    let records: [RecordRow]
    let hasRecords: Bool

    init(
        footer: String,
        notReady: String?,
        origin: String,
        size: UInt64,
        root: String,
        logIndex: UInt64,
        version: String,
        records: [RecordRow]
    ) {
        self.footer = footer
        self.notReady = notReady
        self.origin = origin
        self.size = size
        self.root = root
        self.logIndex = logIndex
        self.version = version
        self.records = records
        hasRecords = !records.isEmpty
    }
}

/// One record in a table.
struct RecordRow: Sendable {
    let index: UInt64
    let time: String
    let book: String
    let kind: String
    let outcome: String

    init(_ record: Record, _ book: String) {
        index = record.index.rawValue
        time = TimeText.string(record.time)
        self.book = book
        kind = record.order.kind.word
        outcome = ConsoleText.outcome(record.outcome)
    }
}

/// The page of all books.
struct BooksPage: Sendable {
    let title = "Books"
    let footer: String
    let books: [BookRow]
    let hasBooks: Bool
    let pages: PageLinks?

    init(footer: String, books: [BookRow], pages: PageLinks?) {
        self.footer = footer
        self.books = books
        self.pages = pages
        hasBooks = !books.isEmpty
    }
}

/// One book in a table.
struct BookRow: Sendable {
    let name: String
    let kind: String
    let bucket: String
    let addedAt: String
    let record: UInt64

    init(_ book: BookSummary) {
        name = book.name.text
        kind = book.kind.word
        bucket = book.bucket.string
        addedAt = TimeText.string(book.addedAt)
        record = book.record.rawValue
    }
}

/// The page of one record.
struct RecordPage: Sendable {
    let title: String
    let footer: String
    let facts: [Fact]
    let json: String
}

/// The page of an error.
struct ProblemPage: Sendable {
    let title: String
    let footer: String
    let message: String
}

/// A name with a value, and perhaps a page to go on to.
struct Fact: Sendable {
    let name: String
    let value: String
    let link: String?

    init(_ name: String, _ value: String, link: String? = nil) {
        self.name = name
        self.value = value
        self.link = link
    }

    /// What is said of a record beside its JSON.
    static func facts(of record: Record, book: String, bytes: Int) -> [Fact] {
        var facts = [
            Fact("Book", book, link: record.book == .system ? nil : "/books/" + book),
            Fact("Position in the book", record.sequence.description),
            Fact("Time", TimeText.string(record.time)),
            Fact("Kind", record.order.kind.word),
            Fact("Outcome", ConsoleText.outcome(record.outcome)),
            Fact("Hash before it", record.previous.description),
            Fact("Size", "\(bytes) bytes"),
        ]
        if case .refused(let refusal) = record.outcome {
            facts.append(Fact("Reason", Problem(refusal).message))
        }
        if record.index > .zero {
            let before = record.index.rawValue - 1
            facts.append(Fact("Record before", "\(before)", link: "/records/\(before)"))
        }
        return facts
    }
}

/// Where a list goes on.
struct PageLinks: Sendable {
    let previous: String?
    let next: String?

    /// Nil when the list has one page only.
    init?<Row>(_ page: Page<Row>, path: String) {
        guard page.previous != nil || page.next != nil else { return nil }
        previous = page.previous.map { path + "?cursor=" + PercentText.encode($0) }
        next = page.next.map { path + "?cursor=" + PercentText.encode($0) }
    }
}

/// A table of any columns.
struct TableRows: Sendable {
    let anchor: String
    let caption: String
    let columns: [TableColumn]
    let rows: [TableRow]
    let hasRows: Bool
    let pages: PageLinks?

    init(
        _ anchor: String,
        _ caption: String,
        _ columns: [TableColumn],
        _ rows: [[TableCell]],
        pages: PageLinks? = nil
    ) {
        self.anchor = anchor
        self.caption = caption
        self.columns = columns
        self.rows = rows.map(TableRow.init)
        self.pages = pages
        hasRows = !rows.isEmpty
    }
}

/// The head of a column.
struct TableColumn: Sendable {
    let name: String
    let isNumber: Bool
}

/// One row of a table.
struct TableRow: Sendable {
    let cells: [TableCell]
}

/// One cell of a table.
struct TableCell: Sendable {
    let text: String
    let isNumber: Bool
    let link: String?

    init(_ text: String, isNumber: Bool = false, link: String? = nil) {
        self.text = text
        self.isNumber = isNumber
        self.link = link
    }
}
