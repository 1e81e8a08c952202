// SPDX-License-Identifier: Apache-2.0
//
// The book of a Beancount file: accounts open and close, reductions choose lots, elided amounts are
// inferred, transactions balance within tolerance. Standard library only; driven by BeancountRun in
// date order. Weights follow the tool's 28-digit decimals; amounts of postings are never rounded
// but where the tool itself rounds what it infers.

/// A posting with its units and its weight.
struct WeighedPosting: Sendable {
    let posting: BeancountPosting
    /// Nil while the amount is elided.
    var units: BeancountAmount?
    var weight: ExactDecimal = .zero
    var weightCurrency = ""
    /// What to add to the inventory once the transaction stands.
    var cost: LotCost?
    /// True for reductions, which left the inventory when they were matched.
    var isSettled = false
}

/// Inventories and the state of accounts.
struct BeancountBook: Sendable {
    /// The precision of the tool's decimals.
    static let significantDigits = 28

    /// What `open` said.
    private struct OpenAccount: Sendable {
        let currencies: [String]
        let method: BookingMethod?
        var isClosed = false
    }

    let options: BeancountOptions
    private var accounts: [String: OpenAccount] = [:]
    private var inventories: [String: Inventory] = [:]

    init(options: BeancountOptions) {
        self.options = options
    }

    /// Opens an account.
    mutating func open(
        _ account: String,
        currencies: [String],
        method: BookingMethod?,
        at place: SourcePosition
    ) throws(ImportError) {
        guard accounts[account] == nil else {
            throw ImportError(
                .accountLifecycle,
                at: place,
                "expected an account that was never opened, found '\(account)'"
            )
        }
        accounts[account] = OpenAccount(currencies: currencies, method: method)
    }

    /// Closes an account.
    mutating func close(_ account: String, at place: SourcePosition) throws(ImportError) {
        guard accounts[account]?.isClosed == false else {
            throw ImportError(
                .accountLifecycle,
                at: place,
                "expected an account that is open, found '\(account)'"
            )
        }
        accounts[account]?.isClosed = true
    }

    /// Requires that an account may be used, and for this currency.
    mutating func require(
        _ account: String,
        currency: String?,
        at place: SourcePosition
    ) throws(ImportError) {
        if accounts[account] == nil, options.opensAccounts {
            accounts[account] = OpenAccount(currencies: [], method: nil)
        }
        guard let open = accounts[account], !open.isClosed else {
            throw ImportError(
                .accountNotOpen,
                at: place,
                "expected an account that is open at this date, found '\(account)'"
            )
        }
        guard let currency, !open.currencies.isEmpty, !open.currencies.contains(currency) else {
            return
        }
        throw ImportError(
            .currencyNotAllowed,
            at: place,
            "expected \(open.currencies.joined(separator: " or ")) in '\(account)',"
                + " found \(currency)"
        )
    }

    /// Requires that an account was opened, be it closed by now, as balances do.
    mutating func requireKnown(
        _ account: String,
        currency: String,
        at place: SourcePosition
    ) throws(ImportError) {
        if accounts[account]?.isClosed == true { return }
        try require(account, currency: currency, at: place)
    }

    /// True when the account or one below it holds lots of the currency at cost.
    func holdsAtCost(_ currency: String, below account: String) -> Bool {
        inventories.keys.sorted().contains { name in
            (name == account || name.hasPrefix(account + ":"))
                && inventories[name]?.hasCost(of: currency) == true
        }
    }
}

extension BeancountBook {
    /// Books a transaction: returns its postings with all amounts.
    mutating func book(
        _ transaction: BeancountTransaction,
        on date: CivilDate,
        at place: SourcePosition
    ) throws(ImportError) -> [WeighedPosting] {
        var postings: [WeighedPosting] = []
        for posting in transaction.postings {
            try require(posting.account, currency: posting.units?.currency, at: posting.position)
            postings.append(try weigh(posting, on: date))
        }
        let tolerances = try Tolerances(of: transaction, options: options, at: place)
        let elided = postings.indices.filter { postings[$0].units == nil }
        guard elided.count <= 1 else {
            throw ImportError(
                .severalElided,
                at: postings[elided[1]].posting.position,
                "expected at most one posting without an amount, found a second"
            )
        }
        let sums = try BeancountBook.weights(postings, at: place)
        if let index = elided.first {
            try fill(index, of: &postings, sums, tolerances)
        } else {
            try check(sums, tolerances, at: place)
        }
        for posting in postings where !posting.isSettled { try settle(posting) }
        return postings
    }

