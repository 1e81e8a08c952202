// SPDX-License-Identifier: Apache-2.0
//
// Keys that come and go, and the ways out of "nothing is signed": each step recorded, repeatable,
// and visible to who verifies. Called by `swift test`.

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

@Suite("changes of the log's keys")
struct KeyChangeTests {
    private func start(
        _ path: String,
        keys: String? = nil,
        passphrase: String? = nil
    ) async throws -> Node {
        let configuration = NodeConfiguration(
            directory: path,
            origin: "test/first",
            keys: keys,
            passphrase: passphrase
        )
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    private func note(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/checkpoint")))
    }

    private func keys(_ path: String) throws -> [VerifierKey] {
        try LogKeys.verifierKeys(of: path).map { try VerifierKey(text: $0) }
    }

    /// The checkpoint of a directory, opened with some keys.
    private func opened(
        _ path: String,
        _ keys: [VerifierKey],
        of origin: String = "test/first"
    ) throws -> Checkpoint {
        try Checkpoint.open(try SignedNote(try note(path)), of: origin, keys: keys)
    }

    private func order(_ node: Node, _ index: RecordIndex) async throws -> Order {
        let read = try await node.port.record(index)
        let record = try #require(read)
        return try RecordCodec.decodeWhole(try record.whole()).order
    }

    @Test("two keys sign after a rotation, one after the other is retired; both are recorded")
    func rotation() async throws {
        let folder = try TemporaryDirectory("rotate")
        let path = folder.file("ledger").path
        try await start(path).stop()
        let first = try #require(try keys(path).first)
        #expect(try opened(path, [first]).size == 1)

        let rotating = try await start(path)
        let introduced = try await rotating.introduceKey()
        #expect(
            try await order(rotating, introduced.record)
                == .changeLogKey(
                    LogKeyChange(
                        action: .introduce,
                        publicKey: try #require(
                            Digest(try VerifierKey(text: introduced.verifierKey).publicKey)
                        )
                    )
                )
        )
        try await rotating.stop()
        let second = try VerifierKey(text: introduced.verifierKey)
        #expect(try keys(path) == [first, second])
        #expect(!FileManager.default.fileExists(atPath: path + ".keys/log.key.next"))

        let both = try await start(path)
        _ = try await both.port.submit(.groups([[.make(Book.money)]]))
        try await both.stop()
        for key in [first, second] {
            #expect(try opened(path, [key]).size == 3, "each key alone is enough")
        }

