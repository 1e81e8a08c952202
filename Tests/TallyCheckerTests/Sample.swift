// SPDX-License-Identifier: Apache-2.0
//
// One valid history with every kind of order, every refusal but those for size, groups and a batch.
// Outcomes are written by hand from the rules. Called by the tests of this folder only.

import TallyCodec
import TallyProof
import TallyTypes

enum Sample {
    static let batchDigest = Digest(9, 9, 9, 9)
    static let batchKey = StateKey.idempotency(
        Books.money,
        IdempotencyHash.of(book: Books.money, key: "batch")
    )

    static let history = History(books + money + moneyRules + journal + groups + batch + ending)

    /// The record that claims the key of the batch: the second of its four.
    static let claimer = history.lines.firstIndex { $0.batch != nil } ?? 0

    /// The history with everything that an honest ledger stores about it.
    static var stored: Stored {
        let row = IdempotencyRow(
            digest: batchDigest,
            record: RecordIndex(UInt64(claimer - 1)),
            count: 4
        )
        return Stored(history, batches: [batchKey: row])
    }

    private static let books = [
        Books.makeMoney, Books.makeNotes,
        Line(
            .system,
            .createBook(CreateBook(name: bookName("money"), kind: .journal)),
            .refused(.bookExists(name: "money"))
        ),
        Line(.system, .setConfiguration(entriesPerGeneration: 16), .committed(.recorded)),
        Line(
            .system,
            .changeLogKey(LogKeyChange(action: .introduce, publicKey: Digest(1, 2, 3, 4))),
            .committed(.recorded)
        ),
        Line(
            .system,
            .createLedger(CreateLedger(origin: "other", entriesPerGeneration: 4)),
            .refused(.ledgerExists)
        ),
        Line(
            .system,
            .createTransaction(CreateTransaction(postings: [posting("world", "a", 1)])),
            .refused(.bookNotFound(name: "nobody"))
        ),
    ]

    private static let tier = AccountMetadata(
        account: account("alice"),
        metadata: map([("tier", "gold")])
    )

    private static let money = [
        pay(
            [posting("world", "alice", 100)],
            transaction(1, log: 1),
            reference: "r1",
            timestamp: BusinessTime(microseconds: 1_234),
            metadata: map([("k", "v")]),
            accounts: [tier],
            key: "k1"
        ),
        pay([posting("alice", "bob", 30), posting("bob", "carol", 30)], transaction(2, log: 2)),
        pay([posting("alice", "bob", 71)], poor("alice", needs: 71, has: 70)),
        pay(
            [posting("world", "bob", 1)],
            .refused(.referenceConflict(reference: "r1")),
            reference: "r1"
        ),
        pay([posting("alice", "alice", 70)], transaction(3, log: 3)),
        pay([posting("bob", "dave", 5)], transaction(4, log: 4), isForced: true),
        pay([posting("bob", "dave", 1)], poor("bob", needs: 1, has: 0)),
        revert(2, poor("bob", needs: 30, has: 0)),
        revert(
            2,
            transaction(5, log: 5, [posting("carol", "bob", 30), posting("bob", "alice", 30)]),
            isForced: true
        ),
        revert(2, .refused(.alreadyReverted(TransactionID(2)))),
        revert(99, .refused(.transactionNotFound(TransactionID(99)))),
        revert(
            1,
            transaction(
                6,
                log: 6,
                [posting("alice", "world", 100)],
                at: BusinessTime(microseconds: 1_234)
            ),
            isDated: true
        ),
        revert(
            6,
            transaction(7, log: 7, [posting("world", "alice", 100)]),
            metadata: map([("x", "y")])
        ),
    ]

    private static let moneyRules = [
        Line(
            Books.money,
            .setTransactionMetadata(TransactionID(1), map([("a", "b")])),
            logged(8)
        ),
        Line(Books.money, .deleteTransactionMetadata(TransactionID(1), key: "k"), logged(9)),
        Line(
            Books.money,
            .deleteTransactionMetadata(TransactionID(1), key: "k"),
            .refused(.metadataNotFound(key: "k"))
        ),
        Line(
            Books.money,
            .setTransactionMetadata(TransactionID(0), map([("a", "b")])),
            .refused(.transactionNotFound(TransactionID(0)))
        ),
        Line(
            Books.money,
            .deleteTransactionMetadata(TransactionID(5), key: TransactionBody.revertsKey),
            logged(10)
        ),
        Line(Books.money, .setAccountMetadata(account("bob"), map([("c", "d")])), logged(11)),
        Line(Books.money, .deleteAccountMetadata(account("bob"), key: "none"), logged(12)),
        Line(Books.money, .deleteAccountMetadata(account("alice"), key: "tier"), logged(13)),
        Line(Books.money, .setBookMetadata(map([("p", "q")])), .committed(.recorded)),
        Line(Books.money, .deleteBookMetadata(key: "m"), .committed(.recorded)),
        Line(
            Books.money,
            event("*", .insert, .committed(.recorded)).order,
            .refused(.bookKind(expected: .journal, found: .accounts))
        ),
        pay([posting("world", "vault", .max, asset("GOLD"))], transaction(8, log: 14)),
        pay(
            [posting("world", "vault", Amount(1), asset("GOLD"))],
            .refused(.amountOverflow(account: .world, asset: asset("GOLD")))
        ),
        pay(
            [posting("bob", "vault", .max, asset("GOLD"))],
            .refused(.amountOverflow(account: account("vault"), asset: asset("GOLD"))),
            isForced: true
        ),
        pay(
            [posting("world", "erin", 1)],
            .refused(.idempotencyConflict)
        ),
    ]

