// SPDX-License-Identifier: Apache-2.0
//
// What our own reads share: wait for a record, find a book, refuse unknown members. May import
// TallyCodec and TallyViews.

import TallyCodec
import TallyTypes
import TallyViews

extension Call {
    /// Waits for the record that `minIndex` names, if it is given.
    ///
    /// - Throws: ``Problem`` 503 when the views have not folded it in time.
    func awaitRecord() async throws {
        guard let wanted = try unsigned("minIndex") else { return }
        guard await node.folded(RecordIndex(wanted)) else { throw Problem.viewsBehind }
    }

    /// The live book in the path, for a read.
    ///
    /// - Throws: ``Problem`` `LEDGER_NOT_FOUND`, `VALIDATION` for one of another kind.
    func book(_ kind: BookKind? = nil) async throws -> BookSummary {
        try await awaitRecord()
        let live = try await bookToWrite(kind)
        guard let book = try await summary(of: live) else { throw Problem.ledgerNotFound }
        return book
    }

    /// The live book in the path, for a write; waits for no view.
    ///
    /// - Throws: ``Problem`` `LEDGER_NOT_FOUND`, `VALIDATION` for one of another kind; ``Busy``.
    func bookToWrite(_ kind: BookKind? = nil) async throws -> LiveBook {
        guard let book = try await liveBook(try parameter("book")) else {
            throw Problem.ledgerNotFound
        }
        guard let kind, book.kind != kind else { return book }
        throw Problem(Refusal.bookKind(expected: kind, found: book.kind))
    }

    /// The instant in a parameter of the query; nil when it is not given.
    ///
    /// - Throws: ``Malformed`` when it is no time, or one before 1970.
    func instant(_ name: String) throws(Malformed) -> Instant? {
        guard let time = try time(name) else { return nil }
        guard let microseconds = UInt64(exactly: time.microseconds) else {
            throw Malformed("before 1970", field: name)
        }
        return Instant(microseconds: microseconds)
    }

    /// The limit of a list that is not paged by cursor.
    ///
    /// - Throws: ``Malformed`` when it is no number from 1 to 1,000.
    func limit(standard: Int = 100) throws(Malformed) -> Int {
        guard let limit = try unsigned("limit") else { return standard }
        guard limit >= 1, limit <= 1_000 else {
            throw Malformed("not within 1 to 1000", field: "limit")
        }
        return Int(limit)
    }
}

extension JSONFields {
    /// Refuses members that nobody reads: our own routes drop nothing silently.
    ///
    /// - Throws: ``Malformed`` naming the first of them.
    func refuseUnknown(_ known: Set<String>) throws(Malformed) {
        for member in object.members where !known.contains(member.key.string) {
            throw Malformed(
                "unknown member",
                field: ClientText.quoted(member.key.string),
                offset: member.offset
            )
        }
    }
}
