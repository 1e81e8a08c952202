// SPDX-License-Identifier: Apache-2.0
//
// What is checked of each record by itself and against its book's chain: encoding, shape, index,
// time, sequence, previous hash, idempotency keys. Imports TallyTypes, TallyCodec, TallyProof.

import TallyCodec
import TallyProof
import TallyTypes

/// A record on its way to its outcome's check.
struct Step {
    let record: Record
    /// The position of its book among the books of the state.
    let book: Int
    let event: EventValues
    let place: RecordPlace
}

extension Checker {
    /// Decodes a record strictly; nil, and nothing more is replayed, when it is none.
    ///
    /// What stands beside it is asked for by digest; the asked may give anything, or nil.
    ///
    /// - Throws: What `blob` throws.
    mutating func read<Failure: Error>(
        _ bytes: [UInt8],
        _ place: RecordPlace,
        _ blob: (BlobReference) throws(Failure) -> [UInt8]?
    ) throws(Failure) -> Record? {
        switch parse(bytes, place) {
        case nil: return nil
        case .whole(let record)?: return canonical(record, bytes, place)
        case .lacking(let lacking)?:
            var blobs: [[UInt8]] = []
            for reference in lacking.references {
                let given = try blob(reference)
                guard let given, reference.names(given) else {
                    stop(at: reference, isMissing: given == nil, place)
                    return nil
                }
                blobs.append(given)
            }
            return completed(lacking, blobs, place).flatMap { canonical($0, bytes, place) }
        }
    }

    private mutating func parse(_ bytes: [UInt8], _ place: RecordPlace) -> ParsedRecord? {
        do throws(Malformed) {
            return try RecordCodec.parse(bytes[...])
        } catch {
            let place = RecordPlace(
                index: place.index,
                offset: place.offset + UInt64(error.offset),
                leaf: place.leaf
            )
            stop(.recordEncoding, "\(error.field): \(error.reason)", place)
            return nil
        }
    }

    private mutating func completed(
        _ lacking: LackingRecord,
        _ blobs: [[UInt8]],
        _ place: RecordPlace
    ) -> Record? {
        do throws(Malformed) {
            return try lacking.completed(with: blobs)
        } catch {
            stop(
                .recordEncoding,
                "blob: \(error.field): \(error.reason), byte \(error.offset) of it",
                place
            )
            return nil
        }
    }

    private mutating func canonical(
        _ record: Record,
        _ bytes: [UInt8],
        _ place: RecordPlace
    ) -> Record? {
        guard RecordCodec.split(record).leaf == bytes else {
            stop(.recordEncoding, "not the one encoding of its record", place)
            return nil
        }
        return record
    }

    private mutating func stop(
        at reference: BlobReference,
        isMissing: Bool,
        _ place: RecordPlace
    ) {
        let name = "blobs/\(reference.digest)"
        let finding = Finding(
            isMissing ? .blobMissing : .blobHash,
            isMissing
                ? "the record needs it" : "other bytes than the record names, or another number",
            index: place.index,
            file: name
        )
        findings.add(.records, finding)
        stopped = "the replay ended at record \(place.index)"
    }

    private mutating func stop(_ reason: Reason, _ detail: String, _ place: RecordPlace) {
        refute(.records, reason, detail, place)
        stopped = "the replay ended at record \(place.index)"
    }

    /// Checks a record against all records before it.
    mutating func replay(_ record: Record, _ place: RecordPlace) {
        checkPosition(record, place)
        if place.index == .zero {
            guard found(record, place) else { return }
        }
        guard let book = state.position(of: record.book) else {
            refuteUnknownBook(record, place)
            return
        }
        checkChain(record, book, place)
        guard let event = checkShape(record, place) else { return }
        checkClaim(record, book, place)
        if place.index > .zero {
            judge(Step(record: record, book: book, event: event, place: place))
        }
    }

    private mutating func checkPosition(_ record: Record, _ place: RecordPlace) {
        if record.index != place.index {
            refute(
                .sequence,
                .recordIndex,
                "it says that it is record \(record.index)",
                place,
                book: record.book
            )
        }
        if record.time <= state.scalars.lastTime {
            refute(.sequence, .recordTime, "its time does not increase", place, book: record.book)
        }
        state.scalars.lastTime = record.time
        state.scalars.nextRecord = place.index.next
    }

    private mutating func found(_ record: Record, _ place: RecordPlace) -> Bool {
        guard case .createLedger(let order) = record.order, record.book == .system,
            record.outcome == .committed(.recorded)
        else {
            stop(.ledger, "the first record is no committed ledger.create", place)
            return false
        }
        state.found(order)
        return true
    }

    private mutating func refuteUnknownBook(_ record: Record, _ place: RecordPlace) {
        if state.books[0].brokenAt == nil {
            refute(.outcomes, .book, "nobody created its book", place, book: record.book)
        }
    }

    private mutating func checkChain(_ record: Record, _ book: Int, _ place: RecordPlace) {
        let expected = state.books[book].nextSequence
        if record.sequence != expected {
            refute(
                .chain,
                .chainSequence,
                "sequence \(record.sequence), expected \(expected)",
                place,
                book: record.book
            )
        } else if record.previous != state.books[book].head {
            refute(
                .chain,
                .chainPrevious,
                "the previous hash is not that of the record before it in its book",
                place,
                book: record.book
            )
        }
        state.advance(book, past: place.leaf, sequence: record.sequence)
    }

    private mutating func checkShape(_ record: Record, _ place: RecordPlace) -> EventValues? {
        if let detail = shapeObjection(record, place) {
            refute(.records, .recordShape, detail, place, book: record.book)
            breakBook(of: record, place)
            return nil
        }
        do throws(Malformed) {
            return try EventValues(record.order)
        } catch {
            refute(
                .records,
                .recordShape,
                "\(error.field): \(error.reason)",
                place,
                book: record.book
            )
            breakBook(of: record, place)
            return nil
        }
    }

    private func shapeObjection(_ record: Record, _ place: RecordPlace) -> String? {
        if record.idempotency != nil, !record.isCommitted {
            return "a refused record claims an idempotency key"
        }
        if let group = record.group, group.count < 2 || group.position >= group.count {
            return "position \(group.position) in a group of \(group.count)"
        }
        guard let batch = record.batch else { return nil }
        if record.idempotency == nil { return "a batch digest without an idempotency key" }
        if record.group != nil { return "a batch digest in a group" }
        if !record.isTransfer { return "a batch digest on an order that no batch has" }
        if batch.position > place.index.rawValue {
            return "position \(batch.position) in a batch that would begin before record 0"
        }
        return nil
    }

    private mutating func breakBook(of record: Record, _ place: RecordPlace) {
        if let book = state.position(of: record.book) {
            state.breakBook(book, at: place.index)
        }
    }

    private mutating func checkClaim(_ record: Record, _ book: Int, _ place: RecordPlace) {
        if let detail = claims.take(record, at: place.index) {
            refute(.idempotency, .idempotency, detail, place, book: record.book)
        }
        if record.idempotency != nil {
            state.claim(in: book)
        }
    }
}
