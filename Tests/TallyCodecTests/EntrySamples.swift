// SPDX-License-Identifier: Apache-2.0
//
// Entries for tests: a few with every field, and random ones. Called by the tests of entries only.

import TallyCodec
import TallyTypes
import TestSupport

enum EntrySamples {
    private static let name = need(BookName("money"))
    private static let other = BookID(3, 4)

    static let keys: [StateKey] = [
        .book(.system), .bookName(name), .book(RecordSamples.book),
        .volume(RecordSamples.book, RecordSamples.usd, .world),
        .volume(RecordSamples.book, RecordSamples.usd, RecordSamples.alice),
        .volume(RecordSamples.book, RecordSamples.coin, RecordSamples.alice),
        .transactionState(RecordSamples.book, TransactionID(7)),
        .volume(RecordSamples.book, RecordSamples.usd, RecordSamples.bob),
    ]

    static func table(_ keys: [StateKey]) -> KeyTable {
        var table = KeyTable()
        for key in keys { table.append(StateCodec.encodeKey(key)) }
        return table
    }

    static let founding = Entry(
        epoch: Epoch(0),
        predicted: LogIndex(1),
        time: Instant(microseconds: 1_790_000_000),
        saltSeed: RecordSamples.digest,
        secrets: Digest(1, 2, 3, 4),
        keys: table([.book(.system)]),
        seeds: [Seed(key: 0, value: nil)],
        submissions: [
            .groups([
                [
                    PlannedOrder(
                        name: nil,
                        book: nil,
                        newBook: nil,
                        idempotency: nil,
                        actor: nil,
                        order: .createLedger(
                            CreateLedger(origin: "ledger.example", entriesPerGeneration: 3)
                        ),
                        coverage: [0]
                    )
                ]
            ])
        ]
    )

    static let everything = Entry(
        epoch: Epoch(2),
        predicted: LogIndex(300),
        time: Instant(microseconds: 1 << 50),
        saltSeed: RecordSamples.digest,
        keys: table(keys),
        seeds: [
            Seed(key: 1, value: StateCodec.encodeValue(.bookName(RecordSamples.book))),
            Seed(key: 6, value: nil), Seed(key: 3, value: []),
        ],
        witnesses: [
            Witness(book: RecordSamples.book, transaction: TransactionID(7), record: [1, 2, 3]),
            Witness(book: RecordSamples.book, transaction: TransactionID(8), record: nil),
        ],
        submissions: [.groups([[planned, creation], [], [creation]]), .batch(batch), .groups([])]
    )

    private static let planned = PlannedOrder(
        name: name,
        book: RecordSamples.book,
        newBook: nil,
        idempotency: RecordSamples.digest,
        actor: "ann \u{E9}",
        order: .revertTransaction(
            RevertTransaction(transaction: TransactionID(7), isForced: true)
        ),
        coverage: [0, 1, 2, 4, 6]
    )

    private static let creation = PlannedOrder(
        name: name,
        book: nil,
        newBook: other,
        idempotency: nil,
        actor: nil,
        order: .createBook(CreateBook(name: name, kind: .journal)),
        coverage: [0, 1]
    )

    private static let batch = PlannedBatch(
        name: name,
        book: RecordSamples.book,
        idempotency: RecordSamples.digest,
        digest: Digest(5, 6, 7, 8),
        isForced: true,
        coverage: [0, 1, 2],
        transfers: [
            Transfer(source: 3, destination: 4, amount: 7),
            Transfer(source: 4, destination: 7, amount: .max),
        ]
    )

    static let all: [Sample<Entry>] = [
        Sample("the entry that creates a ledger", founding),
        Sample("every field of an entry", everything),
        Sample(
            "an entry without content",
            Entry(
                epoch: Epoch(1),
                predicted: LogIndex(2),
                time: Instant(microseconds: 3),
                saltSeed: .zero
            )
        ),
    ]
}

extension Entry {
    static func random(_ random: inout SeededRandom) -> Entry {
        let keyCount = 1 + random.below(12)
        var keys = KeyTable()
        for _ in 0..<keyCount {
            let key = StateSamples.keys[random.below(StateSamples.keys.count)].value
            keys.append(
                random.chance(1, in: 8)
                    ? random.bytes(random.below(40)) : StateCodec.encodeKey(key)
            )
        }
        return Entry(
            epoch: Epoch(random.number()),
            predicted: LogIndex(random.number()),
            time: Instant(microseconds: random.number()),
            saltSeed: random.digest(),
            secrets: random.maybe { $0.digest() },
            keys: keys,
            seeds: (0..<random.below(5)).map { _ in
                Seed(
                    key: UInt32(random.below(keyCount)),
                    value: random.maybe { $0.bytes($0.below(30)) }
                )
            },
            witnesses: (0..<random.below(3)).map { _ in
                Witness(
                    book: BookID(random.next(), random.next()),
                    transaction: TransactionID(random.number()),
                    record: random.maybe { $0.bytes($0.below(30)) }
                )
            },
            submissions: (0..<random.below(4)).map { _ in
                random.chance(1, in: 3)
                    ? .batch(.random(keyCount, &random))
                    : .groups(
                        (0..<random.below(3)).map { _ in
                            (0..<random.below(3)).map { _ in .random(keyCount, &random) }
                        }
                    )
            }
        )
    }
}

extension SeededRandom {
    fileprivate mutating func coverage(_ keyCount: Int) -> [UInt32] {
        (0..<keyCount).filter { _ in chance(1, in: 2) }.map(UInt32.init)
    }

    fileprivate mutating func name() -> BookName {
        need(BookName(String("abcXYZ_-09abcdefghi".prefix(1 + below(18)))))
    }

    fileprivate mutating func book() -> BookID { BookID(next(), next()) }
}

extension PlannedOrder {
    fileprivate static func random(_ keyCount: Int, _ random: inout SeededRandom) -> PlannedOrder {
        PlannedOrder(
            name: random.maybe { $0.name() },
            book: random.maybe { $0.book() },
            newBook: random.maybe { $0.book() },
            idempotency: random.maybe { $0.digest() },
            isKeyJoint: random.chance(1, in: 3),
            actor: random.maybe { .random(&$0) },
            order: .random(&random),
            coverage: random.coverage(keyCount)
        )
    }
}

extension PlannedBatch {
    fileprivate static func random(_ keyCount: Int, _ random: inout SeededRandom) -> PlannedBatch {
        PlannedBatch(
            name: random.name(),
            book: random.maybe { $0.book() },
            idempotency: random.maybe { $0.digest() },
            digest: random.digest(),
            isForced: random.chance(1, in: 2),
            coverage: random.coverage(keyCount),
            transfers: (0..<random.below(6)).map { _ in
                Transfer(
                    source: UInt16(random.below(keyCount)),
                    destination: UInt16(random.below(keyCount)),
                    amount: UInt128(random.next()) << UInt128(random.below(64))
                )
            }
        )
    }
}
