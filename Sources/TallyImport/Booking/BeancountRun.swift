// SPDX-License-Identifier: Apache-2.0
//
// A pass over a Beancount file: entries are sorted by date, booked, padded, and their balances
// checked, then transactions are yielded by date. Standard library only; pulled by the session.
// Holds the whole file, because pads look ahead and entries may stand in any order.

/// One pass over a Beancount file.
struct BeancountRun: Sendable {
    /// The pad in force for an account and what it has done.
    private struct ActivePad: Sendable {
        let entry: Int
        /// Currencies whose first balance after the pad has passed.
        var settled: Set<String> = []
    }

    /// What booking has made of the entries so far.
    private struct BookingPass: Sendable {
        var book: BeancountBook
        /// The transactions of each entry; a pad's are its paddings.
        var booked: [[BookedTransaction]]
        var sums = RunningBalances()
        var pads: [String: ActivePad] = [:]

        init(options: BeancountOptions, count: Int) {
            book = BeancountBook(options: options)
            booked = [[BookedTransaction]](repeating: [], count: count)
        }
    }

    private(set) var parser: BeancountParser
    private let path: String
    private var queue: [BookedTransaction]?
    private var yielded = 0
    private(set) var claimCount = 0

    init(path: String, sources: SourceLibrary) {
        self.path = path
        parser = BeancountParser(sources: sources)
    }

    /// Returns the next transaction by date, nil at the end.
    mutating func next() throws(ImportError) -> BookedTransaction? {
        if queue == nil { queue = try all() }
        guard let queue, yielded < queue.count else { return nil }
        yielded += 1
        return queue[yielded - 1]
    }

    private mutating func all() throws(ImportError) -> [BookedTransaction] {
        try parser.read(path, from: nil)
        let entries = BeancountRun.sorted(parser.entries)
        parser.entries = []
        var pass = BookingPass(options: parser.options, count: entries.count)
        for (index, entry) in entries.enumerated() { try book(entry, index, entries, &pass) }
        for (index, entry) in entries.enumerated() where pass.booked[index].isEmpty {
            guard case .pad = entry.kind else { continue }
            throw ImportError(
                .unusablePad,
                at: entry.position,
                "expected a later balance that this pad makes true, found none"
            )
        }
        try check(entries, pass.booked)
        return pass.booked.flatMap { $0 }
    }

    private func book(
        _ entry: BeancountEntry,
        _ index: Int,
        _ entries: [BeancountEntry],
        _ pass: inout BookingPass
    ) throws(ImportError) {
        let place = entry.position
        switch entry.kind {
        case .open(let account, let currencies, let method):
            try pass.book.open(account, currencies: currencies, method: method, at: place)
        case .close(let account): try pass.book.close(account, at: place)
        case .transaction(let transaction):
            let postings = try pass.book.book(transaction, on: entry.date, at: place)
            pass.booked[index] = [try BookedTransaction(transaction, postings, entry)]
            try BeancountRun.add(pass.booked[index], to: &pass.sums)
        case .pad(let account, let source):
            try pass.book.require(account, currency: nil, at: place)
            try pass.book.require(source, currency: nil, at: place)
            pass.pads[account] = ActivePad(entry: index)
        case .balance(let claim):
            let currency = claim.amount.currency
            try pass.book.requireKnown(claim.account, currency: currency, at: place)
            guard let pad = pass.pads[claim.account] else { return }
            if !pad.settled.contains(currency),
                let padding = try padding(claim, entry, entries[pad.entry], pass)
            {
                pass.booked[pad.entry].append(padding)
                try pass.sums.settlePad(padding)
            }
            pass.pads[claim.account]?.settled.insert(currency)
        }
    }

    /// By date, then kind, then line; files included keep their order among equals.
    private static func sorted(_ entries: [BeancountEntry]) -> [BeancountEntry] {
        let order = entries.indices.sorted { left, right in
            let (first, second) = (entries[left], entries[right])
            return (first.date, first.rank, first.position.line, left)
                < (second.date, second.rank, second.position.line, right)
        }
        return order.map { entries[$0] }
    }

    private static func add(
        _ transactions: [BookedTransaction],
        to sums: inout RunningBalances
    ) throws(ImportError) {
        for posting in transactions.flatMap(\.postings) {
            try calculating("the balance", at: posting.position) { () throws(ArithmeticFailure) in
                try sums.add(
                    posting.quantity,
                    of: posting.commodity,
                    to: posting.account,
                    isReal: true
                )
            }
        }
    }

    private static func held(
        _ claim: BeancountClaim,
        in sums: RunningBalances,
        at place: SourcePosition
    ) throws(ImportError) -> ExactDecimal {
        try calculating("the balance", at: place) { () throws(ArithmeticFailure) in
            try sums.balance(
                of: claim.amount.currency,
                in: claim.account,
                reach: .subtree,
                counting: .all
            )
        }
    }

