// SPDX-License-Identifier: Apache-2.0
//
// The digest of all state of a running node, and what a seal says of it: a flush as of what is
// applied, then a walk over a snapshot of the store on a thread of its own. Writes go on
// meanwhile. One at a time, because each reads the whole store; a second caller is turned away.

import TallyKernel
package import TallyStore
package import TallyTypes

/// Somebody who waits for a flush.
struct FlushWaiter {
    let index: LogIndex
    let continuation: CheckedContinuation<Busy?, Never>
}

extension Sequencer {
    /// The digest of all state, as of everything applied by now or of a later flush.
    ///
    /// - Throws: ``Busy``: `queueFull` while another is computed, `stopping`, `faulted`.
    package func stateDigest() async throws(Busy) -> StateStatement {
        try await walked { (state) in try await state.statement() }
    }

    /// What a seal says, as of everything applied by now or of a later flush.
    ///
    /// - Throws: ``Busy``: `queueFull` while another walk is under way, `stopping`, `faulted`.
    package func seal(keeping files: SealFiles) async throws(Busy) -> LogSeal {
        try await walked { (state) in try await state.seal(keeping: files) }
    }

    /// Flushes, then walks a snapshot of the store.
    private func walked<Value: Sendable>(
        _ walk: (StateKeeper) async throws -> Value
    ) async throws(Busy) -> Value {
        try requireRunning()
        guard !isDigesting else { throw .queueFull }
        isDigesting = true
        defer { isDigesting = false }
        if let busy = await flushed(kernel.applied) { throw busy }
        // From here to the hand-over nothing else runs on this actor, so a stop waits for it.
        try requireRunning()
        do {
            return try await walk(links.state)
        } catch {
            fail(NodeFault(stopping: error))
            throw .faulted
        }
    }

    /// Waits until a flush holds an index; why not, when it never will.
    private func flushed(_ index: LogIndex) async -> Busy? {
        if kernel.cache.flushed >= index { return nil }
        return await withCheckedContinuation { continuation in
            flushWaiters.append(FlushWaiter(index: index, continuation: continuation))
            startFlush()
            wake()
        }
    }

    /// A flush ended: who waited for it goes on; for the others the next one begins.
    func releaseFlushWaiters() {
        for waiter in flushWaiters where waiter.index <= kernel.cache.flushed {
            waiter.continuation.resume(returning: nil)
        }
        flushWaiters.removeAll { $0.index <= kernel.cache.flushed }
        if !flushWaiters.isEmpty { startFlush() }
    }

    func refuseFlushWaiters(_ busy: Busy) {
        for waiter in flushWaiters { waiter.continuation.resume(returning: busy) }
        flushWaiters = []
    }
}
