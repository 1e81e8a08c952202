// SPDX-License-Identifier: Apache-2.0
//
// Balance assertions and assignments of Ledger and hledger. Standard library only; part of
// LedgerBook. Ledger judges a claim where it stands, with the postings above it; hledger in date
// order, when all amounts of the transaction are known.

extension LedgerBook {
    /// Ledger: fills assignments and checks assertions before the transaction is balanced.
    mutating func claimInSourceOrder(
        _ working: inout [WorkingPosting],
        amounts: AmountContext
    ) throws(ImportError) {
        for index in working.indices {
            guard let claim = working[index].posting.claim else { continue }
            claimCount += 1
            let isReal = working[index].posting.kind == .real
            let account = working[index].posting.account
            let above = working[..<index].filter {
                $0.posting.account == account && (!isReal || $0.posting.kind == .real)
            }
            var found: [(commodity: String, quantity: ExactDecimal)] = []
            for commodity in claimed(claim, account, above.map(\.commodity)) {
                let held = try self.held(commodity, account, claim, isReal ? .realOnly : .all)
                let sum = try LedgerBook.sum(above, of: commodity, from: held, claim.position)
                found.append((commodity, sum))
            }
            if working[index].quantity == nil {
                try assign(&working[index], claim, found)
            } else {
                try compare(working[index], claim, found, amounts: amounts)
            }
        }
    }

    /// The commodities a claim is about: its own, or all where it is a bare zero or says so.
    private func claimed(
        _ claim: BalanceClaim,
        _ account: String,
        _ others: [String]
    ) -> [String] {
        let isBlanket =
            claim.scope == .soleCommodity
            || (dialect == .ledger && claim.amount.commodity.isEmpty
                && claim.amount.quantity.isZero)
        guard isBlanket else { return [claim.amount.commodity] }
        let known = balances.commodities(in: account, reach: claim.reach)
        return Set(known + others + [claim.amount.commodity]).sorted()
    }

    private func held(
        _ commodity: String,
        _ account: String,
        _ claim: BalanceClaim,
        _ counting: RunningBalances.Counting
    ) throws(ImportError) -> ExactDecimal {
        try calculating("the balance", at: claim.position) { () throws(ArithmeticFailure) in
            try balances.balance(
                of: commodity,
                in: account,
                reach: claim.reach,
                counting: counting
            )
        }
    }

    private static func sum(
        _ postings: [WorkingPosting],
        of commodity: String,
        from start: ExactDecimal,
        _ place: SourcePosition
    ) throws(ImportError) -> ExactDecimal {
        var total = start
        for posting in postings where posting.commodity == commodity {
            guard let quantity = posting.quantity else { continue }
            let before = total
            total = try calculating("the balance", at: place) { () throws(ArithmeticFailure) in
                try before.adding(quantity)
            }
        }
        return total
    }

    /// What the claim says an account holds of a commodity.
    private static func wanted(_ claim: BalanceClaim, of commodity: String) -> ExactDecimal {
        commodity == claim.amount.commodity ? claim.amount.quantity : .zero
    }

    /// Gives a posting the difference to the claimed balance.
    private func assign(
        _ working: inout WorkingPosting,
        _ claim: BalanceClaim,
        _ found: [(commodity: String, quantity: ExactDecimal)]
    ) throws(ImportError) {
        var differences: [(commodity: String, quantity: ExactDecimal)] = []
        for row in found {
            let difference = try calculating("the assignment", at: claim.position) {
                () throws(ArithmeticFailure) in
                try LedgerBook.wanted(claim, of: row.commodity).subtracting(row.quantity)
            }
            if !difference.isZero { differences.append((row.commodity, difference)) }
        }
        guard differences.count <= 1 else {
            throw ImportError(
                .unsupportedAssignment,
                at: claim.position,
                "expected one commodity to assign, found several"
            )
        }
        let only = differences.first
        working.fill(only?.quantity ?? .zero, of: only?.commodity ?? claim.amount.commodity)
        working.lot = claim.amount.lot
        working.places = claim.amount.places
    }

    /// Compares the balance with its posting included against the claim.
    private func compare(
        _ working: WorkingPosting,
        _ claim: BalanceClaim,
        _ found: [(commodity: String, quantity: ExactDecimal)],
        amounts: AmountContext
    ) throws(ImportError) {
        for row in found {
            let total = try LedgerBook.sum(
                [working],
                of: row.commodity,
                from: row.quantity,
                claim.position
            )
            let wanted = LedgerBook.wanted(claim, of: row.commodity)
            let difference = try calculating("the assertion", at: claim.position) {
                () throws(ArithmeticFailure) in try total.subtracting(wanted)
            }
            let places = amounts.displayPlaces(of: row.commodity)
            let holds =
                dialect == .ledger
                ? try LedgerBook.isNothing(difference, places: places, at: claim.position)
                : difference.isZero
            guard holds else {
                throw ImportError(
                    .assertionFailed,
                    at: claim.position,
                    "expected \(working.posting.account) to hold \(wanted) \(row.commodity),"
                        + " found \(total)"
                )
            }
        }
    }

    /// hledger: checks or fills one posting's claim against the balance before it, then adds it.
    mutating func claimInDateOrder(
        _ working: inout WorkingPosting,
        amounts: AmountContext
    ) throws(ImportError) {
        if let claim = working.posting.claim {
            claimCount += 1
            var found: [(commodity: String, quantity: ExactDecimal)] = []
            let account = working.posting.account
            for commodity in claimed(claim, account, [working.commodity]) {
                found.append((commodity, try held(commodity, account, claim, .all)))
            }
            if working.quantity == nil {
                try assign(&working, claim, found)
            } else {
                try compare(working, claim, found, amounts: amounts)
            }
        }
        try settle(working)
    }

    /// Adds a posting's amount to the running balances.
    mutating func settle(_ working: WorkingPosting) throws(ImportError) {
        guard let quantity = working.quantity, !quantity.isZero else { return }
        try calculating("the balance", at: working.posting.position) {
            () throws(ArithmeticFailure) in
            try balances.add(
                quantity,
                of: working.commodity,
                to: working.posting.account,
                isReal: working.posting.kind == .real
            )
        }
    }
}
