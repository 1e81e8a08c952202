// SPDX-License-Identifier: Apache-2.0
//
// A disk that fails without losing its power: full, broken, or unable to sync, at every change;
// bits that flip while the node is stopped; files that go back in time. Called by `swift test`.

import TallyLog
import TallyNode
import TallySim
import TallyStore
import TallyTypes
import TallyViews
import TestSupport
import Testing

@Suite("a disk that fails")
struct DiskFaultTests {
    /// Runs the history with one change that fails; nil when the node could do without it.
    private func fail(
        _ change: Int,
        _ code: DiskFault.Code
    ) throws -> (disk: FaultDisk, Progress, any Error)? {
        let disk = FaultDisk(plan: FaultPlan(failures: [change: code]))
        let progress = Progress()
        do {
            try CrashHistory.run(try CrashNode(disk, progress))
            return nil
        } catch {
            return (disk, progress, error)
        }
    }

    @Test(
        "a change that fails is named, and nothing acknowledged is lost",
        arguments: [DiskFault.Code.full, .io]
    )
    func everyChange(code: DiskFault.Code) throws {
        let twin = try CrashHistory.twin()
        var cases: [DiskOperation: Int] = [:]
        for change in 1...twin.changes {
            guard let (disk, progress, error) = try fail(change, code) else { continue }
            let fault = try #require(diskFault(error), "change \(change): \(error)")
            #expect(fault.code == code)
            let line = NodeFault(stopping: error).description
            #expect(line.contains(fault.path) && line.contains(fault.cause), "\(line)")
            #expect(line.split(separator: "start again").count == 2, "one next step: \(line)")
            cases[fault.operation, default: 0] += 1
            guard fault.operation != .sync, fault.operation != .syncDirectory else { continue }
            disk.setPlan(FaultPlan())
            for left in [disk.afterExit(), disk.afterCrash(.everything)] {
                try twin.judge(left, holds: progress.acknowledged, "change \(change), \(code)")
            }
        }
        print("\(code) at every change: \(cases)")
        for operation in [DiskOperation.write, .preallocate, .rename] {
            #expect(cases[operation, default: 0] > 0, "never at \(operation)")
        }
    }

    @Test("a sync that fails is final, and nothing acknowledged is lost")
    func everySync() throws {
        let twin = try CrashHistory.twin()
        var cases: [DiskOperation: Int] = [:]
        for change in 1...twin.changes {
            guard let (disk, progress, error) = try fail(change, .syncFailed) else { continue }
            let fault = try #require(diskFault(error), "change \(change): \(error)")
            guard fault.operation == .sync || fault.operation == .syncDirectory else { continue }
            #expect(fault.code == .syncFailed)
            #expect(disk.counts.changes == change, "the disk was used after a sync failed")
            cases[fault.operation, default: 0] += 1
            for loss in [CrashLoss.everything, .nothing, .random(seed: UInt64(change))] {
                try twin.judge(
                    disk.afterCrash(loss),
                    holds: progress.acknowledged,
                    "sync \(change), \(loss)"
                )
            }
        }
        print("a failing sync: \(cases)")
        #expect(cases[.sync, default: 0] > 10 && cases[.syncDirectory, default: 0] > 5)
    }

    @Test("what a start read after a failed sync survives a later loss of power")
    func everySyncThenPowerLoss() throws {
        let twin = try CrashHistory.twin()
        var cases: [String: Int] = [:]
        for change in 1...twin.changes {
            guard let (disk, progress, error) = try fail(change, .syncFailed) else { continue }
            let fault = try #require(diskFault(error), "change \(change): \(error)")
            guard fault.operation == .sync else { continue }
            cases[DiskFaultTests.kind(fault.path), default: 0] += 1
            let left = disk.afterExit()
            let label = "sync \(change) of \(fault.path), restart"
            let node = try CrashNode(left)
            try twin.check(node, holds: progress.acknowledged, label)
            let again = try CrashNode(left.afterCrash(.everything))
            try twin.check(again, holds: node.head, label + ", power lost")
            try twin.judge(
                left.afterCrash(.random(seed: UInt64(change))),
                holds: node.head,
                label + ", power lost in part"
            )
        }
        print("a failing sync, a restart, a loss of power: \(cases)")
        #expect(cases["log", default: 0] > 5 && cases["records", default: 0] > 5)
    }

