// SPDX-License-Identifier: Apache-2.0
//
// Folding: the same rows however the records are cut into runs, nothing changed by folding again,
// gaps and contradictions by name, refused records that fold nothing.

import Foundation
import TestSupport
import TallyTypes
import TallyViews
import Testing

@Suite("Folding records into views")
struct FoldTests {
    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory("views")
    }

    private func path(_ name: String) -> String { folder.file(name).path }

    @Test(
        "The same rows however the runs are cut, with overlaps",
        arguments: [1, 2, 3, 4] as [UInt64]
    )
    func rebuild(seed: UInt64) throws {
        let scribe = try Scribe.random(seed: seed, records: 300)
        var whole = try ViewStore(directory: path("whole"))
        try whole.fold(scribe.records[...])
        var pieces = try ViewStore(directory: path("pieces"), openFilesMax: 1)
        var random = SeededRandom(seed: seed)
        while pieces.applied < RecordIndex(UInt64(scribe.records.count)) {
            let applied = Int(pieces.applied.rawValue)
            let start = max(0, applied - random.below(20))
            let end = min(scribe.records.count, applied + random.below(15))
            try pieces.fold(scribe.records[start..<max(start, end)])
        }
        for book in scribe.books.keys.sorted() {
            #expect(try whole.digest(book) == pieces.digest(book), "book \(book)")
        }
        try whole.fold(scribe.records[...])
        #expect(try ViewComparison.compare(path("whole"), path("pieces")) == nil)
    }

    @Test("Other records give another digest")
    func digestDiffers() throws {
        var scribe = Scribe()
        let book = try scribe.makeBook("b")
        var digests: [Digest] = []
        for (name, amount) in [("one", 1), ("two", 2)] as [(String, UInt64)] {
            var copy = scribe
            copy.transact(
                book,
                CreateTransaction(postings: [try posting("world", "a", amount)])
            )
            var store = try ViewStore(directory: path(name))
            try store.fold(copy.records[...])
            digests.append(try store.digest(book))
        }
        #expect(digests[0] != digests[1])
        let difference = try #require(try ViewComparison.compare(path("one"), path("two")))
        #expect(difference.file == "\(book).sqlite")
        #expect(difference.table == "assets")
        #expect(difference.row == 1)
    }

    @Test("A gap is an error by name, before anything is written")
    func gap() throws {
        let scribe = try Scribe.random(seed: 5, records: 40)
        var store = try ViewStore(directory: path("views"))
        #expect(fault { try store.fold(scribe.records[1...]) }?.code == .gap)
        try store.fold(scribe.records[..<10])
        #expect(fault { try store.fold(scribe.records[11...]) }?.code == .gap)
        let holed = Array(scribe.records[10..<20] + scribe.records[21..<30])
        #expect(fault { try store.fold(holed[...]) }?.code == .gap)
        #expect(store.applied == RecordIndex(10))
        try store.fold(scribe.records[10...])
        #expect(store.applied == RecordIndex(UInt64(scribe.records.count)))
    }

    @Test("A record that contradicts the view is an error by name")
    func contradictions() throws {
        var scribe = Scribe()
        let book = try scribe.makeBook("b")
        let start = scribe
        var store = try ViewStore(directory: path("views"))
        try store.fold(scribe.records[...])
        let next = scribe.records.count
        let effects = TransactionEffects(
            id: TransactionID(1),
            logID: LogID(1),
            postings: [try posting("a", "world", 1)]
        )
        let bad: [(Order, Outcome, Code)] = [
            (
                .revertTransaction(RevertTransaction(transaction: TransactionID(9))),
                .committed(.transaction(effects)), .contradiction
            ),
            (
                .setTransactionMetadata(TransactionID(9), .empty), .committed(.logged(LogID(1))),
                .contradiction
            ),
            (
                .createTransaction(CreateTransaction(postings: [])), .committed(.recorded),
                .contradiction
            ),
            (.setConfiguration(entriesPerGeneration: 1), .committed(.recorded), .contradiction),
        ]
        for (order, outcome, code) in bad {
            var copy = start
            copy.write(book, order, outcome)
            #expect(fault { try store.fold(copy.records[next...]) }?.code == code)
        }
        var unknown = start
        unknown.write(BookID(7, 7), .deleteBook, .committed(.recorded))
        #expect(fault { try store.fold(unknown.records[next...]) }?.code == .contradiction)
        var skipping = start
        skipping.books[book]?.sequence = 3
        skipping.write(book, .deleteBook, .committed(.recorded))
        #expect(fault { try store.fold(skipping.records[next...]) }?.code == .gap)
    }

    private typealias Code = ViewFault.Code

    @Test("After a fault the same run, made right, folds; nothing of the bad one stays")
    func repairs() throws {
        var scribe = Scribe()
        let book = try scribe.makeBook("b")
        scribe.transact(book, CreateTransaction(postings: [try posting("world", "a", 5)]))
        var bad = scribe
        scribe.transact(book, CreateTransaction(postings: [try posting("a", "b", 5)]))
        bad.transact(book, CreateTransaction(postings: [try posting("a", "c", 4)]))
        bad.write(book, .setConfiguration(entriesPerGeneration: 1), .committed(.recorded))
        var store = try ViewStore(directory: path("views"))
        #expect(fault { try store.fold(bad.records[...]) } != nil)
        try store.fold(scribe.records[...])
        var fresh = try ViewStore(directory: path("fresh"))
        try fresh.fold(scribe.records[...])
        #expect(try store.digest(book) == fresh.digest(book))
    }

    @Test("A refused record folds nothing but is counted")
    func refused() async throws {
        var scribe = Scribe()
        let book = try scribe.makeBook("b")
        let order = CreateTransaction(postings: [try posting("poor", "a", 5)])
        let refusal = Refusal.insufficientFunds(
            account: try address("poor"),
            asset: try asset("USD/2"),
            needed: Amount(5),
            available: .zero
        )
        scribe.write(book, .createTransaction(order), .refused(refusal))
        var store = try ViewStore(directory: path("views"))
        try store.fold(scribe.records[...])
        let applied = try await store.reader.applied(book)
        #expect(applied.nextSequence == BookSequence(1))
        #expect(applied.nextRecord == RecordIndex(3))
        let stats = try await store.reader.stats(of: book)
        #expect(stats.transactions == 0 && stats.accounts == 0)
    }

    @Test("Everything removed, then folded again, is the same")
    func removeAll() throws {
        let scribe = try Scribe.random(seed: 6, records: 80)
        var store = try ViewStore(directory: path("views"))
        try store.fold(scribe.records[...])
        let before = try scribe.books.keys.sorted().map { try store.digest($0) }
        try store.removeAll()
        #expect(store.applied == .zero)
        try store.fold(scribe.records[...])
        #expect(try scribe.books.keys.sorted().map { try store.digest($0) } == before)
    }

    private func fault(_ body: () throws -> Void) -> ViewFault? {
        do {
            try body()
            return nil
        } catch let fault as ViewFault {
            return fault
        } catch {
            Issue.record("not a view fault: \(error)")
            return nil
        }
    }
}
