// SPDX-License-Identifier: Apache-2.0
//
// What stands beside records: read back and checked, never emptied while a record needs it, and
// judged at start-up as the records are.

import TallyCodec
import TallyProof
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("blobs beside records")
struct BlobFilesTests {
    private static let blob: Blob = {
        let bytes = (0..<2_000).map { UInt8(truncatingIfNeeded: $0 * 7) } + [1]
        return Blob(bytes, digest: Hashing.sha256(bytes))
    }()

    private static let path = RecordBench.folder + "/blobs/\(blob.reference.digest)"

    private func fault(_ body: () throws -> Void) -> StoreFault? {
        do {
            try body()
            return nil
        } catch {
            return error as? StoreFault
        }
    }

    /// Appends the records up to an index; the last one needs the blob too.
    private func append(_ files: RecordFiles, to end: UInt64) throws {
        let range = files.count.rawValue..<end
        try files.append(
            RecordBench.framed(range).span,
            first: files.count,
            positions: range.compactMap(RecordBench.position),
            leaves: RecordBench.leaves(range),
            blobs: [BlobFilesTests.blob]
        )
    }

    private func replay(_ disk: any Disk, durable: UInt64) throws -> RecordReplay {
        var replay = try RecordReplay(
            disk: disk,
            directory: RecordBench.folder,
            configuration: RecordBench.configuration,
            flushed: .zero,
            durable: RecordIndex(durable)
        )
        try replay.compare(
            RecordBench.framed(0..<4),
            first: .zero,
            positions: (0..<4).compactMap(RecordBench.position),
            blobs: [BlobFilesTests.blob]
        )
        return replay
    }

    @Test("a blob is read back; another content, another length and nothing at all are named")
    func reading() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        let (blob, path) = (BlobFilesTests.blob, BlobFilesTests.path)
        let missing = fault { _ = try files.blobs.read(blob.reference) }
        #expect(missing?.code == .missing && missing?.subject == path)
        try append(files, to: 4)
        try files.sync()
        #expect(try files.blobs.read(blob.reference) == blob.bytes)
        #expect(try files.blobs.names() == ["\(blob.reference.digest)"])
        let file = try disk.open(path, .readWrite)
        try file.write([0xFF].span, at: 1_000)
        let changed = fault { _ = try files.blobs.read(blob.reference) }
        #expect(changed?.code == .corrupt && changed?.subject == path)
        try file.write([blob.bytes[1_000]].span, at: 1_000)
        #expect(try files.blobs.read(blob.reference) == blob.bytes)
        try file.write([0].span, at: blob.bytes.count)
        #expect(fault { _ = try files.blobs.read(blob.reference) }?.code == .corrupt)
        try file.truncate(to: blob.bytes.count - 1)
        #expect(fault { _ = try files.blobs.read(blob.reference) }?.code == .corrupt)
    }

    @Test("a blob that is written for a second record is there at every crash")
    func shared() throws {
        var cases = 0
        for point in 1... {
            let disk = try RecordBench.disk()
            let files = try RecordBench.open(disk, flushed: 0)
            try append(files, to: 4)
            try files.sync()
            disk.setPlan(FaultPlan(crash: .change(disk.counts.changes + point)))
            _ = fault {
                try append(files, to: 8)
                try files.sync()
            }
            for loss in [.nothing, .everything, .random(seed: 1), .random(seed: 2)] as [CrashLoss] {
                let left = BlobFiles(disk: disk.afterCrash(loss), directory: RecordBench.folder)
                let held = try left.read(BlobFilesTests.blob.reference)
                #expect(held == BlobFilesTests.blob.bytes, "change \(point), \(loss)")
                cases += 1
            }
            guard disk.hasCrashed else { break }
        }
        #expect(cases > 20)
    }

    @Test("a start writes a blob again whose record was not synced, whatever is there")
    func mended() throws {
        for left in [nil, [], Array(BlobFilesTests.blob.bytes.prefix(512)), [9, 9]] as [[UInt8]?] {
            let disk = try RecordBench.disk()
            try append(try RecordBench.open(disk, flushed: 0), to: 4)
            try disk.remove(BlobFilesTests.path)
            if let left {
                try disk.open(BlobFilesTests.path, .createNew).write(left.span, at: 0)
            }
            let found = disk.afterExit()
            let replay = try replay(found, durable: 0)
            #expect(found.counts.changes == 0, "looking changed something")
            let files = try RecordBench.mend(replay)
            #expect(
                try files.blobs.read(BlobFilesTests.blob.reference) == BlobFilesTests.blob.bytes
            )
            let later = found.afterCrash(.everything)
            let held = try BlobFiles(disk: later, directory: RecordBench.folder)
                .read(BlobFilesTests.blob.reference)
            #expect(held == BlobFilesTests.blob.bytes)
        }
    }

    @Test("a start names a blob whose record was synced, and that is missing or another")
    func lost() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try append(files, to: 4)
        try files.sync()
        #expect(fault { _ = try replay(disk.afterExit(), durable: 4) } == nil)
        let file = try disk.open(BlobFilesTests.path, .readWrite)
        try file.write([0xFF].span, at: 3)
        let changed = fault { _ = try replay(disk.afterExit(), durable: 4) }
        #expect(changed?.code == .corrupt && changed?.subject == BlobFilesTests.path)
        try disk.remove(BlobFilesTests.path)
        let missing = fault { _ = try replay(disk.afterExit(), durable: 4) }
        #expect(missing?.code == .missing && missing?.subject == BlobFilesTests.path)
    }

    @Test("many blobs do not wait, open, for the next sync")
    func many() throws {
        let disk = try RecordBench.disk()
        let files = try RecordBench.open(disk, flushed: 0)
        try files.sync()
        var blobs: [BlobReference] = []
        for index in 0..<70 as Range<UInt64> {
            let bytes = [UInt8](repeating: UInt8(index), count: 600)
            try files.append(
                RecordBench.framed(index..<index + 1).span,
                first: RecordIndex(index),
                positions: [index].compactMap(RecordBench.position),
                leaves: RecordBench.leaves(index..<index + 1),
                blobs: [Blob(bytes, digest: Hashing.sha256(bytes))]
            )
            blobs.append(BlobReference(length: 600, digest: Hashing.sha256(bytes)))
        }
        func whole() -> Int {
            let left = BlobFiles(
                disk: disk.afterCrash(.everything),
                directory: RecordBench.folder
            )
            return blobs.count { blob in fault { _ = try left.read(blob) } == nil }
        }
        #expect(whole() == 6, "those above 64 were synced at once, the others wait")
        try files.sync()
        #expect(whole() == 70)
    }
}
