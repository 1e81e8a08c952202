// SPDX-License-Identifier: Apache-2.0
//
// Those who wait for a checkpoint. The signer tells of each that it publishes, on the thread that
// syncs records, and of its end; whoever waits is woken by that, or by the end of its patience.

import Synchronization

/// Which size is published, for those who wait for it.
package final class Publication: Sendable {
    private struct Waiter {
        let number: UInt64
        let index: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var size: UInt64 = 0
        var hasEnded = false
        var waiting: [Waiter] = []
        var nextNumber: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Nothing is published yet.
    package init() {}

    /// How many wait now.
    package var waiting: Int { state.withLock { $0.waiting.count } }

    /// A checkpoint of a size is published.
    package func reached(_ size: UInt64) {
        state.withLock { $0.size = max($0.size, size) }
        resume(with: true) { $0.index < size }
    }

    /// Nothing more is published.
    package func end() {
        state.withLock { $0.hasEnded = true }
        resume(with: false) { _ in true }
    }

    /// Waits until a checkpoint covers a record.
    ///
    /// - Returns: False when none does within the limit, or ever will.
    package func covers(_ index: UInt64, within limit: Duration = .seconds(5)) async -> Bool {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        let timeout = Task {
            do {
                try await Task.sleep(for: limit)
            } catch {
                return  // cancelled: the checkpoint was faster
            }
            self.resume(with: false) { $0.number == number }
        }
        defer { timeout.cancel() }
        return await withCheckedContinuation { continuation in
            let known: Bool? = state.withLock { state in
                if index < state.size { return true }
                if state.hasEnded { return false }
                state.waiting.append(
                    Waiter(number: number, index: index, continuation: continuation)
                )
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    private func resume(with isCovered: Bool, where picks: (Waiter) -> Bool) {
        let ready = state.withLock { state in
            let ready = state.waiting.filter(picks)
            state.waiting.removeAll(where: picks)
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: isCovered) }
    }
}
