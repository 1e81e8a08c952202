// SPDX-License-Identifier: Apache-2.0
//
// Reads of accounts and of a book's counts. Imports GRDB; ViewReader.swift calls it within one
// snapshot.

import GRDB
import TallyTypes

/// Reads of accounts.
enum AccountReads {
    private static let columns =
        "id, address, first_usage, insertion_date, updated_at, metadata"

    /// A row as it is stored, with the number that stands for the account.
    private struct Stored: Sendable {
        let id: Int64
        let row: AccountRow
    }

    /// Counts of the book.
    static func stats(_ database: Database) throws -> AccountsStats {
        let row = try PreparedStatement(
            database,
            "SELECT transactions, accounts FROM state WHERE id = 1"
        )
        guard try row.step() else { throw row.corrupt(0, "no row") }
        return AccountsStats(transactions: try row.number(0), accounts: try row.number(1))
    }

    /// One account.
    static func account(
        _ database: Database,
        _ address: AccountAddress,
        _ expansion: Expansion,
        _ pointInTime: BusinessTime?
    ) throws -> AccountRow? {
        let row = try PreparedStatement(
            database,
            "SELECT \(columns) FROM accounts WHERE address = ?"
        )
        try row.bind(1, text: address.text)
        guard try row.step() else { return nil }
        let stored = try decode(row)
        if let pointInTime, stored.row.firstUsage > pointInTime { return nil }
        return try complete(stored, database, expansion, pointInTime)
    }

    /// One page of the list of accounts.
    static func list(
        _ database: Database,
        _ start: PageStart<AccountList>
    ) throws -> Page<AccountRow> {
        let list = start.list
        var source = ListSource(columns: columns, from: "accounts", keys: ["address"])
        if let pointInTime = list.pointInTime {
            source.filters.append("first_usage <= ?")
            source.arguments.append(.integer(pointInTime.microseconds))
        }
        let page = try fetchPage(database, start, source) { row in
            (try decode(row), [.text(try row.text(1))])
        }
        return try page.map { try complete($0, database, list.expansion, list.pointInTime) }
    }

    /// The number of accounts.
    static func count(_ database: Database, _ pointInTime: BusinessTime?) throws -> UInt64 {
        guard let pointInTime else { return try stats(database).accounts }
        let row = try PreparedStatement(
            database,
            "SELECT count(*) FROM accounts WHERE first_usage <= ?"
        )
        try row.bind(1, pointInTime.microseconds)
        guard try row.step() else { throw row.corrupt(0, "no row") }
        return try row.number(0)
    }

    private static func decode(_ row: borrowing PreparedStatement) throws -> Stored {
        Stored(
            id: try row.integer(0),
            row: AccountRow(
                address: try row.address(1),
                metadata: try row.metadata(5),
                firstUsage: BusinessTime(microseconds: try row.integer(2)),
                insertionDate: try row.instant(3),
                updatedAt: try row.instant(4),
                volumes: nil,
                effectiveVolumes: nil
            )
        )
    }

    private static func complete(
        _ stored: Stored,
        _ database: Database,
        _ expansion: Expansion,
        _ pointInTime: BusinessTime?
    ) throws -> AccountRow {
        var row = stored.row
        if let pointInTime {
            guard !expansion.contains(.volumes) else {
                throw ViewRefusal.unsupported("volumes of accounts at a point in time")
            }
            let past = try MetadataHistory.metadata(
                database,
                .account,
                stored.id,
                at: pointInTime
            )
            row.metadata = past ?? .empty
        }
        guard !expansion.isEmpty else { return row }
        let volumes = try volumes(database, stored.id)
        if expansion.contains(.volumes) { row.volumes = volumes.map(\.row) }
        if expansion.contains(.effectiveVolumes) {
            row.effectiveVolumes = try effective(database, stored.id, volumes, pointInTime)
        }
        return row
    }

    private static func volumes(
        _ database: Database,
        _ account: Int64
    ) throws -> [(asset: Int64, firstUsage: BusinessTime, row: AssetVolume)] {
        let rows = try PreparedStatement(
            database,
            """
            SELECT v.asset, s.name, v.input, v.output, v.first_usage FROM volumes v
            JOIN assets s ON s.id = v.asset WHERE v.account = ?
            """
        )
        try rows.bind(1, account)
        var volumes: [(asset: Int64, firstUsage: BusinessTime, row: AssetVolume)] = []
        while try rows.step() {
            let volume = Volume(input: try rows.amount(2), output: try rows.amount(3))
            let firstUsage = BusinessTime(microseconds: try rows.integer(4))
            let row = AssetVolume(asset: try rows.asset(1), volume: volume)
            volumes.append((try rows.integer(0), firstUsage, row))
        }
        return volumes.sorted { $0.row.asset < $1.row.asset }
    }

    private static func effective(
        _ database: Database,
        _ account: Int64,
        _ volumes: [(asset: Int64, firstUsage: BusinessTime, row: AssetVolume)],
        _ pointInTime: BusinessTime?
    ) throws -> [AssetVolume] {
        guard let pointInTime else { return volumes.map(\.row) }
        var effective: [AssetVolume] = []
        for (asset, firstUsage, row) in volumes where firstUsage <= pointInTime {
            let volume = try VolumeChain.volume(
                database,
                VolumeKey(account: account, asset: asset),
                through: pointInTime,
                TransactionID(.max)
            )
            effective.append(AssetVolume(asset: row.asset, volume: volume))
        }
        return effective
    }
}