    private static let journal = [
        event("*", .insert, new: #"{"b":"x","a":1}"#),
        event("a", .update, old: "1.0", new: "2", expects: true),
        event("a", .update, old: "1", new: "3", expects: true, .refused(.oldValueMismatch)),
        event("*", .insert, new: "[1]", .refused(.entityNotObject)),
        event("b", .delete),
        event("c", .insert, new: "null"),
        event("c", .update),
        event("*", .ingest, new: "[1]"),
        event("*", .update, old: #"{"a":2e0}"#, new: "{}", expects: true),
        event("*", .delete, old: "{}", expects: true),
        event("a", .delete),
        event("*", .delete, old: "{}", expects: true, .refused(.oldValueMismatch)),
        event("d", .update, new: #"{"e":[0.10]}"#, expects: true),
    ]

    private static let groups = [
        pay([posting("world", "fay", 10)], transaction(9, log: 15), group: (0, of: 2)),
        pay([posting("fay", "gus", 10)], transaction(10, log: 16), group: (1, of: 2)),
        pay(
            [posting("gus", "fay", 10)],
            .refused(.groupRolledBack(by: 1)),
            group: (0, of: 3)
        ),
        pay([posting("gus", "fay", 1)], poor("gus", needs: 1, has: 0), group: (1, of: 3)),
        pay([posting("world", "gus", 1)], .refused(.groupRolledBack(by: 1)), group: (2, of: 3)),
        Line(
            .system,
            .createBook(CreateBook(name: bookName("temp"), kind: .accounts)),
            .refused(.groupRolledBack(by: 1)),
            group: (0, of: 2)
        ),
        pay(
            [posting("gus", "fay", 7)],
            poor("gus", needs: 7, has: 0),
            in: .system,
            group: (1, of: 2)
        ),
        Line(
            .system,
            .createBook(CreateBook(name: bookName("gone"), kind: .accounts)),
            .committed(.bookCreated(Books.gone)),
            group: (0, of: 2)
        ),
        pay(
            [posting("world", "a", 1)],
            transaction(1, log: 1),
            in: Books.gone,
            group: (1, of: 2)
        ),
    ]

    private static let batch = [
        pay([posting("hal", "ida", 1)], poor("hal", needs: 1, has: 0)),
        pay(
            [posting("world", "hal", 1)],
            transaction(11, log: 17),
            key: "batch",
            batch: BatchClaim(digest: batchDigest, position: 1, count: 4)
        ),
        pay([posting("hal", "ida", 2)], poor("hal", needs: 2, has: 1)),
        pay([posting("hal", "ida", 1)], transaction(12, log: 18)),
    ]

    private static let ending = [
        Line(Books.gone, .deleteBook, .committed(.recorded), actor: "ann"),
        pay([posting("world", "a", 1)], .refused(.bookDeleted), in: Books.gone),
        Line(
            .system,
            .createBook(CreateBook(name: bookName("gone"), kind: .accounts)),
            .refused(.bookExists(name: "gone"))
        ),
        Line(.system, .sealLog(foundingSeal), .committed(.recorded)),
        Line(
            .system,
            .sealLog(
                LogSeal(
                    size: 1 << 40,
                    stateDigest: foundingSeal.stateDigest,
                    balances: foundingSeal.balances,
                    heads: foundingSeal.heads
                )
            ),
            .refused(.sealBeyondLedger(size: 1 << 40))
        ),
        Line(.system, .succeedLog(succession(to: "test.example/next")), .committed(.recorded)),
        Line(
            .system,
            .succeedLog(succession(to: "test.example/next")),
            .refused(.ledgerExists)
        ),
    ]

    private static func succession(to origin: Text) -> LogSuccession {
        LogSuccession(origin: origin, lastSize: 100, lastRoot: Digest(1, 1, 1, 1), lastNote: nil)
    }

    /// The sizes that the seals of the history speak of.
    static let sealSizes: Set<UInt64> = [1]

    /// What a seal says after the first record: one row, that of the system book.
    ///
    /// Hashed here by hand; the chain's head is the leaf of the first record.
    static let foundingSeal: LogSeal = {
        let founded = History([])
        let leaf = Hashing.leaf(founded.bytes[0])
        let row = StateCodec.encodeValue(
            .book(
                BookRow(
                    kind: .system,
                    configuration: BookConfiguration(bucket: "_default", features: .empty),
                    isDeleted: false,
                    nextSequence: BookSequence(1),
                    head: leaf,
                    nextTransaction: TransactionID(1),
                    nextLog: LogID(1)
                )
            )
        )
        let key = [1, 1] + [UInt8](repeating: 0, count: 16)
        var scalars = LedgerScalars(entriesPerGeneration: 8)
        scalars.origin = History.origin
        scalars.nextRecord = RecordIndex(1)
        scalars.lastTime = History.time(0)
        let encoded = StateCodec.encodeScalars(scalars)
        let framed = [0, 0, 0, UInt8(key.count)] + key + [0, 0, 0, UInt8(row.count)] + row
        let end = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, UInt8(encoded.count)] + encoded
        return LogSeal(
            size: 1,
            stateDigest: Hashing.sha256(framed + end),
            balances: SealedRows(count: 0, root: CompactRange.emptyRoot),
            heads: SealedRows(count: 1, root: Hashing.sha256([0] + framed))
        )
    }()
}
