// SPDX-License-Identifier: Apache-2.0
//
// Reads of volumes over accounts: the list of all, and the balance of each asset from the totals
// that folds keep. Imports GRDB; ViewReader.swift calls it within one snapshot.

import GRDB
import TallyTypes

/// Reads of volumes over accounts.
enum VolumeReads {
    /// One page of the list of volumes.
    static func list(
        _ database: Database,
        _ start: PageStart<VolumeList>
    ) throws -> Page<AccountVolume> {
        let source = ListSource(
            columns: "a.address, s.name, v.input, v.output",
            from: """
                accounts a CROSS JOIN volumes v ON v.account = a.id \
                CROSS JOIN assets s ON s.id = v.asset
                """,
            keys: ["a.address", "s.name"]
        )
        return try fetchPage(database, start, source) { row in
            let volume = AccountVolume(
                account: try row.address(0),
                asset: try row.asset(1),
                volume: Volume(input: try row.amount(2), output: try row.amount(3))
            )
            return (volume, [.text(try row.text(0)), .text(try row.text(1))])
        }
    }

    /// The balance of each asset over all accounts; those first used up to a point in time.
    static func balances(
        _ database: Database,
        _ pointInTime: BusinessTime?
    ) throws -> [AssetBalance] {
        let rows = try PreparedStatement(
            database,
            """
            SELECT name, input, input_carries, output, output_carries FROM assets
            WHERE first_usage <= ? ORDER BY name
            """
        )
        try rows.bind(1, (pointInTime ?? .max).microseconds)
        var balances: [AssetBalance] = []
        while try rows.step() {
            guard try rows.number(2) == rows.number(4) else {
                throw rows.corrupt(2, "totals that differ by 2^256 or more")
            }
            let total = Volume(input: try rows.amount(1), output: try rows.amount(3))
            balances.append(AssetBalance(asset: try rows.asset(0), balance: total.balance))
        }
        return balances
    }
}
