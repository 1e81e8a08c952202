// SPDX-License-Identifier: Apache-2.0
//
// Coverage, generated from the enum of orders: each key that an order kind declares is left out in
// turn, and at least one plan of that kind (book absent, rolled back, live) must end in invariant
// 2. A key that no plan needs is a declaration too many. A new kind does not compile until it has a
//    sample here.

import TallyCodec
import TallyKernel
import TallyTypes
import Testing
import TestSupport

/// One order of each kind, with every optional part that declares a key.
private enum Sample {
    static let key: Text = "idempotency"

    static func request(_ kind: OrderKind) -> Request {
        switch kind {
        case .createLedger:
            .system(.createLedger(CreateLedger(origin: "o", entriesPerGeneration: 64)))
        case .createBook:
            .system(
                .createBook(
                    CreateBook(name: Book.money, kind: .accounts, metadata: map(("m", "1")))
                ),
                key: key
            )
        case .deleteBook: Order.deleteBook.in(Book.money, key: key)
        case .setBookMetadata: Order.setBookMetadata(map(("m", "1"))).in(Book.money, key: key)
        case .deleteBookMetadata: Order.deleteBookMetadata(key: "m").in(Book.money, key: key)
        case .setConfiguration: .system(.setConfiguration(entriesPerGeneration: 64), key: key)
        case .changeLogKey:
            .system(.changeLogKey(LogKeyChange(action: .retire, publicKey: .zero)), key: key)
        case .sealLog:
            .system(
                .sealLog(
                    LogSeal(
                        size: 0,
                        stateDigest: .zero,
                        balances: SealedRows(count: 0, root: .zero),
                        heads: SealedRows(count: 0, root: .zero)
                    )
                ),
                key: key
            )
        case .succeedLog:
            .system(
                .succeedLog(
                    LogSuccession(origin: "p", lastSize: 0, lastRoot: .zero, lastNote: nil)
                ),
                key: key
            )
        case .createTransaction:
            Order.pay(
                posting("world", "x", 5),
                reference: "r",
                accounts: [AccountMetadata(account: account("x"), metadata: map(("p", "1")))]
            ).in(Book.money, key: key)
        case .revertTransaction: Order.revert(1).in(Book.money, key: key)
        case .setTransactionMetadata:
            Order.setTransactionMetadata(TransactionID(1), map(("t", "1")))
                .in(Book.money, key: key)
        case .deleteTransactionMetadata:
            Order.deleteTransactionMetadata(TransactionID(1), key: "born").in(Book.money, key: key)
        case .setAccountMetadata:
            Order.setAccountMetadata(account("x"), map(("p", "1"))).in(Book.money, key: key)
        case .deleteAccountMetadata:
            Order.deleteAccountMetadata(account("x"), key: "p").in(Book.money, key: key)
        case .recordEvent: Order.event("f", .insert, new: "1").in(Book.money, key: key)
        }
    }
}

/// The plans in which an order of a kind can stand.
private enum Situation: CaseIterable {
    case absent, rolledBack, live

    func bench(_ kind: OrderKind) throws -> Bench {
        let bench = try Bench()
        guard self == .live, kind != .createBook else { return bench }
        if kind.bookKind == .journal {
            try bench.send(.system(.make(Book.money, .journal)))
        } else {
            try bench.send(.makeMoney)
            let first = Order.pay(posting("world", "x", 5), metadata: map(("born", "1")))
            try bench.send(first.in(Book.money))
        }
        return bench
    }

    func group(_ kind: OrderKind) -> [Request] {
        let refused = Order.fund("x", 1).in(Book.absent)
        return [Sample.request(kind)] + (self == .rolledBack ? [refused] : [])
    }
}

/// A covered key that is left out.
private struct Drop: Hashable, Sendable, Codable, CustomTestStringConvertible {
    let kind: String
    let role: String

    var testDescription: String { "\(kind) without \(role)" }

    /// What a key is to an order, whatever ids the books of a plan have.
    static func role(_ key: StateKey) -> String {
        switch key {
        case .book(.system): "book of the system"
        case .volume(_, _, let account): "volume of \(account)"
        case .book, .bookName, .accountMetadata, .transactionState, .reference, .idempotency,
            .bookMetadata, .entity:
            "\(key.kind)"
        }
    }

    /// Every key of every kind in every situation.
    static func all() throws -> [Drop] {
        var drops: [Drop] = []
        for kind in OrderKind.allCases {
            var roles: Set<String> = []
            for situation in Situation.allCases {
                let bench = try situation.bench(kind)
                let plan = try bench.plan(try bench.draft([situation.group(kind)]))
                for position in try planned(plan).coverage {
                    let key = try StateCodec.decodeKey(plan.entry.keys[Int(position)])
                    roles.insert(role(key))
                }
            }
            drops += roles.sorted().map { Drop(kind: kind.word, role: $0) }
        }
        return drops
    }

    private static func planned(_ plan: Plan) throws -> PlannedOrder {
        guard case .groups(let groups)? = plan.entry.submissions.first else {
            throw Broken("no groups")
        }
        return groups[0][0]
    }

    /// Applies the order in every situation with the key left out; returns when nothing traps.
    func run() throws {
        guard let kind = OrderKind(word: kind) else { throw Broken("no kind \(kind)") }
        for situation in Situation.allCases {
            let bench = try situation.bench(kind)
            let plan = try bench.plan(try bench.draft([situation.group(kind)]))
            guard case .groups(var groups)? = plan.entry.submissions.first else { continue }
            let full = groups[0][0]
            let coverage = try full.coverage.filter {
                let key = try StateCodec.decodeKey(plan.entry.keys[Int($0)])
                return Drop.role(key) != role
            }
            groups[0][0] = PlannedOrder(
                name: full.name,
                book: full.book,
                newBook: full.newBook,
                idempotency: full.idempotency,
                actor: full.actor,
                order: full.order,
                coverage: coverage
            )
            var entry = plan.entry
            entry.submissions = [.groups(groups)]
            _ = bench.node.kernel.apply(entry, at: entry.predicted, hashes: plan.hashes)
        }
    }
}

@Suite("Coverage")
struct CoverageTests {
    private static let drops: [Drop] = {
        do { return try Drop.all() } catch { fatalError("\(error)") }
    }()

    @Test("every kind of order declares its keys")
    func kinds() {
        let kinds = Set(CoverageTests.drops.map(\.kind))
        #expect(kinds == Set(OrderKind.allCases.map(\.word)))
        #expect(CoverageTests.drops.count <= 80)
        let keys = StateKeyKind.allCases.map { "\($0)" }
        for key in keys {
            #expect(CoverageTests.drops.contains { $0.role.hasPrefix(key) }, "\(key)")
        }
    }

    @Test("invariant 2 fires when a covered key is left out", arguments: CoverageTests.drops)
    fileprivate func isNeeded(_ drop: Drop) async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) { [drop = drop as Drop] in
            try drop.run()
        }
        expectInvariant(.i2, in: exit)
    }
}
