// SPDX-License-Identifier: Apache-2.0
//
// The data directory: who may open it, what is refused without a change, head, sums and cache
// images.

import TestSupport
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("data directory")
struct DataDirectoryTests {
    private func made() throws -> FaultDisk {
        let disk = FaultDisk()
        _ = try DataDirectory(disk: disk, path: "/data", mode: .createOrOpen)
        return disk.afterCrash(.nothing)
    }

    @Test("an empty or missing folder becomes a ledger; then it is opened")
    func create() throws {
        for isMissing in [true, false] {
            let disk = FaultDisk()
            if !isMissing {
                try disk.makeDirectory("/data")
                try disk.syncDirectory("/")
            }
            let first = try DataDirectory(disk: disk, path: "/data", mode: .createOrOpen)
            #expect(first.isNew)
            let names = try disk.list("/data").map(\.name)
            #expect(names == ["FORMAT", "LOCK", "image", "log", "records", "state", "views"])
            let after = disk.afterCrash(.everything)
            let again = try DataDirectory(disk: after, path: "/data", mode: .open)
            #expect(!again.isNew)
            #expect(again.log == "/data/log")
        }
    }

    @Test("a crash at every change of the making: it is made again, or is whole")
    func createCrashes() throws {
        for point in 1... {
            let disk = FaultDisk(plan: FaultPlan(crash: .change(point)))
            _ = Result { try DataDirectory(disk: disk, path: "/data", mode: .createOrOpen) }
            for loss in [CrashLoss.nothing, .everything] + (1...20).map({ .random(seed: $0) }) {
                let found = disk.afterCrash(loss)
                _ = try DataDirectory(disk: found, path: "/data", mode: .createOrOpen)
                _ = try DataDirectory(
                    disk: found.afterCrash(.everything),
                    path: "/data",
                    mode: .open
                )
            }
            guard disk.hasCrashed else { break }
        }
    }

    @Test("a ledger found after the end of a process survives a later loss of power")
    func exitThenPowerLoss() throws {
        for point in 1... {
            let disk = FaultDisk(plan: FaultPlan(crash: .change(point)))
            _ = Result { try DataDirectory(disk: disk, path: "/data", mode: .createOrOpen) }
            let left = disk.afterExit()
            _ = try DataDirectory(disk: left, path: "/data", mode: .createOrOpen)
            _ = try left.open("/data/log/made-later", .createNew)
            try left.syncDirectory("/data/log")
            let again = left.afterCrash(.everything)
            #expect(try again.list("/data/log").count == 1)
            _ = try DataDirectory(disk: again, path: "/data", mode: .open)
            guard disk.hasCrashed else { break }
        }
    }

