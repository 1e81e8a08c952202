// SPDX-License-Identifier: Apache-2.0
//
// Random submissions over three books, three accounts, few keys: small enough that everything
// meets. Called by the tests of this folder only.

import TallyTypes
import TestSupport

/// Makes submissions, some of them again.
struct RandomOrders {
    private var sent: [Request] = []
    private var batches: [BatchRequest] = []
    /// True when K may change.
    var changesK = true
    /// True when some amounts are near the ends of 128 and 256 bits.
    var isWide = false

    mutating func submission(_ random: inout SeededRandom) -> Submission {
        if random.chance(1, in: 8) { return .batch(batch(&random)) }
        return .groups(
            (0...random.below(3)).map { _ in
                if random.chance(1, in: 12) { return jointGroup(&random) }
                let count = [1, 1, 2, 3][random.below(4)]
                return (0..<count).map { _ in request(&random) }
            }
        )
    }

    /// A group under one key for all of it.
    ///
    /// Each of its requests is the same whenever it is made, so that a second group is the same,
    /// a longer or a shorter one.
    private func jointGroup(_ random: inout SeededRandom) -> [Request] {
        (0..<1 + random.below(3)).map { position in
            Request(
                book: Book.money,
                order: .setAccountMetadata(account("x"), map(("joint", Text("\(position)")))),
                idempotencyKey: Text("joint \(position)"),
                isKeyJoint: true
            )
        }
    }

    private mutating func batch(_ random: inout SeededRandom) -> BatchRequest {
        if !batches.isEmpty, random.chance(1, in: 3) { return batches[random.below(batches.count)] }
        let transfers = (0...random.below(4)).map { _ in
            let (source, target) = (from(&random), to(&random))
            let amount = amount(&random)
            return TransferText(
                source,
                target,
                amount.high == 0 ? amount.low : .max,
                asset(&random)
            )
        }
        let name = random.chance(1, in: 20) ? Book.events : book(&random)
        let batch = BatchRequest.of(
            transfers,
            in: name,
            key: key(&random),
            isForced: random.chance(1, in: 10)
        )
        if batch.idempotencyKey != nil { batches.append(batch) }
        return batch
    }

    private mutating func request(_ random: inout SeededRandom) -> Request {
        if !sent.isEmpty, random.chance(1, in: 4) { return sent[random.below(sent.count)] }
        let order = order(&random)
        var name: BookName?
        switch order.kind.bookKind {
        case .system: name = nil
        case .journal: name = random.chance(1, in: 10) ? book(&random) : Book.events
        case .accounts: name = random.chance(1, in: 30) ? Book.events : book(&random)
        case nil: name = random.chance(1, in: 10) ? Book.events : book(&random)
        }
        let request = Request(
            book: name,
            order: order,
            idempotencyKey: key(&random),
            actor: random.chance(1, in: 10) ? "ann" : nil
        )
        if request.idempotencyKey != nil { sent.append(request) }
        return request
    }

    private mutating func order(_ random: inout SeededRandom) -> Order {
        let account = account(random.chance(3, in: 4) ? "x" : "y")
        let label: Text = random.chance(2, in: 3) ? "p" : "q"
        let id = TransactionID(UInt64(1 + random.below(6)))
        let value = Text("\(random.below(5))")
        switch random.below(200) {
        case 0..<16: return .createBook(creation(&random))
        case 16..<19: return .deleteBook
        case 19:
            guard changesK else { return .deleteBook }
            return .setConfiguration(entriesPerGeneration: UInt64(3 + random.below(4)))
        case 20..<85: return transaction(&random)
        case 85..<110: return revert(id, &random)
        case 110..<120: return .deleteAccountMetadata(account, key: label)
        case 120..<130: return .setTransactionMetadata(id, map((label, value)))
        case 130..<142: return .deleteTransactionMetadata(id, key: label)
        case 142..<157: return .setAccountMetadata(account, map((label, value)))
        case 157..<175: return .deleteAccountMetadata(account, key: label)
        case 175..<179: return .setBookMetadata(map((label, value)))
        case 179..<184: return .deleteBookMetadata(key: label)
        case 184..<188: return logOrder(&random)
        default: return event(&random)
        }
    }

