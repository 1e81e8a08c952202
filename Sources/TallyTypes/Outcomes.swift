// SPDX-License-Identifier: Apache-2.0
//
// Outcomes, refusals, records: what became of an order. Standard library only. The kernel makes
// them, the codec writes them, the checker makes them again on its own, views and HTTP show them.

/// A rule said no.
///
/// Numbers are stable and never reused; docs/formats/refusals.md lists them.
public enum Refusal: Error, Hashable, Sendable {
    /// 1: No book has this name.
    case bookNotFound(name: Text)
    /// 2: The book was deleted.
    case bookDeleted
    /// 3: The name is taken, by a live or a deleted book.
    case bookExists(name: Text)
    /// 4: The order is for books of another kind.
    case bookKind(expected: BookKind, found: BookKind)
    /// 5: The idempotency key was claimed by an order with other bytes.
    case idempotencyConflict
    /// 6: An account has less than is needed.
    case insufficientFunds(
        account: AccountAddress,
        asset: Asset,
        needed: Amount,
        available: Amount
    )
    /// 7: The reference is taken by an earlier transaction.
    case referenceConflict(reference: Text)
    /// 8: No such transaction in the book.
    case transactionNotFound(TransactionID)
    /// 9: The transaction was already reverted.
    case alreadyReverted(TransactionID)
    /// 10: The metadata has no such key.
    case metadataNotFound(key: Text)
    /// 11: A sum of the account would need 257 bits.
    case amountOverflow(account: AccountAddress, asset: Asset)
    /// 12: Another order of the group was refused.
    case groupRolledBack(by: UInt64)
    /// 13: The event's old value is not the current one.
    case oldValueMismatch
    /// 14: The record would be larger than a record may be.
    case recordTooLarge(bytes: UInt64)
    /// 15: The state of the entity would be larger than a state row may be.
    case entityTooLarge(bytes: UInt64)
    /// 16: The ledger has its origin and K already.
    case ledgerExists
    /// 17: A whole-entity event must carry an object, or nothing.
    case entityNotObject
    /// 18: A seal speaks of more records than the ledger has.
    case sealBeyondLedger(size: UInt64)

    /// The stable number.
    public var number: UInt64 {
        switch self {
        case .bookNotFound: 1
        case .bookDeleted: 2
        case .bookExists: 3
        case .bookKind: 4
        case .idempotencyConflict: 5
        case .insufficientFunds: 6
        case .referenceConflict: 7
        case .transactionNotFound: 8
        case .alreadyReverted: 9
        case .metadataNotFound: 10
        case .amountOverflow: 11
        case .groupRolledBack: 12
        case .oldValueMismatch: 13
        case .recordTooLarge: 14
        case .entityTooLarge: 15
        case .ledgerExists: 16
        case .entityNotObject: 17
        case .sealBeyondLedger: 18
        }
    }
}

/// What a committed transaction brought about.
public struct TransactionEffects: Hashable, Sendable {
    /// Its number in the book.
    public let id: TransactionID
    /// The number of its v2 log.
    public let logID: LogID
    /// The postings, when they are not the order's own: those of a revert.
    public let postings: [Posting]?
    /// The business time, when it is neither the order's nor the record's: that of a dated revert.
    public let timestamp: BusinessTime?

    /// Makes the effects.
    public init(
        id: TransactionID,
        logID: LogID,
        postings: [Posting]? = nil,
        timestamp: BusinessTime? = nil
    ) {
        self.id = id
        self.logID = logID
        self.postings = postings
        self.timestamp = timestamp
    }
}

/// What a committed order brought about.
public enum Effects: Hashable, Sendable {
    /// Nothing but the record itself (book metadata, configuration, events, a deleted book).
    case recorded
    /// A book with this id.
    case bookCreated(BookID)
    /// A change of metadata with this v2 log.
    case logged(LogID)
    /// A transaction.
    case transaction(TransactionEffects)
}

/// What became of an order.
public enum Outcome: Hashable, Sendable {
    /// Every rule said yes.
    case committed(Effects)
    /// A rule said no; nothing changed.
    case refused(Refusal)
}

/// The place of an order in a group of two or more.
public struct GroupPosition: Hashable, Sendable {
    /// From 0.
    public let position: UInt64
    /// The number of orders in the group, at least 2.
    public let count: UInt64
    /// True when the order's key is for the group as a whole: claimed for its place as well.
    public let isKeyJoint: Bool

