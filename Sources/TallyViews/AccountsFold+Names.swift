// SPDX-License-Identifier: Apache-2.0
//
// The part of the accounts fold that gives accounts and assets their numbers, in order of first
// use, and keeps their first business time. Imports GRDB; the other parts of the fold call it.

import GRDB
import TallyTypes

extension AccountsFold {
    /// The number of an account, which comes to be at its first use.
    mutating func use(
        _ address: AccountAddress,
        at time: BusinessTime,
        _ record: Record
    ) throws -> Int64 {
        if let known = try find(address) {
            if time < known.firstUsage { try lowerFirstUsage(of: address, known.id, time, record) }
            return known.id
        }
        accounts += 1
        let statement = try PreparedStatement(
            database,
            "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, x'')"
        )
        try statement.bind(1, accounts)
        try statement.bind(2, text: address.text)
        try statement.bind(3, time.microseconds)
        try statement.bind(4, number: record.time.microseconds)
        try statement.bind(5, number: record.time.microseconds)
        try statement.run()
        cache.accounts[address] = AccountsCache.Account(id: accounts, firstUsage: time)
        return accounts
    }

    /// The row of an account; nil when it was never used.
    func find(_ address: AccountAddress) throws -> AccountsCache.Account? {
        if let known = cache.accounts[address] { return known }
        let statement = try PreparedStatement(
            database,
            "SELECT id, first_usage FROM accounts WHERE address = ?"
        )
        try statement.bind(1, text: address.text)
        guard try statement.step() else { return nil }
        let found = AccountsCache.Account(
            id: try statement.integer(0),
            firstUsage: BusinessTime(microseconds: try statement.integer(1))
        )
        cache.accounts[address] = found
        return found
    }

    private func lowerFirstUsage(
        of address: AccountAddress,
        _ id: Int64,
        _ time: BusinessTime,
        _ record: Record
    ) throws {
        let statement = try PreparedStatement(
            database,
            "UPDATE accounts SET first_usage = ?, updated_at = ? WHERE id = ?"
        )
        try statement.bind(1, time.microseconds)
        try statement.bind(2, number: record.time.microseconds)
        try statement.bind(3, id)
        try statement.run()
        cache.accounts[address] = AccountsCache.Account(id: id, firstUsage: time)
    }

    /// The place of an asset in the cache; the asset comes to be at its first use.
    mutating func use(_ asset: Asset, at time: BusinessTime) throws -> Int {
        if let place = cache.assetPlaces[asset] {
            if time < cache.assets[place].firstUsage { cache.assets[place].firstUsage = time }
            return place
        }
        let totals =
            if let found = try findAsset(asset) {
                found
            } else {
                newAsset(asset, at: time)
            }
        cache.assetPlaces[asset] = cache.assets.count
        cache.assets.append(totals)
        return try use(asset, at: time)
    }

    private mutating func newAsset(
        _ asset: Asset,
        at time: BusinessTime
    ) -> AccountsCache.AssetTotals {
        assets += 1
        return AccountsCache.AssetTotals(asset: asset, id: assets, firstUsage: time)
    }

    private func findAsset(_ asset: Asset) throws -> AccountsCache.AssetTotals? {
        let statement = try PreparedStatement(
            database,
            """
            SELECT id, first_usage, input, input_carries, output, output_carries
            FROM assets WHERE name = ?
            """
        )
        try statement.bind(1, text: asset.text)
        guard try statement.step() else { return nil }
        return AccountsCache.AssetTotals(
            asset: asset,
            id: try statement.integer(0),
            firstUsage: BusinessTime(microseconds: try statement.integer(1)),
            input: WideSum(low: try statement.amount(2), carries: try statement.number(3)),
            output: WideSum(low: try statement.amount(4), carries: try statement.number(5))
        )
    }
}
