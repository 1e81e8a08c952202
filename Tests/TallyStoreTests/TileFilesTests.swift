// SPDX-License-Identifier: Apache-2.0
//
// Rows of tiles beside the records: what they hold, that a start makes what is missing, and that
// the verifier sees every wrong byte of them.

import TallyProof
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("tiles beside records")
struct TileFilesTests {
    private static let count: UInt64 = 700

    private func files(_ disk: FaultDisk) throws -> RecordFiles {
        let files = try RecordBench.open(disk, flushed: 0)
        for end in [3, 255, 256, 300, 690, TileFilesTests.count] as [UInt64] {
            try RecordBench.append(files, to: end)
        }
        return files
    }

    /// The tree of the records, and its rows, as the builder gives them.
    private func expected() -> (leaves: [Digest], above: [Digest]) {
        let leaves = RecordBench.leaves(0..<TileFilesTests.count)
        return (leaves, [TileBuilder.root(leaves[..<256]), TileBuilder.root(leaves[256..<512])])
    }

    private func check(_ files: RecordFiles) throws {
        let (leaves, above) = expected()
        #expect(files.tiles.count == TileFilesTests.count)
        #expect(try files.tiles.row(0, 0..<TileFilesTests.count) == leaves)
        #expect(try files.tiles.row(1, 0..<2) == above)
        var range = CompactRange()
        for leaf in leaves { range.append(leaf) }
        let tree = StoredTree { level, positions throws(StoreFault) in
            try files.tiles.row(level, positions)
        }
        #expect(try tree.root(size: TileFilesTests.count) == range.root)
    }

    @Test("levels follow when records are synced; a hash that is not there is named")
    func levels() throws {
        let files = try files(try RecordBench.disk())
        #expect(throws: StoreFault.self) { try files.tiles.row(1, 0..<1) }
        try files.sync()
        try check(files)
        let fault = #expect(throws: StoreFault.self) { try files.tiles.row(1, 1..<3) }
        #expect(fault?.code == .missing && fault?.subject == RecordBench.folder + "/tiles/1")
    }

    @Test("a start makes what is missing, and writes again what was not synced")
    func mended() throws {
        let cases: [(gone: [String], trusted: UInt64)] = [
            ([], 0), (["0"], 700), (["1"], 700), (["0", "1"], 300), ([], 300),
        ]
        for (gone, trusted) in cases {
            let disk = try RecordBench.disk()
            let before = try files(disk)
            try before.sync()
            for level in gone { try disk.remove(RecordBench.folder + "/tiles/" + level) }
            if trusted < 700 {
                let offsets: [Int] = gone.isEmpty ? [Int(trusted) * 32, 650 * 32] : []
                for offset in offsets {
                    let file = try disk.open(RecordBench.folder + "/tiles/0", .readWrite)
                    try file.write([9, 9, 9].span, at: offset)
                }
            }
            let replay = try RecordReplay(
                disk: disk.afterExit(),
                directory: RecordBench.folder,
                configuration: RecordBench.configuration,
                flushed: RecordIndex(700),
                durable: RecordIndex(trusted)
            )
            try check(try RecordBench.mend(replay))
        }
    }

    @Test("the verifier names every wrong byte, and what lies behind the last hash")
    func verifier() throws {
        let disk = try RecordBench.disk()
        try files(disk).sync()
        #expect(try RecordBench.verify(disk, durable: 700).hasTiles)
        for (level, bytes) in [("0", 700 * 32), ("1", 64)] {
            let path = RecordBench.folder + "/tiles/" + level
            let size = try disk.open(path, .readOnly).size()
            #expect(size > bytes)
            for offset in [0, 31, 40, bytes - 1, bytes, size - 1] {
                let damaged = disk.afterExit()
                try damaged.flipBit(of: path, offset: offset, bit: 3)
                let fault = #expect(throws: StoreFault.self) {
                    try RecordBench.verify(damaged, durable: 700)
                }
                #expect(fault?.code == .corrupt && fault?.subject.hasPrefix(path) == true)
            }
        }
        let lacking = disk.afterExit()
        try lacking.remove(RecordBench.folder + "/tiles/1")
        #expect(throws: StoreFault.self) { try RecordBench.verify(lacking, durable: 700) }
        #expect(try RecordBench.verify(lacking, durable: 255).hasTiles, "not known to be durable")
        let foreign = disk.afterExit()
        _ = try foreign.open(RecordBench.folder + "/tiles/x", .createNew)
        #expect(throws: StoreFault.self) { try RecordBench.verify(foreign, durable: 700) }
    }
}