    /// Makes a place.
    public init(position: UInt64, count: UInt64, isKeyJoint: Bool = false) {
        self.position = position
        self.count = count
        self.isKeyJoint = isKeyJoint
    }
}

/// What the record that claims a batch's key says of its batch: the state row follows from it.
public struct BatchClaim: Hashable, Sendable {
    /// SHA-256 of the batch's bytes.
    public let digest: Digest
    /// The place of the record in its batch, from 0.
    public let position: UInt64
    /// The number of records of the batch, at least 1, at most `Limits.transfersPerBatchMax`.
    public let count: UInt64

    /// Makes a claim.
    public init(digest: Digest, position: UInt64, count: UInt64) {
        self.digest = digest
        self.position = position
        self.count = count
    }
}

/// Order, outcome and position: one leaf of the tree.
public struct Record: Hashable, Sendable {
    /// The position among all records.
    public let index: RecordIndex
    /// The book it stands in.
    public let book: BookID
    /// The position in the book.
    public let sequence: BookSequence
    /// The leaf hash of the book's previous record, or the book's genesis hash.
    public let previous: Digest
    /// The leader's time, strictly increasing along the index.
    public let time: Instant
    /// The hash of the idempotency key that this record claims.
    public let idempotency: Digest?
    /// Sixteen bytes that make the leaf hash hiding.
    public let salt: Salt
    /// What was asked for.
    public let order: Order
    /// What became of it.
    public let outcome: Outcome
    /// Who asked, when that is known.
    public let actor: Text?
    /// The place in its group, when the group has more than one order.
    public let group: GroupPosition?
    /// Digest, position and count, only in the record that claims a batch's key.
    public let batch: BatchClaim?

    /// Makes a record.
    public init(
        index: RecordIndex,
        book: BookID,
        sequence: BookSequence,
        previous: Digest,
        time: Instant,
        idempotency: Digest?,
        salt: Salt,
        order: Order,
        outcome: Outcome,
        actor: Text? = nil,
        group: GroupPosition? = nil,
        batch: BatchClaim? = nil
    ) {
        self.index = index
        self.book = book
        self.sequence = sequence
        self.previous = previous
        self.time = time
        self.idempotency = idempotency
        self.salt = salt
        self.order = order
        self.outcome = outcome
        self.actor = actor
        self.group = group
        self.batch = batch
    }

    /// True when the order was committed.
    public var isCommitted: Bool {
        if case .committed = outcome { true } else { false }
    }
}

/// The immutable body of a transaction, as a revert or a metadata change needs it.
public struct TransactionBody: Hashable, Sendable {
    /// What moved.
    public let postings: [Posting]
    /// The business time.
    public let timestamp: BusinessTime
    /// The metadata at birth.
    public let metadata: Metadata

    /// Makes a body.
    public init(postings: [Posting], timestamp: BusinessTime, metadata: Metadata) {
        self.postings = postings
        self.timestamp = timestamp
        self.metadata = metadata
    }

    /// The metadata key under which a reverting transaction names the one it undid.
    public static let revertsKey: Text = "com.formance.spec/state/reverts"

    /// Reads the body out of a record; nil when the record made no transaction.
    public init?(_ record: Record) {
        guard case .committed(.transaction(let effects)) = record.outcome else { return nil }
        switch record.order {
        case .createTransaction(let order):
            self.init(
                postings: order.postings,
                timestamp: order.timestamp ?? BusinessTime(record.time),
                metadata: order.metadata
            )
        case .revertTransaction(let order):
            guard let postings = effects.postings else { return nil }
            var metadata = order.metadata
            metadata[TransactionBody.revertsKey] = Text(order.transaction.description)
            self.init(
                postings: postings,
                timestamp: effects.timestamp ?? BusinessTime(record.time),
                metadata: metadata
            )
        case .createLedger, .createBook, .deleteBook, .setBookMetadata, .deleteBookMetadata,
            .setConfiguration, .changeLogKey, .sealLog, .succeedLog, .setTransactionMetadata,
            .deleteTransactionMetadata,
            .setAccountMetadata, .deleteAccountMetadata, .recordEvent:
            return nil
        }
    }
}
