// SPDX-License-Identifier: Apache-2.0
//
// Documents: one title each, links that lead somewhere, and paths and symbols that exist.

/// Rules about Markdown files, and about paths that comments name.
let markdownRules: [Rule] = [
    .eachFile(
        "one-title",
        where: \.isDocument,
        bad: [Tree("A.md", "# A\n\n# B\n"), Tree("A.md", "## A\n"), Tree("A.md", "Text\n\n# A\n")],
        good: [Tree("A.md", "# A\n\n```\n# a comment\n```\n\n## B\n")]
    ) { file in
        let titles = file.prose.filter { $0.text.hasPrefix("# ") }
        if titles.count != 1 { return [Finding(file.path, 1, "\(titles.count) titles, not one")] }
        guard titles.first?.line == 1 else {
            return [Finding(file.path, 1, "the title comes first")]
        }
        return []
    },
    Rule(
        "links",
        bad: [
            Tree("docs/A.md", "# A\n[b](B.md)\n"), Tree("A.md", "# A\n[b](docs)\n"),
            Tree(["A.md": "# A\n[b](B.md#no)\n", "B.md": "# B\n"]), Tree("A.md", "# A\n[b](#no)\n"),
            Tree("A.md", "# A\n[b](../outside.md)\n"),
        ],
        good: [
            Tree(["docs/A.md": "# A\n[b](../B.md#a-b--c) [c](#a)\n", "B.md": "# B\n## A, b & c\n"]),
            Tree("A.md", "# A\n[x](https://example.org) `[b](no.md)`\n```\n[b](no.md)\n```\n"),
        ]
    ) { tree in
        let paths = tree.paths
        return tree.files.filter(\.isDocument).flatMap { file in
            file.links.compactMap { target, line in
                tree.problem(withLink: target, in: file, paths).map { Finding(file.path, line, $0) }
            }
        }
    },
    Rule(
        "named-paths",
        bad: [
            Tree("A.md", "# A\nSee `Sources/TallyNode/Gone.swift`.\n"),
            Tree("Sources/TallyNode/A.swift", "/// Source: docs/formats/gone.md, table 1.\n"),
            Tree("A.md", "# A\nRun scripts/gone first.\n"),
        ],
        good: [
            Tree(["A.md": "# A\nSee Sources/TallyNode/A.swift.\n", "Sources/TallyNode/A.swift": ""]
            ),
            Tree("A.md", "# A\nTests/<Module>Tests, Tests/Fuzz/*/corpus and Sources/…\n"),
            Tree("A.md", "# A\n[x](https://example.org/Sources/x)\n"),
        ]
    ) { tree in
        let paths = tree.paths
        return tree.files.filter { $0.isDocument || $0.isSource }.flatMap { file in
            file.namedPaths.compactMap { path, line in
                paths.contains(path) ? nil : Finding(file.path, line, "\(path) does not exist")
            }
        }
    },
    Rule(
        "named-symbols",
        bad: [
            Tree([
                "ARCHITECTURE.md": "# A\nThe `Gone` type.\n",
                "Sources/A/A.swift": "struct Kernel {}",
            ]),
            Tree([
                "ARCHITECTURE.md": "# A\n`Kernel.gone(_:at:)`\n",
                "Sources/A/A.swift": "struct Kernel {}",
            ]),
            Tree(["ARCHITECTURE.md": "# A\n`gone()`\n", "Sources/A/A.swift": "// gone"]),
        ],
        good: [
            Tree([
                "ARCHITECTURE.md":
                    "# A\n`Kernel.apply(_:)`, `tally verify`, `A.swift`, `make run`, `GET /v2`\n",
                "Sources/A/A.swift": "struct Kernel { func apply(_ a: Int) {} }",
            ])
        ]
    ) { tree in
        guard let document = tree.file("ARCHITECTURE.md") else { return [] }
        var known: Set<String> = []
        for file in tree.files where file.isSource || file.path == "Package.swift" {
            for token in file.tokens where token.kind != .mark { known.insert(token.text) }
        }
        return document.namedSymbols.flatMap { symbol, line in
            symbol.symbolParts.filter { !known.contains($0) }.map { part in
                Finding(document.path, line, "`\(symbol)`: no `\(part)` in Sources")
            }
        }
    },
]

extension TreeFile {
    /// True for Markdown that we write, not for copies among the test vectors.
    var isDocument: Bool { isMarkdown && !isTestVector }

    /// The lines outside fenced code, with their numbers.
    var prose: [(text: String, line: Int)] {
        var isCode = false
        var found: [(text: String, line: Int)] = []
        for (index, line) in lines.enumerated() {
            if line.trimmingPrefix(while: { $0 == " " }).hasPrefix("```") {
                isCode.toggle()
            } else if !isCode {
                found.append((line, index + 1))
            }
        }
        return found
    }

