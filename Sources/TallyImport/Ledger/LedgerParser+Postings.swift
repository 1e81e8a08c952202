// SPDX-License-Identifier: Apache-2.0
//
// Postings of Ledger and hledger: state, account, amount, lots, cost, balance claim, note. Standard
// library only; part of LedgerParser.

extension LineCursor {
    /// Takes an account name: up to two blanks, a tab, or the end of the line.
    mutating func takeAccountName() -> String {
        let begin = index
        while let byte = peek {
            if byte == Byte.tab { break }
            if byte == Byte.space, second == nil || second.map(Byte.isBlank) == true { break }
            advance()
        }
        return slice(begin, index)
    }
}

extension LedgerParser {
    /// Reads the posting on a line, from its first byte that is not blank.
    func posting(_ line: inout LineCursor, year: Int?) throws(ImportError) -> JournalPosting {
        let position = line.position
        let state = takeState(&line)
        let written = line
        let name = line.takeAccountName()
        let (kind, account) = try unwrapped(name, at: written)
        var posting = JournalPosting(
            account: names.full(account),
            kind: kind,
            state: state,
            position: position
        )
        line.skipBlanks()
        try readAmount(&line, into: &posting)
        try readClaim(&line, into: &posting)
        line.skipBlanks()
        if line.take(Byte.semicolon) {
            let note = try NoteReader.read(line, dialect: dialect, year: year)
            posting.annotations = note.annotations
            posting.date = note.date
            posting.date2 = note.date2
        } else if !line.isAtEnd {
            throw line.failure(
                .malformedTransaction,
                "expected the end of the posting, found \(line.found)"
            )
        }
        return posting
    }

    /// Splits parentheses and brackets from an account.
    private func unwrapped(
        _ name: String,
        at place: LineCursor
    ) throws(ImportError) -> (PostingKind, String) {
        guard !name.isEmpty else {
            throw place.failure(.malformedAccount, "expected an account, found \(place.found)")
        }
        let pairs: [(open: String, close: String, kind: PostingKind)] = [
            ("(", ")", .unbalancedVirtual), ("[", "]", .balancedVirtual),
        ]
        for pair in pairs where name.hasPrefix(pair.open) {
            guard name.hasSuffix(pair.close), name.count > 2 else {
                throw place.failure(
                    .malformedAccount,
                    "expected an account closed by '\(pair.close)', found '\(name)'"
                )
            }
            return (pair.kind, String(name.dropFirst().dropLast()))
        }
        if name.hasPrefix("<"), name.hasSuffix(">") {
            throw place.failure(
                .unsupportedDirective,
                "deferred postings are not supported: '\(name)'"
            )
        }
        return (.real, name)
    }

    private func readAmount(
        _ line: inout LineCursor,
        into posting: inout JournalPosting
    ) throws(ImportError) {
        guard let next = line.peek, next != Byte.semicolon, next != Byte.equals else { return }
        var reader = AmountReader(cursor: line, context: amounts)
        var amount = try reader.value()
        let lotStart = reader.cursor
        amount.lot = try reader.lot()
        posting.lotText = text(from: lotStart, to: reader.cursor)
        line = reader.cursor
        try readCost(&line, of: amount, into: &posting)
        if amount.lot == nil, dialect == .hledger {
            var behind = AmountReader(cursor: line, context: amounts)
            let start = line
            amount.lot = try behind.lot()
            line = behind.cursor
            posting.lotText = text(from: start, to: line)
        }
        posting.amount = amount
    }

    private func text(from start: LineCursor, to end: LineCursor) -> String {
        var cut = start
        cut.end = end.index
        return cut.rest
    }

    /// Reads `@`, `@@`, `(@)` or `(@@)` and the cost behind it.
    private func readCost(
        _ line: inout LineCursor,
        of amount: JournalAmount,
        into posting: inout JournalPosting
    ) throws(ImportError) {
        var probe = line
        probe.skipBlanks()
        let begin = probe
        let isVirtual = probe.peek == Byte.openParen
        if isVirtual { probe.advance() }
        guard probe.take(Byte.at) else { return }
        let isTotal = probe.take(Byte.at)
        if isVirtual, !probe.take(Byte.closeParen) {
            throw probe.failure(.malformedCost, "expected ')', found \(probe.found)")
        }
        probe.skipBlanks()
        if probe.take(Byte.equals) { probe.skipBlanks() }
        var reader = AmountReader(cursor: probe, context: amounts)
        let cost = try reader.value()
        guard !cost.quantity.isNegative || (dialect == .hledger && !isTotal) else {
            throw begin.failure(.malformedCost, "expected a cost that is not negative")
        }
        guard cost.commodity != amount.commodity || dialect == .hledger else {
            throw begin.failure(
                .malformedCost,
                "expected a cost in another commodity than '\(amount.commodity)'"
            )
        }
        line = reader.cursor
        posting.costText = text(from: begin, to: line)
        posting.cost = JournalCost(
            quantity: cost.quantity,
            commodity: cost.commodity,
            isTotal: isTotal
        )
    }

    /// Reads `=`, `==`, `=*` or `==*` and the amount behind it.
    private func readClaim(
        _ line: inout LineCursor,
        into posting: inout JournalPosting
    ) throws(ImportError) {
        line.skipBlanks()
        let begin = line
        guard line.take(Byte.equals) else { return }
        let isSole = line.take(Byte.equals)
        let isSubtree = line.take(Byte.star)
        var reader = AmountReader(cursor: line, context: amounts)
        let amount = try reader.amount()
        line = reader.cursor
        posting.claim = BalanceClaim(
            amount: amount,
            scope: isSole ? .soleCommodity : .oneCommodity,
            reach: isSubtree ? .subtree : .account,
            position: begin.position
        )
    }
}
