// SPDX-License-Identifier: Apache-2.0
//
// Orders: the business intent of one operation, exactly what the client asked for, after static
// validation. A closed enum: the compiler lists every switch to extend when a kind is added.
// Standard library only. Their canonical bytes are in TallyCodec/OrderCodec.swift, their rules in
// TallyKernel/Books.

/// The kinds of books; numbers are stable and never reused.
public enum BookKind: UInt8, CaseIterable, Sendable {
    /// The one book that holds what concerns all others.
    case system = 0
    /// Double-entry money.
    case accounts = 1
    /// Who changed what, when.
    case journal = 2
}

/// One movement of an asset between two accounts.
public struct Posting: Hashable, Sendable {
    /// The account that gives.
    public let source: AccountAddress
    /// The account that receives.
    public let destination: AccountAddress
    /// What moves.
    public let asset: Asset
    /// How much of it, in its smallest unit.
    public let amount: Amount

    /// Makes a posting.
    public init(
        source: AccountAddress,
        destination: AccountAddress,
        asset: Asset,
        amount: Amount
    ) {
        self.source = source
        self.destination = destination
        self.asset = asset
        self.amount = amount
    }

    /// The posting that undoes this one.
    public var reversed: Posting {
        Posting(source: destination, destination: source, asset: asset, amount: amount)
    }
}

/// The first order of a ledger.
public struct CreateLedger: Hashable, Sendable {
    /// The name under which checkpoints will be signed.
    public let origin: Text
    /// K: entries per cache generation, 1 to 1,048,576.
    public let entriesPerGeneration: UInt64

    /// Makes the order.
    public init(origin: Text, entriesPerGeneration: UInt64) {
        self.origin = origin
        self.entriesPerGeneration = entriesPerGeneration
    }
}

/// What a change of the log's keys does; numbers are stable.
public enum LogKeyAction: UInt8, CaseIterable, Sendable {
    /// The key signs no tree that lacks this record.
    case introduce = 0
    /// The key signs no tree that holds this record.
    case retire = 1

    /// The word used on the wire.
    public var word: String {
        switch self {
        case .introduce: "introduce"
        case .retire: "retire"
        }
    }
}

/// A key of the log begins or ends.
public struct LogKeyChange: Hashable, Sendable {
    /// What happens to the key.
    public let action: LogKeyAction
    /// The Ed25519 public key, thirty-two bytes; its name is the ledger's origin.
    public let publicKey: Digest

    /// Makes the change.
    public init(action: LogKeyAction, publicKey: Digest) {
        self.action = action
        self.publicKey = publicKey
    }
}

/// The ledger goes on under another origin, because the one before has ended.
///
/// The size at which it goes on is the index of the record.
public struct LogSuccession: Hashable, Sendable {
    /// The name under which checkpoints are signed from here on.
    public let origin: Text
    /// The number of records of the last checkpoint that was signed under the name before.
    public let lastSize: UInt64
    /// The root of that checkpoint.
    public let lastRoot: Digest
    /// The signed note of that checkpoint, when somebody still has it.
    public let lastNote: Text?

    /// Makes the order.
    public init(origin: Text, lastSize: UInt64, lastRoot: Digest, lastNote: Text?) {
        self.origin = origin
        self.lastSize = lastSize
        self.lastRoot = lastRoot
        self.lastNote = lastNote
    }

    /// How many records the last checkpoint counted that a ledger of a size lacks.
    public func lost(at size: RecordIndex) -> UInt64 {
        lastSize > size.rawValue ? lastSize - size.rawValue : 0
    }
}

/// Rows of the state in a tree of their own: how many, and its root.
public struct SealedRows: Hashable, Sendable {
    /// The number of rows.
    public let count: UInt64
    /// The root of the tree over them; of no rows, that of the empty tree.
    public let root: Digest

    /// Makes the statement.
    public init(count: UInt64, root: Digest) {
        self.count = count
        self.root = root
    }
}

/// What the state was after so many records.
public struct LogSeal: Hashable, Sendable {
    /// The number of records.
    public let size: UInt64
    /// The digest of all state.
    public let stateDigest: Digest
    /// The balances of books that were not deleted, ascending by key.
    public let balances: SealedRows
    /// Where the chain of each such book stood, ascending by id.
    public let heads: SealedRows

    /// Makes the seal.
    public init(size: UInt64, stateDigest: Digest, balances: SealedRows, heads: SealedRows) {
        self.size = size
        self.stateDigest = stateDigest
        self.balances = balances
        self.heads = heads
    }
}

/// What a book was created with.
public struct CreateBook: Hashable, Sendable {
    /// The bucket of a book that names none.
    public static let defaultBucket: Text = "_default"
    /// Its name; never reused.
    public let name: BookName
    /// Its kind.
    public let kind: BookKind
    /// The bucket it is listed under.
    public let bucket: Text
    /// Its metadata at birth.
    public let metadata: Metadata
    /// Features of the v2 API, as asked for.
    public let features: Metadata

