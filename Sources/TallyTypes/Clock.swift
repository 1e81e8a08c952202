// SPDX-License-Identifier: Apache-2.0
//
// The seam to the time of day. Standard library only. The leader asks a clock when it makes a plan;
// nothing that applies an entry ever does. Conformers: `RealClock` (TallyStore) and `SeededClock`
// (TallySim); both run the kit in TallySim/ClockConformance.swift.

/// The time of day, in microseconds; it may stand still or go back, as real clocks do.
///
/// A record's time is forced to rise by the kernel, not by the clock.
public protocol Clock: Sendable {
    /// Returns the current time of day.
    func now() -> Instant
}
