// SPDX-License-Identifier: Apache-2.0
//
// Amounts of Ledger and hledger: sign, symbol before or behind, quoted symbols, lots, and Ledger's
// arithmetic in parentheses. Standard library only; called by the posting and directive parsers.

/// Reads amounts at a cursor.
struct AmountReader {
    /// How deeply parentheses may be nested.
    static let depthMax = 32
    var cursor: LineCursor
    let context: AmountContext

    /// Reads an amount with its lot, in the smallest unit.
    mutating func amount() throws(ImportError) -> JournalAmount {
        var amount = try value()
        amount.lot = try lot()
        return amount
    }

    /// Reads an amount without a lot, in the smallest unit: a literal, or arithmetic in
    /// parentheses.
    mutating func value() throws(ImportError) -> JournalAmount {
        cursor.skipBlanks()
        var sign = cursor
        _ = sign.take(Byte.minus)
        if sign.peek == Byte.openParen { return try factor(depth: 0) }
        return try literal()
    }

    /// Reads `[sign] [symbol] [sign] number [symbol]`.
    mutating func literal() throws(ImportError) -> JournalAmount {
        cursor.skipBlanks()
        let begin = cursor
        let outer = takeSign()
        cursor.skipBlanks()
        var symbol = try takeSymbol()
        let isPrefix = symbol != nil
        cursor.skipBlanks()
        let inner = takeSign()
        if inner != nil, outer != nil {
            throw begin.failure(.malformedAmount, "expected one sign, found \(begin.found)")
        }
        cursor.skipBlanks()
        let hasNumber = cursor.peek.map {
            Byte.isDigit($0) || $0 == Byte.point || $0 == Byte.comma
        }
        guard hasNumber == true else { throw noNumber(begin, symbol: symbol) }
        let behind = isPrefix ? nil : try peekSymbolBehind()
        let commodity = named(symbol ?? behind)
        let mark = context.commodityMarks[commodity] ?? context.decimalMark
        let number = try NumberReader.number(&cursor, dialect: context.dialect, mark: mark)
        if !isPrefix { symbol = try takeSymbolBehind() }
        let isNegative = outer == Byte.minus || inner == Byte.minus
        let written = JournalAmount(
            quantity: isNegative ? number.value.negated : number.value,
            places: number.places,
            commodity: named(symbol),
            position: begin.position
        )
        return try context.reduced(written)
    }

    /// The commodity of a symbol, or of a bare number.
    private func named(_ symbol: String?) -> String {
        guard let symbol else { return context.defaultCommodity }
        return context.commodityAliases[symbol] ?? symbol
    }

    private func noNumber(_ begin: LineCursor, symbol: String?) -> ImportError {
        if let symbol, context.dialect == .ledger, cursor.isAtEnd || cursor.peek != Byte.minus {
            return begin.failure(
                .unsupportedExpression,
                "expected an amount; the name '\(symbol)' in a value expression is not evaluated"
            )
        }
        return begin.failure(.malformedAmount, "expected an amount, found \(begin.found)")
    }

    private mutating func takeSign() -> UInt8? {
        guard let byte = cursor.peek, byte == Byte.minus || byte == Byte.plus else { return nil }
        cursor.advance()
        return byte
    }
}

