// SPDX-License-Identifier: Apache-2.0
//
// The embedded log under loss of power: every crash point, every subset of what was not durable,
// and rot. The judge is the rule of DESIGN §6: what was durable is there, what is there is a
// prefix, and no torn tail is called corruption.

import TestSupport
import TallyLog
import TallySim
import TallyTypes
import Testing

@Suite("embedded log under crashes")
struct LogCrashTests {
    /// What a run had achieved when the power went.
    private struct Achieved {
        var durable: UInt64 = 0
        var released: UInt64 = 1
    }

    /// Start, append, sync, recycle: 8 entries in segments of three, each synced or not by `syncs`.
    private func history(_ disk: FaultDisk, syncs: Int, _ achieved: inout Achieved) throws {
        let log = try LogBench.started(disk)
        for number in 0..<8 {
            try LogBench.append(log)
            if syncs >> number & 1 == 1 {
                achieved.durable = try log.sync().rawValue
            }
            achieved.durable = max(achieved.durable, log.durable.rawValue)
            if number == 5, log.durable >= LogIndex(5) {
                achieved.released = 5
                try log.release(below: LogIndex(5))
                try log.pool.prepare()
            }
        }
    }

    /// All losses when few changes are pending, else the two extremes and seeded ones.
    private func losses(_ pending: Int) -> [CrashLoss] {
        let extremes: [CrashLoss] = [.nothing, .everything]
        guard pending > 6 else {
            return extremes + (0..<UInt64(1 << pending)).map { .keeping(mask: $0) }
                + (1...4).map { .random(seed: $0) }
        }
        return extremes + (1...24).map { .random(seed: $0) }
    }

    private func judge(_ disk: FaultDisk, _ achieved: Achieved) throws {
        let flushed = achieved.released - 1
        let log = LogBench.log(disk)
        let recovery = try log.recover(flushedIndex: LogIndex(flushed))
        #expect(recovery.last >= LogIndex(achieved.durable), "lost a durable entry")
        #expect(recovery.last <= LogIndex(8))
        #expect(log.durable == recovery.last)
        for entry in try LogBench.entries(log, from: log.first) {
            #expect(entry.bytes == LogBench.entry(entry.index.rawValue))
        }
        let report = try LogBench.verify(disk, flushed: flushed)
        #expect(report.last == recovery.last)
        #expect(report.tornTail == nil)
        #expect(report.spareRemnant == nil)
        try LogBench.append(log)
        #expect(try log.sync() == recovery.last.next)
        try log.pool.prepare()
    }

    @Test(
        "a crash at every change of a history, with every loss",
        arguments: [0xFF, 0, 0x24, 0x92]
    )
    func everyCrashPoint(syncs: Int) throws {
        var runs = 0
        for point in 1... {
            let disk = try LogBench.disk(plan: FaultPlan(crash: .change(point)))
            var achieved = Achieved()
            do {
                try history(disk, syncs: syncs, &achieved)
            } catch let fault as LogFault {
                try #require(fault.cause?.code == .crashed, "\(fault)")
            }
            guard disk.hasCrashed else { break }
            for loss in losses(disk.pendingCount) {
                try judge(disk.afterCrash(loss), achieved)
                runs += 1
            }
        }
        #expect(runs > 100)
    }

    @Test("a crash at every change of the recovery itself")
    func crashInRecovery() throws {
        var runs = 0
        for loss in [CrashLoss.nothing, .everything, .keeping(mask: 0b1101), .random(seed: 3)] {
            let first = try LogBench.disk()
            var achieved = Achieved()
            try history(first, syncs: 0x24, &achieved)
            for point in 1... {
                let disk = first.afterCrash(loss, plan: FaultPlan(crash: .change(point)))
                do {
                    _ = try LogBench.started(disk, flushed: achieved.released - 1)
                } catch let fault as LogFault {
                    try #require(fault.cause?.code == .crashed, "\(fault)")
                }
                guard disk.hasCrashed else { break }
                for second in losses(disk.pendingCount) {
                    try judge(disk.afterCrash(second), achieved)
                    runs += 1
                }
            }
        }
        #expect(runs > 20)
    }

