// SPDX-License-Identifier: Apache-2.0
//
// The node's metrics as Prometheus text. May import Glibc for the resident size. Called by HTTP
// through the port; counts only grow, gauges say how things are.

import Glibc
import TallyKernel
import TallyTypes

/// Renders the metrics of a node.
enum NodeMetrics {
    static func text(
        sequencer: Sequencer,
        views: ViewKeeper,
        scrub: ScrubProgress,
        witnesses: [WitnessCollector.Standing]
    ) async -> String {
        let snapshot = await sequencer.snapshot()
        let statistics = snapshot.statistics
        let rows: [(String, String, String, UInt64)] = [
            ("tally_records_total", "counter", "records in the ledger", snapshot.head.size),
            ("tally_entries_total", "counter", "entries made since start", statistics.entries),
            ("tally_orders_total", "counter", "orders in them", statistics.orders),
            ("tally_keys_total", "counter", "keys covered by them", statistics.keys),
            ("tally_seeds_total", "counter", "keys that missed the cache", statistics.seeds),
            (
                "tally_readmissions_total", "counter", "drafts admitted again",
                statistics.readmissions
            ),
            (
                "tally_rotation_waits_total", "counter", "rotations that waited for a flush",
                statistics.rotationWaits
            ),
            ("tally_flushes_total", "counter", "flushes finished", statistics.flushes),
            ("tally_waiting", "gauge", "submissions that wait", UInt64(snapshot.waiting)),
            ("tally_in_flight", "gauge", "entries not yet durable", UInt64(snapshot.inFlight)),
            ("tally_cache_keys", "gauge", "keys in the cache", UInt64(snapshot.cacheKeys)),
            ("tally_cache_bytes", "gauge", "bytes of the cache", UInt64(snapshot.cacheBytes)),
            ("tally_dirty_rows", "gauge", "rows not yet flushed", UInt64(snapshot.dirtyRows)),
            ("tally_view_lag_records", "gauge", "records not yet in the views", views.lag),
            ("tally_scrub_rounds_total", "counter", "rounds of the self-check", scrub.rounds),
            ("tally_scrub_bytes_total", "counter", "bytes that it has checked", scrub.bytes),
            (
                "tally_scrub_last_round_milliseconds", "gauge", "how long its last round took",
                UInt64(scrub.lastRound / .milliseconds(1))
            ),
            (
                "tally_scrub_faults", "gauge", "1 when it has found something wrong",
                scrub.fault == nil ? 0 : 1
            ),
            (
                "tally_witness_failures_total", "counter", "questions to witnesses in vain",
                witnesses.reduce(0) { $0 + $1.failures }
            ),
            (
                "tally_witnesses_failing", "gauge", "witnesses whose last question was in vain",
                UInt64(witnesses.count { $0.problem != nil })
            ),
            ("tally_resident_bytes", "gauge", "resident memory", residentBytes()),
            ("tally_cpu_microseconds_total", "counter", "processor time", cpuMicroseconds()),
        ]
        return rows.map { name, kind, help, value in
            "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n\(name) \(value)\n"
        }.joined()
    }

    /// Processor time of this process, user and system, since it started.
    static func cpuMicroseconds() -> UInt64 {
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        let seconds = UInt64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        return seconds * 1_000_000 + UInt64(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }

    /// Resident memory of this process, from the kernel's own count; 0 where there is none.
    static func residentBytes() -> UInt64 {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        guard unsafe fgets(&text, 128, file) != nil else { return 0 }
        let line = String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        let words = line.split(separator: " ")
        guard words.count > 1, let pages = UInt64(words[1]) else { return 0 }
        return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// How a sequencer stands at one moment.
struct SequencerSnapshot: Sendable {
    let head: LedgerHead
    let statistics: SequencerStatistics
    let waiting: Int
    let inFlight: Int
    let cacheKeys: Int
    let cacheBytes: Int
    let dirtyRows: Int
}

extension Sequencer {
    /// How this sequencer stands now.
    func snapshot() -> SequencerSnapshot {
        SequencerSnapshot(
            head: head,
            statistics: statistics,
            waiting: waiting.count,
            inFlight: inFlight.count,
            cacheKeys: kernel.cache.count,
            cacheBytes: kernel.cache.bytes,
            dirtyRows: kernel.dirtyCount
        )
    }
}