extension AmountReader {
    /// True for bytes that a symbol without quotes may have.
    static func isSymbolByte(_ byte: UInt8) -> Bool {
        if Byte.isBeyondASCII(byte) || Byte.isLetter(byte) { return true }
        switch byte {
        case UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "_"), UInt8(ascii: "#"):
            return true
        default: return false
        }
    }

    /// Takes a symbol at the cursor, nil when there is none.
    private mutating func takeSymbol() throws(ImportError) -> String? {
        guard cursor.peek == Byte.quote else {
            let symbol = cursor.takeWhile(AmountReader.isSymbolByte)
            return symbol.isEmpty ? nil : symbol
        }
        let begin = cursor
        cursor.advance()
        let symbol = cursor.takeWhile { $0 != Byte.quote }
        guard cursor.take(Byte.quote), !symbol.isEmpty else {
            throw begin.failure(
                .malformedAmount,
                "expected a commodity in quotes, found \(begin.found)"
            )
        }
        return symbol
    }

    /// Takes a symbol behind the number, leaving the cursor where it was when there is none.
    private mutating func takeSymbolBehind() throws(ImportError) -> String? {
        let before = cursor
        cursor.skipBlanks()
        if let symbol = try takeSymbol() { return symbol }
        cursor = before
        return nil
    }

    /// The symbol behind the number at the cursor, to know its decimal mark before reading it.
    private func peekSymbolBehind() throws(ImportError) -> String? {
        guard !context.commodityMarks.isEmpty else { return nil }
        var probe = self
        _ = probe.cursor.takeWhile { byte in
            Byte.isDigit(byte) || byte == Byte.point || byte == Byte.comma || byte == Byte.space
        }
        return try probe.takeSymbol()
    }
}

extension AmountReader {
    /// Reads a sign, parentheses or a literal.
    private mutating func factor(depth: Int) throws(ImportError) -> JournalAmount {
        guard depth <= AmountReader.depthMax else {
            throw cursor.failure(
                .unsupportedExpression,
                "expected at most \(AmountReader.depthMax) nested parentheses"
            )
        }
        cursor.skipBlanks()
        if cursor.peek == Byte.minus {
            var probe = cursor
            probe.advance()
            probe.skipBlanks()
            if probe.peek == Byte.openParen {
                cursor = probe
                var inner = try factor(depth: depth + 1)
                inner.quantity = inner.quantity.negated
                return inner
            }
        }
        guard cursor.take(Byte.openParen) else { return try literal() }
        let inner = try sum(depth: depth + 1)
        cursor.skipBlanks()
        guard cursor.take(Byte.closeParen) else {
            throw cursor.failure(.malformedAmount, "expected ')', found \(cursor.found)")
        }
        return inner
    }

    private mutating func sum(depth: Int) throws(ImportError) -> JournalAmount {
        var total = try product(depth: depth)
        while true {
            cursor.skipBlanks()
            let place = cursor.position
            let isMinus = cursor.peek == Byte.minus
            guard isMinus || cursor.peek == Byte.plus else { return total }
            cursor.advance()
            let term = try product(depth: depth)
            guard term.commodity == total.commodity else {
                throw ImportError(
                    .unsupportedExpression,
                    at: place,
                    "expected two amounts of one commodity,"
                        + " found '\(total.commodity)' and '\(term.commodity)'"
                )
            }
            let left = total.quantity
            total.places = max(total.places, term.places)
            total.quantity = try calculating("the sum", at: place) {
                () throws(ArithmeticFailure) in
                isMinus ? try left.subtracting(term.quantity) : try left.adding(term.quantity)
            }
        }
    }

    private mutating func product(depth: Int) throws(ImportError) -> JournalAmount {
        var total = try factor(depth: depth)
        while true {
            cursor.skipBlanks()
            let place = cursor.position
            let isDivision = cursor.peek == Byte.slash
            guard isDivision || cursor.peek == Byte.star else { return total }
            cursor.advance()
            let term = try factor(depth: depth)
            guard term.commodity.isEmpty || (total.commodity.isEmpty && !isDivision) else {
                throw ImportError(
                    .unsupportedExpression,
                    at: place,
                    "expected a bare number, found an amount of '\(term.commodity)'"
                )
            }
            let left = total.quantity
            total.places = total.commodity.isEmpty ? term.places : total.places
            total.commodity += term.commodity
            total.quantity = try calculating("the expression", at: place) {
                () throws(ArithmeticFailure) in
                isDivision
                    ? try left.dividedExactly(by: term.quantity)
                    : try left.multiplied(by: term.quantity)
            }
        }
    }
}