    /// Makes the order.
    public init(
        name: BookName,
        kind: BookKind,
        bucket: Text = CreateBook.defaultBucket,
        metadata: Metadata = .empty,
        features: Metadata = .empty
    ) {
        self.name = name
        self.kind = kind
        self.bucket = bucket
        self.metadata = metadata
        self.features = features
    }
}

/// Account metadata that comes with a transaction.
public struct AccountMetadata: Hashable, Sendable {
    /// The account.
    public let account: AccountAddress
    /// What is merged over its metadata; never empty.
    public let metadata: Metadata

    /// Makes the pair.
    public init(account: AccountAddress, metadata: Metadata) {
        self.account = account
        self.metadata = metadata
    }
}

/// A transaction from postings.
public struct CreateTransaction: Hashable, Sendable {
    /// What moves, in order; never empty.
    public let postings: [Posting]
    /// Unique in the book when given; never empty.
    public let reference: Text?
    /// The business time; nil means the record's time.
    public let timestamp: BusinessTime?
    /// The transaction's metadata.
    public let metadata: Metadata
    /// Merged over the metadata of accounts; ascending by account, each once.
    public let accountMetadata: [AccountMetadata]
    /// True when every source may go below zero.
    public let isForced: Bool

    /// Makes the order.
    public init(
        postings: [Posting],
        reference: Text? = nil,
        timestamp: BusinessTime? = nil,
        metadata: Metadata = .empty,
        accountMetadata: [AccountMetadata] = [],
        isForced: Bool = false
    ) {
        self.postings = postings
        self.reference = reference
        self.timestamp = timestamp
        self.metadata = metadata
        self.accountMetadata = accountMetadata
        self.isForced = isForced
    }
}

/// The undoing of a transaction.
public struct RevertTransaction: Hashable, Sendable {
    /// The transaction to undo.
    public let transaction: TransactionID
    /// True when sources may go below zero.
    public let isForced: Bool
    /// True when the new transaction takes the business time of the old one.
    public let isAtEffectiveDate: Bool
    /// Metadata of the new transaction.
    public let metadata: Metadata

    /// Makes the order.
    public init(
        transaction: TransactionID,
        isForced: Bool = false,
        isAtEffectiveDate: Bool = false,
        metadata: Metadata = .empty
    ) {
        self.transaction = transaction
        self.isForced = isForced
        self.isAtEffectiveDate = isAtEffectiveDate
        self.metadata = metadata
    }
}

/// What happened to an entity of a journal; numbers are stable.
public enum JournalAction: UInt8, CaseIterable, Sendable {
    /// Something came to be.
    case insert = 0
    /// Something changed.
    case update = 1
    /// Something went.
    case delete = 2
    /// Something was read in from elsewhere; touches no state.
    case ingest = 3

    /// The word used on the wire.
    public var word: String {
        switch self {
        case .insert: "insert"
        case .update: "update"
        case .delete: "delete"
        case .ingest: "ingest"
        }
    }
}

/// One event of a journal: who changed what, when.
public struct JournalEvent: Hashable, Sendable {
    /// The type of the entity.
    public let entityType: Text
    /// The id of the entity within its type.
    public let entityID: Text
    /// The literal name of the field; `*` is the whole entity.
    public let field: Text
    /// What happened.
    public let action: JournalAction
    /// The value before; nil when there was none.
    public let oldValue: JSONText?
    /// The value after; nil when there is none.
    public let newValue: JSONText?
    /// Who.
    public let actor: Text
    /// Through what.
    public let source: Text
    /// In which workspace; nil is none, empty is a value.
    public let workspaceID: Text?
    /// The business time given by the caller.
    public let occurredAt: BusinessTime?
    /// True when the event is refused unless the old value is the current one.
    public let expectsOld: Bool

    /// Makes the event.
    public init(
        entityType: Text,
        entityID: Text,
        field: Text,
        action: JournalAction,
        oldValue: JSONText? = nil,
        newValue: JSONText? = nil,
        actor: Text,
        source: Text,
        workspaceID: Text? = nil,
        occurredAt: BusinessTime? = nil,
        expectsOld: Bool = false
    ) {
        self.entityType = entityType
        self.entityID = entityID
        self.field = field
        self.action = action
        self.oldValue = oldValue
        self.newValue = newValue
        self.actor = actor
        self.source = source
        self.workspaceID = workspaceID
        self.occurredAt = occurredAt
        self.expectsOld = expectsOld
    }
}

