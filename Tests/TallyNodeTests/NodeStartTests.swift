// SPDX-License-Identifier: Apache-2.0
//
// The whole node in a folder of the real disk: start, stop, start again, views that were
// deleted, and views that know more than the log. Called by `swift test`.

import Foundation
import TallyChecker
import TallyCodec
import TallyHTTP
import TallyKernel
import TallyNode
import TallyProof
import TallyTypes
import TallyViews
import TestSupport
import Testing

@Suite("a node in a folder", .serialized)
struct NodeStartTests {
    private func start(_ path: String) async throws -> Node {
        let configuration = NodeConfiguration(
            directory: path,
            origin: "test/node",
            entriesPerGeneration: 3,
            keysMax: 4_096
        )
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    private func pay(_ node: Node, _ count: Int, key: Text? = nil) async throws -> [Record] {
        var records: [Record] = []
        for number in 0..<count {
            let request = Request.pay("world", "account:\(number)", UInt128(number + 1), key: key)
            guard case .groups(let groups) = try await node.port.submit(.one(request)),
                let record = groups.first?.first?.settled.record
            else { throw Broken("no answer came") }
            records.append(record)
        }
        return records
    }

    private func found(_ path: String) async throws -> Node {
        let node = try await start(path)
        _ = try await node.port.submit(
            .groups([[.make(Book.money)], [.make(Book.events, .journal)]])
        )
        return node
    }

    /// The digest of the state that replaying the records with dictionaries gives.
    private func replayedDigest(_ node: Node) async throws -> Digest? {
        let head = await node.port.head()
        var checker = Checker(heads: [TreeHead(size: head.size, root: head.root, source: "node")])
        for index in 0..<head.size {
            let record = try #require(try await node.port.record(RecordIndex(index)))
            checker.feed(record.leaf, offset: index) { reference in
                record.blobs.first { $0.reference == reference }?.bytes
            }
        }
        return checker.stateDigest()
    }

    @Test("a restart gives the same state, root and answers; deleted views are made again")
    func restart() async throws {
        let folder = try TemporaryDirectory("node")
        let node = try await found(folder.path)
        _ = try await pay(node, 12)
        let first = try #require(try await pay(node, 1, key: "once").first)
        _ = try await node.port.submit(.batch([TransferText("account:3", "account:4", 2)]))
        #expect(await node.views.caughtUp())
        let book = try #require(try await node.views.reader.book(named: Book.money))
        #expect(try await node.views.reader.stats(of: book.id).transactions == 14)
        let head = await node.port.head()
        try await node.stop()

        let outside = try TemporaryDirectory("views")
        let copy = outside.file("views").path
        try FileManager.default.moveItem(atPath: folder.path + "/views", toPath: copy)
        try FileManager.default.createDirectory(
            atPath: folder.path + "/views",
            withIntermediateDirectories: false
        )

        let again = try await start(folder.path)
        #expect(await again.port.head() == head)
        #expect(try again.stateDigest() == (try await replayedDigest(again)))
        #expect(try await pay(again, 1, key: "once") == [first])
        #expect(await again.views.caughtUp())
        #expect(
            await again.port.head()
                == LedgerHead(
                    size: head.size,
                    root: head.root,
                    logIndex: head.logIndex.next
                )
        )
        try await again.stop()
        let difference = try ViewComparison.compare(copy, folder.path + "/views")
        #expect(difference == nil, "\(String(describing: difference))")
    }

    @Test("a log that ends below a view is a lost entry")
    func belowView() async throws {
        let folder = try TemporaryDirectory("node")
        let older = try TemporaryDirectory("older")
        let node = try await found(folder.path)
        _ = try await pay(node, 2)
        try await node.stop()
        let names = ["log", "records", "state", "image", "head", "sums"]
        for name in names {
            try FileManager.default.copyItem(
                at: folder.file(name),
                to: older.file(name)
            )
        }
        let again = try await start(folder.path)
        _ = try await pay(again, 3)
        #expect(await again.views.caughtUp())
        try await again.stop()
        for name in names {
            try FileManager.default.removeItem(at: folder.file(name))
            try FileManager.default.moveItem(at: older.file(name), to: folder.file(name))
        }
        await #expect {
            _ = try await start(folder.path)
        } throws: { error in
            guard let fault = error as? NodeFault else { return false }
            return fault.code == .lost && fault.subject.hasSuffix("/views")
                && fault.reason.contains("acknowledged entry was lost")
        }
    }
}
