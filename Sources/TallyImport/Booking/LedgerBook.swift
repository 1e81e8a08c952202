// SPDX-License-Identifier: Apache-2.0
//
// The book of a Ledger or hledger journal: infers elided amounts, checks that transactions balance
// by weight, applies automated rules. Standard library only; driven by LedgerRun (source order) and
// HledgerRun (date order). Claims about balances are in the extension.

/// A posting whose amount may still be unknown.
struct WorkingPosting: Sendable {
    var posting: JournalPosting
    var quantity: ExactDecimal?
    var commodity = ""
    var places = 0
    var lot: LotAnnotation?
    /// Made by a rule or by expanding an elided amount; rules do not match it.
    var isGenerated = false

    init(_ posting: JournalPosting) {
        self.posting = posting
        guard let amount = posting.amount else { return }
        quantity = amount.quantity
        commodity = amount.commodity
        places = amount.places
        lot = amount.lot
    }

    /// Gives the posting an inferred amount.
    mutating func fill(_ quantity: ExactDecimal, of commodity: String) {
        self.quantity = quantity
        self.commodity = commodity
    }
}

/// Balances and rules of one journal.
struct LedgerBook: Sendable {
    let dialect: Dialect
    var rules: [AutomatedRule] = []
    var balances = RunningBalances()
    /// Balance claims checked so far.
    var claimCount = 0

    init(dialect: Dialect) {
        self.dialect = dialect
    }

    /// The postings as written, and the default account's where there is only one.
    func working(_ transaction: JournalTransaction) -> [WorkingPosting] {
        var working = transaction.postings.map(WorkingPosting.init)
        if let bucket = transaction.bucket, working.count == 1, working[0].quantity != nil,
            working[0].posting.kind != .unbalancedVirtual
        {
            let other = JournalPosting(account: bucket, position: transaction.position)
            working.append(WorkingPosting(other))
        }
        return working
    }

    /// Infers elided amounts and checks the balance, group by group.
    func balance(
        _ working: inout [WorkingPosting],
        amounts: AmountContext,
        at position: SourcePosition
    ) throws(ImportError) {
        for index in working.indices
        where working[index].posting.kind == .unbalancedVirtual && working[index].quantity == nil {
            guard dialect == .hledger else {
                throw ImportError(
                    .malformedAmount,
                    at: working[index].posting.position,
                    "expected an amount: nothing balances a posting in parentheses"
                )
            }
            working[index].fill(.zero, of: "")
        }
        switch dialect {
        case .hledger:
            for kind in [PostingKind.real, .balancedVirtual] {
                try balance(&working, amounts: amounts, at: position) { $0 == kind }
            }
        case .ledger, .beancount:
            try balance(&working, amounts: amounts, at: position) { $0 != .unbalancedVirtual }
        }
    }

    private func balance(
        _ working: inout [WorkingPosting],
        amounts: AmountContext,
        at position: SourcePosition,
        belongs: (PostingKind) -> Bool
    ) throws(ImportError) {
        let group = working.indices.filter { belongs(working[$0].posting.kind) }
        let elided = group.filter { working[$0].quantity == nil }
        guard elided.count <= 1 else {
            throw ImportError(
                .severalElided,
                at: working[elided[1]].posting.position,
                "expected at most one posting without an amount, found a second"
            )
        }
        let sums = try weights(group.map { working[$0] })
        if let index = elided.first {
            try fill(index, of: &working, against: sums.remaining)
            return
        }
        try check(sums, group.map { working[$0] }, amounts: amounts, at: position)
    }

    /// Gives the elided posting what is missing; further commodities become postings of their own.
    private func fill(
        _ index: Int,
        of working: inout [WorkingPosting],
        against rows: [CommoditySums.Row]
    ) throws(ImportError) {
        let sorted = rows.sorted { ($0.commodity, $0.key) < ($1.commodity, $1.key) }
        guard let first = sorted.first else {
            let other = working.first { $0.quantity != nil }
            // Nothing but this posting: zero of the commodity without a name.
            working[index].fill(.zero, of: other?.commodity ?? "")  // see above
            return
        }
        working[index].fill(first.quantity.negated, of: first.commodity)
        working[index].lot = first.lot
        for row in sorted.dropFirst() {
            var extra = WorkingPosting(working[index].posting)
            extra.fill(row.quantity.negated, of: row.commodity)
            extra.lot = row.lot
            extra.isGenerated = true
            working.append(extra)
        }
    }

