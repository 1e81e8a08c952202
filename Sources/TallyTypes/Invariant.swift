// SPDX-License-Identifier: Apache-2.0
//
// Always-on, numbered assertions. Standard library only; every module calls them. A number is never
// reused; INVARIANTS.md holds its sentence and its owner, and tidy tests require a site and a
// firing test for each. Built on `fatalError`, which keeps its message in every build mode.

/// The closed list of invariant numbers; INVARIANTS.md has a sentence for each.
public enum InvariantID: Int, CaseIterable, Sendable {
    case i1 = 1
    case i2 = 2
    case i4 = 4
    case i5 = 5
    case i6 = 6
    case i7 = 7
    case i8 = 8
    case i9 = 9
    case i10 = 10
    case i11 = 11
    case i12 = 12
    case i13 = 13
    case i14 = 14
    case i15 = 15
    case i16 = 16
    case i17 = 17
    case i18 = 18
    case i20 = 20
    case i21 = 21
    case i22 = 22
    case i23 = 23
    case i24 = 24
    case i30 = 30
    case i31 = 31
    case i32 = 32
    case i33 = 33
    case i34 = 34
    case i35 = 35
    case i40 = 40
    case i41 = 41
    case i42 = 42
    case i43 = 43
    case i44 = 44
    case i50 = 50
    case i51 = 51
    case i52 = 52
    case i53 = 53
}

/// Stops the process when a contract of our own code is broken.
///
/// - Parameters:
///   - id: The number under which INVARIANTS.md states the rule.
///   - condition: What must hold.
///   - message: What was found; evaluated only when the condition fails.
///   - file: The file of the call.
///   - line: The line of the call.
@inlinable
@inline(__always)
public func invariant(
    _ id: InvariantID,
    _ condition: @autoclosure () -> Bool,
    _ message: @autoclosure () -> String,
    file: StaticString = #fileID,
    line: UInt = #line
) {
    if !condition() {
        invariantFailure(id, message(), file: file, line: line)
    }
}

/// Stops the process: a case was reached that the design says cannot be.
///
/// - Parameters:
///   - id: The number under which INVARIANTS.md states the rule.
///   - message: What was found.
///   - file: The file of the call.
///   - line: The line of the call.
@inline(never)
public func invariantFailure(
    _ id: InvariantID,
    _ message: String,
    file: StaticString = #fileID,
    line: UInt = #line
) -> Never {
    fatalError("invariant \(id.rawValue): \(message)", file: file, line: line)
}
