// SPDX-License-Identifier: Apache-2.0
//
// View files as files: what recovery finds and names, how many are open, that verification changes
// no byte and finds what was changed, and that every read is served by an index.

import Foundation
import GRDB
import TestSupport
import Synchronization
import TallyTypes
import TallyViews
import Testing

@Suite("View files")
struct StoreTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory("views")
    }

    private func path(_ name: String) -> String { folder.file(name).path }

    private func folded(_ name: String, seed: UInt64 = 41) throws -> (Scribe, BookID) {
        let scribe = try Scribe.random(seed: seed, records: 120)
        var store = try ViewStore(directory: path(name))
        try store.fold(scribe.records[...])
        return (scribe, BookID(0xABCD, 1))
    }

    private func change(_ path: String, _ sql: String) throws {
        let database = try DatabaseQueue(path: path)
        try database.writeWithoutTransaction { try $0.execute(sql: sql) }
        try database.close()
    }

    @Test("codes of SQLite: damage, no room, and the rest")
    func codes() {
        let codes: [(Int32, ViewFault.Code)] = [
            (11, .corrupt), (26, .corrupt), (11 | 1 << 8, .corrupt), (13, .full),
            (10 | 19 << 8, .full), (10, .database), (10 | 3 << 8, .database), (5, .database),
        ]
        for (code, kind) in codes { #expect(ViewFault.Code(sqlite: code) == kind, "\(code)") }
    }

    @Test("Opened again, nothing is lost and nothing is folded again")
    func reopened() throws {
        let (scribe, _) = try folded("views")
        let store = try ViewStore(directory: path("views"))
        #expect(store.recovery.resume == RecordIndex(UInt64(scribe.records.count)))
        #expect(store.recovery.furthest == store.recovery.resume)
        #expect(store.recovery.losses.isEmpty)
    }

    @Test(
        "A file that is missing, of another version, damaged or changed in shape is folded again",
        arguments: ["missing", "version", "damaged", "shape"]
    )
    func lost(how: String) throws {
        let (scribe, book) = try folded("views")
        _ = try folded("fresh")
        let file = path("views") + "/\(book).sqlite"
        switch how {
        case "missing": try FileManager.default.removeItem(atPath: file)
        case "version": try change(file, "PRAGMA user_version = 99")
        case "damaged":
            try Data("not a database at all, but long enough".utf8).write(
                to: URL(fileURLWithPath: file)
            )
        default: try change(file, "DROP INDEX transactions_timestamp")
        }
        var store = try ViewStore(directory: path("views"))
        #expect(store.recovery.losses.map(\.book) == [book])
        #expect(store.recovery.resume == RecordIndex(1))
        try store.fold(scribe.records[1...])
        #expect(try ViewComparison.compare(path("views"), path("fresh")) == nil)
    }

    @Test("Without a usable system view everything is folded again")
    func systemLost() throws {
        let (scribe, _) = try folded("views")
        _ = try folded("fresh")
        try change(path("views") + "/system.sqlite", "PRAGMA user_version = 99")
        var store = try ViewStore(directory: path("views"))
        #expect(store.recovery.losses.map(\.book) == [.system])
        #expect(store.recovery.resume == .zero)
        try store.fold(scribe.records[...])
        #expect(try ViewComparison.compare(path("views"), path("fresh")) == nil)
    }

    @Test("A file that fell behind is folded on from where it stands")
    func behind() throws {
        let (scribe, book) = try folded("views")
        var early = try ViewStore(directory: path("early"))
        try early.fold(scribe.records[..<60])
        try early.removeNothingAndClose()
        let name = "/\(book).sqlite"
        try FileManager.default.removeItem(atPath: path("views") + name)
        try copy(path("early") + name, path("views") + name)
        var store = try ViewStore(directory: path("views"))
        #expect(store.recovery.losses.map(\.reason) == ["behind"])
        #expect(store.recovery.resume < RecordIndex(61))
        try store.fold(scribe.records[Int(store.recovery.resume.rawValue)...])
        _ = try folded("fresh")
        #expect(try ViewComparison.compare(path("views"), path("fresh")) == nil)
    }

    private func copy(_ source: String, _ target: String) throws {
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: source + suffix) {
            try FileManager.default.copyItem(atPath: source + suffix, toPath: target + suffix)
        }
    }

    @Test("No more book files are open than said, and closed ones still answer")
    func openFiles() async throws {
        var scribe = Scribe()
        let books = try (0..<5).map { try scribe.makeBook("b\($0)") }
        for (number, book) in books.enumerated() {
            for _ in 0...number {
                scribe.transact(
                    book,
                    CreateTransaction(postings: [try posting("world", "a", 1)])
                )
            }
        }
        var store = try ViewStore(directory: path("views"), openFilesMax: 2)
        try store.fold(scribe.records[...])
        for (number, book) in books.enumerated() {
            let stats = try await store.reader.stats(of: book)
            #expect(stats.transactions == UInt64(number + 1))
            #expect(store.reader.openFiles <= 2)
        }
    }

    @Test("Comparing names the file, the table and the row, and changes no byte")
    func comparison() throws {
        let (_, book) = try folded("views")
        _ = try folded("fresh")
        let file = path("views") + "/\(book).sqlite"
        try change(file, "UPDATE volumes SET input = input WHERE false")
        let before = try bytes(path("views"))
        #expect(try ViewComparison.compare(path("views"), path("fresh")) == nil)
        #expect(try bytes(path("views")) == before)
        try change(file, "UPDATE transactions SET timestamp = timestamp + 1 WHERE id = 3")
        let difference = try #require(
            try ViewComparison.compare(path("views"), path("fresh"))
        )
        #expect(difference.file == "\(book).sqlite")
        #expect(difference.table == "transactions" && difference.row == 3)
        let rows = try ViewDump(path: file)
        var tables: [String] = []
        try rows.rows { table, _ in if tables.last != table { tables.append(table) } }
        #expect(tables.first == "state" && tables.contains("moves"))
    }

    @Test("A file that only one side has is a difference, unless its book has no records")
    func missingFile() throws {
        let (_, book) = try folded("views")
        _ = try folded("fresh")
        try FileManager.default.removeItem(atPath: path("fresh") + "/\(book).sqlite")
        let difference = try #require(
            try ViewComparison.compare(path("views"), path("fresh"))
        )
        #expect(difference.what == "only in the first")
    }

    private func bytes(_ directory: String) throws -> [String: Data] {
        var bytes: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
            bytes[name] = try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name))
        }
        return bytes
    }

    @Test("Amounts and texts keep their order and their bytes in the file")
    func order() async throws {
        var scribe = Scribe()
        let book = try scribe.makeBook("b")
        let amounts: [Amount] = [
            .zero, Amount(1), Amount(UInt128(Int64.max)), Amount(UInt128(Int64.max) + 1),
            Amount(UInt128.max), Amount(high: 1, low: 0), .max,
        ]
        for (number, amount) in amounts.enumerated() {
            scribe.transact(
                book,
                CreateTransaction(postings: [try posting("s\(number)", "d\(number)", amount)])
            )
        }
        var store = try ViewStore(directory: path("views"))
        try store.fold(scribe.records[...])
        let page = try await store.reader.volumes(
            in: book,
            .first(VolumeList(), size: PageSize(clamping: 7))
        )
        #expect(page.rows.map(\.volume.input) == amounts)
        let database = try DatabaseQueue(path: path("views") + "/\(book).sqlite")
        let sorted = try await database.read { database in
            try Int64.fetchAll(
                database,
                sql: "SELECT tx FROM moves WHERE input > 0 ORDER BY input"
            )
        }
        #expect(sorted == [2, 3, 4, 5, 6, 7])
    }

    @Test("Every read is a search by an index; no table is scanned and no page is sorted")
    func plans() async throws {
        let seen = Mutex<Set<String>>([])
        let scribe = try Scribe.random(seed: 42, records: 120)
        var store = try ViewStore(
            directory: path("views"),
            trace: { sql in
                if sql.hasPrefix("SELECT") { seen.withLock { _ = $0.insert(sql) } }
            }
        )
        try store.fold(scribe.records[...])
        try await readEverything(store.reader, BookID(0xABCD, 1), BookID(0xABCD, 3))
        let statements = seen.withLock { $0.sorted() }
        #expect(statements.count > 40)
        var explained = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: path("views")).sorted()
        where name.hasSuffix(".sqlite") {
            explained += try explain(path("views") + "/" + name, statements)
        }
        #expect(explained >= statements.count - 8)
    }

    private func explain(_ file: String, _ statements: [String]) throws -> Int {
        let database = try DatabaseQueue(path: file)
        var explained = 0
        try database.read { database in
            for sql in statements where !sql.contains("FROM sqlite_") {
                let rows: [Row]
                do {
                    let nulls = sql.filter { $0 == "?" }.map { _ in nil as Int? }
                    rows = try Row.fetchAll(
                        database,
                        sql: "EXPLAIN QUERY PLAN " + sql,
                        arguments: StatementArguments(nulls)
                    )
                } catch let error as DatabaseError
                    where error.message?.hasPrefix("no such") == true
                {
                    continue  // a statement of another kind of book
                }
                explained += 1
                for row in rows {
                    let detail: String = row["detail"]
                    let isSmall =
                        detail.hasPrefix("SCAN assets")
                        || (detail.hasPrefix("SCAN books") && sql.hasSuffix("ORDER BY number"))
                    #expect(!detail.hasPrefix("SCAN") || isSmall, "\(sql): \(detail)")
                    let isPartial =
                        sql.contains("a.address, s.name") && detail.contains("RIGHT PART")
                    let isSort = detail.contains("TEMP B-TREE") && !isPartial
                    #expect(!isSort, "\(sql): \(detail)")
                }
            }
        }
        return explained
    }

    private func readEverything(
        _ reader: ViewReader,
        _ book: BookID,
        _ journal: BookID
    ) async throws {
        let pit = BusinessTime(microseconds: 1_700_000_000_050_000)
        for order in [PageOrder.ascending, .descending] {
            for time in [nil, pit] {
                for sort in [TransactionSort.id, .timestamp] {
                    try await backAndForth(
                        TransactionList(
                            sort: sort,
                            order: order,
                            pointInTime: time,
                            expansion: [.volumes, .effectiveVolumes]
                        )
                    ) { try await reader.transactions(in: book, $0) }
                }
                try await backAndForth(
                    AccountList(order: order, pointInTime: time, expansion: .effectiveVolumes)
                ) { try await reader.accounts(in: book, $0) }
                _ = try await reader.transactionCount(in: book, pointInTime: time)
                _ = try await reader.accountCount(in: book, pointInTime: time)
                _ = try await reader.balances(in: book, pointInTime: time)
            }
            try await backAndForth(VolumeList(order: order)) {
                try await reader.volumes(in: book, $0)
            }
            try await backAndForth(LogList(order: order)) { try await reader.logs(in: book, $0) }
            for kind in [nil, BookKind.accounts] {
                try await backAndForth(BookList(order: order, kind: kind)) {
                    try await reader.books($0)
                }
            }
        }
        _ = try await reader.ledger()
        _ = try await reader.book(book)
        _ = try await reader.book(named: try bookName("first"))
        try await readJournal(reader, journal)
    }

    private func readJournal(_ reader: ViewReader, _ journal: BookID) async throws {
        for field in [nil, Text("f")] {
            _ = try await reader.history(
                in: journal,
                HistoryQuery(
                    entityType: "t",
                    entityID: "id0\u{0}",
                    field: field,
                    from: Instant(microseconds: 0),
                    through: Instant(microseconds: .max),
                    limit: 5
                )
            )
        }
        let filters: [RecentQuery] = [
            RecentQuery(limit: 3), RecentQuery(limit: 3, entityType: "t"),
            RecentQuery(limit: 3, action: .update), RecentQuery(limit: 3, actor: "me"),
            RecentQuery(limit: 3, source: "api"), RecentQuery(limit: 3, workspace: .named("w")),
            RecentQuery(limit: 3, workspace: WorkspaceFilter.none),
            RecentQuery(limit: 3, actor: "me", source: "api"),
        ]
        for filter in filters { _ = try await reader.recent(in: journal, filter) }
        _ = try await reader.event(EventSequence(0), in: journal)
        _ = try await reader.event(of: RecordIndex(0), in: journal)
    }

    private func backAndForth<List: PagedList, Item>(
        _ list: List,
        _ read: (PageRequest<List>) async throws -> Page<Item>
    ) async throws {
        let one = try await read(.first(list, size: PageSize(clamping: 1)))
        guard let next = one.next else { return }
        let two = try await read(.cursor(next, size: nil))
        _ = try await read(.cursor(try #require(two.previous), size: nil))
    }

    @Test("Readers see whole runs while a run is being folded")
    func concurrency() async throws {
        let scribe = try Scribe.random(seed: 43, records: 400)
        var store = try ViewStore(directory: path("views"))
        try store.fold(scribe.records[..<4])
        let reader = store.reader
        let book = BookID(0xABCD, 1)
        let reading = Task {
            var seen: [UInt64] = []
            for _ in 0..<50 {
                let stats = try await reader.stats(of: book)
                let newest = try await reader.transactions(
                    in: book,
                    .first(TransactionList(), size: PageSize(clamping: 1))
                )
                #expect(newest.rows.first?.id.rawValue ?? 0 >= stats.transactions)
                seen.append(stats.transactions)
            }
            return seen
        }
        for start in stride(from: 4, to: 400, by: 9) {
            try store.fold(scribe.records[start..<min(400, start + 9)])
        }
        let seen = try await reading.value
        #expect(seen == seen.sorted())
    }
}

extension ViewStore {
    /// Ends the use of a store so that its files close.
    consuming func removeNothingAndClose() throws {}
}