    @Test("a second process gets one line, and nothing is changed")
    func locked() throws {
        let disk = try made()
        let first = try DataDirectory(disk: disk, path: "/data", mode: .open)
        for mode in [DataDirectoryMode.open, .createOrOpen, .inspect] {
            let fault = try refused(disk, mode)
            #expect(fault.code == .locked)
            #expect(
                fault.description == "/data: is open in another process; stop that process first"
            )
        }
        #expect(first.path == "/data")
    }

    @Test("an inspection makes no LOCK, and stands beside another; a node does not")
    func inspected() throws {
        let disk = try made()
        try disk.remove("/data/LOCK")
        let changes = disk.counts.changes
        let bare = try DataDirectory(disk: disk, path: "/data", mode: .inspect)
        #expect(bare.lockNote?.contains("/data/LOCK") == true)
        #expect(disk.counts.changes == changes)
        try DataDirectory(disk: disk, path: "/data", mode: .open).unlock()
        let first = try DataDirectory(disk: disk, path: "/data", mode: .inspect)
        let second = try DataDirectory(disk: disk, path: "/data", mode: .inspect)
        #expect(first.lockNote == nil && second.lockNote == nil)
        #expect(try refused(disk, .open).code == .locked)
    }

    @Test("two holders of a real folder")
    func lockedReal() throws {
        let folder = try TemporaryDirectory("data")
        let first = try DataDirectory(
            disk: RealDisk(),
            path: folder.path,
            mode: .createOrOpen
        )
        let fault = #expect(throws: StoreFault.self) {
            try DataDirectory(disk: RealDisk(), path: folder.path, mode: .createOrOpen)
        }
        #expect(fault?.code == .locked)
        #expect(first.isNew)
    }

    private func refused(_ disk: FaultDisk, _ mode: DataDirectoryMode) throws -> StoreFault {
        let changes = disk.counts.changes
        let fault = #expect(throws: StoreFault.self) {
            try DataDirectory(disk: disk, path: "/data", mode: mode)
        }
        #expect(disk.counts.changes == changes, "a refusal changed something")
        return try #require(fault)
    }

    @Test("foreign folders and formats, and missing ledgers, are refused without a change")
    func refusals() throws {
        let foreign = FaultDisk()
        try foreign.makeDirectory("/data")
        _ = try foreign.open("/data/notes.txt", .createNew)
        #expect(try refused(foreign, .createOrOpen).code == .notEmpty)
        #expect(try refused(foreign, .open).code == .missing)
        let lost = try made()
        try lost.remove("/data/FORMAT")
        _ = try lost.open("/data/log/00000000000000000001.segment", .createNew)
        #expect(try refused(lost, .createOrOpen).code == .notEmpty)
        let other = try made()
        try other.replace("/data/FORMAT", with: Array("tallystick data 2\n".utf8))
        let fault = try refused(other, .createOrOpen)
        #expect(fault.code == .unknownFormat)
        #expect(
            fault.description == "/data/FORMAT: holds “tallystick data 2”; "
                + "start the program version that wrote it"
        )
        let none = FaultDisk()
        #expect(try refused(none, .open).code == .disk)
        for bit in 0..<8 {
            let flipped = try made()
            try flipped.flipBit(of: "/data/FORMAT", offset: 16, bit: bit)
            #expect(try refused(flipped, .open).code == .unknownFormat)
        }
    }

    @Test("a full disk and a disk that takes no writes are named with the next step")
    func diskFaults() throws {
        for (code, words) in [
            (DiskFault.Code.full, "make room"), (.readOnly, "mount it writable"),
            (.permission, "give this user access"),
        ] {
            let disk = FaultDisk(plan: FaultPlan(failures: [1: code]))
            let fault = #expect(throws: StoreFault.self) {
                try DataDirectory(disk: disk, path: "/data", mode: .createOrOpen)
            }
            #expect(fault?.cause?.code == code)
            #expect(fault?.description.contains("/data") == true)
            #expect(fault?.description.contains(words) == true)
        }
    }

    @Test("a start without room is refused by the folder's name, and leaves nothing behind")
    func room() throws {
        for (capacity, hasRoom) in [(1 << 20, false), (4 << 20, false), (5 << 20, true)] {
            let disk = try made().afterExit(plan: FaultPlan(capacity: ByteCount(capacity)))
            let directory = try DataDirectory(disk: disk, path: "/data", mode: .open)
            if hasRoom {
                try directory.requireRoom()
            } else {
                let fault = #expect(throws: StoreFault.self) { try directory.requireRoom() }
                #expect(fault?.cause?.code == .full)
                let line = fault?.description ?? ""
                #expect(line.hasPrefix("/data: a start needs 4 MiB: "), "\(line)")
                #expect(line.hasSuffix("; make room, then start again"), "\(line)")
            }
            #expect(!disk.files().contains { $0.contains("room") })
        }
    }

    @Test("the head is read back, and every changed byte of it is found")
    func head() throws {
        let disk = try made()
        let directory = try DataDirectory(disk: disk, path: "/data", mode: .open)
        #expect(try directory.readHead() == nil)
        let head = Head(size: 8_189, root: Digest(1, 2, 3, 4), log: LogIndex(12))
        try directory.write(head)
        #expect(try directory.readHead() == head)
        let text = String(decoding: head.bytes, as: UTF8.self)
        // The example of docs/formats/data-directory.md.
        let example = """
            tallystick head 1
            size 8189
            root 0000000000000001000000000000000200000000000000030000000000000004
            log 12 0e1250ee

            """
        #expect(text == example)
        for position in head.bytes.indices {
            for bit in 0..<8 {
                var bytes = head.bytes
                bytes[position] ^= 1 << UInt8(bit)
                #expect(throws: Malformed.self) { try Head(bytes) }
            }
        }
        #expect(throws: Malformed.self) { try Head(head.bytes + [10]) }
        #expect(throws: Malformed.self) { try Head([]) }
    }

    @Test("the head after a crash at every change is the old or the new one")
    func headCrashes() throws {
        let (old, new) = (
            Head(size: 1, root: .zero, log: LogIndex(1)),
            Head(size: 2, root: .zero, log: LogIndex(2))
        )
        let disk = try made()
        let directory = try DataDirectory(disk: disk, path: "/data", mode: .open)
        try directory.write(old)
        for point in 1... {
            let next = disk.afterCrash(.nothing)
            let writer = try DataDirectory(disk: next, path: "/data", mode: .open)
            next.setPlan(FaultPlan(crash: .change(next.counts.changes + point)))
            let result = Result { try writer.write(new) }
            for seed in 0...20 as ClosedRange<UInt64> {
                let found = next.afterCrash(seed == 0 ? .everything : .random(seed: seed))
                let reader = try DataDirectory(disk: found, path: "/data", mode: .open)
                let head = try reader.readHead()
                #expect(head == new || (head == old && next.hasCrashed))
            }
            guard case .failure = result else { break }
        }
    }

    @Test("sums name the file of the state store that was changed, added or removed")
    func sums() throws {
        let disk = try made()
        let directory = try DataDirectory(disk: disk, path: "/data", mode: .open)
        try disk.replace("/data/state/flat", with: [1, 2, 3])
        try disk.replace("/data/state/more", with: [4])
        try disk.replace("/data/state/LOG", with: [9])
        #expect(try !directory.checkSums())
        try directory.writeSums()
        #expect(try directory.checkSums())
        try disk.replace("/data/state/LOG", with: [8, 8])
        #expect(try directory.checkSums())
        let damages: [(String, (FaultDisk) throws -> Void)] = [
            ("/data/state/flat", { try $0.flipBit(of: "/data/state/flat", offset: 1, bit: 5) }),
            ("/data/sums", { try $0.remove("/data/state/more") }),
            ("/data/state/new", { try $0.replace("/data/state/new", with: []) }),
            ("/data/", { try $0.flipBit(of: "/data/sums", offset: 3, bit: 0) }),
            ("/data/", { try $0.flipBit(of: "/data/sums", offset: 30, bit: 0) }),
        ]
        for (subject, damage) in damages {
            let copy = disk.afterCrash(.nothing)
            try damage(copy)
            let changes = copy.counts.changes
            let opened = try DataDirectory(disk: copy, path: "/data", mode: .inspect)
            let fault = #expect(throws: StoreFault.self) { try opened.checkSums() }
            #expect(fault?.code == .corrupt)
            #expect(fault?.subject.hasPrefix(subject) == true)
            #expect(copy.counts.changes == changes)
        }
        try directory.removeSums()
        try directory.removeSums()
        #expect(try !directory.checkSums())
    }
}

