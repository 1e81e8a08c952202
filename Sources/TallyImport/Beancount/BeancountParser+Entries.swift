// SPDX-License-Identifier: Apache-2.0
//
// Dated entries of Beancount: transactions, opens and closes, pads, balances; and the indented
// lines below them. Standard library only; part of BeancountParser.

extension BeancountParser {
    /// Reads the entry whose date comes next.
    mutating func dated(
        _ date: CivilDate,
        _ cursor: inout TokenCursor,
        _ lexer: inout BeancountLexer
    ) throws(ImportError) {
        let position = cursor.position
        cursor.advance()
        if let flag = takeFlag(&cursor) {
            let transaction = try transaction(flag, &cursor, &lexer)
            entries.append(
                BeancountEntry(date: date, kind: .transaction(transaction), position: position)
            )
            return
        }
        guard case .word(let word) = cursor.peek?.kind,
            let directive = BeancountDirective(rawValue: word)
        else { throw cursor.failure(.unknownDirective, "a directive or a flag") }
        let start = cursor
        cursor.advance()
        switch directive {
        case .open: try open(date, position, &cursor, &lexer)
        case .close: try add(.close(account: try cursor.account()), date, position, &cursor, &lexer)
        case .pad:
            let account = try cursor.account()
            let kind = BeancountEntry.Kind.pad(account: account, source: try cursor.account())
            try add(kind, date, position, &cursor, &lexer)
        case .balance: try add(.balance(try claim(&cursor)), date, position, &cursor, &lexer)
        default:
            guard case .harmless(let reason) = directive.treatment else {
                throw start.failure(.malformedDirective, "a directive that takes a date")
            }
            ignored.note(word, because: reason)
            while try nextIndented(&lexer) != nil {}
        }
    }

    private mutating func add(
        _ kind: BeancountEntry.Kind,
        _ date: CivilDate,
        _ position: SourcePosition,
        _ cursor: inout TokenCursor,
        _ lexer: inout BeancountLexer
    ) throws(ImportError) {
        try cursor.requireEnd()
        while var line = try nextIndented(&lexer) { _ = try metadata(&line) }
        entries.append(BeancountEntry(date: date, kind: kind, position: position))
    }

    private mutating func open(
        _ date: CivilDate,
        _ position: SourcePosition,
        _ cursor: inout TokenCursor,
        _ lexer: inout BeancountLexer
    ) throws(ImportError) {
        let account = try cursor.account()
        var currencies: [String] = []
        while let currency = cursor.takeCurrency() {
            currencies.append(currency)
            if !cursor.take(",") { break }
        }
        var method: BookingMethod?
        if !cursor.isAtEnd {
            let place = cursor.position
            method = try BeancountParser.method(try cursor.text(), at: place)
        }
        try cursor.requireEnd()
        var declaration = AccountDeclaration(account: account, position: position)
        declaration.details.append((key: "opened", text: date.description))
        while var line = try nextIndented(&lexer) {
            let (key, text) = try metadata(&line)
            declaration.details.append((key: "meta/\(key)", text: text))
        }
        declarations.append(declaration)
        let kind = BeancountEntry.Kind.open(
            account: account,
            currencies: currencies,
            method: method
        )
        entries.append(BeancountEntry(date: date, kind: kind, position: position))
    }

    private func claim(_ cursor: inout TokenCursor) throws(ImportError) -> BeancountClaim {
        let account = try cursor.account()
        let number = try cursor.number()
        var tolerance: ExactDecimal?
        if cursor.take("~") { tolerance = try cursor.number().value }
        let amount = BeancountAmount(
            number: number.value,
            places: number.places,
            currency: try cursor.currency()
        )
        return BeancountClaim(account: account, amount: amount, tolerance: tolerance)
    }

    /// Reads `key: value`.
    private func metadata(
        _ cursor: inout TokenCursor
    ) throws(ImportError) -> (key: String, text: String) {
        guard case .key(let key) = cursor.peek?.kind else {
            throw cursor.failure(.malformedMetadata, "a metadata key")
        }
        cursor.advance()
        let text = try metadataValue(&cursor)
        guard cursor.isAtEnd else { throw cursor.failure(.malformedMetadata, "one value") }
        return (key, text)
    }

    /// Takes a flag: `*`, `!`, `txn`, one of `&?%#`, or a capital letter.
    private func takeFlag(_ cursor: inout TokenCursor) -> String? {
        switch cursor.peek?.kind {
        case .symbol(let symbol) where "*!&?%#".contains(symbol):
            cursor.advance()
            return symbol
        case .currency(let letter) where letter.count == 1:
            cursor.advance()
            return letter
        case .word("txn"):
            cursor.advance()
            return "*"
        default: return nil
        }
    }

