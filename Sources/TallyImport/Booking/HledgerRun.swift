// SPDX-License-Identifier: Apache-2.0
//
// A pass over an hledger journal: hledger judges balance claims in date order, and its tolerance
// depends on the whole journal, so all transactions are parsed first and then yielded by date.
// Standard library only; pulled by the session.

/// One pass over an hledger journal.
struct HledgerRun: Sendable {
    /// A transaction, or a posting with a date of its own, at its place in time.
    private struct Event: Sendable {
        let date: CivilDate
        let transaction: Int
        /// Nil for the transaction itself.
        let posting: Int?
    }

    var parser: LedgerParser
    private var book = LedgerBook(dialect: .hledger)
    private var queue: [BookedTransaction]?
    private var yielded = 0

    init(path: String, sources: SourceLibrary) throws(ImportError) {
        parser = try LedgerParser(path: path, dialect: .hledger, sources: sources)
    }

    /// Balance claims checked so far.
    var claimCount: Int { book.claimCount }

    /// Returns the next transaction by date, nil at the end.
    mutating func next() throws(ImportError) -> BookedTransaction? {
        if queue == nil { queue = try all() }
        guard let queue, yielded < queue.count else { return nil }
        yielded += 1
        return queue[yielded - 1]
    }

    private mutating func all() throws(ImportError) -> [BookedTransaction] {
        var transactions: [JournalTransaction] = []
        while let entry = try parser.next() {
            if case .transaction(let transaction) = entry { transactions.append(transaction) }
        }
        var working = transactions.map { book.working($0) }
        for index in transactions.indices where !HledgerRun.assigns(working[index]) {
            try book.balance(
                &working[index],
                amounts: parser.amounts,
                at: transactions[index].position
            )
        }
        for event in HledgerRun.events(transactions, working) {
            try settle(event, transactions, &working)
        }
        let order = transactions.indices.sorted {
            (transactions[$0].date, $0) < (transactions[$1].date, $1)
        }
        var booked: [BookedTransaction] = []
        for index in order {
            booked.append(
                try BookedTransaction(transactions[index], working[index], dialect: .hledger)
            )
        }
        return booked
    }

    private static func assigns(_ working: [WorkingPosting]) -> Bool {
        working.contains { $0.quantity == nil && $0.posting.claim != nil }
    }

    private static func events(
        _ transactions: [JournalTransaction],
        _ working: [[WorkingPosting]]
    ) -> [Event] {
        var events: [Event] = []
        for (index, transaction) in transactions.enumerated() {
            events.append(Event(date: transaction.date, transaction: index, posting: nil))
            for (place, posting) in working[index].enumerated() {
                guard let date = posting.posting.date, date != transaction.date else { continue }
                events.append(Event(date: date, transaction: index, posting: place))
            }
        }
        let order = events.indices.sorted { (events[$0].date, $0) < (events[$1].date, $1) }
        return order.map { events[$0] }
    }

    private mutating func settle(
        _ event: Event,
        _ transactions: [JournalTransaction],
        _ working: inout [[WorkingPosting]]
    ) throws(ImportError) {
        let index = event.transaction
        let amounts = parser.amounts
        if let place = event.posting {
            try book.claimInDateOrder(&working[index][place], amounts: amounts)
            return
        }
        let transaction = transactions[index]
        let assigns = HledgerRun.assigns(working[index])
        for place in working[index].indices {
            let posting = working[index][place].posting
            if let date = posting.date, date != transaction.date {
                guard !assigns else {
                    throw ImportError(
                        .unsupportedAssignment,
                        at: posting.position,
                        "expected no posting date in a transaction with a balance assignment"
                    )
                }
                continue
            }
            if working[index][place].quantity == nil, posting.claim == nil { continue }
            try book.claimInDateOrder(&working[index][place], amounts: amounts)
        }
        guard assigns else { return }
        let before = working[index].map { $0.quantity == nil }
        try book.balance(&working[index], amounts: amounts, at: transaction.position)
        for place in working[index].indices where place >= before.count || before[place] {
            try book.settle(working[index][place])
        }
    }
}
