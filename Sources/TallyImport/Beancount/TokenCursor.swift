// SPDX-License-Identifier: Apache-2.0
//
// A cursor over the tokens of one line, and arithmetic on numbers. Standard library only; called by
// BeancountParser.

/// A number with the digits it was written with.
struct WrittenValue: Sendable {
    var value: ExactDecimal
    var places: Int
}

/// A place among the tokens of a line.
struct TokenCursor: Sendable {
    /// How deeply parentheses may be nested.
    static let depthMax = 32
    private let tokens: [BeancountToken]
    private let end: SourcePosition
    private(set) var index = 0

    init(_ line: BeancountLine) {
        tokens = line.tokens
        end = line.end
    }

    /// The next token, nil at the end of the line.
    var peek: BeancountToken? { index < tokens.count ? tokens[index] : nil }
    var isAtEnd: Bool { index >= tokens.count }
    /// The place of the next token.
    var position: SourcePosition { peek?.position ?? end }
    /// The next token for an error message.
    var found: String { peek.map { "'\($0.source)'" } ?? "the end of the line" }

    /// Consumes a token.
    mutating func advance() {
        index += 1
    }

    /// Makes an error at the next token.
    func failure(_ code: ImportError.Code, _ expected: String) -> ImportError {
        ImportError(code, at: position, "expected \(expected), found \(found)")
    }

    /// Consumes a symbol if it comes next.
    mutating func take(_ symbol: String) -> Bool {
        guard case .symbol(symbol) = peek?.kind else { return false }
        index += 1
        return true
    }

    /// Consumes an account.
    mutating func account() throws(ImportError) -> String {
        guard case .account(let name) = peek?.kind else {
            throw failure(.malformedAccount, "an account")
        }
        index += 1
        return name
    }

    /// Consumes a text in quotes.
    mutating func text() throws(ImportError) -> String {
        guard case .text(let text) = peek?.kind else {
            throw failure(.malformedDirective, "a text in quotes")
        }
        index += 1
        return text
    }

    /// Consumes a currency if it comes next.
    mutating func takeCurrency() -> String? {
        guard case .currency(let name) = peek?.kind else { return nil }
        index += 1
        return name
    }

    /// Consumes a currency.
    mutating func currency() throws(ImportError) -> String {
        guard let name = takeCurrency() else { throw failure(.malformedAmount, "a currency") }
        return name
    }

    /// Requires the end of the line.
    func requireEnd() throws(ImportError) {
        guard isAtEnd else { throw failure(.malformedDirective, "the end of the line") }
    }

    /// True when a number or an arithmetic expression comes next.
    var startsNumber: Bool {
        switch peek?.kind {
        case .number, .symbol("("), .symbol("-"), .symbol("+"): true
        default: false
        }
    }

    /// The source of the tokens between two places, for metadata.
    func source(from start: Int) -> String {
        var text = ""
        for token in tokens[start..<index] {
            let isAttached = ["}", "}}", ","].contains(token.source)
            if !text.isEmpty, !text.hasSuffix("{"), !isAttached { text += " " }
            text += token.source
        }
        return text
    }
}

extension TokenCursor {
    /// Consumes a number or an arithmetic expression.
    mutating func number() throws(ImportError) -> WrittenValue {
        try sum(depth: 0)
    }

    private mutating func sum(depth: Int) throws(ImportError) -> WrittenValue {
        var total = try product(depth: depth)
        while true {
            let place = position
            let isPlus = take("+")
            guard isPlus || take("-") else { return total }
            let term = try product(depth: depth)
            let left = total.value
            total.places = max(total.places, term.places)
            total.value = try calculating("the sum", at: place) { () throws(ArithmeticFailure) in
                isPlus ? try left.adding(term.value) : try left.subtracting(term.value)
            }
        }
    }

    private mutating func product(depth: Int) throws(ImportError) -> WrittenValue {
        var total = try factor(depth: depth)
        while true {
            let place = position
            let isProduct = take("*")
            guard isProduct || take("/") else { return total }
            let term = try factor(depth: depth)
            let left = total.value
            total.value = try calculating("the expression", at: place) {
                () throws(ArithmeticFailure) in
                isProduct
                    ? try left.multiplied(by: term.value)
                    : try left.dividedExactly(by: term.value)
            }
            total.places =
                isProduct
                ? total.places + term.places : max(total.value.scale, total.places - term.places)
        }
    }

    private mutating func factor(depth: Int) throws(ImportError) -> WrittenValue {
        guard depth <= TokenCursor.depthMax else {
            throw failure(.malformedAmount, "less deeply nested arithmetic")
        }
        if take("-") {
            let inner = try factor(depth: depth + 1)
            return WrittenValue(value: inner.value.negated, places: inner.places)
        }
        if take("+") { return try factor(depth: depth + 1) }
        if take("(") {
            let inner = try sum(depth: depth + 1)
            guard take(")") else { throw failure(.malformedAmount, "')'") }
            return inner
        }
        guard case .number(let number) = peek?.kind else {
            throw failure(.malformedAmount, "a number")
        }
        index += 1
        return WrittenValue(value: number.value, places: number.places)
    }
}
