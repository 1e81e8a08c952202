// SPDX-License-Identifier: Apache-2.0
//
// Requests: parsed client intents on their way to the one door, and the answers that come back.
// Standard library only. HTTP, import and the command line make submissions; the sequencer answers
// them.

/// A parsed client intent, not yet judged.
public struct Request: Hashable, Sendable {
    /// The book it is for; nil for orders of the system book.
    public let book: BookName?
    /// What is asked for.
    public let order: Order
    /// At most 256 bytes; claimed by the first committed order that carries it.
    public let idempotencyKey: Text?
    /// True when the key is for the group as a whole: with another number of orders, or at another
    /// place, it is a conflict.
    public let isKeyJoint: Bool
    /// Who asks, when that is known.
    public let actor: Text?

    /// Makes a request.
    public init(
        book: BookName?,
        order: Order,
        idempotencyKey: Text? = nil,
        isKeyJoint: Bool = false,
        actor: Text? = nil
    ) {
        self.book = book
        self.order = order
        self.idempotencyKey = idempotencyKey
        self.isKeyJoint = isKeyJoint
        self.actor = actor
    }
}

/// A binary batch of transfers: one entry, never split, judged one by one.
public struct BatchRequest: Hashable, Sendable {
    /// The book it is for.
    public let book: BookName
    /// What the client sent, checked.
    public let batch: TransferBatch
    /// At most 256 bytes; judged once, before the first order.
    public let idempotencyKey: Text?

    /// Makes a batch.
    public init(book: BookName, batch: TransferBatch, idempotencyKey: Text? = nil) {
        self.book = book
        self.batch = batch
        self.idempotencyKey = idempotencyKey
    }
}

/// What one caller submits at once.
public enum Submission: Hashable, Sendable {
    /// Groups of orders; a group commits or is refused as a whole, groups are independent.
    case groups([[Request]])
    /// A binary batch of transfers.
    case batch(BatchRequest)
}

/// What became of one request.
public enum Answer: Hashable, Sendable {
    /// A new record was made.
    case record(Record)
    /// The idempotency key was claimed before by the same order: the first outcome.
    case replay(of: Record)
}

/// What became of one transfer of a batch; one byte on the wire, docs/formats/batch.md.
public struct TransferOutcome: Hashable, Sendable {
    /// Zero when committed, else the number of the refusal.
    public let refusal: UInt8

    /// Makes an outcome.
    @inlinable
    public init(refusal: UInt8) {
        self.refusal = refusal
    }
}

/// What became of a batch.
public struct BatchAnswer: Hashable, Sendable {
    /// The record of the first transfer; the others follow without a gap.
    public let first: RecordIndex
    /// The number of records in the whole ledger after the batch.
    public let size: UInt64
    /// The root of the tree of that size.
    public let root: Digest
    /// True when the batch's key was claimed before and nothing new was written.
    public let isReplay: Bool
    /// One outcome per transfer, in order.
    public let outcomes: [TransferOutcome]

    /// Makes an answer.
    public init(
        first: RecordIndex,
        size: UInt64,
        root: Digest,
        isReplay: Bool,
        outcomes: [TransferOutcome]
    ) {
        self.first = first
        self.size = size
        self.root = root
        self.isReplay = isReplay
        self.outcomes = outcomes
    }
}

/// What became of a submission.
public enum SubmissionAnswer: Hashable, Sendable {
    /// Answers of a `.groups` submission: per group, per request.
    case groups([[Answer]])
    /// The answer of a `.batch` submission.
    case batch(BatchAnswer)
}

/// A book that takes orders, as the kernel knows it.
public struct LiveBook: Hashable, Sendable {
    /// Its id.
    public let id: BookID
    /// Its name.
    public let name: BookName
    /// What it keeps.
    public let kind: BookKind

    /// Makes a book.
    public init(id: BookID, name: BookName, kind: BookKind) {
        self.id = id
        self.name = name
        self.kind = kind
    }
}

/// A submission was not taken: nothing was written and nothing was recorded, but see `faulted`.
public enum Busy: Error, Hashable, Sendable {
    /// The waiting queue is full: try again later.
    case queueFull
    /// The cache cannot hold the keys of the entry: `--cache-keys`.
    case cacheFull
    /// The plan was rebuilt five times and was stale each time.
    case staleTooOften
    /// Larger than an entry, or a record of it larger than a record may be: what, how large, and
    /// the most there may be; bytes, or a number of what the name says.
    case tooLarge(limit: Text, size: UInt64, max: Int)
    /// Two keys have one id and other tags: refused rather than confused.
    case keyCollision
    /// The node is stopping.
    case stopping
    /// The node has stopped on a fault, which it has reported. What of a submission that was under
    /// way has reached the disk is not known: a repetition with its key is recorded once.
    case faulted
}

/// The volume of an account that a dry run touches.
public struct DryVolume: Hashable, Sendable {
    /// The account.
    public let account: AccountAddress
    /// The asset.
    public let asset: Asset
    /// The volume before.
    public let before: Volume
    /// The volume after.
    public let after: Volume

    /// Makes a pair.
    public init(account: AccountAddress, asset: Asset, before: Volume, after: Volume) {
        self.account = account
        self.asset = asset
        self.before = before
        self.after = after
    }
}

/// What one group would bring about: records that were never made, and the volumes it would leave.
public struct DryRunAnswer: Hashable, Sendable {
    /// One answer per request; index, sequence, hash and salt of its records mean nothing.
    public let answers: [Answer]
    /// Every volume that the group covers.
    public let volumes: [DryVolume]

    /// Makes an answer.
    public init(answers: [Answer], volumes: [DryVolume]) {
        self.answers = answers
        self.volumes = volumes
    }
}

/// The newest durable position of a ledger.
public struct LedgerHead: Hashable, Sendable {
    /// The number of records.
    public let size: UInt64
    /// The root of the tree of that size.
    public let root: Digest
    /// The index of the log entry that ends there.
    public let logIndex: LogIndex

    /// Makes a head.
    public init(size: UInt64, root: Digest, logIndex: LogIndex) {
        self.size = size
        self.root = root
        self.logIndex = logIndex
    }
}

/// The digest of all state as of one durable position.
public struct StateStatement: Hashable, Sendable {
    /// Where the ledger stood.
    public let head: LedgerHead
    /// The hash over all rows and scalars as of then.
    public let digest: Digest

    /// Makes a statement.
    public init(head: LedgerHead, digest: Digest) {
        self.head = head
        self.digest = digest
    }
}
