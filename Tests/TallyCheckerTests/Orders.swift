// SPDX-License-Identifier: Apache-2.0
//
// Short ways to write orders, outcomes and books in tests. Called by the tests of this folder only.

import TallyTypes

/// A name that a test knows to be legal.
func name<Name>(_ text: String, _ make: (String) -> Name?) -> Name {
    guard let name = make(text) else { fatalError("illegal name in a test: \(text)") }
    return name
}

func account(_ text: String) -> AccountAddress { name(text, AccountAddress.init) }
func asset(_ text: String) -> Asset { name(text, Asset.init) }
func bookName(_ text: String) -> BookName { name(text, BookName.init) }

func map(_ pairs: [(Text, Text)]) -> Metadata {
    var metadata = Metadata()
    for (key, value) in pairs {
        metadata[key] = value
    }
    return metadata
}

/// The books of the tests.
enum Books {
    static let money = BookID(1, 1)
    static let notes = BookID(1, 2)
    static let gone = BookID(1, 3)

    static let makeMoney = Line(
        .system,
        .createBook(
            CreateBook(name: bookName("money"), kind: .accounts, metadata: map([("m", "1")]))
        ),
        .committed(.bookCreated(money))
    )
    static let makeNotes = Line(
        .system,
        .createBook(CreateBook(name: bookName("notes"), kind: .journal)),
        .committed(.bookCreated(notes))
    )
}

let usd = asset("USD/2")

/// A posting in words: `a → b` of so much.
func posting(_ source: String, _ destination: String, _ amount: Amount, _ asset: Asset = usd)
    -> Posting
{
    Posting(
        source: account(source),
        destination: account(destination),
        asset: asset,
        amount: amount
    )
}

func posting(_ source: String, _ destination: String, _ amount: UInt128) -> Posting {
    posting(source, destination, Amount(amount))
}

/// A transaction in the book of money.
func pay(
    _ postings: [Posting],
    _ outcome: Outcome,
    reference: Text? = nil,
    timestamp: BusinessTime? = nil,
    metadata: Metadata = .empty,
    accounts: [AccountMetadata] = [],
    isForced: Bool = false,
    in book: BookID = Books.money,
    key: Text? = nil,
    group: (UInt64, of: UInt64)? = nil,
    batch: BatchClaim? = nil
) -> Line {
    let order = CreateTransaction(
        postings: postings,
        reference: reference,
        timestamp: timestamp,
        metadata: metadata,
        accountMetadata: accounts,
        isForced: isForced
    )
    return Line(book, .createTransaction(order), outcome, key: key, group: group, batch: batch)
}

/// The outcome of a transaction.
func transaction(
    _ id: UInt64,
    log: UInt64,
    _ postings: [Posting]? = nil,
    at time: BusinessTime? = nil
) -> Outcome {
    .committed(
        .transaction(
            TransactionEffects(
                id: TransactionID(id),
                logID: LogID(log),
                postings: postings,
                timestamp: time
            )
        )
    )
}

func logged(_ log: UInt64) -> Outcome { .committed(.logged(LogID(log))) }

func poor(_ name: String, needs amount: UInt128, has available: UInt128) -> Outcome {
    .refused(
        .insufficientFunds(
            account: account(name),
            asset: usd,
            needed: Amount(amount),
            available: Amount(available)
        )
    )
}

func revert(
    _ id: UInt64,
    _ outcome: Outcome,
    isForced: Bool = false,
    isDated: Bool = false,
    metadata: Metadata = .empty
) -> Line {
    let order = RevertTransaction(
        transaction: TransactionID(id),
        isForced: isForced,
        isAtEffectiveDate: isDated,
        metadata: metadata
    )
    return Line(Books.money, .revertTransaction(order), outcome)
}

/// An event of the book of notes, about one entity.
func event(
    _ field: Text,
    _ action: JournalAction,
    old: Text? = nil,
    new: Text? = nil,
    expects: Bool = false,
    _ outcome: Outcome = .committed(.recorded)
) -> Line {
    let event = JournalEvent(
        entityType: "case",
        entityID: "1",
        field: field,
        action: action,
        oldValue: old.map(JSONText.init),
        newValue: new.map(JSONText.init),
        actor: "ann",
        source: "api",
        expectsOld: expects
    )
    return Line(Books.notes, .recordEvent(event), outcome)
}
