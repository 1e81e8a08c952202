// SPDX-License-Identifier: Apache-2.0
//
// Sums per commodity in the order of first appearance. Standard library only; used for a
// transaction's weights and wherever amounts of several commodities meet.

/// A sum of amounts of several commodities.
struct CommoditySums: Sendable {
    /// One commodity, or one lot of it, and its sum.
    struct Row: Sendable {
        let key: String
        let commodity: String
        /// The lot that the row is about, where lots are kept apart.
        let lot: LotAnnotation?
        var quantity: ExactDecimal
    }

    private(set) var rows: [Row] = []

    /// Adds a quantity to the row of a commodity, or of one lot of it.
    mutating func add(
        _ quantity: ExactDecimal,
        of commodity: String,
        lot: LotAnnotation? = nil
    ) throws(ArithmeticFailure) {
        let key = lot.map { commodity + $0.key } ?? commodity
        if let index = rows.firstIndex(where: { $0.key == key }) {
            rows[index].quantity = try rows[index].quantity.adding(quantity)
        } else {
            rows.append(Row(key: key, commodity: commodity, lot: lot, quantity: quantity))
        }
    }

    /// The rows that are not zero.
    var remaining: [Row] { rows.filter { !$0.quantity.isZero } }

    /// The rows for an error message.
    static func text(_ rows: [Row]) -> String {
        rows.map { "\($0.quantity) \($0.commodity)" }.joined(separator: ", ")
    }
}