@Suite("cache images")
struct CacheImageTests {
    private let payload: [[UInt8]] = [[1, 2, 3], [], [UInt8](repeating: 7, count: 2_000)]

    @Test("an image is read back, and every changed byte of it is found")
    func roundTrip() throws {
        let disk = FaultDisk()
        try disk.makeDirectory("/image")
        let images = CacheImages(disk: disk, directory: "/image")
        let reference = try images.write(payload, applied: LogIndex(9))
        #expect(reference.name == "image-9")
        let found = disk.afterCrash(.everything)
        let again = CacheImages(disk: found, directory: "/image")
        #expect(throws: StoreFault.self) { try again.read(reference, applied: LogIndex(9)) }
        try disk.syncDirectory("/")
        let kept = CacheImages(disk: disk.afterCrash(.everything), directory: "/image")
        #expect(try kept.read(reference, applied: LogIndex(9)) == payload.flatMap(\.self))
        #expect(throws: StoreFault.self) { try kept.read(reference, applied: LogIndex(8)) }
        for offset in stride(from: 0, to: reference.size.rawValue, by: 7) {
            let damaged = disk.afterCrash(.nothing)
            try damaged.flipBit(of: "/image/image-9", offset: offset, bit: offset % 8)
            let reader = CacheImages(disk: damaged, directory: "/image")
            let fault = #expect(throws: StoreFault.self) {
                try reader.read(reference, applied: LogIndex(9))
            }
            #expect(fault?.code == .corrupt)
        }
    }

    @Test("a crash at every change of write and removal: the named image is always whole")
    func crashes() throws {
        for point in 1... {
            let disk = FaultDisk()
            try disk.makeDirectory("/image")
            try disk.syncDirectory("/")
            let images = CacheImages(disk: disk, directory: "/image")
            let old = try images.write([[1]], applied: LogIndex(1))
            disk.setPlan(FaultPlan(crash: .change(disk.counts.changes + point)))
            var named = old
            let result = Result {
                let new = try images.write(payload, applied: LogIndex(2))
                // The flush that names the new image comes here.
                named = new
                try images.removeAll(but: new)
            }
            for seed in 0...10 as ClosedRange<UInt64> {
                let found = disk.afterCrash(seed == 0 ? .everything : .random(seed: seed))
                let reader = CacheImages(disk: found, directory: "/image")
                let applied = LogIndex(named == old ? 1 : 2)
                _ = try reader.read(named, applied: applied)
                try reader.removeAll(but: named)
                #expect(try found.list("/image").map(\.name) == [named.name])
            }
            guard case .failure = result else { break }
        }
    }

    @Test("invariant 43 fires when the image to keep is not there")
    func invariant43() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let images = CacheImages(disk: FaultDisk(), directory: "/")
            try images.removeAll(
                but: ImageReference(name: "image-1", digest: .zero, size: ByteCount(1))
            )
        }
        expectInvariant(.i43, in: exit)
    }
}
