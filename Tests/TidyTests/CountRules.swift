// SPDX-License-Identifier: Apache-2.0
//
// Tests/required-counts.txt must name every test target, so that none can stop running unnoticed.
// scripts/count-tests compares the numbers; here only the list is checked.

private let countsPath = "Tests/required-counts.txt"

/// Rules about required test counts.
let countRules: [Rule] = [
    Rule(
        "required-counts",
        bad: [
            Tree([countsPath: "BTests 1\n", "Tests/ATests/A.swift": "@Test func a() {}"]),
            Tree([countsPath: "ATests 0\n", "Tests/ATests/A.swift": "@Test func a() {}"]),
            Tree([countsPath: "ATests 1 fast\n", "Tests/ATests/A.swift": "@Test func a() {}"]),
            Tree([countsPath: "GoneTests 1\nATests 1", "Tests/ATests/A.swift": "@Test func a() {}"]
            ),
            Tree("Tests/ATests/A.swift", "@Test func a() {}"),
        ],
        good: [
            Tree([
                countsPath: "# comment\nATests 1 debug,release\nATests.Suite 1\n",
                "Tests/ATests/A.swift": "@Test func a() {}",
                "Tests/Support/A.swift": "func a() {}",
            ])
        ]
    ) { tree in
        let targets = Set(
            tree.files.filter { $0.isTest && $0.isSwift && $0.hasTests }
                .compactMap { $0.path.split(separator: "/").dropFirst().first.map(String.init) }
        )
        guard let list = tree.file(countsPath) else {
            return targets.isEmpty ? [] : [Finding(countsPath, 1, "missing")]
        }
        var found: [Finding] = []
        var named: Set<String> = []
        for (index, line) in list.lines.enumerated() where !line.isEmpty && !line.hasPrefix("#") {
            let parts = line.split(separator: " ").map(String.init)
            let modes = parts.count > 2 ? parts[2].split(separator: ",").map(String.init) : []
            let isForm =
                (2...3).contains(parts.count) && (Int(parts[1]) ?? 0) > 0
                && modes.allSatisfy { ["debug", "release"].contains($0) }
            if !isForm {
                found.append(Finding(list.path, index + 1, "`name minimum [debug,release]`"))
                continue
            }
            let target = parts[0].split(separator: ".").first.map(String.init) ?? parts[0]
            if parts[0] == target { named.insert(target) }
            if !targets.contains(target) {
                found.append(Finding(list.path, index + 1, "there is no target \(target)"))
            }
        }
        for target in targets.subtracting(named).sorted() {
            found.append(Finding(list.path, 1, "\(target) is not listed"))
        }
        return found
    }
]

extension TreeFile {
    fileprivate var hasTests: Bool {
        tokens.indices.contains { tokens[$0].text == "@" && token($0 + 1) == "Test" }
    }
}
