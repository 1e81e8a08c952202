// SPDX-License-Identifier: Apache-2.0
//
// One small history per rule, its outcomes written by hand: it verifies, and with any of its
// outcomes replaced by the opposite it does not.

import TallyChecker
import TallyCodec
import TallyProof
import TallyTypes
import Testing

/// A rule in words with a history that shows it.
struct RuleCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let lines: [Line]

    init(_ name: String, _ lines: [Line]) {
        testDescription = name
        self.lines = lines
    }
}

private let zero = Amount.zero

private let accounts: [RuleCase] = [
    RuleCase(
        "earlier postings fund later ones",
        [
            pay([posting("world", "a", 5), posting("a", "b", 5)], transaction(1, log: 1)),
            pay([posting("a", "b", 1), posting("world", "a", 1)], poor("a", needs: 1, has: 0)),
        ]
    ),
    RuleCase(
        "an amount of nothing needs nothing, not even of an account below zero",
        [
            pay([posting("a", "b", 5)], transaction(1, log: 1), isForced: true),
            pay([posting("a", "b", 0)], transaction(2, log: 2)),
        ]
    ),
    RuleCase(
        "funds are judged before the posting itself moves, also from an account to itself",
        [pay([posting("a", "a", 1)], poor("a", needs: 1, has: 0))]
    ),
    RuleCase(
        "a reference is judged before funds",
        [
            pay([posting("world", "a", 1)], transaction(1, log: 1), reference: "r"),
            pay(
                [posting("b", "a", 1)],
                .refused(.referenceConflict(reference: "r")),
                reference: "r"
            ),
        ]
    ),
    RuleCase(
        "a refused transaction leaves its reference free and burns no number",
        [
            pay([posting("b", "a", 1)], poor("b", needs: 1, has: 0), reference: "r"),
            pay([posting("world", "a", 1)], transaction(1, log: 1), reference: "r"),
        ]
    ),
    RuleCase(
        "a refused transaction takes back what its first postings moved",
        [
            pay([posting("world", "a", 5), posting("b", "a", 1)], poor("b", needs: 1, has: 0)),
            pay([posting("a", "b", 5)], poor("a", needs: 5, has: 0)),
        ]
    ),
    RuleCase(
        "assets are apart",
        [
            pay([posting("world", "a", 5)], transaction(1, log: 1)),
            pay(
                [posting("a", "b", Amount(1), asset("EUR/2"))],
                .refused(
                    .insufficientFunds(
                        account: account("a"),
                        asset: asset("EUR/2"),
                        needed: Amount(1),
                        available: zero
                    )
                )
            ),
        ]
    ),
    RuleCase(
        "an overflow of the source is named before one of the destination",
        [
            pay([posting("a", "b", .max, usd)], transaction(1, log: 1), isForced: true),
            pay(
                [posting("a", "b", 1)],
                .refused(.amountOverflow(account: account("a"), asset: usd)),
                isForced: true
            ),
            pay(
                [posting("c", "b", 1)],
                .refused(.amountOverflow(account: account("b"), asset: usd)),
                isForced: true
            ),
        ]
    ),
    RuleCase(
        "a revert passes through accounts that end where they began",
        [
            pay([posting("world", "a", 5), posting("a", "b", 5)], transaction(1, log: 1)),
            revert(1, transaction(2, log: 2, [posting("b", "a", 5), posting("a", "world", 5)])),
        ]
    ),
    RuleCase(
        "a revert needs the sum of what a source gives",
        [
            pay([posting("world", "a", 5), posting("world", "a", 6)], transaction(1, log: 1)),
            pay([posting("a", "b", 4)], transaction(2, log: 2)),
            revert(1, poor("a", needs: 11, has: 7)),
            revert(
                1,
                transaction(3, log: 3, [posting("a", "world", 6), posting("a", "world", 5)]),
                isForced: true
            ),
        ]
    ),
    RuleCase(
        "a revert of a source that ends below zero is refused",
        [
            pay([posting("c", "b", 9)], transaction(1, log: 1), isForced: true),
            pay(
                [posting("world", "b", 1), posting("b", "c", 2), posting("c", "b", 1)],
                transaction(2, log: 2),
                isForced: true
            ),
            pay([posting("b", "d", 8)], transaction(3, log: 3)),
            revert(2, poor("c", needs: 2, has: 0)),
        ]
    ),
    RuleCase(
        "a revert that would overflow is refused",
        [
            pay([posting("world", "a", 1)], transaction(1, log: 1)),
            pay([posting("c", "world", .max, usd)], transaction(2, log: 2), isForced: true),
            revert(1, .refused(.amountOverflow(account: .world, asset: usd)), isForced: true),
        ]
    ),
    RuleCase(
        "a revert at no date of its own takes the time of its record",
        [
            pay([posting("world", "a", 5)], transaction(1, log: 1)),
            revert(
                1,
                transaction(
                    2,
                    log: 2,
                    [posting("a", "world", 5)],
                    at: BusinessTime(History.time(3))
                ),
                isDated: true
            ),
        ]
    ),
    RuleCase(
        "metadata of a transaction is merged over that at birth",
        [
            pay([posting("world", "a", 1)], transaction(1, log: 1), metadata: map([("k", "v")])),
            Line(
                Books.money,
                .setTransactionMetadata(TransactionID(1), map([("l", "w")])),
                logged(2)
            ),
            Line(Books.money, .deleteTransactionMetadata(TransactionID(1), key: "k"), logged(3)),
            Line(
                Books.money,
                .deleteTransactionMetadata(TransactionID(1), key: "k"),
                .refused(.metadataNotFound(key: "k"))
            ),
            Line(Books.money, .setTransactionMetadata(TransactionID(1), .empty), logged(4)),
        ]
    ),
]

