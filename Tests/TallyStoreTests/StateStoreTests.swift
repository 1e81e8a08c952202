// SPDX-License-Identifier: Apache-2.0
//
// Both state stores: the kit, what each adds, and the flat one under crashes.

import Foundation
import TestSupport
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("state stores")
struct StateStoreTests {
    @Test("the kit of state stores, RocksDB", arguments: StateStoreConformance.checks)
    func kitRocks(check: ConformanceCheck<StateStoreSubject>) throws {
        let folder = try TemporaryDirectory("rocks")
        let path = folder.file("state").path
        let subject = StateStoreSubject(
            open: { try RocksStateStore(path: path) },
            openCopy: { try RocksStateStore(path: $0, mode: .readOnly) },
            copy: folder.file("copy").path
        )
        try check.run(subject)
    }

    @Test("the kit of state stores, flat, on both disks", arguments: StateStoreConformance.checks)
    func kitFlat(check: ConformanceCheck<StateStoreSubject>) throws {
        let simulated = FaultDisk()
        try simulated.makeDirectory("/state")
        let folder = try TemporaryDirectory("flat")
        try RealDisk().makeDirectory(folder.file("state").path)
        let places: [(any Disk, String)] = [(simulated, ""), (RealDisk(), folder.path)]
        for (disk, root) in places {
            let subject = StateStoreSubject(
                open: { try FlatStateStore(disk: disk, directory: root + "/state") },
                openCopy: { try FlatStateStore(disk: disk, directory: $0) },
                copy: root + "/copy"
            )
            try check.run(subject)
        }
    }

