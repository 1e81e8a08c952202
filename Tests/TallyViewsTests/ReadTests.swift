// SPDX-License-Identifier: Apache-2.0
//
// Reads of accounts books and of the system view, compared with the model on random histories, and
// with the cases that the conformance transcript spells out.

import TestSupport
import TallyTypes
import TallyViews
import Testing

@Suite("Reads of accounts books")
struct ReadTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory("views")
    }

    private func reader(_ scribe: Scribe) throws -> ViewReader {
        var store = try ViewStore(directory: folder.path)
        try store.fold(scribe.records[...])
        return store.reader
    }

    private static let points: [BusinessTime?] =
        [nil]
        + [0, 1, 3, 7, 2_000].map {
            BusinessTime(microseconds: 1_699_000_000_000_000 + $0 * 500_000_000_000)
        }

    @Test("Every transaction is as the model has it", arguments: [11, 12, 13] as [UInt64])
    func transactions(seed: UInt64) async throws {
        let scribe = try Scribe.random(seed: seed, records: 160)
        let reader = try reader(scribe)
        for (id, book) in scribe.books.sorted(by: { $0.key < $1.key })
        where book.kind == .accounts {
            #expect(!book.transactions.isEmpty)
            for made in book.transactions {
                for pit in ReadTests.points {
                    let expansion: Expansion = [.volumes, .effectiveVolumes]
                    let row = try await reader.transaction(
                        made.id,
                        in: id,
                        expansion: expansion,
                        pointInTime: pit
                    )
                    let isVisible = pit.map { made.timestamp <= $0 } ?? true
                    let expected = isVisible ? try book.row(made, expansion, at: pit) : nil
                    #expect(row.map(ExpectedTransaction.init) == expected)
                }
            }
        }
    }

    @Test("Every list and count is as the model has it", arguments: [21, 22, 23] as [UInt64])
    func lists(seed: UInt64) async throws {
        let scribe = try Scribe.random(seed: seed, records: 160)
        let reader = try reader(scribe)
        for (id, book) in scribe.books.sorted(by: { $0.key < $1.key })
        where book.kind == .accounts {
            let volumes = try book.volumes { _ in true }
            #expect(try await all { try await reader.volumes(in: id, $0) } == volumes)
            let logs = try await all(LogList()) { try await reader.logs(in: id, $0) }
            #expect(logs == book.logs.reversed())
            let stats = try await reader.stats(of: id)
            #expect(stats.transactions == UInt64(book.transactions.count))
            #expect(stats.accounts == UInt64(book.accounts.count))
            let balances = try await reader.balances(in: id)
            #expect(balances.map(\.asset) == Set(volumes.map(\.asset)).sorted())
            #expect(balances.allSatisfy { $0.balance == .zero })
            for pit in ReadTests.points {
                try await compareAccounts(reader, id, book, pit)
                try await compareCounts(reader, id, book, pit)
            }
        }
    }

    private func compareAccounts(
        _ reader: ViewReader,
        _ id: BookID,
        _ book: Scribe.Book,
        _ pit: BusinessTime?
    ) async throws {
        let expansion: Expansion = pit == nil ? [.volumes, .effectiveVolumes] : .effectiveVolumes
        let list = AccountList(pointInTime: pit, expansion: expansion)
        let rows = try await all(list) { try await reader.accounts(in: id, $0) }
        let seen = book.accounts.sorted { $0.key < $1.key }
            .filter { item in pit.map { item.value.firstUsage <= $0 } ?? true }
        #expect(rows.map(\.address) == seen.map(\.key))
        let effective = try book.volumes { made in pit.map { made.timestamp <= $0 } ?? true }
        for (row, (address, expected)) in zip(rows, seen) {
            let change = expected.changes.last { change in
                pit.map { BusinessTime(change.at) <= $0 } ?? true
            }
            #expect(row.metadata == change?.metadata ?? .empty)
            #expect(row.firstUsage == expected.firstUsage)
            #expect(row.insertionDate == expected.insertionDate)
            #expect(row.updatedAt == expected.updatedAt)
            let own = effective.filter { $0.account == address }
                .map { AssetVolume(asset: $0.asset, volume: $0.volume) }
            #expect(row.effectiveVolumes == own)
            if pit == nil { #expect(row.volumes == own) }
            let single = try await reader.account(
                address,
                in: id,
                expansion: expansion,
                pointInTime: pit
            )
            #expect(single == row)
        }
    }

    private func compareCounts(
        _ reader: ViewReader,
        _ id: BookID,
        _ book: Scribe.Book,
        _ pit: BusinessTime?
    ) async throws {
        let visible = book.transactions.filter { made in pit.map { made.timestamp <= $0 } ?? true }
        let count = try await reader.transactionCount(in: id, pointInTime: pit)
        #expect(count == UInt64(visible.count))
        let accounts = try await reader.accountCount(in: id, pointInTime: pit)
        #expect(
            accounts
                == UInt64(
                    book.accounts.filter { item in
                        pit.map { item.value.firstUsage <= $0 } ?? true
                    }.count
                )
        )
        let byID = TransactionList(pointInTime: pit)
        let rows = try await all(byID) { try await reader.transactions(in: id, $0) }
        #expect(rows.map(\.id) == visible.map(\.id).reversed())
        let byTime = TransactionList(sort: .timestamp, order: .ascending, pointInTime: pit)
        let dated = try await all(byTime) { try await reader.transactions(in: id, $0) }
        let sorted = visible.sorted { ($0.timestamp, $0.id) < ($1.timestamp, $1.id) }
        #expect(dated.map(\.id) == sorted.map(\.id))
        let used = Set(visible.flatMap { $0.postings.map(\.asset) }).sorted()
        #expect(try await reader.balances(in: id, pointInTime: pit).map(\.asset) == used)
    }

    @Test("Volumes of accounts at a point in time are refused by name")
    func unsupported() async throws {
        var scribe = Scribe()
        let book = try scribe.makeBook("b")
        scribe.transact(book, CreateTransaction(postings: [try posting("world", "a", 1)]))
        let reader = try reader(scribe)
        let account = try address("a")
        await #expect(throws: ViewRefusal.self) {
            try await reader.account(
                account,
                in: book,
                expansion: .volumes,
                pointInTime: .max
            )
        }
    }

    @Test("A book that is not there, or of another kind, is refused by name")
    func books() async throws {
        var scribe = Scribe()
        let journal = try scribe.makeBook("j", .journal)
        let reader = try reader(scribe)
        let wanted = ViewRefusal.bookKind(expected: .accounts, found: .journal)
        await #expect(throws: wanted) { try await reader.stats(of: journal) }
        let stranger = BookID(9, 9)
        await #expect(throws: ViewRefusal.bookNotFound(stranger)) {
            try await reader.recent(in: stranger, RecentQuery(limit: 1))
        }
    }

    @Test("The system view lists books with their metadata, live and deleted")
    func system() async throws {
        var scribe = Scribe()
        let first = try scribe.makeBook("first", metadata: try metadata(["a": "1", "b": "2"]))
        let second = try scribe.makeBook("second", .journal)
        scribe.write(
            first,
            .setBookMetadata(try metadata(["b": "3", "c": "4"])),
            .committed(.recorded)
        )
        scribe.write(first, .deleteBookMetadata(key: "a"), .committed(.recorded))
        let deletion = scribe.write(second, .deleteBook, .committed(.recorded))
        scribe.write(.system, .setConfiguration(entriesPerGeneration: 64), .committed(.recorded))
        scribe.write(first, .deleteBook, .refused(.bookDeleted))
        let reader = try reader(scribe)
        let ledger = try await reader.ledger()
        #expect(ledger.origin == "localhost/test" && ledger.entriesPerGeneration == 64)
        #expect(ledger.books == 2 && ledger.nextRecord == RecordIndex(8))
        let row = try #require(try await reader.book(named: try bookName("first")))
        #expect(row.id == first && row.number == 1 && row.kind == .accounts && row.isLive)
        #expect(row.metadata == (try metadata(["b": "3", "c": "4"])))
        #expect(row.bucket == "_default" && row.record == RecordIndex(1))
        #expect(row.nextSequence == BookSequence(3))
        let gone = try #require(try await reader.book(second))
        #expect(gone.deletedAt == deletion.time)
        #expect(try await reader.book(named: try bookName("none")) == nil)
        let live = try await all(BookList()) { try await reader.books($0) }
        #expect(live.map(\.name.text) == ["first"])
        let every = try await all(BookList(order: .descending, includesDeleted: true)) {
            try await reader.books($0)
        }
        #expect(every.map(\.name.text) == ["second", "first"])
        let journals = try await all(BookList(kind: .journal, includesDeleted: true)) {
            try await reader.books($0)
        }
        #expect(journals.map(\.id) == [second])
    }
}

/// Every row of a list, page by page.
func all<List: PagedList, Row>(
    _ list: List,
    size: UInt64 = 3,
    _ read: (PageRequest<List>) async throws -> Page<Row>
) async throws -> [Row] {
    var page = try await read(.first(list, size: PageSize(clamping: size)))
    var rows = page.rows
    while let next = page.next {
        page = try await read(.cursor(next, size: nil))
        rows += page.rows
    }
    return rows
}

func all(
    _ read: (PageRequest<VolumeList>) async throws -> Page<AccountVolume>
) async throws -> [AccountVolume] {
    try await all(VolumeList(), read)
}
