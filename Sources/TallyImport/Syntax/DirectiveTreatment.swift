// SPDX-License-Identifier: Apache-2.0
//
// What the importer does with every directive it knows: handle it, count it as meaningless for
// balances with the reason, or refuse it with the reason. Standard library only; the tables of both
// dialects use it, so that nothing is ever skipped without a sentence that says why.

/// How a directive is treated.
enum DirectiveTreatment: Sendable, Equatable {
    /// It has its effect.
    case handled
    /// It has no effect on any balance, for this reason.
    case harmless(String)
    /// It would have an effect that is not supported, for this reason.
    case refused(String)
}

/// A directive that was read and had no effect, for the plan's report.
package struct IgnoredDirective: Hashable, Sendable {
    /// The directive as written in the journal.
    package let name: String
    /// How often it occurred.
    package let count: Int
    /// Why it has no effect on balances.
    package let reason: String
}

/// Something the user should know though the import goes on.
package struct ImportWarning: Hashable, Sendable, CustomStringConvertible {
    /// Where it was noticed.
    package let position: SourcePosition
    /// One sentence.
    package let message: String

    /// Place and sentence.
    package var description: String { "\(position): \(message)" }
}

/// Counts of directives without effect, in the order of their names.
struct IgnoredTally: Sendable {
    private var counts: [String: (count: Int, reason: String)] = [:]

    mutating func note(_ name: String, because reason: String) {
        counts[name, default: (0, reason)].count += 1
    }

    mutating func merge(_ other: IgnoredTally) {
        for name in other.counts.keys.sorted() {
            guard let row = other.counts[name] else { continue }
            counts[name, default: (0, row.reason)].count += row.count
        }
    }

    var rows: [IgnoredDirective] {
        counts.keys.sorted().compactMap { name in
            counts[name].map { IgnoredDirective(name: name, count: $0.count, reason: $0.reason) }
        }
    }
}
