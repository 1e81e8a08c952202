// SPDX-License-Identifier: Apache-2.0
//
// The batch machine, judged by the same transfers sent as single orders, and by the twin. Amounts
// stand near 2¹²⁸ and sums near 2²⁵⁶, so that both paths of the machine and both refusals are met.

import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes
import Testing
import TestSupport

@Suite("Batches")
struct BatchTests {
    private func money(keysMax: Int = 512) throws -> Bench {
        let bench = try Bench(keysMax: keysMax)
        try bench.send(.makeMoney)
        try bench.send(.system(.make(Book.events, .journal)))
        return bench
    }

    private static func amount(_ random: inout SeededRandom) -> UInt128 {
        switch random.below(10) {
        case 0: .max
        case 1: UInt128.max - UInt128(random.below(10))
        case 2: 1 << 127
        case 3: UInt128(UInt64.max) + UInt128(random.below(3))
        case 4: 0
        default: UInt128(random.below(200))
        }
    }

    private static func transfers(_ random: inout SeededRandom) -> [TransferText] {
        let accounts = ["world", "a", "b", "c:d", "e-f"]
        return (0...random.below(30)).map { _ in
            TransferText(
                accounts[random.below(5)],
                accounts[random.below(5)],
                amount(&random),
                random.chance(2, in: 3) ? usd : gold
            )
        }
    }

    /// Brings volumes close to where sums overflow, on either side.
    private func inflate(_ bench: Bench, _ random: inout SeededRandom) throws {
        let near = random.chance(1, in: 2) ? Amount.max : Amount(high: .max, low: 7)
        try bench.send(
            Order.pay(posting("world", "a", near, gold), isForced: true).in(Book.money)
        )
        try bench.send(
            Order.pay(posting("b", "c:d", Amount(.max)), isForced: true).in(Book.money)
        )
    }

    @Test("gives what single orders give", arguments: UInt64(1)...40)
    func equalsSingleOrders(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let batched = try money()
        let single = try money()
        if seed % 3 == 0 {
            var again = random
            try inflate(batched, &random)
            try inflate(single, &again)
        }
        for _ in 0..<6 {
            let transfers = BatchTests.transfers(&random)
            let isForced = random.chance(1, in: 4)
            let batch = BatchRequest.of(transfers, in: Book.money, isForced: isForced)
            guard case .batch(_, let outcomes, false) = try batched.send(batch) else {
                throw Broken("no batch")
            }
            let requests = transfers.map {
                [
                    Order.pay(
                        posting($0.source, $0.destination, $0.amount, $0.asset),
                        isForced: isForced
                    ).in(Book.money)
                ]
            }
            let answers = try single.send(requests).flatMap { $0 }
            #expect(outcomes.map(\.refusal) == answers.map(BatchTests.refusal))
        }
        try batched.checkState()
        try single.checkState()
        let accounts = single.twin.rows.filter { $0.key.kind == .volume }
        #expect(accounts == batched.twin.rows.filter { $0.key.kind == .volume })
        try batched.restart()
    }

    private static func refusal(_ answer: AppliedAnswer) -> UInt8 {
        guard case .record(let record) = answer, case .refused(let refusal) = record.outcome else {
            return 0
        }
        return UInt8(refusal.number)
    }

    @Test("a batch and groups that cover the same keys, in either order, in one entry")
    func sharedKeys() throws {
        for batchFirst in [true, false] {
            let bench = try money()
            let batch = Submission.batch(
                .of([TransferText("world", "a", 5), TransferText("a", "b", 2)], in: Book.money)
            )
            let groups = Submission.groups([[Order.pay(posting("a", "b", 1)).in(Book.money)]])
            let results = try bench.submit(batchFirst ? [batch, groups] : [groups, batch])
            #expect(results.count == 2)
            try bench.checkState()
            try bench.send(Order.revert(1, isForced: true).in(Book.money))
            try bench.checkState()
        }
    }

    @Test("two batches and a group in one entry, random", arguments: UInt64(100)..<120)
    func mixed(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let bench = try money()
        for _ in 0..<5 {
            let submissions = (0..<3).map { _ -> Submission in
                if random.chance(2, in: 3) {
                    return .batch(
                        .of(
                            BatchTests.transfers(&random),
                            in: Book.money,
                            key: random.chance(1, in: 3) ? "k" : nil
                        )
                    )
                }
                return .groups(
                    BatchTests.transfers(&random).prefix(3).map {
                        [
                            Order.pay(
                                posting($0.source, $0.destination, $0.amount, $0.asset)
                            ).in(Book.money)
                        ]
                    }
                )
            }
            try bench.submit(submissions)
        }
        try bench.checkState()
    }

