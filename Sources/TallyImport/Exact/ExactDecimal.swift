// SPDX-License-Identifier: Apache-2.0
//
// Exact signed decimals: what journals write and what books are summed in. Standard library and the
// ledger's Amount only; called by every file of the importer. Nothing here rounds but the two
// functions that say so, and those are used only where a journal's own tool defines the rounding.

internal import TallyTypes

/// A signed decimal number without trailing zeros after the point; zero is never negative.
struct ExactDecimal: Hashable, Sendable {
    static let zero = ExactDecimal(isNegative: false, magnitude: .zero, scale: 0, normalised: ())
    static let one = ExactDecimal(isNegative: false, magnitude: .one, scale: 0, normalised: ())
    /// True below zero.
    let isNegative: Bool
    /// The digits without the point.
    let magnitude: Magnitude
    /// The number of digits after the point; the smallest that holds the value.
    let scale: Int

    private init(isNegative: Bool, magnitude: Magnitude, scale: Int, normalised: Void) {
        self.isNegative = isNegative
        self.magnitude = magnitude
        self.scale = scale
    }

    /// Makes ±magnitude × 10^−scale in lowest terms.
    init(isNegative: Bool, magnitude: Magnitude, scale: Int) {
        var magnitude = magnitude
        var scale = magnitude.isZero ? 0 : scale
        while scale > 0 {
            let (quotient, remainder) = magnitude.divided(bySmall: 10)
            if remainder != 0 { break }
            magnitude = quotient
            scale -= 1
        }
        self.init(
            isNegative: isNegative && !magnitude.isZero,
            magnitude: magnitude,
            scale: scale,
            normalised: ()
        )
    }

    /// Makes a whole number.
    init(_ value: UInt64) {
        self.init(isNegative: false, magnitude: Magnitude(value), scale: 0)
    }

    /// Makes 10^−places.
    static func unit(places: Int) -> ExactDecimal {
        ExactDecimal(isNegative: false, magnitude: .one, scale: places)
    }

    var isZero: Bool { magnitude.isZero }
    /// The same number above zero.
    var absolute: ExactDecimal { isNegative ? negated : self }

    /// The number with the other sign.
    var negated: ExactDecimal {
        ExactDecimal(
            isNegative: !isNegative && !isZero,
            magnitude: magnitude,
            scale: scale,
            normalised: ()
        )
    }
}

extension ExactDecimal: CustomStringConvertible {
    /// The shortest plain notation: no exponent, no grouping, no trailing zero.
    var description: String {
        var digits = magnitude.digits
        if scale > 0 {
            if digits.count <= scale {
                digits = String(repeating: "0", count: scale + 1 - digits.count) + digits
            }
            let point = digits.index(digits.endIndex, offsetBy: -scale)
            digits.insert(".", at: point)
        }
        return (isNegative ? "-" : "") + digits
    }
}

extension ExactDecimal {
    private func aligned(to scale: Int) throws(ArithmeticFailure) -> Magnitude {
        try magnitude.scaled(byPowerOfTen: scale - self.scale)
    }

    /// Returns the sum.
    func adding(_ other: ExactDecimal) throws(ArithmeticFailure) -> ExactDecimal {
        let scale = max(self.scale, other.scale)
        let left = try aligned(to: scale)
        let right = try other.aligned(to: scale)
        if isNegative == other.isNegative {
            let sum = try left.adding(right)
            return ExactDecimal(isNegative: isNegative, magnitude: sum, scale: scale)
        }
        if left >= right {
            let difference = try left.subtracting(right)
            return ExactDecimal(isNegative: isNegative, magnitude: difference, scale: scale)
        }
        let difference = try right.subtracting(left)
        return ExactDecimal(isNegative: other.isNegative, magnitude: difference, scale: scale)
    }

    /// Returns the difference.
    func subtracting(_ other: ExactDecimal) throws(ArithmeticFailure) -> ExactDecimal {
        try adding(other.negated)
    }

    /// Returns the product.
    func multiplied(by other: ExactDecimal) throws(ArithmeticFailure) -> ExactDecimal {
        ExactDecimal(
            isNegative: isNegative != other.isNegative,
            magnitude: try magnitude.multiplied(by: other.magnitude),
            scale: scale + other.scale
        )
    }