    @Test("a disk that stays full stops the node, and an emptier one starts it again")
    func capacity() throws {
        let twin = try CrashHistory.twin()
        var cases = 0
        for capacity in stride(from: 4_000, to: 60_000, by: 2_500) {
            let plan = FaultPlan(capacity: ByteCount(capacity))
            let disk = FaultDisk(plan: plan)
            let progress = Progress()
            do {
                try CrashHistory.run(try CrashNode(disk, progress))
                continue
            } catch {
                try #require(diskFault(error)?.code == .full, "\(error)")
            }
            cases += 1
            do {
                _ = try CrashNode(disk.afterExit(plan: plan))
            } catch {
                #expect(diskFault(error)?.code == .full, "start-up on a full disk: \(error)")
            }
            try twin.judge(
                disk.afterExit(),
                holds: progress.acknowledged,
                "capacity \(capacity)"
            )
        }
        print("a full disk: \(cases) capacities")
        #expect(cases > 3)
    }

    @Test("views that find no room ask for room; only other failures are mended by folding again")
    func views() {
        for (code, word) in [(ViewFault.Code.full, "make room"), (.database, "empty the views")] {
            let fault = ViewFault(code, subject: "/v/system.sqlite", cause: "no")
            for line in [NodeFault(folding: fault).description, NodeFault.line(starting: fault)] {
                #expect(line.contains("/v/system.sqlite") && line.contains(word), "\(line)")
                #expect(line.split(separator: "start again").count <= 2, "\(line)")
                #expect(line.contains("make room") == (code == .full), "\(line)")
            }
        }
        let lost = StoreFault(.lostEntry, subject: "record 7", reason: "is gone")
        #expect(NodeFault(folding: lost).description == "storage: \(lost)")
    }

    // MARK: - Bits