        let retiring = try await start(path)
        await #expect {
            _ = try await retiring.retireKey("00000000")
        } throws: {
            "\($0)".contains("no key with the id 00000000 signs")
        }
        let retired = try await retiring.retireKey(first.idText)
        #expect(retired.verifierKey == first.text)
        try await retiring.stop()
        #expect(try opened(path, [second]).size == 4, "the tree that holds the record")
        #expect(throws: EvidenceRefusal.self) { try opened(path, [first]) }

        let alone = try await start(path)
        _ = try await alone.port.submit(.one(.pay("world", "alice", 1)))
        await #expect {
            _ = try await alone.retireKey(second.idText)
        } throws: {
            "\($0)".contains("is the only key")
        }
        try await alone.stop()
        #expect(try opened(path, [second]).size == 5)
        #expect(throws: EvidenceRefusal.self) { try opened(path, [first]) }
        #expect(try keys(path) == [first, second], "what the old key signed stays verifiable")
        let report = Verification.run(path)
        #expect(report.exitCode == 0, "\(report.lines)")
    }

    @Test("a rotation that a crash interrupted goes on with the key that it made")
    func interrupted() async throws {
        let folder = try TemporaryDirectory("rotate")
        let path = folder.file("ledger").path
        let node = try await start(path)
        let whole = try await node.introduceKey()
        try await node.stop()
        // Back to where the record was written and nothing else: secret waiting, one key signs.
        let secrets = try String(contentsOfFile: path + ".keys/log.key", encoding: .utf8)
            .split(separator: "\n").map { $0 + "\n" }
        #expect(secrets.count == 2)
        let files = [("log.key", secrets[0]), ("log.key.next", secrets[1])]
        for (name, text) in files {
            try text.write(toFile: path + ".keys/" + name, atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600],
                ofItemAtPath: path + ".keys/" + name
            )
        }
        let known = try LogKeys.verifierKeys(of: path)
        try (known[0] + "\n").write(toFile: path + "/vkeys", atomically: true, encoding: .utf8)
        let again = try await start(path)
        let result = try await again.introduceKey()
        #expect(result.verifierKey == whole.verifierKey)
        #expect(result.record == whole.record, "the record is not made twice")
        #expect(await again.port.head().size == 2)
        try await again.stop()
        #expect(try LogKeys.verifierKeys(of: path) == known)
        #expect(
            try String(contentsOfFile: path + ".keys/log.key", encoding: .utf8) == secrets.joined()
        )
    }

    @Test("a lost guard is made again from a checkpoint that the ledger holds, and from no other")
    func lostGuard() async throws {
        let folder = try TemporaryDirectory("recover")
        let (path, old) = (folder.file("ledger").path, folder.file("old").path)
        try await start(path).stop()
        try FileManager.default.copyItem(atPath: path, toPath: old)
        let earlier = try note(path)
        let node = try await start(path)
        _ = try await node.port.submit(.groups([[.make(Book.money)]]))
        try await node.stop()
        let newest = try note(path)
        try FileManager.default.removeItem(atPath: path + ".keys/guard")

        let short = try await start(old, keys: path + ".keys")
        await #expect {
            _ = try await short.restoreGuard(from: newest)
        } throws: {
            "\($0)".contains("2 records were signed, and this ledger has 1")
        }
        try await short.stop()
        #expect(!FileManager.default.fileExists(atPath: path + ".keys/guard"))

        let lame = try await start(path)
        #expect(lame.signer.refusal?.contains("guard is missing") == true)
        var forged = newest
        forged[forged.count - 10] ^= 1
        await #expect(throws: EvidenceRefusal.self) {
            _ = try await lame.restoreGuard(from: forged)
        }
        let held = try await lame.restoreGuard(from: newest)
        #expect(held.size == 2)
        await #expect {
            _ = try await lame.restoreGuard(from: earlier)
        } throws: {
            "\($0)".contains("the guard knows of 2 signed records, the checkpoint of 1")
        }
        try await lame.stop()
        let well = try await start(path)
        #expect(well.signer.refusal == nil)
        _ = try await well.port.submit(.one(.pay("world", "alice", 1)))
        try await well.stop()
        #expect(try opened(path, try keys(path)).size == 3)
    }

    @Test("a restored older copy goes on under a new origin, and the first record there says so")
    func successor() async throws {
        let folder = try TemporaryDirectory("recover")
        let (path, old) = (folder.file("ledger").path, folder.file("old").path)
        let keyFolder = path + ".keys"
        let first = try await start(path)
        _ = try await first.port.submit(.groups([[.make(Book.money)]]))
        try await first.stop()
        try FileManager.default.copyItem(atPath: path, toPath: old)
        let second = try await start(path)
        for _ in 1...3 { _ = try await second.port.submit(.one(.pay("world", "alice", 1))) }
        try await second.stop()
        let lost = try opened(path, try keys(path))
        #expect(lost.size == 5)

        // While the ledger itself runs, nobody else touches its keys.
        let running = try await start(path)
        let beside = try await start(old, keys: keyFolder)
        #expect(beside.signer.refusal?.contains("another process signs") == true)
        let held = try Data(contentsOf: URL(fileURLWithPath: keyFolder + "/guard"))
        await #expect {
            _ = try await beside.succeed(as: "test/second", last: nil)
        } throws: {
            "\($0)".contains("another process signs with the keys in it")
        }
        #expect(await beside.port.head().size == 2, "nothing was recorded")
        try await beside.stop()
        try await running.stop()
        #expect(try Data(contentsOf: URL(fileURLWithPath: keyFolder + "/guard")) == held)

        let restored = try await start(old, keys: keyFolder)
        #expect(restored.signer.refusal?.contains("it is an older copy") == true)
        let result = try await restored.succeed(as: "test/second", last: try note(path))
        try await restored.stop()
        #expect(result.record == RecordIndex(2), "the first record after what was restored")
        let oldKey = try #require(try keys(path).first)
        #expect(try keys(old).map(\.id.name.text) == ["test/first", "test/second"])

        let successor = try await start(old, keys: keyFolder)
        #expect(successor.signer.refusal == nil)
        #expect(successor.port.origin == "test/second")
        guard case .succeedLog(let said) = try await order(successor, result.record) else {
            Issue.record("the record is no log.successor")
            return
        }
        #expect(said.origin == "test/second")
        #expect(said.lastSize == 5 && said.lastRoot == lost.root)
        #expect(said.lost(at: result.record) == 3)
        #expect(said.lastNote == Text(utf8: try note(path)))
        // A crash before the keys were made: the same command again changes nothing more.
        let again = try await successor.succeed(as: "test/second", last: nil)
        #expect(again.record == result.record && again.verifierKey == result.verifierKey)
        try await successor.stop()

        let going = try await start(old, keys: keyFolder)
        _ = try await going.port.submit(.groups([[.make(bookName("later"))]]))
        let head = await going.port.head()
        try await going.stop()
        let signed = try opened(old, try keys(old), of: "test/second")
        #expect(signed.size == head.size && head.size == 4)
        #expect(throws: EvidenceRefusal.self) {
            try opened(old, [oldKey], of: "test/second")
        }
        let report = Verification.run(old)
        #expect(report.exitCode == 0, "\(report.lines)")
        // The old key is set aside, not gone, and what it signed still verifies.
        let files = try FileManager.default.contentsOfDirectory(atPath: keyFolder)
        #expect(files.contains("log.key.ended-" + oldKey.idText))
        #expect(try opened(path, [oldKey]).size == 5)
    }

    @Test("an encrypted key file opens with its passphrase alone")
    func encrypted() async throws {
        let folder = try TemporaryDirectory("seal")
        let path = folder.file("ledger").path
        try await start(path).stop()
        let file = path + ".keys/log.key"
        let plain = try String(contentsOfFile: file, encoding: .utf8)
        #expect(plain.hasPrefix("PRIVATE+KEY+"))
        let node = try await start(path, passphrase: "correct horse")
        try node.rewriteKeys()
        try await node.stop()
        let encrypted = try String(contentsOfFile: file, encoding: .utf8)
        #expect(encrypted.hasPrefix("ENCRYPTED+KEY+"))
        await #expect {
            _ = try await start(path)
        } throws: {
            "\($0)".contains("is encrypted with a passphrase, and none was given")
        }
        await #expect {
            _ = try await start(path, passphrase: "wrong horse")
        } throws: {
            "\($0)".contains("does not open with this passphrase")
        }
        let again = try await start(path, passphrase: "correct horse")
        #expect(again.signer.refusal == nil)
        _ = try await again.port.submit(.groups([[.make(Book.money)]]))
        try await again.stop()
        #expect(try opened(path, try keys(path)).size == 2)
    }
}
