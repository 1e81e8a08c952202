// SPDX-License-Identifier: Apache-2.0
//
// Orders that are larger than a record, through the whole node: written, read, reverted in flight
// and after a restart, and verified; a blob that is missing or changed is named. Called by `swift
// test`.

import Foundation
import TallyChecker
import TallyCodec
import TallyHTTP
import TallyNode
import TallySim
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("records with blobs, in a node", .serialized)
struct BlobTests {
    private static let rules = LiveRules(segmentBytes: 16 << 20)

    /// A payment over so many accounts; 3,000 need about 90,000 bytes.
    private static func wide(_ count: Int, key: Text? = nil) -> Request {
        let postings = (0..<count).map { posting("world", "shop:customer:\($0)", 5) }
        return Request(
            book: Book.money,
            order: .createTransaction(CreateTransaction(postings: postings)),
            idempotencyKey: key
        )
    }

    private static func start(_ path: String) async throws -> Node {
        try await Node.start(NodeConfiguration(directory: path, origin: "test/blobs")) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    /// A stopped ledger whose record 2 has a blob: the folder of the blobs, and its name.
    private static func withOneBlob(_ path: String) async throws -> (blobs: String, name: String) {
        let node = try await start(path)
        _ = try await node.port.submit(.groups([[.make(Book.money)], [wide(3_000)]]))
        #expect(await node.port.folded(RecordIndex(2)))
        try await node.stop()
        let blobs = path + "/records/blobs"
        let names = try FileManager.default.contentsOfDirectory(atPath: blobs)
        return (blobs, try #require(names.first))
    }

    @Test("a large transaction is replayed, reverted in flight and after a restart")
    func revert() async throws {
        let node = try await LiveNode.founded(FaultDisk(), BlobTests.rules)
        let first = try await node.ask(BlobTests.wide(3_000, key: "wide"))
        let id = try #require(first.transaction)
        #expect(try node.files.blobs.names().count == 1)
        let again = try await node.ask(BlobTests.wide(3_000, key: "wide"))
        #expect(again.settled == (first.settled.record, true))
        let both = try await node.submit(
            .groups([[BlobTests.wide(3_100)], [.revert(id.rawValue + 1)]])
        )
        #expect(both.flatMap { $0 }.allSatisfy { $0.refusal == nil })
        let restarted = try LiveNode(node.disk.afterExit(), BlobTests.rules)
        #expect(restarted.startHead == (await node.sequencer.currentHead()))
        let reverted = try await restarted.ask(.revert(id.rawValue)).settled.record
        guard case .committed(.transaction(let effects)) = reverted.outcome else {
            throw Broken("refused")
        }
        #expect(effects.postings?.count == 3_000)
        #expect(try restarted.files.blobs.names().count == 4, "two orders, two reversals")
        try await restarted.stop()
        try await restarted.expectVerified()
        await node.sequencer.stop()
    }

    @Test("an order of the largest size is taken, a larger one is refused before it is proposed")
    func largest() async throws {
        let node = try await LiveNode.founded(FaultDisk(), BlobTests.rules)
        func order(_ count: Int) -> Request {
            let order = CreateTransaction(
                postings: [posting("world", "alice", 1)],
                metadata: metadata(("note", Text(String(repeating: "x", count: count))))
            )
            return Request(book: Book.money, order: .createTransaction(order))
        }
        let head = await node.sequencer.currentHead()
        let rest = OrderCodec.encode(order(70_000).order).count - 70_000
        await #expect(throws: Busy.tooLarge(limit: "order", size: 520_001, max: 520_000)) {
            _ = try await node.ask(order(520_001 - rest))
        }
        #expect(await node.sequencer.currentHead() == head)
        let taken = try await node.ask(order(520_000 - rest))
        let id = try #require(taken.transaction)
        #expect(try await node.ask(.revert(id.rawValue)).refusal == nil)
        try await node.stop()
        try await node.expectVerified()
    }

    @Test("verify names a blob that is missing, changed or of no record")
    func verification() async throws {
        let folder = try TemporaryDirectory("blobs")
        let (blobs, name) = try await BlobTests.withOneBlob(folder.path)
        #expect(Verification.run(folder.path).exitCode == 0)
        let path = blobs + "/" + name
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        func line(_ reason: String) -> String? {
            let report = Verification.run(folder.path)
            #expect(report.exitCode == 1)
            return report.lines.first { $0.contains(reason) && $0.contains(path) }
        }
        for position in [0, 40_000, bytes.count - 1] {
            var changed = bytes
            changed[position] ^= 4
            try changed.write(to: URL(fileURLWithPath: path))
            #expect(line("BLOB_HASH at record 2") != nil, "byte \(position)")
        }
        try (bytes + Data([0])).write(to: URL(fileURLWithPath: path))
        #expect(line("BLOB_HASH at record 2") != nil)
        try FileManager.default.removeItem(atPath: path)
        #expect(line("BLOB_MISSING at record 2") != nil)
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(Verification.run(folder.path).exitCode == 0)
        try Data([1]).write(to: URL(fileURLWithPath: blobs + "/other"))
        let report = Verification.run(folder.path)
        #expect(report.exitCode == 1)
        #expect(report.lines.contains { $0.contains("blobs/other: is named by no record") })
    }

    @Test("a start names a blob that a record needs, and goes on when it is back")
    func missing() async throws {
        let folder = try TemporaryDirectory("blobs")
        let (blobs, name) = try await BlobTests.withOneBlob(folder.path)
        let aside = folder.path + "/aside"
        try FileManager.default.moveItem(atPath: blobs + "/" + name, toPath: aside)
        // Flushed, so the log does not yield it any more: a read is what needs it.
        let lame = try await BlobTests.start(folder.path)
        await #expect {
            _ = try await lame.port.record(RecordIndex(2))
        } throws: {
            "\($0)".contains("blobs/\(name): is missing, and a record needs it")
        }
        try await lame.stop()
        try FileManager.default.moveItem(atPath: aside, toPath: blobs + "/" + name)
        let mended = try await BlobTests.start(folder.path)
        let record = try #require(try await mended.port.record(RecordIndex(2)))
        #expect(record.blobs.count == 1)
        #expect(try record.record().index == RecordIndex(2))
        try await mended.stop()
    }

    @Test("a ledger without folders for blobs and tiles is verified, and gets them at its start")
    func folder() async throws {
        let folder = try TemporaryDirectory("blobs")
        let node = try await BlobTests.start(folder.path)
        _ = try await node.port.submit(.groups([[.make(Book.money)]]))
        try await node.stop()
        let blobs = folder.path + "/records/blobs"
        try FileManager.default.removeItem(atPath: blobs)
        try FileManager.default.removeItem(atPath: folder.path + "/records/tiles")
        let report = Verification.run(folder.path)
        #expect(report.exitCode == 0 && report.notes.contains { $0.contains("tiles are not all") })
        let again = try await BlobTests.start(folder.path)
        #expect(again.startLines.contains { $0.hasSuffix("; rebuilt: tiles") })
        _ = try await again.port.submit(.groups([[BlobTests.wide(3_000)]]))
        try await again.stop()
        #expect(try FileManager.default.contentsOfDirectory(atPath: blobs).count == 1)
        #expect(Verification.run(folder.path).exitCode == 0)
    }
}
