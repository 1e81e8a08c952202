// SPDX-License-Identifier: Apache-2.0
//
// What the routes count: requests by route, method and status, and how long they took, as
// Prometheus text. The keys are templates and never paths, so that their number is bounded. A leaf:
// memory only, under one lock. The gateway notes every answer; the metrics route writes them out.

import Synchronization

/// Counters and histograms of requests.
package final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        let method: String
        let route: String
    }

    private struct Histogram {
        var buckets: [UInt64]
        var count: UInt64 = 0
        var microseconds: UInt64 = 0
    }

    private struct State {
        var statuses: [Key: [Int: UInt64]] = [:]
        var durations: [Key: Histogram] = [:]
    }

    /// Upper bounds of the buckets, in microseconds.
    private static let bounds: [UInt64] = [
        500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
        5_000_000,
    ]
    private let state = Mutex(State())

    /// Starts at nothing.
    package init() {}

    /// Notes one answer.
    func note(method: String, route: String, status: Int, microseconds: UInt64) {
        let key = Key(method: method, route: route)
        let bounds = RequestMetrics.bounds
        state.withLock { state in
            state.statuses[key, default: [:]][status, default: 0] += 1
            var histogram =
                state.durations[key]
                ?? Histogram(buckets: [UInt64](repeating: 0, count: bounds.count))
            for (position, bound) in bounds.enumerated() where microseconds <= bound {
                histogram.buckets[position] += 1
            }
            histogram.count += 1
            histogram.microseconds += microseconds
            state.durations[key] = histogram
        }
    }

    /// The text that a scraper reads.
    var text: String {
        let (statuses, durations) = state.withLock { ($0.statuses, $0.durations) }
        var lines = [
            "# HELP tally_http_requests_total Requests answered.",
            "# TYPE tally_http_requests_total counter",
        ]
        for (key, counts) in statuses.sorted(by: { isBefore($0.key, $1.key) }) {
            for (status, count) in counts.sorted(by: { $0.key < $1.key }) {
                lines.append(
                    "tally_http_requests_total{\(labels(key)),status=\"\(status)\"} \(count)"
                )
            }
        }
        lines.append("# HELP tally_http_request_seconds Time from head to answer.")
        lines.append("# TYPE tally_http_request_seconds histogram")
        for (key, histogram) in durations.sorted(by: { isBefore($0.key, $1.key) }) {
            lines += text(key, histogram)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func text(_ key: Key, _ histogram: Histogram) -> [String] {
        let name = "tally_http_request_seconds"
        let labels = labels(key)
        var lines = zip(RequestMetrics.bounds, histogram.buckets).map { bound, count in
            "\(name)_bucket{\(labels),le=\"\(seconds(bound))\"} \(count)"
        }
        lines.append("\(name)_bucket{\(labels),le=\"+Inf\"} \(histogram.count)")
        lines.append("\(name)_sum{\(labels)} \(seconds(histogram.microseconds))")
        lines.append("\(name)_count{\(labels)} \(histogram.count)")
        return lines
    }

    private func labels(_ key: Key) -> String {
        "method=\"\(key.method)\",route=\"\(key.route)\""
    }

    private func isBefore(_ left: Key, _ right: Key) -> Bool {
        (left.route, left.method) < (right.route, right.method)
    }

    private func seconds(_ microseconds: UInt64) -> String {
        let (whole, part) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        guard part > 0 else { return String(whole) }
        var digits = String(part)
        digits = String(repeating: "0", count: 6 - digits.count) + digits
        while digits.last == "0" {
            digits.removeLast()
        }
        return "\(whole).\(digits)"
    }
}
