// SPDX-License-Identifier: Apache-2.0
//
// Orders of accounts books through the public path: transactions, reverts, metadata
// (specs/accounts.md §5.4 and §5.5). Every entry is judged by the twin too.

import TallyCodec
import TallyKernel
import TallyTypes
import Testing

@Suite("Accounts books")
struct AccountsTests {
    private func money() throws -> Bench {
        let bench = try Bench()
        try bench.send(.makeMoney)
        return bench
    }

    @Test("postings are executed in order, and earlier ones fund later ones")
    func postings() throws {
        let bench = try money()
        let chained = Order.pay(posting("world", "x", 7), posting("x", "y", 7))
        #expect(try bench.outcomes(chained.in(Book.money)) == [made(1, log: 1)])
        let backwards = Order.pay(posting("x", "y", 7), posting("world", "x", 7))
        #expect(try bench.outcomes(backwards.in(Book.money)) == [poor("x", needs: 7, has: 0)])
        #expect(
            try bench.outcomes(Order.pay(posting("y", "x", 8)).in(Book.money))
                == [poor("y", needs: 8, has: 7)]
        )
        #expect(
            try bench.outcomes(Order.pay(posting("y", "x", 8), isForced: true).in(Book.money))
                == [made(2, log: 2)]
        )
        #expect(
            try bench.outcomes(Order.pay(posting("y", "x", 1)).in(Book.money))
                == [poor("y", needs: 1, has: 0)]
        )
        #expect(
            try bench.outcomes(Order.pay(posting("y", "x", 0)).in(Book.money))
                == [made(3, log: 3)]
        )
        try bench.checkState()
    }

    @Test("a self-posting counts on each side, and needs the funds")
    func selfPosting() throws {
        let bench = try money()
        let own = Order.pay(posting("x", "x", 5))
        #expect(try bench.outcomes(own.in(Book.money)) == [poor("x", needs: 5, has: 0)])
        try bench.send(Order.fund("x", 5).in(Book.money))
        #expect(try bench.outcomes(own.in(Book.money)) == [made(2, log: 2)])
        try bench.checkState()
    }

    @Test("a sum above 256 bits is refused, on either side, and changes nothing")
    func overflow() throws {
        let bench = try money()
        let all = Order.pay(posting("world", "x", Amount.max))
        #expect(try bench.outcomes(all.in(Book.money)) == [made(1, log: 1)])
        #expect(
            try bench.outcomes(Order.fund("y", 1).in(Book.money))
                == [.refused(.amountOverflow(account: .world, asset: usd))]
        )
        #expect(
            try bench.outcomes(Order.pay(posting("z", "x", 1), isForced: true).in(Book.money))
                == [.refused(.amountOverflow(account: account("x"), asset: usd))]
        )
        let wide = Order.pay(posting("x", "y", Amount(high: 1, low: 0)))
        #expect(try bench.outcomes(wide.in(Book.money)) == [made(2, log: 2)])
        try bench.checkState()
        try bench.restart()
    }

    @Test("a reference is taken once, by a committed transaction")
    func references() throws {
        let bench = try money()
        let poorer = Order.pay(posting("x", "y", 1), reference: "r")
        #expect(try bench.outcomes(poorer.in(Book.money)) == [poor("x", needs: 1, has: 0)])
        let order = Order.pay(posting("world", "x", 1), reference: "r")
        #expect(try bench.outcomes(order.in(Book.money)) == [made(1, log: 1)])
        #expect(
            try bench.outcomes(order.in(Book.money))
                == [.refused(.referenceConflict(reference: "r"))]
        )
        try bench.send(.system(.make(Book.other)))
        #expect(try bench.outcomes(order.in(Book.other)) == [made(1, log: 1)])
    }

    @Test("metadata of accounts: with a transaction, merged, removed, also when absent")
    func accountMetadata() throws {
        let bench = try money()
        let extra = AccountMetadata(account: account("x"), metadata: map(("a", "1"), ("b", "2")))
        try bench.send(Order.pay(posting("world", "x", 1), accounts: [extra]).in(Book.money))
        #expect(
            try bench.outcomes(
                Order.setAccountMetadata(account("x"), map(("b", "3"))).in(Book.money)
            )
                == [logged(2)]
        )
        let delete = Order.deleteAccountMetadata(account("x"), key: "a")
        #expect(try bench.outcomes(delete.in(Book.money)) == [logged(3)])
        #expect(try bench.outcomes(delete.in(Book.money)) == [logged(4)])
        try bench.checkState()
    }

    @Test("metadata of transactions: over that at birth; an absent key or transaction is refused")
    func transactionMetadata() throws {
        let bench = try money()
        let born = Order.pay(posting("world", "x", 1), metadata: map(("a", "1")))
        try bench.send(born.in(Book.money))
        let one = TransactionID(1)
        #expect(
            try bench.outcomes(
                Order.deleteTransactionMetadata(one, key: "b").in(Book.money)
            )
                == [.refused(.metadataNotFound(key: "b"))]
        )
        #expect(
            try bench.outcomes(
                Order.setTransactionMetadata(one, map(("b", "2"))).in(Book.money),
                Order.deleteTransactionMetadata(one, key: "a").in(Book.money)
            )
                == [logged(2), logged(3)]
        )
        for missing in [TransactionID(0), TransactionID(2)] {
            #expect(
                try bench.outcomes(
                    Order.setTransactionMetadata(missing, map(("b", "2"))).in(Book.money)
                )
                    == [.refused(.transactionNotFound(missing))]
            )
        }
        try bench.checkState()
    }

    @Test("metadata of a transaction may not outgrow its row")
    func largeMetadata() throws {
        let bench = try money()
        try bench.send(Order.fund("x", 1).in(Book.money))
        let half = Text(String(repeating: "v", count: 132_000))
        let order = Order.setTransactionMetadata(TransactionID(1), map(("a", half)))
        #expect(try bench.outcomes(order.in(Book.money)) == [logged(2)])
        let second = Order.setTransactionMetadata(TransactionID(1), map(("b", half)))
        guard
            case .refused(.entityTooLarge(let bytes)) = try bench.outcomes(second.in(Book.money))[0]
        else { throw Broken("not refused") }
        #expect(bytes > 262_144)
    }
}

