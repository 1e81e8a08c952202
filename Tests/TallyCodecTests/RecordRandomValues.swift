// SPDX-License-Identifier: Apache-2.0
//
// Random items and records within the rules of their types. Called by the fuzz tests only.

import TallyCodec
import TallyTypes
import TestSupport

extension Text {
    /// Letters, some of which compose, decompose, or are too new.
    static func random(_ random: inout SeededRandom) -> Text {
        let letters = [
            "a", "Z", "\u{E9}", "e\u{301}", "\u{301}", "\u{1FAE8}", "\u{AC00}", "\0", "\u{D7FF}",
        ]
        return Text(
            (0..<random.below(6)).map { _ in letters[random.below(letters.count)] }.joined()
        )
    }
}

extension Metadata {
    static func random(_ random: inout SeededRandom) -> Metadata {
        var metadata = Metadata()
        for _ in 0..<random.below(4) { metadata[.random(&random)] = .random(&random) }
        return metadata
    }
}

extension Amount {
    static func random(_ random: inout SeededRandom) -> Amount {
        need(Amount(bigEndian: random.bytes(random.below(33))))
    }
}

extension Posting {
    static func random(_ random: inout SeededRandom) -> Posting {
        let accounts = [RecordSamples.world, RecordSamples.alice, RecordSamples.bob]
        return Posting(
            source: accounts[random.below(3)],
            destination: accounts[random.below(3)],
            asset: random.chance(1, in: 2) ? RecordSamples.usd : RecordSamples.coin,
            amount: .random(&random)
        )
    }

    static func randomList(_ random: inout SeededRandom) -> [Posting] {
        (0...random.below(30)).map { _ in .random(&random) }
    }
}

extension SeededRandom {
    /// A number of any magnitude.
    mutating func number() -> UInt64 { next() >> UInt64(below(64)) }

    /// Nil, or a value, one to one.
    mutating func maybe<Value>(_ make: (inout SeededRandom) -> Value) -> Value? {
        chance(1, in: 2) ? make(&self) : nil
    }

    mutating func time() -> BusinessTime {
        BusinessTime(microseconds: Int64(bitPattern: next()) >> Int64(below(64)))
    }

    mutating func digest() -> Digest { Digest(next(), next(), next(), next()) }
}

extension Record {
    static func random(_ random: inout SeededRandom) -> Record {
        let count = 2 + random.below(9_000)
        return Record(
            index: RecordIndex(random.number() >> 1),
            book: BookID(random.next(), random.next()),
            sequence: BookSequence(random.number() >> 1),
            previous: random.digest(),
            time: Instant(microseconds: random.number() >> 1),
            idempotency: random.maybe { $0.digest() },
            salt: Salt(random.next(), random.next()),
            order: .random(&random),
            outcome: .random(&random),
            actor: random.maybe { .random(&$0) },
            group: random.maybe { random in
                GroupPosition(
                    position: UInt64(random.below(count)),
                    count: UInt64(count),
                    isKeyJoint: random.chance(1, in: 2)
                )
            },
            batch: random.maybe { random in
                let count = 1 + random.below(Limits.transfersPerBatchMax)
                return BatchClaim(
                    digest: random.digest(),
                    position: UInt64(random.below(count)),
                    count: UInt64(count)
                )
            }
        )
    }
}

extension Order {
    static func random(_ random: inout SeededRandom) -> Order {
        switch random.below(6) {
        case 0:
            .createTransaction(.random(&random))
        case 1:
            .revertTransaction(
                RevertTransaction(
                    transaction: TransactionID(random.number()),
                    isForced: random.chance(1, in: 2),
                    isAtEffectiveDate: random.chance(1, in: 2),
                    metadata: .random(&random)
                )
            )
        case 2:
            .recordEvent(.random(&random))
        case 3:
            .createBook(
                CreateBook(
                    name: need(BookName("b\(random.below(9))")),
                    kind: BookKind.allCases[random.below(3)],
                    bucket: random.chance(1, in: 2) ? "_default" : .random(&random),
                    metadata: .random(&random),
                    features: .random(&random)
                )
            )
        case 4:
            .setTransactionMetadata(TransactionID(random.number()), .random(&random))
        default:
            RecordSamples.orders[random.below(RecordSamples.orders.count)].value
        }
    }
}

