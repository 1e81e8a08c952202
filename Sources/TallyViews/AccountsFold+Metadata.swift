// SPDX-License-Identifier: Apache-2.0
//
// The part of the accounts fold that changes metadata: the row as it is now, and a line of history
// for reads at a point in time. A transaction gets its metadata at birth as first line when it
// changes first; one that never changes has no history. Imports GRDB; AccountsFold.swift calls it.

import GRDB
import TallyTypes

/// Whose history a line is; numbers are stable.
enum HistoryTarget: Int64 {
    /// A transaction, by its number.
    case transaction = 1
    /// An account, by its number in the view.
    case account = 2
}

extension AccountsFold {
    /// Changes the metadata of a transaction.
    func changeMetadata(
        of id: TransactionID,
        _ record: Record,
        _ change: (inout Metadata) -> Void
    ) throws {
        let row = try PreparedStatement(
            database,
            "SELECT metadata, record, timestamp FROM transactions WHERE id = ?"
        )
        try row.bind(1, number: id.rawValue)
        guard try row.step() else {
            throw contradiction(record, "transaction \(id) is not there")
        }
        let old = try row.metadata(0)
        var metadata = old
        change(&metadata)
        guard metadata != old else { return }
        let target = Int64(bitPattern: id.rawValue)
        let isKnown = try hasHistory(.transaction, target)
        if !isKnown {
            let birth = (record: try row.integer(1), date: try row.integer(2))
            try insert(.transaction, target, birth.record, birth.date, old)
        }
        try insert(.transaction, target, record, metadata)
        let statement = try PreparedStatement(
            database,
            "UPDATE transactions SET metadata = ?, updated_at = ? WHERE id = ?"
        )
        try statement.bind(1, blob: metadata.blob)
        try statement.bind(2, number: record.time.microseconds)
        try statement.bind(3, number: id.rawValue)
        try statement.run()
    }

    /// Lays pairs over the metadata of an account, which comes to be if it was never used.
    mutating func setMetadata(
        of address: AccountAddress,
        _ pairs: Metadata,
        firstUsage: BusinessTime,
        _ record: Record
    ) throws {
        let id = try use(address, at: firstUsage, record)
        try changeMetadata(ofAccount: id, record) { $0 = $0.merging(pairs) }
    }

    /// Removes a key of an account's metadata; nothing happens when there is none.
    func removeMetadata(of address: AccountAddress, key: Text, _ record: Record) throws {
        guard let account = try find(address) else { return }
        try changeMetadata(ofAccount: account.id, record) { $0[key] = nil }
    }

    private func changeMetadata(
        ofAccount id: Int64,
        _ record: Record,
        _ change: (inout Metadata) -> Void
    ) throws {
        let row = try PreparedStatement(database, "SELECT metadata FROM accounts WHERE id = ?")
        try row.bind(1, id)
        guard try row.step() else { throw contradiction(record, "an account without a row") }
        let old = try row.metadata(0)
        var metadata = old
        change(&metadata)
        guard metadata != old else { return }
        try insert(.account, id, record, metadata)
        let statement = try PreparedStatement(
            database,
            "UPDATE accounts SET metadata = ?, updated_at = ? WHERE id = ?"
        )
        try statement.bind(1, blob: metadata.blob)
        try statement.bind(2, number: record.time.microseconds)
        try statement.bind(3, id)
        try statement.run()
    }

    private func hasHistory(_ target: HistoryTarget, _ id: Int64) throws -> Bool {
        let statement = try PreparedStatement(
            database,
            "SELECT 1 FROM metadata_history WHERE target = ? AND id = ? LIMIT 1"
        )
        try statement.bind(1, target.rawValue)
        try statement.bind(2, id)
        return try statement.step()
    }

    private func insert(
        _ target: HistoryTarget,
        _ id: Int64,
        _ record: Record,
        _ metadata: Metadata
    ) throws {
        let index = Int64(bitPattern: record.index.rawValue)
        try insert(target, id, index, BusinessTime(record.time).microseconds, metadata)
    }

    private func insert(
        _ target: HistoryTarget,
        _ id: Int64,
        _ record: Int64,
        _ date: Int64,
        _ metadata: Metadata
    ) throws {
        let statement = try PreparedStatement(
            database,
            "INSERT INTO metadata_history VALUES (?, ?, ?, ?, ?)"
        )
        try statement.bind(1, target.rawValue)
        try statement.bind(2, id)
        try statement.bind(3, record)
        try statement.bind(4, date)
        try statement.bind(5, blob: metadata.blob)
        try statement.run()
    }
}
