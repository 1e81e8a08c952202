// SPDX-License-Identifier: Apache-2.0
//
// What the sequencer counts, for the metrics: entries, orders, keys, seeds, waits. Counts only
// grow.

import TallyCodec
import TallyKernel

/// Counts of one sequencer since it started.
package struct SequencerStatistics: Sendable {
    /// Entries made.
    package private(set) var entries: UInt64 = 0
    /// Orders in them.
    package private(set) var orders: UInt64 = 0
    /// Keys covered by them.
    package private(set) var keys: UInt64 = 0
    /// Seeds carried by them: keys that were not in the cache.
    package private(set) var seeds: UInt64 = 0
    /// Drafts that were admitted again.
    package internal(set) var readmissions: UInt64 = 0
    /// Times that a rotation found its flush unfinished.
    package internal(set) var rotationWaits: UInt64 = 0
    /// Flushes finished.
    package internal(set) var flushes: UInt64 = 0

    mutating func note(_ plan: Plan) {
        entries += 1
        orders += UInt64(plan.entry.submissions.reduce(0) { $0 + $1.orderCount })
        keys += UInt64(plan.entry.keys.count)
        seeds += UInt64(plan.entry.seeds.count)
    }
}
