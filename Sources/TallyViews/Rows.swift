// SPDX-License-Identifier: Apache-2.0
//
// What reads of the system view and of accounts books return. Imports own types only; HTTP renders
// these values, the console shows them. Maps of volumes are arrays in byte order of account and
// asset.

package import TallyTypes

/// A book as the system view knows it.
package struct BookSummary: Hashable, Sendable {
    /// Its number in order of creation, from 1; the `id` of the v2 API.
    package let number: UInt64
    /// Its id.
    package let id: BookID
    /// Its name.
    package let name: BookName
    /// Its kind.
    package let kind: BookKind
    /// The bucket it is listed under.
    package let bucket: Text
    /// Features of the v2 API, as asked for at creation.
    package let features: Metadata
    /// Its metadata now.
    package let metadata: Metadata
    /// When it was created.
    package let addedAt: Instant
    /// When it was deleted; nil while it lives.
    package let deletedAt: Instant?
    /// The record that created it.
    package let record: RecordIndex
    /// The sequence of its next record, as far as this view has folded.
    package let nextSequence: BookSequence

    /// True while it is not deleted.
    package var isLive: Bool { deletedAt == nil }
}

/// What the ledger as a whole was made with.
package struct LedgerSummary: Hashable, Sendable {
    /// The ledger's origin; empty before its first record.
    package let origin: Text
    /// K: entries per cache generation; 0 before the first record.
    package let entriesPerGeneration: UInt64
    /// The number of books ever created.
    package let books: UInt64
    /// The next record to be folded.
    package let nextRecord: RecordIndex
}

/// How far a view has folded its book.
package struct AppliedPosition: Hashable, Sendable {
    /// One above the index of the last record folded, 0 before the first.
    package let nextRecord: RecordIndex
    /// The sequence of the next record of the book.
    package let nextSequence: BookSequence

    /// Makes a position.
    package init(nextRecord: RecordIndex, nextSequence: BookSequence) {
        self.nextRecord = nextRecord
        self.nextSequence = nextSequence
    }
}

/// Counts of an accounts book.
package struct AccountsStats: Hashable, Sendable {
    /// Transactions ever made.
    package let transactions: UInt64
    /// Accounts ever used or given metadata.
    package let accounts: UInt64
}

/// What an account received and gave of an asset.
package struct AccountVolume: Hashable, Sendable {
    /// The account.
    package let account: AccountAddress
    /// The asset.
    package let asset: Asset
    /// Both sums.
    package let volume: Volume

    /// Makes a row.
    package init(account: AccountAddress, asset: Asset, volume: Volume) {
        self.account = account
        self.asset = asset
        self.volume = volume
    }
}

/// A sum over accounts of what was received and given of an asset.
package struct AssetVolume: Hashable, Sendable {
    /// The asset.
    package let asset: Asset
    /// Both sums.
    package let volume: Volume

    /// Makes a row.
    package init(asset: Asset, volume: Volume) {
        self.asset = asset
        self.volume = volume
    }
}

/// A balance of an asset.
package struct AssetBalance: Hashable, Sendable {
    /// The asset.
    package let asset: Asset
    /// Input minus output.
    package let balance: Balance

    /// Makes a row.
    package init(asset: Asset, balance: Balance) {
        self.asset = asset
        self.balance = balance
    }
}

/// Volumes before and after a transaction, of every account and asset that it touched.
package struct CommitVolumes: Hashable, Sendable {
    /// After it, in byte order of account and asset.
    package let post: [AccountVolume]
    /// Before it, in the same order.
    package let pre: [AccountVolume]

    /// Makes the pair.
    package init(post: [AccountVolume], pre: [AccountVolume]) {
        self.post = post
        self.pre = pre
    }
}

/// A transaction as it is now, or was at a point in time.
package struct TransactionRow: Hashable, Sendable {
    /// Its number.
    package let id: TransactionID
    /// The record that made it.
    package let record: RecordIndex
    /// Its v2 log.
    package let logID: LogID
    /// What moved, in order.
    package internal(set) var postings: [Posting]
    /// Unique in the book when given.
    package let reference: Text?
    /// The business time.
    package let timestamp: BusinessTime
    /// When it was recorded.
    package let insertedAt: Instant
    /// When it, its metadata or its reversal was last recorded.
    package let updatedAt: Instant
    /// Its metadata.
    package internal(set) var metadata: Metadata
    /// The transaction that reverted it.
    package internal(set) var revertedBy: TransactionID?
    /// When it was reverted.
    package internal(set) var revertedAt: Instant?
    /// Volumes in order of insertion, when asked for.
    package internal(set) var volumes: CommitVolumes?
    /// Volumes in order of business time, when asked for.
    package internal(set) var effectiveVolumes: CommitVolumes?

    /// True when it was reverted.
    package var isReverted: Bool { revertedBy != nil }
}

/// An account as it is now, or was at a point in time.
package struct AccountRow: Hashable, Sendable {
    /// Its address.
    package let address: AccountAddress
    /// Its metadata.
    package internal(set) var metadata: Metadata
    /// The earliest business time of a transaction that used it.
    package let firstUsage: BusinessTime
    /// When it came to be.
    package let insertionDate: Instant
    /// When its row last changed.
    package let updatedAt: Instant
    /// Volumes now, by asset, when asked for.
    package internal(set) var volumes: [AssetVolume]?
    /// Volumes up to the point in time, by asset, when asked for.
    package internal(set) var effectiveVolumes: [AssetVolume]?
}

/// The types of v2 logs; numbers are stable.
package enum LogKind: UInt8, CaseIterable, Hashable, Sendable {
    /// A transaction from postings.
    case newTransaction = 1
    /// A reversal.
    case revertedTransaction = 2
    /// Metadata laid over an account's or a transaction's.
    case setMetadata = 3
    /// A key of metadata removed.
    case deleteMetadata = 4

    /// The word of the v2 API.
    package var word: String {
        switch self {
        case .newTransaction: "NEW_TRANSACTION"
        case .revertedTransaction: "REVERTED_TRANSACTION"
        case .setMetadata: "SET_METADATA"
        case .deleteMetadata: "DELETE_METADATA"
        }
    }
}

/// A v2 log: its content is in the record.
package struct LogRow: Hashable, Sendable {
    /// Its number.
    package let id: LogID
    /// The record it stands for.
    package let record: RecordIndex
    /// Its type.
    package let kind: LogKind
    /// When it was recorded.
    package let date: Instant
    /// The hash of the idempotency key, when there was one.
    package let idempotency: Digest?

    /// Makes a row.
    package init(
        id: LogID,
        record: RecordIndex,
        kind: LogKind,
        date: Instant,
        idempotency: Digest?
    ) {
        self.id = id
        self.record = record
        self.kind = kind
        self.date = date
        self.idempotency = idempotency
    }
}