    /// The difference to a claimed balance, and whether the tolerance covers it.
    private func difference(
        _ claim: BeancountClaim,
        from held: ExactDecimal,
        at place: SourcePosition
    ) throws(ImportError) -> (difference: ExactDecimal, isCovered: Bool) {
        let tolerance = try Tolerances.of(claim, options: parser.options, at: place)
        return try calculating("the balance", at: place) { () throws(ArithmeticFailure) in
            let difference = try claim.amount.number.subtracting(held)
            return (difference, try difference.absolute.compared(to: tolerance) <= 0)
        }
    }

    /// Returns the transaction that makes a balance true, nil when it is true already.
    private func padding(
        _ claim: BeancountClaim,
        _ entry: BeancountEntry,
        _ pad: BeancountEntry,
        _ pass: BookingPass
    ) throws(ImportError) -> BookedTransaction? {
        guard case .pad(let account, let source) = pad.kind else { return nil }
        let held = try BeancountRun.held(claim, in: pass.sums, at: entry.position)
        let (difference, isCovered) = try difference(claim, from: held, at: entry.position)
        guard !isCovered else { return nil }
        guard !pass.book.holdsAtCost(claim.amount.currency, below: account) else {
            throw ImportError(
                .unusablePad,
                at: pad.position,
                "expected no lots at cost to pad in '\(account)', found \(claim.amount.currency)"
            )
        }
        let currency = claim.amount.currency
        var details = TransactionDetails()
        details.add("state", "P")
        return BookedTransaction(
            date: pad.date,
            payee: "",
            narration: "Padding for a balance of \(claim.amount.number) \(currency)",
            code: "",
            details: details,
            postings: [(account, difference), (source, difference.negated)].map { account, amount in
                BookedPosting(
                    account: account,
                    commodity: currency,
                    quantity: amount,
                    places: 0,
                    group: .balanced,
                    position: pad.position
                )
            },
            position: pad.position
        )
    }

    /// Checks every balance against all transactions, paddings included.
    private mutating func check(
        _ entries: [BeancountEntry],
        _ booked: [[BookedTransaction]]
    ) throws(ImportError) {
        var sums = RunningBalances()
        for (index, entry) in entries.enumerated() {
            try BeancountRun.add(booked[index], to: &sums)
            guard case .balance(let claim) = entry.kind else { continue }
            claimCount += 1
            let held = try BeancountRun.held(claim, in: sums, at: entry.position)
            let (_, isCovered) = try difference(claim, from: held, at: entry.position)
            guard isCovered else {
                throw ImportError(
                    .assertionFailed,
                    at: entry.position,
                    "expected \(claim.account) to hold \(claim.amount.number)"
                        + " \(claim.amount.currency), found \(held)"
                )
            }
        }
    }
}

extension RunningBalances {
    /// Adds the padded side only: Beancount computes each account's pads without those of others.
    fileprivate mutating func settlePad(_ padding: BookedTransaction) throws(ImportError) {
        guard let posting = padding.postings.first else { return }
        try calculating("the balance", at: posting.position) { () throws(ArithmeticFailure) in
            try add(
                posting.quantity,
                of: posting.commodity,
                to: posting.account,
                isReal: true
            )
        }
    }
}

extension BookedTransaction {
    /// Makes a booked transaction of a Beancount one.
    init(
        _ transaction: BeancountTransaction,
        _ postings: [WeighedPosting],
        _ entry: BeancountEntry
    ) throws(ImportError) {
        var details = TransactionDetails()
        details.addText("state", transaction.flag)
        for tag in transaction.tags { details.add("tag/\(tag)", "") }
        for link in transaction.links { details.add("link/\(link)", "") }
        details.add(transaction.annotations, below: "")
        for (index, weighed) in postings.enumerated() {
            let prefix = "posting/\(index + 1)/"
            details.addText(prefix + "state", weighed.posting.flag)
            details.addText(prefix + "cost", weighed.posting.costText)
            details.addText(prefix + "price", weighed.posting.priceText)
            details.add(weighed.posting.annotations, below: prefix)
        }
        var booked: [BookedPosting] = []
        for posting in postings { booked.append(try BookedPosting(posting)) }
        self.init(
            date: entry.date,
            payee: transaction.payee,
            narration: transaction.narration,
            code: "",
            details: details,
            postings: booked,
            position: entry.position
        )
    }
}

extension BookedPosting {
    /// Takes a posting whose units are known.
    ///
    /// - Throws: `malformedAmount` where neither the file nor the book gave some.
    fileprivate init(_ weighed: WeighedPosting) throws(ImportError) {
        guard let units = weighed.units else {
            throw ImportError(
                .malformedAmount,
                at: weighed.posting.position,
                "expected an amount, found none to infer"
            )
        }
        self.init(
            account: weighed.posting.account,
            commodity: units.currency,
            quantity: units.number,
            places: units.places,
            group: .balanced,
            position: weighed.posting.position
        )
    }
}
