// SPDX-License-Identifier: Apache-2.0
//
// The stored row of a batch's key must lie within the bounds that the records leave.

import TallyChecker
import TallyCodec
import TallyProof
import TallyTypes
import Testing

@Suite("Checker: rows of batches")
struct BatchRowTests {
    private static let digest = Digest(9, 9, 9, 9)
    /// Records 3 to 6 may be a batch that record 5 claims; 2 and 7 may not.
    private static let history = History([
        Books.makeMoney, pay([posting("world", "a", 1)], transaction(1, log: 1)),
        pay([posting("b", "c", 1)], poor("b", needs: 1, has: 0)),
        pay([posting("b", "c", 2)], poor("b", needs: 2, has: 0)),
        pay([posting("a", "b", 1)], transaction(2, log: 2), key: "batch", batch: digest),
        pay([posting("b", "c", 2)], poor("b", needs: 2, has: 1)),
        Line(Books.money, .setBookMetadata(map([("k", "v")])), .committed(.recorded)),
    ])
    private static let key = StateKey.idempotency(
        Books.money,
        IdempotencyHash.of(book: Books.money, key: "batch")
    )

    private func verified(_ row: IdempotencyRow) -> Report {
        Stored(BatchRowTests.history, batches: [BatchRowTests.key: row]).verified()
    }

    @Test("within the bounds it is believed", arguments: 3...5, 6...7)
    func inside(first: Int, end: Int) {
        let report = verified(
            IdempotencyRow(
                digest: BatchRowTests.digest,
                record: RecordIndex(UInt64(first)),
                count: UInt64(end - first)
            )
        )
        #expect(report.exitCode == 0, "\(report.lines)")
    }

    @Test(
        "outside it is refuted",
        arguments: [(2, 4), (3, 2), (3, 5), (6, 1), (0, 6), (5, 3), (3, 9_000)]
    )
    func outside(first: UInt64, count: UInt64) {
        let report = verified(
            IdempotencyRow(
                digest: BatchRowTests.digest,
                record: RecordIndex(first),
                count: count
            )
        )
        #expect(report.reason("rows") == .projection)
    }

    @Test("another digest is refuted")
    func values() {
        let other = IdempotencyRow(digest: .zero, record: RecordIndex(5), count: 1)
        #expect(verified(other).reason("rows") == .projection)
    }

    @Test("bytes that are no row are refuted")
    func noRow() {
        let row = IdempotencyRow(digest: BatchRowTests.digest, record: RecordIndex(5), count: 1)
        var stored = Stored(BatchRowTests.history, batches: [BatchRowTests.key: row])
        let bytes = StateCodec.encodeKey(BatchRowTests.key)
        guard let at = stored.rows.firstIndex(where: { $0.key == bytes }) else {
            Issue.record("the row of the batch is missing")
            return
        }
        stored.rows[at] = StoredRow(key: bytes, value: [0xFF])
        #expect(stored.verified().reason("rows") == .projection)
    }
}
