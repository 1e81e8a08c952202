// SPDX-License-Identifier: Apache-2.0
//
// Ledgers made from backups: the same root, state and answers, at the end and at a point in time;
// what is not restored, and what a restored ledger never signs. Called by `swift test`.

import Foundation
import TallyChecker
import TallyCodec
import TallyHTTP
import TallyNode
import TallyProof
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("restores", .serialized)
struct RestoreTests {
    @Test("a restored ledger has the same root and state, verifies, and goes on")
    func whole() async throws {
        let test = try BackedUp()
        let stopped = try await test.grow(to: 600)
        try test.create()
        let outcome = try test.restore()
        #expect(outcome.records == 600 && outcome.signed == 600)
        #expect(outcome.root == stopped.head.root && outcome.stateDigest == stopped.digest)
        let report = Verification.run(test.restored)
        #expect(report.exitCode == 0, "\(report.lines)")
        #expect(report.root == stopped.head.root && report.records == 600)
        let node = try await test.start(test.restored)
        let statement = try await node.port.stateDigest()
        #expect(statement.digest == stopped.digest)
        #expect(statement.head.size == 600 && statement.head.root == stopped.head.root)
        #expect(node.signer.refusal == nil)
        let replayed = try await node.port.submit(.one(.pay("world", "alice", 1_000, key: "first")))
        guard case .groups(let groups) = replayed, case .replay(let record)? = groups.first?.first
        else {
            Issue.record("the key was forgotten: \(replayed)")
            return
        }
        #expect(record.index.rawValue < 10)
        // More than a generation, so that every key is read from the restored rows and rotated out.
        try await BackedUp.fill(node, upTo: 1_900)
        #expect(await node.port.folded(RecordIndex(1_899)))
        try await node.stop()
        #expect(try test.signedSize(test.restored) == 1_900)
        let after = Verification.run(test.restored)
        #expect(after.exitCode == 0 && after.records == 1_900, "\(after.lines)")
        let again = try await test.start(test.restored)
        #expect(await again.port.head().size == 1_900)
        try await again.stop()
    }

    @Test("what is restored of the same backup, grown again, is byte for byte the same evidence")
    func sameFiles() async throws {
        let test = try BackedUp()
        try await test.grow(to: 520)
        try test.create()
        _ = try test.restore()
        let copy = test.folder.file("copy").path
        _ = try MirrorWriter.run(from: test.restored, to: copy, disk: RealDisk())
        #expect(try BackedUp.files(copy) == BackedUp.files(test.mirror))
    }

    @Test("a ledger can be restored as of a record, or of a time, never within a group or a batch")
    func pointInTime() async throws {
        let test = try BackedUp()
        try await test.grow(to: 40)
        let times = try test.times()
        try test.create()
        // A group of two (records 4 and 5), a batch of twenty (records 9 to 28): never in between.
        let ends: [(index: UInt64, size: UInt64)] = [
            (0, 1), (3, 4), (4, 4), (5, 6), (8, 9), (9, 9), (20, 9), (27, 9), (28, 29), (38, 39),
            (39, 40),
        ]
        for (index, size) in ends {
            let byIndex = try test.restore(until: .index(RecordIndex(index)))
            #expect(byIndex.records == size && byIndex.available == 40, "until \(index)")
            let report = Verification.run(test.restored)
            #expect(report.exitCode == 0 && report.records == size, "\(index): \(report.lines)")
            #expect(report.notes.contains("state digest \(byIndex.stateDigest)"))
            try FileManager.default.removeItem(atPath: test.restored)
            let byTime = try test.restore(until: .time(times[Int(index)]))
            #expect(byTime == byIndex)
            try FileManager.default.removeItem(atPath: test.restored)
        }
        let before = Instant(microseconds: times[0].microseconds - 1)
        for point in [PointInTime.index(RecordIndex(40)), .time(before)] {
            #expect(throws: NodeFault.self) { _ = try test.restore(until: point) }
        }
        #expect(!FileManager.default.fileExists(atPath: test.restored))
    }