    @Test("opening for reading changes no byte of RocksDB's folder, and makes none")
    func readOnly() throws {
        let folder = try TemporaryDirectory("rocks")
        let path = folder.file("state").path
        let missing = #expect(throws: StoreFault.self) {
            try RocksStateStore(path: path, mode: .readOnly)
        }
        #expect([.missing, .engine].contains(missing?.code))
        #expect(!FileManager.default.fileExists(atPath: path))
        let store = try RocksStateStore(path: path)
        try store.flush(StateStoreConformance.batch(1, puts: [[1]: [1], [2]: [2]]))
        try store.close()
        let before = try bytes(of: path)
        let reader = try RocksStateStore(path: path, mode: .readOnly)
        #expect(try reader.read([[1]]) == [[1]])
        #expect(try StateStoreConformance.rows(reader).count == 2)
        try reader.close()
        #expect(try bytes(of: path) == before)
    }

    @Test("the engine's words for a full disk ask for room, others are what they were")
    func words() {
        for words in ["No space left on device", "Disk quota exceeded", "File too large"] {
            let line = StoreFault(engine: "IO error: \(words): While x", at: "/d/state").description
            #expect(line.hasPrefix("/d/state: "), "\(line)")
            #expect(line.hasSuffix("; make room, then start again"), "\(line)")
        }
        let codes: [(String, StoreFault.Code)] = [
            ("Corruption: bad block", .corrupt), ("IO error: lock /d/state/LOCK", .locked),
            ("IO error: No such file or directory: x", .missing), ("IO error: x", .engine),
        ]
        for (words, code) in codes {
            #expect(StoreFault(engine: words, at: "/d/state").code == code)
        }
    }

    @Test("one process at a time has RocksDB's folder")
    func locked() throws {
        let folder = try TemporaryDirectory("rocks")
        let store = try RocksStateStore(path: folder.file("state").path)
        let fault = #expect(throws: StoreFault.self) {
            try RocksStateStore(path: folder.file("state").path)
        }
        #expect(fault?.code == .locked)
        try store.close()
    }

    @Test("a store with an open snapshot is not closed, and says so")
    func openSnapshot() throws {
        let folder = try TemporaryDirectory("rocks")
        let store = try RocksStateStore(path: folder.file("state").path)
        let snapshot = try store.snapshot()
        #expect(throws: StoreFault.self) { try store.close() }
        #expect(snapshot.marker == nil)
    }

    @Test("a damaged table file is corruption", .timeLimit(.minutes(5)))
    func damagedTable() throws {
        let folder = try TemporaryDirectory("rocks")
        let path = folder.file("state").path
        let store = try RocksStateStore(path: path)
        let puts = (0..<500).map {
            ([UInt8($0 >> 8), UInt8($0 & 255)], [UInt8](repeating: 7, count: 40))
        }
        try store.flush(
            StateStoreConformance.batch(1, puts: Dictionary(uniqueKeysWithValues: puts))
        )
        try store.close()
        let table = try #require(
            try RealDisk().list(path).map(\.name).last { $0.hasSuffix(".sst") }
        )
        let file = try RealDisk().open(path + "/" + table, .readWrite)
        let byte = try file.bytes(at: 900, count: 1)[0]
        try file.write([byte ^ 4].span, at: 900)
        let fault = #expect(throws: StoreFault.self) {
            let damaged = try RocksStateStore(path: path, mode: .readOnly)
            _ = try StateStoreConformance.rows(damaged)
        }
        #expect(fault?.code == .corrupt)
    }

    @Test("the flat store after a crash at every change holds one whole flush")
    func flatCrashes() throws {
        for point in 1... {
            let disk = FaultDisk(plan: FaultPlan(crash: .change(point)))
            var flushed: UInt64 = 0
            do {
                try disk.makeDirectory("/state")
                try disk.syncDirectory("/")
                let store = try FlatStateStore(disk: disk, directory: "/state")
                for index in 1...3 as ClosedRange<UInt64> {
                    try store.flush(flatBatch(index))
                    flushed = index
                }
            } catch let fault as StoreFault {
                #expect(fault.cause?.code == .crashed)
            } catch let fault as DiskFault {
                #expect(fault.code == .crashed)
                continue
            }
            for loss in [CrashLoss.nothing, .everything] + (1...20).map({ .random(seed: $0) }) {
                let found = disk.afterCrash(loss)
                guard try found.exists("/state") else { continue }
                let store = try FlatStateStore(disk: found, directory: "/state")
                let marker = try store.marker()?.applied.rawValue ?? 0
                #expect(marker == flushed || marker == flushed + 1)
                let rows = try StateStoreConformance.rows(store)
                #expect(rows.map(\.value) == (marker == 0 ? [] : [[UInt8(marker)], [0]]))
            }
            guard disk.hasCrashed else { break }
        }
    }

    private func flatBatch(_ index: UInt64) -> FlushBatch {
        StateStoreConformance.batch(
            index,
            puts: [[9]: [0], [5]: [UInt8(index)]],
            deletes: [[7]]
        )
    }

    @Test("a flush found after the end of a process survives a later loss of power")
    func exitThenPowerLoss() throws {
        for point in 1... {
            let disk = FaultDisk()
            try disk.makeDirectory("/state")
            try disk.syncDirectory("/")
            let store = try FlatStateStore(disk: disk, directory: "/state")
            disk.setPlan(FaultPlan(crash: .change(disk.counts.changes + point)))
            _ = Result { try store.flush(flatBatch(1)) }
            let left = disk.afterExit()
            let found = try FlatStateStore(disk: left, directory: "/state").marker()
            let again = left.afterCrash(.everything)
            #expect(try FlatStateStore(disk: again, directory: "/state").marker() == found)
            guard disk.hasCrashed else { break }
        }
    }

    @Test("a flip of any bit of the flat store's file is found")
    func flatFlips() throws {
        let disk = FaultDisk()
        try disk.makeDirectory("/state")
        let store = try FlatStateStore(disk: disk, directory: "/state")
        try store.flush(StateStoreConformance.batch(3, puts: [[1]: [2], [3]: [4, 5]]))
        let size = try disk.open("/state/flat", .readOnly).size()
        for offset in 0..<size {
            for bit in 0..<8 {
                let damaged = disk.afterCrash(.nothing)
                try damaged.flipBit(of: "/state/flat", offset: offset, bit: bit)
                let fault = #expect(throws: StoreFault.self) {
                    try FlatStateStore(disk: damaged, directory: "/state")
                }
                #expect([.corrupt, .unknownFormat].contains(fault?.code))
            }
        }
    }

    @Test("a marker is read back, and every shorter, longer or changed one is refused")
    func marker() throws {
        let marker = StateStoreConformance.marker(7)
        let bytes = marker.bytes
        #expect(try FlushMarker(bytes) == marker)
        #expect(try FlushMarker(StateStoreConformance.marker(8).bytes).image == nil)
        for count in 0..<bytes.count {
            #expect(throws: Malformed.self) { try FlushMarker(Array(bytes.prefix(count))) }
            var changed = bytes
            changed[count] ^= 1
            #expect(throws: Malformed.self) { try FlushMarker(changed) }
        }
        #expect(throws: Malformed.self) { try FlushMarker(bytes + [0]) }
    }

    @Test("the marker of docs/formats/store.md, byte by byte")
    func goldenMarker() {
        let marker = FlushMarker(
            applied: LogIndex(1),
            scalars: [],
            secrets: [],
            tree: [],
            image: nil
        )
        let zeros = String(repeating: "0", count: 112)
        #expect(hexadecimal(marker.bytes) == "010100000000000000" + zeros + "29fd3372")
    }

    private func bytes(of folder: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            found[name] = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
        }
        return found
    }
}

@Suite("invariants of state stores")
struct StateStoreInvariantTests {
    @Test("invariant 33 fires when the keys of a read do not ascend")
    func invariant33() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let disk = FaultDisk()
            let store = try FlatStateStore(disk: disk, directory: "/")
            _ = try store.read([[2], [1]])
        }
        expectInvariant(.i33, in: exit)
    }

    @Test("invariant 40 fires when the rows of a flush do not ascend")
    func invariant40() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let store = try FlatStateStore(disk: FaultDisk(), directory: "/")
            var rows = FlushRows()
            let (one, two): ([UInt8], [UInt8]) = ([1], [2])
            rows.put(two.span, one.span)
            rows.put(one.span, one.span)
            try store.flush(FlushBatch(rows: rows, marker: StateStoreConformance.marker(1)))
        }
        expectInvariant(.i40, in: exit)
    }

    @Test("invariant 44 fires when all rows would be removed")
    func invariant44() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let store = try FlatStateStore(disk: FaultDisk(), directory: "/")
            try store.removeRows(below: [255])
        }
        expectInvariant(.i44, in: exit)
    }
}
