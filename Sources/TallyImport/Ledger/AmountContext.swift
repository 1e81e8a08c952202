// SPDX-License-Identifier: Apache-2.0
//
// What a journal has said so far about how its amounts are written: decimal marks, default
// commodity, commodity aliases, conversions to smaller units, display precision. Standard library
// only; owned by LedgerParser, read by AmountReader and by the book's balance check.

/// How a larger unit converts into a smaller one.
struct UnitConversion: Sendable {
    let smaller: String
    let factor: ExactDecimal
}

/// The state that decides how amounts are read.
struct AmountContext: Sendable {
    let dialect: Dialect
    /// hledger's `decimal-mark`.
    var decimalMark: UInt8?
    /// Decimal marks fixed by `commodity` and `D` directives.
    var commodityMarks: [String: UInt8] = [:]
    /// hledger's `D`: the commodity of bare numbers.
    var defaultCommodity = ""
    /// Ledger's `alias` below `commodity`.
    var commodityAliases: [String: String] = [:]
    /// Ledger's `C`.
    var conversions: [String: UnitConversion] = [:]
    /// Digits after the point fixed by a directive.
    private(set) var fixedPlaces: [String: Int] = [:]
    /// The most digits after the point seen in a posting's amount.
    private(set) var seenPlaces: [String: Int] = [:]

    init(dialect: Dialect) {
        self.dialect = dialect
    }

    /// Digits after the point that the book shows for a commodity; its tolerance is half of the
    /// last.
    func displayPlaces(of commodity: String) -> Int {
        if let fixed = fixedPlaces[commodity] { return fixed }
        return seenPlaces[commodity] ?? 0  // none seen: whole units
    }

    /// Notes a posting's amount.
    mutating func observe(_ amount: JournalAmount) {
        let seen = seenPlaces[amount.commodity] ?? 0  // the first of its commodity
        seenPlaces[amount.commodity] = max(seen, amount.places)
    }

    /// The same, to read amounts with: what was seen decides only how finely they balance.
    var withoutSeenPlaces: AmountContext {
        var context = self
        context.seenPlaces = [:]
        return context
    }

    /// Notes a directive's format.
    mutating func fix(places: Int, of commodity: String) {
        fixedPlaces[commodity] = places
    }

    /// Returns the amount in the smallest unit that conversions lead to.
    func reduced(_ amount: JournalAmount) throws(ImportError) -> JournalAmount {
        var reduced = amount
        var steps = 0
        while let conversion = conversions[reduced.commodity] {
            let quantity = reduced.quantity
            reduced.quantity = try calculating("the conversion", at: amount.position) {
                () throws(ArithmeticFailure) in try quantity.multiplied(by: conversion.factor)
            }
            reduced.commodity = conversion.smaller
            reduced.places = reduced.quantity.scale
            steps += 1
            guard steps <= conversions.count else {
                throw ImportError(
                    .malformedDirective,
                    at: amount.position,
                    "the conversions of '\(amount.commodity)' lead back to themselves"
                )
            }
        }
        return reduced
    }
}
