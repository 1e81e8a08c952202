// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the log share: a small log on a simulated disk.

import TestSupport
import TallyLog
import TallySim
import TallyTypes

/// A log of tiny segments on a simulated disk.
enum LogBench {
    static let folder = "/log"
    static let salt: UInt64 = 0x1122_3344_5566_7788

    /// A disk with the log's folder, durable.
    static func disk(plan: FaultPlan = FaultPlan()) throws -> FaultDisk {
        let disk = FaultDisk()
        try disk.makeDirectory(folder)
        try disk.syncDirectory("/")
        return disk.afterCrash(.nothing, plan: plan)
    }

    static func log(_ disk: any Disk, segmentBytes: Int = 512, spares: Int = 1) -> EmbeddedLog {
        let configuration = EmbeddedLogConfiguration(
            segmentBytes: segmentBytes,
            spareSegments: spares,
            salt: salt
        )
        return EmbeddedLog(disk: disk, directory: folder, configuration: configuration)
    }

    /// A new, recovered log.
    static func started(
        _ disk: any Disk,
        flushed: UInt64 = 0,
        segmentBytes: Int = 512
    ) throws -> EmbeddedLog {
        let log = log(disk, segmentBytes: segmentBytes)
        _ = try log.recover(flushedIndex: LogIndex(flushed))
        return log
    }

    /// An entry whose bytes name its index.
    static func entry(_ index: UInt64, count: Int = 100) -> [UInt8] {
        var random = SeededRandom(seed: index)
        return random.bytes(count)
    }

    static func append(_ log: EmbeddedLog, count: Int = 100) throws {
        let index = log.last.next
        let bytes = entry(index.rawValue, count: count)
        try log.append(bytes.span, at: index)
    }

    /// The entries from an index on.
    static func entries(_ log: EmbeddedLog, from first: LogIndex) throws -> [LogEntry] {
        let cursor = try log.cursor(from: first)
        var found: [LogEntry] = []
        while let entry = try cursor.next() {
            found.append(entry)
        }
        return found
    }

    static func verify(_ disk: any Disk, flushed: UInt64 = 0) throws -> LogReport {
        try LogVerifier.verify(disk: disk, directory: folder, flushedIndex: LogIndex(flushed))
    }

    static func path(_ sequence: Int) -> String {
        let digits = String(sequence)
        return folder + "/" + String(repeating: "0", count: 20 - digits.count) + digits
            + ".segment"
    }
}
