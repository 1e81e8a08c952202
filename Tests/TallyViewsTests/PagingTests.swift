// SPDX-License-Identifier: Apache-2.0
//
// The laws of cursors (specs/accounts.md §5.1): forth and back over the same rows, pages put
// together are the list, also while rows arrive; what is no cursor is malformed.

import TestSupport
import TallyTypes
import TallyViews
import Testing

@Suite("Pages and cursors")
struct PagingTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory("views")
    }

    private func seven() throws -> (Scribe, BookID) {
        var scribe = Scribe()
        let book = try scribe.makeBook("pages")
        for number in 1...7 {
            scribe.transact(
                book,
                CreateTransaction(
                    postings: [try posting("world", "acc:\(number)", 1)],
                    timestamp: BusinessTime(microseconds: Int64(8 - number) * 1_000_000)
                )
            )
        }
        return (scribe, book)
    }

    @Test("Pages of transactions as the conformance transcript has them")
    func transcript() async throws {
        var (scribe, book) = try seven()
        var store = try ViewStore(directory: folder.path)
        try store.fold(scribe.records[...])
        let reader = store.reader
        let one = try await reader.transactions(
            in: book,
            .first(TransactionList(), size: PageSize(clamping: 3))
        )
        #expect(one.rows.map(\.id.rawValue) == [7, 6, 5] && one.previous == nil)
        scribe.transact(book, CreateTransaction(postings: [try posting("world", "late", 1)]))
        try store.fold(scribe.records[...])
        let two = try await reader.transactions(
            in: book,
            .cursor(try #require(one.next), size: nil)
        )
        #expect(two.rows.map(\.id.rawValue) == [4, 3, 2] && two.hasMore)
        let three = try await reader.transactions(
            in: book,
            .cursor(try #require(two.next), size: nil)
        )
        #expect(three.rows.map(\.id.rawValue) == [1] && !three.hasMore)
        let back = try await reader.transactions(
            in: book,
            .cursor(try #require(three.previous), size: nil)
        )
        #expect(back.rows == two.rows)
        let first = try await reader.transactions(
            in: book,
            .cursor(try #require(two.previous), size: nil)
        )
        #expect(first.rows == one.rows && first.previous == nil)
        let forth = try await reader.transactions(
            in: book,
            .cursor(try #require(first.next), size: nil)
        )
        #expect(forth.rows == two.rows)
        let short = try await reader.transactions(
            in: book,
            .cursor(try #require(one.next), size: PageSize(clamping: 2))
        )
        #expect(short.rows.map(\.id.rawValue) == [4, 3] && short.size.rows == 2)
    }

    @Test("Walking back with a larger page ends at the first row ever shown")
    func bottom() async throws {
        var (scribe, book) = try seven()
        var store = try ViewStore(directory: folder.path)
        try store.fold(scribe.records[...])
        let reader = store.reader
        let one = try await reader.transactions(
            in: book,
            .first(TransactionList(), size: PageSize(clamping: 3))
        )
        scribe.transact(book, CreateTransaction(postings: [try posting("world", "late", 1)]))
        try store.fold(scribe.records[...])
        let two = try await reader.transactions(
            in: book,
            .cursor(try #require(one.next), size: nil)
        )
        let back = try await reader.transactions(
            in: book,
            .cursor(try #require(two.previous), size: PageSize(clamping: 5))
        )
        #expect(back.rows == one.rows && back.previous == nil)
        #expect(back.size.rows == 5 && back.hasMore)
    }

    @Test("Sizes: 0 is 15, more than 100 is 100")
    func sizes() {
        #expect(PageSize(clamping: 0).rows == 15)
        #expect(PageSize(clamping: 1).rows == 1)
        #expect(PageSize(clamping: 5_000).rows == 100)
        #expect(PageSize(clamping: .max).rows == 100)
    }

    @Test("Descending accounts start with the last byte order")
    func descending() async throws {
        let (scribe, book) = try seven()
        var store = try ViewStore(directory: folder.path)
        try store.fold(scribe.records[...])
        let page = try await store.reader.accounts(
            in: book,
            .first(AccountList(order: .descending), size: PageSize(clamping: 2))
        )
        #expect(page.rows.map(\.address.text) == ["world", "acc:7"])
    }

    @Test(
        "While rows arrive, pages hold what was there in order, once, and walk back the same way",
        arguments: [31, 32, 33, 34, 35, 36] as [UInt64]
    )
    func whileRowsArrive(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        var (scribe, book) = try seven()
        var store = try ViewStore(directory: folder.path)
        try store.fold(scribe.records[...])
        let reader = store.reader
        let lists = [
            TransactionList(), TransactionList(order: .ascending),
            TransactionList(sort: .timestamp, order: .ascending),
            TransactionList(sort: .timestamp, order: .descending),
        ]
        let list = lists[random.below(lists.count)]
        let there = try await all(list) { try await reader.transactions(in: book, $0) }
        let size = PageSize(clamping: UInt64(1 + random.below(4)))
        var pages = [try await reader.transactions(in: book, .first(list, size: size))]
        while let next = pages[pages.count - 1].next {
            let time = Int64(random.below(9_000_000))
            scribe.transact(
                book,
                CreateTransaction(
                    postings: [try posting("world", "late", 1)],
                    timestamp: BusinessTime(microseconds: time)
                )
            )
            if scribe.books[book]?.transactions.count ?? 0 < 25 {
                try store.fold(scribe.records[...])
            }
            pages.append(try await reader.transactions(in: book, .cursor(next, size: nil)))
        }
        let seen = pages.flatMap(\.rows).map(\.id)
        #expect(Set(seen).count == seen.count)
        let old = Set(there.map(\.id))
        #expect(seen.filter { old.contains($0) } == there.map(\.id))
        var walked: [TransactionID] = []
        var page = pages[pages.count - 1]
        while let previous = page.previous {
            page = try await reader.transactions(in: book, .cursor(previous, size: nil))
            #expect(!page.rows.isEmpty && page.hasMore)
            walked = page.rows.map(\.id) + walked
        }
        let rest = there.map(\.id).filter { id in
            !pages[pages.count - 1].rows.contains { $0.id == id }
        }
        #expect(walked.filter { old.contains($0) } == rest)
        #expect(Set(walked).count == walked.count)
    }

    @Test("What is no cursor of the list is malformed")
    func malformed() async throws {
        let (scribe, book) = try seven()
        var store = try ViewStore(directory: folder.path)
        try store.fold(scribe.records[...])
        let reader = store.reader
        let page = try await reader.transactions(
            in: book,
            .first(TransactionList(), size: PageSize(clamping: 3))
        )
        let token = try #require(page.next)
        var bad = ["", "!!", "A", "AA", token + "A", token + "AA", String(token.dropLast(2))]
        bad += (0..<8).map { place in
            var letters = Array(token)
            letters[place] = "_"
            return String(letters)
        }
        for text in bad where text != token {
            await #expect(throws: Malformed.self, "\(text)") {
                try await reader.transactions(in: book, .cursor(text, size: nil))
            }
        }
        await #expect(throws: Malformed.self) {
            try await reader.accounts(in: book, .cursor(token, size: nil))
        }
    }
}
