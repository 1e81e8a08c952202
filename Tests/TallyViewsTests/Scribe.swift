// SPDX-License-Identifier: Apache-2.0
//
// Writes records as a kernel would, and keeps beside them the dumbest model of what the views must
// say: arrays of everything that ever happened, summed anew for every question. Called by the tests
// of TallyViews.

import TestSupport
import TallyTypes
import TallyViews

typealias Record = TallyTypes.Record

/// Writes consecutive records and remembers what they mean.
struct Scribe {
    /// A transaction as the model remembers it.
    struct Made {
        var id: TransactionID
        var record: RecordIndex
        var log: LogID
        var postings: [Posting]
        var reference: Text?
        var timestamp: BusinessTime
        var insertedAt: Instant
        var updatedAt: Instant
        var birth: Metadata
        var changes: [(at: Instant, metadata: Metadata)] = []
        var revertedBy: TransactionID?
        var revertedAt: Instant?

        var metadata: Metadata { changes.last?.metadata ?? birth }
    }

    /// An account as the model remembers it.
    struct Seen {
        var firstUsage: BusinessTime
        var insertionDate: Instant
        var updatedAt: Instant
        var changes: [(at: Instant, metadata: Metadata)] = []

        var metadata: Metadata { changes.last?.metadata ?? .empty }
    }

    /// What the model knows of a book.
    struct Book {
        var kind: BookKind
        var sequence: UInt64 = 0
        var logs: [LogRow] = []
        var transactions: [Made] = []
        var accounts: [AccountAddress: Seen] = [:]
        var events: [(record: RecordIndex, time: Instant, event: JournalEvent)] = []
    }

    var records: [Record] = []
    var books: [BookID: Book] = [.system: Book(kind: .system)]
    private var time: UInt64 = 1_700_000_000_000_000

    init() {
        let order = CreateLedger(origin: "localhost/test", entriesPerGeneration: 8)
        write(.system, .createLedger(order), .committed(.recorded))
    }

    /// Appends a record.
    @discardableResult
    mutating func write(
        _ book: BookID,
        _ order: Order,
        _ outcome: Outcome,
        idempotency: Digest? = nil
    ) -> Record {
        time += 1_000
        let record = Record(
            index: RecordIndex(UInt64(records.count)),
            book: book,
            sequence: BookSequence(books[book, default: Book(kind: .system)].sequence),
            previous: .zero,
            time: Instant(microseconds: time),
            idempotency: idempotency,
            salt: Salt(0, 0),
            order: order,
            outcome: outcome
        )
        books[book]?.sequence += 1
        records.append(record)
        return record
    }

    /// Creates a book.
    @discardableResult
    mutating func makeBook(
        _ name: String,
        _ kind: BookKind = .accounts,
        metadata: Metadata = .empty
    ) throws -> BookID {
        let id = BookID(0xABCD, UInt64(books.count))
        let order = CreateBook(name: try bookName(name), kind: kind, metadata: metadata)
        write(.system, .createBook(order), .committed(.bookCreated(id)))
        books[id] = Book(kind: kind)
        return id
    }

    /// Commits a transaction.
    @discardableResult
    mutating func transact(
        _ book: BookID,
        _ order: CreateTransaction,
        idempotency: Digest? = nil
    ) -> TransactionID {
        let (id, log) = next(book)
        let effects = TransactionEffects(id: id, logID: log)
        let record = write(
            book,
            .createTransaction(order),
            .committed(.transaction(effects)),
            idempotency: idempotency
        )
        let timestamp = order.timestamp ?? BusinessTime(record.time)
        remember(
            book,
            Made(
                id: id,
                record: record.index,
                log: log,
                postings: order.postings,
                reference: order.reference,
                timestamp: timestamp,
                insertedAt: record.time,
                updatedAt: record.time,
                birth: order.metadata
            ),
            .newTransaction,
            record
        )
        for item in order.accountMetadata {
            change(book, item.account, timestamp, record) { $0.merging(item.metadata) }
        }
        return id
    }

    /// Commits the reversal of a transaction; the model does not ask whether it may be.
    mutating func revert(_ book: BookID, _ target: TransactionID, dated: Bool) {
        let (id, log) = next(book)
        let place = Int(target.rawValue) - 1
        guard let old = books[book]?.transactions[place] else { return }
        let postings = Array(old.postings.reversed().map(\.reversed))
        let order = RevertTransaction(
            transaction: target,
            isForced: true,
            isAtEffectiveDate: dated
        )
        let effects = TransactionEffects(
            id: id,
            logID: log,
            postings: postings,
            timestamp: dated ? old.timestamp : nil
        )
        let record = write(book, .revertTransaction(order), .committed(.transaction(effects)))
        var metadata = Metadata.empty
        metadata[TransactionBody.revertsKey] = Text(target.description)
        remember(
            book,
            Made(
                id: id,
                record: record.index,
                log: log,
                postings: postings,
                reference: nil,
                timestamp: dated ? old.timestamp : BusinessTime(record.time),
                insertedAt: record.time,
                updatedAt: record.time,
                birth: metadata
            ),
            .revertedTransaction,
            record
        )
        books[book]?.transactions[place].revertedBy = id
        books[book]?.transactions[place].revertedAt = record.time
        books[book]?.transactions[place].updatedAt = record.time
    }

