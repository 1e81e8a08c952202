// SPDX-License-Identifier: Apache-2.0
//
// Lots behind an amount: `{price}`, `{=price}`, `{{total}}`, `[date]`, `(note)`, each at most once
// and in any order. Standard library only; called for posting amounts.

extension AmountReader {
    /// Reads the lot behind an amount, nil when there is none.
    mutating func lot() throws(ImportError) -> LotAnnotation? {
        var price: LotAnnotation.Price?
        var date: CivilDate?
        var note: String?
        var hasOne = false
        while true {
            let before = cursor
            cursor.skipBlanks()
            switch cursor.peek {
            case Byte.openBrace:
                guard price == nil else { throw twice("lot price") }
                price = try lotPrice()
            case Byte.openBracket:
                guard date == nil else { throw twice("lot date") }
                date = try lotDate()
            case Byte.openParen where cursor.second != Byte.at:
                guard note == nil else { throw twice("lot note") }
                note = try lotNote()
            default:
                cursor = before
                return hasOne ? LotAnnotation(price: price, date: date, note: note) : nil
            }
            hasOne = true
        }
    }

    private func twice(_ what: String) -> ImportError {
        cursor.failure(.malformedLot, "expected one \(what), found a second")
    }

    private mutating func lotPrice() throws(ImportError) -> LotAnnotation.Price {
        let begin = cursor
        cursor.advance()
        let isTotal = cursor.take(Byte.openBrace)
        cursor.skipBlanks()
        if cursor.take(Byte.equals) { cursor.skipBlanks() }
        let price = try value()
        cursor.skipBlanks()
        let isClosed = cursor.take(Byte.closeBrace) && (!isTotal || cursor.take(Byte.closeBrace))
        guard isClosed else {
            throw cursor.failure(
                .malformedLot,
                "expected '\(isTotal ? "}}" : "}")', found \(cursor.found)"
            )
        }
        guard !price.quantity.isNegative else {
            throw begin.failure(.malformedLot, "expected a lot price that is not negative")
        }
        return LotAnnotation.Price(
            quantity: price.quantity,
            commodity: price.commodity,
            isTotal: isTotal
        )
    }

    private mutating func lotDate() throws(ImportError) -> CivilDate {
        cursor.advance()
        let date = try DateReader.date(&cursor, year: nil)
        guard cursor.take(Byte.closeBracket) else {
            throw cursor.failure(.malformedLot, "expected ']', found \(cursor.found)")
        }
        return date
    }

    private mutating func lotNote() throws(ImportError) -> String {
        let begin = cursor
        cursor.advance()
        guard cursor.peek != Byte.openParen else {
            throw begin.failure(
                .unsupportedExpression,
                "a lot's value expression is not evaluated: \(begin.found)"
            )
        }
        let note = cursor.takeWhile { $0 != Byte.closeParen }
        guard cursor.take(Byte.closeParen) else {
            throw begin.failure(.malformedLot, "expected ')', found the end of the line")
        }
        return note
    }
}
