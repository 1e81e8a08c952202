// SPDX-License-Identifier: Apache-2.0
//
// Unsigned whole numbers of bounded size, the digits under an exact decimal. Standard library only;
// called by ExactDecimal alone. The bound is far above 2²⁵⁶ because products and aligned sums need
// room; a result beyond it is reported, never cut.

/// Why a calculation has no exact answer.
enum ArithmeticFailure: Error {
    /// The result needs more bits than the importer calculates with.
    case tooLarge
    /// The divisor is zero.
    case divisionByZero
    /// The quotient has no finite decimal expansion.
    case inexact
}

/// An unsigned integer of at most ``limbsMax`` words, least significant first, no leading zero
/// word.
struct Magnitude: Hashable, Sendable {
    /// 2,048 bits: a product of two amounts of 300 digits still fits.
    static let limbsMax = 32
    static let zero = Magnitude(limbs: [])
    static let one = Magnitude(1)
    /// The words; empty for zero.
    private(set) var limbs: [UInt64]

    init(_ value: UInt64) {
        limbs = value == 0 ? [] : [value]
    }

    private init(limbs: [UInt64]) {
        self.limbs = limbs
    }

    private static func trimmed(_ limbs: [UInt64]) throws(ArithmeticFailure) -> Magnitude {
        var limbs = limbs
        while limbs.last == 0 { limbs.removeLast() }
        guard limbs.count <= limbsMax else { throw .tooLarge }
        return Magnitude(limbs: limbs)
    }

    var isZero: Bool { limbs.isEmpty }

    /// The number of bits up to the highest one.
    var bitWidth: Int {
        guard let top = limbs.last else { return 0 }
        return limbs.count * 64 - top.leadingZeroBitCount
    }

    /// The word at a position, zero beyond the end.
    func limb(_ position: Int) -> UInt64 {
        position < limbs.count ? limbs[position] : 0
    }

    private func bit(_ position: Int) -> UInt64 {
        limb(position / 64) >> UInt64(position % 64) & 1
    }
}

extension Magnitude: Comparable {
    static func < (left: Magnitude, right: Magnitude) -> Bool {
        if left.limbs.count != right.limbs.count { return left.limbs.count < right.limbs.count }
        for position in left.limbs.indices.reversed()
        where left.limbs[position] != right.limbs[position] {
            return left.limbs[position] < right.limbs[position]
        }
        return false
    }
}

extension Magnitude {
    /// Returns the sum.
    func adding(_ other: Magnitude) throws(ArithmeticFailure) -> Magnitude {
        var sum: [UInt64] = []
        let count = max(limbs.count, other.limbs.count)
        sum.reserveCapacity(count + 1)
        var carry = false
        for position in 0..<count {
            let (partial, first) = limb(position).addingReportingOverflow(other.limb(position))
            let (total, second) = partial.addingReportingOverflow(carry ? 1 : 0)
            sum.append(total)
            carry = first || second
        }
        if carry { sum.append(1) }
        return try Magnitude.trimmed(sum)
    }

    /// Returns the difference; the other magnitude is not larger.
    func subtracting(_ other: Magnitude) throws(ArithmeticFailure) -> Magnitude {
        guard other <= self else { throw .tooLarge }
        var difference: [UInt64] = []
        var borrow = false
        for position in limbs.indices {
            let (partial, first) = limbs[position].subtractingReportingOverflow(
                other.limb(position)
            )
            let (rest, second) = partial.subtractingReportingOverflow(borrow ? 1 : 0)
            difference.append(rest)
            borrow = first || second
        }
        return try Magnitude.trimmed(difference)
    }

    /// Returns the product.
    func multiplied(by other: Magnitude) throws(ArithmeticFailure) -> Magnitude {
        guard !isZero, !other.isZero else { return .zero }
        guard limbs.count + other.limbs.count <= Magnitude.limbsMax + 1 else { throw .tooLarge }
        var product = [UInt64](repeating: 0, count: limbs.count + other.limbs.count)
        for left in limbs.indices {
            var carry: UInt64 = 0
            for right in other.limbs.indices {
                let (high, low) = limbs[left].multipliedFullWidth(by: other.limbs[right])
                let wide =
                    UInt128(high) << 64 | UInt128(low)
                let sum = wide + UInt128(product[left + right]) + UInt128(carry)
                product[left + right] = UInt64(truncatingIfNeeded: sum)
                carry = UInt64(truncatingIfNeeded: sum >> 64)
            }
            product[left + other.limbs.count] = carry
        }
        return try Magnitude.trimmed(product)
    }

