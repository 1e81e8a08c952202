// SPDX-License-Identifier: Apache-2.0
//
// Folds records of an accounts book into its view. A transfer between known accounts costs one row
// of transactions, one of logs and one of moves per account and asset; volumes, totals and counts
// are written once, at the end of the run, moves in the table's order. Numbers of accounts and
// assets are given in order of first use, so a view folded again has the same rows. Imports GRDB;
// ViewStore.swift calls it inside one transaction per run.

import GRDB
import TallyTypes

/// A fold of a run of records into the view of an accounts book.
struct AccountsFold: ~Copyable {
    let database: Database
    let cache: AccountsCache
    var accounts: Int64
    var assets: Int64
    var moveCount: Int64
    var touched: [Touch] = []
    var dirty: [Int] = []
    var moves: [Move] = []
    var logs: [LogRow] = []
    private var position: FoldPosition
    private var transactions: UInt64
    private let insertTransaction: PreparedStatement

    /// What one transaction did to one account and asset.
    struct Touch {
        /// The place of the volume in the cache.
        let place: Int
        /// What the account received.
        var input = Amount.zero
        /// What the account gave.
        var output = Amount.zero
    }

    /// A row of moves that is still to be written.
    struct Move {
        /// Its number.
        let id: Int64
        /// Whose volume moved.
        let key: VolumeKey
        /// The transaction.
        let transaction: TransactionID
        /// The business time.
        let time: BusinessTime
        /// The latest business time of this move and those of the same volume before it.
        let latest: BusinessTime
        /// The move of the same volume before it; 0 for none.
        let previous: Int64
        /// The volume after it.
        let volume: Volume
    }

