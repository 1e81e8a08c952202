// SPDX-License-Identifier: Apache-2.0
//
// What a tidy rule is: a name, a function from a tree to findings, and samples. Every rule has a
// bad sample that it must catch and a good one that it must leave alone.

import Testing

/// One place that breaks a rule.
struct Finding: Sendable, CustomStringConvertible {
    /// What the allow-list calls it: a path, or a path and a name joined by `#`.
    let subject: String
    let path: String
    let line: Int
    let message: String
    /// How much of the rule is broken, 1 or a size, of which allowances limit the sum.
    let measure: Int

    init(_ path: String, _ line: Int, _ message: String, subject: String? = nil, measure: Int = 1) {
        self.subject = subject ?? path
        self.path = path
        self.line = line
        self.message = message
        self.measure = measure
    }

    var description: String { "\(path):\(line): \(message)" }
}

/// A rule about the repository.
struct Rule: Sendable, CustomTestStringConvertible {
    let name: String
    let check: @Sendable (Tree) -> [Finding]
    let bad: [Tree]
    let good: [Tree]

    var testDescription: String { name }

    /// A rule about the tree as a whole.
    init(
        _ name: String,
        bad: [Tree],
        good: [Tree],
        check: @escaping @Sendable (Tree) -> [Finding]
    ) {
        self.name = name
        self.bad = bad
        self.good = good
        self.check = check
    }

    /// A rule about each file on its own.
    static func eachFile(
        _ name: String,
        where concerns: @escaping @Sendable (TreeFile) -> Bool,
        bad: [Tree],
        good: [Tree],
        check: @escaping @Sendable (TreeFile) -> [Finding]
    ) -> Rule {
        Rule(name, bad: bad, good: good) { tree in
            tree.files.filter(concerns).flatMap(check)
        }
    }

    /// All rules, in the order in which they are run.
    static let all: [Rule] =
        ImportTable.rules + nameRules + determinismRules + constructRules + sizeRules
        + headerRules + markdownRules + decisionRules + repositoryRules + invariantRules
        + countRules
}

/// A sequence of tokens that must not occur, and what to write instead.
struct Ban: Sendable {
    let pattern: [String]
    let instead: String
    /// Tokens directly before the pattern that make it something else.
    let notAfter: Set<String>

    /// Makes a ban of tokens separated by spaces.
    init(_ pattern: String, _ instead: String, notAfter: Set<String> = []) {
        self.pattern = pattern.split(separator: " ").map(String.init)
        self.instead = instead
        self.notAfter = notAfter
    }
}

extension TreeFile {
    /// Returns where banned sequences occur in code; strings and comments do not count.
    func findings(of bans: [Ban]) -> [Finding] {
        let byFirst = Dictionary(grouping: bans) { $0.pattern[0] }
        var found: [Finding] = []
        for index in tokens.indices where tokens[index].kind != .string {
            for ban in byFirst[tokens[index].text] ?? [] where matches(ban, at: index) {
                let what = ban.pattern.joined(separator: " ")
                found.append(Finding(path, tokens[index].line, "`\(what)`: \(ban.instead)"))
            }
        }
        return found
    }

    private func matches(_ ban: Ban, at index: Int) -> Bool {
        guard index + ban.pattern.count <= tokens.count else { return false }
        for offset in ban.pattern.indices {
            let token = tokens[index + offset]
            guard token.kind != .string, token.text == ban.pattern[offset] else { return false }
        }
        return index == 0 || !ban.notAfter.contains(tokens[index - 1].text)
    }

    /// The text of the token at an index, or nothing outside the file.
    func token(_ index: Int) -> String {
        tokens.indices.contains(index) ? tokens[index].text : ""
    }
}
