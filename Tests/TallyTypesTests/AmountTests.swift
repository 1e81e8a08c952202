// SPDX-License-Identifier: Apache-2.0
//
// Exact money: 256-bit amounts against a digit-by-digit twin, volumes, balances.

import TallyTypes
import TestSupport
import Testing

@Suite("Amounts")
struct AmountTests {
    /// The dumbest arithmetic: decimal digits, least significant first.
    private struct Digits: Equatable, CustomStringConvertible {
        var digits: [Int]

        init(_ amount: Amount) {
            digits = amount.description.utf8.reversed().map { Int($0) - 48 }
        }

        func adding(_ other: Digits) -> Digits {
            var sum = self
            var carry = 0
            for position in 0..<max(digits.count, other.digits.count) + 1 {
                let left = position < digits.count ? digits[position] : 0
                let right = position < other.digits.count ? other.digits[position] : 0
                let total = left + right + carry
                if position < sum.digits.count {
                    sum.digits[position] = total % 10
                } else {
                    sum.digits.append(total % 10)
                }
                carry = total / 10
            }
            while sum.digits.count > 1, sum.digits.last == 0 { sum.digits.removeLast() }
            return sum
        }

        var description: String { digits.reversed().map(String.init).joined() }
    }

    private static let largest =
        "115792089237316195423570985008687907853269984665640564039457584007913129639935"

    @Test(
        "decimal text round-trips",
        arguments: [
            "0", "1", "9", "10", "18446744073709551615", "18446744073709551616",
            "340282366920938463463374607431768211455", "340282366920938463463374607431768211456",
            "1000000000000000000000000000000000000000000000000000000000000", largest,
        ]
    )
    func decimal(_ text: String) throws {
        let amount = try #require(Amount(decimal: text.utf8))
        #expect(amount.description == text)
        #expect(Amount(bigEndian: amount.bytes) == amount)
    }

    @Test(
        "text that is no amount",
        arguments: [
            "", "-1", "+1", "1.0", "1e3", " 1", "1_000", "٣",
            "115792089237316195423570985008687907853269984665640564039457584007913129639936",
            "999999999999999999999999999999999999999999999999999999999999999999999999999999999",
        ]
    )
    func noAmount(_ text: String) {
        #expect(Amount(decimal: text.utf8) == nil)
    }

    @Test("leading zeros are digits like others")
    func leadingZeros() {
        #expect(Amount(decimal: "000000000000000000000000000000000000000042".utf8) == Amount(42))
    }

    @Test("sums and differences agree with digits on paper")
    func paper() throws {
        var random = SeededRandom(seed: 1)
        for _ in 0..<2_000 {
            let left = amount(&random)
            let right = amount(&random)
            let (sum, overflow) = left.addingReportingOverflow(right)
            let onPaper = Digits(left).adding(Digits(right))
            if overflow {
                #expect(onPaper.description.count >= AmountTests.largest.count)
            } else {
                #expect(sum.description == onPaper.description)
                #expect(sum.subtracting(left) == right)
                #expect(sum.subtracting(right) == left)
            }
            #expect((left < right) == (right.subtracting(left) != nil && left != right))
        }
    }

    private func amount(_ random: inout SeededRandom) -> Amount {
        let bits = random.below(257)
        let words = (0..<4).map { _ in random.next() }
        var value = Amount(
            high: UInt128(words[0]) << 64 | UInt128(words[1]),
            low: UInt128(words[2]) << 64 | UInt128(words[3])
        )
        for _ in bits..<256 { value = half(value) }
        return value
    }

    private func half(_ amount: Amount) -> Amount {
        Amount(high: amount.high >> 1, low: amount.low >> 1 | amount.high << 127)
    }

    @Test("the largest amount and one more overflow")
    func overflow() {
        #expect(Amount.max.description == AmountTests.largest)
        #expect(Amount.max.addingReportingOverflow(Amount(1)).overflow)
        #expect(!Amount.max.addingReportingOverflow(.zero).overflow)
        #expect(Amount.zero.subtracting(Amount(1)) == nil)
        #expect(Amount(bigEndian: [UInt8](repeating: 0, count: 33)) == nil)
    }

    @Test("a balance is the difference of two sums, and zero is never negative")
    func balances() {
        let owing = Volume(input: Amount(3), output: Amount(10)).balance
        #expect(owing == Balance(isNegative: true, magnitude: Amount(7)))
        #expect(owing.description == "-7")
        #expect(owing.available == .zero)
        let even = Volume(input: Amount(5), output: Amount(5)).balance
        #expect(even == .zero)
        #expect(!even.isNegative)
        #expect(Balance(isNegative: true, magnitude: .zero) == .zero)
        #expect(owing < even)
        #expect(owing < Balance(isNegative: true, magnitude: Amount(6)))
        #expect(even < Balance(isNegative: false, magnitude: Amount(1)))
    }
}
