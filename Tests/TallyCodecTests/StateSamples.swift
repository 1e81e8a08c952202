// SPDX-License-Identifier: Apache-2.0
//
// Keys and rows of every kind. The golden file holds their bytes; the fuzz tests start from them.
// Called by the state tests only.

import TallyTypes

enum StateSamples {
    private static let book = RecordSamples.book
    private static let digest = RecordSamples.digest

    static let keys: [Sample<StateKey>] = [
        Sample("book", .book(book)),
        Sample("book, system", .book(.system)),
        Sample("bookName", .bookName(need(BookName("main")))),
        Sample("volume", .volume(book, RecordSamples.usd, RecordSamples.alice)),
        Sample(
            "accountMetadata",
            .accountMetadata(book, RecordSamples.world, key: "tier")
        ),
        Sample(
            "accountMetadata, any text",
            .accountMetadata(book, RecordSamples.alice, key: RecordSamples.decomposed)
        ),
        Sample("transactionState", .transactionState(book, TransactionID(258))),
        Sample("reference", .reference(book, "invoice 17")),
        Sample("idempotency", .idempotency(book, digest)),
        Sample("bookMetadata", .bookMetadata(book, key: "")),
        Sample("entity", .entity(book, type: "case", id: "17")),
        Sample("entity, empty parts", .entity(book, type: "", id: "")),
    ]

    static let rows: [Sample<(StateKeyKind, StateValue)>] = [
        Sample(
            "book, new",
            (
                .book,
                .book(
                    BookRow(
                        kind: .accounts,
                        configuration: BookConfiguration(bucket: "_default", features: .empty),
                        head: digest
                    )
                )
            )
        ),
        Sample(
            "book, deleted",
            (
                .book,
                .book(
                    BookRow(
                        kind: .journal,
                        configuration: BookConfiguration(
                            bucket: "b",
                            features: RecordSamples.metadata(("HASH_LOGS", "SYNC"))
                        ),
                        isDeleted: true,
                        nextSequence: BookSequence(300),
                        head: digest,
                        nextTransaction: TransactionID(17),
                        nextLog: LogID(65_536)
                    )
                )
            )
        ),
        Sample("bookName", (.bookName, .bookName(book))),
        Sample("volume, zero", (.volume, .volume(.zero))),
        Sample(
            "volume",
            (.volume, .volume(Volume(input: Amount(200), output: Amount(50))))
        ),
        Sample("volume, largest", (.volume, .volume(Volume(input: .max, output: .max)))),
        Sample("accountMetadata", (.accountMetadata, .text("gold"))),
        Sample("bookMetadata", (.bookMetadata, .text(RecordSamples.decomposed))),
        Sample(
            "transactionState, reverted",
            (.transactionState, .transactionState(TransactionState(revertedBy: TransactionID(9))))
        ),
        Sample(
            "transactionState, metadata",
            (.transactionState, .transactionState(TransactionState(metadata: .empty)))
        ),
        Sample(
            "transactionState, both",
            (
                .transactionState,
                .transactionState(
                    TransactionState(
                        revertedBy: TransactionID(9),
                        metadata: RecordSamples.metadata(("a", "1"), ("b", "2"))
                    )
                )
            )
        ),
        Sample("reference", (.reference, .reference(TransactionID(17)))),
        Sample(
            "idempotency",
            (.idempotency, .idempotency(IdempotencyRow(digest: digest, record: RecordIndex(5))))
        ),
        Sample(
            "idempotency of a batch",
            (
                .idempotency,
                .idempotency(
                    IdempotencyRow(digest: digest, record: RecordIndex(5), count: 8_189)
                )
            )
        ),
        Sample("entity, no fields", (.entity, .entity(EntityState()))),
        Sample(
            "entity",
            (
                .entity,
                .entity(
                    EntityState(fields: [
                        EntityState.Field(name: "a", value: JSONText("1")),
                        EntityState.Field(name: "title", value: JSONText("\"x\"")),
                    ])
                )
            )
        ),
    ]

    static let scalars: [Sample<LedgerScalars>] = [
        Sample("before the first record", LedgerScalars()),
        Sample(
            "later",
            LedgerScalars(
                nextRecord: RecordIndex(1_000_000),
                lastTime: Instant(microseconds: 1_790_000_000_000_250),
                epoch: Epoch(2),
                entriesPerGeneration: 64,
                origin: "ledger.example/tallystick"
            )
        ),
    ]
}