    @Test("what is found after the end of a process survives a later loss of power")
    func exitThenPowerLoss() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk, segmentBytes: 1024)
        for _ in 0..<3 { try LogBench.append(log) }
        let left = disk.afterExit()
        let found = try LogBench.started(left, segmentBytes: 1024)
        #expect(found.durable == LogIndex(3))
        let again = try LogBench.started(left.afterCrash(.everything), segmentBytes: 1024)
        #expect(again.last == LogIndex(3))
    }

    @Test("frames that were read after a failed sync survive a later loss of power")
    func failedSync() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk, segmentBytes: 1024)
        for _ in 0..<3 { try LogBench.append(log) }
        disk.setPlan(FaultPlan(failures: [disk.counts.changes + 1: .syncFailed]))
        #expect(throws: LogFault.self) { try log.sync() }
        let left = disk.afterExit()
        #expect(try LogBench.verify(left.afterCrash(.everything)).last == .zero, "nothing kept")
        let found = try LogBench.started(left, segmentBytes: 1024)
        #expect(found.durable == LogIndex(3))
        let again = try LogBench.started(left.afterCrash(.everything), segmentBytes: 1024)
        #expect(again.last == LogIndex(3))
    }

    @Test("looking finds a torn tail and changes nothing; mending zeroes it")
    func lookAndMend() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk, segmentBytes: 1024)
        for _ in 0..<3 { try LogBench.append(log) }
        try disk.flipBit(of: LogBench.path(1), offset: 64 + 2 * 136 + 40, bit: 0)
        let left = disk.afterExit()
        let again = LogBench.log(left, segmentBytes: 1024)
        let recovery = try again.look(flushedIndex: .zero)
        #expect(recovery.tornTail?.index == LogIndex(3))
        #expect(left.counts.changes == 0)
        #expect(try LogBench.verify(left).tornTail != nil)
        try again.mend()
        #expect(try LogBench.verify(left).tornTail == nil)
        #expect(again.durable == LogIndex(2))
    }

    @Test("every subset of the frames in flight: a prefix is found, never corruption")
    func everySubset() throws {
        for syncs in 0..<16 {
            let first = try LogBench.disk()
            let log = try LogBench.started(first, segmentBytes: 1024)
            for number in 0..<4 {
                try LogBench.append(log)
                if syncs >> number & 1 == 1 { try log.sync() }
            }
            let pending = first.pendingCount
            for mask in 0..<UInt64(1 << pending) {
                let disk = first.afterCrash(.keeping(mask: mask))
                let again = LogBench.log(disk, segmentBytes: 1024)
                let recovery = try again.recover(flushedIndex: .zero)
                #expect(recovery.last >= log.durable)
                let whole = (0..<(4 - Int(log.durable.rawValue)))
                    .prefix { mask >> UInt64(2 * $0) & 3 == 3 }.count
                #expect(recovery.last.rawValue == log.durable.rawValue + UInt64(whole))
                let isTorn = mask >> UInt64(2 * whole) != 0
                #expect((recovery.tornTail != nil) == isTorn)
            }
        }
    }

    @Test("rot of a durable frame with proof behind it is corruption, whatever the flushed index")
    func rot() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk, segmentBytes: 1024)
        for _ in 0..<4 {
            try LogBench.append(log)
            try log.sync()
        }
        for frame in 0..<3 {
            let damaged = disk.afterCrash(.nothing)
            try damaged.flipBit(of: LogBench.path(1), offset: 64 + frame * 136 + 40, bit: 3)
            let fault = #expect(throws: LogFault.self) {
                try LogBench.log(damaged, segmentBytes: 1024).recover(flushedIndex: .zero)
            }
            #expect(fault?.code == .corrupt)
            #expect(fault?.subject == "\(LogBench.path(1)), offset \(64 + frame * 136)")
            #expect(fault?.reason.contains("frame \(frame + 1) is not whole") == true)
        }
    }

    @Test("a bad frame at or below the flushed index is corruption; above it a torn tail")
    func flushed() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk, segmentBytes: 1024)
        for _ in 0..<3 { try LogBench.append(log) }
        try log.sync()
        for flushed in 0...3 as ClosedRange<UInt64> {
            let damaged = disk.afterCrash(.nothing)
            try damaged.flipBit(of: LogBench.path(1), offset: 64 + 2 * 136 + 40, bit: 0)
            let again = LogBench.log(damaged, segmentBytes: 1024)
            guard flushed < 3 else {
                let fault = #expect(throws: LogFault.self) {
                    try again.recover(flushedIndex: LogIndex(flushed))
                }
                #expect(fault?.code == .corrupt)
                continue
            }
            let recovery = try again.recover(flushedIndex: LogIndex(flushed))
            #expect(recovery.last == LogIndex(2))
            #expect(recovery.tornTail?.offset == 64 + 2 * 136)
        }
    }

    @Test("a log that ends below the flushed index is corruption")
    func endsEarly() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk)
        try LogBench.append(log)
        try log.sync()
        let fault = #expect(throws: LogFault.self) {
            try LogBench.log(disk).recover(flushedIndex: LogIndex(2))
        }
        #expect(fault?.code == .corrupt)
        let empty = #expect(throws: LogFault.self) {
            try LogBench.log(try LogBench.disk()).recover(flushedIndex: LogIndex(1))
        }
        #expect(empty?.code == .gap)
    }

    @Test("a client's bytes that look like a frame prove nothing")
    func planted() throws {
        // The attacker knows every byte of a frame of a log of his own, but not this log's salt.
        let own = try LogBench.disk()
        let configuration = EmbeddedLogConfiguration(segmentBytes: 2048, salt: 1)
        let his = EmbeddedLog(
            disk: own,
            directory: LogBench.folder,
            configuration: configuration
        )
        _ = try his.recover(flushedIndex: .zero)
        for _ in 0..<9 {
            try LogBench.append(his)
            try his.sync()
        }
        let bytes = try own.open(LogBench.path(1), .readOnly).bytes(at: 64, count: 9 * 136)
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk, segmentBytes: 2048)
        try log.append(bytes.span, at: LogIndex(1))
        let torn = disk.afterCrash(.nothing)
        try torn.flipBit(of: LogBench.path(1), offset: 64, bit: 0)
        let again = LogBench.log(torn, segmentBytes: 2048)
        let recovery = try again.recover(flushedIndex: .zero)
        #expect(recovery.last == .zero)
        #expect(recovery.tornTail?.index == LogIndex(1))
    }

    @Test("a missing segment is named")
    func missingSegment() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk)
        for _ in 0..<10 { try LogBench.append(log) }
        try log.sync()
        for (sequence, code) in [(1, LogFault.Code.gap), (2, .gap)] {
            let damaged = disk.afterCrash(.nothing)
            try damaged.remove(LogBench.path(sequence))
            let fault = #expect(throws: LogFault.self) {
                try LogBench.log(damaged).recover(flushedIndex: .zero)
            }
            #expect(fault?.code == code)
            #expect(fault?.subject.contains(LogBench.path(sequence == 1 ? 2 : 2)) == true)
        }
    }

    @Test("a foreign file and an unknown format are refused")
    func unknown() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk)
        try LogBench.append(log)
        try log.sync()
        let other = disk.afterCrash(.nothing)
        try other.flipBit(of: LogBench.path(1), offset: 8, bit: 1)
        let format = #expect(throws: LogFault.self) {
            try LogBench.log(other).recover(flushedIndex: .zero)
        }
        #expect(format?.code == .unknownFormat)
        _ = try disk.open(LogBench.folder + "/notes.txt", .createNew)
        let foreign = #expect(throws: LogFault.self) {
            try LogBench.log(disk).recover(flushedIndex: .zero)
        }
        #expect(foreign?.code == .unknownFormat)
        #expect(foreign?.subject == "/log/notes.txt")
    }

    @Test("a flip of any bit of any byte of any file is found, and verifying changes nothing")
    func everyByte() throws {
        let disk = try LogBench.disk()
        let log = try LogBench.started(disk)
        for _ in 0..<5 {
            try LogBench.append(log)
            try log.sync()
        }
        try log.pool.prepare()
        let files = disk.files()
        #expect(files.count == 3)
        var random = SeededRandom(seed: 7)
        for path in files {
            for offset in 0..<512 {
                let damaged = disk.afterCrash(.nothing)
                try damaged.flipBit(of: path, offset: offset, bit: random.below(8))
                let changes = damaged.counts.changes
                do {
                    let report = try LogBench.verify(damaged, flushed: 5)
                    let found = [report.tornTail, report.spareRemnant].compactMap(\.self)
                    #expect(found.map(\.path) == [path], "offset \(offset)")
                } catch let fault as LogFault {
                    #expect(fault.subject.hasPrefix(path), "\(fault)")
                }
                #expect(damaged.counts.changes == changes)
            }
        }
    }
}
