// SPDX-License-Identifier: Apache-2.0
//
// What a conformance kit is made of: named checks of a seam, run against every conformer. No
// imports. A kit is public to the package so that a new conformer needs no new tests: make the
// subject, run the checks. Used by tests.

/// A conformer did not do what its seam promises.
package struct ConformanceFailure: Error, CustomStringConvertible {
    /// What was promised and what came.
    package let description: String

    /// Makes a failure.
    package init(_ description: String) {
        self.description = description
    }
}

/// One named check of a seam.
package struct ConformanceCheck<Subject>: Sendable, CustomStringConvertible {
    /// The promise, in a few words.
    package let name: String
    /// Throws when the subject breaks it.
    package let run: @Sendable (Subject) throws -> Void

    /// Makes a check.
    package init(_ name: String, _ run: @escaping @Sendable (Subject) throws -> Void) {
        self.name = name
        self.run = run
    }

    /// The name.
    package var description: String { name }
}

/// Throws unless the two are equal.
func expectEqual<Value: Equatable>(
    _ found: Value,
    _ wanted: Value,
    _ what: String
) throws(ConformanceFailure) {
    guard found == wanted else {
        throw ConformanceFailure("\(what): \(found), expected \(wanted)")
    }
}

/// Throws unless the condition holds.
func expectTrue(_ condition: Bool, _ what: String) throws(ConformanceFailure) {
    guard condition else { throw ConformanceFailure(what) }
}
