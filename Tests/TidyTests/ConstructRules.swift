// SPDX-License-Identifier: Apache-2.0
//
// Constructs that hide an error, lose a message, or start work that nobody owns.

/// Rules about what code may contain.
let constructRules: [Rule] = [
    .eachFile(
        "banned-construct",
        where: { $0.isSource && $0.isSwift },
        bad: [
            "let a = try? f()", "let a = try! f()", "do { try f() } catch {}",
            "assert(a > 0)", "precondition(a)", "assertionFailure()", "preconditionFailure(\"no\")",
            "switch a { case .b: c()\n default: break }", "@preconcurrency import Foundation",
            "#if TESTING\n#endif", #"let s = "\(try? f())""#,
        ].map { Tree("Sources/TallyNode/A.swift", $0) },
        good: [
            Tree(
                "Sources/TallyNode/A.swift",
                """
                // try? assert(
                let text = "try? catch {} default: break"
                do { try f() } catch { throw Fault(error) }
                recorder.assert(a)
                """
            )
        ]
    ) { $0.findings(of: constructBans) },
    .eachFile(
        "fatal-error",
        where: { $0.isSource && $0.isSwift && $0.path != "Sources/TallyTypes/Invariant.swift" },
        bad: [Tree("Sources/TallyNode/A.swift", "fatalError(\"no\")")],
        good: [
            Tree("Sources/TallyTypes/Invariant.swift", "fatalError(\"no\")"),
            Tree("Sources/TallyNode/A.swift", "invariant(.i9, a, \"fatalError(\")"),
        ]
    ) { $0.findings(of: [Ban("fatalError", "use invariant(.iN, ...)")]) },
    .eachFile(
        "unstructured-task",
        where: { $0.isSource && $0.isSwift && $0.module != "TallyNode" },
        bad: [
            "Task { await f() }", "Task(priority: .high) { }", "Task.detached { }",
            "Task.immediate { }", "let t = Task<Void, Never> { }",
        ].map { Tree("Sources/TallyHTTP/A.swift", $0) },
        good: [
            Tree("Sources/TallyNode/A.swift", "Task { await f() }"),
            Tree("Sources/TallyHTTP/A.swift", "try Task.checkCancellation()"),
        ]
    ) { $0.findings(of: taskBans) },
    .eachFile(
        "unexplained-unsafe",
        where: { $0.isSwift && ($0.isSource || $0.isTest) },
        bad: [
            Tree("Sources/TallyLog/A.swift", "final class A: @unchecked Sendable {\n}\n"),
            Tree("Sources/TallyLog/A.swift", "let b = 1\nnonisolated(unsafe) var a = 1\nlet c = 1"),
        ],
        good: [
            Tree(
                "Sources/TallyLog/A.swift",
                "// Only the log's own thread touches it.\nfinal class A: @unchecked Sendable {}"
            ),
            Tree("Sources/TallyLog/A.swift", "nonisolated(unsafe) var a = 1  // set before start"),
        ]
    ) { file in
        let commented = Set(file.comments.flatMap { [$0.line - 1, $0.line, $0.line + 1] })
        let bans = [
            Ban("@ unchecked Sendable", "say why in a comment beside it"),
            Ban("nonisolated ( unsafe )", "say why in a comment beside it"),
        ]
        return file.findings(of: bans).filter { !commented.contains($0.line) }
    },
    .eachFile(
        "test-construct",
        where: { $0.isTest && $0.isSwift && !$0.path.hasPrefix("Tests/Support/") },
        bad: [
            "withKnownIssue { #expect(a) }", "@Test(.disabled(\"later\")) func a() {}",
            "@Test(.enabled(if: ready)) func a() {}", "try await Task.sleep(for: .seconds(1))",
            "usleep(10)", "sleep(1)", "Thread.sleep(forTimeInterval: 1)",
        ].map { Tree("Tests/ATests/A.swift", $0) },
        good: [
            Tree("Tests/ATests/A.swift", "@Suite(.needsSharedData) struct A {}"),
            Tree("Tests/Support/A.swift", "try await Task.sleep(for: .seconds(1))"),
        ]
    ) { $0.findings(of: testBans) },
    .eachFile(
        "unfinished-mark",
        where: { !$0.isMarkdown && !$0.isTestVector },
        bad: [
            Tree("Sources/TallyNode/A.swift", "let a = 1 // TODO: later"),
            Tree("Sources/TallyNode/A.swift", "// FIXME(#3): wrong"),
            Tree("scripts/a", "#!/bin/sh\n# TO\("DO") later\n"),
        ],
        good: [
            Tree(
                "Sources/TallyNode/A.swift",
                "// TODO(#12): when the peers come\nlet s = \"TODO\""
            ),
            Tree("Sources/TallyNode/A.swift", "// the TODOS of a list"),
        ]
    ) { file in
        file.commentLines.compactMap { comment in
            comment.text.hasUnfinishedMark
                ? Finding(file.path, comment.line, "write `TODO(#issue)`, or do it now") : nil
        }
    },
]

