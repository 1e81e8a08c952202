// SPDX-License-Identifier: Apache-2.0
//
// Directives that open and close blocks, and those with indented lines of their own: apply and end,
// alias, account, commodity. Standard library only; part of LedgerParser.

extension LedgerParser {
    /// `apply account NAME`, `apply tag NAME`, `apply year N`.
    mutating func beginBlock(
        _ line: inout LineCursor,
        _ begin: LineCursor
    ) throws(ImportError) {
        let kind = line.takeWhile(Byte.isLetter)
        line.skipBlanks()
        switch kind {
        case "account":
            names.blocks.append(.account(try argument(line, "an account")))
        case "tag":
            names.blocks.append(.tag(appliedTag(try argument(line, "a tag"))))
        case "year":
            let digits = line.rest
            guard digits.utf8.count == 4, let value = Int(digits), value > 0 else {
                throw line.failure(.malformedDirective, "expected a year, found \(line.found)")
            }
            names.blocks.append(.year(previous: year))
            year = value
        default:
            throw begin.failure(
                .unsupportedDirective,
                "expected apply account, tag or year, found \(begin.found)"
            )
        }
    }

    private func appliedTag(_ text: String) -> Annotation {
        guard let colon = text.firstIndex(of: ":") else { return .tag(text) }
        let value = text[text.index(after: colon)...].drop { $0 == " " }
        return value.isEmpty
            ? .tag(text.filter { $0 != ":" })
            : .value(key: String(text[..<colon]), text: String(value))
    }

    /// `end apply account`, `end apply tag`, `end apply`, `end aliases`, `end`.
    mutating func endBlock(_ line: LineCursor, _ begin: LineCursor) throws(ImportError) {
        var words = withoutComment(line).split(whereSeparator: { $0 == " " || $0 == "\t" })
        if words == ["aliases"] {
            names.endAliases()
            return
        }
        if words.first == "apply" { words.removeFirst() }
        guard words.count <= 1, let block = names.blocks.last, matches(block, words.first) else {
            throw begin.failure(
                .unbalancedBlock,
                "expected the end of an open block, found \(begin.found)"
            )
        }
        if case .year(let previous) = block { year = previous }
        names.blocks.removeLast()
    }

    private func matches(_ block: AppliedBlock, _ word: Substring?) -> Bool {
        switch block {
        case .account: word == nil || word == "account"
        case .tag: word == nil || word == "tag"
        case .year: word == nil || word == "year"
        }
    }

    /// `alias NAME=ACCOUNT`.
    mutating func declareAlias(_ line: inout LineCursor) throws(ImportError) {
        let begin = line
        let text = withoutComment(line)
        if text.hasPrefix("/") {
            throw begin.failure(
                .unsupportedDirective,
                "aliases by regular expression are not supported: \(begin.found)"
            )
        }
        guard let equals = text.firstIndex(of: "=") else {
            throw begin.failure(.malformedDirective, "expected NAME=ACCOUNT, found \(begin.found)")
        }
        let name = trimmed(text[..<equals])
        let target = trimmed(text[text.index(after: equals)...])
        guard !name.isEmpty, !target.isEmpty else {
            throw begin.failure(.malformedDirective, "expected NAME=ACCOUNT, found \(begin.found)")
        }
        names.declare(alias: name, target: target)
    }

    private func trimmed(_ text: Substring) -> String {
        let front = text.drop { $0 == " " || $0 == "\t" }
        return String(front.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }

    /// `account NAME` with its notes and aliases.
    mutating func declareAccount(_ line: inout LineCursor) throws(ImportError) {
        let position = line.position
        let account = accountArgument(line)
        guard !account.isEmpty else {
            throw line.failure(.malformedDirective, "expected an account, found \(line.found)")
        }
        var declaration = AccountDeclaration(account: names.full(account), position: position)
        while var sub = nextIndented() {
            sub.skipBlanks()
            if sub.peek == Byte.semicolon {
                sub.advance()
                declaration.details.append((key: "note", text: sub.rest))
                continue
            }
            let begin = sub
            let word = sub.takeWhile(Byte.isLetter)
            sub.skipBlanks()
            switch LedgerSubdirective(rawValue: word) {
            case .note: declaration.details.append((key: "note", text: sub.rest))
            case .alias: names.declare(alias: try argument(sub, "a name"), target: account)
            case .isDefault: bucket = declaration.account
            case .check:
                ignored.note("account check", because: "only warns when its expression is false")
            default: throw refusedSubdirective(word, at: begin)
            }
        }
        declarations.append(declaration)
    }

    /// An account's name ends at two blanks, a tab, or a comment.
    private func accountArgument(_ line: LineCursor) -> String {
        var copy = line
        let name = copy.takeAccountName()
        return name
    }

    /// The error for a line below a directive that would need evaluation or is unknown.
    func refusedSubdirective(_ word: String, at line: LineCursor) -> ImportError {
        guard LedgerSubdirective(rawValue: word) != nil else {
            return line.failure(
                .unknownDirective,
                "expected a line that belongs to the directive above, found \(line.found)"
            )
        }
        return line.failure(
            .unsupportedDirective,
            "'\(word)' is not supported here: patterns and expressions are not evaluated"
        )
    }

    /// `commodity SYMBOL` with its lines, or hledger's `commodity 1,000.00 SYMBOL`.
    mutating func declareCommodity(_ line: inout LineCursor) throws(ImportError) {
        let begin = line
        let text = withoutComment(line)
        var symbol = text.filter { $0 != "\"" }
        guard !symbol.isEmpty else {
            throw begin.failure(.malformedDirective, "expected a commodity, found \(begin.found)")
        }
        let isFormat = text.utf8.contains(where: Byte.isDigit) && !text.hasPrefix("\"")
        if isFormat || (text.hasPrefix("\"") && !text.hasSuffix("\"")) {
            symbol = try format(line).commodity
        }
        while var sub = nextIndented() {
            sub.skipBlanks()
            if sub.peek == Byte.semicolon { continue }
            let start = sub
            let word = sub.takeWhile(Byte.isLetter)
            sub.skipBlanks()
            try subdirective(word, of: symbol, sub, start)
        }
    }

    private mutating func subdirective(
        _ word: String,
        of symbol: String,
        _ line: LineCursor,
        _ begin: LineCursor
    ) throws(ImportError) {
        switch LedgerSubdirective(rawValue: word) {
        case .format:
            let shown = try format(line).commodity
            guard shown == symbol else {
                throw line.failure(
                    .malformedDirective,
                    "expected an amount of '\(symbol)', found one of '\(shown)'"
                )
            }
        case .note, .nomarket:
            ignored.note("commodity \(word)", because: "describes the commodity")
        case .isDefault:
            if dialect == .hledger { throw refusedSubdirective(word, at: begin) }
            ignored.note("commodity default", because: "Ledger leaves bare numbers bare")
        case .alias: amounts.commodityAliases[try argument(line, "a symbol")] = symbol
        default: throw refusedSubdirective(word, at: begin)
        }
    }

    private mutating func format(_ line: LineCursor) throws(ImportError) -> JournalAmount {
        var plain = AmountContext(dialect: dialect)
        plain.decimalMark = amounts.decimalMark
        var reader = AmountReader(cursor: line, context: plain)
        let amount = try reader.literal()
        guard withoutComment(reader.cursor).isEmpty else {
            throw reader.cursor.failure(
                .malformedDirective,
                "expected one amount as the format, found \(reader.cursor.found)"
            )
        }
        try noteStyle(of: amount, writtenAt: line)
        return amount
    }
}