@Suite("Reverts")
struct RevertTests {
    private func money(_ orders: Order...) throws -> Bench {
        let bench = try Bench()
        try bench.send(.makeMoney)
        for order in orders { try bench.send(order.in(Book.money)) }
        return bench
    }

    @Test("a revert undoes the postings, reversed and in reverse order, once")
    func once() throws {
        let bench = try money(.pay(posting("world", "x", 7), posting("x", "y", 3)))
        let undone = [posting("y", "x", 3), posting("x", "world", 7)]
        #expect(try bench.outcomes(Order.revert(1).in(Book.money)) == [made(2, log: 2, undone)])
        #expect(
            try bench.outcomes(Order.revert(1).in(Book.money))
                == [.refused(.alreadyReverted(TransactionID(1)))]
        )
        #expect(
            try bench.outcomes(Order.revert(9).in(Book.money))
                == [.refused(.transactionNotFound(TransactionID(9)))]
        )
        let again = [posting("world", "x", 7), posting("x", "y", 3)]
        #expect(try bench.outcomes(Order.revert(2).in(Book.money)) == [made(3, log: 3, again)])
        try bench.checkState()
    }

    @Test("without force every source must end at zero or above; pass-through accounts may")
    func funds() throws {
        let bench = try money(
            .fund("a", 10),
            .pay(posting("a", "b", 10)),
            .pay(posting("b", "c", 10))
        )
        #expect(
            try bench.outcomes(Order.revert(2).in(Book.money)) == [poor("b", needs: 10, has: 0)]
        )
        #expect(
            try bench.outcomes(
                Order.revert(3).in(Book.money),
                Order.revert(2).in(Book.money)
            )
                == [
                    made(4, log: 4, [posting("c", "b", 10)]),
                    made(5, log: 5, [posting("b", "a", 10)]),
                ]
        )
        try bench.send(Order.pay(posting("world", "p", 10), posting("p", "q", 10)).in(Book.money))
        guard case .committed = try bench.outcomes(Order.revert(6).in(Book.money))[0] else {
            throw Broken("the pass-through account p stopped the revert")
        }
        try bench.checkState()
    }

    @Test("funds of a revert are judged by exact sums: a total above 256 bits is no overflow")
    func wideFunds() throws {
        let bench = try money(
            .fund("a", 10),
            .pay(posting("world", "a", try allBut(10))),
            .pay(posting("a", "b", Amount.max))
        )
        #expect(
            try bench.outcomes(Order.revert(1).in(Book.money)) == [poor("a", needs: 10, has: 0)]
        )
        #expect(
            try bench.outcomes(Order.revert(1, isForced: true).in(Book.money))
                == [.refused(.amountOverflow(account: account("a"), asset: usd))]
        )
        try bench.checkState()
        try bench.expectChecked()
    }

    @Test("funds are judged for all postings of a revert, and only then does a sum overflow")
    func fundsBeforeOverflow() throws {
        let rest = try allBut(20)
        let bench = try money(
            .pay(posting("world", "a", 10), posting("world", "c", 10)),
            .pay(posting("world", "x", rest), posting("x", "world", rest)),
            .pay(posting("y", "world", 20), isForced: true),
            .pay(posting("a", "b", 10))
        )
        let revert = Order.revert(1).in(Book.money)
        #expect(try bench.outcomes(revert) == [poor("a", needs: 10, has: 0)])
        try bench.send(Order.pay(posting("b", "a", 10)).in(Book.money))
        #expect(
            try bench.outcomes(revert) == [.refused(.amountOverflow(account: .world, asset: usd))]
        )
        try bench.checkState()
        try bench.expectChecked()
    }

    private func allBut(_ little: UInt128) throws -> Amount {
        try #require(Amount.max.subtracting(Amount(little)))
    }

    @Test("with force a source may go below zero")
    func forced() throws {
        let bench = try money(.fund("a", 10), .pay(posting("a", "b", 10)))
        #expect(
            try bench.outcomes(Order.revert(1, isForced: true).in(Book.money))
                == [made(3, log: 3, [posting("a", "world", 10)])]
        )
        try bench.checkState()
    }

    @Test("a dated revert takes the business time of the original, given or not")
    func dated() throws {
        let time = BusinessTime(microseconds: -5)
        let bench = try money(.pay(posting("world", "x", 1), at: time), .fund("x", 1))
        let undone = [posting("x", "world", 1)]
        #expect(
            try bench.outcomes(Order.revert(1, isDated: true).in(Book.money))
                == [made(3, log: 3, undone, at: time)]
        )
        let second = bench.twin.records[bench.twin.records.count - 2]
        #expect(
            try bench.outcomes(Order.revert(2, isDated: true).in(Book.money))
                == [made(4, log: 4, undone, at: BusinessTime(second.time))]
        )
        try bench.send(
            Order.setTransactionMetadata(TransactionID(3), map(("k", "v"))).in(Book.money)
        )
        try bench.checkState()
        let reverts = TransactionBody.revertsKey
        let book = try #require(try bench.node.bookID(Book.money))
        guard
            case .transactionState(let state)? = bench.twin.rows[
                .transactionState(book, TransactionID(3))
            ]
        else { throw Broken("no state") }
        #expect(state.metadata?[reverts] == "1")
    }

    @Test("create and revert in one group; several in one submission")
    func sameEntry() throws {
        let bench = try money()
        #expect(
            try bench.outcomes(
                Order.fund("x", 5).in(Book.money),
                Order.revert(1).in(Book.money),
                Order.revert(2).in(Book.money)
            )
                == [
                    made(1, log: 1), made(2, log: 2, [posting("x", "world", 5)]),
                    made(3, log: 3, [posting("world", "x", 5)]),
                ]
        )
        let answers = try bench.send([
            [Order.fund("y", 5).in(Book.money)], [Order.revert(4).in(Book.money)],
        ])
        #expect(answers.count == 2)
        try bench.checkState()
    }

    @Test("the revert of another submission's transaction in the same entry is stale, then works")
    func otherSubmission() throws {
        let bench = try money()
        let results = try bench.submit([
            .groups([[Order.fund("x", 5).in(Book.money)]]),
            .groups([[Order.fund("y", 1).in(Book.money)], [Order.revert(1).in(Book.money)]]),
        ])
        guard case .groups(let answers, let stale) = results[1] else { throw Broken("a batch") }
        #expect(answers.count == 1)
        #expect(stale == 1)
        #expect(
            try bench.outcomes(Order.revert(1).in(Book.money))
                == [made(3, log: 3, [posting("x", "world", 5)])]
        )
    }

    @Test("what is too large for a record stands beside it")
    func large() throws {
        let bench = try money()
        let long = String(repeating: "a", count: 500)
        let many = (0..<140).map { posting("world", "\(long):\($0)", 1) }
        let order = Order.createTransaction(CreateTransaction(postings: many))
        try bench.send(order.in(Book.money))
        let made = try #require(bench.lastApplied?.blobs.first)
        #expect(made.bytes == OrderCodec.encode(order))
        #expect(try #require(bench.lastApplied).framedRecords.count < 300)
        let metadata = map(("k", Text(String(repeating: "v", count: 70_000))))
        guard
            case .committed = try bench.outcomes(
                Order.revert(1, metadata: metadata).in(Book.money)
            )[0]
        else { throw Broken("refused") }
        #expect(bench.lastApplied?.blobs.count == 2, "order and postings")
        guard
            case .refused(.alreadyReverted) = try bench.outcomes(Order.revert(1).in(Book.money))[0]
        else { throw Broken("not refused") }
        #expect(bench.lastApplied?.blobs == [])
        let together = try bench.outcomes(order.in(Book.money), Order.revert(3).in(Book.money))
        guard together.count == 2, case .committed = together[0], case .committed = together[1]
        else {
            throw Broken("a group")
        }
        #expect(bench.lastApplied?.blobs.count == 2, "of two records")
        try bench.checkState()
    }
}
