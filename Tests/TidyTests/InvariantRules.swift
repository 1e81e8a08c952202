// SPDX-License-Identifier: Apache-2.0
//
// Every invariant number has a sentence and an owner in INVARIANTS.md, a site in Sources, and a
// test in which it fires. The test is known by its call `expectInvariant(.iN, in:)`, or by a
// display name that contains "invariant N fires" above an exit test.

private let listPath = "Sources/TallyTypes/Invariant.swift"
private let documentPath = "INVARIANTS.md"

/// Rules about invariants.
let invariantRules: [Rule] = [
    Rule(
        "invariants",
        bad: [
            sample(row: ""), sample(row: "| 9 | | kernel |"), sample(row: "| 9 | Too short. | |"),
            sample(site: ""), sample(site: "// invariant(.i9, a, \"\")"), sample(test: ""),
            sample(test: "@Test(\"invariant 9 fires\") func f() { #expect(true) }"),
            sample(test: "@Test(\"invariant 91 fires\") func f() { g(processExitsWith) }"),
            sample(row: "| 9 | \(sentence) | kernel |\n| 10 | \(sentence) | kernel |"),
            sample(row: "| 9 | \(sentence) | kernel |\n| 9 | \(sentence) | kernel |"),
        ],
        good: [
            sample(),
            sample(
                test:
                    "@Test(\"an invariant 9 fires\") func f() { #expect(processExitsWith: a) {} }"
            ),
            sample(site: "default: invariantFailure(.i9, \"\")"),
            sample(
                row: "| 9 | \(sentence) | kernel |\n| 10 | Retired: nobody needs it. | kernel |"
            ),
        ]
    ) { tree in
        guard let list = tree.file(listPath) else { return [] }
        return tree.invariantProblems(list)
    }
]

private let sentence = "A row is read only through a gate."

private func sample(
    row: String = "| 9 | A row is read only through a gate. | kernel |",
    site: String = "invariant(.i9, a, \"\")",
    test: String = "expectInvariant(.i9, in: exit)"
) -> Tree {
    Tree([
        listPath: "public enum InvariantID: Int {\n    case i9 = 9\n}\n",
        documentPath: "# Invariants\n\n| number | sentence | owner |\n|---|---|---|\n\(row)\n",
        "Sources/TallyKernel/A.swift": site,
        "Tests/TallyKernelTests/A.swift": test,
    ])
}

extension Tree {
    fileprivate func invariantProblems(_ list: TreeFile) -> [Finding] {
        var found: [Finding] = []
        let rows = invariantRows
        let sites = firedNumbers { $0.isSource && $0.path != listPath }
        let tests = firedNumbers(where: \.isTest).union(namedFirings)
        for (number, line) in list.invariantNumbers {
            switch rows[number, default: []].count {
            case 0: found.append(Finding(documentPath, 1, "no row for invariant \(number)"))
            case 1: break
            default: found.append(Finding(documentPath, 1, "two rows for invariant \(number)"))
            }
            for row in rows[number, default: []] where row.sentence.count < 15 || row.owner.isEmpty
            {
                let message = "invariant \(number) needs a sentence and an owner"
                found.append(Finding(documentPath, row.line, message))
            }
            if !sites.contains(number) {
                found.append(Finding(list.path, line, "invariant \(number) has no site in Sources"))
            }
            if !tests.contains(number) {
                let advice = "`expectInvariant(.i\(number), in: exit)` in Tests"
                found.append(Finding(list.path, line, "invariant \(number) never fires: \(advice)"))
            }
        }
        let known = Set(list.invariantNumbers.map(\.number))
        for (number, all) in rows where !known.contains(number) {
            for row in all where !row.sentence.hasPrefix("Retired") {
                let message =
                    "invariant \(number) is not in \(listPath); `Retired: ...` keeps a number"
                found.append(Finding(documentPath, row.line, message))
            }
        }
        return found
    }

    private var invariantRows: [Int: [(sentence: String, owner: String, line: Int)]] {
        var rows: [Int: [(sentence: String, owner: String, line: Int)]] = [:]
        for (text, line) in file(documentPath)?.prose ?? [] where text.hasPrefix("|") {
            let cells = text.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingPrefix(while: { $0 == " " }) }
                .map { String($0.reversed().trimmingPrefix(while: { $0 == " " }).reversed()) }
            guard cells.count >= 4, let number = Int(cells[1]) else { continue }
            rows[number, default: []].append((cells[2], cells[3], line))
        }
        return rows
    }

    /// Numbers that stand as `.iN` first in a call of an invariant function.
    private func firedNumbers(where concerns: (TreeFile) -> Bool) -> Set<Int> {
        let calls: Set<String> = ["invariant", "invariantFailure", "expectInvariant"]
        var numbers: Set<Int> = []
        for file in files where file.isSwift && concerns(file) {
            for index in file.tokens.indices where calls.contains(file.tokens[index].text) {
                guard file.token(index + 1) == "(", file.token(index + 2) == "." else { continue }
                if file.isTest, file.token(index) != "expectInvariant" { continue }
                if let number = Int(file.token(index + 3).dropFirst()) { numbers.insert(number) }
            }
        }
        return numbers
    }

    /// Numbers in display names of exit tests.
    private var namedFirings: Set<Int> {
        var numbers: Set<Int> = []
        for file in files where file.isTest && file.isSwift {
            for index in file.tokens.indices where file.tokens[index].text == "Test" {
                guard file.token(index - 1) == "@", file.token(index + 1) == "(" else { continue }
                let name = file.token(index + 2)
                let rest = file.tokens[(index + 3)...]
                let body = rest.prefix { !($0.text == "Test" && $0.kind == .word) }
                guard body.contains(where: { $0.text == "processExitsWith" }) else { continue }
                guard let after = name.firstRange(of: "invariant ") else { continue }
                let words = name[after.upperBound...].split(separator: " ")
                if words.count > 1, words[1] == "fires", let number = Int(words[0]) {
                    numbers.insert(number)
                }
            }
        }
        return numbers
    }
}

extension TreeFile {
    /// The cases `iN = N` of the list.
    fileprivate var invariantNumbers: [(number: Int, line: Int)] {
        tokens.indices.compactMap { index in
            guard tokens[index].text == "case", token(index + 2) == "=" else { return nil }
            guard let number = Int(token(index + 3)) else { return nil }
            return token(index + 1) == "i\(number)" ? (number, tokens[index].line) : nil
        }
    }
}
