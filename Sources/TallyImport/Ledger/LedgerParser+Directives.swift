// SPDX-License-Identifier: Apache-2.0
//
// Directives of Ledger and hledger: dispatch by the table, then the ones that have an effect.
// Standard library only; part of LedgerParser.

extension LedgerParser {
    /// Applies the directive on a line.
    mutating func directive(_ line: inout LineCursor) throws(ImportError) -> JournalEntry? {
        let begin = line
        if dialect == .ledger, line.peek == Byte.bang || line.peek == Byte.at { line.advance() }
        let word = line.takeWhile { Byte.isLetter($0) || $0 == Byte.minus }
        if word == "Y", let digit = line.peek, Byte.isDigit(digit) {
            scopeNumber += 1
            try setYear(&line)
            return nil
        }
        guard let directive = LedgerDirective(rawValue: word),
            line.isAtEnd || line.peek.map(Byte.isBlank) == true
        else {
            throw begin.failure(
                .unknownDirective,
                "expected a transaction or a directive, found \(begin.found)"
            )
        }
        switch directive.treatment(in: dialect) {
        case .handled:
            scopeNumber += 1
            try apply(directive, &line, begin)
        case .harmless(let reason): try skipHarmless(word, because: reason)
        case .refused(let reason):
            throw begin.failure(.unsupportedDirective, "'\(word)' is not supported: \(reason)")
        }
        return nil
    }

    /// Skips a directive without effect; an assertion below it is refused all the same.
    private mutating func skipHarmless(
        _ word: String,
        because reason: String
    ) throws(ImportError) {
        ignored.note(word, because: reason)
        while var line = nextIndented() {
            line.skipBlanks()
            var probe = line
            if probe.takeWhile(Byte.isLetter) == "assert", probe.peek.map(Byte.isBlank) == true {
                throw refusedSubdirective("assert", at: line)
            }
        }
    }

    private mutating func apply(
        _ directive: LedgerDirective,
        _ line: inout LineCursor,
        _ begin: LineCursor
    ) throws(ImportError) {
        line.skipBlanks()
        switch directive {
        case .account: try declareAccount(&line)
        case .alias: try declareAlias(&line)
        case .apply: try beginBlock(&line, begin)
        case .end: try endBlock(line, begin)
        case .bucket, .bucketLetter: bucket = names.full(try argument(line, "an account"))
        case .comment: skipText(until: "comment")
        case .test: skipText(until: "test")
        case .commodity: try declareCommodity(&line)
        case .conversion: try declareConversion(&line)
        case .decimalMark: try setDecimalMark(line)
        case .defaultAmount: try setDefault(&line)
        case .include: try include(line.rest, at: line)
        case .year, .yearLetter: try setYear(&line)
        default:
            throw begin.failure(.unsupportedDirective, "'\(directive.rawValue)' is not supported")
        }
    }

    /// The rest of the line up to a comment.
    func argument(_ line: LineCursor, _ what: String) throws(ImportError) -> String {
        let text = withoutComment(line)
        guard !text.isEmpty else {
            throw line.failure(.malformedDirective, "expected \(what), found \(line.found)")
        }
        return text
    }

    /// The rest of the line up to two blanks and a semicolon (hledger: any blank and a semicolon).
    func withoutComment(_ line: LineCursor) -> String {
        var copy = line
        while let byte = copy.peek {
            if byte == Byte.semicolon, copy.index > line.start,
                Byte.isBlank(copy.text.bytes[copy.index - 1])
            {
                break
            }
            copy.advance()
        }
        var cut = line
        cut.end = copy.index
        return cut.rest
    }

    /// Skips lines up to `end NAME`, or to the end of the file as both programs do.
    private mutating func skipText(until name: String) {
        ignored.note(name, because: "a block of text")
        while let top = frames.indices.last, let line = frames[top].lines.next() {
            if line.rest == "end \(name)" || (line.rest == "end" && dialect == .ledger) { return }
        }
    }

    private mutating func setYear(_ line: inout LineCursor) throws(ImportError) {
        year = try yearArgument(&line)
    }

    private func yearArgument(_ line: inout LineCursor) throws(ImportError) -> Int {
        let begin = line
        let digits = line.takeWhile(Byte.isDigit)
        guard digits.utf8.count == 4, let value = Int(digits), value > 0,
            withoutComment(line).isEmpty
        else {
            throw begin.failure(
                .malformedDirective,
                "expected a year of four digits, found \(begin.found)"
            )
        }
        return value
    }

    private mutating func setDecimalMark(_ line: LineCursor) throws(ImportError) {
        switch withoutComment(line) {
        case ".": amounts.decimalMark = Byte.point
        case ",": amounts.decimalMark = Byte.comma
        default:
            throw line.failure(.malformedDirective, "expected '.' or ',', found \(line.found)")
        }
    }

    private mutating func setDefault(_ line: inout LineCursor) throws(ImportError) {
        var reader = AmountReader(cursor: line, context: amounts)
        let before = reader.cursor
        let amount = try reader.literal()
        guard withoutComment(reader.cursor).isEmpty else {
            throw reader.cursor.failure(
                .malformedDirective,
                "expected one amount, found \(reader.cursor.found)"
            )
        }
        if dialect == .hledger {
            amounts.defaultCommodity = amount.commodity
            try noteStyle(of: amount, writtenAt: before)
        } else {
            amounts.observe(amount)
        }
    }

    /// Remembers decimal mark and digits of an amount that a directive shows as the format.
    func styleMark(writtenAt line: LineCursor) throws(ImportError) -> UInt8? {
        var probe = line
        _ = probe.takeWhile { !Byte.isDigit($0) }
        return try NumberReader.number(&probe, dialect: dialect, mark: amounts.decimalMark).mark
    }

    /// Fixes how amounts of a commodity are written and how finely it is balanced.
    mutating func noteStyle(
        of amount: JournalAmount,
        writtenAt line: LineCursor
    ) throws(ImportError) {
        amounts.fix(places: amount.places, of: amount.commodity)
        guard dialect == .hledger, let mark = try styleMark(writtenAt: line) else { return }
        amounts.commodityMarks[amount.commodity] = mark
    }

    private mutating func declareConversion(_ line: inout LineCursor) throws(ImportError) {
        let begin = line
        var reader = AmountReader(cursor: line, context: AmountContext(dialect: dialect))
        let larger = try reader.literal()
        reader.cursor.skipBlanks()
        guard reader.cursor.take(Byte.equals) else {
            throw reader.cursor.failure(
                .malformedDirective,
                "expected '=', found \(reader.cursor.found)"
            )
        }
        let smaller = try reader.literal()
        guard withoutComment(reader.cursor).isEmpty, larger.commodity != smaller.commodity,
            !larger.quantity.isZero, !smaller.quantity.isZero
        else {
            throw begin.failure(
                .malformedDirective,
                "expected two amounts of different commodities, found \(begin.found)"
            )
        }
        let factor = try calculating("the conversion", at: begin.position) {
            () throws(ArithmeticFailure) in
            try smaller.quantity.dividedExactly(by: larger.quantity)
        }
        amounts.conversions[larger.commodity] = UnitConversion(
            smaller: smaller.commodity,
            factor: factor
        )
    }
}