private let constructBans: [Ban] = [
    Ban("try ?", "handle the error or let it through"),
    Ban("try !", "handle the error or let it through"),
    Ban("catch { }", "an error has a name and a consequence"),
    Ban("assert (", "use invariant(.iN, ...)", notAfter: [".", "func"]),
    Ban("precondition (", "use invariant(.iN, ...)", notAfter: [".", "func"]),
    Ban("assertionFailure", "use invariantFailure(.iN, ...)"),
    Ban("preconditionFailure", "use invariantFailure(.iN, ...)"),
    Ban("default : break", "list the cases"),
    Ban("@ preconcurrency", "use a module that knows about concurrency"),
    Ban("# if TESTING", "inject a value instead of a hook"),
    Ban("XCTSkip", "see Tests/Support"),
]

private let taskBans: [Ban] = [
    Ban("Task {", "use a task group, or start it in TallyNode"),
    Ban("Task (", "use a task group, or start it in TallyNode"),
    Ban("Task <", "use a task group, or start it in TallyNode"),
    Ban("Task . detached", "use a task group, or start it in TallyNode"),
    Ban("Task . immediate", "use a task group, or start it in TallyNode"),
]

private let testBans: [Ban] = [
    Ban("withKnownIssue", "a test passes or fails"),
    Ban(". disabled (", "a test passes or fails; remove it or mend it"),
    Ban(". enabled (", "use `.needsSharedData`, the only reason not to run"),
    Ban("Task . sleep", "wait for a named state: `waitUntil`"),
    Ban("Thread . sleep", "wait for a named state: `waitUntil`"),
    Ban("sleep (", "wait for a named state: `waitUntil`", notAfter: [".", "func"]),
    Ban("usleep (", "wait for a named state: `waitUntil`"),
    Ban("nanosleep (", "wait for a named state: `waitUntil`"),
]

extension TreeFile {
    /// The comments of code, and the lines after `#` of scripts.
    fileprivate var commentLines: [Comment] {
        if isSwift || path.hasSuffix(".c") || path.hasSuffix(".h") { return comments }
        guard path.hasPrefix("scripts/") || path.hasPrefix(".ci/") || path == "Makefile" else {
            return []
        }
        return lines.enumerated().compactMap { index, line in
            line.firstIndex(of: "#").map { Comment(text: String(line[$0...]), line: index + 1) }
        }
    }
}

extension String {
    /// True for the marks of unfinished work, unless they name an issue.
    fileprivate var hasUnfinishedMark: Bool {
        guard contains("TODO") || contains("FIXME") || contains("XXX") else { return false }
        let words = split { !($0.isLetter || $0.isNumber || $0 == "(" || $0 == "#" || $0 == ")") }
        return words.contains { word in
            if word.hasPrefix("FIXME") || word == "XXX" { return true }
            guard word == "TODO" || word.hasPrefix("TODO(") else { return false }
            let rest = word.dropFirst(4)
            return
                !(rest.hasPrefix("(#") && rest.hasSuffix(")")
                && rest.dropFirst(2).dropLast().allSatisfy(\.isNumber) && rest.count > 3)
        }
    }
}