    private static func weights(
        _ postings: [WeighedPosting],
        at place: SourcePosition
    ) throws(ImportError) -> CommoditySums {
        var sums = CommoditySums()
        for posting in postings where posting.units != nil {
            try calculating("the balance", at: place) { () throws(ArithmeticFailure) in
                try sums.add(posting.weight, of: posting.weightCurrency)
            }
        }
        return sums
    }

    private func check(
        _ sums: CommoditySums,
        _ tolerances: Tolerances,
        at place: SourcePosition
    ) throws(ImportError) {
        for row in sums.remaining {
            let tolerance = tolerances.tolerance(of: row.commodity)
            let isSmall = try calculating("the balance", at: place) {
                () throws(ArithmeticFailure) in
                try row.quantity.absolute.compared(to: tolerance) <= 0
            }
            guard isSmall else {
                throw ImportError(
                    .unbalanced,
                    at: place,
                    "expected a transaction that sums to zero,"
                        + " found \(CommoditySums.text(sums.remaining)) left over"
                )
            }
        }
    }

    /// Replaces the elided posting by one for each currency that is left over.
    private mutating func fill(
        _ index: Int,
        of postings: inout [WeighedPosting],
        _ sums: CommoditySums,
        _ tolerances: Tolerances
    ) throws(ImportError) {
        let elided = postings[index]
        var filled: [WeighedPosting] = []
        for row in sums.remaining {
            let place = elided.posting.position
            try require(elided.posting.account, currency: row.commodity, at: place)
            let quantity = try tolerances.quantized(
                row.quantity.negated,
                of: row.commodity,
                at: place
            )
            var posting = elided
            posting.units = BeancountAmount(
                number: quantity,
                places: 0,
                currency: row.commodity
            )
            posting.weight = quantity
            posting.weightCurrency = row.commodity
            filled.append(posting)
        }
        postings.replaceSubrange(index...index, with: filled)
    }

    private mutating func settle(_ posting: WeighedPosting) throws(ImportError) {
        guard let units = posting.units else { return }
        let account = posting.posting.account
        try calculating("the inventory", at: posting.posting.position) {
            () throws(ArithmeticFailure) in
            try inventories[account, default: Inventory()].add(
                units.number,
                of: units.currency,
                cost: posting.cost
            )
        }
    }
}

extension BeancountBook {
    /// What a posting brings into the balance: its cost, else its price, else its units.
    private mutating func weigh(
        _ posting: BeancountPosting,
        on date: CivilDate
    ) throws(ImportError) -> WeighedPosting {
        var weighed = WeighedPosting(posting: posting, units: posting.units)
        guard let units = posting.units else { return weighed }
        let place = posting.position
        if let spec = posting.cost {
            try weigh(&weighed, units, at: spec, on: date)
            return weighed
        }
        guard let price = posting.price else {
            weighed.weight = units.number
            weighed.weightCurrency = units.currency
            return weighed
        }
        guard !price.isTotal || !units.number.isZero else {
            throw ImportError(
                .malformedCost,
                at: place,
                "expected an amount that is not zero before a total price"
            )
        }
        weighed.weightCurrency = price.currency
        weighed.weight = try calculating("the price", at: place) { () throws(ArithmeticFailure) in
            let perUnit =
                price.isTotal
                ? try price.number.divided(
                    by: units.number.absolute,
                    significantDigits: BeancountBook.significantDigits
                ) : price.number
            return try BeancountBook.product(units.number, perUnit)
        }
        return weighed
    }

    private static func product(
        _ left: ExactDecimal,
        _ right: ExactDecimal
    ) throws(ArithmeticFailure) -> ExactDecimal {
        try left.multiplied(by: right).rounded(significantDigits: significantDigits)
    }

