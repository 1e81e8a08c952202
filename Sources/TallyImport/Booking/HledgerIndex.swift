// SPDX-License-Identifier: Apache-2.0
//
// Where the transactions of an hledger journal stand, in the order of their dates: forty bytes for
// each, the bytes of the files, and what the directives say at each place where that changes.
// Standard library only; owned by HledgerRun.

/// The transactions of a journal by date, read again one by one.
struct HledgerIndex: Sendable {
    /// The first byte of a transaction, and how its lines are to be read.
    private struct Row: Sendable {
        let place: LinePlace
        let context: Int
    }

    /// A transaction, or its postings of one other date, at its place in time.
    private struct Entry: Sendable {
        let row: Int
        let date: CivilDate
        /// Behind the transaction itself where both have one date.
        let isOfPostings: Bool

        static func comesFirst(_ left: Entry, _ right: Entry) -> Bool {
            if left.date != right.date { return left.date < right.date }
            return left.row == right.row ? right.isOfPostings : left.row < right.row
        }
    }

    /// What happens next in time.
    struct Event: Sendable {
        let transaction: JournalTransaction
        /// The date of the postings that it is about; nil for the transaction itself.
        let postingDate: CivilDate?
    }

    private var entries: [Entry] = []
    private var rows: [Row] = []
    private var contexts: [ReadingContext] = []
    /// Reads again; whatever it finds besides transactions was found before.
    private var reader: LedgerParser
    private var entered: Int?
    private var done = 0

    /// Reads to the end of the journal.
    ///
    /// - Throws: ``ImportError``; `unsupportedAssignment` where a posting has a date of its own.
    init(_ parser: inout LedgerParser, _ book: LedgerBook) throws(ImportError) {
        reader = parser
        var texts: [String: SourceText] = [:]
        var scope: Int?
        while let entry = try parser.next() {
            guard case .transaction(let transaction) = entry, let start = parser.start else {
                continue
            }
            if scope != parser.scopeNumber {
                scope = parser.scopeNumber
                let text = texts[start.text.path] ?? start.text
                texts[start.text.path] = text
                contexts.append(ReadingContext(parser, text))
            }
            note(transaction)
            rows.append(Row(place: start.place, context: contexts.count - 1))
            try HledgerIndex.check(book.working(transaction), of: transaction)
        }
        entries.sort(by: Entry.comesFirst)
    }

    private mutating func note(_ transaction: JournalTransaction) {
        let row = rows.count
        entries.append(Entry(row: row, date: transaction.date, isOfPostings: false))
        var others: Set<CivilDate> = []
        for posting in transaction.postings {
            guard let date = posting.date, date != transaction.date,
                others.insert(date).inserted
            else { continue }
            entries.append(Entry(row: row, date: date, isOfPostings: true))
        }
    }

    /// What an assignment gives depends on its date, and the other amounts on what it gives.
    private static func check(
        _ working: [WorkingPosting],
        of transaction: JournalTransaction
    ) throws(ImportError) {
        guard working.contains(where: \.isAssignment) else { return }
        for posting in working.map(\.posting) {
            guard let date = posting.date, date != transaction.date else { continue }
            throw ImportError(
                .unsupportedAssignment,
                at: posting.position,
                "expected no posting date in a transaction with a balance assignment"
            )
        }
    }

    /// Returns what comes next in the order of the dates, nil at the end.
    mutating func next() throws(ImportError) -> Event? {
        guard done < entries.count else { return nil }
        let entry = entries[done]
        done += 1
        let row = rows[entry.row]
        if entered != row.context {
            reader.enter(contexts[row.context])
            entered = row.context
        }
        return Event(
            transaction: try reader.transaction(at: row.place, in: contexts[row.context]),
            postingDate: entry.isOfPostings ? entry.date : nil
        )
    }
}
