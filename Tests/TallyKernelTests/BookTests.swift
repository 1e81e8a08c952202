// SPDX-License-Identifier: Apache-2.0
//
// Orders about books, groups, idempotency, deleted books, journals and dry runs through the public
// path. Every entry is judged by the twin too.

import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes
import Testing

@Suite("Books")
struct BookTests {
    @Test("entry 1 creates the ledger; another creation is refused")
    func ledger() throws {
        let bench = try Bench(k: 16)
        let first = try #require(bench.twin.records.first)
        #expect(first.index == .zero)
        #expect(first.book == .system)
        #expect(first.previous == BookChain.genesis(origin: Bench.origin, book: .system))
        let entry = try EntryCodec.decode(try #require(bench.frames[0]))
        #expect(entry.secrets == LedgerNode.secrets.words)
        let again = Order.createLedger(CreateLedger(origin: "other", entriesPerGeneration: 9))
        #expect(try bench.outcomes(.system(again)) == [.refused(.ledgerExists)])
        let scalars = bench.node.scalars
        #expect(scalars.origin == Bench.origin)
        #expect(scalars.entriesPerGeneration == 16)
    }

    @Test("a name is taken for ever")
    func names() throws {
        let bench = try Bench()
        guard case .committed(.bookCreated(let id)) = try bench.outcomes(.makeMoney)[0] else {
            throw Broken("refused")
        }
        #expect(try bench.node.bookID(Book.money) == id)
        #expect(try bench.outcomes(.makeMoney) == [.refused(.bookExists(name: "A"))])
        try bench.send(Order.deleteBook.in(Book.money))
        #expect(try bench.outcomes(.makeMoney) == [.refused(.bookExists(name: "A"))])
        #expect(
            try bench.outcomes(Order.fund("x", 1).in(Book.absent))
                == [.refused(.bookNotFound(name: "Z"))]
        )
        try bench.checkState()
    }

    @Test("the record chain of each book is its own")
    func chains() throws {
        let bench = try Bench()
        try bench.send([
            [.makeMoney], [.system(.make(Book.other))],
            [Order.fund("x", 1).in(Book.money)], [Order.fund("x", 1).in(Book.other)],
            [Order.fund("x", 1).in(Book.money)],
        ])
        var heads: [BookID: (UInt64, Digest)] = [:]
        var tree = CompactRange()
        for bytes in bench.node.records {
            let record = try RecordCodec.decode(bytes)
            let genesis = BookChain.genesis(origin: Bench.origin, book: record.book)
            let (sequence, head) = heads[record.book, default: (0, genesis)]
            #expect(record.sequence == BookSequence(sequence))
            #expect(record.previous == head)
            let leaf = Hashing.leaf(bytes)
            heads[record.book] = (sequence + 1, leaf)
            tree.append(leaf)
        }
        #expect(heads.count == 3)
        #expect(tree.root == bench.node.root)
    }

    @Test("metadata of books: at birth, laid over, removed, also when absent")
    func metadata() throws {
        let bench = try Bench()
        let creation = CreateBook(
            name: Book.money,
            kind: .accounts,
            metadata: map(("a", "1"), ("b", "2"))
        )
        try bench.send(.system(.createBook(creation)))
        try bench.send(Order.setBookMetadata(map(("b", "3"))).in(Book.money))
        try bench.send(Order.deleteBookMetadata(key: "a").in(Book.money))
        try bench.send(Order.deleteBookMetadata(key: "a").in(Book.money))
        try bench.checkState()
    }

