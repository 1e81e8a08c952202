// SPDX-License-Identifier: Apache-2.0
//
// `tally verify` as a library, on real folders: it changes no byte, needs no right to write, and
// does not look at a ledger that a node has open. Called by `swift test`.

import Foundation
import TallyChecker
import TallyHTTP
import TallyNode
import TallyTypes
import TestSupport
import Testing

@Suite("verification of a folder", .serialized)
struct VerificationTests {
    private func start(_ path: String) async throws -> Node {
        let configuration = NodeConfiguration(directory: path, origin: "test/verify")
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    private func stopped(_ path: String) async throws {
        let node = try await start(path)
        _ = try await node.port.submit(
            .groups([[.make(Book.money)], [.pay("world", "alice", 7)]])
        )
        #expect(await node.port.folded(RecordIndex(2)))
        try await node.stop()
    }

    /// Name, size, mode and time of every file and folder, the folder itself first.
    private func listing(_ path: String) throws -> [String] {
        let names = try #require(FileManager.default.enumerator(atPath: path))
            .compactMap { $0 as? String }
        return try ([""] + names.sorted()).map { name in
            let found = try FileManager.default.attributesOfItem(atPath: path + "/" + name)
            let time = (found[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            let size = found[.size] as? Int ?? -1
            return "\(name) \(size) \(found[.posixPermissions] ?? "") \(time)"
        }
    }

    private func setMode(_ path: String, file: Int, folder: Int) throws {
        let files = FileManager.default
        for name in [""] + (files.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []) {
            let item = path + "/" + name
            let kind = try files.attributesOfItem(atPath: item)[.type] as? FileAttributeType
            let mode = kind == .typeDirectory ? folder : file
            try files.setAttributes([.posixPermissions: mode], ofItemAtPath: item)
        }
    }

    @Test("a copy without LOCK that nobody may write is verified, and left as it was")
    func readOnlyCopy() async throws {
        let folder = try TemporaryDirectory("verify")
        let path = folder.file("ledger").path
        try await stopped(path)
        try FileManager.default.removeItem(atPath: path + "/LOCK")
        try setMode(path, file: 0o444, folder: 0o555)
        defer { do { try setMode(path, file: 0o600, folder: 0o700) } catch { Issue.record(error) } }
        let before = try listing(path)
        let report = Verification.run(path)
        #expect(report.exitCode == 0, "\(report.lines)")
        #expect(report.notes.contains { $0.contains("not locked") && $0.contains("/LOCK") })
        #expect(try listing(path) == before)
    }

    @Test("a folder as a node left it is verified without a note about the lock")
    func lockedShared() async throws {
        let folder = try TemporaryDirectory("verify")
        try await stopped(folder.path)
        let before = try listing(folder.path)
        let report = Verification.run(folder.path)
        #expect(report.exitCode == 0, "\(report.lines)")
        #expect(!report.notes.contains { $0.contains("not locked") })
        #expect(try listing(folder.path) == before)
    }

    @Test("a ledger that a node has open is not judged, also when LOCK may only be read")
    func inUse() async throws {
        let folder = try TemporaryDirectory("verify")
        let node = try await start(folder.path)
        let files = FileManager.default
        try files.setAttributes([.posixPermissions: 0o444], ofItemAtPath: folder.path + "/LOCK")
        let report = Verification.run(folder.path)
        #expect(report.exitCode == 2)
        #expect(report.lines.joined().contains("is open in another process"))
        try await node.stop()
    }

    @Test("the digest of a running node is that of its clean stop and of the verifier")
    func stateDigest() async throws {
        let folder = try TemporaryDirectory("digest")
        let node = try await start(folder.path)
        _ = try await node.port.submit(.groups([[.make(Book.money)]]))
        let early = try await node.port.stateDigest()
        #expect(early.head == (await node.port.head()))
        for number in 1...20 {
            _ = try await node.port.submit(.one(.pay("world", "account:\(number)", 5)))
        }
        let late = try await node.port.stateDigest()
        #expect(late.head == (await node.port.head()) && late.digest != early.digest)
        #expect(try await node.port.stateDigest() == late)
        let line = try await node.stop()
        #expect(line.contains("state digest \(late.digest)"), "\(line)")
        await #expect(throws: Busy.stopping) { _ = try await node.port.stateDigest() }
        let report = Verification.run(folder.path)
        #expect(report.exitCode == 0 && report.root == late.head.root)
        #expect(report.notes.contains("state digest \(late.digest)"))
    }
}
