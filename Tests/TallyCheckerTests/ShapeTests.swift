// SPDX-License-Identifier: Apache-2.0
//
// Histories whose records are well formed but do not go together: keys, groups, batches, books.

import TallyChecker
import TallyTypes
import Testing

/// A history that must be refuted, by which check, why, and at which record.
struct ShapeCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let check: String
    let reason: Reason
    let index: UInt64
    let lines: [Line]

    init(_ name: String, _ check: String, _ reason: Reason, _ index: UInt64, _ lines: [Line]) {
        testDescription = name
        self.check = check
        self.reason = reason
        self.index = index
        self.lines = lines
    }
}

private func give(
    _ id: UInt64,
    key: Text? = nil,
    group: (UInt64, of: UInt64)? = nil,
    batch: (UInt64, of: UInt64)? = nil
) -> Line {
    let batch = batch.map { BatchClaim(digest: digest, position: $0.0, count: $0.of) }
    return pay(
        [posting("world", "a", 1)],
        transaction(id, log: id),
        key: key,
        group: group,
        batch: batch
    )
}

private func rolledBack(by position: UInt64, group: (UInt64, of: UInt64)) -> Line {
    pay([posting("world", "a", 1)], .refused(.groupRolledBack(by: position)), group: group)
}

private func refused(group: (UInt64, of: UInt64)? = nil, key: Text? = nil) -> Line {
    pay([posting("b", "a", 1)], poor("b", needs: 1, has: 0), key: key, group: group)
}

private let digest = Digest(1, 1, 1, 1)

private let cases: [ShapeCase] = [
    ShapeCase(
        "a key claimed twice",
        "idempotency",
        .idempotency,
        3,
        [
            give(1, key: "k"), give(2, key: "k"),
        ]
    ),
    ShapeCase("a refused record with a key", "records", .recordShape, 2, [refused(key: "k")]),
    ShapeCase(
        "a batch digest without a key",
        "records",
        .recordShape,
        2,
        [
            give(1, batch: (0, of: 1))
        ]
    ),
    ShapeCase(
        "a batch digest in a group",
        "records",
        .recordShape,
        2,
        [
            give(1, key: "k", group: (0, of: 2), batch: (0, of: 1)),
            give(2, group: (1, of: 2)),
        ]
    ),
    ShapeCase(
        "a batch digest on an order that no batch has",
        "records",
        .recordShape,
        2,
        [
            Line(
                Books.money,
                .setBookMetadata(map([("k", "v")])),
                .committed(.recorded),
                key: "k",
                batch: BatchClaim(digest: digest, position: 0, count: 1)
            )
        ]
    ),
    ShapeCase(
        "a new book with a taken id",
        "outcomes",
        .outcome,
        2,
        [
            Line(
                .system,
                .createBook(CreateBook(name: bookName("b"), kind: .journal)),
                .committed(.bookCreated(Books.money))
            )
        ]
    ),
    ShapeCase(
        "a group that commits in part",
        "outcomes",
        .group,
        3,
        [
            give(1, group: (0, of: 2)), refused(group: (1, of: 2)),
        ]
    ),
    ShapeCase(
        "a group that is refused in part",
        "outcomes",
        .group,
        3,
        [
            refused(group: (0, of: 2)), give(1, group: (1, of: 2)),
        ]
    ),
    ShapeCase("a group without its beginning", "outcomes", .group, 2, [give(1, group: (1, of: 2))]),
    ShapeCase(
        "a group with a hole",
        "outcomes",
        .group,
        3,
        [
            give(1, group: (0, of: 3)), give(2, group: (2, of: 3)),
        ]
    ),
    ShapeCase(
        "a group without its end",
        "outcomes",
        .group,
        2,
        [
            give(1, group: (0, of: 2)), give(2),
        ]
    ),
    ShapeCase(
        "a group without its end at the end",
        "outcomes",
        .group,
        2,
        [
            give(1, group: (0, of: 2))
        ]
    ),
    ShapeCase(
        "a refused group without a reason",
        "outcomes",
        .group,
        2,
        [
            rolledBack(by: 1, group: (0, of: 2)), rolledBack(by: 0, group: (1, of: 2)),
        ]
    ),
    ShapeCase(
        "a refused group with two reasons",
        "outcomes",
        .group,
        2,
        [
            refused(group: (0, of: 2)), refused(group: (1, of: 2)),
        ]
    ),
    ShapeCase(
        "a refused group that blames another",
        "outcomes",
        .group,
        3,
        [
            refused(group: (0, of: 2)), rolledBack(by: 1, group: (1, of: 2)),
        ]
    ),
    ShapeCase(
        "a refused group whose first order would have been refused",
        "outcomes",
        .outcome,
        3,
        [
            pay([posting("c", "a", 1)], .refused(.groupRolledBack(by: 1)), group: (0, of: 2)),
            refused(group: (1, of: 2)),
        ]
    ),
    ShapeCase(
        "rolled back without a group",
        "outcomes",
        .outcome,
        2,
        [
            pay([posting("world", "a", 1)], .refused(.groupRolledBack(by: 0)))
        ]
    ),
    ShapeCase(
        "an unknown book that is known",
        "outcomes",
        .outcome,
        2,
        [
            pay([posting("world", "a", 1)], .refused(.bookNotFound(name: "money")), in: .system)
        ]
    ),
    ShapeCase(
        "an unknown book in a book",
        "outcomes",
        .outcome,
        2,
        [
            pay([posting("world", "a", 1)], .refused(.bookNotFound(name: "nobody")))
        ]
    ),
    ShapeCase(
        "an unknown book for an order of the system",
        "outcomes",
        .outcome,
        2,
        [
            Line(
                .system,
                .setConfiguration(entriesPerGeneration: 4),
                .refused(.bookNotFound(name: "nobody"))
            )
        ]
    ),
    ShapeCase(
        "an unknown book that no book can be",
        "outcomes",
        .outcome,
        2,
        [
            pay([posting("world", "a", 1)], .refused(.bookNotFound(name: "no/body")), in: .system)
        ]
    ),
]

