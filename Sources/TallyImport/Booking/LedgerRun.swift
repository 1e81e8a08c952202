// SPDX-License-Identifier: Apache-2.0
//
// A pass over a Ledger journal, entry by entry in source order: nothing is held but balances and
// rules. Standard library only; pulled by the session. Also turns working postings into booked
// ones, for hledger's pass too.

/// One pass over a Ledger journal.
struct LedgerRun: Sendable {
    var parser: LedgerParser
    private var book: LedgerBook

    init(path: String, sources: SourceLibrary) throws(ImportError) {
        parser = try LedgerParser(path: path, dialect: .ledger, sources: sources)
        book = LedgerBook(dialect: .ledger)
    }

    /// Balance claims checked so far.
    var claimCount: Int { book.claimCount }

    /// Returns the next transaction, nil at the end.
    mutating func next() throws(ImportError) -> BookedTransaction? {
        while let entry = try parser.next() {
            switch entry {
            case .automated(let rule): book.rules.append(rule)
            case .transaction(let transaction): return try booked(transaction)
            }
        }
        return nil
    }

    private mutating func booked(
        _ transaction: JournalTransaction
    ) throws(ImportError) -> BookedTransaction {
        var transaction = transaction
        var working = book.working(transaction)
        try book.claimInSourceOrder(&working, amounts: parser.amounts)
        try book.balance(&working, amounts: parser.amounts, at: transaction.position)
        try book.applyRules(
            &working,
            &transaction.annotations,
            amounts: parser.amounts,
            at: transaction.position
        )
        for posting in working { try book.settle(posting) }
        return try BookedTransaction(transaction, working, dialect: .ledger)
    }
}

extension BookedTransaction {
    /// Makes a booked transaction of a parsed one and its filled postings.
    init(
        _ transaction: JournalTransaction,
        _ working: [WorkingPosting],
        dialect: Dialect
    ) throws(ImportError) {
        let (payee, narration) = BookedTransaction.split(transaction.payee, dialect: dialect)
        var details = TransactionDetails()
        details.addText("state", transaction.state)
        details.addText("date2", transaction.date2?.description)
        details.add(transaction.annotations, below: "")
        for (index, posting) in working.enumerated() {
            BookedTransaction.describe(posting.posting, index + 1, in: &details)
        }
        var postings: [BookedPosting] = []
        for posting in working { postings.append(try BookedPosting(posting)) }
        self.init(
            date: transaction.date,
            payee: payee,
            narration: narration,
            code: transaction.code,
            details: details,
            postings: postings,
            position: transaction.position
        )
    }

    /// hledger's description is `payee | note`.
    private static func split(_ text: String, dialect: Dialect) -> (String, String) {
        guard dialect == .hledger, let bar = text.firstIndex(of: "|") else { return (text, "") }
        let payee = text[..<bar].reversed().drop { $0 == " " }.reversed()
        let note = text[text.index(after: bar)...].drop { $0 == " " }
        return (String(payee), String(note))
    }

    private static func describe(
        _ posting: JournalPosting,
        _ number: Int,
        in details: inout TransactionDetails
    ) {
        let prefix = "posting/\(number)/"
        details.addText(prefix + "state", posting.state)
        details.addText(prefix + "date", posting.date?.description)
        details.addText(prefix + "date2", posting.date2?.description)
        details.addText(prefix + "lot", posting.lotText)
        details.addText(prefix + "cost", posting.costText)
        details.add(posting.annotations, below: prefix)
    }
}

extension BookedPosting {
    /// Takes a posting whose amount is known.
    ///
    /// - Throws: `malformedAmount` where neither the journal nor the book gave one.
    init(_ working: WorkingPosting) throws(ImportError) {
        guard let quantity = working.quantity else {
            throw ImportError(
                .malformedAmount,
                at: working.posting.position,
                "expected an amount, found none to infer"
            )
        }
        self.init(
            account: working.posting.account,
            commodity: working.commodity,
            quantity: quantity,
            places: working.places,
            group: working.posting.kind == .unbalancedVirtual ? .unbalancedVirtual : .balanced,
            position: working.posting.position
        )
    }
}
