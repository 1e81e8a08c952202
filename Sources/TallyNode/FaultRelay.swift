// SPDX-License-Identifier: Apache-2.0
//
// Carries a fault to whoever stops the node, also one that happens before that is known. Used by
// the composition root, whose threads start before the sequencer exists.

import Synchronization

/// Hands the first fault on, once.
final class FaultRelay: Sendable {
    private struct State {
        var handler: (@Sendable (NodeFault) -> Void)?
        var early: NodeFault?
    }

    private let state = Mutex(State())

    func connect(_ handler: @escaping @Sendable (NodeFault) -> Void) {
        let early = state.withLock { state in
            state.handler = handler
            return state.early
        }
        if let early { handler(early) }
    }

    func report(_ fault: NodeFault) {
        let handler = state.withLock { state in
            if state.handler == nil, state.early == nil { state.early = fault }
            return state.handler
        }
        handler?(fault)
    }
}
