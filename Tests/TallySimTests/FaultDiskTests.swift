// SPDX-License-Identifier: Apache-2.0
//
// The simulated disk: it passes the kit that the real one passes, and forgets what was not synced.

import TestSupport
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("simulated disk")
struct FaultDiskTests {
    @Test("the kit of disks, simulated", arguments: DiskConformance.checks)
    func kitSimulated(check: ConformanceCheck<DiskSubject>) throws {
        let disk = FaultDisk()
        try disk.makeDirectory("/folder")
        try check.run(DiskSubject(disk: disk, folder: "/folder"))
    }

    @Test("the kit of disks, real", arguments: DiskConformance.checks)
    func kitReal(check: ConformanceCheck<DiskSubject>) throws {
        let folder = try TemporaryDirectory("disk")
        try check.run(DiskSubject(disk: RealDisk(), folder: folder.path))
    }

    @Test("the kit of clocks", arguments: ClockConformance.checks)
    func clocks(check: ConformanceCheck<any Clock>) throws {
        try check.run(RealClock())
        try check.run(SeededClock(seed: 1, stepMicrosecondsMax: 1_000))
    }

    @Test("the kit catches a disk that loses bytes")
    func canary() throws {
        let disk = FaultDisk(plan: FaultPlan(failures: [3: .full]))
        try disk.makeDirectory("/folder")
        let check = try #require(DiskConformance.checks.first)
        #expect(throws: DiskFault.self) {
            try check.run(DiskSubject(disk: disk, folder: "/folder"))
        }
    }

    private func withFile(_ plan: FaultPlan = FaultPlan()) throws -> (FaultDisk, any DiskFile) {
        let disk = FaultDisk()
        let file = try disk.open("/a", .createNew)
        try file.write([UInt8](repeating: 1, count: 1024).span, at: 0)
        try file.sync()
        try disk.syncDirectory("/")
        disk.setPlan(plan)
        return (disk, file)
    }

    private func bytes(_ disk: FaultDisk) throws -> [UInt8] {
        try disk.contents(of: "/a", limit: ByteCount(1 << 20))
    }

    @Test("what was not synced is lost, kept or torn at sectors, as told")
    func losses() throws {
        let (disk, file) = try withFile()
        try file.write([UInt8](repeating: 2, count: 1024).span, at: 256)
        disk.crash()
        #expect(throws: DiskFault.self) { try file.size() }
        #expect(try bytes(disk.afterCrash(.everything)) == [UInt8](repeating: 1, count: 1024))
        let kept = try bytes(disk.afterCrash(.nothing))
        #expect(kept.count == 1280)
        #expect(kept[256...].allSatisfy { $0 == 2 })
        var seen: Set<[UInt8]> = []
        for seed in 1...64 as ClosedRange<UInt64> {
            let found = try bytes(disk.afterCrash(.random(seed: seed)))
            for start in stride(from: 0, to: found.count, by: 512) {
                let sector = found[start..<min(start + 512, found.count)].drop { $0 == 1 }
                #expect(Set(sector).count <= 1, "torn within a sector")
            }
            seen.insert(found)
        }
        #expect(seen.count == 8, "three sectors of one write, each kept or lost")
    }

    @Test("a name is durable only after its folder's sync; a rename keeps or loses both sides")
    func names() throws {
        let (disk, _) = try withFile()
        _ = try disk.open("/b", .createNew)
        #expect(disk.afterCrash(.everything).files() == ["/a"])
        try disk.syncDirectory("/")
        #expect(disk.afterCrash(.everything).files() == ["/a", "/b"])
        try disk.rename("/b", to: "/a")
        #expect(disk.afterCrash(.everything).files() == ["/a", "/b"])
        #expect(disk.afterCrash(.nothing).files() == ["/a"])
        try disk.remove("/a")
        #expect(disk.afterCrash(.keeping(mask: 0b01)).files() == ["/a"])
        #expect(disk.afterCrash(.keeping(mask: 0b10)).files() == ["/b"])
        try disk.syncDirectory("/")
        #expect(disk.afterCrash(.everything).files() == [])
    }

    @Test("a failed sync loses the bytes for good, and later syncs do not say so")
    func failedSync() throws {
        let (disk, file) = try withFile()
        disk.setPlan(FaultPlan(failures: [disk.counts.changes + 2: .syncFailed]))
        try file.write([9].span, at: 0)
        let fault = #expect(throws: DiskFault.self) { try file.sync() }
        #expect(fault?.code == .syncFailed)
        try file.sync()
        #expect(try file.bytes(at: 0, count: 1) == [9])
        #expect(try bytes(disk.afterCrash(.everything)).first == 1)
    }

    @Test("a full disk, a failing read, a flipped bit")
    func otherFaults() throws {
        let (disk, file) = try withFile(FaultPlan(failingRead: 2, capacity: ByteCount(1030)))
        let full = #expect(throws: DiskFault.self) {
            try file.write([UInt8](repeating: 0, count: 10).span, at: 1021)
        }
        #expect(full?.code == .full)
        try file.write([5].span, at: 1029)
        #expect(try file.bytes(at: 1029, count: 1) == [5])
        let read = #expect(throws: DiskFault.self) { try file.bytes(at: 0, count: 1) }
        #expect(read?.code == .io)
        try disk.flipBit(of: "/a", offset: 0, bit: 7)
        #expect(try file.bytes(at: 0, count: 1) == [129])
        #expect(try bytes(disk.afterCrash(.everything)).first == 129)
    }

    @Test(
        "the power goes at the operation that was named",
        arguments: [
            CrashPoint.write(2), .change(3), .sync(1), .operation(5),
        ]
    )
    func crashPoints(point: CrashPoint) throws {
        let disk = FaultDisk(plan: FaultPlan(crash: point))
        let fault = #expect(throws: DiskFault.self) {
            let file = try disk.open("/a", .createNew)
            for _ in 0..<3 {
                try file.write([1].span, at: 0)
                _ = try file.size()
            }
            try file.sync()
        }
        #expect(fault?.code == .crashed)
        let counts = disk.counts
        switch point {
        case .write(let number): #expect(counts.writes == number)
        case .change(let number): #expect(counts.changes == number)
        case .sync(let number): #expect(counts.syncs == number)
        case .operation(let number): #expect(counts.operations == number)
        }
    }

    @Test("the clock moves by seeded steps, and back when set")
    func clock() {
        let one = SeededClock(seed: 4, stepMicrosecondsMax: 100)
        let two = SeededClock(seed: 4, stepMicrosecondsMax: 100)
        let times = (0..<50).map { _ in one.now() }
        #expect(times == (0..<50).map { _ in two.now() })
        #expect(Set(times).count > 40)
        one.jump(to: Instant(microseconds: 5))
        #expect(one.now() == Instant(microseconds: 5))
    }
}
