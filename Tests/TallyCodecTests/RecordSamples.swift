// SPDX-License-Identifier: Apache-2.0
//
// Orders, outcomes and records of every kind, in their smallest and in their fullest form. The
// golden files hold their bytes; the fuzz tests start from them. Called by the record and registry
// tests only.

import TallyTypes
import Testing

/// A validated name from a literal; the samples hold legal names only.
func need<Name>(_ name: Name?) -> Name {
    guard let name else { fatalError("a sample holds an illegal name") }
    return name
}

/// One value with the name of its golden line.
struct Sample<Value: Sendable>: Sendable, CustomTestStringConvertible {
    let name: String
    let value: Value

    init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    var testDescription: String { name }
}

enum RecordSamples {
    static let world = AccountAddress.world
    static let alice = need(AccountAddress("users:alice"))
    static let bob = need(AccountAddress("users:bob-1_X"))
    static let usd = need(Asset("USD/2"))
    static let coin = need(Asset("COIN_A/18"))
    static let book = BookID(0x0198_F2C4_7A1C_7000, 0xB9D3_A1F0_C2D4_E681)
    static let digest = Digest(
        0x0001_0203_0405_0607,
        0x0809_0A0B_0C0D_0E0F,
        0x1011_1213_1415_1617,
        0x1819_1A1B_1C1D_1E1F
    )
    static let salt = Salt(0x18B8_4231_ADE6_A6D1, 0x1361_5C61_AF43_4E27)

    /// Free text that cannot be a text string: a decomposed letter, and one newer than Unicode 14.
    static let decomposed: Text = "e\u{301}"
    static let newer: Text = "\u{1FAE8}"
    static let normalized: Text = "caf\u{E9} \u{AC00} \u{1F600}"

    static func metadata(_ pairs: (Text, Text)...) -> Metadata {
        need(Metadata(unsorted: pairs.map { Metadata.Pair(key: $0.0, value: $0.1) }))
    }

    static let posting = Posting(
        source: world,
        destination: alice,
        asset: usd,
        amount: Amount(100)
    )

    /// Amounts at every boundary of their encoding.
    static let amounts: [Amount] = [
        .zero, Amount(23), Amount(24), Amount(255), Amount(256), Amount(65_535), Amount(65_536),
        Amount(1 << 32 - 1), Amount(1 << 32), Amount(UInt128(UInt64.max)),
        Amount(UInt128(UInt64.max) + 1), Amount(.max), Amount(high: 1, low: 0), .max,
    ]

    static let orders: [Sample<Order>] = system + accounts + journal

    static let system: [Sample<Order>] = [
        Sample(
            "ledger.create",
            .createLedger(
                CreateLedger(origin: "localhost/tallystick", entriesPerGeneration: 1_024)
            )
        ),
        Sample(
            "book.create, least",
            .createBook(CreateBook(name: need(BookName("main")), kind: .accounts))
        ),
        Sample(
            "book.create, all",
            .createBook(
                CreateBook(
                    name: need(BookName("Journal-2_x")),
                    kind: .journal,
                    bucket: "",
                    metadata: metadata(("b", ""), ("a", "1"), ("aa", normalized)),
                    features: metadata(("HASH_LOGS", "SYNC"))
                )
            )
        ),
        Sample("book.delete", .deleteBook),
        Sample("book.meta, empty", .setBookMetadata(.empty)),
        Sample("book.meta", .setBookMetadata(metadata(("", "empty key"), ("k", "v")))),
        Sample("book.meta.del", .deleteBookMetadata(key: "k")),
        Sample("config.set", .setConfiguration(entriesPerGeneration: 1 << 20)),
        Sample(
            "log.key, introduce",
            .changeLogKey(LogKeyChange(action: .introduce, publicKey: Digest(1, 2, 3, 4)))
        ),
        Sample(
            "log.key, retire",
            .changeLogKey(LogKeyChange(action: .retire, publicKey: Digest(1, 2, 3, 4)))
        ),
        Sample(
            "log.seal",
            .sealLog(
                LogSeal(
                    size: 8_189,
                    stateDigest: Digest(5, 6, 7, 8),
                    balances: SealedRows(count: 3, root: Digest(9, 10, 11, 12)),
                    heads: SealedRows(count: 2, root: Digest(13, 14, 15, 16))
                )
            )
        ),
        Sample(
            "log.successor, least",
            .succeedLog(
                LogSuccession(
                    origin: "ledger.example/second",
                    lastSize: 0,
                    lastRoot: Digest(1, 2, 3, 4),
                    lastNote: nil
                )
            )
        ),
        Sample(
            "log.successor, all",
            .succeedLog(
                LogSuccession(
                    origin: "ledger.example/second",
                    lastSize: 8_189,
                    lastRoot: Digest(1, 2, 3, 4),
                    lastNote: "ledger.example/first\n8189\nAAAA\n\n"
                )
            )
        ),
    ]

