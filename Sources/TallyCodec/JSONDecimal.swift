// SPDX-License-Identifier: Apache-2.0
//
// The exact value of a JSON number: sign, significant digits and the place of the point. Two
// numbers are equal exactly when these are. Imports TallyTypes; used by JSONNumber and
// JSONEquality only.

internal import TallyTypes

/// ± 0.d₁d₂d₃… × 10^point, without zeros at either end of the digits; zero has none and no sign.
struct JSONDecimal: Hashable, Comparable, Sendable {
    /// The largest exponent, either way, whose number is ever evaluated.
    static let exponentMax = 9_999
    let isNegative: Bool
    let digits: [UInt8]
    let point: Int

    /// Evaluates a number; nil when its exponent is beyond the bound.
    init?(_ number: JSONNumber) {
        let lexeme = number.lexeme
        let isNegative = lexeme.first == UInt8(ascii: "-")
        var digits: [UInt8] = []
        var point = 0
        var isFraction = false
        var position = isNegative ? 1 : 0
        while position < lexeme.count, lexeme[position] | 0x20 != UInt8(ascii: "e") {
            let byte = lexeme[position]
            position += 1
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else if byte == UInt8(ascii: "0"), digits.isEmpty {
                point -= isFraction ? 1 : 0
            } else {
                digits.append(byte - UInt8(ascii: "0"))
                point += isFraction ? 0 : 1
            }
        }
        guard let exponent = JSONDecimal.exponent(lexeme[position...]) else { return nil }
        while digits.last == 0 {
            digits.removeLast()
        }
        self.isNegative = isNegative && !digits.isEmpty
        self.digits = digits
        self.point = digits.isEmpty ? 0 : point + exponent
    }

    /// Reads `e`, a sign and digits; 0 for nothing, nil beyond the bound.
    private static func exponent(_ lexeme: ArraySlice<UInt8>) -> Int? {
        let rest = lexeme.dropFirst()
        var value = 0
        for byte in rest where byte >= UInt8(ascii: "0") {
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            guard value <= exponentMax else { return nil }
        }
        return rest.first == UInt8(ascii: "-") ? -value : value
    }

    /// The value as an integer, when it is one.
    var integer: JSONInteger {
        guard digits.count <= point || digits.isEmpty else { return .fraction }
        let zeros = point - digits.count
        guard point <= 78 else { return .tooLarge }
        let ascii = digits.map { $0 + UInt8(ascii: "0") }
        let decimal = ascii + [UInt8](repeating: UInt8(ascii: "0"), count: zeros)
        guard !decimal.isEmpty else { return .value(.zero) }
        guard let magnitude = Amount(decimal: decimal) else { return .tooLarge }
        return .value(Balance(isNegative: isNegative, magnitude: magnitude))
    }

    /// Orders by value.
    static func < (left: JSONDecimal, right: JSONDecimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative ? right.isSmaller(than: left) : left.isSmaller(than: right)
    }

    /// Compares magnitudes.
    private func isSmaller(than other: JSONDecimal) -> Bool {
        guard !digits.isEmpty, !other.digits.isEmpty else {
            return digits.isEmpty && !other.digits.isEmpty
        }
        return point == other.point
            ? digits.lexicographicallyPrecedes(other.digits) : point < other.point
    }
}
