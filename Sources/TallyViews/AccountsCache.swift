// SPDX-License-Identifier: Apache-2.0
//
// What the fold of an accounts book remembers from one run to the next, so that a transfer between
// known accounts reads no row: the small numbers that stand for accounts and assets, and current
// volumes. Never the only place of anything: dropped whenever a transaction fails or it grows too
// large. Imports own types only; AccountsFold.swift fills it.

import TallyTypes

/// A pair of an account and an asset, by their numbers in the view.
struct VolumeKey: Hashable, Comparable, Sendable {
    /// The account's number.
    let account: Int64
    /// The asset's number.
    let asset: Int64

    /// Orders as the table of volumes does.
    static func < (left: VolumeKey, right: VolumeKey) -> Bool {
        (left.account, left.asset) < (right.account, right.asset)
    }
}

/// The sum of amounts over many accounts, which may need more than 256 bits.
struct WideSum: Hashable, Sendable {
    /// The sum modulo 2^256.
    var low = Amount.zero
    /// How often it passed 2^256.
    var carries: UInt64 = 0

    /// Adds an amount.
    mutating func add(_ amount: Amount) {
        let (sum, overflow) = low.addingReportingOverflow(amount)
        low = sum
        carries += overflow ? 1 : 0
    }
}

/// Rows of an accounts view that are likely to be needed again.
final class AccountsCache {
    /// An account's row, as far as a transfer needs it.
    struct Account {
        /// Its number.
        let id: Int64
        /// The earliest business time that used it.
        var firstUsage: BusinessTime
    }

    /// An asset's row.
    struct AssetTotals {
        /// Its name.
        let asset: Asset
        /// Its number.
        let id: Int64
        /// The earliest business time that used it.
        var firstUsage: BusinessTime
        /// All that accounts received of it.
        var input = WideSum()
        /// All that accounts gave of it.
        var output = WideSum()
        /// True while the row of the table holds older values.
        var isDirty = false
    }

    /// A current volume.
    struct Slot {
        /// Whose it is.
        let key: VolumeKey
        /// The place of its asset in ``assets``.
        let asset: Int
        /// Both sums.
        var volume: Volume
        /// The earliest and the latest business time of a move of it; nil before the first.
        var usage: ClosedRange<BusinessTime>?
        /// The number of its last move; 0 before the first.
        var lastMove: Int64
        /// True while the row of the table holds an older value.
        var isDirty = false
    }

    /// Accounts by address.
    var accounts: [AccountAddress: Account] = [:]
    /// The places of assets in ``assets``.
    var assetPlaces: [Asset: Int] = [:]
    /// Assets in the order in which they were met.
    var assets: [AssetTotals] = []
    /// The places of volumes in ``slots``.
    var places: [VolumeKey: Int] = [:]
    /// Current volumes.
    var slots: [Slot] = []

    /// The number of rows held.
    var count: Int { accounts.count + assets.count + slots.count }
}
