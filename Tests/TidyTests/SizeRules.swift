// SPDX-License-Identifier: Apache-2.0
//
// Sizes: the hard limits of files, functions and lines. A file over a limit may stay only while
// Allowances.txt lists it with its size, which may only shrink.

private let sourceLinesMax = 800
private let testLinesMax = 1200
private let functionLinesMax = 70
private let columnsMax = 100

/// Rules about sizes.
let sizeRules: [Rule] = [
    .eachFile(
        "file-length",
        where: { $0.isSwift && ($0.isSource || $0.isTest) },
        bad: [
            Tree("Sources/TallyNode/A.swift", lines(801)),
            Tree("Tests/ATests/A.swift", lines(1201)),
        ],
        good: [
            Tree("Sources/TallyNode/A.swift", lines(800)),
            Tree("Tests/ATests/A.swift", lines(1200)),
        ]
    ) { file in
        let limit = file.isSource ? sourceLinesMax : testLinesMax
        guard file.lineCount > limit else { return [] }
        let message = "\(file.lineCount) lines, at most \(limit): make it two files"
        return [Finding(file.path, 1, message, measure: file.lineCount)]
    },
    .eachFile(
        "function-length",
        where: { $0.isSwift && ($0.isSource || $0.isTest) },
        bad: [
            Tree("Sources/TallyNode/A.swift", "func f() {\n\(lines(69))\n}"),
            Tree("Sources/TallyNode/A.swift", "init(a: Int = { 1 }()) throws {\n\(lines(70))}"),
            Tree("Sources/TallyNode/A.swift", "var a: Int {\n\(lines(69))\n}"),
        ],
        good: [
            Tree("Sources/TallyNode/A.swift", "func f() {\n\(lines(68))}"),
            Tree(
                "Sources/TallyNode/A.swift",
                "protocol P {\nfunc f()\nvar a: Int { get }\n}\nstruct S {\n\(lines(90))}"
            ),
            Tree("Sources/TallyNode/A.swift", "let a = A.init()\nstruct S {\n\(lines(90))}"),
        ]
    ) { file in
        file.functions.compactMap { function in
            let count = function.last - function.first + 1
            guard count > functionLinesMax else { return nil }
            return Finding(
                file.path,
                function.first,
                "\(function.name) has \(count) lines, at most \(functionLinesMax)",
                subject: "\(file.path)#\(function.name)",
                measure: count
            )
        }
    },
    .eachFile(
        "line-length",
        where: \.hasLimitedLines,
        bad: [
            Tree("Sources/TallyNode/A.swift", "let a = 1 " + String(repeating: "+ 1 ", count: 23))
        ],
        good: [
            Tree("Sources/TallyNode/A.swift", "// " + String(repeating: "é ", count: 48)),
            Tree("Sources/TallyNode/A.swift", "let hex = \"" + String(repeating: "0f", count: 64)),
            Tree(
                "Sources/TallyNode/A.swift",
                "// see https://example.org/a " + String(repeating: "a ", count: 40)
            ),
        ]
    ) { file in
        file.lines.enumerated().compactMap { index, line in
            guard line.utf8.count > columnsMax, line.count > columnsMax else { return nil }
            let longestWord = line.split(separator: " ").map(\.count).max() ?? 0
            guard !line.contains("://"), longestWord < 60 else { return nil }
            return Finding(file.path, index + 1, "\(line.count) columns, at most \(columnsMax)")
        }
    },
]

private func lines(_ count: Int) -> String { String(repeating: "let a = 1\n", count: count) }

extension TreeFile {
    fileprivate var hasLimitedLines: Bool {
        guard !isTestVector else { return false }
        return isSwift || path.hasSuffix(".c") || path.hasSuffix(".h")
            || path.hasPrefix("scripts/") || path.hasPrefix(".ci/")
    }

    /// Every function, initialiser, subscript and computed property with a body.
    fileprivate var functions: [(name: String, first: Int, last: Int)] {
        var found: [(name: String, first: Int, last: Int)] = []
        for index in tokens.indices where tokens[index].kind == .word {
            guard let name = functionName(at: index), let open = bodyStart(after: index) else {
                continue
            }
            found.append((name, tokens[index].line, tokens[bodyEnd(from: open)].line))
        }
        return found
    }

    private func functionName(at index: Int) -> String? {
        switch tokens[index].text {
        case "func" where token(index - 1) != ".": token(index + 1)
        case "var" where token(index - 1) != ".": token(index + 1)
        case "init"
        where token(index - 1) != "." && ["(", "<", "?", "!"].contains(token(index + 1)):
            "init"
        case "subscript" where token(index - 1) != "." && ["(", "<"].contains(token(index + 1)):
            "subscript"
        case "deinit" where token(index + 1) == "{": "deinit"
        default: nil
        }
    }

    /// The brace that opens the body; nil for a requirement, a stored property, a call.
    private func bodyStart(after start: Int) -> Int? {
        let declarations: Set<String> = [
            "func", "var", "let", "init", "subscript", "case", "static", "mutating", "struct",
            "enum", "class", "actor", "extension", "typealias", "associatedtype", "public",
            "package", "private", "fileprivate", "internal", "deinit", "return", "if", "for",
        ]
        let isVariable = tokens[start].text == "var"
        var depth = 0
        var index = start + 1
        while index < tokens.count {
            let token = tokens[index]
            switch token.text {
            case _ where token.kind == .string: break
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return index
            case "{": index = bodyEnd(from: index)
            case "}": return nil
            case "=" where depth == 0 && isVariable: return nil
            case _ where depth < 0: return nil
            case _ where depth == 0 && token.line > tokens[index - 1].line:
                if isVariable || declarations.contains(token.text) || token.text == "@" {
                    return nil
                }
            default: break
            }
            index += 1
        }
        return nil
    }

    private func bodyEnd(from open: Int) -> Int {
        var depth = 0
        for index in open..<tokens.count where tokens[index].kind == .mark {
            if tokens[index].text == "{" { depth += 1 }
            if tokens[index].text == "}" { depth -= 1 }
            if depth == 0 { return index }
        }
        return tokens.count - 1
    }
}
