// SPDX-License-Identifier: Apache-2.0
//
// A state store whose reads and flushes wait until a test lets them through, or fail, so that a
// test can act while the sequencer is planning an entry. Called by the tests of the sequencer.

import Dispatch
import Synchronization
import TallyStore

/// Holds reads or flushes back while it is closed for them.
final class StoreGate: Sendable {
    private struct State {
        var isClosed = false
        var holdsFlushes = false
        var isBroken = false
        var failsReads = false
        var failsRemovals = false
        var held = 0
    }

    private let state = Mutex(State())
    private let opened = DispatchSemaphore(value: 0)

    /// True while a read or a flush waits.
    var isHolding: Bool { state.withLock { $0.held > 0 } }

    func close() { state.withLock { $0.isClosed = true } }

    func closeForFlushes() { state.withLock { $0.holdsFlushes = true } }

    /// From now on every flush fails.
    func breakFlushes() { state.withLock { $0.isBroken = true } }

    /// From now on every read fails.
    func breakReads() { state.withLock { $0.failsReads = true } }

    /// From now on no row can be removed.
    func failRemovals() { state.withLock { $0.failsRemovals = true } }

    fileprivate var passesRemoval: Bool { state.withLock { !$0.failsRemovals } }

    func open() {
        let held = state.withLock { state in
            defer { state = State() }
            return state.held
        }
        for _ in 0..<held { opened.signal() }
    }

    /// False when the read shall fail.
    fileprivate func passRead() -> Bool {
        wait { $0.isClosed }
        return state.withLock { !$0.failsReads }
    }

    /// False when the flush shall fail.
    fileprivate func passFlush() -> Bool {
        wait { $0.holdsFlushes }
        return state.withLock { !$0.isBroken }
    }

    private func wait(_ isClosed: (State) -> Bool) {
        let isHeld = state.withLock { state in
            if isClosed(state) { state.held += 1 }
            return isClosed(state)
        }
        if isHeld { opened.wait() }
    }
}

/// A store behind a gate.
final class GatedStore: StateStore {
    private let store: any StateStore
    private let gate: StoreGate

    init(_ store: any StateStore, _ gate: StoreGate) {
        self.store = store
        self.gate = gate
    }

    func marker() throws(StoreFault) -> FlushMarker? { try store.marker() }

    func read(_ keys: [[UInt8]]) throws(StoreFault) -> [[UInt8]?] {
        guard gate.passRead() else {
            throw StoreFault(.engine, subject: "state store", reason: "simulated")
        }
        return try store.read(keys)
    }

    func snapshot() throws(StoreFault) -> any StateSnapshot { try store.snapshot() }

    func flush(_ batch: FlushBatch) throws(StoreFault) {
        guard gate.passFlush() else {
            throw StoreFault(.engine, subject: "state store", reason: "simulated")
        }
        try store.flush(batch)
    }

    func removeRows(below prefix: [UInt8]) throws(StoreFault) {
        guard gate.passesRemoval else {
            throw StoreFault(.engine, subject: "state store", reason: "simulated")
        }
        try store.removeRows(below: prefix)
    }

    func checkpoint(to directory: String) throws(StoreFault) {
        try store.checkpoint(to: directory)
    }

    func close() throws(StoreFault) { try store.close() }
}