    /// Starts where the file stands.
    init(_ database: Database, book: BookID, cache: AccountsCache) throws {
        let position = try FoldPosition(database, book: book)
        let count = try scalar(database, "SELECT transactions FROM state WHERE id = 1")
        let accounts = try scalar(database, "SELECT accounts FROM state WHERE id = 1")
        let assets = try scalar(database, "SELECT assets FROM state WHERE id = 1")
        let moveCount = try scalar(database, "SELECT moves FROM state WHERE id = 1")
        let insertTransaction = try PreparedStatement(
            database,
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?)"
        )
        self.database = database
        self.cache = cache
        self.position = position
        transactions = UInt64(bitPattern: count)
        self.accounts = accounts
        self.assets = assets
        self.moveCount = moveCount
        self.insertTransaction = insertTransaction
    }

    /// Folds one record; one that was folded before changes nothing.
    mutating func fold(_ record: Record) throws {
        guard try position.take(record) else { return }
        guard case .committed(let effects) = record.outcome else { return }
        switch record.order {
        case .createTransaction(let order):
            try create(order, try made(effects, record), record)
        case .revertTransaction(let order):
            try revert(order, try made(effects, record), record)
        case .setTransactionMetadata(let id, let metadata):
            try changeMetadata(of: id, record) { $0 = $0.merging(metadata) }
            log(try logID(effects, record), .setMetadata, record)
        case .deleteTransactionMetadata(let id, let key):
            try changeMetadata(of: id, record) { $0[key] = nil }
            log(try logID(effects, record), .deleteMetadata, record)
        case .setAccountMetadata(let account, let metadata):
            let time = BusinessTime(record.time)
            try setMetadata(of: account, metadata, firstUsage: time, record)
            log(try logID(effects, record), .setMetadata, record)
        case .deleteAccountMetadata(let account, let key):
            try removeMetadata(of: account, key: key, record)
            log(try logID(effects, record), .deleteMetadata, record)
        case .deleteBook, .setBookMetadata, .deleteBookMetadata:
            return  // rows of the system view
        case .createLedger, .createBook, .setConfiguration, .changeLogKey, .sealLog, .succeedLog,
            .recordEvent:
            throw contradiction(record, "\(record.order.kind.word) committed in an accounts book")
        }
    }

    /// Writes volumes, totals, counts and the position; the last step of the transaction.
    mutating func finish() throws {
        try writeLogs()
        try writeMoves()
        try writeVolumes()
        try writeAssets()
        let state = try PreparedStatement(
            database,
            """
            UPDATE state SET next_record = ?, next_sequence = ?, transactions = ?, accounts = ?,
            assets = ?, moves = ? WHERE id = 1
            """
        )
        try state.bind(1, number: position.applied.nextRecord.rawValue)
        try state.bind(2, number: position.applied.nextSequence.rawValue)
        try state.bind(3, number: transactions)
        try state.bind(4, accounts)
        try state.bind(5, assets)
        try state.bind(6, moveCount)
        try state.run()
    }

    /// The fault of a record that does not go with what was folded before it.
    func contradiction(_ record: Record, _ cause: String) -> ViewFault {
        ViewFault(.contradiction, subject: "record \(record.index)", cause: cause)
    }

    private mutating func create(
        _ order: CreateTransaction,
        _ made: TransactionEffects,
        _ record: Record
    ) throws {
        try insert(made, reference: order.reference, record)
        log(made.logID, .newTransaction, record)
        let time = order.timestamp ?? BusinessTime(record.time)
        for item in order.accountMetadata {
            try setMetadata(of: item.account, item.metadata, firstUsage: time, record)
        }
    }

    private mutating func revert(
        _ order: RevertTransaction,
        _ made: TransactionEffects,
        _ record: Record
    ) throws {
        try insert(made, reference: nil, record)
        log(made.logID, .revertedTransaction, record)
        let statement = try PreparedStatement(
            database,
            """
            UPDATE transactions SET reverted_by = ?, reverted_at = ?, updated_at = ?
            WHERE id = ? AND reverted_by IS NULL
            """
        )
        try statement.bind(1, number: made.id.rawValue)
        try statement.bind(2, number: record.time.microseconds)
        try statement.bind(3, number: record.time.microseconds)
        try statement.bind(4, number: order.transaction.rawValue)
        try statement.run()
        guard statement.changes == 1 else {
            throw contradiction(record, "transaction \(order.transaction) is not there to revert")
        }
    }

    private mutating func insert(
        _ made: TransactionEffects,
        reference: Text?,
        _ record: Record
    ) throws {
        guard let body = TransactionBody(record) else {
            throw contradiction(record, "a transaction without postings")
        }
        let postings = try move(body, record)
        let firstMove = moveCount + 1
        keepMoves(made.id, body.timestamp)
        try insertTransaction.bind(1, number: made.id.rawValue)
        try insertTransaction.bind(2, number: record.index.rawValue)
        try insertTransaction.bind(3, number: made.logID.rawValue)
        try insertTransaction.bind(4, body.timestamp.microseconds)
        try insertTransaction.bind(5, number: record.time.microseconds)
        try insertTransaction.bind(6, number: record.time.microseconds)
        try insertTransaction.bind(7, reference.map { .blob($0.utf8) } ?? .null)
        try insertTransaction.bind(8, blob: body.metadata.blob)
        try insertTransaction.bind(9, blob: postings)
        try insertTransaction.bind(10, firstMove)
        try insertTransaction.bind(11, Int64(touched.count))
        try insertTransaction.run()
        transactions += 1
    }

    private mutating func log(_ id: LogID, _ kind: LogKind, _ record: Record) {
        logs.append(
            LogRow(
                id: id,
                record: record.index,
                kind: kind,
                date: record.time,
                idempotency: record.idempotency
            )
        )
    }

    private func made(_ effects: Effects, _ record: Record) throws -> TransactionEffects {
        guard case .transaction(let made) = effects else {
            throw contradiction(record, "\(record.order.kind.word) without a transaction")
        }
        return made
    }

    private func logID(_ effects: Effects, _ record: Record) throws -> LogID {
        guard case .logged(let id) = effects else {
            throw contradiction(record, "\(record.order.kind.word) without a log")
        }
        return id
    }
}