    /// Returns quotient and remainder by one word that is not zero.
    func divided(bySmall divisor: UInt64) -> (quotient: Magnitude, remainder: UInt64) {
        var quotient = limbs
        var remainder: UInt64 = 0
        for position in limbs.indices.reversed() {
            let step = divisor.dividingFullWidth((remainder, limbs[position]))
            quotient[position] = step.quotient
            remainder = step.remainder
        }
        while quotient.last == 0 { quotient.removeLast() }
        return (Magnitude(limbs: quotient), remainder)
    }

    /// Returns quotient and remainder.
    func divided(
        by divisor: Magnitude
    ) throws(ArithmeticFailure) -> (quotient: Magnitude, remainder: Magnitude) {
        guard !divisor.isZero else { throw .divisionByZero }
        if divisor.limbs.count == 1 {
            let (quotient, remainder) = divided(bySmall: divisor.limbs[0])
            return (quotient, Magnitude(remainder))
        }
        var quotient = [UInt64](repeating: 0, count: limbs.count)
        var remainder = Magnitude.zero
        for position in (0..<bitWidth).reversed() {
            remainder = try remainder.doubled(adding: bit(position))
            if remainder >= divisor {
                remainder = try remainder.subtracting(divisor)
                quotient[position / 64] |= 1 << UInt64(position % 64)
            }
        }
        return (try Magnitude.trimmed(quotient), remainder)
    }

    private func doubled(adding bit: UInt64) throws(ArithmeticFailure) -> Magnitude {
        var carry = bit
        var result = limbs
        for position in result.indices {
            let next = result[position] >> 63
            result[position] = result[position] << 1 | carry
            carry = next
        }
        if carry != 0 { result.append(carry) }
        return try Magnitude.trimmed(result)
    }

    /// Returns this magnitude times a power of ten.
    func scaled(byPowerOfTen exponent: Int) throws(ArithmeticFailure) -> Magnitude {
        guard exponent > 0, !isZero else { return self }
        guard exponent <= Magnitude.limbsMax * 20 else { throw .tooLarge }
        return try multiplied(by: Magnitude.powerOfTen(exponent))
    }

    /// Returns ten to an exponent that is not negative.
    static func powerOfTen(_ exponent: Int) throws(ArithmeticFailure) -> Magnitude {
        var power = Magnitude.one
        var rest = exponent
        while rest > 0 {
            let step = min(rest, 19)
            var factor: UInt64 = 1
            for _ in 0..<step { factor *= 10 }
            power = try power.multiplied(by: Magnitude(factor))
            rest -= step
        }
        return power
    }

    /// Ten times this magnitude plus a digit.
    func appending(digit: UInt8) throws(ArithmeticFailure) -> Magnitude {
        var carry = UInt64(digit)
        var result = limbs
        for position in result.indices {
            let wide = UInt128(result[position]) * 10 + UInt128(carry)
            result[position] = UInt64(truncatingIfNeeded: wide)
            carry = UInt64(truncatingIfNeeded: wide >> 64)
        }
        if carry != 0 { result.append(carry) }
        return try Magnitude.trimmed(result)
    }

    /// The decimal digits, "0" for zero.
    var digits: String {
        guard !isZero else { return "0" }
        var rest = self
        var reversed: [UInt8] = []
        while !rest.isZero {
            let (quotient, remainder) = rest.divided(bySmall: 10_000_000_000_000_000_000)
            var chunk = remainder
            for _ in 0..<19 where !(quotient.isZero && chunk == 0) {
                reversed.append(UInt8(ascii: "0") + UInt8(chunk % 10))
                chunk /= 10
            }
            rest = quotient
        }
        return String(decoding: reversed.reversed(), as: UTF8.self)
    }
}
