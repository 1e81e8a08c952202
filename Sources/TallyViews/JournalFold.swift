// SPDX-License-Identifier: Apache-2.0
//
// Folds records of a journal into its view: one row per committed event, numbered from 0 without
// gaps. Imports GRDB; ViewStore.swift calls it inside one transaction per book and run.

import GRDB
import TallyTypes

/// A fold of a run of records into a journal's view.
struct JournalFold: ~Copyable {
    private let insert: PreparedStatement
    private let save: PreparedStatement
    private var position: FoldPosition
    private var events: UInt64

    /// Starts where the file stands.
    init(_ database: Database, book: BookID) throws {
        let position = try FoldPosition(database, book: book)
        let events = try scalar(database, "SELECT events FROM state WHERE id = 1")
        let insert = try PreparedStatement(
            database,
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        let save = try PreparedStatement(
            database,
            "UPDATE state SET next_record = ?, next_sequence = ?, events = ? WHERE id = 1"
        )
        self.position = position
        self.events = UInt64(bitPattern: events)
        self.insert = insert
        self.save = save
    }

    /// Folds one record; one that was folded before changes nothing.
    mutating func fold(_ record: Record) throws {
        guard try position.take(record), record.isCommitted else { return }
        switch record.order {
        case .recordEvent(let event):
            try write(event, record)
            events += 1
        case .deleteBook, .setBookMetadata, .deleteBookMetadata:
            return  // rows of the system view
        case .createLedger, .createBook, .setConfiguration, .changeLogKey, .sealLog, .succeedLog,
            .createTransaction,
            .revertTransaction, .setTransactionMetadata, .deleteTransactionMetadata,
            .setAccountMetadata, .deleteAccountMetadata:
            throw ViewFault(
                .contradiction,
                subject: "record \(record.index)",
                cause: "\(record.order.kind.word) committed in a journal"
            )
        }
    }

    /// Writes the position; the last step of the transaction.
    consuming func finish() throws {
        try save.bind(1, number: position.applied.nextRecord.rawValue)
        try save.bind(2, number: position.applied.nextSequence.rawValue)
        try save.bind(3, number: events)
        try save.run()
    }

    private func write(_ event: JournalEvent, _ record: Record) throws {
        try insert.bind(1, number: events)
        try insert.bind(2, number: record.index.rawValue)
        try insert.bind(3, number: record.time.microseconds)
        try insert.bind(4, event.occurredAt.map { .integer($0.microseconds) } ?? .null)
        try insert.bind(5, text: event.entityType.utf8)
        try insert.bind(6, text: event.entityID.utf8)
        try insert.bind(7, text: event.field.utf8)
        try insert.bind(8, Int64(event.action.rawValue))
        try insert.bind(9, cell(event.oldValue?.text))
        try insert.bind(10, cell(event.newValue?.text))
        try insert.bind(11, text: event.actor.utf8)
        try insert.bind(12, text: event.source.utf8)
        try insert.bind(13, cell(event.workspaceID))
        try insert.run()
    }

    private func cell(_ text: Text?) -> Cell {
        if let text { .text(text.utf8) } else { .null }
    }
}
