// SPDX-License-Identifier: Apache-2.0
//
// Exact money: unsigned 256-bit amounts, and the balance of two of them. Standard library only;
// used by every module that touches money. Nothing here wraps around: overflow is reported, and
// callers turn it into a Refusal. No floating point anywhere.

/// An unsigned 256-bit integer number of an asset's smallest unit.
public struct Amount: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Nothing.
    public static let zero = Amount(0)
    /// 2²⁵⁶ − 1.
    public static let max = Amount(high: .max, low: .max)
    /// The most significant 128 bits.
    public let high: UInt128
    /// The least significant 128 bits.
    public let low: UInt128

    /// Makes an amount from its two halves.
    @inlinable
    public init(high: UInt128, low: UInt128) {
        self.high = high
        self.low = low
    }

    /// Makes an amount that fits 128 bits.
    @inlinable
    public init(_ low: UInt128) {
        self.init(high: 0, low: low)
    }

    /// True for zero.
    @inlinable
    public var isZero: Bool { high == 0 && low == 0 }

    /// The sum modulo 2²⁵⁶, and whether it is 2²⁵⁶ or more.
    @inlinable
    public func addingReportingOverflow(_ other: Amount) -> (sum: Amount, overflow: Bool) {
        let (low, carry) = low.addingReportingOverflow(other.low)
        let (high, overflow) = high.addingReportingOverflow(other.high)
        let (final, overflowOfCarry) = high.addingReportingOverflow(carry ? 1 : 0)
        return (Amount(high: final, low: low), overflow || overflowOfCarry)
    }

    /// The difference, or nil when the other amount is larger.
    @inlinable
    public func subtracting(_ other: Amount) -> Amount? {
        guard self >= other else { return nil }
        let (low, borrow) = low.subtractingReportingOverflow(other.low)
        return Amount(high: high - other.high - (borrow ? 1 : 0), low: low)
    }

    /// Orders by size.
    @inlinable
    public static func < (left: Amount, right: Amount) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }

    /// Ten times this amount plus a digit, or nil when that is 2²⁵⁶ or more.
    public func appendingDigit(_ digit: UInt8) -> Amount? {
        let (lowHigh, lowLow) = low.multipliedFullWidth(by: 10)
        let (high, overflow) = high.multipliedReportingOverflow(by: 10)
        let (carried, overflowOfCarry) = high.addingReportingOverflow(lowHigh)
        guard !overflow, !overflowOfCarry else { return nil }
        let product = Amount(high: carried, low: lowLow)
        let (sum, overflowOfDigit) = product.addingReportingOverflow(Amount(UInt128(digit)))
        return overflowOfDigit ? nil : sum
    }

    /// Reads a run of one or more ASCII digits; nil when a byte is no digit or the value needs 257
    /// bits.
    public init?(decimal digits: some Collection<UInt8>) {
        guard !digits.isEmpty else { return nil }
        var value = Amount.zero
        for byte in digits {
            guard byte >= 0x30, byte <= 0x39, let next = value.appendingDigit(byte - 0x30) else {
                return nil
            }
            value = next
        }
        self = value
    }

    /// The amount in decimal, without sign, separator or leading zero.
    public var description: String {
        if high == 0 { return String(low) }
        let chunk: UInt128 = 10_000_000_000_000_000_000
        var rest = [
            UInt64(truncatingIfNeeded: high >> 64), UInt64(truncatingIfNeeded: high),
            UInt64(truncatingIfNeeded: low >> 64), UInt64(truncatingIfNeeded: low),
        ]
        var chunks: [String] = []
        while rest.contains(where: { $0 != 0 }) {
            var remainder: UInt128 = 0
            for position in rest.indices {
                let part = remainder << 64 | UInt128(rest[position])
                rest[position] = UInt64(part / chunk)
                remainder = part % chunk
            }
            chunks.append(String(remainder))
        }
        let padded = chunks.dropLast().reversed().map { digits in
            String(repeating: "0", count: 19 - digits.count) + digits
        }
        return chunks[chunks.count - 1] + padded.joined()
    }

    /// The shortest big-endian bytes; none for zero.
    public var bytes: [UInt8] {
        let words = [
            UInt64(truncatingIfNeeded: high >> 64), UInt64(truncatingIfNeeded: high),
            UInt64(truncatingIfNeeded: low >> 64), UInt64(truncatingIfNeeded: low),
        ]
        return Array(words.flatMap(bigEndianBytes).drop { $0 == 0 })
    }

    /// Reads up to thirty-two big-endian bytes; nil when there are more.
    public init?(bigEndian bytes: some Collection<UInt8>) {
        guard bytes.count <= 32 else { return nil }
        var high: UInt128 = 0
        var low: UInt128 = 0
        for byte in bytes {
            high = high << 8 | low >> 120
            low = low << 8 | UInt128(byte)
        }
        self.init(high: high, low: low)
    }
}

/// What an account received and gave of one asset, ever.
public struct Volume: Hashable, Sendable, CustomStringConvertible {
    /// Nothing received, nothing given.
    public static let zero = Volume(input: .zero, output: .zero)
    /// The sum of all amounts received.
    public var input: Amount
    /// The sum of all amounts given.
    public var output: Amount

    /// Makes a volume from its two sums.
    @inlinable
    public init(input: Amount, output: Amount) {
        self.input = input
        self.output = output
    }

    /// Input minus output.
    @inlinable
    public var balance: Balance {
        input >= output
            ? Balance(isNegative: false, magnitude: input.subtracting(output) ?? .zero)
            : Balance(isNegative: true, magnitude: output.subtracting(input) ?? .zero)
    }

    /// Both sums and the balance.
    public var description: String { "in \(input) out \(output)" }
}

/// The difference of two amounts: a sign and a magnitude; zero is never negative.
public struct Balance: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Nothing.
    public static let zero = Balance(isNegative: false, magnitude: .zero)
    /// True below zero.
    public let isNegative: Bool
    /// The absolute value.
    public let magnitude: Amount

    /// Makes a balance; a negative zero becomes zero.
    @inlinable
    public init(isNegative: Bool, magnitude: Amount) {
        self.isNegative = isNegative && !magnitude.isZero
        self.magnitude = magnitude
    }

    /// What may be spent of it: the magnitude, or nothing when negative.
    @inlinable
    public var available: Amount { isNegative ? .zero : magnitude }

    /// The value in decimal with a leading minus sign below zero.
    public var description: String { (isNegative ? "-" : "") + magnitude.description }

    /// Orders by value.
    @inlinable
    public static func < (left: Balance, right: Balance) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative
            ? right.magnitude < left.magnitude : left.magnitude < right.magnitude
    }
}