    @Test("a ledger restored to an earlier state starts, serves, takes writes, and is not signed")
    func older() async throws {
        let test = try BackedUp()
        try await test.grow(to: 300)
        // Whether one was signed below 200 as well is a matter of time; then it would be restored.
        try FileManager.default.removeItem(atPath: test.data + "/checkpoints")
        try test.create()
        let outcome = try test.restore(until: .index(RecordIndex(199)))
        #expect(outcome.records == 200 && outcome.signed == nil)
        let held = try Data(contentsOf: URL(fileURLWithPath: test.data + ".keys/guard"))
        let node = try await test.start(test.restored)
        #expect(await node.port.head().size == 200)
        try await BackedUp.fill(node, upTo: 250)
        #expect(node.port.log.published() == nil)
        try await node.stop()
        #expect(node.signer.refusal?.contains("older copy") == true)
        let later = try await test.start(test.restored)
        try await BackedUp.fill(later, upTo: 400)
        try await later.stop()
        let unsigned = Verification.run(test.restored)
        #expect(unsigned.exitCode == 2 && unsigned.records == 400, "\(unsigned.lines)")
        let larger = try await test.start(test.restored)
        _ = try await larger.port.submit(.one(.pay("world", "later", 1)))
        try await larger.stop()
        #expect(larger.signer.refusal?.contains("it went another way") == true)
        #expect(!FileManager.default.fileExists(atPath: test.restored + "/checkpoint"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: test.data + ".keys/guard")) == held)
    }

    @Test("a ledger that never signed is backed up and restored, and its backup is not verified")
    func neverSigned() async throws {
        let test = try BackedUp()
        try await test.grow(to: 60)
        for name in ["checkpoint", "vkeys"] {
            try FileManager.default.removeItem(atPath: test.data + "/" + name)
        }
        let outcome = try test.create()
        #expect(outcome.signed == nil && outcome.records == 60)
        let report = test.verify()
        #expect(report.exitCode == 2 && report.records == 60, "\(report.lines)")
        #expect(try test.restore().records == 60)
    }

    @Test("a folder that holds something, and a backup that is refuted, give no ledger")
    func refused() async throws {
        let test = try BackedUp()
        try await test.grow(to: 60)
        try test.create()
        let files = FileManager.default
        try files.createDirectory(atPath: test.restored, withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: test.restored + "/something"))
        #expect {
            _ = try test.restore()
        } throws: {
            ($0 as? StoreFault)?.code == .notEmpty
        }
        #expect(try BackedUp.files(test.restored) == ["something": Data([1])])
        try files.removeItem(atPath: test.restored)
        _ = try test.restore()
        let before = try BackedUp.files(test.restored)
        #expect {
            _ = try test.restore()
        } throws: {
            ($0 as? StoreFault)?.code == .notEmpty
        }
        #expect(try BackedUp.files(test.restored) == before)
        try files.removeItem(atPath: test.restored)
        var tile = try Data(contentsOf: URL(fileURLWithPath: test.mirror + "/tile/0/000.p/60"))
        tile[59 * 32] ^= 1
        try tile.write(to: URL(fileURLWithPath: test.mirror + "/tile/0/000.p/60"))
        #expect {
            _ = try test.restore(until: .index(RecordIndex(30)))
        } throws: {
            "\($0)".contains("is refuted: TILE_HASH")
        }
        #expect(!files.fileExists(atPath: test.restored + "/FORMAT"))
        await #expect(throws: StoreFault.self) { _ = try await test.start(test.restored) }
    }
}

extension BackedUp {
    /// The times of all records of the ledger.
    func times() throws -> [Instant] {
        var scanner = try RecordScanner(disk: RealDisk(), directory: data + "/records")
        let blobs = BlobFiles(disk: RealDisk(), directory: data + "/records")
        var times: [Instant] = []
        while let record = try scanner.next() { times.append(try blobs.record(record.bytes).time) }
        return times
    }
}
