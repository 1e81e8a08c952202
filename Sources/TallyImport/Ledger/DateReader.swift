// SPDX-License-Identifier: Apache-2.0
//
// Dates of Ledger and hledger: year, month, day joined by `/`, `-` or `.`, or month and day where a
// year is known. Standard library only; called by the Ledger parser and its notes.

/// Reads dates at a cursor.
enum DateReader {
    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == Byte.slash || byte == Byte.minus || byte == Byte.point
    }

    /// Reads one date; `year` is used where the text has none.
    ///
    /// - Throws: `malformedDate`, or `missingYear` where neither the text nor the book has a year.
    static func date(
        _ cursor: inout LineCursor,
        year: Int?
    ) throws(ImportError) -> CivilDate {
        let begin = cursor
        var parts: [Int] = [try number(&cursor, begin)]
        let firstDigits = cursor.index - begin.index
        while let byte = cursor.peek, isSeparator(byte), parts.count < 3 {
            cursor.advance()
            parts.append(try number(&cursor, begin))
        }
        if parts.count == 3 {
            guard firstDigits == 4 else {
                throw begin.failure(
                    .malformedDate,
                    "expected a year of four digits, found \(begin.found)"
                )
            }
            return try checked(parts[0], parts[1], parts[2], begin)
        }
        guard parts.count == 2, firstDigits <= 2 else {
            throw begin.failure(.malformedDate, "expected a date, found \(begin.found)")
        }
        guard let year else {
            throw begin.failure(
                .missingYear,
                "expected a date with a year (no year directive is in force), found \(begin.found)"
            )
        }
        return try checked(year, parts[0], parts[1], begin)
    }

    private static func number(
        _ cursor: inout LineCursor,
        _ begin: LineCursor
    ) throws(ImportError) -> Int {
        let digits = cursor.takeWhile(Byte.isDigit)
        guard (1...4).contains(digits.utf8.count), let value = Int(digits) else {
            throw begin.failure(.malformedDate, "expected a date, found \(begin.found)")
        }
        return value
    }

    private static func checked(
        _ year: Int,
        _ month: Int,
        _ day: Int,
        _ begin: LineCursor
    ) throws(ImportError) -> CivilDate {
        guard let date = CivilDate(year: year, month: month, day: day) else {
            throw begin.failure(
                .malformedDate,
                "expected a day that exists, found \(year)-\(month)-\(day)"
            )
        }
        return date
    }
}
