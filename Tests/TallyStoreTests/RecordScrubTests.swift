// SPDX-License-Identifier: Apache-2.0
//
// A round of the self-check over record files on a simulated disk: a clean one ends, each byte that
// has rotted is named with its file, offset and record, and a root that is another is seen.

import TallyCodec
import TallyProof
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("a round of the self-check")
struct RecordScrubTests {
    private static let count: UInt64 = 700

    private func disk() throws -> FaultDisk {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        for end in [300, RecordScrubTests.count] { try RecordBench.append(files, to: end) }
        try files.sync()
        return disk
    }

    private func mark(_ size: UInt64, _ name: String = "the head") -> ScrubMark {
        var range = CompactRange()
        for leaf in RecordBench.leaves(0..<size) { range.append(leaf) }
        return ScrubMark(size: size, root: range.root, name: name)
    }

    /// The offset of a record's length in `entries`.
    private func place(_ index: UInt64) -> Int { RecordBench.framed(0..<index).count }

    /// A whole round in pieces; gives what it checked.
    private func round(
        _ disk: FaultDisk,
        to size: UInt64 = count,
        others: [ScrubMark] = []
    ) throws -> (pieces: Int, bytes: Int) {
        var scrub = try RecordScrub(
            disk: disk,
            directory: RecordBench.folder,
            mark: mark(size),
            others: others
        ) { bytes throws(Malformed) in
            // The records of the bench begin with their index.
            let index = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return RecordBench.blob(index).map { [$0.reference] } ?? []
        }
        var done = (pieces: 0, bytes: 0)
        while !scrub.isDone {
            done.bytes += try scrub.step(bytesMax: 4_096)
            done.pieces += 1
        }
        #expect(try scrub.step(bytesMax: 1) == 0, "a round that has ended reads nothing")
        return done
    }

    private func fault(
        _ disk: FaultDisk,
        to size: UInt64 = count,
        others: [ScrubMark] = []
    ) -> StoreFault? {
        #expect(throws: StoreFault.self) { try round(disk, to: size, others: others) }
    }

    @Test("clean files pass at any size, in bounded pieces, up to every root that was signed")
    func clean() throws {
        let disk = try disk()
        for size in [0, 1, 255, 256, 257, 512, 699, 700] as [UInt64] {
            let others = [0, 1, 256, 300].filter { $0 <= size }.map { mark($0) }
            let done = try round(disk, to: size, others: others)
            let blobs = (0..<size).compactMap(RecordBench.blob).reduce(0) { $0 + $1.bytes.count }
            #expect(done.bytes == place(size) + Int(size) * 32 + blobs, "\(size)")
            #expect(done.pieces <= done.bytes / 4_096 + 1, "\(size)")
        }
    }

    @Test("any byte of a record that has rotted is named, and the right file of the two")
    func records() throws {
        let disk = try disk()
        let path = RecordBench.folder + "/entries"
        for index in [0, 255, 256, 511, 600, 699] as [UInt64] {
            let length = RecordBench.record(index).count
            for offset in [0, 1, 2, 9, length + 1] {
                let damaged = disk.afterExit()
                try damaged.flipBit(of: path, offset: place(index) + offset, bit: 2)
                let fault = fault(damaged)
                #expect(fault?.code == .corrupt)
                let subject = "\(path), offset \(place(index)), record \(index)"
                #expect(fault?.subject == subject, "\(String(describing: fault))")
                #expect(
                    fault?.reason.contains("\(RecordBench.leaves(index..<index + 1)[0])") == true
                )
                #expect(try round(damaged, to: index).bytes >= place(index), "not below it")
            }
        }
    }

    @Test("hashes of every level are named, with the record where they begin")
    func tiles() throws {
        let disk = try disk()
        let cases: [(level: Int, row: Int, record: Int)] = [
            (0, 0, 0), (0, 256, 256), (0, 300, 300), (0, 699, 699), (1, 0, 0), (1, 1, 256),
        ]
        for (level, row, record) in cases {
            for offset in [0, 31] {
                let path = RecordBench.folder + "/tiles/\(level)"
                let damaged = disk.afterExit()
                try damaged.flipBit(of: path, offset: row * 32 + offset, bit: 7)
                let fault = fault(damaged)
                #expect(fault?.code == .corrupt)
                #expect(fault?.subject == "\(path), offset \(row * 32), record \(record)")
                #expect(fault?.reason.contains(", found ") == true)
            }
        }
        let behind = disk.afterExit()
        try behind.flipBit(of: RecordBench.folder + "/tiles/0", offset: 700 * 32, bit: 0)
        #expect(try round(behind).bytes > 0, "nothing is read behind the head")
    }

    @Test("offsets, blobs, a short file and another root are named")
    func others() throws {
        let disk = try disk()
        let offsets = RecordBench.folder + "/offsets"
        for (number, offset) in [(0, 0), (1, 9), (1, 15), (2, 16)] {
            let damaged = disk.afterExit()
            try damaged.flipBit(of: offsets, offset: offset, bit: 7)
            let fault = fault(damaged)
            #expect(fault?.subject == "\(offsets), offset \(number * 8), record \(number * 256)")
            #expect(fault?.reason.contains("expected \(place(UInt64(number) * 256))") == true)
        }
        let blob = try #require(RecordBench.blob(49))
        let path = RecordBench.folder + "/blobs/\(blob.reference.digest)"
        let changed = disk.afterExit()
        try changed.flipBit(of: path, offset: 500, bit: 1)
        #expect(fault(changed)?.subject == "\(path), offset 0, record 49")
        #expect(fault(changed)?.code == .corrupt)
        let gone = disk.afterExit()
        try gone.remove(path)
        #expect(fault(gone)?.code == .missing)
        #expect(fault(gone)?.subject == "\(path), offset 0, record 49")
        let short = disk.afterExit()
        try short.open(RecordBench.folder + "/entries", .readWrite).truncate(to: place(700) - 1)
        #expect(fault(short)?.reason.hasPrefix("no whole record is there") == true)
        let signed = ScrubMark(size: 300, root: mark(299).root, name: "the signed checkpoint")
        let other = fault(disk, others: [signed])
        #expect(other?.subject.hasSuffix("/entries, 300 records") == true)
        #expect(other?.reason.contains("of the signed checkpoint, found \(mark(300).root)") == true)
    }
}
