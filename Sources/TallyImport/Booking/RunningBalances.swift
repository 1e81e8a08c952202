// SPDX-License-Identifier: Apache-2.0
//
// What every account holds so far, for balance claims. Standard library only; owned by the books;
// its size is the number of accounts times their commodities.

/// Own balances per account and commodity, with and without virtual postings.
struct RunningBalances: Sendable {
    private struct Sums: Sendable {
        var all = ExactDecimal.zero
        var real = ExactDecimal.zero
    }

    private var sums: [String: [String: Sums]] = [:]

    /// Which postings count.
    enum Counting: Sendable {
        case all
        case realOnly
    }

    /// Adds a posting's amount.
    mutating func add(
        _ quantity: ExactDecimal,
        of commodity: String,
        to account: String,
        isReal: Bool
    ) throws(ArithmeticFailure) {
        var row = sums[account]?[commodity] ?? Sums()
        row.all = try row.all.adding(quantity)
        if isReal { row.real = try row.real.adding(quantity) }
        sums[account, default: [:]][commodity] = row
    }

    /// Returns an account's balance of one commodity, or its subtree's.
    func balance(
        of commodity: String,
        in account: String,
        reach: BalanceClaim.Reach,
        counting: Counting
    ) throws(ArithmeticFailure) -> ExactDecimal {
        var total = ExactDecimal.zero
        for name in accounts(account, reach: reach) {
            guard let row = sums[name]?[commodity] else { continue }
            total = try total.adding(counting == .all ? row.all : row.real)
        }
        return total
    }

    /// Returns the commodities that an account or its subtree has ever held, in order.
    func commodities(in account: String, reach: BalanceClaim.Reach) -> [String] {
        var names: Set<String> = []
        for name in accounts(account, reach: reach) {
            if let rows = sums[name] { names.formUnion(rows.keys) }
        }
        return names.sorted()
    }

    private func accounts(_ account: String, reach: BalanceClaim.Reach) -> [String] {
        guard reach == .subtree else { return [account] }
        return sums.keys.filter { $0 == account || $0.hasPrefix(account + ":") }.sorted()
    }
}