/// The business intent of one operation.
public enum Order: Hashable, Sendable {
    /// The first order of a ledger: origin and K.
    case createLedger(CreateLedger)
    /// A new book.
    case createBook(CreateBook)
    /// The end of a book; its name and id stay taken.
    case deleteBook
    /// Pairs laid over a book's metadata.
    case setBookMetadata(Metadata)
    /// One key of a book's metadata removed; absent is fine.
    case deleteBookMetadata(key: Text)
    /// K changed, 1 to 1,048,576, with a new epoch from the next entry on.
    case setConfiguration(entriesPerGeneration: UInt64)
    /// A key of the log introduced or retired.
    case changeLogKey(LogKeyChange)
    /// What the state was at a size; changes nothing.
    case sealLog(LogSeal)
    /// The origin changed, since the one before has ended.
    case succeedLog(LogSuccession)
    /// A transaction from postings.
    case createTransaction(CreateTransaction)
    /// A transaction undone by a new one.
    case revertTransaction(RevertTransaction)
    /// Pairs laid over a transaction's metadata.
    case setTransactionMetadata(TransactionID, Metadata)
    /// One key of a transaction's metadata removed; absent is refused.
    case deleteTransactionMetadata(TransactionID, key: Text)
    /// Pairs laid over an account's metadata; the account need not have been used.
    case setAccountMetadata(AccountAddress, Metadata)
    /// One key of an account's metadata removed; absent is fine.
    case deleteAccountMetadata(AccountAddress, key: Text)
    /// An event of a journal.
    case recordEvent(JournalEvent)

    /// The kind of this order.
    public var kind: OrderKind {
        switch self {
        case .createLedger: .createLedger
        case .createBook: .createBook
        case .deleteBook: .deleteBook
        case .setBookMetadata: .setBookMetadata
        case .deleteBookMetadata: .deleteBookMetadata
        case .setConfiguration: .setConfiguration
        case .changeLogKey: .changeLogKey
        case .sealLog: .sealLog
        case .succeedLog: .succeedLog
        case .createTransaction: .createTransaction
        case .revertTransaction: .revertTransaction
        case .setTransactionMetadata: .setTransactionMetadata
        case .deleteTransactionMetadata: .deleteTransactionMetadata
        case .setAccountMetadata: .setAccountMetadata
        case .deleteAccountMetadata: .deleteAccountMetadata
        case .recordEvent: .recordEvent
        }
    }
}

/// The kinds of orders: the word in a record, and a stable number in an entry; neither is ever
/// reused.
public enum OrderKind: UInt8, CaseIterable, Sendable {
    /// `ledger.create`
    case createLedger = 1
    /// `book.create`
    case createBook = 2
    /// `book.delete`
    case deleteBook = 3
    /// `book.meta`
    case setBookMetadata = 4
    /// `book.meta.del`
    case deleteBookMetadata = 5
    /// `config.set`
    case setConfiguration = 6
    /// `log.key`
    case changeLogKey = 7
    /// `log.seal`
    case sealLog = 8
    /// `log.successor`
    case succeedLog = 9
    /// `tx`
    case createTransaction = 16
    /// `tx.revert`
    case revertTransaction = 17
    /// `tx.meta`
    case setTransactionMetadata = 18
    /// `tx.meta.del`
    case deleteTransactionMetadata = 19
    /// `acct.meta`
    case setAccountMetadata = 20
    /// `acct.meta.del`
    case deleteAccountMetadata = 21
    /// `event`
    case recordEvent = 32

    /// The word that stands in a record.
    public var word: String {
        switch self {
        case .createLedger: "ledger.create"
        case .createBook: "book.create"
        case .deleteBook: "book.delete"
        case .setBookMetadata: "book.meta"
        case .deleteBookMetadata: "book.meta.del"
        case .setConfiguration: "config.set"
        case .changeLogKey: "log.key"
        case .sealLog: "log.seal"
        case .succeedLog: "log.successor"
        case .createTransaction: "tx"
        case .revertTransaction: "tx.revert"
        case .setTransactionMetadata: "tx.meta"
        case .deleteTransactionMetadata: "tx.meta.del"
        case .setAccountMetadata: "acct.meta"
        case .deleteAccountMetadata: "acct.meta.del"
        case .recordEvent: "event"
        }
    }

    /// The kind with this word; nil for a word of no kind.
    public init?(word: String) {
        guard let kind = OrderKind.allCases.first(where: { $0.word == word }) else { return nil }
        self = kind
    }

    /// The kind of book that takes this order; nil when books of every kind do.
    public var bookKind: BookKind? {
        switch self {
        case .createLedger, .createBook, .setConfiguration, .changeLogKey, .sealLog, .succeedLog:
            .system
        case .deleteBook, .setBookMetadata, .deleteBookMetadata: nil
        case .createTransaction, .revertTransaction, .setTransactionMetadata,
            .deleteTransactionMetadata, .setAccountMetadata, .deleteAccountMetadata:
            .accounts
        case .recordEvent: .journal
        }
    }
}
