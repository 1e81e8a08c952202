// SPDX-License-Identifier: Apache-2.0
//
// Short ways to write names, orders, requests and batches in the tests of this folder. Called by
// them only.

import TallyCodec
import TallyTypes

/// A name that a test knows to be legal.
func name<Name>(_ text: String, _ make: (String) -> Name?) -> Name {
    guard let name = make(text) else { fatalError("illegal name in a test: \(text)") }
    return name
}

func account(_ text: String) -> AccountAddress { name(text, AccountAddress.init) }
func bookName(_ text: String) -> BookName { name(text, BookName.init) }

let usd = name("USD/2", Asset.init)

/// The books of the tests: one of money, one of events.
enum Book {
    static let money = bookName("money")
    static let events = bookName("events")
}

/// A posting in words: from, to, how much.
func posting(_ source: String, _ destination: String, _ amount: UInt128) -> Posting {
    Posting(
        source: account(source),
        destination: account(destination),
        asset: usd,
        amount: Amount(amount)
    )
}

extension Request {
    static func make(_ name: BookName, _ kind: BookKind = .accounts) -> Request {
        Request(book: nil, order: .createBook(CreateBook(name: name, kind: kind)))
    }

    /// Deletes the book of money.
    static let deleteMoney = Request(book: Book.money, order: .deleteBook)

    static func configure(_ entriesPerGeneration: UInt64) -> Request {
        Request(
            book: nil,
            order: .setConfiguration(entriesPerGeneration: entriesPerGeneration)
        )
    }

    static func pay(
        _ source: String,
        _ destination: String,
        _ amount: UInt128,
        key: Text? = nil,
        reference: Text? = nil
    ) -> Request {
        let order = CreateTransaction(
            postings: [posting(source, destination, amount)],
            reference: reference
        )
        return Request(book: Book.money, order: .createTransaction(order), idempotencyKey: key)
    }

    static func revert(_ id: UInt64, isForced: Bool = false) -> Request {
        let order = RevertTransaction(transaction: TransactionID(id), isForced: isForced)
        return Request(book: Book.money, order: .revertTransaction(order))
    }

    static func describe(_ text: String, _ metadata: Metadata) -> Request {
        Request(book: Book.money, order: .setAccountMetadata(account(text), metadata))
    }

    static func event(_ entity: Text, _ field: Text, _ value: Text) -> Request {
        Request(
            book: Book.events,
            order: .recordEvent(
                JournalEvent(
                    entityType: "case",
                    entityID: entity,
                    field: field,
                    action: .update,
                    newValue: JSONText(value),
                    actor: "ann",
                    source: "test"
                )
            )
        )
    }
}

func metadata(_ pairs: (Text, Text)...) -> Metadata {
    var metadata = Metadata()
    for (key, value) in pairs { metadata[key] = value }
    return metadata
}

/// One transfer of a batch, in words.
struct TransferText {
    let source: String
    let destination: String
    let amount: UInt128

    init(_ source: String, _ destination: String, _ amount: UInt128) {
        self.source = source
        self.destination = destination
        self.amount = amount
    }
}

extension Submission {
    /// A batch of transfers of one asset.
    static func batch(_ transfers: [TransferText], key: Text? = nil) -> Submission {
        let accounts = Set(
            transfers.flatMap { [Array($0.source.utf8), Array($0.destination.utf8)] }
        )
        .sorted { $0.lexicographicallyPrecedes($1) }
        func position(_ name: String) -> Int {
            guard let position = accounts.firstIndex(of: Array(name.utf8)) else {
                fatalError("\(name) is not in the table")
            }
            return position
        }
        let items = transfers.map {
            BatchBody.Item(
                source: position($0.source),
                destination: position($0.destination),
                asset: 0,
                amount: $0.amount
            )
        }
        let bytes = BatchBody.encode(
            assets: [Array(usd.text.utf8)],
            accounts: accounts,
            items: items
        )
        do {
            let batch = try BatchBody.decode(bytes)
            return .batch(BatchRequest(book: Book.money, batch: batch, idempotencyKey: key))
        } catch {
            fatalError("\(error)")
        }
    }

    static func one(_ request: Request) -> Submission { .groups([[request]]) }
}