    /// Returns the quotient where it is a finite decimal.
    ///
    /// - Throws: `inexact` where it is not, `divisionByZero`, `tooLarge`.
    func dividedExactly(by other: ExactDecimal) throws(ArithmeticFailure) -> ExactDecimal {
        guard !other.isZero else { throw .divisionByZero }
        let places = ExactDecimal.placesBound(of: other.magnitude)
        let numerator = try magnitude.scaled(byPowerOfTen: places + other.scale)
        let (quotient, remainder) = try numerator.divided(by: other.magnitude)
        guard remainder.isZero else { throw .inexact }
        return ExactDecimal(
            isNegative: isNegative != other.isNegative,
            magnitude: quotient,
            scale: places + scale
        )
    }

    /// The exponents of two and five in the divisor bound the digits of a finite expansion.
    private static func placesBound(of divisor: Magnitude) -> Int {
        var twos = 0
        var fives = 0
        var rest = divisor
        while case (let quotient, 0) = rest.divided(bySmall: 2) {
            rest = quotient
            twos += 1
        }
        while case (let quotient, 0) = rest.divided(bySmall: 5) {
            rest = quotient
            fives += 1
        }
        return max(twos, fives)
    }

    /// Returns -1, 0 or 1 for less, equal, greater.
    func compared(to other: ExactDecimal) throws(ArithmeticFailure) -> Int {
        if isNegative != other.isNegative { return isNegative ? -1 : 1 }
        let scale = max(self.scale, other.scale)
        let left = try aligned(to: scale)
        let right = try other.aligned(to: scale)
        if left == right { return 0 }
        return (left < right) != isNegative ? -1 : 1
    }

    /// Returns this number as a count of 10^−scale, or nil when it is finer or needs over 256 bits.
    func amount(scale wanted: Int) throws(ArithmeticFailure) -> Amount? {
        guard scale <= wanted, !isNegative else { return nil }
        let whole = try aligned(to: wanted)
        guard whole.bitWidth <= 256 else { return nil }
        return Amount(
            high: UInt128(whole.limb(3)) << 64 | UInt128(whole.limb(2)),
            low: UInt128(whole.limb(1)) << 64 | UInt128(whole.limb(0))
        )
    }
}

extension ExactDecimal {
    /// Returns the nearest number with at most `places` digits after the point, ties to even.
    func rounded(places: Int) throws(ArithmeticFailure) -> ExactDecimal {
        guard scale > places else { return self }
        let unit = try Magnitude.powerOfTen(scale - places)
        let rounded = try ExactDecimal.halfEven(magnitude, dividedBy: unit)
        return ExactDecimal(isNegative: isNegative, magnitude: rounded, scale: places)
    }

    /// Returns the nearest number with at most `digits` significant digits, ties to even.
    func rounded(significantDigits digits: Int) throws(ArithmeticFailure) -> ExactDecimal {
        let excess = magnitude.digits.utf8.count - digits
        guard excess > 0 else { return self }
        let unit = try Magnitude.powerOfTen(excess)
        let rounded = try ExactDecimal.halfEven(magnitude, dividedBy: unit)
        let lowered = scale - excess
        if lowered >= 0 {
            return ExactDecimal(isNegative: isNegative, magnitude: rounded, scale: lowered)
        }
        let widened = try rounded.scaled(byPowerOfTen: -lowered)
        return ExactDecimal(isNegative: isNegative, magnitude: widened, scale: 0)
    }

    /// Returns the quotient to so many significant digits, ties to even.
    func divided(
        by other: ExactDecimal,
        significantDigits digits: Int
    ) throws(ArithmeticFailure) -> ExactDecimal {
        guard !other.isZero else { throw .divisionByZero }
        let lead = other.magnitude.digits.utf8.count - magnitude.digits.utf8.count
        let places = max(0, digits + lead + 1)
        let numerator = try magnitude.scaled(byPowerOfTen: places + other.scale)
        let (quotient, remainder) = try numerator.divided(by: other.magnitude)
        // A sticky digit keeps the rounding honest: what was cut off is more than nothing.
        let sticky = try quotient.appending(digit: remainder.isZero ? 0 : 1)
        let value = ExactDecimal(
            isNegative: isNegative != other.isNegative,
            magnitude: sticky,
            scale: places + scale + 1
        )
        return try value.rounded(significantDigits: digits)
    }

    private static func halfEven(
        _ value: Magnitude,
        dividedBy unit: Magnitude
    ) throws(ArithmeticFailure) -> Magnitude {
        let (quotient, remainder) = try value.divided(by: unit)
        let twice = try remainder.adding(remainder)
        let isOdd = quotient.limb(0) & 1 == 1
        if twice > unit || (twice == unit && isOdd) { return try quotient.adding(.one) }
        return quotient
    }
}
