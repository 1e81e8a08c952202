// SPDX-License-Identifier: Apache-2.0
//
// Runs every rule over the repository and over its own samples. A finding that has to stay is
// listed in Allowances.txt beside this file, with its measure; the list may only shrink.

import TestSupport
import Testing

@Suite("Tidy")
struct TidyTests {
    @Test("the tree keeps the rule", arguments: Rule.all)
    func tree(rule: Rule) throws {
        let tree = try Tree.repository.get()
        let allowances = try Allowances.read(tree)
        let (excess, slack) = allowances.judge(rule.check(tree), rule: rule.name)
        let problems =
            excess.map(\.description) + slack.map { "Tests/TidyTests/Allowances.txt: \($0)" }
        if !problems.isEmpty {
            Issue.record("\(rule.name):\n\(problems.joined(separator: "\n"))")
        }
    }

    @Test("the rule catches each of its bad samples", arguments: Rule.all)
    func badSamples(rule: Rule) {
        #expect(!rule.bad.isEmpty)
        for (index, sample) in rule.bad.enumerated() {
            #expect(!rule.check(sample).isEmpty, "bad sample \(index) of \(rule.name) passed")
        }
    }

    @Test("the rule leaves its good samples alone", arguments: Rule.all)
    func goodSamples(rule: Rule) {
        #expect(!rule.good.isEmpty)
        for sample in rule.good {
            #expect(rule.check(sample).map(\.description) == [])
        }
    }

    @Test("rule names are unique, and every allowance names a rule")
    func names() throws {
        let names = Rule.all.map(\.name)
        #expect(Set(names).count == names.count)
        let allowances = try Allowances.read(try Tree.repository.get())
        #expect(allowances.rules.subtracting(names) == [])
        #expect(allowances.count <= Allowances.linesMax)
    }

    @Test("an allowance covers its measure, and nothing more")
    func ratchet() throws {
        let allowances = try Allowances("# why\nsize A.swift 900\n")
        func judged(_ measure: Int) -> [Int] {
            let finding = Finding("A.swift", 1, "long", measure: measure)
            let (excess, slack) = allowances.judge([finding], rule: "size")
            return [excess.count, slack.count]
        }
        #expect(judged(900) == [0, 0])
        #expect(judged(901) == [1, 0])
        #expect(judged(899) == [0, 1])
        #expect(allowances.judge([], rule: "size").slack.count == 1)
        #expect(allowances.judge([Finding("B.swift", 1, "long")], rule: "size").excess.count == 1)
        #expect(throws: MalformedAllowance.self) { try Allowances("size A.swift many\n") }
    }

    @Test("the repository was read")
    func repositoryIsRead() throws {
        let tree = try Tree.repository.get()
        #expect(tree.file("Tests/TidyTests/TidyTests.swift") != nil)
        #expect(!tree.files.contains { $0.path.hasPrefix(".build") || $0.path.hasPrefix(".git/") })
    }

    @Test("without git the same sources are found")
    func walkWithoutGit() throws {
        let copy = try TemporaryDirectory("tidy")
        try Tree.write(
            ["Sources/A/A.swift": "let a = 1\n", ".build/x.swift": "", "bin/t": ""],
            to: copy
        )
        #expect(try Tree.read(copy.url).files.map(\.path) == ["Sources/A/A.swift"])
    }
}
