// SPDX-License-Identifier: Apache-2.0
//
// The ratchet: findings that may stay for now. One line per rule and subject, with the sum of the
// measures; a subject that got better must be lowered here, so the list can only shrink.

import Foundation
import TestSupport

/// What Allowances.txt says.
struct Allowances {
    static let path = "Tests/TidyTests/Allowances.txt"

    /// How many lines the list may have; lower it with the list, never raise it.
    static let linesMax = 1

    private var limits: [String: Int] = [:]

    var count: Int { limits.count }

    var rules: Set<String> { Set(limits.keys.map { String($0.prefix { $0 != " " }) }) }

    /// Parses lines of `rule subject measure`; a line that starts with `#` is a comment.
    init(_ text: String) throws {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            guard parts.count == 3, let measure = Int(parts[2]), measure > 0 else {
                throw MalformedAllowance(line: String(line))
            }
            limits["\(parts[0]) \(parts[1])"] = measure
        }
    }

    static func read(_ tree: Tree) throws -> Allowances {
        guard let file = tree.file(path) else { throw MalformedAllowance(line: "no file \(path)") }
        return try Allowances(file.lines.joined(separator: "\n"))
    }

    /// Splits into findings above what is allowed and lines of the list that are too generous.
    func judge(_ findings: [Finding], rule: String) -> (excess: [Finding], slack: [String]) {
        let bySubject = Dictionary(grouping: findings, by: \.subject)
        var excess: [Finding] = []
        var slack: [String] = []
        for (subject, all) in bySubject.sorted(by: { $0.key < $1.key }) {
            let measure = all.map(\.measure).reduce(0, +)
            if measure > limits["\(rule) \(subject)", default: 0] { excess += all }
        }
        for (key, limit) in limits.sorted(by: { $0.key < $1.key }) where key.hasPrefix("\(rule) ") {
            let subject = String(key.dropFirst(rule.count + 1))
            let measure = bySubject[subject, default: []].map(\.measure).reduce(0, +)
            if measure < limit { slack.append("lower `\(key) \(limit)` to \(measure)") }
        }
        return (excess, slack)
    }
}

/// A line of the list that says nothing.
struct MalformedAllowance: Error {
    let line: String
}

extension Tree {
    /// Writes sample files below a folder.
    static func write(_ files: [String: String], to folder: TemporaryDirectory) throws {
        for (path, text) in files {
            let url = folder.file(path)
            let parent = url.deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
    }
}
