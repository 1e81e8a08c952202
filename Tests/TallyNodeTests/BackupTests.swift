// SPDX-License-Identifier: Apache-2.0
//
// Backups of real ledgers: whole and incremental, beside a running node, interrupted, of another
// ledger. Called by `swift test`.

import Foundation
import TallyChecker
import TallyHTTP
import TallyNode
import TallyProof
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("backups", .serialized)
struct BackupTests {
    @Test("a backup verifies on its own, and with a key that did not come from it")
    func verifies() async throws {
        let test = try BackedUp()
        let stopped = try await test.grow(to: 600)
        let outcome = try test.create()
        #expect(outcome.records == 600 && outcome.added == 600 && outcome.signed == 600)
        #expect(outcome.root == stopped.head.root && outcome.blobs == 1)
        let report = test.verify()
        #expect(report.exitCode == 0, "\(report.lines)")
        #expect(report.records == 600 && report.root == stopped.head.root)
        #expect(report.notes.contains { $0.hasPrefix("key taken from the directory: ") })
        #expect(report.notes.contains("state digest \(stopped.digest)"))
        let keys = try LogKeys.verifierKeys(of: test.data)
        let given = test.verify(nil, TrustedEvidence(keys: keys))
        #expect(given.exitCode == 0, "\(given.lines)")
        #expect(!given.notes.contains { $0.hasPrefix("key taken") })
        let own = try VerifierKey(text: keys[0])
        let other = try VerifierKey(
            name: own.id.name,
            type: .log,
            publicKey: [UInt8](repeating: 9, count: 32)
        )
        let foreign = test.verify(nil, TrustedEvidence(keys: [other.text]))
        #expect(foreign.exitCode == 1 && foreign.firstFinding?.reason == .signature)
        let directory = Verification.run(test.data, trusted: TrustedEvidence(keys: [other.text]))
        #expect(directory.firstFinding?.reason == .signature)
        #expect(Verification.run(test.data, trusted: TrustedEvidence(keys: keys)).exitCode == 0)
    }

    @Test("what is added later gives the same files as a whole backup")
    func incremental() async throws {
        let test = try BackedUp()
        for size in [100, 300, 300, 520, 1_024, 1_100] as [UInt64] {
            try await test.grow(to: size)
            let before = try test.signedSizeOrNil(test.mirror) ?? 0  // the first makes the backup
            let outcome = try test.create()
            #expect(outcome.records == size && outcome.added == size - before)
            let report = test.verify()
            #expect(report.exitCode == 0, "\(size): \(report.lines)")
        }
        let whole = test.folder.file("whole").path
        try test.create(whole)
        let (grown, fresh) = (try BackedUp.files(test.mirror), try BackedUp.files(whole))
        // Partial tiles of earlier sizes stay until the full one is there.
        let earlier = grown.keys.filter { fresh[$0] == nil }.sorted()
        #expect(earlier == ["tile/1/000.p/1", "tile/1/000.p/2"])
        for (name, bytes) in fresh { #expect(grown[name] == bytes, "\(name)") }
    }

    @Test("a backup of a running node, which writes meanwhile, is whole at every moment")
    func running() async throws {
        let test = try BackedUp()
        let node = try await test.start()
        try await BackedUp.fill(node, upTo: 300)
        let writing = Task {
            var count = 0
            while !Task.isCancelled {
                _ = try await node.port.submit(.one(.pay("world", "busy", 1)))
                count += 1
            }
            return count
        }
        var sizes: [UInt64] = []
        for _ in 1...4 {
            let least = (sizes.last ?? 299) + 1
            try await waitUntil("more is signed") {
                (node.port.log.published()?.size ?? 0) >= least
            }
            sizes.append(try test.create().records)
            let report = test.verify()
            #expect(report.exitCode == 0, "\(report.lines)")
            #expect(report.records == sizes.last)
        }
        writing.cancel()
        let written = try await writing.value
        #expect(written > 3 && Set(sizes).count == 4, "\(sizes)")
        try await node.stop()
    }

    @Test("records that no checkpoint covers are copied, named as such, and signed later")
    func unsigned() async throws {
        let test = try BackedUp()
        try await test.grow(to: 290)
        try FileManager.default.moveItem(
            atPath: test.data + ".keys",
            toPath: test.data + ".away"
        )
        try await test.grow(to: 310)
        let outcome = try test.create()
        #expect(outcome.records == 310 && outcome.signed == 290)
        let report = test.verify()
        #expect(report.exitCode == 0 && report.records == 310, "\(report.lines)")
        #expect(
            report.notes.contains("unsealed tail: records 290 to 309 are under no checkpoint")
        )
        try FileManager.default.moveItem(
            atPath: test.data + ".away",
            toPath: test.data + ".keys"
        )
        try await test.grow(to: 320)
        let later = try test.create()
        #expect(later.records == 320 && later.signed == 320)
        #expect(!FileManager.default.fileExists(atPath: test.mirror + "/head"))
        #expect(test.verify().exitCode == 0)
    }

