// SPDX-License-Identifier: Apache-2.0
//
// A ledger with a bit of everything, its folders, and ways to look at the files of a backup. Called
// by the tests of backups only.

import Foundation
import TallyChecker
import TallyHTTP
import TallyNode
import TallyProof
import TallySim
import TallyStore
import TallyTypes
import TestSupport
import Testing

/// The folders of one test.
final class BackedUp {
    let folder: TemporaryDirectory
    let data: String
    let mirror: String
    let restored: String

    init() throws {
        folder = try TemporaryDirectory("backup")
        data = folder.file("ledger").path
        mirror = folder.file("backup").path
        restored = folder.file("restored").path
    }

    /// Starts a node; its keys are those of the first ledger.
    func start(_ path: String? = nil) async throws -> Node {
        let configuration = NodeConfiguration(
            directory: path ?? data,
            origin: "test/backup",
            keys: data + ".keys"
        )
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    /// A payment over so many accounts; 3,000 need a blob.
    static func wide(_ count: Int) -> Request {
        let postings = (0..<count).map { posting("world", "shop:customer:\($0)", 5) }
        return Request(
            book: Book.money,
            order: .createTransaction(CreateTransaction(postings: postings))
        )
    }

    /// Books, a blob, refusals, a group, a batch with a key; then payments up to a size.
    static func fill(_ node: Node, upTo size: UInt64) async throws {
        if await node.port.head().size < 2 {
            _ = try await node.port.submit(
                .groups([[.make(Book.money)], [.make(Book.events, .journal)], [wide(3_000)]])
            )
            _ = try await node.port.submit(
                .groups([
                    [.pay("world", "alice", 1_000, key: "first"), .pay("alice", "bob", 10)],
                    [.pay("empty", "bob", 1)],
                    [.event("case-1", "state", "\"open\"")],
                    [.describe("alice", metadata(("name", "Alice")))],
                ])
            )
            let transfers = (0..<20).map { TransferText("world", "batch:\($0)", 3) }
            _ = try await node.port.submit(.batch(transfers, key: "batch"))
        }
        let missing = Int(size) - Int(await node.port.head().size)
        guard missing > 0 else { return }
        let groups = (0..<missing).map { [Request.pay("world", "account:\($0)", 1)] }
        _ = try await node.port.submit(.groups(groups))
    }

    /// Runs a node until its ledger has a size; returns the head and the state digest.
    @discardableResult
    func grow(to size: UInt64) async throws -> StateStatement {
        let node = try await start()
        try await BackedUp.fill(node, upTo: size)
        let statement = try await node.port.stateDigest()
        try await node.stop()
        return statement
    }

    /// Brings the backup, or another one, up to date.
    @discardableResult
    func create(_ path: String? = nil) throws -> MirrorOutcome {
        try MirrorWriter.run(from: data, to: path ?? mirror, disk: RealDisk())
    }

    /// Verifies the backup, or another one.
    func verify(_ path: String? = nil, _ trusted: TrustedEvidence = TrustedEvidence()) -> Report {
        Backups.verify(path ?? mirror, trusted: trusted) { _, _ in }
    }

    /// Restores the backup.
    func restore(until point: PointInTime = .end) throws -> RestoreOutcome {
        var random = SplitMix(seed: 11)
        return try Restore.run(
            MirrorDirectory(disk: RealDisk(), path: mirror),
            to: restored,
            until: point,
            disk: RealDisk(),
            random: { Digest(random.next(), random.next(), random.next(), random.next()) }
        )
    }

    /// Every file of a folder with its bytes.
    static func files(_ path: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String }
        for name in try #require(names) {
            let kind = try FileManager.default.attributesOfItem(atPath: path + "/" + name)[.type]
            guard kind as? FileAttributeType == .typeRegular else { continue }
            found[name] = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
        }
        return found
    }

    /// The size that the checkpoint of a folder counts.
    func signedSize(_ path: String) throws -> UInt64? {
        let note = try String(contentsOfFile: path + "/checkpoint", encoding: .utf8)
        return UInt64(note.split(separator: "\n")[1])
    }
}