    private mutating func weigh(
        _ weighed: inout WeighedPosting,
        _ units: BeancountAmount,
        at spec: CostSpec,
        on date: CivilDate
    ) throws(ImportError) {
        let posting = weighed.posting
        let place = posting.position
        guard !units.number.isZero else {
            throw ImportError(
                .malformedLot,
                at: place,
                "expected units that are not zero at a cost"
            )
        }
        let perUnit = try calculating("the cost", at: place) { () throws(ArithmeticFailure) in
            try BeancountBook.perUnit(spec, units.number)
        }
        let method = accounts[posting.account]?.method ?? options.method
        let isReduced = inventories[posting.account]?.isReduced(
            by: units.number,
            of: units.currency
        )
        if method != .unchecked, isReduced == true {
            try reduce(&weighed, units, spec, perUnit, method)
            return
        }
        guard let perUnit, let currency = spec.currency else {
            throw ImportError(
                .malformedLot,
                at: place,
                "expected a cost with its currency where units are added,"
                    + " found '\(posting.costText)'"
            )
        }
        weighed.cost = LotCost(
            perUnit: perUnit,
            currency: currency,
            date: spec.date ?? date,
            label: spec.label
        )
        weighed.weightCurrency = currency
        weighed.weight = try calculating("the cost", at: place) { () throws(ArithmeticFailure) in
            try BeancountBook.product(units.number, perUnit)
        }
    }

    /// The cost of one unit: the given one, plus the units' share of a total.
    private static func perUnit(
        _ spec: CostSpec,
        _ units: ExactDecimal
    ) throws(ArithmeticFailure) -> ExactDecimal? {
        guard var total = spec.total else { return spec.perUnit }
        if let perUnit = spec.perUnit {
            total = try total.adding(try product(perUnit, units.absolute))
        }
        return try total.divided(by: units.absolute, significantDigits: significantDigits)
    }

    private mutating func reduce(
        _ weighed: inout WeighedPosting,
        _ units: BeancountAmount,
        _ spec: CostSpec,
        _ perUnit: ExactDecimal?,
        _ method: BookingMethod
    ) throws(ImportError) {
        let posting = weighed.posting
        let inventory = inventories[posting.account] ?? Inventory()
        let lots = inventory.matches(spec, perUnit: perUnit, of: units.currency)
        let what = "\(units.number) \(units.currency) \(posting.costText)"
        guard !lots.isEmpty else {
            throw ImportError(
                .lotNotFound,
                at: posting.position,
                "expected a lot of '\(posting.account)' that fits \(what), found none"
            )
        }
        let shares = try shares(of: lots, units, method, what, at: posting.position)
        weighed.weightCurrency = shares[0].cost.currency
        weighed.isSettled = true
        for share in shares {
            guard share.cost.currency == weighed.weightCurrency else {
                throw ImportError(
                    .ambiguousLot,
                    at: posting.position,
                    "expected lots with costs in one currency for \(what)"
                )
            }
            let before = weighed.weight
            weighed.weight = try calculating("the cost", at: posting.position) {
                () throws(ArithmeticFailure) in
                try inventories[posting.account, default: Inventory()].add(
                    share.units,
                    of: units.currency,
                    cost: share.cost
                )
                let weight = try BeancountBook.product(share.units, share.cost.perUnit)
                return try before.adding(weight)
            }
        }
    }

    private func shares(
        of lots: [Lot],
        _ units: BeancountAmount,
        _ method: BookingMethod,
        _ what: String,
        at place: SourcePosition
    ) throws(ImportError) -> [LotShare] {
        do {
            return try method.choose(from: lots, reducing: units.number)
        } catch {
            switch error {
            case .ambiguous:
                throw ImportError(
                    .ambiguousLot,
                    at: place,
                    "expected one lot for \(what), found \(lots.count) (booking \(method.rawValue))"
                )
            case .notEnough:
                throw ImportError(
                    .lotNotFound,
                    at: place,
                    "expected lots large enough for \(what)"
                )
            case .arithmetic(let failure): throw ImportError(failure, at: place, in: "the lots")
            }
        }
    }
}
