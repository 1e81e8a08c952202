// SPDX-License-Identifier: Apache-2.0
//
// The operating system's time of day. Imports TallyTypes and the C library. Called by the node when
// it makes a plan.

internal import Glibc
package import TallyTypes

/// The operating system's clock.
package struct RealClock: Clock {
    /// Makes a clock.
    package init() {}

    /// Returns the time of day; before 1970 it is 1970, as an instant is never negative.
    package func now() -> Instant {
        var time = timespec()
        // It fails only for a clock that does not exist, and this one does on every Linux.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        let micros = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
        return Instant(microseconds: UInt64(max(0, micros)))
    }
}