    /// Targets of links in prose, outside code spans.
    fileprivate var links: [(target: String, line: Int)] {
        prose.flatMap { text, line in
            let outside = text.split(separator: "`", omittingEmptySubsequences: false)
                .enumerated().map { $0.offset.isMultiple(of: 2) ? String($0.element) : "code" }
                .joined()
            return outside.pieces(after: "](").compactMap { piece in
                piece.firstIndex(of: ")").map { (String(piece[..<$0]), line) }
            }
        }
    }

    /// The anchors of this document's headings.
    fileprivate var anchors: Set<String> {
        Set(
            prose.filter { $0.text.hasPrefix("#") }.map { heading in
                heading.text.drop { $0 == "#" || $0 == " " }.lowercased()
                    .filter { $0.isLetter || $0.isNumber || " -_".contains($0) }
                    .map { $0 == " " ? "-" : String($0) }.joined()
            }
        )
    }

    /// Paths of this repository that prose or comments name.
    fileprivate var namedPaths: [(path: String, line: Int)] {
        let texts = isMarkdown ? prose : comments.map { ($0.text, $0.line) }
        return texts.flatMap { text, line in
            ["Sources/", "Tests/", "docs/", "scripts/", "Benchmarks/"].flatMap { folder in
                text.repositoryPaths(in: folder).map { ($0, line) }
            }
        }
    }

    /// Code spans that look like a symbol: a capital first, a dot inside, or parentheses.
    fileprivate var namedSymbols: [(symbol: String, line: Int)] {
        prose.flatMap { text, line in
            text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { !$0.offset.isMultiple(of: 2) && $0.element.looksLikeSymbol }
                .map { (String($0.element), line) }
        }
    }
}

extension Tree {
    fileprivate func problem(
        withLink target: String,
        in file: TreeFile,
        _ paths: Set<String>
    ) -> String? {
        if target.contains("://") || target.hasPrefix("mailto:") { return nil }
        let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0].isEmpty ? file.path : resolve(String(parts[0]), from: file.path)
        guard let path, paths.contains(path) else { return "link to \(target) leads nowhere" }
        guard parts.count == 2, let document = self.file(path), document.isMarkdown else {
            return nil
        }
        let isThere = document.anchors.contains(String(parts[1]))
        return isThere ? nil : "\(path) has no heading for #\(parts[1])"
    }

    /// Nil for a path that leaves the repository.
    private func resolve(_ target: String, from path: String) -> String? {
        var parts = path.split(separator: "/").dropLast().map(String.init)
        for part in target.split(separator: "/") {
            switch part {
            case ".": continue
            case "..":
                if parts.isEmpty { return nil }
                parts.removeLast()
            default: parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }
}

extension String {
    /// The rest of the text after each occurrence of a marker.
    fileprivate func pieces(after marker: String) -> [Substring] {
        var found: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: marker) {
            rest = rest[range.upperBound...]
            found.append(rest)
        }
        return found
    }

    fileprivate func repositoryPaths(in folder: String) -> [String] {
        guard contains(folder), !contains("://") else { return [] }
        var found: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: folder) {
            let before = rest[..<range.lowerBound].last
            let run = rest[range.lowerBound...].prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber || "/_-.+".contains($0))
            }
            let after = rest[run.endIndex...].first
            rest = rest[run.endIndex...]
            let isPattern = after.map { "<*{$…".contains($0) } ?? false
            let isInner = before.map { $0.isLetter || $0.isNumber || "/._-".contains($0) } ?? false
            if isPattern || isInner || run.count == folder.count { continue }
            var path = String(run)
            while let last = path.last, "./-".contains(last) { path.removeLast() }
            found.append(path)
        }
        return found
    }

    /// The names in a symbol: `Kernel.apply(_:at:)` gives Kernel and apply.
    fileprivate var symbolParts: [String] {
        let head = prefix { $0 != "(" && $0 != "<" }
        return head.split(separator: ".").map(String.init)
    }
}

extension Substring {
    fileprivate var looksLikeSymbol: Bool {
        let head = prefix { $0 != "(" && $0 != "<" }
        guard let first = head.first, first.isASCII, first.isLetter || first == "." else {
            return false
        }
        let isName = head.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".")
        }
        let endings = [
            "swift", "md", "json", "jsonl", "txt", "sqlite", "key", "sh", "c", "h", "yml",
        ]
        let ending = head.split(separator: ".").last.map(String.init) ?? ""
        guard isName, !(head.contains(".") && endings.contains(ending)) else { return false }
        let isShouted = head.count > 1 && head.allSatisfy { $0.isUppercase || $0 == "_" }
        return !isShouted && (first.isUppercase || head.contains(".") || contains("("))
    }
}
