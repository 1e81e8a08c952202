// SPDX-License-Identifier: Apache-2.0
//
// A transaction as the v2 API shows it, in the order of its members there, from a row of the view
// or from a record. Volumes are maps by account and asset. May import TallyCodec and TallyViews;
// transactions render it.

import TallyCodec
import TallyTypes
import TallyViews

/// A transaction on the wire.
struct TransactionAnswer: Sendable {
    /// Its number.
    let id: TransactionID
    /// What moved, in order.
    let postings: [Posting]
    /// Its reference, when it has one.
    let reference: Text?
    /// The business time.
    let timestamp: BusinessTime
    /// When it was recorded.
    let insertedAt: Instant
    /// When it last changed.
    let updatedAt: Instant
    /// Its metadata.
    let metadata: Metadata
    /// When it was reverted.
    let revertedAt: Instant?
    /// Volumes in order of insertion.
    var volumes: CommitVolumes?
    /// Volumes in order of business time.
    var effectiveVolumes: CommitVolumes?

    /// Takes a row of the view.
    init(_ row: TransactionRow) {
        id = row.id
        postings = row.postings
        reference = row.reference
        timestamp = row.timestamp
        insertedAt = row.insertedAt
        updatedAt = row.updatedAt
        metadata = row.metadata
        revertedAt = row.revertedAt
        volumes = row.volumes
        effectiveVolumes = row.effectiveVolumes
    }

    /// Takes the record that made it, as it was then; nil when the record made none.
    init?(_ record: Record) {
        guard let body = TransactionBody(record),
            case .committed(.transaction(let effects)) = record.outcome
        else { return nil }
        id = effects.id
        postings = body.postings
        reference = TransactionAnswer.reference(record.order)
        timestamp = body.timestamp
        insertedAt = record.time
        updatedAt = record.time
        metadata = body.metadata
        revertedAt = nil
    }

    private static func reference(_ order: Order) -> Text? {
        if case .createTransaction(let order) = order { order.reference } else { nil }
    }
}

extension JSONWriter {
    /// Writes a transaction.
    mutating func transaction(_ answer: TransactionAnswer) {
        beginObject()
        key("postings")
        beginArray()
        for posting in answer.postings {
            self.posting(posting)
        }
        endArray()
        member("metadata", answer.metadata)
        member("timestamp", answer.timestamp)
        if let reference = answer.reference { member("reference", reference) }
        member("id", answer.id.rawValue)
        member("insertedAt", BusinessTime(answer.insertedAt))
        member("updatedAt", BusinessTime(answer.updatedAt))
        if let revertedAt = answer.revertedAt {
            member("revertedAt", BusinessTime(revertedAt))
        }
        volumes("postCommitVolumes", answer.volumes?.post)
        volumes("postCommitEffectiveVolumes", answer.effectiveVolumes?.post)
        member("reverted", answer.revertedAt != nil)
        volumes("preCommitVolumes", answer.volumes?.pre)
        volumes("preCommitEffectiveVolumes", answer.effectiveVolumes?.pre)
        endObject()
    }

    /// Writes a posting.
    mutating func posting(_ posting: Posting) {
        beginObject()
        member("source", posting.source.text)
        member("destination", posting.destination.text)
        member("amount", posting.amount)
        member("asset", posting.asset.text)
        endObject()
    }

    /// Writes a volume with its balance.
    mutating func volume(_ volume: Volume) {
        beginObject()
        member("input", volume.input)
        member("output", volume.output)
        member("balance", volume.balance)
        endObject()
    }

    /// Writes volumes by account and asset, which the rows are in order of.
    private mutating func volumes(_ name: String, _ rows: [AccountVolume]?) {
        guard let rows else { return }
        key(name)
        beginObject()
        var open: AccountAddress?
        for row in rows {
            if row.account != open {
                if open != nil { endObject() }
                key(row.account.text)
                beginObject()
                open = row.account
            }
            key(row.asset.text)
            volume(row.volume)
        }
        if open != nil { endObject() }
        endObject()
    }
}