    @Test("orders of another kind of book are refused; orders about books are not")
    func kinds() throws {
        let bench = try Bench()
        try bench.send([[.makeMoney], [.system(.make(Book.events, .journal))]])
        #expect(
            try bench.outcomes(Order.fund("x", 1).in(Book.events))
                == [.refused(.bookKind(expected: .accounts, found: .journal))]
        )
        #expect(
            try bench.outcomes(Order.event("f", .insert).in(Book.money))
                == [.refused(.bookKind(expected: .journal, found: .accounts))]
        )
        #expect(
            try bench.outcomes(Order.setBookMetadata(map(("a", "1"))).in(Book.events))
                == [.committed(.recorded)]
        )
    }

    @Test("a change of K begins an epoch, and takes effect when everything is flushed")
    func configuration() throws {
        let bench = try Bench(k: 8)
        try bench.send(.makeMoney)
        try bench.send(.system(.setConfiguration(entriesPerGeneration: 3)))
        #expect(bench.node.scalars.epoch == Epoch(1))
        #expect(bench.node.isReconfiguring)
        try bench.send(Order.fund("x", 1).in(Book.money))
        #expect(!bench.node.isReconfiguring)
        #expect(bench.node.generation == Generation(1))
        try bench.restart()
        try bench.send(.system(.setConfiguration(entriesPerGeneration: 64)))
        try bench.node.finishFlush(bench.node.applied)
        #expect(bench.node.generation == Generation(0))
        try bench.send(Order.fund("x", 1).in(Book.money))
        try bench.checkState()
        try bench.restart()
    }

    @Test("a deleted book refuses every order, before its keys are looked at")
    func deleted() throws {
        let bench = try Bench(k: 3)
        try bench.send(.makeMoney)
        let fund = Order.fund("x", 1).in(Book.money, key: "k")
        try bench.send(fund)
        try bench.send(Order.deleteBook.in(Book.money))
        for _ in 0..<8 {
            #expect(try bench.outcomes(fund) == [.refused(.bookDeleted)])
        }
        #expect(
            try bench.outcomes(Order.deleteBook.in(Book.money)) == [.refused(.bookDeleted)]
        )
        try bench.checkState()
    }

    @Test("time rises strictly, whatever the clock says")
    func time() throws {
        let bench = try Bench()
        bench.time = 50
        try bench.send(.makeMoney)
        bench.time = 5
        try bench.send([[Order.fund("x", 1).in(Book.money)], [Order.fund("x", 1).in(Book.money)]])
        let times = bench.twin.records.map(\.time.microseconds)
        #expect(times == times.sorted())
        #expect(Set(times).count == times.count)
    }
}

@Suite("Groups")
struct GroupTests {
    private func money() throws -> Bench {
        let bench = try Bench()
        try bench.send(.makeMoney)
        return bench
    }

