// SPDX-License-Identifier: Apache-2.0
//
// Transactions of Ledger and hledger: the header line, note lines, postings; and Ledger's automated
// transactions, whose bodies are postings too. Standard library only; part of LedgerParser.

extension LedgerParser {
    /// Reads a transaction whose header is on this line.
    mutating func transaction(_ line: inout LineCursor) throws(ImportError) -> JournalTransaction {
        let position = line.position
        let date = try DateReader.date(&line, year: year)
        var parsed = JournalTransaction(date: date, bucket: bucket, position: position)
        if line.take(Byte.equals) {
            parsed.date2 = try DateReader.date(&line, year: date.year)
        }
        guard line.isAtEnd || line.peek.map(Byte.isBlank) == true else {
            throw line.failure(
                .malformedTransaction,
                "expected a blank behind the date, found \(line.found)"
            )
        }
        line.skipBlanks()
        parsed.state = takeState(&line)
        parsed.code = try takeCode(&line)
        parsed.payee = takePayee(&line)
        if line.take(Byte.semicolon) {
            let note = try NoteReader.read(line, dialect: dialect, year: date.year)
            parsed.annotations += note.annotations
            parsed.date2 = note.date2 ?? parsed.date2
        }
        try body(of: &parsed, year: date.year)
        parsed.annotations += names.tags
        return parsed
    }

    private mutating func body(
        of parsed: inout JournalTransaction,
        year: Int
    ) throws(ImportError) {
        while var line = nextIndented() {
            line.skipBlanks()
            guard line.take(Byte.semicolon) else {
                try refuseExpressionLine(line)
                let posting = try self.posting(&line, year: year)
                if let amount = posting.amount { amounts.observe(amount) }
                parsed.postings.append(posting)
                continue
            }
            let note = try NoteReader.read(line, dialect: dialect, year: year)
            if let last = parsed.postings.indices.last {
                parsed.postings[last].annotations += note.annotations
                parsed.postings[last].date = note.date ?? parsed.postings[last].date
                parsed.postings[last].date2 = note.date2 ?? parsed.postings[last].date2
            } else {
                parsed.annotations += note.annotations
                parsed.date2 = note.date2 ?? parsed.date2
            }
        }
    }

    /// Ledger's `assert`, `check` and `expr` inside a transaction.
    private func refuseExpressionLine(_ line: LineCursor) throws(ImportError) {
        guard dialect == .ledger else { return }
        var probe = line
        let word = probe.takeWhile(Byte.isLetter)
        guard ["assert", "check", "expr"].contains(word), probe.peek.map(Byte.isBlank) == true
        else { return }
        throw line.failure(
            .unsupportedDirective,
            "'\(word)' in a transaction is not supported: value expressions are not evaluated"
        )
    }

    /// Takes `*` or `!` with the blanks behind it.
    func takeState(_ line: inout LineCursor) -> String {
        guard let mark = line.peek, mark == Byte.star || mark == Byte.bang else { return "" }
        line.advance()
        line.skipBlanks()
        return mark == Byte.star ? "*" : "!"
    }

    private func takeCode(_ line: inout LineCursor) throws(ImportError) -> String {
        guard line.peek == Byte.openParen else { return "" }
        let begin = line
        line.advance()
        let code = line.takeWhile { $0 != Byte.closeParen }
        guard line.take(Byte.closeParen) else {
            throw begin.failure(
                .malformedTransaction,
                "expected ')' behind the code, found the end of the line"
            )
        }
        line.skipBlanks()
        return code
    }

    /// Takes the payee up to a comment: behind two blanks or a tab in Ledger, anywhere in hledger.
    private func takePayee(_ line: inout LineCursor) -> String {
        let begin = line
        var blanks = 0
        while let byte = line.peek {
            if byte == Byte.semicolon, blanks > 1 || dialect == .hledger { break }
            switch byte {
            case Byte.space: blanks += 1
            case Byte.tab: blanks += 2
            default: blanks = 0
            }
            line.advance()
        }
        var payee = begin
        payee.end = line.index
        return payee.rest
    }

    /// Reads an automated transaction: its query, then its postings.
    mutating func automatedRule(_ line: inout LineCursor) throws(ImportError) -> AutomatedRule {
        let position = line.position
        line.advance()
        line.skipBlanks()
        let query = try AccountQuery(parsing: withoutQueryNote(line))
        var rule = AutomatedRule(query: query, postings: [], annotations: [], position: position)
        while var body = nextIndented() {
            body.skipBlanks()
            if body.take(Byte.semicolon) {
                let note = try NoteReader.read(body, dialect: dialect, year: year)
                rule.annotations += note.annotations
                continue
            }
            try refuseExpressionLine(body)
            let posting = try self.posting(&body, year: year)
            try check(automated: posting)
            rule.postings.append(posting)
        }
        guard !rule.postings.isEmpty else {
            throw ImportError(
                .malformedTransaction,
                at: position,
                "expected postings below the automated transaction, found none"
            )
        }
        return rule
    }

    private func withoutQueryNote(_ line: LineCursor) -> LineCursor {
        var cut = line
        while let byte = cut.peek, byte != Byte.semicolon { cut.advance() }
        var query = line
        query.end = cut.index
        return query
    }

    private func check(automated posting: JournalPosting) throws(ImportError) {
        guard posting.amount != nil, posting.cost == nil, posting.claim == nil else {
            throw ImportError(
                .unsupportedDirective,
                at: posting.position,
                "expected an automated posting with a plain amount"
            )
        }
        guard !posting.account.contains("$account"), !posting.account.contains("%(") else {
            throw ImportError(
                .unsupportedExpression,
                at: posting.position,
                "expected an account, found the pattern '\(posting.account)'"
            )
        }
    }
}
