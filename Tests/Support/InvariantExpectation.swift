// SPDX-License-Identifier: Apache-2.0
//
// The second half of a firing test. An exit test's body runs in a process of its own, so the macro
// stands in the test and this function judges what came out:
//
//     @Test("invariant 9 fires on an undeclared read")
//     func undeclaredRead() async {
//         let exit = await #expect(
//             processExitsWith: .failure, observing: [\.standardErrorContent]
//         ) { ... }
//         expectInvariant(.i9, in: exit)
//     }
//
// TidyTests look for the call: a number without one fails the build. Called by tests only.

package import TallyTypes
package import Testing

/// Records an issue unless the process ended by the invariant of this number.
///
/// The exit test must observe `\.standardErrorContent`.
package func expectInvariant(
    _ id: InvariantID,
    in exit: ExitTest.Result?,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard let exit else {
        return  // the macro has recorded the issue: the process did not end as expected
    }
    let text = String(decoding: exit.standardErrorContent, as: UTF8.self)
    #expect(
        text.contains("invariant \(id.rawValue): "),
        "the process ended, but not by invariant \(id.rawValue): \(text.prefix(300))",
        sourceLocation: sourceLocation
    )
}
