// SPDX-License-Identifier: Apache-2.0
//
// How far a book's file has come, and which records it still needs: the one place that decides that
// a record was folded before (it changes nothing), is next, or is not there yet (a gap, by name).
// Imports GRDB; both book folds call it.

import GRDB
import TallyTypes

/// The position of a book's file, moved on record by record within one transaction.
struct FoldPosition {
    private let book: BookID
    private(set) var applied: AppliedPosition

    /// Reads the position from the file.
    init(_ database: Database, book: BookID) throws {
        self.book = book
        applied = try FoldPosition.read(database)
    }

    /// The position that a book's file holds.
    static func read(_ database: Database) throws -> AppliedPosition {
        let statement = try PreparedStatement(
            database,
            "SELECT next_record, next_sequence FROM state WHERE id = 1"
        )
        guard try statement.step() else {
            throw ViewFault(.corrupt, subject: "state", cause: "no row")
        }
        return AppliedPosition(
            nextRecord: RecordIndex(try statement.number(0)),
            nextSequence: BookSequence(try statement.number(1))
        )
    }

    /// Moves past a record; false when it was folded before.
    ///
    /// - Throws: ``ViewFault`` with `gap` when records before it are missing, with
    ///   `contradiction` when its two positions cannot both be right.
    mutating func take(_ record: Record) throws -> Bool {
        let isIndexNew = record.index >= applied.nextRecord
        let isSequenceNew = record.sequence >= applied.nextSequence
        guard isIndexNew == isSequenceNew else {
            throw ViewFault(
                .contradiction,
                subject: "book \(book), record \(record.index)",
                cause: "sequence \(record.sequence), next were \(applied.nextRecord)"
                    + " and \(applied.nextSequence)"
            )
        }
        guard isSequenceNew else { return false }
        guard record.sequence == applied.nextSequence else {
            throw ViewFault(
                .gap,
                subject: "book \(book), record \(record.index)",
                cause: "sequence \(record.sequence) came, \(applied.nextSequence) is next"
            )
        }
        applied = AppliedPosition(
            nextRecord: record.index.next,
            nextSequence: record.sequence.next
        )
        return true
    }
}
