// SPDX-License-Identifier: Apache-2.0
//
// The conformance kit of the `ReplicatedLog` seam, run against every log while nothing fails.
// Imports TallyTypes and TallyLog. Crashes are tested per conformer.

package import TallyLog
internal import TallyTypes

/// The checks that every replicated log passes, each on a new, empty log that takes 100 entries of
/// 40 B.
package enum LogConformance {
    /// All checks.
    package static let checks: [ConformanceCheck<any ReplicatedLog>] = [
        ConformanceCheck("an empty log has nothing committed and yields nothing") { log in
            try expectEqual(log.last, .zero, "last")
            try expectEqual(try log.commit(), .zero, "committed")
            try expectTrue(try log.cursor(from: LogIndex(1)).next() == nil, "an entry came")
        },
        ConformanceCheck("entries are numbered from 1 in the order of their proposal") { log in
            for number in 1...5 as ClosedRange<UInt64> {
                let bytes = [UInt8(number)]
                try expectEqual(try log.propose(bytes.span), LogIndex(number), "index")
            }
            try expectEqual(log.last, LogIndex(5), "last")
        },
        ConformanceCheck("a cursor yields the committed entries and no others") { log in
            try propose(3, on: log)
            try expectEqual(try log.commit(), LogIndex(3), "committed")
            let cursor = try log.cursor(from: LogIndex(2))
            try propose(1, on: log)
            try expectEqual(try rest(cursor), [entry(2), entry(3)], "entries")
            let before = try rest(log.cursor(from: LogIndex(4)))
            try expectEqual(before, [], "entries before the commit")
            _ = try log.commit()
            try expectEqual(try rest(log.cursor(from: LogIndex(4))), [entry(4)], "entries")
        },
        ConformanceCheck("what was not released is still there after a release") { log in
            try propose(100, on: log)
            _ = try log.commit()
            try log.release(below: LogIndex(60))
            let kept = try rest(log.cursor(from: LogIndex(60)))
            try expectEqual(kept, (60...100).map(entry), "entries")
            try propose(1, on: log)
            try expectEqual(try log.commit(), LogIndex(101), "committed")
        },
        ConformanceCheck("an empty entry and one above 1 MiB are refused and change nothing") {
            log in
            for bytes in [[], [UInt8](repeating: 1, count: Limits.entryBytesMax + 1)] {
                try expectTooLarge { () throws(LogFault) in _ = try log.propose(bytes.span) }
            }
            try expectEqual(log.last, .zero, "last")
            try propose(1, on: log)
            try expectEqual(try log.commit(), LogIndex(1), "committed")
        },
    ]

    /// The entry of an index in these checks: 40 bytes that name it.
    private static func entry(_ index: UInt64) -> LogEntry {
        LogEntry(index: LogIndex(index), bytes: [UInt8](repeating: UInt8(index), count: 40))
    }

    private static func propose(_ count: Int, on log: any ReplicatedLog) throws(LogFault) {
        for _ in 0..<count {
            let bytes = entry(log.last.rawValue + 1).bytes
            _ = try log.propose(bytes.span)
        }
    }

    private static func rest(_ cursor: any LogCursor) throws(LogFault) -> [LogEntry] {
        var found: [LogEntry] = []
        while let entry = try cursor.next() {
            found.append(entry)
        }
        return found
    }

    private static func expectTooLarge(
        _ body: () throws(LogFault) -> Void
    ) throws(ConformanceFailure) {
        do {
            try body()
        } catch {
            return try expectEqual(error.code, .tooLarge, "code of “\(error)”")
        }
        throw ConformanceFailure("the entry was taken")
    }
}
