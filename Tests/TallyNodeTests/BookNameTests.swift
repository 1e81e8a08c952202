// SPDX-License-Identifier: Apache-2.0
//
// From a name to a book without any view: found in the cache, found in the store after it left the
// cache, and gone once it was deleted. And what a read of one book waits for. Called by
// `swift test`.

import Foundation
import TallyHTTP
import TallyNode
import TallySim
import TallyStore
import TallyTypes
import TallyViews
import TestSupport
import Testing

@Suite("names of books, and waiting for views")
struct BookNameTests {
    @Test("a name leads to its book from cache and store, and to nothing once it was deleted")
    func names() async throws {
        let gate = StoreGate()
        let node = try await LiveNode.founded(gate: gate)
        let made = try #require(try await node.sequencer.book(named: Book.money))
        #expect(made.kind == .accounts && made.name == Book.money)
        #expect(try await node.sequencer.book(named: Book.events) == nil)

        // Three generations that touch other keys only: the name leaves the cache.
        for _ in 0..<9 { _ = try await node.ask(.configure(3)) }
        gate.close()
        async let found = node.sequencer.book(named: Book.money)
        try await waitUntil("the name is read from the store") { gate.isHolding }
        gate.open()
        #expect(try await found == made)

        _ = try await node.ask(.deleteMoney)
        #expect(try await node.sequencer.book(named: Book.money) == nil)
        try await node.stop()
        let again = try LiveNode(node.disk.afterExit())
        #expect(try await again.sequencer.book(named: Book.money) == nil)
        try await again.stop()
    }

    @Test("a read of one book does not wait for another's records")
    func waiting() async throws {
        let folder = try TemporaryDirectory("views")
        let live = try await LiveNode.founded()
        let (idle, busy) = (BookID(1, 1), BookID(2, 2))
        let keeper = ViewKeeper(
            store: try ViewStore(directory: folder.path),
            records: live.files,
            isEnabled: false,
            failed: { Issue.record("the views failed: \($0)") }
        )
        keeper.recovered(0)
        #expect(await keeper.caughtUp(with: busy))
        keeper.published(8_189, touching: [busy])
        #expect(await keeper.caughtUp(with: idle))
        async let busyIsLate = keeper.caughtUp(with: busy)
        keeper.published(8_190, touching: [.system])
        async let allAreLate = keeper.caughtUp(with: idle)
        #expect(await !busyIsLate)
        #expect(await !allAreLate)
        try await live.stop()
    }

    @Test("the origin is that of the first record, whatever a later start asks for")
    func origin() async throws {
        let folder = try TemporaryDirectory("node")
        for asked in ["test/first", "test/second"] {
            let node = try await Node.start(
                NodeConfiguration(directory: folder.path, origin: asked, keysMax: 4_096)
            ) { Issue.record("the node failed: \($0)") }
            #expect(node.port.origin == "test/first")
            try await node.stop()
        }
    }

    @Test("without views a node takes writes by a book's name", .timeLimit(.minutes(5)))
    func withoutViews() async throws {
        let folder = try TemporaryDirectory("node")
        let node = try await Node.start(
            NodeConfiguration(
                directory: folder.path,
                keysMax: 4_096,
                areViewsEnabled: false
            )
        ) { Issue.record("the node failed: \($0)") }
        #expect(try await node.port.book(Book.money) == nil)
        _ = try await node.port.submit(.one(.make(Book.money)))
        #expect(try await node.port.book(Book.money)?.kind == .accounts)
        #expect(node.views.folded == 0)
        // Each would take five seconds if what never comes were waited for.
        for _ in 0..<100 { #expect(await !node.views.caughtUp()) }
        try await node.stop()
    }
}
