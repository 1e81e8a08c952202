// SPDX-License-Identifier: Apache-2.0
//
// Written numbers: digits, grouping, decimal marks, exponents. Standard library only; called by
// AmountReader and by Beancount's lexer. The value and the number of written decimals are both
// kept, because a book's tolerance depends on how its amounts are written.

/// A number as written.
struct WrittenNumber: Sendable {
    let value: ExactDecimal
    /// Digits after the decimal mark, trailing zeros included.
    let places: Int
    /// The decimal mark that was used or nil when there was none.
    let mark: UInt8?
}

/// Reads unsigned numbers at a cursor.
enum NumberReader {
    /// The most digits one number may have; 2²⁵⁶ has 78.
    static let digitsMax = 200

    /// Reads a number; `mark` is the decimal mark where the book has fixed one.
    ///
    /// - Throws: `malformedAmount`, `ambiguousNumber`, `amountTooLarge`.
    static func number(
        _ cursor: inout LineCursor,
        dialect: Dialect,
        mark: UInt8?
    ) throws(ImportError) -> WrittenNumber {
        let begin = cursor
        let raw = takeCharacters(&cursor, dialect: dialect)
        guard raw.contains(where: Byte.isDigit) else {
            throw begin.failure(.malformedAmount, "expected a number, found \(begin.found)")
        }
        let decimal = try decimalMark(in: raw, dialect: dialect, mark: mark, begin)
        let number = try assemble(raw, decimal: decimal, dialect: dialect, begin)
        guard dialect == .hledger, cursor.peek == 0x45 || cursor.peek == 0x65 else { return number }
        return try scaled(number, byExponentAt: &cursor)
    }

    /// Takes digits and marks; a blank belongs to a number only between digits, and only in
    /// hledger.
    private static func takeCharacters(
        _ cursor: inout LineCursor,
        dialect: Dialect
    ) -> [UInt8] {
        var raw: [UInt8] = []
        while let byte = cursor.peek {
            if Byte.isDigit(byte) || byte == Byte.point || byte == Byte.comma {
                raw.append(byte)
            } else if byte == Byte.space, dialect == .hledger, let last = raw.last,
                Byte.isDigit(last), let next = cursor.second, Byte.isDigit(next)
            {
                raw.append(byte)
            } else {
                break
            }
            cursor.advance()
        }
        return raw
    }

    /// Decides which mark of the number is its decimal mark.
    private static func decimalMark(
        in raw: [UInt8],
        dialect: Dialect,
        mark: UInt8?,
        _ begin: LineCursor
    ) throws(ImportError) -> UInt8? {
        let points = raw.count { $0 == Byte.point }
        let commas = raw.count { $0 == Byte.comma }
        if points > 0, commas > 0 {
            let last = raw.last { $0 == Byte.point || $0 == Byte.comma }
            guard last == Byte.point ? points == 1 : commas == 1 else {
                throw begin.failure(
                    .malformedAmount,
                    "expected one decimal mark, found \(begin.found)"
                )
            }
            return last
        }
        if let mark {
            if raw.count(where: { $0 == mark }) == 1 { return mark }
            return nil
        }
        if points == 1 { return Byte.point }
        guard commas == 1 else { return nil }
        if dialect == .hledger { return Byte.comma }
        return try loneComma(in: raw, dialect: dialect, begin)
    }

    /// A single comma in Ledger and Beancount: three digits behind it make it a thousands
    /// separator.
    private static func loneComma(
        in raw: [UInt8],
        dialect: Dialect,
        _ begin: LineCursor
    ) throws(ImportError) -> UInt8? {
        guard dialect == .ledger, let comma = raw.firstIndex(of: Byte.comma) else { return nil }
        guard raw.count - comma - 1 == 3 else { return Byte.comma }
        guard raw.first != UInt8(ascii: "0") else {
            throw begin.failure(
                .ambiguousNumber,
                "expected a number whose comma is either a thousands separator or a decimal mark,"
                    + " found \(begin.found)"
            )
        }
        return nil
    }

    private static func assemble(
        _ raw: [UInt8],
        decimal: UInt8?,
        dialect: Dialect,
        _ begin: LineCursor
    ) throws(ImportError) -> WrittenNumber {
        var magnitude = Magnitude.zero
        var digits = 0
        var places = 0
        var group: Int?
        var isFraction = false
        for byte in raw {
            if Byte.isDigit(byte) {
                digits += 1
                guard digits <= digitsMax else {
                    throw begin.failure(
                        .amountTooLarge,
                        "expected at most \(digitsMax) digits, found more"
                    )
                }
                let before = magnitude
                magnitude = try calculating("the number", at: begin.position) {
                    () throws(ArithmeticFailure) in try before.appending(digit: byte - 0x30)
                }
                if isFraction { places += 1 }
                group = group.map { $0 + 1 }
            } else if byte == decimal {
                try checkGroup(group, isLast: true, dialect, begin)
                group = nil
                isFraction = true
            } else {
                guard !isFraction, digits > 0 else {
                    throw begin.failure(.malformedAmount, "expected a number, found \(begin.found)")
                }
                try checkGroup(group, isLast: false, dialect, begin)
                group = 0
            }
        }
        try checkGroup(group, isLast: true, dialect, begin)
        let value = ExactDecimal(isNegative: false, magnitude: magnitude, scale: places)
        return WrittenNumber(value: value, places: places, mark: decimal)
    }

    /// Groups of thousands hold three digits; hledger also takes the groups of other countries.
    private static func checkGroup(
        _ group: Int?,
        isLast: Bool,
        _ dialect: Dialect,
        _ begin: LineCursor
    ) throws(ImportError) {
        guard let group else { return }
        let isFine: Bool
        switch dialect {
        case .ledger: isFine = group == 3
        case .hledger: isFine = isLast ? group >= 1 : (1...4).contains(group)
        case .beancount: isFine = group >= 1
        }
        guard isFine else {
            throw begin.failure(
                .malformedAmount,
                "expected groups of three digits, found \(begin.found)"
            )
        }
    }

    /// hledger's `1E3`, `2.5e-4`.
    private static func scaled(
        _ number: WrittenNumber,
        byExponentAt cursor: inout LineCursor
    ) throws(ImportError) -> WrittenNumber {
        var probe = cursor
        probe.advance()
        let isNegative = probe.take(Byte.minus)
        if !isNegative { _ = probe.take(Byte.plus) }
        let digits = probe.takeWhile(Byte.isDigit)
        guard !digits.isEmpty else { return number }
        guard digits.utf8.count <= 2, let exponent = Int(digits) else {
            throw cursor.failure(
                .amountTooLarge,
                "expected an exponent of at most two digits, found \(cursor.found)"
            )
        }
        let place = cursor.position
        cursor = probe
        let places = max(0, number.places + (isNegative ? exponent : -exponent))
        let value = try calculating("the exponent", at: place) {
            () throws(ArithmeticFailure) -> ExactDecimal in
            let power = try Magnitude.powerOfTen(exponent)
            return isNegative
                ? try number.value.multiplied(by: .unit(places: exponent))
                : try number.value.multiplied(
                    by: ExactDecimal(isNegative: false, magnitude: power, scale: 0)
                )
        }
        return WrittenNumber(value: value, places: places, mark: number.mark)
    }
}