private func claim(_ id: UInt64, _ key: Text, _ position: UInt64, of count: UInt64) -> Line {
    give(id, key: key, batch: (position, of: count))
}

private let note = Line(
    Books.money,
    .setBookMetadata(map([("k", "v")])),
    .committed(.recorded)
)
private let makeGone = Line(
    .system,
    .createBook(CreateBook(name: bookName("gone"), kind: .accounts)),
    .committed(.bookCreated(Books.gone))
)
private let twice = [posting("world", "a", 1), posting("world", "a", 1)]

private let batches: [ShapeCase] = [
    ShapeCase("a batch before record 0", "records", .recordShape, 2, [claim(1, "k", 3, of: 4)]),
    ShapeCase(
        "a batch digest on two postings",
        "records",
        .recordShape,
        2,
        [
            pay(
                twice,
                transaction(1, log: 1),
                key: "k",
                batch: BatchClaim(digest: digest, position: 0, count: 1)
            )
        ]
    ),
    ShapeCase(
        "a batch that begins in another book",
        "idempotency",
        .idempotency,
        4,
        [
            makeGone, pay([posting("b", "a", 1)], poor("b", needs: 1, has: 0), in: Books.gone),
            claim(1, "k", 1, of: 2),
        ]
    ),
    ShapeCase(
        "a batch that begins with a committed transfer",
        "idempotency",
        .idempotency,
        3,
        [give(1), claim(2, "k", 1, of: 2)]
    ),
    ShapeCase(
        "a batch that begins before a committed transfer",
        "idempotency",
        .idempotency,
        5,
        [refused(), give(1), refused(), claim(2, "k", 2, of: 3)]
    ),
    ShapeCase(
        "a batch that begins with no transfer",
        "idempotency",
        .idempotency,
        4,
        [note, refused(), claim(1, "k", 2, of: 3)]
    ),
    ShapeCase(
        "a batch that begins with two postings",
        "idempotency",
        .idempotency,
        3,
        [
            pay([posting("b", "a", 1), posting("b", "a", 1)], poor("b", needs: 1, has: 0)),
            claim(1, "k", 1, of: 2),
        ]
    ),
    ShapeCase(
        "a batch that begins in a group",
        "idempotency",
        .idempotency,
        4,
        [
            rolledBack(by: 1, group: (0, of: 2)), refused(group: (1, of: 2)),
            claim(1, "k", 1, of: 2),
        ]
    ),
    ShapeCase(
        "a batch that begins in another batch",
        "idempotency",
        .idempotency,
        4,
        [claim(1, "k", 0, of: 2), refused(), claim(2, "l", 1, of: 2)]
    ),
    ShapeCase(
        "a batch whose end a transfer of another book takes",
        "idempotency",
        .idempotency,
        4,
        [
            makeGone, claim(1, "k", 0, of: 2),
            pay([posting("world", "a", 1)], transaction(1, log: 1), in: Books.gone),
        ]
    ),
    ShapeCase(
        "a batch whose end no transfer takes",
        "idempotency",
        .idempotency,
        4,
        [claim(1, "k", 0, of: 3), refused(), note]
    ),
    ShapeCase(
        "a batch whose end claims another key",
        "idempotency",
        .idempotency,
        3,
        [claim(1, "k", 0, of: 2), give(2, key: "l")]
    ),
]

@Suite("Checker: what does not go together")
struct ShapeTests {
    @Test("is refuted for its reason", arguments: cases + batches)
    func shape(_ shape: ShapeCase) {
        let report = verify(History([Books.makeMoney] + shape.lines))
        #expect(report.reason(shape.check) == shape.reason, "\(report.lines)")
        #expect(report.finding(shape.check)?.index == RecordIndex(shape.index))
    }

    @Test("a history that does not begin with a ledger is refuted and not replayed")
    func noLedger() {
        var history = History([Books.makeMoney])
        history.lines.removeFirst()
        let report = verify(history)
        #expect(report.reason("records") == .ledger)
        #expect(report.verdict("outcomes") == .unchecked("the replay ended at record 0"))
    }

    @Test("a value that is not compact JSON is refuted", arguments: ["1 ", "{", "[1, 2]", ""])
    func json(value: String) {
        let report = verify(
            History([Books.makeNotes, event("a", .insert, new: Text(value))])
        )
        #expect(["records", "outcomes"].contains { report.reason($0) != nil })
        #expect(report.exitCode == 1)
    }

    @Test("batches may follow one another, and be cut off at the end")
    func neighbours() {
        let report = verify(
            History([
                Books.makeMoney, refused(), refused(), claim(1, "k", 2, of: 4), give(2),
                claim(3, "l", 0, of: 2), refused(), refused(), refused(),
                claim(4, "m", 1, of: 2), refused(), note, claim(5, "n", 0, of: 9), refused(),
            ])
        )
        #expect(report.recordsHold, "\(report.lines)")
    }

    @Test("where keys are claimed, groups may miss replayed orders, and a note tells of doubt")
    func replays() {
        let report = verify(
            History([
                Books.makeMoney, give(1, key: "k"), give(2, group: (0, of: 3)),
                give(3, group: (2, of: 3)), refused(group: (1, of: 2)),
                give(4, group: (0, of: 2)), refused(group: (1, of: 2)),
            ])
        )
        #expect(report.recordsHold, "\(report.lines)")
        #expect(report.notes == ["record 7 was taken to begin another group"])
    }
}
