// SPDX-License-Identifier: Apache-2.0
//
// An entry whose application ends the process must not be in the log: every later start would end
// in the same way. The store is given a name that leads to no book, which no node writes. Called
// by `swift test`.

import TallyCodec
import TallyHTTP
import TallyNode
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("an entry that cannot be applied", .serialized)
struct PoisonTests {
    private static func start(_ path: String) async throws -> Node {
        let configuration = NodeConfiguration(
            directory: path,
            origin: "test/poison",
            entriesPerGeneration: 64,
            keysMax: 65_536
        )
        return try await Node.start(configuration) { fatalError("\($0)") }
    }

    /// Puts a name into the store of a stopped ledger that leads to a book without a row.
    private static func poison(_ path: String) throws {
        let directory = try DataDirectory(disk: RealDisk(), path: path, mode: .open)
        let store = try RocksStateStore(path: directory.state)
        let marker = try #require(try store.marker())
        var rows = FlushRows()
        let key = StateCodec.encodeKey(.bookName(bookName("phantom")))
        rows.put(key.span, StateCodec.encodeValue(.bookName(BookID(9, 9))).span)
        try store.flush(FlushBatch(rows: rows, marker: marker))
        try store.close()
    }

    @Test("an apply that ends the process leaves a log that starts again")
    func poisoned() async throws {
        let folder = try TemporaryDirectory("poison")
        let node = try await PoisonTests.start(folder.path)
        _ = try await node.port.submit(.groups([[.make(Book.money)]]))
        let head = await node.port.head()
        try await node.stop()
        try PoisonTests.poison(folder.path)
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) { [path = folder.path as String] in
            let node = try await PoisonTests.start(path)
            // Enough before it that the log's thread would have written the frame by then.
            let good = (0..<3_000).map { [Request.pay("world", "account:\($0)", 1)] }
            let bad = CreateTransaction(postings: [posting("world", "a", 1)])
            let order = Order.createTransaction(bad)
            _ = try await node.port.submit(
                .groups(good + [[Request(book: bookName("phantom"), order: order)]])
            )
        }
        expectInvariant(.i8, in: exit)
        await #expect(processExitsWith: .success) {
            [path = folder.path as String, size = head.size as UInt64] in
            let again = try await PoisonTests.start(path)
            #expect(await again.port.head().size == size)
            _ = try await again.port.submit(.one(.pay("world", "alice", 1)))
            #expect(await again.port.head().size == size + 1)
            try await again.stop()
        }
    }
}