    @Test(
        "a bit that flips is named, or changes nothing that was published",
        arguments: [7, 10] as [UInt64]
    )
    func flips(last: UInt64) throws {
        let twin = try CrashHistory.twin()
        let disk = FaultDisk()
        let node = try CrashNode(disk)
        if last == 7 {
            try CrashHistory.begin(node, upTo: last)
            try node.checkpoint()
        } else {
            try CrashHistory.run(node)
        }
        let left = disk.afterExit()
        var random = SeededRandom(seed: last)
        var named: [String: Int] = [:]
        var unnoticed: [String: Int] = [:]
        for path in left.files() {
            let size = try left.open(path, .readOnly).size()
            for offset in stride(from: random.below(7), to: size, by: 1 + size / 160) {
                let flipped = left.afterExit()
                try flipped.flipBit(of: path, offset: offset, bit: random.below(8))
                let isNamed = try judgeFlip(flipped, path, offset, node.head, twin)
                if isNamed {
                    named[Self.kind(path), default: 0] += 1
                } else {
                    unnoticed[Self.kind(path), default: 0] += 1
                }
            }
        }
        print("flips after entry \(last): named \(named), harmless \(unnoticed)")
        for file in ["FORMAT", "head", "image", "state"] {
            #expect(named[file, default: 0] > 0 && unnoticed[file] == nil, "\(file)")
        }
        #expect(named["log", default: 0] > 20)
        if last == 7 { #expect(named["records", default: 0] > 5) }
    }

    private static func kind(_ path: String) -> String {
        path.split(separator: "/").dropFirst().first.map(String.init) ?? path
    }

    /// True when start-up named what it found; else everything published must be there.
    private func judgeFlip(
        _ disk: FaultDisk,
        _ path: String,
        _ offset: Int,
        _ head: LedgerHead,
        _ twin: Twin
    ) throws -> Bool {
        let node: CrashNode
        do {
            node = try CrashNode(disk)
        } catch {
            let isFault = error is StoreFault || error is LogFault || error is NodeFault
            #expect(isFault, "\(path), offset \(offset): \(error)")
            let line = "\(error)"
            // A frame that is not whole ends the log; the record above it names the loss.
            let isLoss = Self.kind(path) == "log" && line.contains("the log ends before it")
            let isNamed = isLoss || line.contains("/" + Self.kind(path))
            #expect(isNamed, "\(path), offset \(offset), is not named: \(line)")
            return true
        }
        #expect(node.head == head, "\(path), offset \(offset): a silent cut")
        if Self.kind(path) != "records" {
            try twin.check(node, holds: head, "\(path), offset \(offset)")
        }
        return false
    }

    // MARK: - Loss

    /// Replaces the files of a folder by those of another disk.
    private func replace(
        _ folder: String,
        on disk: FaultDisk,
        by other: FaultDisk
    ) throws {
        let prefix = SmallDisk.path + "/" + folder + "/"
        for path in disk.files() where path.hasPrefix(prefix) { try disk.remove(path) }
        for path in other.files() where path.hasPrefix(prefix) {
            let bytes = try other.contents(of: path, limit: ByteCount(1 << 20))
            let file = try disk.open(path, .createOrEmpty)
            try file.write(bytes.span, at: 0)
        }
    }

    private func left(after last: UInt64) throws -> FaultDisk {
        let disk = FaultDisk()
        let node = try CrashNode(disk)
        try CrashHistory.begin(node, upTo: last)
        try node.checkpoint()
        return disk.afterExit()
    }

    private func startError(_ disk: FaultDisk) throws -> String {
        do {
            let node = try CrashNode(disk)
            throw Broken("started with \(node.head)")
        } catch {
            if let broken = error as? Broken { throw broken }
            return "\(error)"
        }
    }

    @Test("a log that ends below a record is a lost entry, and nothing is cut")
    func belowRecord() throws {
        let disk = try left(after: 7)
        try replace("log", on: disk, by: try left(after: 5))
        let entries = SmallDisk.path + "/records/entries"
        let before = try disk.contents(of: entries, limit: ByteCount(1 << 20))
        let line = try startError(disk)
        #expect(line.contains("record ") && line.contains("the log ends before it"), "\(line)")
        #expect(try disk.contents(of: entries, limit: ByteCount(1 << 20)) == before)
    }

    @Test("a rotten last frame, acknowledged and with a record, is named and left as it is")
    func rottenLastFrame() throws {
        let disk = try left(after: 7)
        let path = try #require(
            disk.files().last { $0.hasPrefix(SmallDisk.path + "/log/") && $0.hasSuffix(".segment") }
        )
        let bytes = try disk.contents(of: path, limit: ByteCount(1 << 20))
        let last = try #require(bytes.lastIndex { $0 != 0 })
        try disk.flipBit(of: path, offset: last, bit: 1)
        let before = try disk.files().map { try disk.contents(of: $0, limit: ByteCount(1 << 20)) }
        let line = try startError(disk)
        #expect(line.contains("record ") && line.contains("the log ends before it"), "\(line)")
        let after = try disk.files().map { try disk.contents(of: $0, limit: ByteCount(1 << 20)) }
        #expect(before == after)
        try disk.flipBit(of: path, offset: last, bit: 1)
        let node = try CrashNode(disk.afterExit())
        try CrashHistory.twin().check(node, holds: node.head, "the bit put back")
        #expect(node.head.logIndex == LogIndex(7))
    }

    @Test("a head that is gone is missed as soon as there is an entry, and nothing is written")
    func missingHead() throws {
        let head = SmallDisk.path + "/head"
        for last: UInt64 in [1, 7] {
            let disk = try left(after: last)
            try disk.remove(head)
            let changes = disk.counts.changes
            let line = try startError(disk)
            #expect(line.hasPrefix(head + ": is missing"), "\(line)")
            #expect(line.hasSuffix("restore a backup"), "\(line)")
            #expect(disk.counts.changes <= changes + 2, "more than the lock was written")
        }
        let new = FaultDisk()
        _ = try DataDirectory(disk: new, path: SmallDisk.path, mode: .createOrOpen)
        _ = try CrashNode(new.afterExit())
    }

    @Test("a log that ends below the head is a lost entry")
    func belowHead() throws {
        let disk = try left(after: 7)
        let older = try left(after: 5)
        try replace("log", on: disk, by: older)
        try replace("records", on: disk, by: older)
        let line = try startError(disk)
        #expect(line.contains("/head") && line.contains("acknowledged entry was lost"), "\(line)")
    }

    @Test("a log that ends below the flushed index is a gap")
    func belowFlush() throws {
        let disk = try left(after: 7)
        for older in [try left(after: 2), FaultDisk()] {
            try replace("log", on: disk, by: older)
            let line = try startError(disk)
            #expect(line.contains(SmallDisk.path + "/log"), "\(line)")
        }
    }
}
