// SPDX-License-Identifier: Apache-2.0
//
// The record files under loss of power: a crash at every change, every kind of loss, then a replay
// of everything behind the flushed records, as after a crash of the node.

import TestSupport
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("record files under crashes")
struct RecordFilesCrashTests {
    private struct Achieved {
        var appended: UInt64 = 0
        var flushed: UInt64 = 0
    }

    private func history(_ disk: FaultDisk, _ achieved: inout Achieved) throws {
        let files = try RecordBench.open(disk, flushed: 0)
        for end in [3, 7, 40, 256, 258, 300] as [UInt64] {
            achieved.appended = end
            try RecordBench.append(files, to: end)
            if end == 7 || end == 258 {
                try files.sync()
                achieved.flushed = end
            }
        }
    }

    /// The log yields all that was appended, since records are written only when their entry is
    /// durable.
    private func judge(_ disk: FaultDisk, _ achieved: Achieved) throws {
        var replay = try RecordBench.look(disk, flushed: achieved.flushed)
        #expect(replay.count == RecordIndex(achieved.flushed))
        for end in [achieved.flushed + 1, achieved.appended] where end > replay.count.rawValue {
            try RecordBench.replay(&replay, to: end)
        }
        let repair = try replay.judgeSurplus { RecordBench.isWhole($0, achieved.appended) }
        #expect(repair.cut == nil)
        #expect(disk.counts.changes == 0, "looking changed something")
        let files = try RecordBench.mend(replay)
        #expect(try RecordBench.verify(disk.afterCrash(.everything)).count == files.count)
        try RecordBench.checkBlobs(disk.afterCrash(.everything), below: files.count.rawValue)
        try RecordBench.append(files, to: 320)
        try files.sync()
        let report = try RecordBench.verify(disk.afterCrash(.everything))
        #expect(report.count == RecordIndex(320))
        #expect(report.remnant == nil)
        try RecordBench.checkBlobs(disk.afterCrash(.everything), below: 320)
    }

    @Test("a crash at every change, with every kind of loss")
    func everyCrashPoint() throws {
        var runs = 0
        for point in 1... {
            let disk = try RecordBench.disk(plan: FaultPlan(crash: .change(point)))
            var achieved = Achieved()
            do {
                try history(disk, &achieved)
            } catch let fault as StoreFault {
                try #require(fault.cause?.code == .crashed, "\(fault)")
            }
            let losses: [CrashLoss] =
                [.nothing, .everything] + (1...4).map { .random(seed: $0) }
            for loss in losses {
                try judge(disk.afterCrash(loss), achieved)
                runs += 1
            }
            guard disk.hasCrashed else { break }
        }
        #expect(runs > 100)
    }

    @Test("what is found after the end of a process survives a later loss of power")
    func exitThenPowerLoss() throws {
        let disk = try RecordBench.disk()
        try RecordBench.append(try RecordBench.open(disk, flushed: 0), to: 300)
        let left = disk.afterExit()
        var replay = try RecordBench.look(left, flushed: 0)
        #expect(replay.recovery.present == RecordIndex(300))
        try RecordBench.replay(&replay, to: 300)
        _ = try replay.judgeSurplus { RecordBench.isWhole($0, 300) }
        _ = try RecordBench.mend(replay)
        let found = left.afterCrash(.everything)
        #expect(try RecordBench.verify(found).count == RecordIndex(300))
        try RecordBench.checkBlobs(found, below: 300)
    }

    @Test("records that were read after a failed sync survive a later loss of power")
    func failedSync() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try RecordBench.append(files, to: 300)
        var failed = 0
        for sync in 1... {
            let copy = try RecordBench.disk()
            let files = try RecordBench.open(copy, flushed: 0)
            try RecordBench.append(files, to: 300)
            copy.setPlan(FaultPlan(failures: [copy.counts.changes + sync: .syncFailed]))
            guard (try? files.sync()) == nil else { break }
            failed += 1
            let left = copy.afterExit()
            #expect(try RecordBench.verify(left).count == RecordIndex(300), "before")
            var replay = try RecordBench.look(left, flushed: 0)
            try RecordBench.replay(&replay, to: 300)
            #expect(try replay.judgeSurplus { RecordBench.isWhole($0, 300) }.repairedSectors == 0)
            _ = try RecordBench.mend(replay)
            let found = left.afterCrash(.everything)
            #expect(try RecordBench.verify(found).count == RecordIndex(300), "sync \(sync)")
            try RecordBench.checkBlobs(found, below: 300)
        }
        #expect(failed >= 12)  // blobs and their folder, records, offsets, three books
    }

    @Test("a crash at every change of a start-up that rebuilds derived files")
    func crashInRebuild() throws {
        let first = try RecordBench.disk()
        let files = try RecordBench.open(first, flushed: 0)
        try RecordBench.append(files, to: 300)
        try files.sync()
        try first.remove(RecordBench.folder + "/offsets")
        try first.remove(RecordBench.folder + "/positions/" + BookID(0, 1).description)
        let achieved = Achieved(appended: 300, flushed: 300)
        for point in 1... {
            let disk = first.afterCrash(.nothing, plan: FaultPlan(crash: .change(point)))
            do {
                _ = try RecordBench.open(disk, flushed: 300)
            } catch let fault as StoreFault {
                try #require(fault.cause?.code == .crashed, "\(fault)")
            }
            for loss in [CrashLoss.nothing, .everything, .random(seed: 5)] {
                try judge(disk.afterCrash(loss), achieved)
            }
            guard disk.hasCrashed else { break }
        }
    }

    @Test("a flip of any bit of any byte is found, and verifying changes nothing")
    func everyByte() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try RecordBench.append(files, to: 270)
        try files.sync()
        var random = SeededRandom(seed: 11)
        for path in disk.files() {
            let size = try disk.open(path, .readOnly).size()
            for offset in stride(from: 0, to: size, by: 1 + size / 200) {
                let damaged = disk.afterCrash(.nothing)
                try damaged.flipBit(of: path, offset: offset, bit: random.below(8))
                let changes = damaged.counts.changes
                if path.contains("/blobs/") {
                    let fault = #expect(throws: StoreFault.self) {
                        try RecordBench.checkBlobs(damaged, below: 270)
                    }
                    #expect(fault?.code == .corrupt && fault?.subject == path)
                    continue
                }
                do {
                    let report = try RecordBench.verify(damaged)
                    #expect(report.remnant == offset, "\(path), offset \(offset)")
                } catch let fault as StoreFault {
                    #expect(fault.code == .corrupt)
                    #expect(fault.subject.hasPrefix(path) || path.hasSuffix("entries"))
                }
                #expect(damaged.counts.changes == changes)
            }
        }
    }
}
