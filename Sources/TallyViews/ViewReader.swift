// SPDX-License-Identifier: Apache-2.0
//
// The reads of all views: each takes one snapshot of one book's file, beside the writer and never
// in its way, on a thread of the connection and not the caller's. Whoever must read his own writes
// waits until `applied` has come far enough first. Imports GRDB; HTTP and the console call it, Node
// makes it with the store.

import GRDB
package import TallyTypes

/// The reads of the views of one data directory.
///
/// Every read throws ``ViewRefusal`` for a book that is not there or of another kind and for what
/// no index serves, ``Malformed`` for a text that is no cursor, ``ViewFault`` when the file fails.
package final class ViewReader: Sendable {
    let files: ViewFiles

    init(_ files: ViewFiles) {
        self.files = files
    }

    /// The number of book files open at this moment.
    package var openFiles: Int { files.openCount }

    /// The ledger as a whole.
    package func ledger() async throws -> LedgerSummary {
        try await files.system.read(BookReads.ledger)
    }

    /// The list of books.
    package func books(_ request: PageRequest<BookList>) async throws -> Page<BookSummary> {
        let start = try PageStart(request)
        return try await files.system.read { try BookReads.books($0, start) }
    }

    /// The book with a name, live or deleted; nil when there never was one.
    package func book(named name: BookName) async throws -> BookSummary? {
        try await files.system.read { try BookReads.book($0, named: name) }
    }

    /// The book with an id, live or deleted; nil when there never was one.
    package func book(_ id: BookID) async throws -> BookSummary? {
        try await files.system.read { try BookReads.book($0, id: id) }
    }

    /// How far the view of a book, or the system view, has come.
    package func applied(_ book: BookID) async throws -> AppliedPosition {
        guard let kind = files.kind(of: book) else { throw ViewRefusal.bookNotFound(book) }
        return try await files.reading(book, kind).read(FoldPosition.read)
    }

    /// Counts of an accounts book.
    package func stats(of book: BookID) async throws -> AccountsStats {
        try await accounts(book) { try AccountReads.stats($0) }
    }

    /// A transaction; nil when there is none with this number, or none yet at the point in time.
    ///
    /// - Parameters:
    ///   - id: Its number.
    ///   - book: Its book.
    ///   - expansion: The volumes wanted with it.
    ///   - pointInTime: Metadata and reversal are as they were at this time.
    /// - Returns: The transaction, or nil.
    /// - Throws: As every read of this type.
    package func transaction(
        _ id: TransactionID,
        in book: BookID,
        expansion: Expansion = .none,
        pointInTime: BusinessTime? = nil
    ) async throws -> TransactionRow? {
        try await accounts(book) {
            try TransactionReads.transaction($0, id, expansion, pointInTime)
        }
    }

    /// The list of transactions.
    package func transactions(
        in book: BookID,
        _ request: PageRequest<TransactionList>
    ) async throws -> Page<TransactionRow> {
        let start = try PageStart(request)
        return try await accounts(book) { try TransactionReads.list($0, start) }
    }

    /// The number of transactions, up to a point in time if one is given.
    package func transactionCount(
        in book: BookID,
        pointInTime: BusinessTime? = nil
    ) async throws -> UInt64 {
        try await accounts(book) { try TransactionReads.count($0, pointInTime) }
    }

    /// An account; nil when it was never used, or not yet at the point in time.
    ///
    /// - Parameters:
    ///   - address: Its address.
    ///   - book: Its book.
    ///   - expansion: The volumes wanted with it.
    ///   - pointInTime: Metadata and effective volumes are as they were at this time; volumes in
    ///     order of insertion are refused with it.
    /// - Returns: The account, or nil.
    /// - Throws: As every read of this type.
    package func account(
        _ address: AccountAddress,
        in book: BookID,
        expansion: Expansion = .none,
        pointInTime: BusinessTime? = nil
    ) async throws -> AccountRow? {
        try await accounts(book) {
            try AccountReads.account($0, address, expansion, pointInTime)
        }
    }

    /// The list of accounts.
    package func accounts(
        in book: BookID,
        _ request: PageRequest<AccountList>
    ) async throws -> Page<AccountRow> {
        let start = try PageStart(request)
        return try await accounts(book) { try AccountReads.list($0, start) }
    }

    /// The number of accounts, first used up to a point in time if one is given.
    package func accountCount(
        in book: BookID,
        pointInTime: BusinessTime? = nil
    ) async throws -> UInt64 {
        try await accounts(book) { try AccountReads.count($0, pointInTime) }
    }

    /// The list of volumes of all accounts.
    package func volumes(
        in book: BookID,
        _ request: PageRequest<VolumeList>
    ) async throws -> Page<AccountVolume> {
        let start = try PageStart(request)
        return try await accounts(book) { try VolumeReads.list($0, start) }
    }

    /// The balance of each asset over all accounts, by asset; assets used up to a point in time.
    package func balances(
        in book: BookID,
        pointInTime: BusinessTime? = nil
    ) async throws -> [AssetBalance] {
        try await accounts(book) { try VolumeReads.balances($0, pointInTime) }
    }

    /// The list of v2 logs.
    package func logs(
        in book: BookID,
        _ request: PageRequest<LogList>
    ) async throws -> Page<LogRow> {
        let start = try PageStart(request)
        return try await accounts(book) { try LogReads.list($0, start) }
    }

    /// The events of one entity of a journal, oldest first.
    package func history(in book: BookID, _ query: HistoryQuery) async throws -> EventPage {
        try await journal(book) { try JournalReads.history($0, query) }
    }

    /// The latest events of a journal, newest first.
    package func recent(in book: BookID, _ query: RecentQuery) async throws -> EventPage {
        try await journal(book) { try JournalReads.recent($0, query) }
    }

    /// The event at a position; nil when there is none.
    package func event(_ sequence: EventSequence, in book: BookID) async throws -> EventRow? {
        try await journal(book) { try JournalReads.event($0, "seq", sequence.rawValue) }
    }

    /// The event that a record holds; nil when the record holds none of this book.
    package func event(of record: RecordIndex, in book: BookID) async throws -> EventRow? {
        try await journal(book) { try JournalReads.event($0, "log_index", record.rawValue) }
    }

    /// The number of events of a journal.
    package func eventCount(in book: BookID) async throws -> UInt64 {
        try await journal(book) {
            UInt64(bitPattern: try scalar($0, "SELECT events FROM state WHERE id = 1"))
        }
    }

    private func accounts<Value: Sendable>(
        _ book: BookID,
        _ body: @Sendable @escaping (Database) throws -> Value
    ) async throws -> Value {
        try await files.reading(book, .accounts).read(body)
    }

    private func journal<Value: Sendable>(
        _ book: BookID,
        _ body: @Sendable @escaping (Database) throws -> Value
    ) async throws -> Value {
        try await files.reading(book, .journal).read(body)
    }
}