    /// What each posting brings into the balance: its cost, or itself as a lot of its own.
    private func weights(_ group: [WorkingPosting]) throws(ImportError) -> CommoditySums {
        var sums = CommoditySums()
        for posting in group {
            guard let quantity = posting.quantity else { continue }
            let place = posting.posting.position
            if let price = basis(of: posting) {
                let weight = try self.weight(quantity, at: price, place)
                try calculating("the balance", at: place) { () throws(ArithmeticFailure) in
                    try sums.add(weight, of: price.commodity)
                }
            } else {
                let lot = dialect == .ledger ? posting.lot : nil
                let commodity = posting.commodity
                try calculating("the balance", at: place) { () throws(ArithmeticFailure) in
                    try sums.add(quantity, of: commodity, lot: lot)
                }
            }
        }
        return sums
    }

    /// The price that a posting weighs at; Ledger takes the lot's own price where it has one.
    private func basis(of posting: WorkingPosting) -> JournalCost? {
        guard let cost = posting.posting.cost else { return nil }
        guard dialect == .ledger, let price = posting.lot?.price,
            price.commodity == cost.commodity
        else { return cost }
        return JournalCost(
            quantity: price.quantity,
            commodity: price.commodity,
            isTotal: price.isTotal
        )
    }

    private func weight(
        _ quantity: ExactDecimal,
        at cost: JournalCost,
        _ place: SourcePosition
    ) throws(ImportError) -> ExactDecimal {
        guard cost.isTotal else {
            return try calculating("the cost", at: place) { () throws(ArithmeticFailure) in
                try quantity.multiplied(by: cost.quantity)
            }
        }
        guard !quantity.isZero else {
            throw ImportError(
                .malformedCost,
                at: place,
                "expected an amount that is not zero before a total cost"
            )
        }
        return quantity.isNegative ? cost.quantity.negated : cost.quantity
    }

    /// Accepts nothing left, less than the book shows, or two commodities exchanged for each other.
    private func check(
        _ sums: CommoditySums,
        _ group: [WorkingPosting],
        amounts: AmountContext,
        at position: SourcePosition
    ) throws(ImportError) {
        let rows = sums.remaining
        let hasCost = group.contains { $0.posting.cost != nil }
        if rows.count == 2, !hasCost,
            rows[0].quantity.isNegative != rows[1].quantity.isNegative
        {
            return
        }
        for row in rows {
            let places = amounts.displayPlaces(of: row.commodity)
            guard try LedgerBook.isNothing(row.quantity, places: places, at: position) else {
                throw ImportError(
                    .unbalanced,
                    at: position,
                    "expected a transaction that sums to zero,"
                        + " found \(CommoditySums.text(rows)) left over"
                )
            }
        }
    }

    /// True for less than half, or half, of the last digit that the book shows.
    static func isNothing(
        _ quantity: ExactDecimal,
        places: Int,
        at position: SourcePosition
    ) throws(ImportError) -> Bool {
        guard quantity.scale > places else { return quantity.isZero }
        return try calculating("the balance", at: position) { () throws(ArithmeticFailure) in
            let twice = try quantity.absolute.adding(quantity.absolute)
            return try twice.compared(to: .unit(places: places)) <= 0
        }
    }
}

extension LedgerBook {
    /// Adds what automated rules say, then checks the balance again.
    func applyRules(
        _ working: inout [WorkingPosting],
        _ annotations: inout [Annotation],
        amounts: AmountContext,
        at position: SourcePosition
    ) throws(ImportError) {
        let initial = working.filter { !$0.isGenerated }
        let count = working.count
        for rule in rules {
            for matched in initial where rule.query.matches(matched.posting.account) {
                annotations += rule.annotations
                for template in rule.postings {
                    working.append(try generated(template, from: matched))
                }
            }
        }
        guard working[count...].contains(where: { $0.posting.kind != .unbalancedVirtual })
        else { return }
        let group = working.filter { $0.posting.kind != .unbalancedVirtual }
        try check(try weights(group), group, amounts: amounts, at: position)
    }

    /// A bare number multiplies the matched amount; any other amount stands for itself.
    private func generated(
        _ template: JournalPosting,
        from matched: WorkingPosting
    ) throws(ImportError) -> WorkingPosting {
        var made = WorkingPosting(template)
        made.isGenerated = true
        guard let factor = made.quantity, made.commodity.isEmpty, let quantity = matched.quantity
        else { return made }
        made.commodity = matched.commodity
        made.lot = matched.lot
        made.places = 0
        made.quantity = try calculating("the automated amount", at: template.position) {
            () throws(ArithmeticFailure) in try quantity.multiplied(by: factor)
        }
        return made
    }
}
