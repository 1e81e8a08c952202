// SPDX-License-Identifier: Apache-2.0
//
// What is left of a deleted book: its row and its name for ever, its other rows until the flush
// that holds the delete, or the next start. Called by `swift test`.

import TallyCodec
import TallyKernel
import TallyNode
import TallySim
import TallyStore
import TallyTypes
import Testing

@Suite("rows of deleted books")
struct JanitorTests {
    /// A ledger with two books full of rows, flushed; the stopped node.
    private func filled(_ disk: FaultDisk) async throws -> LiveNode {
        let node = try await LiveNode.founded(disk, LiveRules(k: 3))
        _ = try await node.ask(.make(Book.events, .journal))
        _ = try await node.ask(.event("7", "status", "\"open\""))
        _ = try await node.ask(.pay("world", "bob", 5, key: "k", reference: "r"))
        _ = try await node.ask(.describe("bob", metadata(("tier", "gold"))))
        _ = try await node.ask(.revert(2))
        try await node.stop()
        return node
    }

    private func kinds(_ rows: [StateRow], of book: BookID) throws -> Set<StateKeyKind> {
        var kinds: Set<StateKeyKind> = []
        for row in rows {
            let key = try StateCodec.decodeKey(row.key)
            if key.book == book { kinds.insert(key.kind) }
        }
        return kinds
    }

    private func money(_ rows: [StateRow]) throws -> BookID {
        for row in rows {
            guard case .bookName(Book.money) = try StateCodec.decodeKey(row.key),
                case .bookName(let book) = try StateCodec.decodeValue(kind: .bookName, row.value)
            else { continue }
            return book
        }
        throw Broken("no book of money")
    }

    @Test("they go with the flush that holds the delete, and nothing else goes")
    func afterFlush() async throws {
        let stopped = try await filled(FaultDisk())
        let before = try stopped.rows()
        let book = try money(before)
        let held: Set<StateKeyKind> = [
            .book, .volume, .accountMetadata, .transactionState, .reference, .idempotency,
        ]
        #expect(try kinds(before, of: book) == held)
        let node = try LiveNode(stopped.disk.afterExit(), LiveRules(k: 3))
        #expect(try await node.ask(.deleteMoney).refusal == nil)
        #expect(try await node.ask(.pay("world", "bob", 1)).refusal == .bookDeleted)
        try await node.stop()
        let after = try node.rows()
        #expect(try kinds(after, of: book) == [.book])
        let gone = Set(before.map(\.key)).subtracting(after.map(\.key))
        #expect(try gone.allSatisfy { try StateCodec.decodeKey($0).book == book })
        #expect(try money(after) == book, "the name stays taken")
        #expect(!gone.isEmpty)
        try await node.expectVerified()
    }

    @Test("what a crash brought back goes with the next start")
    func afterCrash() async throws {
        let stopped = try await filled(FaultDisk())
        let book = try money(try stopped.rows())
        let gate = StoreGate()
        let node = try LiveNode(stopped.disk.afterExit(), LiveRules(k: 3), gate: gate)
        gate.failRemovals()
        _ = try await node.ask(.deleteMoney)
        await #expect(throws: NodeFault.self) { try await node.stop() }
        #expect(try kinds(try node.rows(), of: book).count > 1, "the removal was held back")
        let again = try LiveNode(node.disk.afterExit(), LiveRules(k: 3))
        #expect(try await again.ask(.pay("world", "bob", 1)).refusal == .bookDeleted)
        try await again.stop()
        #expect(try kinds(try again.rows(), of: book) == [.book])
        try await again.expectVerified()
    }
}
