// SPDX-License-Identifier: Apache-2.0
//
// The row of a batch's key follows exactly from the record that claims it.

import TallyChecker
import TallyCodec
import TallyProof
import TallyTypes
import Testing

@Suite("Checker: rows of batches")
struct BatchRowTests {
    private static let digest = Digest(9, 9, 9, 9)
    /// Record 5 claims a batch of the records 4 to 6; 3 could be one of it as well.
    private static let history = History([
        Books.makeMoney, pay([posting("world", "a", 1)], transaction(1, log: 1)),
        pay([posting("b", "c", 1)], poor("b", needs: 1, has: 0)),
        pay([posting("b", "c", 2)], poor("b", needs: 2, has: 0)),
        pay(
            [posting("a", "b", 1)],
            transaction(2, log: 2),
            key: "batch",
            batch: BatchClaim(digest: digest, position: 1, count: 3)
        ),
        pay([posting("b", "c", 2)], poor("b", needs: 2, has: 1)),
        Line(Books.money, .setBookMetadata(map([("k", "v")])), .committed(.recorded)),
    ])
    private static let key = StateKey.idempotency(
        Books.money,
        IdempotencyHash.of(book: Books.money, key: "batch")
    )
    private static let right = IdempotencyRow(digest: digest, record: RecordIndex(4), count: 3)

    private func stored(_ row: IdempotencyRow) -> Stored {
        Stored(BatchRowTests.history, batches: [BatchRowTests.key: row])
    }

    @Test("the right row passes, and records alone give the digest of the state")
    func right() {
        let stored = stored(BatchRowTests.right)
        let report = stored.verified()
        #expect(report.exitCode == 0, "\(report.lines)")
        var checker = Checker(heads: [])
        for record in stored.records { checker.feed(record, offset: 0) }
        #expect(checker.rows()[BatchRowTests.key] == .idempotency(BatchRowTests.right))
        #expect(checker.stateDigest() == stored.digest)
    }

    @Test(
        "any other first record or count is refuted, the digest of the state too",
        arguments: [(3, 3), (5, 3), (4, 2), (4, 4), (3, 4), (5, 2), (4, 1), (0, 3)]
    )
    func wrong(first: UInt64, count: UInt64) {
        let report = stored(
            IdempotencyRow(
                digest: BatchRowTests.digest,
                record: RecordIndex(first),
                count: count
            )
        ).verified()
        #expect(report.reason("rows") == .projection)
        #expect(report.reason("digest") == .stateDigest)
    }

    @Test("the digest follows when the book of a batch's key is deleted, with its rows or not")
    func deleted() {
        var history = BatchRowTests.history
        history.lines.append(Line(Books.money, .deleteBook, .committed(.recorded)))
        var stored = Stored(history)
        #expect(stored.rows.contains { $0.key == StateCodec.encodeKey(BatchRowTests.key) })
        for _ in 0..<2 {
            let report = stored.verified()
            #expect(report.verdict("digest") == .ok, "\(report.lines)")
            var checker = Checker(heads: [])
            for record in stored.records { checker.feed(record, offset: 0) }
            #expect(checker.stateDigest() == stored.digest)
            // As the janitor leaves them.
            stored.rows.removeAll { row in
                BookID(row.key[2..<18]) == Books.money && row.key[1] != StateKeyKind.book.rawValue
            }
        }
    }

    @Test("another digest is refuted")
    func digest() {
        let other = IdempotencyRow(digest: .zero, record: RecordIndex(4), count: 3)
        #expect(stored(other).verified().reason("rows") == .projection)
    }

    @Test("bytes that are no row are refuted")
    func noRow() {
        var stored = stored(BatchRowTests.right)
        let bytes = StateCodec.encodeKey(BatchRowTests.key)
        guard let at = stored.rows.firstIndex(where: { $0.key == bytes }) else {
            Issue.record("the row of the batch is missing")
            return
        }
        stored.rows[at] = StoredRow(key: bytes, value: [0xFF])
        #expect(stored.verified().reason("rows") == .projection)
    }
}
