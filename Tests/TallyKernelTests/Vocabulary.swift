// SPDX-License-Identifier: Apache-2.0
//
// Short ways to write names, orders and requests in tests. Called by the tests of this folder only.

import TallyCodec
import TallyTypes

/// A name that a test knows to be legal.
func name<Name>(_ text: String, _ make: (String) -> Name?) -> Name {
    guard let name = make(text) else { fatalError("illegal name in a test: \(text)") }
    return name
}

func account(_ text: String) -> AccountAddress { name(text, AccountAddress.init) }
func asset(_ text: String) -> Asset { name(text, Asset.init) }
func bookName(_ text: String) -> BookName { name(text, BookName.init) }

func map(_ pairs: (Text, Text)...) -> Metadata {
    var metadata = Metadata()
    for (key, value) in pairs { metadata[key] = value }
    return metadata
}

let usd = asset("USD/2")
let gold = asset("GOLD")

/// A posting in words: `a → b` of so much.
func posting(
    _ source: String,
    _ destination: String,
    _ amount: Amount,
    _ asset: Asset = usd
) -> Posting {
    Posting(
        source: account(source),
        destination: account(destination),
        asset: asset,
        amount: amount
    )
}

func posting(
    _ source: String,
    _ destination: String,
    _ amount: UInt128,
    _ asset: Asset = usd
) -> Posting {
    posting(source, destination, Amount(amount), asset)
}

/// The names of the books of the tests: two of money, one of events.
enum Book {
    static let money = bookName("A")
    static let other = bookName("B")
    static let events = bookName("J")
    static let absent = bookName("Z")
}

extension Order {
    static func pay(
        _ postings: Posting...,
        reference: Text? = nil,
        at timestamp: BusinessTime? = nil,
        metadata: Metadata = .empty,
        accounts: [AccountMetadata] = [],
        isForced: Bool = false
    ) -> Order {
        .createTransaction(
            CreateTransaction(
                postings: postings,
                reference: reference,
                timestamp: timestamp,
                metadata: metadata,
                accountMetadata: accounts,
                isForced: isForced
            )
        )
    }

    static func fund(_ account: String, _ amount: UInt128) -> Order {
        .pay(posting("world", account, amount))
    }

    static func revert(
        _ id: UInt64,
        isForced: Bool = false,
        isDated: Bool = false,
        metadata: Metadata = .empty
    ) -> Order {
        .revertTransaction(
            RevertTransaction(
                transaction: TransactionID(id),
                isForced: isForced,
                isAtEffectiveDate: isDated,
                metadata: metadata
            )
        )
    }

    static func make(_ name: BookName, _ kind: BookKind = .accounts) -> Order {
        .createBook(CreateBook(name: name, kind: kind))
    }

    /// An event about one entity.
    static func event(
        _ field: Text,
        _ action: JournalAction,
        old: Text? = nil,
        new: Text? = nil,
        expectsOld: Bool = false,
        entity: Text = "1"
    ) -> Order {
        .recordEvent(
            JournalEvent(
                entityType: "case",
                entityID: entity,
                field: field,
                action: action,
                oldValue: old.map(JSONText.init),
                newValue: new.map(JSONText.init),
                actor: "ann",
                source: "api",
                expectsOld: expectsOld
            )
        )
    }

    /// A request of this order in a book.
    func `in`(
        _ book: BookName?,
        key: Text? = nil,
        joint: Bool = false,
        by actor: Text? = nil
    ) -> Request {
        Request(
            book: book,
            order: self,
            idempotencyKey: key,
            isKeyJoint: joint,
            actor: actor
        )
    }
}

extension Request {
    /// An order of the system book.
    static func system(_ order: Order, key: Text? = nil) -> Request {
        Request(book: nil, order: order, idempotencyKey: key)
    }

    static let makeMoney = Request.system(.make(Book.money))
}

/// One transfer of a batch, in words.
struct TransferText {
    let source: String
    let destination: String
    let amount: UInt128
    let asset: Asset

    init(_ source: String, _ destination: String, _ amount: UInt128, _ asset: Asset = usd) {
        self.source = source
        self.destination = destination
        self.amount = amount
        self.asset = asset
    }
}

extension BatchRequest {
    /// A batch body with sorted tables.
    static func of(
        _ transfers: [TransferText],
        in book: BookName,
        key: Text? = nil,
        isForced: Bool = false
    ) -> BatchRequest {
        let assets = Set(transfers.map { Array($0.asset.text.utf8) })
            .sorted { $0.lexicographicallyPrecedes($1) }
        let accounts = Set(
            transfers.flatMap { [Array($0.source.utf8), Array($0.destination.utf8)] }
        )
        .sorted { $0.lexicographicallyPrecedes($1) }
        let items = transfers.map { transfer in
            BatchBody.Item(
                source: position(Array(transfer.source.utf8), accounts),
                destination: position(Array(transfer.destination.utf8), accounts),
                asset: position(Array(transfer.asset.text.utf8), assets),
                amount: transfer.amount
            )
        }
        let bytes = BatchBody.encode(
            isForced: isForced,
            assets: assets,
            accounts: accounts,
            items: items
        )
        do {
            return BatchRequest(
                book: book,
                batch: try BatchBody.decode(bytes),
                idempotencyKey: key
            )
        } catch {
            fatalError("\(error)")
        }
    }

    private static func position(_ bytes: [UInt8], _ table: [[UInt8]]) -> Int {
        guard let position = table.firstIndex(of: bytes) else { fatalError("not in the table") }
        return position
    }
}
