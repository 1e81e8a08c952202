// SPDX-License-Identifier: Apache-2.0
//
// A pass over an hledger journal: hledger judges balance claims in date order, and its tolerance
// depends on the whole journal. So the journal is read twice, first for where each transaction
// stands (HledgerIndex), then transaction by transaction in the order of the dates; none of them is
// held. Standard library only; pulled by the session.

/// One pass over an hledger journal.
struct HledgerRun: Sendable {
    /// Reads the journal from its beginning to its end.
    var parser: LedgerParser
    private var book = LedgerBook(dialect: .hledger)
    private var index: HledgerIndex?

    init(path: String, sources: SourceLibrary) throws(ImportError) {
        parser = try LedgerParser(path: path, dialect: .hledger, sources: sources)
    }

    /// Balance claims checked so far.
    var claimCount: Int { book.claimCount }

    /// Returns the next transaction by date, nil at the end.
    mutating func next() throws(ImportError) -> BookedTransaction? {
        if index == nil { index = try HledgerIndex(&parser, book) }
        while let event = try index?.next() {
            var working = book.working(event.transaction)
            guard let date = event.postingDate else {
                try settle(event.transaction, &working)
                return try BookedTransaction(event.transaction, working, dialect: .hledger)
            }
            try settle(event.transaction, &working, postingsOn: date)
        }
        return nil
    }

    /// Checks and adds the postings that have a date of their own.
    private mutating func settle(
        _ transaction: JournalTransaction,
        _ working: inout [WorkingPosting],
        postingsOn date: CivilDate
    ) throws(ImportError) {
        let amounts = parser.amounts
        try book.balance(&working, amounts: amounts, at: transaction.position)
        for place in working.indices where working[place].posting.date == date {
            try book.claimInDateOrder(&working[place], amounts: amounts)
        }
    }

    /// Infers, checks and adds a transaction, without the postings that have another date.
    private mutating func settle(
        _ transaction: JournalTransaction,
        _ working: inout [WorkingPosting]
    ) throws(ImportError) {
        let amounts = parser.amounts
        let assigns = working.contains(where: \.isAssignment)
        if !assigns {
            try book.balance(&working, amounts: amounts, at: transaction.position)
        }
        for place in working.indices {
            let posting = working[place].posting
            if let date = posting.date, date != transaction.date { continue }
            if working[place].quantity == nil, posting.claim == nil { continue }
            try book.claimInDateOrder(&working[place], amounts: amounts)
        }
        guard assigns else { return }
        let before = working.map { $0.quantity == nil }
        try book.balance(&working, amounts: amounts, at: transaction.position)
        for place in working.indices where place >= before.count || before[place] {
            try book.settle(working[place])
        }
    }
}

extension WorkingPosting {
    /// True while its amount is to come from its balance claim.
    var isAssignment: Bool { quantity == nil && posting.claim != nil }
}