    @Test("a key is claimed by the first transfer that commits, for the whole batch")
    func idempotency() throws {
        let bench = try money()
        let poor = BatchRequest.of([TransferText("a", "b", 1)], in: Book.money, key: "k")
        _ = try bench.send(poor)
        #expect(
            try bench.send(poor)
                == .batch(
                    first: RecordIndex(4),
                    outcomes: [TransferOutcome(refusal: 6)],
                    isReplay: false
                ),
            "a batch without a committed transfer claims nothing"
        )
        let batch = BatchRequest.of(
            [
                TransferText("a", "b", 1), TransferText("world", "a", 4),
                TransferText("a", "b", 1),
            ],
            in: Book.money,
            key: "k"
        )
        guard case .batch(let first, let outcomes, false) = try bench.send(batch) else {
            throw Broken("a replay")
        }
        #expect(outcomes.map(\.refusal) == [6, 0, 0])
        let records = bench.twin.records.suffix(3)
        #expect(records.map { $0.idempotency == nil } == [true, false, true])
        #expect(records.map { $0.batch == nil } == [true, false, true])
        #expect(try bench.send(batch) == .batch(first: first, outcomes: [], isReplay: true))
        let other = BatchRequest.of([TransferText("world", "a", 5)], in: Book.money, key: "k")
        guard case .batch(_, let refused, false) = try bench.send(other) else {
            throw Broken("a replay")
        }
        #expect(refused.map(\.refusal) == [5])
        #expect(
            try bench.outcomes(Order.fund("a", 4).in(Book.money, key: "k"))
                == [.refused(.idempotencyConflict)]
        )
        try bench.checkState()
    }

    @Test(
        "the claim counts the refused transfers before it, and the row follows from it",
        arguments: [0, 1, 23, 24, 255, 256, Limits.transfersPerBatchMax - 1]
    )
    func claim(position: Int) throws {
        let bench = try money()
        let poor = TransferText("a", "b", 1)
        let rest = min(position, Limits.transfersPerBatchMax - 1 - position, 2)
        let transfers =
            [TransferText](repeating: poor, count: position) + [TransferText("world", "a", 1)]
            + [TransferText](repeating: poor, count: rest)
        let batch = BatchRequest.of(transfers, in: Book.money, key: "k")
        guard case .batch(let first, let outcomes, false) = try bench.send(batch) else {
            throw Broken("a replay")
        }
        #expect(outcomes.firstIndex { $0.refusal == 0 } == position)
        let index = Int(first.rawValue) + position
        let record = try RecordCodec.decode(bench.node.records[index])
        let claim = try #require(record.batch)
        #expect(claim.position == UInt64(position))
        #expect(claim.count == UInt64(transfers.count))
        #expect(claim.digest == Hashing.sha256(batch.batch.bytes))
        let hash = try #require(record.idempotency)
        let row = IdempotencyRow(
            digest: claim.digest,
            record: RecordIndex(record.index.rawValue - claim.position),
            count: claim.count
        )
        #expect(bench.twin.rows[.idempotency(record.book, hash)] == .idempotency(row))
        for other in bench.node.records.indices where other != index {
            #expect(try RecordCodec.decode(bench.node.records[other]).batch == nil)
        }
        try bench.checkState()
    }

    @Test("the same batch twice in one entry: the second is a replay")
    func twiceInOneEntry() throws {
        let bench = try money()
        let batch = BatchRequest.of(
            [TransferText("world", "a", 4), TransferText("a", "b", 1)],
            in: Book.money,
            key: "k"
        )
        let results = try bench.submit([.batch(batch), .batch(batch)])
        guard case .batch(let first, _, false) = results[0] else { throw Broken("no batch") }
        #expect(results[1] == .batch(first: first, outcomes: [], isReplay: true))
        try bench.checkState()
    }

    @Test("an unknown, a deleted and another kind of book refuse every transfer")
    func books() throws {
        let bench = try money()
        func refusals(_ name: BookName, key: Text? = nil) throws -> [UInt8] {
            let batch = BatchRequest.of(
                [TransferText("world", "a", 4), TransferText("a", "a", 1)],
                in: name,
                key: key
            )
            guard case .batch(_, let outcomes, false) = try bench.send(batch) else {
                throw Broken("no batch")
            }
            return outcomes.map(\.refusal)
        }
        #expect(try refusals(Book.absent) == [1, 1])
        #expect(try refusals(Book.events) == [4, 4])
        #expect(try refusals(Book.money, key: "k") == [0, 0])
        try bench.send(Order.deleteBook.in(Book.money))
        #expect(try refusals(Book.money, key: "k") == [2, 2], "no replay in a deleted book")
        try bench.checkState()
    }

    @Test("a name that changed makes the batch stale")
    func staleName() throws {
        let bench = try money()
        let batch = BatchRequest.of([TransferText("world", "a", 4)], in: Book.other)
        let made = try bench.draft([[.system(.make(Book.other))]])
        try bench.propose(try bench.plan(made))
        try bench.propose(try bench.plan(try bench.draft([.batch(batch)])))
        #expect(try bench.applyAll()?.submissions == [.staleBatch])
        _ = try bench.send(batch)
        try bench.checkState()
    }

    @Test("a full batch fits an entry, with names of 19 bytes")
    func full() throws {
        let bench = try money(keysMax: 40_000)
        let names = (0..<8_000).map { "account:\(String($0 + 10_000_000_000))" }
        let transfers = (0..<8_189).map { position in
            TransferText("world", names[position % names.count], UInt128(position))
        }
        let plan = try bench.plan(
            try bench.draft([.batch(.of(transfers, in: Book.money, key: "k"))])
        )
        let bytes = EntryCodec.encode(plan.entry)
        #expect(bytes.count <= Limits.entryBytesMax)
        #expect(bytes.count > 8_189 * 20)
        let applied = bench.node.kernel.apply(plan.entry, at: plan.entry.predicted)
        #expect(applied.recordCount == 8_189)
        #expect(applied.positions.count == 8_189)
    }
}
