// SPDX-License-Identifier: Apache-2.0
//
// Idempotency keys as the records show them: who claimed which, and for batches the bounds within
// which the stored row may lie. Imports TallyTypes, TallyCodec, TallyProof.
//
// The first committed order of a batch claims the batch's key and alone carries `idem` and the
// digest. Refused orders before it, and all orders after it, carry no mark; so the first record
// and the number of records of a batch are known only within bounds. Their stored row must lie
// within these.

import TallyCodec
import TallyProof
import TallyTypes

/// An idempotency key of a book.
struct ClaimKey: Hashable {
    let book: BookID
    let hash: Digest

    var stateKey: StateKey { .idempotency(book, hash) }
}

/// What a record claimed a key with.
struct Claim {
    /// The records that may belong to a batch: from `earliest`, over the claimer, to before `end`.
    struct Batch {
        let earliest: RecordIndex
        var end: RecordIndex
        /// The stored row, once it was found to lie within the bounds.
        var adopted: IdempotencyRow?
    }

    let digest: Digest
    let record: RecordIndex
    var batch: Batch?

    /// The row; nil for a batch whose stored row was not seen yet.
    var row: IdempotencyRow? {
        guard let batch else { return IdempotencyRow(digest: digest, record: record) }
        return batch.adopted
    }

    /// Why a stored row of a batch cannot be right; nil when it can.
    func objection(to row: IdempotencyRow, in bounds: Batch) -> String? {
        if row.digest != digest { return "another digest" }
        if row.count == 0 || row.count > UInt64(Limits.transfersPerBatchMax) {
            return "an impossible number of records"
        }
        if row.record < bounds.earliest || row.record > record {
            return "a first record outside \(bounds.earliest)...\(record)"
        }
        let (end, overflow) = row.record.rawValue.addingReportingOverflow(row.count)
        if overflow || end <= record.rawValue || end > bounds.end.rawValue {
            return "an end outside \(record.next)...\(bounds.end)"
        }
        return nil
    }
}

/// All claims so far, and the run of records that a batch may consist of.
struct Claims {
    private(set) var all: [ClaimKey: Claim] = [:]
    private var refusedRun: (book: BookID, first: RecordIndex)?
    private var openBatch: ClaimKey?

    var isEmpty: Bool { all.isEmpty }

    /// Takes note of a record; false when its key was claimed before.
    mutating func take(_ record: Record) -> Bool {
        guard let hash = record.idempotency else {
            extendRuns(record)
            return true
        }
        let key = ClaimKey(book: record.book, hash: hash)
        let run = refusedRun
        refusedRun = nil
        openBatch = nil
        guard all[key] == nil else { return false }
        guard let digest = record.batch else {
            let digest = Hashing.sha256(OrderCodec.encode(record.order))
            all[key] = Claim(digest: digest, record: record.index)
            return true
        }
        var earliest = record.index
        if let run, run.book == record.book { earliest = run.first }
        let batch = Claim.Batch(earliest: earliest, end: record.index.next)
        all[key] = Claim(digest: digest, record: record.index, batch: batch)
        openBatch = key
        return true
    }

    private mutating func extendRuns(_ record: Record) {
        guard case .createTransaction = record.order, record.group == nil else {
            (refusedRun, openBatch) = (nil, nil)
            return
        }
        if let key = openBatch {
            if key.book == record.book {
                all[key]?.batch?.end = record.index.next
            } else {
                openBatch = nil
            }
        }
        if record.isCommitted {
            refusedRun = nil
        } else if refusedRun?.book != record.book {
            refusedRun = (record.book, record.index)
        }
    }

    /// Keeps the stored row of a batch.
    mutating func adopt(_ row: IdempotencyRow, for key: ClaimKey) {
        all[key]?.batch?.adopted = row
    }
}
