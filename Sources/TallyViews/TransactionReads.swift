// SPDX-License-Identifier: Apache-2.0
//
// Reads of transactions. Volumes in order of insertion are stored with each; volumes in order of
// business time are the account's volumes of today less every later move, so that a recent
// transaction costs little. Imports GRDB; ViewReader.swift calls it within one snapshot.

import GRDB
import TallyTypes

/// Reads of transactions.
enum TransactionReads {
    private static let columns = """
        id, record, log, timestamp, inserted_at, updated_at, reference, reverted_by, reverted_at, \
        metadata, postings, first_move, moves
        """

    /// A row as it is stored.
    private struct Stored: Sendable {
        let row: TransactionRow
        let postings: [UInt8]
        let moves: ClosedRange<Int64>?
    }

    /// One transaction.
    static func transaction(
        _ database: Database,
        _ id: TransactionID,
        _ expansion: Expansion,
        _ pointInTime: BusinessTime?
    ) throws -> TransactionRow? {
        guard let key = Int64(exactly: id.rawValue) else { return nil }
        let row = try PreparedStatement(
            database,
            "SELECT \(columns) FROM transactions WHERE id = ?"
        )
        try row.bind(1, key)
        guard try row.step() else { return nil }
        let stored = try decode(row)
        if let pointInTime, stored.row.timestamp > pointInTime { return nil }
        var names = ViewNames(database)
        return try complete(stored, database, &names, expansion, pointInTime)
    }

    /// One page of the list of transactions.
    static func list(
        _ database: Database,
        _ start: PageStart<TransactionList>
    ) throws -> Page<TransactionRow> {
        let list = start.list
        let keys = list.sort == .id ? ["id"] : ["timestamp", "id"]
        var source = ListSource(columns: columns, from: "transactions", keys: keys)
        if let pointInTime = list.pointInTime {
            source.filters.append("timestamp <= ?")
            source.arguments.append(.integer(pointInTime.microseconds))
        }
        let page = try fetchPage(database, start, source) { row in
            let id = KeyCell.integer(try row.integer(0))
            let time = KeyCell.integer(try row.integer(3))
            return (try decode(row), list.sort == .id ? [id] : [time, id])
        }
        var names = ViewNames(database)
        return try page.map {
            try complete($0, database, &names, list.expansion, list.pointInTime)
        }
    }

    /// The number of transactions.
    static func count(_ database: Database, _ pointInTime: BusinessTime?) throws -> UInt64 {
        guard let pointInTime else { return try AccountReads.stats(database).transactions }
        let row = try PreparedStatement(
            database,
            "SELECT count(*) FROM transactions WHERE timestamp <= ?"
        )
        try row.bind(1, pointInTime.microseconds)
        guard try row.step() else { throw row.corrupt(0, "no row") }
        return try row.number(0)
    }

    private static func decode(_ row: borrowing PreparedStatement) throws -> Stored {
        let bare = TransactionRow(
            id: TransactionID(try row.number(0)),
            record: RecordIndex(try row.number(1)),
            logID: LogID(try row.number(2)),
            postings: [],
            reference: row.isNull(6) ? nil : try row.textBlob(6),
            timestamp: BusinessTime(microseconds: try row.integer(3)),
            insertedAt: try row.instant(4),
            updatedAt: try row.instant(5),
            metadata: try row.metadata(9),
            revertedBy: row.isNull(7) ? nil : TransactionID(try row.number(7)),
            revertedAt: row.isNull(8) ? nil : try row.instant(8),
            volumes: nil,
            effectiveVolumes: nil
        )
        let (first, count) = (try row.integer(11), try row.integer(12))
        return Stored(
            row: bare,
            postings: try row.blob(10),
            moves: count > 0 ? first...first + count - 1 : nil
        )
    }

    // Names accounts and assets, and adds what was asked for.
    private static func complete(
        _ stored: Stored,
        _ database: Database,
        _ names: inout ViewNames,
        _ expansion: Expansion,
        _ pointInTime: BusinessTime?
    ) throws -> TransactionRow {
        var row = stored.row
        row.postings = try names.postings(stored.postings)
        if let pointInTime { try rewind(&row, database, to: pointInTime) }
        guard !expansion.isEmpty else { return row }
        let post = try stored.moves.map { try VolumeChain.volumes(database, $0) } ?? []
        if expansion.contains(.volumes) {
            row.volumes = try commitVolumes(post, row.postings, &names)
        }
        if expansion.contains(.effectiveVolumes) {
            let effective = try post.map { volume in
                KeyedVolume(
                    key: volume.key,
                    volume: try VolumeChain.volume(
                        database,
                        volume.key,
                        through: row.timestamp,
                        row.id
                    )
                )
            }
            row.effectiveVolumes = try commitVolumes(effective, row.postings, &names)
        }
        return row
    }

    private static func rewind(
        _ row: inout TransactionRow,
        _ database: Database,
        to pointInTime: BusinessTime
    ) throws {
        if let revertedAt = row.revertedAt, BusinessTime(revertedAt) > pointInTime {
            row.revertedAt = nil
            row.revertedBy = nil
        }
        let id = Int64(bitPattern: row.id.rawValue)
        let past = try MetadataHistory.metadata(database, .transaction, id, at: pointInTime)
        if let past { row.metadata = past }
    }

    private static func commitVolumes(
        _ volumes: [KeyedVolume],
        _ postings: [Posting],
        _ names: inout ViewNames
    ) throws -> CommitVolumes {
        let post = try volumes.map { try names.named($0.key, $0.volume) }
            .sorted { ($0.account, $0.asset) < ($1.account, $1.asset) }
        return CommitVolumes(post: post, pre: try before(postings, post))
    }

    /// The volumes without what the postings moved, in the same order.
    private static func before(
        _ postings: [Posting],
        _ post: [AccountVolume]
    ) throws -> [AccountVolume] {
        struct Key: Hashable {
            let account: AccountAddress
            let asset: Asset
        }
        var volumes: [Key: Volume] = [:]
        for row in post { volumes[Key(account: row.account, asset: row.asset)] = row.volume }
        for posting in postings {
            let destination = Key(account: posting.destination, asset: posting.asset)
            if let input = volumes[destination]?.input {
                volumes[destination]?.input = try difference(input, posting.amount)
            }
            let source = Key(account: posting.source, asset: posting.asset)
            if let output = volumes[source]?.output {
                volumes[source]?.output = try difference(output, posting.amount)
            }
        }
        return post.map { row in
            let volume = volumes[Key(account: row.account, asset: row.asset)] ?? row.volume
            return AccountVolume(account: row.account, asset: row.asset, volume: volume)
        }
    }
}

/// Metadata as it was.
enum MetadataHistory {
    /// The metadata at a point in time; nil when no line of history is that old.
    static func metadata(
        _ database: Database,
        _ target: HistoryTarget,
        _ id: Int64,
        at pointInTime: BusinessTime
    ) throws -> Metadata? {
        let row = try PreparedStatement(
            database,
            """
            SELECT metadata FROM metadata_history WHERE target = ? AND id = ? AND date <= ?
            ORDER BY record DESC LIMIT 1
            """
        )
        try row.bind(1, target.rawValue)
        try row.bind(2, id)
        try row.bind(3, pointInTime.microseconds)
        return try row.step() ? try row.metadata(0) : nil
    }
}
