// SPDX-License-Identifier: Apache-2.0
//
// The page of one book: an accounts book with its balances and last transactions, a journal with
// its last events. May import TallyCodec and TallyViews; the route table names `render`.

import TallyCodec
import TallyTypes
import TallyViews

/// The page of one book.
struct BookPage: Sendable {
    private static let rowsShown: UInt64 = 15
    let title: String
    let footer: String
    let kind: String
    let id: String
    let addedAt: String
    let record: UInt64
    let counts: [Fact]
    let metadata: [Fact]
    let tables: [TableRows]

    private init(_ book: BookSummary, _ call: Call, _ counts: [Fact], _ tables: [TableRows]) {
        title = "Book \(book.name)"
        footer = ConsolePages.footer(call.node)
        kind = book.kind.word
        id = book.id.description
        addedAt = TimeText.string(book.addedAt)
        record = book.record.rawValue
        self.counts = counts
        self.tables = tables
        metadata = book.metadata.pairs.map { Fact($0.key.string, $0.value.string) }
    }

    /// `GET /books/{book}`.
    static func render(_ call: Call) async throws -> Reply {
        guard let live = try await call.liveBook(try call.parameter("book")),
            let book = try await call.summary(of: live)
        else { throw Problem.notFound("no such book") }
        let page =
            switch book.kind {
            case .accounts: try await accounts(book, call)
            case .journal: try await journal(book, call)
            case .system: throw Problem.notFound("no such book")
            }
        return try ConsolePages.render("book", page)
    }

    private static func accounts(_ book: BookSummary, _ call: Call) async throws -> BookPage {
        let views = call.node.views
        let stats = try await views.stats(of: book.id)
        let volumes = try await views.volumes(
            in: book.id,
            try call.page { VolumeList() }
        )
        let latest = try await views.transactions(
            in: book.id,
            .first(TransactionList(), size: PageSize(clamping: rowsShown))
        )
        let balances = TableRows(
            "balances",
            "Balances",
            [
                TableColumn(name: "Account", isNumber: false),
                TableColumn(name: "Asset", isNumber: false),
                TableColumn(name: "In", isNumber: true),
                TableColumn(name: "Out", isNumber: true),
                TableColumn(name: "Balance", isNumber: true),
            ],
            volumes.rows.map(cells),
            pages: PageLinks(volumes, path: "/books/" + book.name.text)
        )
        return BookPage(
            book,
            call,
            [
                Fact("Transactions", "\(stats.transactions)"),
                Fact("Accounts", "\(stats.accounts)"),
            ],
            [balances, transactions(latest.rows)]
        )
    }

    private static func cells(_ row: AccountVolume) -> [TableCell] {
        func amount(_ balance: Balance) -> TableCell {
            TableCell(ConsoleText.amount(balance, row.asset), isNumber: true)
        }
        return [
            TableCell(row.account.text), TableCell(row.asset.text),
            amount(Balance(isNegative: false, magnitude: row.volume.input)),
            amount(Balance(isNegative: false, magnitude: row.volume.output)),
            amount(row.volume.balance),
        ]
    }

    private static func transactions(_ rows: [TransactionRow]) -> TableRows {
        TableRows(
            "transactions",
            "Last transactions",
            [
                TableColumn(name: "Transaction", isNumber: true),
                TableColumn(name: "Time", isNumber: false),
                TableColumn(name: "Postings", isNumber: false),
                TableColumn(name: "Record", isNumber: true),
            ],
            rows.map { row in
                [
                    TableCell(row.id.description, isNumber: true),
                    TableCell(TimeText.string(row.timestamp)),
                    TableCell(ConsoleText.postings(row.postings)),
                    TableCell(
                        row.record.description,
                        isNumber: true,
                        link: "/records/\(row.record)"
                    ),
                ]
            }
        )
    }

    private static func journal(_ book: BookSummary, _ call: Call) async throws -> BookPage {
        let views = call.node.views
        let count = try await views.eventCount(in: book.id)
        let latest = try await views.recent(
            in: book.id,
            RecentQuery(limit: 50, before: try before(call))
        )
        let events = TableRows(
            "events",
            "Last events",
            [
                TableColumn(name: "Event", isNumber: true),
                TableColumn(name: "Recorded", isNumber: false),
                TableColumn(name: "Entity", isNumber: false),
                TableColumn(name: "Field", isNumber: false),
                TableColumn(name: "Action", isNumber: false),
                TableColumn(name: "Actor", isNumber: false),
                TableColumn(name: "Record", isNumber: true),
            ],
            latest.events.map(cells)
        )
        return BookPage(book, call, [Fact("Events", "\(count)")], [events])
    }

    private static func before(_ call: Call) throws -> EventSequence? {
        try call.unsigned("before").map(EventSequence.init)
    }

    private static func cells(_ row: EventRow) -> [TableCell] {
        [
            TableCell(row.sequence.description, isNumber: true),
            TableCell(TimeText.string(row.recordedAt)),
            TableCell("\(row.event.entityType) \(row.event.entityID)"),
            TableCell(row.event.field.string),
            TableCell(row.event.action.word),
            TableCell(row.event.actor.string),
            TableCell(row.record.description, isNumber: true, link: "/records/\(row.record)"),
        ]
    }
}
