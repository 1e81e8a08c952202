// SPDX-License-Identifier: Apache-2.0
//
// The records of decisions and the changelog: numbers without gaps, the same sections everywhere.

private let decisionHeadings = [
    "## Context", "## Decision", "## Consequences", "## What would change our mind",
]
private let decisionLinesMax = 80
private let changelogHeadings: Set<String> = [
    "### Format and compatibility", "### Safety", "### Added", "### Fixed", "### Internals",
]

/// Rules about docs/adr and CHANGELOG.md.
let decisionRules: [Rule] = [
    Rule(
        "decision-records",
        bad: [
            Tree("docs/adr/0001-a.md", decision(2)),
            Tree(["docs/adr/0001-a.md": decision(1), "docs/adr/0003-b.md": decision(3)]),
            Tree(["docs/adr/0001-a.md": decision(1), "docs/adr/0001-b.md": decision(1)]),
            Tree("docs/adr/0001-A_b.md", decision(1)),
            Tree("docs/adr/0001-a.md", "# 1. A\n\nStatus: accepted\n\n## Context\n"),
            Tree("docs/adr/0001-a.md", decision(1) + String(repeating: "more\n", count: 80)),
        ],
        good: [Tree(["docs/adr/0001-a.md": decision(1), "docs/adr/0002-b-c.md": decision(2)])]
    ) { tree in
        let records = tree.files.filter { $0.path.hasPrefix("docs/adr/") && $0.isMarkdown }
            .filter { !$0.path.hasSuffix("/README.md") && !$0.path.hasSuffix("/template.md") }
        return records.enumerated().flatMap { index, file in
            file.decisionProblems(number: index + 1).map { Finding(file.path, 1, $0) }
        }
    },
    .eachFile(
        "changelog-form",
        where: { $0.path == "CHANGELOG.md" },
        bad: [
            Tree("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n### Changed\n\n- a\n"),
            Tree("CHANGELOG.md", "# Changelog\n\n## 1.0\n"),
            Tree("CHANGELOG.md", "# Changelog\n\n## 1.0.0 (2026-12-01)\n\n### Added\n\n- a\n"),
            Tree("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\nText\n"),
            Tree("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n### Fixed\n\n### Added\n"),
        ],
        good: [
            Tree(
                "CHANGELOG.md",
                """
                # Changelog

                ## Unreleased

                ### Added

                - A thing,
                  on two lines.

                ## 1.0.0 (2026-12-01)

                Formats: log 1, snapshot 1, API 1

                ### Safety

                - A thing.
                """
            )
        ]
    ) { $0.changelogProblems },
]

private func decision(_ number: Int) -> String {
    "# \(number). A decision\n\nStatus: accepted\n\n"
        + decisionHeadings.map { "\($0)\n\nText.\n\n" }.joined()
}

extension TreeFile {
    fileprivate func decisionProblems(number: Int) -> [String] {
        let name = path.dropFirst("docs/adr/".count).dropLast(".md".count)
        let prefix = String(repeating: "0", count: 4 - String(number).count) + "\(number)-"
        var problems: [String] = []
        if !name.hasPrefix(prefix) { problems.append("the next number is \(prefix)") }
        let isKebab = name.dropFirst(5).allSatisfy {
            $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-")
        }
        if !isKebab || name.count < 6 { problems.append("name it like 0001-short-reason.md") }
        if lines.first?.hasPrefix("# \(number). ") != true {
            problems.append("the title starts with `# \(number). `")
        }
        if !lines.contains(where: { $0.hasPrefix("Status: ") }) {
            problems.append("no status line")
        }
        let headings = prose.map(\.text).filter { $0.hasPrefix("## ") }
        if headings != decisionHeadings {
            problems.append("sections are \(decisionHeadings.joined(separator: ", "))")
        }
        if lineCount > decisionLinesMax { problems.append("more than \(decisionLinesMax) lines") }
        return problems
    }

    fileprivate var changelogProblems: [Finding] {
        let order = [
            "### Format and compatibility", "### Safety", "### Added", "### Fixed", "### Internals",
        ]
        var found: [Finding] = []
        var place = -1
        var isSection = false
        for (text, line) in prose where !text.isEmpty {
            if text.hasPrefix("## ") {
                place = -1
                isSection = false
                if text != "## Unreleased", !isRelease(text, line: line) {
                    let form = "`## 1.2.3 (2026-12-31)`, then `Formats: log N, snapshot N, API N`"
                    found.append(Finding(path, line, "a release reads \(form)"))
                }
            } else if text.hasPrefix("### ") {
                let next = order.firstIndex(of: text) ?? -1
                if next <= place || !changelogHeadings.contains(text) {
                    found.append(Finding(path, line, "sections, in this order: \(order)"))
                }
                place = max(place, next)
                isSection = true
            } else if !isSection, line > 1, !text.hasPrefix("Formats: "), place == -1,
                isBelowRelease(line)
            {
                found.append(Finding(path, line, "every entry stands in a section"))
            }
        }
        return found
    }

    private func isBelowRelease(_ line: Int) -> Bool {
        lines.prefix(line).contains { $0.hasPrefix("## ") }
    }

    private func isRelease(_ text: String, line: Int) -> Bool {
        let parts = text.dropFirst(3).split(separator: " ")
        guard parts.count == 2, parts[1].hasPrefix("("), parts[1].hasSuffix(")") else {
            return false
        }
        let version = parts[0].split(separator: ".")
        let date = parts[1].dropFirst().dropLast().split(separator: "-")
        let isForm =
            version.count == 3 && date.map(\.count) == [4, 2, 2]
            && (version + date).allSatisfy { $0.allSatisfy(\.isNumber) }
        let next = lines.dropFirst(line).first { !$0.isEmpty }
        return isForm && next?.hasPrefix("Formats: log ") == true
    }
}
