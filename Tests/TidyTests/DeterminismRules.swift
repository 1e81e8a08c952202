// SPDX-License-Identifier: Apache-2.0
//
// What would make two replays differ: time, randomness, floating point, the environment, hash
// order, concurrency. Banned in the pure modules. Hash order is found by a heuristic: the names
// that a file declares as dictionaries or sets.

/// Rules about the pure modules.
let determinismRules: [Rule] = [
    .eachFile(
        "determinism",
        where: { $0.isPure && $0.isSwift },
        bad: [
            "let now = Date()", "let id = UUID()", "let n = Int.random(in: 0..<3)",
            "let a: Double = 1", "let f = Float(1)", "let h = key.hashValue", "Task { go() }",
            "print(1)", "let x = list.shuffled()", "func f() async {}", "actor A {}",
            "let t = ContinuousClock.now", "var h = Hasher()", #"let s = "\(Date())""#,
        ].map { Tree("Sources/TallyKernel/A.swift", $0) },
        good: [
            Tree(
                "Sources/TallyKernel/A.swift",
                """
                // Date, Double and print() in a comment
                let text = "Date() print("
                let count = list.sorted().count
                func hash(into hasher: inout Hasher) { hasher.combine(count) }
                let actor: Text = plan.actor
                """
            ),
            Tree("Sources/TallyNode/A.swift", "let now = Date()\nlet a: Double = 1"),
        ]
    ) { $0.findings(of: determinismBans) + $0.actorDeclarations },
    .eachFile(
        "hash-order",
        where: { $0.isPure && $0.isSwift },
        bad: [
            "var rows: [Key: Row] = [:]\nfunc f() { for (key, row) in rows { use(key, row) } }",
            "let seen: Set<Key>\nfunc f() { for key in self.seen { use(key) } }",
            "let rows: [Key: Row]\nlet all = rows.values.map { $0 }",
            "let rows: [Key: [Int]]\nlet first = rows.first",
            "func f(_ rows: Dictionary<Key, Row>) { let a = rows.map { $0.key } }",
            "var seen = Set<Key>()\nfunc f() { seen.forEach(use) }",
        ].map { Tree("Sources/TallyChecker/A.swift", $0) },
        good: [
            Tree(
                "Sources/TallyChecker/A.swift",
                """
                var rows: [Key: Row] = [:]
                let list: [Row]
                func f() {
                    for key in rows.keys.sorted() { use(rows[key]) }
                    for row in list { use(row) }
                    // Any order: a sum.
                    for (_, row) in rows { total += row }
                    let n = rows.values.count
                    let other: [Row] = other.map(use)
                    let some = rows.filter(use).map { $0.key }.sorted()
                    let all = rows.keys
                        .filter { $0 > 1 }.sorted()
                }
                """
            )
        ]
    ) { $0.unsortedWalks },
]

private let determinismBans: [Ban] = [
    Ban("Date", "time comes with the plan"),
    Ban("UUID", "ids come with the plan"),
    Ban(". random", "randomness comes with the plan"),
    Ban(". randomElement", "randomness comes with the plan"),
    Ban(". shuffled (", "randomness comes with the plan"),
    Ban(". shuffle (", "randomness comes with the plan"),
    Ban("SystemRandomNumberGenerator", "randomness comes with the plan"),
    Ban("Double", "use integers"),
    Ban("Float", "use integers"),
    Ban("Float16", "use integers"),
    Ban("Float32", "use integers"),
    Ban("Float64", "use integers"),
    Ban("hashValue", "differs on every run; use a digest"),
    Ban("Hasher (", "differs on every run; use a digest"),
    Ban("Task", "pure code is synchronous"),
    Ban("async", "pure code is synchronous"),
    Ban("await", "pure code is synchronous"),
    Ban("Mutex", "pure code has one owner"),
    Ban("Atomic", "pure code has one owner"),
    Ban("print (", "return a value; the command prints", notAfter: [".", "func"]),
    Ban("debugPrint (", "return a value; the command prints"),
    Ban("dump (", "return a value; the command prints", notAfter: [".", "func"]),
    Ban("readLine (", "input comes as arguments"),
    Ban("CommandLine", "configuration comes as arguments"),
    Ban("ProcessInfo", "configuration comes as arguments"),
    Ban("getenv", "configuration comes as arguments"),
    Ban("ContinuousClock", "time comes with the plan"),
    Ban("SuspendingClock", "time comes with the plan"),
    Ban("Locale", "text has one form everywhere"),
    Ban("ObjectIdentifier", "addresses differ on every run"),
]

