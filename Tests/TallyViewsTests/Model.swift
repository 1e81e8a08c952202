// SPDX-License-Identifier: Apache-2.0
//
// The answers that views must give, computed from a scribe's arrays by summing everything each
// time, and random histories to ask about. Called by the tests of TallyViews.

import TestSupport
import TallyTypes
import TallyViews

extension Scribe.Book {
    /// The volumes after the transactions for which a condition holds, of every account and asset.
    func volumes(where holds: (Scribe.Made) -> Bool) throws -> [AccountVolume] {
        var sums: [AccountAddress: [Asset: Volume]] = [:]
        for made in transactions where holds(made) {
            for posting in made.postings {
                let (asset, amount) = (posting.asset, posting.amount)
                sums[posting.source, default: [:]][asset, default: .zero].output =
                    try add(sums[posting.source]?[asset]?.output, amount)
                sums[posting.destination, default: [:]][asset, default: .zero].input =
                    try add(sums[posting.destination]?[asset]?.input, amount)
            }
        }
        return sums.flatMap { account, assets in
            assets.map { AccountVolume(account: account, asset: $0, volume: $1) }
        }
        .sorted { ($0.account, $0.asset) < ($1.account, $1.asset) }
    }

    /// A transaction as a read with these options must return it.
    func row(
        _ made: Scribe.Made,
        _ expansion: Expansion,
        at pit: BusinessTime?
    ) throws -> ExpectedTransaction {
        let wasReverted =
            made.revertedAt.map { time in pit.map { BusinessTime(time) <= $0 } ?? true } ?? false
        let change = made.changes.last { change in
            pit.map { BusinessTime(change.at) <= $0 } ?? true
        }
        let committed =
            expansion.contains(.volumes)
            ? try commit(made, { $0.id <= made.id }, { $0.id < made.id }) : nil
        let effective =
            expansion.contains(.effectiveVolumes)
            ? try commit(
                made,
                { ($0.timestamp, $0.id) <= (made.timestamp, made.id) },
                { ($0.timestamp, $0.id) < (made.timestamp, made.id) }
            ) : nil
        return ExpectedTransaction(
            id: made.id,
            record: made.record,
            logID: made.log,
            postings: made.postings,
            reference: made.reference,
            timestamp: made.timestamp,
            insertedAt: made.insertedAt,
            updatedAt: made.updatedAt,
            metadata: change?.metadata ?? made.birth,
            revertedBy: wasReverted ? made.revertedBy : nil,
            revertedAt: wasReverted ? made.revertedAt : nil,
            volumes: committed,
            effectiveVolumes: effective
        )
    }

    private func commit(
        _ made: Scribe.Made,
        _ post: (Scribe.Made) -> Bool,
        _ pre: (Scribe.Made) -> Bool
    ) throws -> CommitVolumes {
        let touched = Set(
            made.postings.flatMap {
                [Touched($0.source, $0.asset), Touched($0.destination, $0.asset)]
            }
        )
        let after = try volumes(where: post).filter { touched.contains(Touched($0)) }
        let before = try volumes(where: pre)
        return CommitVolumes(
            post: after,
            pre: after.map { row in
                before.first { Touched($0) == Touched(row) }
                    ?? AccountVolume(account: row.account, asset: row.asset, volume: .zero)
            }
        )
    }

    private struct Touched: Hashable {
        let account: AccountAddress
        let asset: Asset

        init(_ account: AccountAddress, _ asset: Asset) {
            self.account = account
            self.asset = asset
        }

        init(_ row: AccountVolume) {
            self.init(row.account, row.asset)
        }
    }
}

/// The parts of a transaction row that are compared.
struct ExpectedTransaction: Equatable {
    let id: TransactionID
    let record: RecordIndex
    let logID: LogID
    let postings: [Posting]
    let reference: Text?
    let timestamp: BusinessTime
    let insertedAt: Instant
    let updatedAt: Instant
    let metadata: Metadata
    let revertedBy: TransactionID?
    let revertedAt: Instant?
    let volumes: CommitVolumes?
    let effectiveVolumes: CommitVolumes?
}

extension ExpectedTransaction {
    /// Takes the parts of what a view returned.
    init(_ row: TransactionRow) {
        self.init(
            id: row.id,
            record: row.record,
            logID: row.logID,
            postings: row.postings,
            reference: row.reference,
            timestamp: row.timestamp,
            insertedAt: row.insertedAt,
            updatedAt: row.updatedAt,
            metadata: row.metadata,
            revertedBy: row.revertedBy,
            revertedAt: row.revertedAt,
            volumes: row.volumes,
            effectiveVolumes: row.effectiveVolumes
        )
    }
}

