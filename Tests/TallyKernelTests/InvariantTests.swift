// SPDX-License-Identifier: Apache-2.0
//
// A firing test for each invariant of the kernel that its package interface can reach. Invariant 2
// fires in CoverageTests.

import TallyCodec
import TallyKernel
import TallyTypes
import Testing
import TestSupport

/// What the tests below do in a process of their own.
private enum Breach {
    static func money(k: UInt64 = 3, keysMax: Int = 64) throws -> Bench {
        let bench = try Bench(k: k, keysMax: keysMax)
        try bench.send(.makeMoney)
        return bench
    }

    static func plan(_ bench: Bench, _ order: Order) throws -> Plan {
        try bench.plan(try bench.draft([[order.in(Book.money)]]))
    }

    static func apply(_ bench: Bench, _ entry: Entry, _ hashes: [KeyHash]? = nil) {
        _ = bench.node.kernel.apply(entry, at: entry.predicted, hashes: hashes)
    }

    /// The same order with one fact changed.
    static func entry(
        _ plan: Plan,
        actor: Text? = nil,
        newBook: BookID?
    ) throws -> Entry {
        guard case .groups(let groups)? = plan.entry.submissions.first else {
            throw Broken("no groups")
        }
        let full = groups[0][0]
        var entry = plan.entry
        entry.submissions = [
            .groups([
                [
                    PlannedOrder(
                        name: full.name,
                        book: full.book,
                        newBook: newBook,
                        idempotency: full.idempotency,
                        actor: actor,
                        order: full.order,
                        coverage: full.coverage
                    )
                ]
            ])
        ]
        return entry
    }

    /// A transfer between two assets.
    static func mixedAssets() throws {
        try applyBatch { transfers in
            [
                Transfer(
                    source: transfers[0].source,
                    destination: transfers[1].destination,
                    amount: 5
                )
            ]
        }
    }

    /// One transfer more than a batch may have.
    static func largeBatch() throws {
        try applyBatch { transfers in
            [Transfer](repeating: transfers[0], count: Limits.transfersPerBatchMax + 1)
        }
    }

    /// A batch whose transfers were changed after it was planned.
    private static func applyBatch(_ change: ([Transfer]) -> [Transfer]) throws {
        let bench = try money()
        let batch = BatchRequest.of(
            [TransferText("world", "a", 5), TransferText("world", "b", 5, gold)],
            in: Book.money
        )
        let plan = try bench.plan(try bench.draft([.batch(batch)]))
        guard case .batch(let full)? = plan.entry.submissions.first else { throw Broken("none") }
        var entry = plan.entry
        entry.submissions = [
            .batch(
                PlannedBatch(
                    name: full.name,
                    book: full.book,
                    idempotency: nil,
                    digest: full.digest,
                    isForced: false,
                    coverage: full.coverage,
                    transfers: change(full.transfers)
                )
            )
        ]
        apply(bench, entry)
    }

    /// A handle that outlives its row: its key is swept after two rotations.
    static func sweptHandle() throws {
        let bench = try money()
        let postings = ["x", "a", "b", "c", "d", "e", "f"].map { posting("world", $0, 1) }
        let order = Order.createTransaction(CreateTransaction(postings: postings))
        try bench.send(order.in(Book.money))
        let book = try #require(try bench.node.bookID(Book.money))
        let key = StateCodec.encodeKey(.volume(book, usd, account("x")))
        let hash = KeyHash(of: key, under: bench.node.kernel.secrets)
        guard case .hit(let handle) = bench.node.reach(hash, distance: 0) else { return }
        try bench.idle(to: 9)
        for _ in 0..<3 { try bench.send(.system(.make(Book.money))) }
        _ = bench.node.value(handle)
    }
}