extension TreeFile {
    /// `actor` is a keyword only in front of a name; elsewhere it is the actor of a journal's
    /// event.
    fileprivate var actorDeclarations: [Finding] {
        tokens.indices.compactMap { index in
            guard tokens[index].text == "actor", tokens[index].kind == .word else { return nil }
            guard token(index + 1).first?.isUppercase == true else { return nil }
            return Finding(path, tokens[index].line, "`actor`: pure code is synchronous")
        }
    }

    /// Loops and walks over a dictionary or set of this file that nothing sorts.
    fileprivate var unsortedWalks: [Finding] {
        let names = hashedNames
        guard !names.isEmpty else { return [] }
        let excused = Set(
            comments.filter { $0.text.lowercased().contains("any order:") }
                .flatMap { [$0.line, $0.line + 1] }
        )
        let walks: Set<String> = [
            "map", "flatMap", "compactMap", "forEach", "first", "reduce", "enumerated", "popFirst",
        ]
        let harmless: Set<String> = [
            "sorted", "count", "isEmpty", "contains", "allSatisfy", "min", "max",
        ]
        var found: [Finding] = []
        for index in tokens.indices where names.contains(tokens[index].text) {
            let before = token(index - 1) == "." ? token(index - 3) : token(index - 1)
            var isWalk = before == "in" && token(index + 1) == "{"
            if token(index + 1) == "." {
                let member = token(index + 2)
                let isView = member == "keys" || member == "values"
                let isTamed = token(index + 3) == "." && harmless.contains(token(index + 4))
                let isViewWalk = isView && !isTamed && token(index + 3) != "["
                isWalk = isWalk || (walks.contains(member) || isViewWalk) && !isSortedLater(index)
            }
            let line = tokens[index].line
            if isWalk, !excused.contains(line) {
                let advice = "sort it, or say why not: `// Any order: ...`"
                found.append(Finding(path, line, "`\(tokens[index].text)` has no order: \(advice)"))
            }
        }
        return found
    }

    /// True when the chain that starts here sorts before it ends.
    private func isSortedLater(_ start: Int) -> Bool {
        var index = start
        while index < tokens.count {
            let isNewLine = index > start && tokens[index].line > tokens[index - 1].line
            if isNewLine, tokens[index].text != "." { return false }
            if tokens[index].text == "sorted" { return true }
            index += 1
        }
        return false
    }

    /// Names declared here as a dictionary or a set, and nowhere here as an array.
    private var hashedNames: Set<String> {
        var names: Set<String> = []
        var arrays: Set<String> = []
        for index in tokens.indices where tokens[index].kind == .word {
            let name = tokens[index].text
            switch token(index + 1) {
            case ":" where ["Set", "Dictionary"].contains(token(index + 2)):
                names.insert(name)
            case ":" where token(index + 2) == "[":
                if isDictionaryType(at: index + 2) {
                    names.insert(name)
                } else {
                    arrays.insert(name)
                }
            case "=" where ["Set", "Dictionary"].contains(token(index + 2)):
                names.insert(name)
            case "="
            where token(index + 2) == "[" && isDictionaryType(at: index + 2)
                && token(index - 1) != ".":
                names.insert(name)
            default:
                continue
            }
        }
        return names.subtracting(arrays)
    }

    /// True when a bracket holds a colon of its own: `[Key: Row]`.
    private func isDictionaryType(at bracket: Int) -> Bool {
        var depth = 0
        for index in bracket..<min(tokens.count, bracket + 60) {
            switch tokens[index].text {
            case "[", "(", "{": depth += 1
            case "]", ")", "}":
                depth -= 1
                if depth == 0 { return false }
            case ":" where depth == 1: return true
            default: continue
            }
        }
        return false
    }
}