/// A sum of the model that would need 257 bits.
struct ModelOverflow: Error {}

private func add(_ left: Amount?, _ right: Amount) throws -> Amount {
    let (sum, overflow) = (left ?? .zero).addingReportingOverflow(right)
    guard !overflow else { throw ModelOverflow() }
    return sum
}

extension Scribe {
    /// Writes a random history of two accounts books and a journal.
    static func random(seed: UInt64, records count: Int) throws -> Scribe {
        var scribe = Scribe()
        var random = SeededRandom(seed: seed)
        let books = [try scribe.makeBook("first"), try scribe.makeBook("second")]
        let journal = try scribe.makeBook("journal", .journal)
        while scribe.records.count < count {
            let book = books[random.below(2)]
            switch random.below(20) {
            case 0..<11: scribe.transact(book, try transaction(&random))
            case 11..<13: try scribe.revertSomething(book, &random)
            case 13..<15: try scribe.changeSomething(book, &random)
            case 15:
                scribe.setMetadata(book, try account(&random), try pairs(&random))
            case 16: scribe.deleteMetadata(book, try account(&random), key: "k1")
            case 17:
                let refusal = Refusal.referenceConflict(reference: "r")
                let order = Order.createTransaction(try transaction(&random))
                scribe.write(book, order, .refused(refusal))
            case 18:
                scribe.write(book, .setBookMetadata(try pairs(&random)), .committed(.recorded))
            default: scribe.record(journal, event(&random))
            }
        }
        return scribe
    }

    private mutating func revertSomething(_ book: BookID, _ random: inout SeededRandom) throws {
        let open = books[book]?.transactions.filter { $0.revertedBy == nil } ?? []
        guard !open.isEmpty else { return }
        revert(book, open[random.below(open.count)].id, dated: random.chance(1, in: 2))
    }

    private mutating func changeSomething(_ book: BookID, _ random: inout SeededRandom) throws {
        let all = books[book]?.transactions ?? []
        guard !all.isEmpty else { return }
        let made = all[random.below(all.count)]
        if random.chance(1, in: 3), let pair = made.metadata.pairs.first {
            deleteMetadata(book, made.id, key: pair.key)
        } else {
            setMetadata(book, made.id, try Scribe.pairs(&random))
        }
    }

    private static func transaction(_ random: inout SeededRandom) throws -> CreateTransaction {
        let count = random.chance(1, in: 8) ? 12 : 1 + random.below(3)
        let postings = try (0..<count).map { _ in
            Posting(
                source: try account(&random),
                destination: try account(&random),
                asset: try asset(["USD/2", "EUR/2", "GOLD"][random.below(3)]),
                amount: amount(&random)
            )
        }
        let base = Int64(1_699_000_000_000_000)
        let offset = Int64(random.below(8)) * 500_000_000_000
        return CreateTransaction(
            postings: postings,
            timestamp: random.chance(1, in: 2)
                ? BusinessTime(microseconds: base + offset) : nil,
            metadata: random.chance(1, in: 2) ? try pairs(&random) : .empty,
            accountMetadata: random.chance(1, in: 6)
                ? [AccountMetadata(account: try account(&random), metadata: try pairs(&random))]
                : [],
            isForced: true
        )
    }

    private static func amount(_ random: inout SeededRandom) -> Amount {
        switch random.below(6) {
        case 0: .zero
        case 1: Amount(UInt128(UInt64.max) + UInt128(random.below(1000)))
        case 2: Amount(high: UInt128(random.below(1000)), low: .max)
        case 3: Amount(UInt128(Int64.max) - 1 + UInt128(random.below(3)))
        default: Amount(UInt128(random.below(10_000)))
        }
    }

    private static func account(_ random: inout SeededRandom) throws -> AccountAddress {
        try address(["world", "a", "a:b", "a-b", "B", "users:001", "users:002"][random.below(7)])
    }

    private static func pairs(_ random: inout SeededRandom) throws -> Metadata {
        try metadata(["k\(random.below(3))": "v\(random.below(4))", "é\u{0}": ""])
    }

    private static func event(_ random: inout SeededRandom) -> JournalEvent {
        JournalEvent(
            entityType: "t",
            entityID: Text("id\(random.below(3))\u{0}"),
            field: "f",
            action: .update,
            oldValue: nil,
            newValue: JSONText("null"),
            actor: "me",
            source: "api"
        )
    }
}