    static let accounts: [Sample<Order>] = [
        Sample("tx, least", .createTransaction(CreateTransaction(postings: [posting]))),
        Sample(
            "tx, all",
            .createTransaction(
                CreateTransaction(
                    postings: [
                        posting,
                        Posting(source: alice, destination: bob, asset: coin, amount: .max),
                    ],
                    reference: "invoice 17",
                    timestamp: BusinessTime(microseconds: 1_790_000_000_000_000),
                    metadata: metadata(("channel", "web"), (decomposed, newer)),
                    accountMetadata: [
                        AccountMetadata(account: alice, metadata: metadata(("vip", "true"))),
                        AccountMetadata(
                            account: bob,
                            metadata: metadata(("a", "1"), ("b", "2"))
                        ),
                    ],
                    isForced: true
                )
            )
        ),
        Sample(
            "tx, amounts",
            .createTransaction(
                CreateTransaction(
                    postings: amounts.map {
                        Posting(source: world, destination: alice, asset: usd, amount: $0)
                    },
                    timestamp: .min
                )
            )
        ),
        Sample(
            "tx.revert, least",
            .revertTransaction(RevertTransaction(transaction: TransactionID(7)))
        ),
        Sample(
            "tx.revert, all",
            .revertTransaction(
                RevertTransaction(
                    transaction: TransactionID(.max),
                    isForced: true,
                    isAtEffectiveDate: true,
                    metadata: metadata(("why", "mistake"))
                )
            )
        ),
        Sample("tx.meta, empty", .setTransactionMetadata(TransactionID(24), .empty)),
        Sample("tx.meta", .setTransactionMetadata(TransactionID(24), metadata(("k", "v")))),
        Sample("tx.meta.del", .deleteTransactionMetadata(TransactionID(1), key: decomposed)),
        Sample("acct.meta, empty", .setAccountMetadata(alice, .empty)),
        Sample("acct.meta", .setAccountMetadata(alice, metadata(("k", normalized)))),
        Sample("acct.meta.del", .deleteAccountMetadata(world, key: "")),
    ]

    static let journal: [Sample<Order>] = [
        Sample(
            "event, least",
            .recordEvent(
                JournalEvent(
                    entityType: "case",
                    entityID: "17",
                    field: "*",
                    action: .insert,
                    actor: "",
                    source: ""
                )
            )
        ),
        Sample(
            "event, all",
            .recordEvent(
                JournalEvent(
                    entityType: "case",
                    entityID: normalized,
                    field: "title",
                    action: .update,
                    oldValue: JSONText("\"a\""),
                    newValue: JSONText("{\"b\":[1,2.50]}"),
                    actor: "ann",
                    source: "cli",
                    workspaceID: "",
                    occurredAt: .max,
                    expectsOld: true
                )
            )
        ),
        Sample(
            "event, delete",
            .recordEvent(
                JournalEvent(
                    entityType: "case",
                    entityID: "17",
                    field: "title",
                    action: .delete,
                    oldValue: JSONText("null"),
                    actor: "ann",
                    source: newer
                )
            )
        ),
        Sample(
            "event, ingest",
            .recordEvent(
                JournalEvent(
                    entityType: "t",
                    entityID: "1",
                    field: "f",
                    action: .ingest,
                    newValue: JSONText("1"),
                    actor: "a",
                    source: "s",
                    workspaceID: "w",
                    occurredAt: BusinessTime(microseconds: -1)
                )
            )
        ),
    ]

    static let outcomes: [Sample<Outcome>] =
        [
            Sample("recorded", .committed(.recorded)),
            Sample("bookCreated", .committed(.bookCreated(book))),
            Sample("logged", .committed(.logged(LogID(300)))),
            Sample(
                "transaction",
                .committed(
                    .transaction(TransactionEffects(id: TransactionID(7), logID: LogID(9)))
                )
            ),
            Sample(
                "transaction, reverting",
                .committed(
                    .transaction(
                        TransactionEffects(
                            id: TransactionID(8),
                            logID: LogID(10),
                            postings: [posting.reversed]
                        )
                    )
                )
            ),
            Sample(
                "transaction, dated",
                .committed(
                    .transaction(
                        TransactionEffects(
                            id: TransactionID(8),
                            logID: LogID(10),
                            postings: [posting.reversed],
                            timestamp: BusinessTime(microseconds: -5)
                        )
                    )
                )
            ),
            Sample(
                "transaction, timed",
                .committed(
                    .transaction(
                        TransactionEffects(
                            id: TransactionID(1),
                            logID: LogID(1),
                            timestamp: BusinessTime(microseconds: 0)
                        )
                    )
                )
            ),
        ] + refusals.map { Sample("refused \($0.number)", .refused($0)) }