@Suite("Invariants of the kernel")
struct InvariantTests {
    @Test("invariant 1 fires when a covered key was not seeded")
    func notSeeded() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let bench = try Breach.money()
            var entry = try Breach.plan(bench, .fund("x", 5)).entry
            entry.seeds = []
            Breach.apply(bench, entry)
        }
        expectInvariant(.i1, in: exit)
    }

    @Test("invariant 4 fires when an index is left out")
    func indexLeftOut() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            _ = try Breach.money().node.kernel.skip(LogIndex(4))
        }
        expectInvariant(.i4, in: exit)
    }

    @Test("invariant 5 fires when a rotation does not wait for its flush")
    func unflushedRotation() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let bench = try Breach.money()
            for index in UInt64(3)...7 { _ = bench.node.kernel.skip(LogIndex(index)) }
        }
        expectInvariant(.i5, in: exit)
    }

    @Test("invariant 5 fires when an entry is applied before a change of K took effect")
    func unfinishedChange() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let bench = try Breach.money(k: 8)
            try bench.send(.system(.setConfiguration(entriesPerGeneration: 3)))
            _ = bench.node.kernel.skip(LogIndex(4))
        }
        expectInvariant(.i5, in: exit)
    }

    @Test("invariant 6 fires when two keys have one id at apply")
    func collision() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let bench = try Breach.money()
            let plan = try Breach.plan(bench, .fund("x", 5))
            let hashes = plan.hashes.map { KeyHash(low: $0.low, high: $0.high, tag: ~$0.tag) }
            Breach.apply(bench, plan.entry, hashes)
        }
        expectInvariant(.i6, in: exit)
    }

    @Test("invariant 7 fires when an entry is admitted two generations ahead, or too late")
    func horizon() async {
        for index in [UInt64(7), 1] {
            let exit = await #expect(
                processExitsWith: .failure,
                observing: [\.standardErrorContent]
            ) { [index = index as UInt64] in
                let bench = try Breach.money()
                try bench.idle(to: index == 7 ? 2 : 4)
                _ = bench.node.admit([], at: index)
            }
            expectInvariant(.i7, in: exit)
        }
    }

    @Test("invariant 8 fires when a draft is completed with too few values")
    func fewValues() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let bench = try Breach.money()
            let draft = try bench.draft([[Order.fund("x", 5).in(Book.money)]])
            _ = bench.node.kernel.complete(
                draft,
                values: [],
                at: LogIndex(3),
                choices: bench.choices()
            )
        }
        expectInvariant(.i8, in: exit)
    }

    @Test("invariant 9 fires when the cache is asked for more keys than it holds")
    func fullCache() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let bench = try Breach.money(k: 64, keysMax: 8)
            for name in 0..<9 { try bench.send(Order.fund("a\(name)", 5).in(Book.money)) }
        }
        expectInvariant(.i9, in: exit)
    }

    @Test("invariant 10 fires when more is flushed than was applied")
    func flushedTooMuch() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            try Breach.money().node.kernel.markFlushed(LogIndex(3))
        }
        expectInvariant(.i10, in: exit)
    }

    @Test("invariant 11 fires on a seed that does not decode, and on secrets that come late")
    func badEntry() async {
        for isLate in [true, false] {
            let exit = await #expect(
                processExitsWith: .failure,
                observing: [\.standardErrorContent]
            ) { [isLate = isLate as Bool] in
                let bench = try Breach.money()
                var entry = try Breach.plan(bench, .fund("x", 5)).entry
                if isLate {
                    entry.secrets = .zero
                } else {
                    entry.seeds[0] = Seed(key: entry.seeds[0].key, value: [0])
                }
                Breach.apply(bench, entry)
            }
            expectInvariant(.i11, in: exit)
        }
    }

    @Test("invariant 11 fires on a batch that is larger than any may be")
    func largeBatch() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            try Breach.largeBatch()
        }
        expectInvariant(.i11, in: exit)
    }

    @Test("invariant 13 fires when a handle outlives its row")
    func sweptHandle() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            try Breach.sweptHandle()
        }
        expectInvariant(.i13, in: exit)
    }

    @Test("invariant 14 fires when an order names no book")
    func namesNoBook() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            _ = try Breach.money().draft([[Order.fund("x", 5).in(nil)]])
        }
        expectInvariant(.i14, in: exit)
    }

    @Test("invariant 15 fires on a transfer between two assets")
    func mixedAssets() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            try Breach.mixedAssets()
        }
        expectInvariant(.i15, in: exit)
    }

    @Test("invariant 16 fires on a record that is too large")
    func largeRecord() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let bench = try Breach.money()
            let plan = try Breach.plan(bench, .fund("x", 5))
            let actor = Text(String(repeating: "a", count: 65_500))
            Breach.apply(bench, try Breach.entry(plan, actor: actor, newBook: nil))
        }
        expectInvariant(.i16, in: exit)
    }
}
