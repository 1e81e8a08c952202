// SPDX-License-Identifier: Apache-2.0
//
// The conformance kit of the `Disk` seam: what every disk promises while the power stays on.
// Imports TallyTypes. Run by tests against RealDisk and FaultDisk, each check in an empty folder of
// its own.

package import TallyTypes

/// A disk, and an empty folder on it.
package struct DiskSubject {
    /// The disk.
    package let disk: any Disk
    /// The folder.
    package let folder: String

    /// Makes a subject.
    package init(disk: any Disk, folder: String) {
        self.disk = disk
        self.folder = folder
    }

    func path(_ name: String) -> String { folder + "/" + name }
}

/// The checks that every disk passes.
package enum DiskConformance {
    /// All checks.
    package static let checks: [ConformanceCheck<DiskSubject>] = files + names + locks

    private static let files: [ConformanceCheck<DiskSubject>] = [
        ConformanceCheck("bytes are read back where they were written") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            try file.write([1, 2, 3].span, at: 0)
            try file.write([9].span, at: 1)
            try expectEqual(try file.bytes(at: 0, count: 3), [1, 9, 3], "bytes")
            try file.sync()
            let again = try subject.disk.open(subject.path("a"), .readOnly)
            try expectEqual(try again.bytes(at: 1, count: 2), [9, 3], "bytes of a second handle")
        },
        ConformanceCheck("a write behind the end leaves zeros before it") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            try file.write([7].span, at: 5)
            try expectEqual(try file.size(), 6, "size")
            try expectEqual(try file.bytes(at: 0, count: 6), [0, 0, 0, 0, 0, 7], "bytes")
        },
        ConformanceCheck("a read at the end of a file is short, behind it empty") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            try file.write([1, 2].span, at: 0)
            try expectEqual(try read(file, 1, 4), [2], "short read")
            try expectEqual(try read(file, 2, 4), [], "read at the end")
            try expectEqual(try read(file, 9, 4), [], "read behind the end")
        },
        ConformanceCheck("preallocation adds zeros and never shortens") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            try file.write([5].span, at: 0)
            try file.preallocate(to: 4096)
            try expectEqual(try file.size(), 4096, "size")
            try file.preallocate(to: 10)
            try expectEqual(try file.size(), 4096, "size after a smaller one")
            try expectEqual(
                try file.bytes(at: 0, count: 4096),
                [5] + [UInt8](repeating: 0, count: 4095),
                "bytes"
            )
        },
        ConformanceCheck("truncation shortens, and growing again gives zeros") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            try file.write([1, 2, 3].span, at: 0)
            try file.truncate(to: 1)
            try expectEqual(try file.size(), 1, "size")
            try file.truncate(to: 3)
            try expectEqual(try file.bytes(at: 0, count: 3), [1, 0, 0], "bytes")
        },
        ConformanceCheck("a file opened for reading takes no writes") { subject in
            _ = try subject.disk.open(subject.path("a"), .createNew)
            let file = try subject.disk.open(subject.path("a"), .readOnly)
            try expectFault(.readOnly) { () throws(DiskFault) in
                try file.write([1].span, at: 0)
            }
        },
        ConformanceCheck("memory that is let go of, synced or not, changes no byte") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            try file.write([UInt8](repeating: 5, count: 16_384).span, at: 0)
            try file.beginWriting(0..<16_384)
            try file.letGo(0..<8_192)
            try file.sync()
            try file.write([6].span, at: 8_191)
            try file.letGo(0..<16_384)
            let bytes = [UInt8](repeating: 5, count: 8_191) + [6]
            try expectEqual(try file.bytes(at: 0, count: 8_192), bytes, "bytes")
            try expectEqual(try file.size(), 16_384, "size")
        },
        ConformanceCheck("an empty write and an empty read do nothing") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            let none: [UInt8] = []
            try file.write(none.span, at: 0)
            try expectEqual(try file.size(), 0, "size")
            try expectEqual(try file.bytes(at: 0, count: 0), [], "bytes")
        },
    ]

    private static let names: [ConformanceCheck<DiskSubject>] = [
        ConformanceCheck("opening what is not there is notFound") { subject in
            for mode in [DiskOpenMode.readOnly, .readWrite] {
                try expectFault(.notFound) { () throws(DiskFault) in
                    _ = try subject.disk.open(subject.path("none"), mode)
                }
            }
            try expectFault(.notFound) { () throws(DiskFault) in
                _ = try subject.disk.open(subject.path("none/a"), .createNew)
            }
            try expectFault(.notFound) { () throws(DiskFault) in
                _ = try subject.disk.list(subject.path("none"))
            }
        },
        ConformanceCheck("a new file needs a free name; createOrEmpty empties") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            try file.write([1].span, at: 0)
            try expectFault(.exists) { () throws(DiskFault) in
                _ = try subject.disk.open(subject.path("a"), .createNew)
            }
            let emptied = try subject.disk.open(subject.path("a"), .createOrEmpty)
            try expectEqual(try emptied.size(), 0, "size")
        },
        ConformanceCheck("names are listed ascending by their bytes, with their kind") { subject in
            for name in ["b", "a", "B", "é"] {
                _ = try subject.disk.open(subject.path(name), .createNew)
            }
            try subject.disk.makeDirectory(subject.path("dir"))
            _ = try subject.disk.open(subject.path("dir/inner"), .createNew)
            let found = try subject.disk.list(subject.folder)
            try expectEqual(found.map(\.name), ["B", "a", "b", "dir", "é"], "names")
            try expectEqual(
                found.map(\.kind),
                [.file, .file, .file, .directory, .file],
                "kinds"
            )
            try subject.disk.syncDirectory(subject.folder)
        },
        ConformanceCheck("a folder is made once, and only in a folder") { subject in
            try subject.disk.makeDirectory(subject.path("dir"))
            try expectFault(.exists) { () throws(DiskFault) in
                try subject.disk.makeDirectory(subject.path("dir"))
            }
            try expectFault(.notFound) { () throws(DiskFault) in
                try subject.disk.makeDirectory(subject.path("none/dir"))
            }
        },
        ConformanceCheck("a rename replaces; an open file keeps its bytes") { subject in
            let old = try subject.disk.open(subject.path("a"), .createNew)
            try old.write([1].span, at: 0)
            let new = try subject.disk.open(subject.path("b"), .createNew)
            try new.write([2].span, at: 0)
            try subject.disk.rename(subject.path("b"), to: subject.path("a"))
            try expectEqual(try subject.disk.list(subject.folder).map(\.name), ["a"], "names")
            let found = try subject.disk.open(subject.path("a"), .readOnly)
            try expectEqual(try found.bytes(at: 0, count: 1), [2], "bytes of the name")
            try expectEqual(try old.bytes(at: 0, count: 1), [1], "bytes of the old handle")
            try new.write([3].span, at: 0)
            try expectEqual(try found.bytes(at: 0, count: 1), [3], "bytes after the rename")
        },
        ConformanceCheck("a removed name is gone, an open file stays readable") { subject in
            let file = try subject.disk.open(subject.path("a"), .createNew)
            try file.write([1].span, at: 0)
            try subject.disk.remove(subject.path("a"))
            try expectEqual(try subject.disk.list(subject.folder), [], "names")
            try expectEqual(try file.bytes(at: 0, count: 1), [1], "bytes")
            try expectFault(.notFound) { () throws(DiskFault) in
                try subject.disk.remove(subject.path("a"))
            }
            try expectFault(.notFound) { () throws(DiskFault) in
                try subject.disk.rename(subject.path("a"), to: subject.path("b"))
            }
        },
        ConformanceCheck("replace leaves exactly the new bytes and no other name") { subject in
            try subject.disk.replace(subject.path("a"), with: [1, 2, 3])
            try subject.disk.replace(subject.path("a"), with: [4])
            let found = try subject.disk.contents(of: subject.path("a"), limit: ByteCount(9))
            try expectEqual(found, [4], "bytes")
            try expectEqual(try subject.disk.list(subject.folder).map(\.name), ["a"], "names")
            try expectTrue(try subject.disk.exists(subject.path("a")), "exists")
            let isThere = try subject.disk.exists(subject.path("b"))
            try expectTrue(!isThere, "does not exist")
        },
    ]

    private static let locks: [ConformanceCheck<DiskSubject>] = [
        ConformanceCheck("one holder of a lock at a time") { subject in
            try holdAndTry(subject)
            let again = try subject.disk.lock(subject.path("LOCK"))
            try expectEqual(again.path, subject.path("LOCK"), "path")
        },
        ConformanceCheck("a shared lock: beside others, never beside an exclusive one") { subject in
            try expectFault(.notFound) { () throws(DiskFault) in
                _ = try subject.disk.lockShared(subject.path("LOCK"))
            }
            try expectEqual(try subject.disk.list(subject.folder).count, 0, "names")
            try shareAndTry(subject)
            let alone = try subject.disk.lock(subject.path("LOCK"))
            try expectFault(.locked) { () throws(DiskFault) in
                _ = try subject.disk.lockShared(alone.path)
            }
        },
    ]

    private static func shareAndTry(_ subject: DiskSubject) throws {
        _ = try subject.disk.lock(subject.path("LOCK"))
        let first = try subject.disk.lockShared(subject.path("LOCK"))
        let second = try subject.disk.lockShared(first.path)
        try expectFault(.locked) { () throws(DiskFault) in _ = try subject.disk.lock(second.path) }
        try expectEqual(first.path, subject.path("LOCK"), "path")
    }

    private static func holdAndTry(_ subject: DiskSubject) throws {
        let held = try subject.disk.lock(subject.path("LOCK"))
        try expectFault(.locked) { () throws(DiskFault) in
            _ = try subject.disk.lock(held.path)
        }
    }

    private static func read(
        _ file: any DiskFile,
        _ offset: Int,
        _ count: Int
    ) throws(DiskFault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        var span = bytes.mutableSpan
        let read = try file.read(into: &span, at: offset)
        return Array(bytes.prefix(read))
    }

    private static func expectFault(
        _ code: DiskFault.Code,
        _ body: () throws(DiskFault) -> Void
    ) throws(ConformanceFailure) {
        do {
            try body()
        } catch {
            return try expectEqual(error.code, code, "code of “\(error)”")
        }
        throw ConformanceFailure("nothing was thrown, expected \(code)")
    }
}

/// The checks that every clock passes.
package enum ClockConformance {
    /// All checks.
    package static let checks: [ConformanceCheck<any Clock>] = [
        ConformanceCheck("the time is after 2023 and before 2200, in microseconds") { clock in
            let now = clock.now().microseconds
            try expectTrue(now > 1_672_531_200_000_000, "\(now) is before 2023")
            try expectTrue(now < 7_258_118_400_000_000, "\(now) is after 2199")
        },
        ConformanceCheck("a later look is within an hour of an earlier one") { clock in
            let (first, second) = (clock.now().microseconds, clock.now().microseconds)
            let distance = first > second ? first - second : second - first
            try expectTrue(distance < 3_600_000_000, "\(first), then \(second)")
        },
    ]
}
