// SPDX-License-Identifier: Apache-2.0
//
// The embedded log while nothing fails, its refusals and its invariants.

import TestSupport
import TallyLog
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("embedded log")
struct EmbeddedLogTests {
    @Test("the kit of replicated logs, on a simulated disk", arguments: LogConformance.checks)
    func kitSimulated(check: ConformanceCheck<any ReplicatedLog>) throws {
        let log = LogBench.log(try LogBench.disk(), segmentBytes: 4 << 20)
        _ = try log.recover(flushedIndex: .zero)
        try check.run(log)
        let small = LogBench.log(try LogBench.disk(), segmentBytes: 1024)
        _ = try small.recover(flushedIndex: .zero)
        try check.run(small)
    }

    @Test("the kit of replicated logs, on the real disk", arguments: LogConformance.checks)
    func kitReal(check: ConformanceCheck<any ReplicatedLog>) throws {
        let folder = try TemporaryDirectory("log")
        let configuration = EmbeddedLogConfiguration(segmentBytes: 1024, salt: 5)
        let log = EmbeddedLog(
            disk: RealDisk(),
            directory: folder.path,
            configuration: configuration
        )
        _ = try log.recover(flushedIndex: .zero)
        try check.run(log)
    }

    @Test("entries of every length are found again after a restart")
    func reopen() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk, segmentBytes: 1024)
        for count in 1...64 {
            try LogBench.append(log, count: count)
        }
        try log.sync()
        let wanted = (1...64).map { number in
            LogEntry(
                index: LogIndex(number),
                bytes: LogBench.entry(number, count: Int(number))
            )
        }
        #expect(try LogBench.entries(log, from: LogIndex(1)) == wanted)
        let again = LogBench.log(disk.afterCrash(.everything), segmentBytes: 1024)
        let recovery = try again.recover(flushedIndex: .zero)
        #expect(recovery.last == LogIndex(64))
        #expect(recovery.tornTail == nil)
        #expect(recovery.segmentCount > 3)
        #expect(try LogBench.entries(again, from: LogIndex(1)) == wanted)
        #expect(try LogBench.entries(again, from: LogIndex(60)) == Array(wanted[59...]))
    }

    @Test("released segments are zeroed and come into use again")
    func recycle() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk)
        for _ in 0..<20 {
            try LogBench.append(log)
            try log.sync()
            try log.release(below: log.last)
            try log.pool.prepare()
        }
        let files = disk.files()
        #expect(files.filter { $0.hasSuffix(".segment") }.count <= 2)
        #expect(files.filter { $0.hasSuffix(".spare") }.count == 1)
        #expect(files.filter { $0.hasSuffix(".filling") }.isEmpty)
        let report = try LogBench.verify(disk, flushed: 19)
        #expect(report.last == LogIndex(20))
        #expect(report.tornTail == nil)
        #expect(report.spareRemnant == nil)
    }

    @Test("an entry before the first is released, and says so")
    func released() throws {
        let log = try LogBench.started(try LogBench.disk())
        for _ in 0..<10 { try LogBench.append(log) }
        try log.sync()
        try log.release(below: LogIndex(9))
        let fault = #expect(throws: LogFault.self) { try log.cursor(from: LogIndex(1)) }
        #expect(fault?.code == .released)
        #expect(log.first > LogIndex(1))
        #expect(log.first <= LogIndex(9))
    }

    @Test("several frames share one sync")
    func groupCommit() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk, segmentBytes: 4096)
        let before = disk.counts.syncs
        for _ in 0..<8 { try LogBench.append(log) }
        #expect(log.durable == .zero)
        #expect(try log.sync() == LogIndex(8))
        #expect(try log.sync() == LogIndex(8))
        #expect(disk.counts.syncs == before + 1)
    }

    @Test("an entry larger than a segment takes is refused, and the log goes on")
    func tooLarge() throws {
        let log = try LogBench.started(try LogBench.disk())
        let fault = #expect(throws: LogFault.self) {
            try LogBench.append(log, count: log.entryBytesMax + 1)
        }
        #expect(fault?.code == .tooLarge)
        #expect(fault?.description.contains("417 bytes") == true)
        try LogBench.append(log, count: log.entryBytesMax)
        #expect(try log.sync() == LogIndex(1))
    }

    @Test("a full disk stops the log with a fault that names it")
    func full() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk)
        disk.setPlan(FaultPlan(capacity: ByteCount(512)))
        let fault = #expect(throws: LogFault.self) {
            for _ in 0..<9 { try LogBench.append(log) }
        }
        #expect(fault?.cause?.code == .full)
        #expect(fault?.description.contains("no space left") == true)
        #expect(log.isStopped)
    }

    @Test("a slow sync takes its time on the clock, and nothing else waits")
    func slowSync() throws {
        let clock = SeededClock(seed: 1)
        let disk = FaultDisk(clock: clock)
        try disk.makeDirectory(LogBench.folder)
        let log = try LogBench.started(disk)
        disk.setPlan(FaultPlan(syncMicroseconds: 50_000))
        let before = clock.now().microseconds
        try LogBench.append(log)
        #expect(clock.now().microseconds == before)
        try log.sync()
        #expect(clock.now().microseconds == before + 50_000)
    }

    @Test("invariant 30 fires when an entry is appended at another index")
    func invariant30() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let log = try LogBench.started(try LogBench.disk())
            let bytes: [UInt8] = [1]
            try log.append(bytes.span, at: LogIndex(2))
        }
        expectInvariant(.i30, in: exit)
    }

    @Test("invariant 31 fires when a log is used after a failed sync")
    func invariant31() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let disk = try LogBench.disk()
            let log = try LogBench.started(disk)
            try LogBench.append(log)
            disk.setPlan(FaultPlan(failures: [disk.counts.changes + 1: .syncFailed]))
            do {
                try log.sync()
            } catch let error as LogFault where error.cause?.code == .syncFailed {
                try log.sync()
            }
        }
        expectInvariant(.i31, in: exit)
    }

    @Test("invariant 32 fires when entries are released that are not durable")
    func invariant32() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let log = try LogBench.started(try LogBench.disk())
            try LogBench.append(log)
            try log.release(below: LogIndex(2))
        }
        expectInvariant(.i32, in: exit)
    }

    @Test("invariant 35 fires when a log is appended to that was looked at and not mended")
    func invariant35() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let log = LogBench.log(try LogBench.disk())
            _ = try log.look(flushedIndex: .zero)
            try LogBench.append(log)
        }
        expectInvariant(.i35, in: exit)
    }
}
