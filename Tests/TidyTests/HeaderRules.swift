// SPDX-License-Identifier: Apache-2.0
//
// What a file and a declaration say about themselves: licence, purpose, documentation. swift-format
// asks for documentation of `public` only; here it is asked of `package` too.

private let summaryCharactersMax = 150

/// Rules about file headers and documentation.
let headerRules: [Rule] = [
    .eachFile(
        "file-header",
        where: { $0.isSwift || $0.path.hasSuffix(".c") || $0.path.hasSuffix(".h") || $0.isScript },
        bad: [
            Tree("Sources/TallyNode/A.swift", "import TallyTypes\n"),
            Tree(
                "Sources/TallyNode/A.swift",
                "// SPDX-License-Identifier: Apache-2.0\n\nlet a = 1"
            ),
            Tree("scripts/a", "#!/bin/sh\necho\n"),
        ],
        good: [
            Tree(
                "Sources/TallyNode/A.swift",
                "// SPDX-License-Identifier: Apache-2.0\n//\n// What.\n"
            ),
            Tree(
                "Package.swift",
                "// swift-tools-version: 6.2\n// SPDX-License-Identifier: Apache-2.0\n// What."
            ),
            Tree("scripts/a", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n#\n# What.\n"),
        ]
    ) { file in
        let head = file.lines.prefix(6).map { $0.trimmingPrefix { " /*#".contains($0) } }
        let licence = head.firstIndex { $0 == "SPDX-License-Identifier: Apache-2.0" }
        guard let licence, licence < 2 else {
            return [Finding(file.path, 1, "no SPDX line; see any other file")]
        }
        let commented = file.lines.prefix(6).dropFirst(licence + 1).prefix {
            $0.hasPrefix("//") || $0.hasPrefix("#") || $0.hasPrefix(" *")
        }
        let says = commented.contains { $0.count > 3 }
        return says ? [] : [Finding(file.path, 1, "say what this file is, and who calls it")]
    },
    .eachFile(
        "documented-declaration",
        where: { $0.isSwift && ($0.isSource || $0.path.hasPrefix("Tests/Support/")) },
        bad: [
            Tree("Sources/TallyNode/A.swift", "package func f() {}"),
            Tree("Sources/TallyNode/A.swift", "/// A.\nstruct A {\n    package let a: Int\n}"),
            Tree(
                "Sources/TallyNode/A.swift",
                "// Not this.\n@inlinable\npublic static var a: Int { 1 }"
            ),
        ],
        good: [
            Tree("Sources/TallyNode/A.swift", "/// Does.\n@inlinable\npackage func f() {}"),
            Tree("Sources/TallyNode/A.swift", "package import TallyTypes\npackage extension A {}"),
            Tree("Sources/TallyNode/A.swift", "/// Is.\npackage private(set) var a = 1\nlet b = 1"),
        ]
    ) { file in
        file.openDeclarations.compactMap { token, documentation in
            documentation.isEmpty
                ? Finding(
                    file.path,
                    token.line,
                    "a \(token.text) declaration needs a `///` sentence"
                )
                : nil
        }
    },
    .eachFile(
        "short-summary",
        where: { $0.isSwift && $0.isSource },
        bad: [
            Tree(
                "Sources/TallyNode/A.swift",
                "/// \(words(16))\n/// \(words(16))\npackage let a = 1"
            )
        ],
        good: [
            Tree(
                "Sources/TallyNode/A.swift",
                "/// Short.\n///\n/// \(words(40))\npackage let a = 1"
            )
        ]
    ) { file in
        file.openDeclarations.compactMap { token, documentation in
            let summary = documentation.prefix { !$0.isEmpty }.joined(separator: " ")
            guard summary.count > summaryCharactersMax else { return nil }
            let message = "summary of \(summary.count) characters, at most \(summaryCharactersMax)"
            return Finding(file.path, token.line, message)
        }
    },
]

private func words(_ count: Int) -> String { String(repeating: "word ", count: count) }

extension TreeFile {
    fileprivate var isScript: Bool { path.hasPrefix("scripts/") || path.hasPrefix(".ci/") }

    /// Each `public` or `package` declaration with the lines of its documentation.
    fileprivate var openDeclarations: [(token: Token, documentation: [String])] {
        var found: [(token: Token, documentation: [String])] = []
        for index in tokens.indices where ["public", "package"].contains(tokens[index].text) {
            guard tokens[index].kind == .word, token(index + 1) != "(", startsDeclaration(index)
            else {
                continue
            }
            found.append((tokens[index], documentation(above: tokens[index].line)))
        }
        return found
    }

    /// True when modifiers lead from this token to a declaration that is documented.
    private func startsDeclaration(_ index: Int) -> Bool {
        let documented: Set<String> = [
            "func", "var", "let", "init", "subscript", "struct", "class", "enum", "actor",
            "protocol", "typealias", "macro",
        ]
        let modifiers: Set<String> = [
            "static", "final", "nonisolated", "mutating", "nonmutating", "lazy", "weak", "unowned",
            "indirect", "private", "fileprivate", "internal", "convenience", "required",
            "consuming", "borrowing", "isolated", "unsafe", "set", "(", ")", "prefix", "postfix",
            "infix",
        ]
        var next = index + 1
        while modifiers.contains(token(next)) { next += 1 }
        return documented.contains(token(next))
    }

    private func documentation(above line: Int) -> [String] {
        var above = line - 2
        while above >= 0, lines[above].trimmedStart.hasPrefix("@") { above -= 1 }
        var documentation: [String] = []
        while above >= 0, lines[above].trimmedStart.hasPrefix("///") {
            let text = lines[above].trimmedStart.dropFirst(3)
            documentation.insert(String(text.trimmingPrefix(while: { $0 == " " })), at: 0)
            above -= 1
        }
        return documentation
    }
}

extension String {
    fileprivate var trimmedStart: Substring { trimmingPrefix { $0 == " " } }
}