    /// Commits a change of a transaction's metadata.
    mutating func setMetadata(_ book: BookID, _ id: TransactionID, _ metadata: Metadata) {
        let (_, log) = next(book)
        let record = write(
            book,
            .setTransactionMetadata(id, metadata),
            .committed(.logged(log))
        )
        changeTransaction(book, id, record) { $0.merging(metadata) }
        remember(book, log, .setMetadata, record)
    }

    /// Commits the removal of a key of a transaction's metadata.
    mutating func deleteMetadata(_ book: BookID, _ id: TransactionID, key: Text) {
        let (_, log) = next(book)
        let record = write(
            book,
            .deleteTransactionMetadata(id, key: key),
            .committed(.logged(log))
        )
        changeTransaction(book, id, record) {
            var metadata = $0
            metadata[key] = nil
            return metadata
        }
        remember(book, log, .deleteMetadata, record)
    }

    /// Commits a change of an account's metadata.
    mutating func setMetadata(_ book: BookID, _ account: AccountAddress, _ metadata: Metadata) {
        let (_, log) = next(book)
        let record = write(
            book,
            .setAccountMetadata(account, metadata),
            .committed(.logged(log))
        )
        change(book, account, BusinessTime(record.time), record) { $0.merging(metadata) }
        remember(book, log, .setMetadata, record)
    }

    /// Commits the removal of a key of an account's metadata.
    mutating func deleteMetadata(_ book: BookID, _ account: AccountAddress, key: Text) {
        let (_, log) = next(book)
        let record = write(
            book,
            .deleteAccountMetadata(account, key: key),
            .committed(.logged(log))
        )
        if let seen = books[book]?.accounts[account] {
            change(book, account, seen.firstUsage, record) {
                var metadata = $0
                metadata[key] = nil
                return metadata
            }
        }
        remember(book, log, .deleteMetadata, record)
    }

    /// Commits an event.
    mutating func record(_ book: BookID, _ event: JournalEvent) {
        let record = write(book, .recordEvent(event), .committed(.recorded))
        books[book]?.events.append((record.index, record.time, event))
    }

    private func next(_ book: BookID) -> (TransactionID, LogID) {
        let known = books[book] ?? Book(kind: .accounts)
        return (
            TransactionID(UInt64(known.transactions.count) + 1),
            LogID(UInt64(known.logs.count) + 1)
        )
    }

    private mutating func remember(
        _ book: BookID,
        _ made: Made,
        _ kind: LogKind,
        _ record: Record
    ) {
        books[book]?.transactions.append(made)
        for posting in made.postings {
            touch(book, posting.source, made.timestamp, record)
            touch(book, posting.destination, made.timestamp, record)
        }
        remember(book, made.log, kind, record)
    }

    private mutating func remember(
        _ book: BookID,
        _ log: LogID,
        _ kind: LogKind,
        _ record: Record
    ) {
        books[book]?.logs.append(
            LogRow(
                id: log,
                record: record.index,
                kind: kind,
                date: record.time,
                idempotency: record.idempotency
            )
        )
    }

    private mutating func touch(
        _ book: BookID,
        _ account: AccountAddress,
        _ time: BusinessTime,
        _ record: Record
    ) {
        guard var seen = books[book]?.accounts[account] else {
            books[book]?.accounts[account] = Seen(
                firstUsage: time,
                insertionDate: record.time,
                updatedAt: record.time
            )
            return
        }
        guard time < seen.firstUsage else { return }
        seen.firstUsage = time
        seen.updatedAt = record.time
        books[book]?.accounts[account] = seen
    }

    private mutating func change(
        _ book: BookID,
        _ account: AccountAddress,
        _ time: BusinessTime,
        _ record: Record,
        _ change: (Metadata) -> Metadata
    ) {
        touch(book, account, time, record)
        guard let seen = books[book]?.accounts[account] else { return }
        let metadata = change(seen.metadata)
        guard metadata != seen.metadata else { return }
        books[book]?.accounts[account]?.changes.append((record.time, metadata))
        books[book]?.accounts[account]?.updatedAt = record.time
    }

    private mutating func changeTransaction(
        _ book: BookID,
        _ id: TransactionID,
        _ record: Record,
        _ change: (Metadata) -> Metadata
    ) {
        let place = Int(id.rawValue) - 1
        guard let made = books[book]?.transactions[place] else { return }
        let metadata = change(made.metadata)
        guard metadata != made.metadata else { return }
        books[book]?.transactions[place].changes.append((record.time, metadata))
        books[book]?.transactions[place].updatedAt = record.time
    }
}

/// A word that tests wrote wrong.
struct BadWord: Error {
    let word: String
}

func bookName(_ text: String) throws -> BookName {
    guard let name = BookName(text) else { throw BadWord(word: text) }
    return name
}

func address(_ text: String) throws -> AccountAddress {
    guard let address = AccountAddress(text) else { throw BadWord(word: text) }
    return address
}

func asset(_ text: String) throws -> Asset {
    guard let asset = Asset(text) else { throw BadWord(word: text) }
    return asset
}

func posting(_ source: String, _ destination: String, _ amount: Amount, _ unit: String = "USD/2")
    throws -> Posting
{
    Posting(
        source: try address(source),
        destination: try address(destination),
        asset: try asset(unit),
        amount: amount
    )
}

func posting(_ source: String, _ destination: String, _ amount: UInt64) throws -> Posting {
    try posting(source, destination, Amount(UInt128(amount)))
}

func metadata(_ pairs: [String: String]) throws -> Metadata {
    var metadata = Metadata.empty
    for (key, value) in pairs { metadata[Text(key)] = Text(value) }
    return metadata
}