private let groups: [RuleCase] = [
    RuleCase(
        "a book and its first transaction in one group, refused as one",
        [
            Line(
                .system,
                .createBook(CreateBook(name: bookName("new"), kind: .accounts)),
                .refused(.groupRolledBack(by: 2)),
                group: (0, of: 3)
            ),
            pay(
                [posting("world", "a", 1)],
                .refused(.groupRolledBack(by: 2)),
                in: .system,
                group: (1, of: 3)
            ),
            pay(
                [posting("b", "a", 1)],
                poor("b", needs: 1, has: 0),
                in: .system,
                group: (2, of: 3)
            ),
            Line(
                .system,
                .createBook(CreateBook(name: bookName("new"), kind: .journal)),
                .committed(.bookCreated(Books.gone))
            ),
        ]
    ),
    RuleCase(
        "a book nobody knows refuses a group",
        [
            pay([posting("world", "a", 1)], .refused(.groupRolledBack(by: 1)), group: (0, of: 2)),
            pay(
                [posting("world", "a", 1)],
                .refused(.bookNotFound(name: "new")),
                in: .system,
                group: (1, of: 2)
            ),
        ]
    ),
    RuleCase(
        "groups side by side are apart",
        [
            pay([posting("world", "a", 1)], transaction(1, log: 1), group: (0, of: 2)),
            pay([posting("world", "a", 1)], transaction(2, log: 2), group: (1, of: 2)),
            pay([posting("a", "b", 2)], transaction(3, log: 3), group: (0, of: 2)),
            pay([posting("b", "c", 2)], transaction(4, log: 4), group: (1, of: 2)),
            pay([posting("b", "a", 1)], poor("b", needs: 1, has: 0), group: (0, of: 2)),
            pay([posting("c", "a", 1)], .refused(.groupRolledBack(by: 0)), group: (1, of: 2)),
        ]
    ),
    RuleCase(
        "an order of a refused group may have been a replay of an earlier one of it",
        [
            pay(
                [posting("world", "a", 1)],
                .refused(.groupRolledBack(by: 2)),
                reference: "r",
                group: (0, of: 3)
            ),
            pay(
                [posting("world", "a", 1)],
                .refused(.groupRolledBack(by: 2)),
                reference: "r",
                group: (1, of: 3)
            ),
            pay([posting("a", "b", 2)], poor("a", needs: 2, has: 1), group: (2, of: 3)),
        ]
    ),
]