    @Test("a backup of another ledger, of another history or of more records is left as it was")
    func foreign() async throws {
        let (test, other) = (try BackedUp(), try BackedUp())
        try await test.grow(to: 100)
        let old = test.folder.file("old").path
        try FileManager.default.copyItem(atPath: test.data, toPath: old)
        try await test.grow(to: 120)
        try test.create()
        let before = try BackedUp.files(test.mirror)
        try await other.grow(to: 150)
        #expect {
            _ = try MirrorWriter.run(from: other.data, to: test.mirror, disk: RealDisk())
        } throws: {
            ($0 as? StoreFault)?.code == .otherLedger
        }
        #expect {
            _ = try MirrorWriter.run(from: old, to: test.mirror, disk: RealDisk())
        } throws: {
            ($0 as? StoreFault)?.reason.hasPrefix("ROLLBACK: 120 records") == true
        }
        let node = try await test.start(old)
        for number in 0..<30 {
            _ = try await node.port.submit(.one(.pay("world", "fork:\(number)", 2)))
        }
        try await node.stop()
        #expect {
            _ = try MirrorWriter.run(from: old, to: test.mirror, disk: RealDisk())
        } throws: {
            ($0 as? StoreFault)?.reason.hasPrefix("FORK: the first 120 records") == true
        }
        #expect {
            _ = try MirrorWriter.run(from: test.data, to: test.data, disk: RealDisk())
        } throws: {
            ($0 as? StoreFault)?.code == .unknownFormat
        }
        #expect(try BackedUp.files(test.mirror) == before)
    }

    @Test("an interrupted write leaves the backup of before, and the next one ends it")
    func interrupted() async throws {
        let test = try BackedUp()
        try await test.grow(to: 300)
        try test.create()
        let (note, size) = (
            try Data(contentsOf: URL(fileURLWithPath: test.mirror + "/checkpoint")),
            try test.signedSize(test.mirror)
        )
        let first = Set(try BackedUp.files(test.mirror).keys)
        try await test.grow(to: 700)
        try test.create()
        let whole = try BackedUp.files(test.mirror)
        // As if the process had ended before the last steps, and in the middle of an earlier one.
        try note.write(to: URL(fileURLWithPath: test.mirror + "/checkpoint"))
        let late = Set(whole.keys.filter { $0.hasPrefix("checkpoints/") }).subtracting(first)
        #expect(!late.isEmpty)
        for name in late { try FileManager.default.removeItem(atPath: test.mirror + "/" + name) }
        try Data([1, 2, 3]).write(
            to: URL(fileURLWithPath: test.mirror + "/tile/entries/001.new")
        )
        let report = test.verify()
        #expect(report.exitCode == 0, "\(report.lines)")
        #expect(report.records == 700 && size == 300)
        #expect(report.notes.contains { $0.contains("300 on lie beyond every head") })
        #expect(report.notes.contains { $0.hasPrefix("an interrupted write left") })
        let outcome = try test.restore()
        #expect(outcome.records == 300, "what no head counts is no part of the backup")
        #expect(try test.create().added == 400)
        var again = try BackedUp.files(test.mirror)
        again["tile/entries/001.new"] = nil
        #expect(again == whole)
    }

    @Test("a checkpoint of an earlier day is a prefix, or its contradiction is named")
    func since() async throws {
        let (test, other) = (try BackedUp(), try BackedUp())
        try await test.grow(to: 100)
        let old = test.folder.file("old").path
        try FileManager.default.copyItem(atPath: test.data, toPath: old)
        try FileManager.default.copyItem(atPath: test.data + ".keys", toPath: old + ".keys")
        func note(_ path: String) throws -> [UInt8] {
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/checkpoint")))
        }
        let kept = try note(test.data)
        try await test.grow(to: 120)
        try test.create()
        // The same key signs another history: what a guard on two machines cannot prevent.
        func second(_ size: UInt64) async throws -> [UInt8] {
            let configuration = NodeConfiguration(directory: old, origin: "test/backup")
            let node = try await Node.start(configuration) { Issue.record("\($0)") }
            while await node.port.head().size < size {
                _ = try await node.port.submit(.one(.pay("world", "fork", 2)))
            }
            try await node.stop()
            return try note(old)
        }
        func verdict(_ since: [UInt8]) -> (Int32, Reason?) {
            let report = test.verify(nil, TrustedEvidence(since: since))
            return (report.exitCode, report.firstFinding?.reason)
        }
        #expect(verdict(kept) == (0, nil))
        #expect(verdict(try note(test.data)) == (0, nil))
        #expect(verdict(try await second(110)) == (1, .fork))
        #expect(verdict(try await second(120)) == (1, .splitView))
        #expect(verdict(try await second(130)) == (1, .rollback))
        try await other.grow(to: 50)
        #expect(verdict(try note(other.data)) == (1, .signature))
        let directory = Verification.run(
            test.data,
            trusted: TrustedEvidence(since: try note(old))
        )
        #expect(directory.firstFinding?.reason == .rollback)
    }
}

extension BackedUp {
    /// The size of a checkpoint; nil where there is none.
    func signedSizeOrNil(_ path: String) throws -> UInt64? {
        FileManager.default.fileExists(atPath: path + "/checkpoint") ? try signedSize(path) : nil
    }
}
