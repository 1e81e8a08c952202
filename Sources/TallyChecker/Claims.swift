// SPDX-License-Identifier: Apache-2.0
//
// Idempotency keys as the records show them: who claimed which, and with what row of the state.
// Imports TallyTypes, TallyCodec, TallyProof.
//
// The first committed order of a batch claims the batch's key for all of it, and says at which
// position it stands in how many. So the row follows from that one record. Its neighbours must be
// able to be that batch: right before it as many refused transfers as its position says, none of
// them of another batch; after it transfers up to the count. Records that end before the count is
// reached are not refuted: what a crash cut off within a batch comes back at the next start.

import TallyCodec
import TallyProof
import TallyTypes

/// An idempotency key of a book.
struct ClaimKey: Hashable {
    let book: BookID
    let hash: Digest

    var stateKey: StateKey { .idempotency(book, hash) }
}

/// All claims so far, and the transfers that stand right before the next record.
struct Claims {
    /// The records of a batch, from `first` to before `end`.
    private struct Batch {
        let book: BookID
        let first: RecordIndex
        let end: RecordIndex
    }

    private(set) var all: [ClaimKey: IdempotencyRow] = [:]
    /// The refused transfers right before the next record that belong to no batch so far.
    private var refusedRun: (book: BookID, first: RecordIndex)?
    /// The last batch whose key was claimed; its end may lie ahead.
    private var lastBatch: Batch?

    var isEmpty: Bool { all.isEmpty }

    /// Takes note of a record of the right shape, and says what is wrong with its claim or place.
    mutating func take(_ record: Record, at index: RecordIndex) -> String? {
        let objection = follow(record, at: index)
        guard let hash = record.idempotency else { return objection }
        let key = ClaimKey(book: record.book, hash: hash)
        guard all[key] == nil else { return "its idempotency key was claimed before" }
        all[key] = row(of: record, at: index)
        return objection
    }

    private func row(of record: Record, at index: RecordIndex) -> IdempotencyRow {
        guard let batch = record.batch else {
            let digest = Hashing.sha256(
                OrderCodec.claimed(record.order, at: record.group)
            )
            return IdempotencyRow(digest: digest, record: index)
        }
        return IdempotencyRow(
            digest: batch.digest,
            record: batch.first(claimedAt: index),
            count: batch.count
        )
    }

    /// Passes a record, and says why it cannot stand where it does.
    private mutating func follow(_ record: Record, at index: RecordIndex) -> String? {
        if let batch = lastBatch, index < batch.end {
            if record.book == batch.book, record.isTransfer, record.idempotency == nil {
                return nil
            }
            lastBatch = nil
            return "the batch from record \(batch.first) to before \(batch.end) cannot hold it"
        }
        var earliest = index
        if let run = refusedRun, run.book == record.book { earliest = run.first }
        refusedRun = nil
        if let batch = record.batch {
            return begin(batch, of: record.book, at: index, notBefore: earliest)
        }
        if record.isTransfer, !record.isCommitted { refusedRun = (record.book, earliest) }
        return nil
    }

    private mutating func begin(
        _ batch: BatchClaim,
        of book: BookID,
        at index: RecordIndex,
        notBefore earliest: RecordIndex
    ) -> String? {
        let first = batch.first(claimedAt: index)
        lastBatch = Batch(
            book: book,
            first: first,
            end: RecordIndex(first.rawValue + batch.count)
        )
        if first < earliest {
            return "its batch would begin at record \(first), and can only at \(earliest)"
        }
        return nil
    }
}

extension BatchClaim {
    /// The first record of the batch; the shape of the claiming record was checked before.
    fileprivate func first(claimedAt index: RecordIndex) -> RecordIndex {
        RecordIndex(index.rawValue - position)
    }
}

extension Record {
    /// True when a batch can have made it: a transaction of one posting and nothing else.
    var isTransfer: Bool {
        guard case .createTransaction(let order) = order, group == nil else { return false }
        let bare = CreateTransaction(postings: order.postings, isForced: order.isForced)
        return order.postings.count == 1 && order == bare
    }
}
