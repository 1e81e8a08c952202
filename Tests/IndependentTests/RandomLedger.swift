// SPDX-License-Identifier: Apache-2.0
//
// Ledgers with a bit of everything, made by a real node from a seed: money with refusals, reverts,
// metadata, a batch and a record too large for its leaf; a journal; a book that is deleted. Called
// by the tests of this folder only.

import TallyCodec
import TallyHTTP
import TallyNode
import TallyTypes
import TestSupport
import Testing

/// Fills ledgers.
struct RandomLedger {
    private var random: SeededRandom

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// Makes a ledger in a folder, with about so many records, and stops its node cleanly.
    ///
    /// - Parameters:
    ///   - path: A missing or empty folder.
    ///   - seed: What all orders follow from.
    ///   - orders: The number of groups after the first few records.
    ///   - isWide: True for a transaction that is too large for its record.
    ///   - halfway: Called on the running node when half of the orders are done.
    /// - Throws: What the node throws.
    static func make(
        _ path: String,
        seed: UInt64,
        orders: Int,
        isWide: Bool = false,
        halfway: (Node) async throws -> Void = { _ in }
    ) async throws {
        var ledger = RandomLedger(seed: seed)
        let configuration = NodeConfiguration(
            directory: path,
            origin: "test/independent",
            entriesPerGeneration: 8
        )
        let node = try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
        try await ledger.found(node, isWide: isWide)
        for turn in 0..<orders {
            _ = try await node.port.submit(.groups([ledger.group()]))
            if turn == orders / 2 { try await halfway(node) }
        }
        if orders > 8 {
            _ = try await node.sealing.seal()
            _ = try await node.port.submit(.groups([[ledger.request()]]))
        }
        try await node.stop()
    }

    private mutating func found(_ node: Node, isWide: Bool) async throws {
        let books = [("money", BookKind.accounts), ("events", .journal), ("gone", .accounts)]
        for (name, kind) in books {
            let order = CreateBook(name: try #require(BookName(name)), kind: kind)
            let request = Request(book: nil, order: .createBook(order))
            _ = try await node.port.submit(.groups([[request]]))
        }
        let gone = try #require(BookName("gone"))
        let paid = transaction([posting("world", "a", 7)])
        for order in [paid, Order.deleteBook, paid] {
            _ = try await node.port.submit(.groups([[Request(book: gone, order: order)]]))
        }
        if isWide {
            let postings = (0..<2_600).map { posting("world", "shop:customer:\($0)", 5) }
            let request = Request(book: money, order: transaction(postings))
            _ = try await node.port.submit(.groups([[request]]))
        }
        _ = try await node.port.submit(.batch(try batch()))
    }

    private func batch() throws -> BatchRequest {
        let accounts = ["a", "b", "world"].map { Array($0.utf8) }
        let items = [(2, 0, 40), (0, 1, 10), (1, 0, 900), (2, 1, 5)].map {
            BatchBody.Item(source: $0.0, destination: $0.1, asset: 0, amount: UInt128($0.2))
        }
        let bytes = BatchBody.encode(
            assets: [Array("USD/2".utf8)],
            accounts: accounts,
            items: items
        )
        let body = try BatchBody.decode(bytes)
        return BatchRequest(book: money, batch: body, idempotencyKey: "batch")
    }

    // MARK: - Orders

    private let money: BookName = legal("money", BookName.init)
    private let events: BookName = legal("events", BookName.init)

    mutating func group() -> [Request] {
        (0..<(random.chance(1, in: 5) ? 3 : 1)).map { _ in request() }
    }

    mutating func request() -> Request {
        let key: Text? = random.chance(1, in: 4) ? Text("key \(random.below(30))") : nil
        let actor: Text? = random.chance(1, in: 6) ? "ann" : nil
        let isEvent = random.chance(1, in: 4)
        return Request(
            book: isEvent ? events : money,
            order: isEvent ? event() : order(),
            idempotencyKey: key,
            actor: actor
        )
    }

    private mutating func order() -> Order {
        let id = TransactionID(UInt64(1 + random.below(12)))
        let label = Text("label \(random.below(3))")
        let value = Text("value \(random.below(9))")
        switch random.below(20) {
        case 0: return .setTransactionMetadata(id, metadata(label, value))
        case 1: return .deleteTransactionMetadata(id, key: label)
        case 2: return .setAccountMetadata(account(), metadata(label, value))
        case 3: return .deleteAccountMetadata(account(), key: label)
        case 4: return .setBookMetadata(metadata(label, value))
        case 5: return .deleteBookMetadata(key: label)
        case 6..<9:
            return .revertTransaction(
                RevertTransaction(transaction: id, isForced: random.chance(1, in: 4))
            )
        default:
            let postings = (0..<(1 + random.below(3))).map { _ in
                posting(name(), name(), UInt128(random.below(60)))
            }
            return .createTransaction(
                CreateTransaction(
                    postings: postings,
                    reference: random.chance(1, in: 5) ? Text("r\(random.below(9))") : nil,
                    timestamp: random.chance(1, in: 4)
                        ? BusinessTime(microseconds: Int64(random.below(1_000_000))) : nil,
                    metadata: random.chance(1, in: 3) ? metadata(label, value) : .empty,
                    isForced: random.chance(1, in: 8)
                )
            )
        }
    }

    private mutating func event() -> Order {
        let isWhole = random.chance(1, in: 4)
        let actions = [JournalAction.insert, .update, .delete, .ingest]
        let action = actions[random.below(4)]
        let value = JSONText(Text(isWhole ? #"{"a":1}"# : "\(random.below(5))"))
        return .recordEvent(
            JournalEvent(
                entityType: "case",
                entityID: Text("\(random.below(4))"),
                field: isWhole ? "*" : "state",
                action: action,
                newValue: action == .delete ? nil : value,
                actor: "ann",
                source: "test"
            )
        )
    }

    private mutating func name() -> String {
        ["world", "a", "b", "c", "shop:till"][random.below(5)]
    }

    private mutating func account() -> AccountAddress { legal(name(), AccountAddress.init) }

    private func transaction(_ postings: [Posting]) -> Order {
        .createTransaction(CreateTransaction(postings: postings))
    }

    private func posting(_ source: String, _ destination: String, _ amount: UInt128) -> Posting {
        Posting(
            source: legal(source, AccountAddress.init),
            destination: legal(destination, AccountAddress.init),
            asset: legal("USD/2", Asset.init),
            amount: Amount(amount)
        )
    }

    private func metadata(_ key: Text, _ value: Text) -> Metadata {
        var metadata = Metadata()
        metadata[key] = value
        return metadata
    }
}

/// A name that a test knows to be legal.
private func legal<Name>(_ text: String, _ make: (String) -> Name?) -> Name {
    guard let name = make(text) else { fatalError("illegal name in a test: \(text)") }
    return name
}
