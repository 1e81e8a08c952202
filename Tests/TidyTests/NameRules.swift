// SPDX-License-Identifier: Apache-2.0
//
// Names that say the design is missing, each with what to do instead.

/// Rules about the names of types and files.
let nameRules: [Rule] = [
    .eachFile(
        "banned-name",
        where: \.isSwift,
        bad: [
            Tree("Sources/TallyNode/A.swift", "package struct LogManager {}"),
            Tree("Sources/TallyNode/A.swift", "actor IndexHelper {}"),
            Tree("Sources/TallyNode/A.swift", "enum BytesUtils {}"),
            Tree("Sources/TallyNode/A.swift", "struct RowData {}"),
            Tree("Sources/TallyNode/A.swift", "struct ServerInfo {}"),
            Tree("Sources/TallyNode/A.swift", "final class ImportService {}"),
            Tree("Sources/TallyNode/StringUtil.swift", "let a = 1"),
            Tree("Sources/TallyNode/Row+Common.swift", "let a = 1"),
        ],
        good: [
            Tree("Sources/TallyNode/Database.swift", "struct Database {}"),
            Tree("Sources/TallyNode/Node.swift", "actor Node: Sendable, Service { func f() {} }"),
            Tree("Sources/TallyNode/A.swift", "extension Data {} // LogManager"),
        ]
    ) { file in
        var found: [Finding] = []
        for word in bannedWords(in: file.name) {
            found.append(Finding(file.path, 1, "file name: \(word)"))
        }
        let kinds: Set<String> = ["struct", "class", "enum", "actor", "protocol", "typealias"]
        for index in file.tokens.indices where kinds.contains(file.tokens[index].text) {
            let name = file.token(index + 1)
            guard file.tokens[index].kind == .word, name.first?.isUppercase == true else {
                continue
            }
            for word in bannedWords(in: name) {
                if word.hasPrefix("Service"), file.conforms(at: index, to: "Service") { continue }
                found.append(Finding(file.path, file.tokens[index].line, "\(name): \(word)"))
            }
        }
        return found
    }
]

private let replacements: [String: String] = [
    "Manager": "name what it owns or decides",
    "Helper": "name the noun it serves",
    "Helpers": "name the noun they serve",
    "Util": "extend the type it serves",
    "Utils": "extend the type it serves",
    "Utility": "extend the type it serves",
    "Utilities": "extend the type they serve",
    "Common": "name what is shared",
    "Misc": "split it by subject",
    "Base": "prefer a value or a protocol with a noun's name",
    "Impl": "name how it differs: Embedded, InMemory, ...",
    "Info": "name the content: Description, Summary, Head, ...",
    "Service": "name what it does; only conformers to ServiceLifecycle's protocol may",
]

private func bannedWords(in name: String) -> [String] {
    let words = camelWords(name)
    var found = words.compactMap { word in replacements[word].map { "\(word): \($0)" } }
    if words.count > 1, words.last == "Data" {
        found.append("Data as a suffix: name what the bytes are")
    }
    return found
}

/// Splits at capitals, digits kept: `HTTPServerInfo` gives HTTP, Server, Info.
private func camelWords(_ name: String) -> [String] {
    var words: [String] = []
    let letters = Array(name)
    for (index, letter) in letters.enumerated() {
        let previous = index > 0 ? letters[index - 1] : "_"
        let next = index + 1 < letters.count ? letters[index + 1] : "_"
        let isStart =
            letter.isUppercase && (!previous.isUppercase || next.isLowercase)
            || !previous.isLetter && !previous.isNumber
        if isStart || words.isEmpty { words.append("") }
        if letter.isLetter || letter.isNumber { words[words.count - 1].append(letter) }
    }
    return words.filter { !$0.isEmpty }
}

extension TreeFile {
    /// The file's name without folder and ending.
    fileprivate var name: String {
        let last = path.split(separator: "/").last.map(String.init) ?? path
        return last.hasSuffix(".swift") ? String(last.dropLast(6)) : last
    }

    /// True when the declaration at this token names a conformance before its brace.
    fileprivate func conforms(at index: Int, to name: String) -> Bool {
        var next = index + 2
        while next < tokens.count, tokens[next].text != "{" {
            if tokens[next].text == name { return true }
            next += 1
        }
        return false
    }
}
