// SPDX-License-Identifier: Apache-2.0
//
// Seals against replay: the honest one, each of its statements changed, one that nobody looked for,
// and a ledger that goes on under another origin. Called by `swift test`.

import TallyChecker
import TallyCodec
import TallyProof
import TallyTypes
import Testing

@Suite("Checker: seals and successors")
struct SealTests {
    private func report(_ seal: LogSeal, looking sizes: Set<UInt64> = [4]) -> Report {
        let history = SealTests.history(seal)
        var checker = Checker(heads: [], sealSizes: sizes)
        for record in history.bytes { checker.feed(record, offset: 0) }
        return checker.report()
    }

    /// Four records, one more, then the seal.
    private static func history(_ seal: LogSeal) -> History {
        History([
            Books.makeMoney,
            pay([posting("world", "a", 5)], transaction(1, log: 1)),
            pay([posting("a", "b", 2)], transaction(2, log: 2)),
            pay([posting("a", "b", 1)], transaction(3, log: 3)),
            Line(.system, .sealLog(seal), .committed(.recorded)),
        ])
    }

    /// What the state is after four records, from the rows, without the checker's builder.
    private static let honest: LogSeal = {
        var checker = Checker(heads: [])
        let history = History([
            Books.makeMoney,
            pay([posting("world", "a", 5)], transaction(1, log: 1)),
            pay([posting("a", "b", 2)], transaction(2, log: 2)),
        ])
        history.bytes.forEach { checker.feed($0, offset: 0) }
        let rows = checker.rows().map { (key: $0.key, row: SealTests.row($0.key, $0.value)) }
            .sorted { $0.row.key.lexicographicallyPrecedes($1.row.key) }
        var digest = StateDigest(deleted: [])
        for (key, row) in rows { digest.add(book: key.book, key: row.key, value: row.value) }
        func sealed(_ kind: StateKeyKind) -> SealedRows {
            let leaves = rows.filter { $0.key.kind == kind }.map { pair -> Digest in
                let lengths = [pair.row.key, pair.row.value].map {
                    [0, 0, 0, UInt8($0.count)] + $0
                }
                return Hashing.sha256([0] + lengths[0] + lengths[1])
            }
            var tree = CompactRange()
            leaves.forEach { tree.append($0) }
            return SealedRows(count: tree.size, root: tree.root)
        }
        return LogSeal(
            size: 4,
            stateDigest: digest.finish(scalars: StateCodec.encodeScalars(checker.scalars)),
            balances: sealed(.volume),
            heads: sealed(.book)
        )
    }()

    private static func row(_ key: StateKey, _ value: StateValue) -> StoredRow {
        StoredRow(key: StateCodec.encodeKey(key), value: StateCodec.encodeValue(value))
    }

    @Test("what a seal says is what replay gave at its size, not at its place")
    func honest() {
        let report = report(SealTests.honest)
        #expect(report.verdict("seals") == .ok)
        #expect(SealTests.honest.balances.count == 3)
        #expect(SealTests.honest.heads.count == 2)
    }

    @Test("each statement of a seal is compared", arguments: 0..<6)
    func changed(_ part: Int) {
        let seal = SealTests.honest
        let other = SealedRows(count: 9, root: seal.balances.root)
        let wrong = [
            LogSeal(
                size: 5,
                stateDigest: seal.stateDigest,
                balances: seal.balances,
                heads: seal.heads
            ),
            LogSeal(
                size: 4,
                stateDigest: .zero,
                balances: seal.balances,
                heads: seal.heads
            ),
            LogSeal(
                size: 4,
                stateDigest: seal.stateDigest,
                balances: other,
                heads: seal.heads
            ),
            LogSeal(
                size: 4,
                stateDigest: seal.stateDigest,
                balances: SealedRows(count: 3, root: .zero),
                heads: seal.heads
            ),
            LogSeal(
                size: 4,
                stateDigest: seal.stateDigest,
                balances: seal.balances,
                heads: SealedRows(count: 3, root: seal.heads.root)
            ),
            LogSeal(
                size: 4,
                stateDigest: seal.stateDigest,
                balances: seal.balances,
                heads: SealedRows(count: 2, root: .zero)
            ),
        ][part]
        let report = report(wrong, looking: [4, 5])
        #expect(report.reason("seals") == .seal)
        #expect(report.finding("seals")?.index == RecordIndex(5))
        #expect(report.exitCode == 1)
    }

    @Test("a seal that nobody looked for is unchecked, never passed")
    func unknown() {
        let report = report(SealTests.honest, looking: [])
        guard case .unchecked(let missing) = report.verdict("seals") else {
            Issue.record("the verdict is \(String(describing: report.verdict("seals")))")
            return
        }
        #expect(missing.hasPrefix("record 5 seals 4 records"))
        #expect(report.exitCode == 2)
    }

    @Test("the size of a seal is found without a replay, and of nothing else")
    func sizes() {
        let sizes = SealTests.history(SealTests.honest).bytes.map { Checker.sealedSize(of: $0) }
        #expect(sizes == [nil, nil, nil, nil, nil, 4])
        #expect(Checker.sealedSize(of: []) == nil)
        #expect(Checker.sealedSize(of: [UInt8](repeating: 0x50, count: 64)) == nil)
    }

    @Test("after a successor, books begin their chains from the new origin")
    func successor() {
        let succession = LogSuccession(
            origin: "test.example/next",
            lastSize: 9,
            lastRoot: Digest(1, 1, 1, 1),
            lastNote: nil
        )
        #expect(succession.lost(at: RecordIndex(2)) == 7)
        #expect(succession.lost(at: RecordIndex(20)) == 0)
        let history = History([
            Line(.system, .succeedLog(succession), .committed(.recorded)),
            Books.makeMoney,
        ])
        var checker = Checker(heads: [])
        history.bytes.forEach { checker.feed($0, offset: 0) }
        #expect(checker.scalars.origin == "test.example/next")
        let row = checker.rows()[.book(Books.money)]
        guard case .book(let book)? = row else {
            Issue.record("no row of the book")
            return
        }
        #expect(book.head == BookChain.genesis(origin: "test.example/next", book: Books.money))
        #expect(book.head != BookChain.genesis(origin: History.origin, book: Books.money))
    }
}
