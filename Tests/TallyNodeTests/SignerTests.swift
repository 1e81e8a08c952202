// SPDX-License-Identifier: Apache-2.0
//
// What a ledger signs, and what it never does: the guard against restored and copied ledgers, keys
// that are missing, foreign or open to others. Called by `swift test`.

import Foundation
import Synchronization
import TallyChecker
import TallyHTTP
import TallyNode
import TallyProof
import TallySim
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("signing")
struct SignerTests {
    private func start(_ path: String, keys: String? = nil) async throws -> Node {
        let configuration = NodeConfiguration(directory: path, origin: "test/sign", keys: keys)
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    /// The checkpoint in a directory, opened with the keys that it names.
    private func checkpoint(_ path: String) throws -> Checkpoint {
        let keys = try String(contentsOfFile: path + "/vkeys", encoding: .utf8)
            .split(separator: "\n").map { try VerifierKey(text: String($0)) }
        #expect(keys.count == 1)
        let note = try Data(contentsOf: URL(fileURLWithPath: path + "/checkpoint"))
        return try Checkpoint.open(try SignedNote([UInt8](note)), of: "test/sign", keys: keys)
    }

    @Test("a stopped ledger has a checkpoint of all its records, and goes on with its key")
    func signed() async throws {
        let folder = try TemporaryDirectory("sign")
        let path = folder.file("ledger").path
        var vkeys: Set<String> = []
        for count in [1, 2] as [UInt64] {
            let node = try await start(path)
            _ = try await node.port.submit(.groups([[.make(bookName("book-\(count)"))]]))
            let head = await node.port.head()
            #expect(head.size == count + 1)
            try await node.stop()
            let signed = try checkpoint(path)
            #expect(signed.size == head.size && signed.root == head.root)
            vkeys.insert(try String(contentsOfFile: path + "/vkeys", encoding: .utf8))
            let held = try Data(contentsOf: URL(fileURLWithPath: path + ".keys/guard"))
            let guarded = try LogGuard([UInt8](held))
            #expect(guarded.size == head.size && guarded.root == head.root)
        }
        #expect(vkeys.count == 1)
        let report = Verification.run(path)
        #expect(report.exitCode == 0, "\(report.lines)")
        #expect(report.notes.contains { $0.hasPrefix("checkpoint of 3 records, key taken from") })
        let files = FileManager.default
        let kept = try Data(contentsOf: URL(fileURLWithPath: path + "/checkpoint"))
        try files.removeItem(atPath: path + "/checkpoint")
        let without = Verification.run(path)
        #expect(without.exitCode == 1 && without.firstFinding?.reason == .missing)
        try kept.write(to: URL(fileURLWithPath: path + "/checkpoint"))
        let mode = try files.attributesOfItem(atPath: path + ".keys/log.key")[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test(
        "receipts, proofs and tiles of a running node hold, and end with the checkpoint"
    )
    func receipts() async throws {
        let folder = try TemporaryDirectory("sign")
        let path = folder.file("ledger").path
        let node = try await start(path)
        let groups = (0..<300).map { [Request.pay("world", "account:\($0)", 1)] }
        _ = try await node.port.submit(.groups([[.make(Book.money)]]))
        _ = try await node.port.submit(.groups(groups))
        try await node.stop()
        let again = try await start(path)
        let log = again.port.log
        let size = try #require(log.published()).size
        #expect(size == 302)
        let keys = log.verifierKeys()
        for index in [0, 1, 255, 256, 301] as [UInt64] {
            let receipt = try #require(try await log.receipt(index, .json))
            let verdict = ReceiptVerification.run(receipt, keys: keys)
            #expect(verdict.exitCode == 0, "\(verdict.line)")
            #expect(verdict.line.hasPrefix("verified record \(index) "))
            let broken = ReceiptVerification.run(receipt, keys: ["x+00000000+AA=="])
            #expect(broken.exitCode == 2)
            #expect(ReceiptVerification.run(receipt, keys: []).exitCode == 2)
            let own = try VerifierKey(text: keys[0])
            let same = try VerifierKey(
                name: own.id.name,
                type: .log,
                publicKey: [UInt8](repeating: 9, count: 32)
            )
            let foreign = ReceiptVerification.run(receipt, keys: [same.text])
            #expect(foreign.exitCode == 1, "another key of the same name")
            let name = try #require(NoteKeyName("test/other"))
            let other = try VerifierKey(name: name, type: .log, publicKey: own.publicKey)
            #expect(ReceiptVerification.run(receipt, keys: [other.text]).exitCode == 2)
            let text = try #require(try await log.receipt(index, .tlogProof))
            #expect(String(decoding: text, as: UTF8.self).hasPrefix("c2sp.org/tlog-proof@v1"))
        }
        #expect(try await log.receipt(302, .json) == nil)
        let full = try #require(try await log.tile("tile/0/000"))
        #expect(full.count == 8_192)
        let partial = try #require(try await log.tile("tile/0/001.p/46"))
        #expect(partial.count == 46 * 32)
        #expect(try await log.tile("tile/1/000.p/1")?.count == 32)
        let bundle = try #require(try await log.tile("tile/entries/001.p/46"))
        #expect(try EntryBundle.records(bundle, width: 46).count == 46)
        for missing in ["tile/0/001.p/47", "tile/0/001", "tile/1/000", "tile/0/0", "tile/9/000"] {
            #expect(try await log.tile(missing) == nil, "\(missing)")
        }
        #expect(try await log.inclusion(5, 300).path.count == 9)
        #expect(try await log.consistency(256, 302).count > 0)
        #expect(try LogKeys.verifierKeys(of: path) == keys)
        try await again.stop()
    }

    @Test("an older copy of a ledger is not signed, and says why; nor is one that went another way")
    func restored() async throws {
        let folder = try TemporaryDirectory("sign")
        let (path, old) = (folder.file("ledger").path, folder.file("old").path)
        let keys = path + ".keys"
        let files = FileManager.default
        let first = try await start(path)
        _ = try await first.port.submit(.groups([[.make(Book.money)]]))
        try await first.stop()
        try files.copyItem(atPath: path, toPath: old)
        let second = try await start(path)
        _ = try await second.port.submit(.one(.pay("world", "alice", 1)))
        try await second.stop()
        let held = try Data(contentsOf: URL(fileURLWithPath: keys + "/guard"))
        let before = try checkpoint(old)

        let restored = try await start(old, keys: keys)
        #expect(restored.signer.refusal?.contains("it is an older copy") == true)
        #expect(restored.port.log.published()?.size == before.size, "what was signed stays there")
        for _ in 1...2 {
            _ = try await restored.port.submit(.one(.pay("world", "bob", 2)))
        }
        try await restored.stop()
        #expect(try checkpoint(old) == before, "nothing was signed")
        #expect(try Data(contentsOf: URL(fileURLWithPath: keys + "/guard")) == held)

        let longer = try await start(old, keys: keys)
        #expect(longer.signer.refusal?.contains("it went another way") == true)
        try await longer.stop()
        #expect(try checkpoint(old) == before, "nothing was signed")

        let right = try await start(path)
        #expect(right.signer.refusal == nil)
        try await right.stop()
    }

    @Test(
        "without its key a ledger runs and signs nothing; with the key of another it does not start"
    )
    func keys() async throws {
        let folder = try TemporaryDirectory("sign")
        let path = folder.file("ledger").path
        let node = try await start(path)
        try await node.stop()
        let before = try checkpoint(path)
        let lame = try await start(path, keys: folder.file("nowhere").path)
        #expect(lame.signer.refusal?.contains("nowhere/log.key is missing") == true)
        _ = try await lame.port.submit(.groups([[.make(Book.money)]]))
        try await lame.stop()
        #expect(try checkpoint(path) == before)
        #expect(!FileManager.default.fileExists(atPath: folder.file("nowhere").path))

        let other = folder.file("other").path
        let configuration = NodeConfiguration(directory: other, origin: "test/other")
        try await Node.start(configuration) { _ in }.stop()
        await #expect {
            _ = try await start(path, keys: other + ".keys")
        } throws: {
            "\($0)".contains("is of the log test/other, the ledger is test/sign")
        }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644],
            ofItemAtPath: path + ".keys/log.key"
        )
        await #expect {
            _ = try await start(path)
        } throws: {
            "\($0)".contains("may be read by others: its mode is 644")
        }
        // A link is as open as what it leads to.
        let (link, target) = (path + ".keys/log.key", folder.file("elsewhere").path)
        try FileManager.default.moveItem(atPath: link, toPath: target)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        await #expect {
            _ = try await start(path)
        } throws: {
            "\($0)".contains("may be read by others: its mode is 644")
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: target)
        try await start(path).stop()
    }

    @Test("a guard that is missing or broken, and a key that the ledger does not name")
    func guards() async throws {
        let folder = try TemporaryDirectory("sign")
        let path = folder.file("ledger").path
        try await start(path).stop()
        let file = URL(fileURLWithPath: path + ".keys/guard")
        let held = try Data(contentsOf: file)
        try FileManager.default.removeItem(at: file)
        let lame = try await start(path)
        #expect(lame.signer.refusal?.contains("guard is missing") == true)
        try await lame.stop()
        var broken = held
        broken[broken.count - 3] ^= 1
        try broken.write(to: file)
        await #expect {
            _ = try await start(path)
        } throws: {
            "\($0)".contains("guard: its checksum does not match")
        }
        try held.write(to: file)
        let vkeys = URL(fileURLWithPath: path + "/vkeys")
        let known = try Data(contentsOf: vkeys)
        try Data("other+00000000+AA==\n".utf8).write(to: vkeys)
        let unnamed = try await start(path)
        #expect(unnamed.signer.refusal?.contains("is none of the keys") == true)
        try await unnamed.stop()
        try known.write(to: vkeys)
        let mended = try await start(path)
        #expect(mended.signer.refusal == nil)
        try await mended.stop()
    }

    @Test("a copy that runs beside the first does not sign, and keys within the data are refused")
    func copied() async throws {
        let folder = try TemporaryDirectory("sign")
        let (path, copy) = (folder.file("ledger").path, folder.file("copy").path)
        try await start(path).stop()
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        let first = try await start(path)
        let second = try await start(copy, keys: path + ".keys")
        #expect(first.signer.refusal == nil)
        #expect(second.signer.refusal?.contains("another process signs with the key") == true)
        try await second.stop()
        _ = try await first.port.submit(.groups([[.make(Book.money)]]))
        try await first.stop()
        let late = try await start(copy, keys: path + ".keys/")
        #expect(late.signer.refusal?.contains("it is an older copy") == true)
        try await late.stop()
        for inside in [path, path + "/", path + "/keys", path + "/x/../keys", path + "/."] {
            await #expect {
                _ = try await start(path, keys: inside)
            } throws: {
                "\($0)".contains("is within the data directory")
            }
        }
    }

    @Test("a guard that somebody else moves on stops the node")
    func moved() async throws {
        let folder = try TemporaryDirectory("sign")
        let path = folder.file("ledger").path
        let faults = Mutex<[String]>([])
        let configuration = NodeConfiguration(directory: path, origin: "test/sign")
        let node = try await Node.start(configuration) { fault in
            faults.withLock { $0.append("\(fault)") }
        }
        let held = LogGuard(origin: "test/sign", size: 9, root: Digest(1, 2, 3, 4))
        try Data(held.bytes).write(to: URL(fileURLWithPath: path + ".keys/guard"))
        do {
            _ = try await node.port.submit(.groups([[.make(Book.money)]]))
            try await node.stop()
            Issue.record("it stopped cleanly")
        } catch {
            #expect(faults.withLock { $0 }.first?.contains("was changed by somebody else") == true)
        }
    }
}
