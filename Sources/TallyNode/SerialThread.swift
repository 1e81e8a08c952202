// SPDX-License-Identifier: Apache-2.0
//
// A serial executor on a queue of its own, for work that may block: disk writes, syncs, folds. May
// import Dispatch. The cooperative pool has as many threads as the machine has cores; one blocking
// call on it delays everybody, so nothing in this module blocks anywhere else.

import Dispatch

/// Runs jobs one after the other, off the cooperative pool.
package final class SerialThread: SerialExecutor {
    private let queue: DispatchQueue

    /// Makes an executor; the name shows in debuggers.
    package init(name: String) {
        queue = DispatchQueue(label: "tallystick." + name)
    }

    /// Runs an actor's job.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async {
            unsafe job.runSynchronously(on: self.asUnownedSerialExecutor())
        }
    }

    /// Traps unless called on this executor; actors on it may then be entered from posted work.
    package func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }

    /// Runs a piece of blocking work and gives its result.
    package func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async {
                continuation.resume(with: Result { try work() })
            }
        }
    }

    /// Runs a piece of blocking work later, and does not wait.
    package func post(_ work: @escaping @Sendable () -> Void) {
        queue.async(execute: work)
    }
}

/// A place where one task waits for the next of many events; an event before the wait is not lost.
package struct Wakeup {
    private var continuation: CheckedContinuation<Void, Never>?
    private var isPending = false

    /// Makes a place without events.
    package init() {}

    /// True when an event happened since the last wait.
    package mutating func consume() -> Bool {
        defer { isPending = false }
        return isPending
    }

    /// Takes the continuation of the task that waits.
    package mutating func wait(_ continuation: CheckedContinuation<Void, Never>) {
        self.continuation = continuation
    }

    /// Reports an event; the caller resumes what it gets.
    package mutating func signal() -> CheckedContinuation<Void, Never>? {
        guard let waiting = continuation else {
            isPending = true
            return nil
        }
        continuation = nil
        return waiting
    }
}