    private func logOrder(_ random: inout SeededRandom) -> Order {
        let digest = Digest(7, 7, 7, UInt64(random.below(3)))
        let rows = SealedRows(count: UInt64(random.below(3)), root: digest)
        switch random.below(4) {
        case 0: return .changeLogKey(LogKeyChange(action: .introduce, publicKey: digest))
        case 1: return .changeLogKey(LogKeyChange(action: .retire, publicKey: digest))
        case 2:
            return .sealLog(
                LogSeal(
                    size: 1 << 40,  // of a smaller size it would have to tell the truth
                    stateDigest: digest,
                    balances: rows,
                    heads: rows
                )
            )
        default:
            let origin: Text = random.chance(1, in: 2) ? "ledger.example/a" : "ledger.example/b"
            return .succeedLog(
                LogSuccession(origin: origin, lastSize: 1, lastRoot: digest, lastNote: nil)
            )
        }
    }

    private func creation(_ random: inout SeededRandom) -> CreateBook {
        if random.chance(1, in: 3) { return CreateBook(name: Book.events, kind: .journal) }
        return CreateBook(
            name: book(&random),
            kind: .accounts,
            metadata: random.chance(1, in: 3) ? map(("p", "born")) : .empty
        )
    }

    private func transaction(_ random: inout SeededRandom) -> Order {
        let postings = (0..<[1, 1, 1, 2][random.below(4)]).map { _ in
            let (source, target) = (from(&random), to(&random))
            return posting(source, target, amount(&random), asset(&random))
        }
        let reference: Text? =
            random.chance(1, in: 10) ? (random.chance(1, in: 2) ? "r1" : "r2") : nil
        let extra =
            random.chance(1, in: 10)
            ? [AccountMetadata(account: account(to(&random)), metadata: map(("p", "tx")))] : []
        return .createTransaction(
            CreateTransaction(
                postings: postings,
                reference: reference,
                timestamp: random.chance(1, in: 10) ? BusinessTime(microseconds: 3) : nil,
                metadata: random.chance(1, in: 5) ? map(("p", "at birth")) : .empty,
                accountMetadata: extra,
                isForced: random.chance(1, in: 10)
            )
        )
    }

    private func revert(_ id: TransactionID, _ random: inout SeededRandom) -> Order {
        .revert(
            id.rawValue,
            isForced: random.chance(1, in: 3),
            isDated: random.chance(1, in: 3),
            metadata: random.chance(1, in: 3) ? map(("q", "undone")) : .empty
        )
    }

    private func event(_ random: inout SeededRandom) -> Order {
        let whole = random.chance(1, in: 4)
        let action = JournalAction.allCases[random.below(4)]
        let values: [Text] = whole ? ["{}", "{\"f\":1}", "[]"] : ["1", "1.0", "null"]
        return .event(
            whole ? "*" : "f",
            action,
            old: random.chance(1, in: 3) ? values[random.below(3)] : nil,
            new: random.chance(3, in: 4) ? values[random.below(3)] : nil,
            expectsOld: random.chance(1, in: 4),
            entity: random.chance(1, in: 2) ? "1" : "2"
        )
    }

    private func book(_ random: inout SeededRandom) -> BookName {
        random.chance(2, in: 3) ? Book.money : Book.other
    }

    private func from(_ random: inout SeededRandom) -> String {
        ["world", "world", "x", "y"][random.below(4)]
    }

    private func to(_ random: inout SeededRandom) -> String { ["x", "y"][random.below(2)] }

    private func amount(_ random: inout SeededRandom) -> Amount {
        guard isWide, random.chance(1, in: 2) else { return Amount(UInt128(1 + random.below(9))) }
        let near = [
            Amount(UInt128.max), Amount(high: 1, low: 0), Amount(high: 1 << 127, low: 0), .max,
            Amount(high: 1 << 126, low: 5),
        ][random.below(5)]
        return near.subtracting(Amount(UInt128(random.below(12)))) ?? near
    }

    /// Two assets where amounts are wide, because one that is full stays full.
    private func asset(_ random: inout SeededRandom) -> Asset {
        isWide && random.chance(1, in: 2) ? gold : usd
    }

    private func key(_ random: inout SeededRandom) -> Text? {
        [nil, nil, nil, nil, nil, nil, "1", "2", "3"][random.below(9)]
    }
}