    @Test("a group may make what it uses, and is refused as a whole")
    func whole() throws {
        let bench = try Bench()
        #expect(
            try bench.outcomes(
                .makeMoney,
                Order.fund("x", 5).in(Book.money),
                Order.pay(posting("x", "y", 9)).in(Book.money),
                Order.fund("x", 5).in(Book.money)
            )
                == [
                    .refused(.groupRolledBack(by: 2)), .refused(.groupRolledBack(by: 2)),
                    poor("x", needs: 9, has: 5), .refused(.groupRolledBack(by: 2)),
                ]
        )
        #expect(bench.twin.records.suffix(4).allSatisfy { $0.book == .system })
        #expect(try bench.node.bookID(Book.money) == nil)
        #expect(
            try bench.outcomes(
                .makeMoney,
                Order.fund("x", 5).in(Book.money),
                Order.revert(1).in(Book.money)
            )[1]
                == made(1, log: 1)
        )
        let places = bench.twin.records.suffix(3).map(\.group)
        #expect(places == (0..<3).map { GroupPosition(position: $0, count: 3) })
        try bench.checkState()
    }

    @Test("what is made and removed in one group leaves nothing to flush")
    func tombstone() throws {
        let bench = try money()
        try bench.node.finishFlush(bench.node.applied)
        try bench.send([
            [
                Order.setAccountMetadata(account("x"), map(("p", "1"))).in(Book.money),
                Order.deleteAccountMetadata(account("x"), key: "p").in(Book.money),
            ]
        ])
        #expect(bench.node.kernelDirtyCount == 1, "the book's row only")
        try bench.checkState()
    }

    @Test("a replay points to the record that claimed the key, also within a group")
    func replays() throws {
        let bench = try money()
        let fund = Order.fund("x", 5).in(Book.money, key: "k")
        let both = try bench.send([[fund, fund]])[0]
        guard case .record(let record) = both[0] else { throw Broken("a replay") }
        #expect(both[1] == .replay(of: record.index))
        #expect(try bench.send(fund) == .replay(of: record.index))
        #expect(
            try bench.outcomes(Order.fund("x", 6).in(Book.money, key: "k"))
                == [.refused(.idempotencyConflict)]
        )
        try bench.checkState()
    }

    @Test("a key for a whole group: the same is a replay, another number of orders a conflict")
    func jointKeys() throws {
        let bench = try money()
        func group(_ count: Int, joint: Bool = true) -> [Request] {
            (0..<count).map {
                Order.fund("x", UInt128($0 + 1)).in(Book.money, key: Text("k\($0)"), joint: joint)
            }
        }
        let replays = try bench.send([group(2)])[0].map { answer -> AppliedAnswer in
            guard case .record(let record) = answer else { throw Broken("a replay") }
            return .replay(of: record.index)
        }
        #expect(try bench.send([group(2)])[0] == replays)
        let conflict = Outcome.refused(.idempotencyConflict)
        let undone = Outcome.refused(.groupRolledBack(by: 0))
        func outcomes(_ group: [Request]) throws -> [Outcome] {
            try bench.send([group])[0].map {
                guard case .record(let record) = $0 else { throw Broken("a replay") }
                return record.outcome
            }
        }
        #expect(try outcomes(group(3)) == [conflict, undone, undone])
        #expect(try outcomes(group(1)) == [conflict])
        #expect(try outcomes(group(2, joint: false)) == [conflict, undone])
        #expect(try outcomes([group(2)[1], group(2)[0]]) == [conflict, undone])
        try bench.checkState()
    }

    @Test("a replay into a rolled-back group is rolled back; one from before stays")
    func replaysRolledBack() throws {
        let bench = try money()
        let known = Order.fund("x", 5).in(Book.money, key: "old")
        guard case .record(let record) = try bench.send(known) else { throw Broken("a replay") }
        let fund = Order.fund("x", 5).in(Book.money, key: "k")
        let answers = try bench.send([
            [known, fund, fund, Order.fund("x", 1).in(Book.absent)]
        ])[0]
        #expect(answers[0] == .replay(of: record.index))
        for position in 1...2 {
            guard case .record(let made) = answers[position] else { throw Broken("a replay") }
            #expect(made.outcome == .refused(.groupRolledBack(by: 3)))
            #expect(made.idempotency == nil)
        }
        guard case .record = try bench.send(fund) else { throw Broken("claimed by a refusal") }
        try bench.checkState()
    }

    @Test("a refused order claims no key")
    func refused() throws {
        let bench = try money()
        let order = Order.pay(posting("x", "y", 5)).in(Book.money, key: "k")
        #expect(try bench.outcomes(order) == [poor("x", needs: 5, has: 0)])
        try bench.send(Order.fund("x", 5).in(Book.money))
        #expect(try bench.outcomes(order) == [made(2, log: 2)])
    }

    @Test("a name that changed makes the group and the rest of its submission stale")
    func staleName() throws {
        let bench = try money()
        try bench.propose(try bench.plan(try bench.draft([[.system(.make(Book.absent))]])))
        let draft = try bench.draft([
            [Order.fund("x", 1).in(Book.money)],
            [Order.fund("x", 1).in(Book.absent), .system(.make(Book.other))],
            [Order.fund("x", 1).in(Book.money)],
        ])
        try bench.propose(try bench.plan(draft))
        guard case .groups(let answers, let stale)? = try bench.applyAll()?.submissions?.first
        else { throw Broken("stale") }
        #expect(answers.count == 1)
        #expect(stale == 1)
        try bench.checkState()
    }

    @Test("a group that relies on a refused one of its submission is stale")
    func relyingGroup() throws {
        let bench = try money()
        let results = try bench.submit([
            .groups([
                [.system(.make(Book.other)), Order.pay(posting("x", "y", 1)).in(Book.money)],
                [Order.fund("x", 1).in(Book.other)],
            ])
        ])
        guard case .groups(let answers, let stale) = results[0] else { throw Broken("a batch") }
        #expect(answers.count == 1)
        #expect(stale == 1)
    }

    @Test("a dry run gives outcomes and volumes, and changes nothing")
    func dryRun() throws {
        let bench = try money()
        try bench.send(Order.fund("x", 5).in(Book.money))
        let before = try bench.node.view(of: bench.universe.hashes)
        let group = [
            Order.pay(posting("x", "y", 2)).in(Book.money),
            Order.fund("z", 1).in(Book.money, key: "k"),
        ]
        let plan = try bench.plan(try bench.draft([group]))
        let run = try #require(bench.node.dryRun(plan))
        let outcomes = run.answers.map { answer in
            if case .record(let record) = answer { record.outcome } else { Outcome?.none }
        }
        #expect(outcomes == [made(2, log: 2), made(3, log: 3)])
        let x = try #require(run.volumes.first { $0.account == account("x") })
        #expect(x.before.balance.magnitude == Amount(5))
        #expect(x.after.balance.magnitude == Amount(3))
        #expect(try bench.node.view(of: bench.universe.hashes) == before)
        let poorer = try bench.plan(
            try bench.draft([[Order.pay(posting("x", "y", 9)).in(Book.money)]])
        )
        let refused = try #require(bench.node.dryRun(poorer))
        #expect(refused.volumes.allSatisfy { $0.before == $0.after })
        try bench.checkState()
    }

    @Test("a dry run sees what was applied after its seeds were read, and says so when it cannot")
    func lateDryRun() throws {
        let bench = try money()
        let funded = try bench.draft([[Order.pay(posting("x", "y", 2)).in(Book.money)]])
        let unknown = try bench.draft([[Order.fund("x", 1).in(Book.other)]])
        try bench.send([[Order.fund("x", 5).in(Book.money)], [.system(.make(Book.other))]])
        let run = try #require(bench.node.dryRun(try bench.plan(funded)))
        guard case .record(let record) = run.answers[0] else { throw Broken("a replay") }
        #expect(record.isCommitted)
        #expect(bench.node.dryRun(try bench.plan(unknown)) == nil)
    }

    @Test("what could not be recorded, or planned, is refused at admission")
    func tooLarge() throws {
        let bench = try money()
        func refusal(_ requests: [Request]) -> Text? {
            do {
                _ = try bench.draft([requests])
            } catch let Busy.tooLarge(limit, _, _) {
                return limit
            } catch {
                return nil
            }
            return nil
        }
        func text(_ count: Int) -> Text { Text(String(repeating: "r", count: count)) }
        let key = Order.deleteTransactionMetadata(TransactionID(1), key: text(520_000))
        #expect(refusal([key.in(Book.money)]) == "order")
        let reference = Order.pay(posting("world", "x", 1), reference: text(60_001))
        #expect(refusal([reference.in(Book.money)]) == "key")
        try bench.send(.system(.make(Book.events, .journal)))
        let event = Order.event("f", .insert, new: "1", entity: text(60_000))
        #expect(refusal([event.in(Book.events)]) == "key")
        let longKey = Order.setAccountMetadata(account("x"), map((text(70_000), "v")))
        #expect(refusal([longKey.in(Book.money)]) == "key")
        let longValue = Order.setAccountMetadata(account("x"), map(("k", text(262_145))))
        #expect(refusal([longValue.in(Book.money)]) == "value")
        let beside = Order.createTransaction(
            CreateTransaction(
                postings: [posting("world", "x", 1)],
                accountMetadata: [
                    AccountMetadata(account: account("x"), metadata: map(("k", text(262_145))))
                ]
            )
        )
        #expect(refusal([beside.in(Book.money)]) == "value")
        let book = CreateBook(name: Book.other, kind: .accounts, bucket: text(262_145))
        #expect(refusal([Request(book: nil, order: .createBook(book))]) == "value")
        #expect(refusal([Order.fund("x", 1).in(Book.money, by: text(1_025))]) == "actor")
        let many = (0...Limits.ordersPerEntryMax).map { _ in Order.fund("x", 1).in(Book.money) }
        #expect(refusal(many) == "orders per entry")
        let largest = Order.pay(posting("world", "x", 1), reference: text(60_000))
        _ = try bench.outcomes(largest.in(Book.money, by: text(1_024)))
        #expect(
            try bench.outcomes(largest.in(Book.money, by: text(1_024)))
                == [.refused(.referenceConflict(reference: text(60_000)))]
        )
        let longest = Order.deleteTransactionMetadata(TransactionID(1), key: text(519_900))
        #expect(
            try bench.outcomes(longest.in(Book.money, by: text(1_024)))
                == [.refused(.metadataNotFound(key: text(519_900)))]
        )
        #expect(bench.lastApplied?.blobs.map(\.bytes.count) == [519_909, 519_910])
    }
}