    private mutating func transaction(
        _ flag: String,
        _ cursor: inout TokenCursor,
        _ lexer: inout BeancountLexer
    ) throws(ImportError) -> BeancountTransaction {
        var transaction = BeancountTransaction(flag: flag)
        var texts: [String] = []
        while case .text(let text) = cursor.peek?.kind, texts.count < 2 {
            texts.append(text)
            cursor.advance()
        }
        if let narration = texts.last { transaction.narration = narration }
        if texts.count == 2 { transaction.payee = texts[0] }
        takeTagsAndLinks(&cursor, into: &transaction)
        guard cursor.isAtEnd else {
            throw cursor.failure(.malformedTransaction, "a tag, a link or the end of the line")
        }
        transaction.tags += tags
        transaction.annotations = meta.map { .value(key: $0.key, text: $0.text) }
        while var line = try nextIndented(&lexer) { try body(&line, of: &transaction) }
        return transaction
    }

    private func takeTagsAndLinks(
        _ cursor: inout TokenCursor,
        into transaction: inout BeancountTransaction
    ) {
        while true {
            switch cursor.peek?.kind {
            case .tag(let name): transaction.tags.append(name)
            case .link(let name): transaction.links.append(name)
            default: return
            }
            cursor.advance()
        }
    }

    private mutating func body(
        _ cursor: inout TokenCursor,
        of transaction: inout BeancountTransaction
    ) throws(ImportError) {
        switch cursor.peek?.kind {
        case .key:
            let (key, text) = try metadata(&cursor)
            let annotation = Annotation.value(key: key, text: text)
            if let last = transaction.postings.indices.last {
                transaction.postings[last].annotations.append(annotation)
            } else {
                transaction.annotations.append(annotation)
            }
        case .tag, .link:
            takeTagsAndLinks(&cursor, into: &transaction)
            guard cursor.isAtEnd else {
                throw cursor.failure(.malformedMetadata, "a tag or a link")
            }
        default: transaction.postings.append(try posting(&cursor))
        }
    }

    private func posting(_ cursor: inout TokenCursor) throws(ImportError) -> BeancountPosting {
        let position = cursor.position
        let flag = takeFlag(&cursor) ?? ""  // most postings have none, and say so by no text
        var posting = BeancountPosting(
            account: try cursor.account(),
            flag: flag,
            position: position
        )
        guard !cursor.isAtEnd else { return posting }
        guard cursor.startsNumber else {
            throw cursor.failure(.malformedAmount, "a number (currencies alone are not completed)")
        }
        let number = try cursor.number()
        posting.units = BeancountAmount(
            number: number.value,
            places: number.places,
            currency: try cursor.currency()
        )
        let costStart = cursor.index
        posting.cost = try costSpec(&cursor)
        posting.costText = cursor.source(from: costStart)
        let priceStart = cursor.index
        posting.price = try price(&cursor)
        posting.priceText = cursor.source(from: priceStart)
        guard cursor.isAtEnd else {
            throw cursor.failure(.malformedTransaction, "the end of the posting")
        }
        return posting
    }

    private func price(_ cursor: inout TokenCursor) throws(ImportError) -> BeancountPrice? {
        let isTotal = cursor.take("@@")
        guard isTotal || cursor.take("@") else { return nil }
        let place = cursor
        guard cursor.startsNumber else {
            throw cursor.failure(.malformedCost, "a price (missing prices are not completed)")
        }
        let number = try cursor.number()
        guard !number.value.isNegative else {
            throw place.failure(.malformedCost, "a price that is not negative")
        }
        return BeancountPrice(
            number: number.value,
            currency: try cursor.currency(),
            isTotal: isTotal
        )
    }

    /// Reads `{…}` or `{{…}}`: an amount, a date and a label, each at most once, in any order.
    private func costSpec(_ cursor: inout TokenCursor) throws(ImportError) -> CostSpec? {
        let isTotal = cursor.take("{{")
        guard isTotal || cursor.take("{") else { return nil }
        let close = isTotal ? "}}" : "}"
        var spec = CostSpec()
        if cursor.take(close) { return spec }
        while true {
            try costPart(&cursor, isTotal: isTotal, into: &spec)
            if cursor.take(close) { return spec }
            guard cursor.take(",") else { throw cursor.failure(.malformedLot, "',' or '\(close)'") }
        }
    }

    private func costPart(
        _ cursor: inout TokenCursor,
        isTotal: Bool,
        into spec: inout CostSpec
    ) throws(ImportError) {
        let place = cursor
        switch cursor.peek?.kind {
        case .date(let date) where spec.date == nil:
            cursor.advance()
            spec.date = date
        case .text(let text) where spec.label == nil:
            cursor.advance()
            spec.label = text
        case .currency(let name) where spec.currency == nil:
            cursor.advance()
            spec.currency = name
        case .number, .symbol("("), .symbol("-"), .symbol("+"):
            let number = try cursor.number().value
            guard spec.perUnit == nil, spec.total == nil, !number.isNegative else {
                throw place.failure(.malformedLot, "one cost that is not negative")
            }
            if isTotal { spec.total = number } else { spec.perUnit = number }
            if !isTotal, cursor.take("#") {
                let total = try cursor.number().value
                guard !total.isNegative else {
                    throw place.failure(.malformedLot, "a cost that is not negative")
                }
                spec.total = total
            }
            spec.currency = try cursor.currency()
        default:
            throw cursor.failure(
                .malformedLot,
                "a cost, a date or a label (merging is not supported)"
            )
        }
    }
}
