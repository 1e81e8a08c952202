// SPDX-License-Identifier: Apache-2.0
//
// From the name in a path to a live accounts book. A name that no book has is answered 404 here,
// before anything is submitted: the kernel would refuse it too, but that refusal would be a record,
// and records of names that anybody types are no evidence of anything. May import TallyViews.

import TallyTypes
import TallyViews

extension Call {
    /// Waits until the views show everything that was acknowledged before this request.
    ///
    /// - Throws: ``Problem`` 503 when they do not in time.
    func caughtUp() async throws {
        guard await node.caughtUp() else { throw Problem.viewsBehind }
    }

    /// The live accounts book in the path, for a read that shows every acknowledged write.
    ///
    /// - Throws: ``Problem`` `LEDGER_NOT_FOUND`.
    func ledger() async throws -> BookSummary {
        try await caughtUp()
        guard let book = try await knownLedger() else { throw Problem.ledgerNotFound }
        return book
    }

    /// The live accounts book in the path, for a write; waits for the views only when they miss it.
    ///
    /// - Throws: ``Problem`` `LEDGER_NOT_FOUND`.
    func ledgerToWrite() async throws -> BookSummary {
        if let book = try await knownLedger() { return book }
        return try await ledger()
    }

    /// The book with a name in the path, of any kind and live, as far as the views have come.
    func knownBook(_ name: String) async throws -> BookSummary? {
        guard let name = BookName(name),
            let book = try await node.views.book(named: name), book.isLive
        else { return nil }
        return book
    }

    private func knownLedger() async throws -> BookSummary? {
        guard let book = try await knownBook(try parameter("ledger")), book.kind == .accounts
        else { return nil }
        return book
    }
}
