// SPDX-License-Identifier: Apache-2.0
//
// From the name in a path to a live accounts book, as the kernel knows it. A name that no book has
// is answered 404 here, before anything is submitted: the kernel would refuse it too, but that
// refusal would be a record, and records of names that anybody types are no evidence of anything.
// May import TallyViews.

import TallyTypes
import TallyViews

extension Call {
    /// The live accounts book in the path, for a read that shows every write to it that was
    /// acknowledged before.
    ///
    /// - Throws: ``Problem`` `LEDGER_NOT_FOUND`.
    func ledger() async throws -> BookSummary {
        let live = try await ledgerToWrite()
        guard let book = try await summary(of: live) else { throw Problem.ledgerNotFound }
        return book
    }

    /// The live accounts book in the path, for a write; waits for no view.
    ///
    /// - Throws: ``Problem`` `LEDGER_NOT_FOUND`; ``Busy``.
    func ledgerToWrite() async throws -> LiveBook {
        guard let book = try await liveBook(try parameter("ledger")), book.kind == .accounts
        else { throw Problem.ledgerNotFound }
        return book
    }

    /// The live book of a name, of any kind.
    func liveBook(_ name: String) async throws -> LiveBook? {
        guard let name = BookName(name) else { return nil }
        return try await node.book(name)
    }

    /// What the views say of a book, once they have folded all of it; nil when it was deleted
    /// meanwhile.
    ///
    /// - Throws: ``Problem`` 503 when they do not in time.
    func summary(of book: LiveBook) async throws -> BookSummary? {
        try await caughtUp(with: book.id)
        guard let found = try await node.views.book(named: book.name), found.isLive,
            found.kind == book.kind
        else { return nil }
        return found
    }

    /// Waits until the views show every write to a book that was acknowledged before this request.
    ///
    /// - Throws: ``Problem`` 503 when they do not in time.
    func caughtUp(with book: BookID) async throws {
        guard await node.caughtUp(book) else { throw Problem.viewsBehind }
    }
}