    /// Every refusal, in the order of the numbers.
    static let refusals: [Refusal] = [
        .bookNotFound(name: "nowhere"),
        .bookDeleted,
        .bookExists(name: normalized),
        .bookKind(expected: .accounts, found: .system),
        .idempotencyConflict,
        .insufficientFunds(
            account: alice,
            asset: usd,
            needed: Amount(high: 1, low: 0),
            available: .zero
        ),
        .referenceConflict(reference: "invoice 17"),
        .transactionNotFound(TransactionID(404)),
        .alreadyReverted(TransactionID(1)),
        .metadataNotFound(key: decomposed),
        .amountOverflow(account: bob, asset: coin),
        .groupRolledBack(by: 3),
        .oldValueMismatch,
        .recordTooLarge(bytes: 65_536),
        .entityTooLarge(bytes: 70_000),
        .ledgerExists,
        .entityNotObject,
        .sealBeyondLedger(size: 1 << 40),
    ]

    static let records: [Sample<Record>] =
        orders.map { sample in
            Sample(
                "\(sample.name): bare",
                record(sample.value, .committed(.recorded))
            )
        }
        + outcomes.map { sample in
            Sample(
                "book.delete, \(sample.name)",
                record(.deleteBook, sample.value, actor: "ops")
            )
        } + [
            Sample(
                "tx in a group, with a key",
                record(
                    orders[8].value,
                    .committed(
                        .transaction(TransactionEffects(id: TransactionID(1), logID: LogID(1)))
                    ),
                    idempotency: digest,
                    actor: "token 7",
                    group: GroupPosition(position: 1, count: 2)
                )
            ),
            Sample(
                "tx in a group, with a key for all of it",
                record(
                    orders[8].value,
                    .committed(
                        .transaction(TransactionEffects(id: TransactionID(1), logID: LogID(1)))
                    ),
                    idempotency: digest,
                    group: GroupPosition(position: 1, count: 2, isKeyJoint: true)
                )
            ),
            Sample(
                "tx of a batch",
                record(
                    orders[8].value,
                    .refused(.bookDeleted),
                    idempotency: digest,
                    group: GroupPosition(position: 0, count: 8_189),
                    batch: BatchClaim(digest: digest, position: 0, count: 1)
                )
            ),
            Sample(
                "tx that claims the key of a batch",
                record(
                    orders[8].value,
                    .committed(
                        .transaction(TransactionEffects(id: TransactionID(1), logID: LogID(1)))
                    ),
                    idempotency: digest,
                    batch: BatchClaim(digest: digest, position: 2, count: 300)
                )
            ),
            Sample(
                "tx that claims the key of the largest batch at its end",
                record(
                    orders[8].value,
                    .committed(
                        .transaction(TransactionEffects(id: TransactionID(1), logID: LogID(1)))
                    ),
                    idempotency: digest,
                    batch: BatchClaim(digest: digest, position: 8_188, count: 8_189)
                )
            ),
            Sample(
                "largest numbers",
                Record(
                    index: RecordIndex(UInt64(Int64.max)),
                    book: .system,
                    sequence: BookSequence(UInt64(Int64.max)),
                    previous: .zero,
                    time: Instant(microseconds: UInt64(Int64.max)),
                    idempotency: nil,
                    salt: Salt(.max, .max),
                    order: .deleteBook,
                    outcome: .committed(.recorded)
                )
            ),
        ]

    static func record(
        _ order: Order,
        _ outcome: Outcome,
        idempotency: Digest? = nil,
        actor: Text? = nil,
        group: GroupPosition? = nil,
        batch: BatchClaim? = nil
    ) -> Record {
        Record(
            index: RecordIndex(5),
            book: book,
            sequence: BookSequence(2),
            previous: digest,
            time: Instant(microseconds: 1_790_000_000_000_250),
            idempotency: idempotency,
            salt: salt,
            order: order,
            outcome: outcome,
            actor: actor,
            group: group,
            batch: batch
        )
    }
}
