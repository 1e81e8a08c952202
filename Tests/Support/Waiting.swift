// SPDX-License-Identifier: Apache-2.0
//
// Waiting for a named state of something outside the test's control, such as a process. The only
// place in the tests that sleeps. Called by tests only.

/// A state that did not come in time.
package struct StateNotReached: Error, CustomStringConvertible {
    /// What was waited for.
    package let state: String
    /// How long.
    package let limit: Duration

    /// One line for the test's output.
    package var description: String { "not reached within \(limit): \(state)" }
}

/// Looks every 10 ms until the state is reached.
///
/// - Parameters:
///   - state: The state in words, for the error.
///   - limit: The longest wait.
///   - isReached: Looks once.
/// - Throws: ``StateNotReached`` after the limit, or what `isReached` threw.
package func waitUntil(
    _ state: String,
    within limit: Duration = .seconds(180),
    _ isReached: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while try await !isReached() {
        guard ContinuousClock.now < end else { throw StateNotReached(state: state, limit: limit) }
        try await Task.sleep(for: .milliseconds(10))
    }
}
