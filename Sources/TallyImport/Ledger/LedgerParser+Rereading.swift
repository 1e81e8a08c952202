// SPDX-License-Identifier: Apache-2.0
//
// A transaction read a second time, from where it stands and with what the directives above it had
// said. Standard library only; part of LedgerParser, used by HledgerIndex.

/// Where a line begins.
struct LinePlace: Sendable {
    /// The offset of its first byte.
    let offset: Int
    /// Its number, from 1.
    let line: Int
}

/// All that decides how the lines from one place on are read.
struct ReadingContext: Sendable {
    fileprivate let text: SourceText
    fileprivate let names: AccountNames
    fileprivate let year: Int?
    fileprivate let amounts: AmountContext

    init(_ parser: LedgerParser, _ text: SourceText) {
        self.text = text
        names = parser.names
        year = parser.year
        amounts = parser.amounts.withoutSeenPlaces
    }
}

extension LedgerParser {
    /// Goes back to what the directives above a place had said.
    mutating func enter(_ context: ReadingContext) {
        names = context.names
        year = context.year
        amounts = context.amounts
    }

    /// Reads the transaction at a place that an earlier pass has found, in the context entered.
    mutating func transaction(
        at place: LinePlace,
        in context: ReadingContext
    ) throws(ImportError) -> JournalTransaction {
        frames = [SourceFrame(lines: LineReader(context.text, from: place), outer: nil)]
        guard case .transaction(let transaction)? = try next() else {
            throw ImportError(
                .sourceChanged,
                at: SourcePosition(file: context.text.path, line: place.line, column: 1),
                "expected the transaction that was read before"
            )
        }
        return transaction
    }
}