extension CreateTransaction {
    static func random(_ random: inout SeededRandom) -> CreateTransaction {
        let accounts = [RecordSamples.alice, RecordSamples.bob, RecordSamples.world]
        let pairs = accounts.compactMap { account -> AccountMetadata? in
            let metadata = Metadata.random(&random)
            return metadata.isEmpty ? nil : AccountMetadata(account: account, metadata: metadata)
        }
        let reference = Text.random(&random)
        return CreateTransaction(
            postings: Posting.randomList(&random),
            reference: reference.utf8.isEmpty ? nil : reference,
            timestamp: random.maybe { $0.time() },
            metadata: .random(&random),
            accountMetadata: pairs,
            isForced: random.chance(1, in: 2)
        )
    }
}

extension JournalEvent {
    static func random(_ random: inout SeededRandom) -> JournalEvent {
        JournalEvent(
            entityType: .random(&random),
            entityID: .random(&random),
            field: .random(&random),
            action: JournalAction.allCases[random.below(4)],
            oldValue: random.maybe { JSONText(.random(&$0)) },
            newValue: random.maybe { JSONText(.random(&$0)) },
            actor: .random(&random),
            source: .random(&random),
            workspaceID: random.maybe { .random(&$0) },
            occurredAt: random.maybe { $0.time() },
            expectsOld: random.chance(1, in: 2)
        )
    }
}

extension Outcome {
    static func random(_ random: inout SeededRandom) -> Outcome {
        guard random.chance(1, in: 2) else {
            return RecordSamples.outcomes[random.below(RecordSamples.outcomes.count)].value
        }
        return .committed(
            .transaction(
                TransactionEffects(
                    id: TransactionID(random.number()),
                    logID: LogID(random.number()),
                    postings: random.maybe { Posting.randomList(&$0) },
                    timestamp: random.maybe { $0.time() }
                )
            )
        )
    }
}

extension CBORItem {
    static func random(depth: Int, _ random: inout SeededRandom) -> CBORItem {
        switch random.below(depth < 5 ? 9 : 7) {
        case 0: return .unsigned(random.number())
        case 1: return .negative(random.number())
        case 2:
            let first = UInt8(1 + random.below(255))
            let rest = random.bytes(8 + random.below(24))
            return .bignum(isNegative: random.chance(1, in: 2), [first] + rest)
        case 3: return .bytes(random.bytes(random.below(30)))
        case 4: return .text(randomText(&random))
        case 5: return .bool(random.chance(1, in: 2))
        case 6: return .null
        case 7:
            return .array(
                (0..<random.below(5)).map { _ in .random(depth: depth + 1, &random) }
            )
        default: return .map(randomPairs(depth: depth, &random))
        }
    }

    private static func randomText(_ random: inout SeededRandom) -> Text {
        let text = Text.random(&random)
        return CBORText.isNormalized(text.string) ? text : "x"
    }

    private static func randomPairs(depth: Int, _ random: inout SeededRandom) -> [Pair] {
        var keys: [CBORItem] = []
        for _ in 0..<random.below(5) {
            keys.append(
                random.chance(1, in: 2) ? .unsigned(random.number()) : .text(randomText(&random))
            )
        }
        let sorted = keys.sorted { $0.encoded.lexicographicallyPrecedes($1.encoded) }
        var pairs: [Pair] = []
        for key in sorted where pairs.last?.key != key {
            pairs.append(Pair(key: key, value: .random(depth: depth + 1, &random)))
        }
        return pairs
    }
}
