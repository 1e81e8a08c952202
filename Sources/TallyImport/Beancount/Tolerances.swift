// SPDX-License-Identifier: Apache-2.0
//
// How far a Beancount transaction or balance may be off, derived from the digits that were written.
// Standard library only; called by BeancountBook.

/// The tolerances of one transaction by currency.
struct Tolerances: Sendable {
    private var byCurrency: [String: ExactDecimal] = [:]
    private let others: ExactDecimal

    /// Half of the last written digit (by the option's factor), the coarsest amount of each
    /// currency deciding; whole numbers say nothing.
    init(
        of transaction: BeancountTransaction,
        options: BeancountOptions,
        at place: SourcePosition
    ) throws(ImportError) {
        others = options.defaultTolerances["*"] ?? .zero
        for currency in Tolerances.currencies(of: transaction) {
            byCurrency[currency] = options.defaultTolerances[currency]
        }
        for posting in transaction.postings {
            guard let units = posting.units, units.places > 0 else { continue }
            let tolerance = try Tolerances.of(units, options.multiplier, at: place)
            let known = byCurrency[units.currency] ?? .zero
            let isLarger = try calculating("the tolerance", at: place) {
                () throws(ArithmeticFailure) in try tolerance.compared(to: known) > 0
            }
            if isLarger || byCurrency[units.currency] == nil {
                byCurrency[units.currency] = tolerance
            }
        }
    }

    private static func currencies(of transaction: BeancountTransaction) -> [String] {
        transaction.postings.flatMap { posting in
            [posting.units?.currency, posting.cost?.currency, posting.price?.currency]
                .compactMap { $0 }
        }
    }

    private static func of(
        _ amount: BeancountAmount,
        _ multiplier: ExactDecimal,
        at place: SourcePosition
    ) throws(ImportError) -> ExactDecimal {
        try calculating("the tolerance", at: place) { () throws(ArithmeticFailure) in
            try ExactDecimal.unit(places: amount.places).multiplied(by: multiplier)
        }
    }

    /// The tolerance of a balance assertion: its own, or twice that of a transaction.
    static func of(
        _ claim: BeancountClaim,
        options: BeancountOptions,
        at place: SourcePosition
    ) throws(ImportError) -> ExactDecimal {
        if let tolerance = claim.tolerance { return tolerance }
        guard claim.amount.places > 0 else { return .zero }
        let once = try of(claim.amount, options.multiplier, at: place)
        return try calculating("the tolerance", at: place) { () throws(ArithmeticFailure) in
            try once.adding(once)
        }
    }

    /// The tolerance for a currency; zero where nothing was written with decimals.
    func tolerance(of currency: String) -> ExactDecimal {
        byCurrency[currency] ?? others
    }

    /// Rounds an inferred amount as Beancount does: to twice the tolerance's last digit.
    func quantized(
        _ quantity: ExactDecimal,
        of currency: String,
        at place: SourcePosition
    ) throws(ImportError) -> ExactDecimal {
        let tolerance = tolerance(of: currency)
        guard !tolerance.isZero else { return quantity }
        return try calculating("the inferred amount", at: place) {
            () throws(ArithmeticFailure) in
            let quantum = try tolerance.adding(tolerance)
            // Beancount leaves amounts alone when the tolerance is no neat number.
            guard quantum.magnitude.digits.utf8.count < 5 else { return quantity }
            return try quantity.rounded(places: quantum.scale)
        }
    }
}
