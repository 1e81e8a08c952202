// SPDX-License-Identifier: Apache-2.0
//
// The state: which keys there are and what their rows hold. Standard library only. The canonical
// bytes are in TallyCodec/StateCodec.swift; the kernel changes rows through a gate, the checker
// recomputes them.

/// The kinds of state keys; numbers are stable and never reused.
public enum StateKeyKind: UInt8, CaseIterable, Sendable {
    /// A book's row.
    case book = 1
    /// The id of the book with a name.
    case bookName = 2
    /// What an account received and gave of an asset.
    case volume = 3
    /// One key of an account's metadata.
    case accountMetadata = 4
    /// What changed about a transaction after its birth.
    case transactionState = 5
    /// The transaction that took a reference.
    case reference = 6
    /// The order that claimed an idempotency key.
    case idempotency = 7
    /// One key of a book's metadata.
    case bookMetadata = 8
    /// The current state of a journal's entity.
    case entity = 9
}

/// The key of one row of state.
///
/// Every key holds its book's id, and ids are never reused.
public enum StateKey: Hashable, Sendable {
    /// A book's row.
    case book(BookID)
    /// The id of the book with a name; stands under the system book.
    case bookName(BookName)
    /// What an account received and gave of an asset.
    case volume(BookID, Asset, AccountAddress)
    /// One key of an account's metadata.
    case accountMetadata(BookID, AccountAddress, key: Text)
    /// What changed about a transaction after its birth.
    case transactionState(BookID, TransactionID)
    /// The transaction that took a reference.
    case reference(BookID, Text)
    /// The order that claimed the key with this hash.
    case idempotency(BookID, Digest)
    /// One key of a book's metadata.
    case bookMetadata(BookID, key: Text)
    /// The current state of a journal's entity.
    case entity(BookID, type: Text, id: Text)

    /// The kind of this key.
    public var kind: StateKeyKind {
        switch self {
        case .book: .book
        case .bookName: .bookName
        case .volume: .volume
        case .accountMetadata: .accountMetadata
        case .transactionState: .transactionState
        case .reference: .reference
        case .idempotency: .idempotency
        case .bookMetadata: .bookMetadata
        case .entity: .entity
        }
    }

    /// The book whose row this is; the system book for names.
    public var book: BookID {
        switch self {
        case .book(let book), .volume(let book, _, _), .accountMetadata(let book, _, _),
            .transactionState(let book, _), .reference(let book, _), .idempotency(let book, _),
            .bookMetadata(let book, _), .entity(let book, _, _):
            book
        case .bookName: .system
        }
    }
}

/// What a book was made with, apart from its name and metadata.
public struct BookConfiguration: Hashable, Sendable {
    /// The bucket it is listed under.
    public let bucket: Text
    /// Features of the v2 API, as asked for.
    public let features: Metadata

    /// Makes a configuration.
    public init(bucket: Text, features: Metadata) {
        self.bucket = bucket
        self.features = features
    }
}

/// The row of a book.
public struct BookRow: Hashable, Sendable {
    /// Its kind.
    public let kind: BookKind
    /// What it was made with.
    public let configuration: BookConfiguration
    /// True once it was deleted; it never lives again.
    public var isDeleted: Bool
    /// The sequence of its next record.
    public var nextSequence: BookSequence
    /// The leaf hash of its last record, or its genesis hash.
    public var head: Digest
    /// The number of its next transaction.
    public var nextTransaction: TransactionID
    /// The number of its next v2 log.
    public var nextLog: LogID

    /// Makes the row of a book.
    public init(
        kind: BookKind,
        configuration: BookConfiguration,
        isDeleted: Bool = false,
        nextSequence: BookSequence = BookSequence(0),
        head: Digest,
        nextTransaction: TransactionID = TransactionID(1),
        nextLog: LogID = LogID(1)
    ) {
        self.kind = kind
        self.configuration = configuration
        self.isDeleted = isDeleted
        self.nextSequence = nextSequence
        self.head = head
        self.nextTransaction = nextTransaction
        self.nextLog = nextLog
    }
}

/// What changed about a transaction after its birth.
public struct TransactionState: Hashable, Sendable {
    /// The transaction that reverted it.
    public var revertedBy: TransactionID?
    /// Its whole metadata, once that changed; nil while it is as at birth.
    public var metadata: Metadata?

    /// Makes a state; at least one of the two is not nil in a stored row.
    public init(revertedBy: TransactionID? = nil, metadata: Metadata? = nil) {
        self.revertedBy = revertedBy
        self.metadata = metadata
    }
}

/// The order that claimed an idempotency key.
public struct IdempotencyRow: Hashable, Sendable {
    /// SHA-256 of the order's canonical bytes, or of the batch's bytes.
    public let digest: Digest
    /// The record that holds the outcome; for a batch, the record of its first transfer.
    public let record: RecordIndex
    /// The number of records of a batch; 1 otherwise.
    public let count: UInt64

    /// Makes a row.
    public init(digest: Digest, record: RecordIndex, count: UInt64 = 1) {
        self.digest = digest
        self.record = record
        self.count = count
    }
}

/// The current state of a journal's entity.
public struct EntityState: Hashable, Sendable {
    /// One field with its current value.
    public struct Field: Hashable, Sendable {
        /// The literal name.
        public let name: Text
        /// The current value.
        public let value: JSONText

        /// Makes a field.
        public init(name: Text, value: JSONText) {
            self.name = name
            self.value = value
        }
    }

    /// The fields, ascending by name, each once; an entity that ended has no row.
    public var fields: [Field]

    /// Makes a state from fields in ascending order.
    public init(fields: [Field] = []) {
        self.fields = fields
    }
}

/// The row of a key.
public enum StateValue: Hashable, Sendable {
    /// Under `.book`.
    case book(BookRow)
    /// Under `.bookName`.
    case bookName(BookID)
    /// Under `.volume`.
    case volume(Volume)
    /// Under `.accountMetadata` and `.bookMetadata`.
    case text(Text)
    /// Under `.transactionState`.
    case transactionState(TransactionState)
    /// Under `.reference`.
    case reference(TransactionID)
    /// Under `.idempotency`.
    case idempotency(IdempotencyRow)
    /// Under `.entity`.
    case entity(EntityState)
}

/// What a ledger as a whole has, beside its rows; flushed with them.
public struct LedgerScalars: Hashable, Sendable {
    /// The index of the next record.
    public var nextRecord: RecordIndex
    /// The time of the last record.
    public var lastTime: Instant
    /// The current epoch.
    public var epoch: Epoch
    /// K: entries per cache generation.
    public var entriesPerGeneration: UInt64
    /// The ledger's origin; empty before its first record.
    public var origin: Text

    /// Makes the scalars.
    public init(
        nextRecord: RecordIndex = .zero,
        lastTime: Instant = Instant(microseconds: 0),
        epoch: Epoch = Epoch(0),
        entriesPerGeneration: UInt64 = Limits.entriesPerGenerationDefault,
        origin: Text = ""
    ) {
        self.nextRecord = nextRecord
        self.lastTime = lastTime
        self.epoch = epoch
        self.entriesPerGeneration = entriesPerGeneration
        self.origin = origin
    }
}
