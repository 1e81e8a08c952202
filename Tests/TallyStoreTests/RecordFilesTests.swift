// SPDX-License-Identifier: Apache-2.0
//
// The record files while nothing fails, what they find at start-up, and their invariants.

import TallyProof
import TestSupport
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("record files")
struct RecordFilesTests {
    @Test("records, bundles and positions are read back, before and after a restart")
    func roundTrip() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        for end in [1, 2, 255, 256, 257, 700, 1_100] as [UInt64] {
            try RecordBench.append(files, to: end)
        }
        try files.sync()
        try check(files)
        let replay = try RecordBench.look(disk.afterCrash(.everything), flushed: 1_100)
        #expect(replay.recovery.present == RecordIndex(1_100))
        #expect(!replay.recovery.rebuiltOffsets)
        #expect(!replay.recovery.rebuiltPositions)
        try check(try RecordBench.mend(replay))
        let report = try RecordBench.verify(disk)
        #expect(report.count == RecordIndex(1_100))
        #expect(report.entryBytes == RecordBench.framed(0..<1_100).count)
        #expect(report.positionCount == (0..<1_100).compactMap(RecordBench.position).count)
        #expect(report.remnant == nil)
    }

    @Test("the example of docs/formats/record-files.md, byte by byte")
    func golden() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        let framed: [UInt8] = [0, 2, 0xA1, 1, 0, 1, 0xF6]
        let position = RecordPosition(
            book: BookID(0, 1),
            transaction: TransactionID(1),
            record: RecordIndex(1)
        )
        let leaves = [[0xA1, 1], [0xF6]].map { Hashing.leaf($0) }
        try files.append(framed.span, first: .zero, positions: [position], leaves: leaves)
        func start(_ name: String) throws -> String {
            let file = try disk.open(RecordBench.folder + "/" + name, .readOnly)
            return hexadecimal(try file.bytes(at: 0, count: 9))
        }
        #expect(try start("entries") == "0002a1010001f60000")
        #expect(try start("offsets") == "000000000000000000")
        let book = "00000000000000000000000000000001"
        #expect(try start("positions/" + book) == "010000000000000000")
        #expect(try start("tiles/0") == hexadecimal(leaves[0].bytes.prefix(9)))
    }

    private func fault(_ body: () throws(StoreFault) -> Void) -> StoreFault? {
        do {
            try body()
            return nil
        } catch {
            return error
        }
    }

    private func check(_ files: RecordFiles) throws {
        #expect(files.count == RecordIndex(1_100))
        for index in [0, 1, 254, 255, 256, 511, 512, 1_099] as [UInt64] {
            #expect(try files.read(RecordIndex(index)) == RecordBench.record(index))
        }
        #expect(try files.read(RecordIndex(1_100)) == nil)
        let range = try files.records(from: RecordIndex(250), count: 300)
        #expect(range == (250..<550).map(RecordBench.record))
        #expect(try files.records(from: RecordIndex(1_098), count: 9).count == 2)
        #expect(try files.bundle(1) == RecordBench.framed(256..<512))
        #expect(try files.bundle(4) == RecordBench.framed(1_024..<1_100))
        #expect(try files.bundle(5) == [])
        for index in 0..<1_100 as Range<UInt64> {
            guard let position = RecordBench.position(index) else { continue }
            let found = try files.record(of: position.transaction, in: position.book)
            #expect(found == RecordIndex(index))
        }
        #expect(try files.record(of: TransactionID(9_999), in: BookID(0, 1)) == nil)
        #expect(try files.record(of: TransactionID(0), in: BookID(0, 1)) == nil)
        #expect(try files.record(of: TransactionID(1), in: BookID(7, 7)) == nil)
    }

    @Test("offsets and positions are rebuilt from the records when missing, short or wrong")
    func rebuild() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try RecordBench.append(files, to: 1_100)
        try files.sync()
        let position = RecordBench.folder + "/positions/" + BookID(0, 2).description
        let damages: [(FaultDisk) throws -> Void] = [
            { try $0.remove(RecordBench.folder + "/offsets") },
            { try $0.open(RecordBench.folder + "/offsets", .readWrite).truncate(to: 16) },
            { try $0.flipBit(of: RecordBench.folder + "/offsets", offset: 12, bit: 6) },
            { try $0.remove(position) },
            { try $0.open(position, .readWrite).truncate(to: 16) },
        ]
        for (number, damage) in damages.enumerated() {
            let damaged = disk.afterCrash(.nothing)
            try damage(damaged)
            let replay = try RecordBench.look(damaged, flushed: 1_100)
            #expect(replay.recovery.rebuiltOffsets == (number < 3))
            #expect(replay.recovery.rebuiltPositions == (number >= 3))
            let again = try RecordBench.mend(replay)
            try check(again)
            try again.sync()
            _ = try RecordBench.verify(damaged.afterCrash(.everything))
        }
    }

    @Test("fewer records than were flushed is corruption that names the first missing one")
    func missing() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try RecordBench.append(files, to: 300)
        try files.sync()
        let fault = #expect(throws: StoreFault.self) {
            try RecordBench.open(disk, flushed: 301)
        }
        #expect(fault?.code == .corrupt)
        #expect(fault?.subject == "/records/entries, record 300")
    }

    @Test("a replay of the same records finds nothing to repair")
    func replaySame() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try RecordBench.append(files, to: 600)
        try files.sync()
        var again = try RecordBench.look(disk, flushed: 100)
        #expect(again.count == RecordIndex(100))
        #expect(again.recovery.present == RecordIndex(600))
        for end in [130, 257, 600] as [UInt64] {
            try RecordBench.replay(&again, to: end)
        }
        let repair = try again.judgeSurplus { RecordBench.isWhole($0, 600) }
        #expect(repair.repairedSectors == 0)
        #expect(repair.cut == nil)
        #expect(try RecordBench.mend(again).count == RecordIndex(600))
        #expect(try RecordBench.verify(disk).count == RecordIndex(600))
    }

    @Test("a record that differs from the replay is a lost entry, named, and nothing is changed")
    func replayDiffers() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try RecordBench.append(files, to: 20)
        try files.sync()
        let offset = RecordBench.framed(0..<12).count + 10
        try disk.flipBit(of: RecordBench.folder + "/entries", offset: offset, bit: 0)
        var again = try RecordBench.look(disk, flushed: 5)
        let changes = disk.counts.changes
        let fault = fault { () throws(StoreFault) in try RecordBench.replay(&again, to: 20) }
        #expect(disk.counts.changes == changes)
        #expect(fault?.code == .lostEntry)
        #expect(fault?.subject == "/records/entries, record 12")
        #expect(fault?.reason.contains("offset \(offset)") == true)
    }

    @Test("a whole record above what the log yields is a lost entry, never cut")
    func surplus() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try RecordBench.append(files, to: 20)
        try files.sync()
        for end in [0, 18, 19] as [UInt64] {
            let copy = disk.afterCrash(.nothing)
            var again = try RecordBench.look(copy, flushed: 0)
            try RecordBench.replay(&again, to: end)
            let fault = fault { () throws(StoreFault) in
                _ = try again.judgeSurplus { RecordBench.isWhole($0, end) }
            }
            #expect(fault?.code == .lostEntry)
            #expect(fault?.subject == "/records/entries, record \(end)")
            #expect(copy.counts.changes == 0)
        }
    }

    @Test("only an incomplete last record is cut, and it is named")
    func cut() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try RecordBench.append(files, to: 257)
        try files.sync()
        let end = RecordBench.framed(0..<256).count
        let last = RecordBench.framed(256..<257).count
        for kept in 1..<last {
            let copy = disk.afterCrash(.nothing)
            let file = try copy.open(RecordBench.folder + "/entries", .readWrite)
            try file.writeZeros(at: end + kept, count: last - kept)
            let replay = try RecordBench.look(copy, flushed: 256)
            let repair = try replay.judgeSurplus { RecordBench.isWhole($0, 256) }
            let again = try RecordBench.mend(replay)
            // A first byte of zero is all that is left of a short record's length.
            #expect((repair.cut?.index == RecordIndex(256)) == (kept > 1))
            #expect(try RecordBench.verifyEntries(copy).remnant == nil)
            try RecordBench.append(again, to: 300)
            try again.sync()
            #expect(try RecordBench.verify(copy).count == RecordIndex(300))
        }
    }

    @Test("invariant 42 fires when records are appended at another index")
    func invariant42() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let files = try RecordBench.open(try RecordBench.disk(), flushed: 0)
            let bytes = RecordBench.framed(0..<1)
            try files.append(bytes.span, first: RecordIndex(1), positions: [], leaves: [])
        }
        expectInvariant(.i42, in: exit)
    }

    @Test("invariant 34 fires when the framing of a batch is wrong")
    func invariant34() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let files = try RecordBench.open(try RecordBench.disk(), flushed: 0)
            let bytes = RecordBench.framed(0..<2).dropLast()
            try files.append(Array(bytes).span, first: .zero, positions: [], leaves: [])
        }
        expectInvariant(.i34, in: exit)
    }

    @Test("invariant 34 fires when a record comes without its leaf hash")
    func leaves() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let files = try RecordBench.open(try RecordBench.disk(), flushed: 0)
            let bytes = RecordBench.framed(0..<2)
            let leaves = RecordBench.leaves(0..<1)
            try files.append(bytes.span, first: .zero, positions: [], leaves: leaves)
        }
        expectInvariant(.i34, in: exit)
    }

    @Test("a sync beside a failed append, and an append beside a failed sync, fail with its fault")
    func faultOfTheOtherThread() throws {
        let full = try RecordBench.disk()
        let appended = try RecordBench.open(full, flushed: 0)
        try RecordBench.append(appended, to: 3)
        full.setPlan(FaultPlan(failures: [full.counts.changes + 1: .full]))
        #expect(cause { try RecordBench.append(appended, to: 6) } == .full)
        #expect(cause { try appended.sync() } == .full)

        let failing = try RecordBench.disk()
        let synced = try RecordBench.open(failing, flushed: 0)
        try RecordBench.append(synced, to: 3)
        failing.setPlan(FaultPlan(failures: [failing.counts.changes + 1: .syncFailed]))
        #expect(cause { try synced.sync() } == .syncFailed)
        #expect(cause { try RecordBench.append(synced, to: 6) } == .syncFailed)
    }

    private func cause(of work: () throws -> Void) -> DiskFault.Code? {
        do {
            try work()
            return nil
        } catch let error as StoreFault {
            return error.cause?.code
        } catch {
            Issue.record(error)
            return nil
        }
    }

    @Test("invariant 41 fires when record files are used after a fault")
    func invariant41() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let disk = try RecordBench.disk()
            let files = try RecordBench.open(disk, flushed: 0)
            try RecordBench.append(files, to: 3)
            disk.setPlan(FaultPlan(failures: [disk.counts.changes + 1: .syncFailed]))
            do {
                try files.sync()
            } catch let error as StoreFault where error.cause?.code == .syncFailed {
                try files.sync()
            }
        }
        expectInvariant(.i41, in: exit)
    }
}
