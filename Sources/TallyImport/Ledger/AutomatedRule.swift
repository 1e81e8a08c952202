// SPDX-License-Identifier: Apache-2.0
//
// Ledger's automated transactions: which postings they match and what they add. Standard library
// only; parsed by LedgerParser, applied by LedgerBook. Only patterns on account names are
// supported; every other query is refused, because guessing would change balances.

/// A rule that adds postings to transactions parsed after it.
struct AutomatedRule: Sendable {
    let query: AccountQuery
    var postings: [JournalPosting]
    var annotations: [Annotation]
    let position: SourcePosition
}

/// Patterns on account names joined by `or`, `and` and `not`.
struct AccountQuery: Sendable {
    private struct Term: Sendable {
        let pattern: AccountPattern
        let isNegated: Bool
    }

    /// A disjunction of conjunctions.
    private let alternatives: [[Term]]

    /// Reads the query behind `=`.
    ///
    /// - Throws: `unsupportedQuery` for anything but account patterns.
    init(parsing line: LineCursor) throws(ImportError) {
        var cursor = line
        var alternatives: [[Term]] = [[]]
        var isNegated = false
        var isConjunction = false
        while true {
            cursor.skipBlanks()
            if cursor.isAtEnd { break }
            let begin = cursor
            let (word, isPattern) = try AccountQuery.word(&cursor)
            switch (isPattern, word) {
            case (false, "and"), (false, "&"): isConjunction = true
            case (false, "or"), (false, "|"): isConjunction = false
            case (false, "not"), (false, "!"): isNegated.toggle()
            default:
                let pattern = try AccountPattern(word, at: begin)
                let term = Term(pattern: pattern, isNegated: isNegated)
                if isConjunction || alternatives[alternatives.count - 1].isEmpty {
                    alternatives[alternatives.count - 1].append(term)
                } else {
                    alternatives.append([term])
                }
                isNegated = false
                isConjunction = false
            }
        }
        guard !isNegated, !isConjunction, !alternatives[0].isEmpty else {
            throw line.failure(
                .unsupportedQuery,
                "expected an account pattern, found \(line.found)"
            )
        }
        self.alternatives = alternatives
    }

    private static func word(
        _ cursor: inout LineCursor
    ) throws(ImportError) -> (text: String, isPattern: Bool) {
        let begin = cursor
        if cursor.take(Byte.slash) {
            let body = cursor.takeWhile { $0 != Byte.slash }
            guard cursor.take(Byte.slash) else {
                throw begin.failure(.unsupportedQuery, "expected '/', found the end of the line")
            }
            return (body, true)
        }
        let word = cursor.takeWhile { !Byte.isBlank($0) }
        let isSpecial =
            word.contains(where: { "@#%=()\"'".contains($0) })
            || ["expr", "payee", "desc", "code", "note", "tag", "meta", "date", "amount"]
                .contains(word)
        guard !isSpecial else {
            throw begin.failure(
                .unsupportedQuery,
                "only account patterns are supported in an automated transaction,"
                    + " found \(begin.found)"
            )
        }
        return (word, false)
    }

    /// True when the query holds for an account.
    func matches(_ account: String) -> Bool {
        alternatives.contains { terms in
            terms.allSatisfy { $0.pattern.matches(account) != $0.isNegated }
        }
    }
}

/// A small part of regular expressions: letters, `.`, `.*`, `^`, `$` and `|`; case does not matter.
struct AccountPattern: Sendable {
    private enum Piece: Hashable, Sendable {
        case character(Character)
        case anyOne
        case anyMany
    }

    private struct Branch: Sendable {
        var pieces: [Piece] = []
        var isAnchoredAtStart = false
        var isAnchoredAtEnd = false
    }

    private let branches: [Branch]

    /// Reads a pattern.
    ///
    /// - Throws: `unsupportedQuery` for other operators of regular expressions.
    init(_ text: String, at place: LineCursor) throws(ImportError) {
        var branches: [Branch] = []
        for part in text.split(separator: "|", omittingEmptySubsequences: false) {
            branches.append(try AccountPattern.branch(Array(part.lowercased()), at: place))
        }
        self.branches = branches
    }

    private static func branch(
        _ characters: [Character],
        at place: LineCursor
    ) throws(ImportError) -> Branch {
        var branch = Branch()
        var index = 0
        while index < characters.count {
            let character = characters[index]
            let next = index + 1 < characters.count ? characters[index + 1] : nil
            switch character {
            case "^" where index == 0: branch.isAnchoredAtStart = true
            case "$" where next == nil: branch.isAnchoredAtEnd = true
            case "." where next == "*":
                branch.pieces.append(.anyMany)
                index += 1
            case ".": branch.pieces.append(.anyOne)
            case "\\":
                guard let next, !next.isLetter, !next.isNumber else { throw refused(place) }
                branch.pieces.append(.character(next))
                index += 1
            case "*", "+", "?", "(", ")", "[", "]", "{", "}", "^", "$": throw refused(place)
            default: branch.pieces.append(.character(character))
            }
            index += 1
        }
        return branch
    }

    private static func refused(_ place: LineCursor) -> ImportError {
        place.failure(
            .unsupportedQuery,
            "expected a pattern of letters, '.', '.*', '^', '$' and '|', found \(place.found)"
        )
    }

    /// True when the pattern occurs in the text.
    func matches(_ text: String) -> Bool {
        let characters = Array(text.lowercased())
        return branches.contains { AccountPattern.matches($0, characters) }
    }

    /// Follows the set of pattern places that are reachable after each character.
    private static func matches(_ branch: Branch, _ text: [Character]) -> Bool {
        let count = branch.pieces.count
        var reachable = [Bool](repeating: false, count: count + 1)
        reachable[0] = true
        for position in 0...text.count {
            if !branch.isAnchoredAtStart { reachable[0] = true }
            for place in 0..<count where reachable[place] && branch.pieces[place] == .anyMany {
                reachable[place + 1] = true
            }
            if reachable[count], !branch.isAnchoredAtEnd || position == text.count { return true }
            guard position < text.count else { return false }
            var next = [Bool](repeating: false, count: count + 1)
            for place in 0..<count where reachable[place] {
                switch branch.pieces[place] {
                case .anyMany: next[place] = true
                case .anyOne: next[place + 1] = true
                case .character(let wanted):
                    if text[position] == wanted { next[place + 1] = true }
                }
            }
            reachable = next
        }
        return false
    }
}