private let books: [RuleCase] = [
    RuleCase(
        "a deleted book refuses before anything else is judged, and its name stays taken",
        [
            Line(Books.money, .deleteBook, .committed(.recorded)),
            event("*", .insert, .refused(.bookDeleted)).moved(to: Books.money),
            Line(Books.money, .deleteBook, .refused(.bookDeleted)),
            Line(
                .system,
                .createBook(CreateBook(name: bookName("money"), kind: .accounts)),
                .refused(.bookExists(name: "money"))
            ),
        ]
    ),
    RuleCase(
        "orders of the system are refused in other books",
        [
            Line(
                Books.money,
                .setConfiguration(entriesPerGeneration: 4),
                .refused(.bookKind(expected: .system, found: .accounts))
            ),
            Line(
                .system,
                .createTransaction(CreateTransaction(postings: [posting("a", "b", 1)])),
                .refused(.bookKind(expected: .accounts, found: .system))
            ),
            Line(
                Books.notes,
                .setAccountMetadata(account("a"), map([("k", "v")])),
                .refused(.bookKind(expected: .accounts, found: .journal))
            ),
            Line(Books.notes, .setBookMetadata(map([("k", "v")])), .committed(.recorded)),
        ]
    ),
]

private let big = Text("\"" + String(repeating: "x", count: 140_000) + "\"")
private let entityBytes = StateCodec.encodeValue(
    .entity(
        EntityState(
            fields: ["a", "b"].map {
                EntityState.Field(name: $0, value: JSONText(big))
            }
        )
    )
)

private let journals: [RuleCase] = [
    RuleCase(
        "an entity may not outgrow its row, and a refused event leaves it as it was",
        [
            event("a", .insert, new: big),
            event(
                "b",
                .insert,
                new: big,
                .refused(.entityTooLarge(bytes: UInt64(entityBytes.count)))
            ),
            event("b", .insert, new: "1"),
            event("a", .delete),
            event("c", .insert, new: big),
        ]
    ),
    RuleCase(
        "no object comes before no match, and no match before too large",
        [
            event("*", .insert, new: #"{"a":1}"#),
            event("*", .update, old: "{}", new: "1", expects: true, .refused(.entityNotObject)),
            event("a", .update, old: "2", new: big, expects: true, .refused(.oldValueMismatch)),
            event("a", .ingest, old: "2", expects: true, .refused(.oldValueMismatch)),
            event("a", .ingest, old: "1.00", new: big, expects: true),
            event("z", .insert, new: "1", expects: true),
        ]
    ),
]

extension Line {
    func moved(to book: BookID) -> Line {
        var line = self
        line.book = book
        return line
    }
}

@Suite("Checker: rules")
struct RuleTests {
    @Test(
        "the rule holds, and its opposite does not",
        arguments: accounts + groups + books + journals
    )
    func rule(_ rule: RuleCase) {
        let history = History([Books.makeMoney, Books.makeNotes] + rule.lines)
        let report = verify(history)
        #expect(report.recordsHold, "\(report.lines)")
        for index in 3..<history.lines.count {
            var opposite = history
            opposite.lines[index].outcome =
                history.records[index].isCommitted
                ? .refused(.oldValueMismatch) : .committed(.recorded)
            #expect(!verify(opposite).recordsHold, "line \(index)")
        }
    }

    @Test("what is too large for its record stands beside it, and is needed")
    func blobs() throws {
        let many = (0..<3_000).map { posting("world", "account-with-a-name:\($0)", 1) }
        let reversed = Array(many.reversed().map(\.reversed))
        let history = History([
            Books.makeMoney, pay(many, transaction(1, log: 1)),
            revert(1, transaction(2, log: 2, reversed)),
        ])
        #expect(history.blobs.count == 2)
        #expect(verify(history).recordsHold)
        for (reference, bytes) in history.blobs {
            let file = "blobs/\(reference.digest)"
            let missing = verify(history) { $0 == reference ? nil : history.blobs[$0] }
            #expect(missing.reason("records") == .blobMissing)
            #expect(missing.finding("records")?.file == file)
            for wrong in [bytes.dropLast() + [bytes[bytes.count - 1] ^ 1], bytes + [0]] {
                let other = verify(history) { $0 == reference ? wrong : history.blobs[$0] }
                #expect(other.reason("records") == .blobHash)
                #expect(other.finding("records")?.file == file)
            }
        }
        let none = verify(history) { _ in nil }
        #expect(none.finding("records")?.index == RecordIndex(2), "the first that is missing")
        #expect(none.verdict("outcomes") == .unchecked("the replay ended at record 2"))
    }

    @Test("no rule refuses a record for its size")
    func recordTooLarge() {
        let history = History([
            Books.makeMoney, pay([posting("world", "a", 1)], transaction(1, log: 1)),
            revert(1, .refused(.recordTooLarge(bytes: 600_000))),
        ])
        #expect(verify(history).reason("outcomes") == .outcome)
    }
}
