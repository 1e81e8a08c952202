// SPDX-License-Identifier: Apache-2.0
//
// A time of day that moves only when told, or by seeded steps. Imports TallyTypes. Used by
// simulations and tests; the same seed gives the same times.

internal import Synchronization
package import TallyTypes

/// A clock for simulations.
package final class SeededClock: Clock {
    private struct State {
        var now: UInt64
        var random: SplitMix
    }

    private let state: Mutex<State>
    private let stepMax: UInt64

    /// Makes a clock.
    ///
    /// - Parameters:
    ///   - seed: Where the steps come from.
    ///   - start: The first time.
    ///   - stepMicrosecondsMax: Each look moves the clock by 0 up to this.
    package init(
        seed: UInt64,
        start: Instant = Instant(microseconds: 1_700_000_000_000_000),
        stepMicrosecondsMax: UInt64 = 0
    ) {
        state = Mutex(State(now: start.microseconds, random: SplitMix(seed: seed)))
        stepMax = stepMicrosecondsMax
    }

    /// Returns the time, and moves on by a seeded step.
    package func now() -> Instant {
        state.withLock { state in
            defer { if stepMax > 0 { state.now += state.random.next() % (stepMax + 1) } }
            return Instant(microseconds: state.now)
        }
    }

    /// Moves the time forward.
    package func advance(microseconds: UInt64) {
        state.withLock { $0.now += microseconds }
    }

    /// Sets the time, also back, as an operator or a time server may.
    package func jump(to time: Instant) {
        state.withLock { $0.now = time.microseconds }
    }
}

/// The SplitMix64 generator.
///
/// - Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014, figure 17.
package struct SplitMix: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts at a seed.
    package init(seed: UInt64) {
        state = seed
    }

    /// Returns the next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
