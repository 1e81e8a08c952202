// SPDX-License-Identifier: Apache-2.0
//
// Writes and reads the items of a record; the layout is in RecordCodec.swift. Imports the data
// types only; called by the record codec.

import TallyTypes

private typealias PayloadKey = FormatRegistry.PayloadKey

extension GroupPosition {
    /// The third number of a place whose order has a key for the group as a whole.
    fileprivate static let jointKey: UInt64 = 1
}

extension CBORWriter {
    /// Appends the array of a record.
    ///
    /// Invariant 51: the record keeps what its type promises in words only.
    mutating func record(_ record: Record, _ beside: ItemsBeside = .none) {
        invariant(
            .i51,
            record.index.rawValue | record.sequence.rawValue | record.time.microseconds
                <= UInt64(Int64.max),
            "index, sequence or time of a record is 2⁶³ or more"
        )
        bytes.append(addingCapacity: RecordCodec.envelopeBytesMax) { span in
            appendEnvelope(record, to: &span)
        }
        ascii(record.order.kind.word)
        payload(record, beside)
    }

    private mutating func payload(_ record: Record, _ beside: ItemsBeside) {
        mapHeader(
            count: 2 + present(record.actor != nil) + present(record.group != nil)
                + 2 * present(record.batch != nil)
        )
        if beside.order == nil {
            unsigned(PayloadKey.order)
            order(record.order)
        }
        if beside.outcome == nil {
            unsigned(PayloadKey.outcome)
            outcome(record.outcome)
        }
        if let actor = record.actor { field(PayloadKey.actor, actor) }
        if let group = record.group {
            unsigned(PayloadKey.group)
            place(group)
        }
        if let batch = record.batch { self.batch(batch) }
        if let order = beside.order {
            unsigned(PayloadKey.orderBlob)
            reference(order)
        }
        if let outcome = beside.outcome {
            unsigned(PayloadKey.outcomeBlob)
            reference(outcome)
        }
    }

    /// Appends the place of an order in its group, and 1 when its key is for all of it.
    mutating func place(_ group: GroupPosition) {
        invariant(
            .i51,
            group.count >= 2 && group.position < group.count,
            "order \(group.position) of a group of \(group.count)"
        )
        arrayHeader(count: group.isKeyJoint ? 3 : 2)
        unsigned(group.position)
        unsigned(group.count)
        if group.isKeyJoint { unsigned(GroupPosition.jointKey) }
    }

    private mutating func batch(_ batch: BatchClaim) {
        invariant(
            .i51,
            batch.position < batch.count && batch.count <= UInt64(Limits.transfersPerBatchMax),
            "record \(batch.position) of a batch of \(batch.count)"
        )
        unsigned(PayloadKey.batch)
        digest(batch.digest)
        unsigned(PayloadKey.batchPosition)
        arrayHeader(count: 2)
        unsigned(batch.position)
        unsigned(batch.count)
    }
}

/// Appends the items of a record up to its salt.
private func appendEnvelope(_ record: Record, to span: inout OutputSpan<UInt8>) {
    appendHead(CBORMajor.array, 10, to: &span)
    appendHead(CBORMajor.unsigned, RecordCodec.format, to: &span)
    appendHead(CBORMajor.unsigned, record.index.rawValue, to: &span)
    appendSixteenBytes(record.book.high, record.book.low, to: &span)
    appendHead(CBORMajor.unsigned, record.sequence.rawValue, to: &span)
    appendDigest(record.previous, to: &span)
    appendHead(CBORMajor.unsigned, record.time.microseconds, to: &span)
    if let idempotency = record.idempotency {
        appendDigest(idempotency, to: &span)
    } else {
        span.append(CBORMajor.null)
    }
    appendSixteenBytes(record.salt.high, record.salt.low, to: &span)
}

/// The items of a record before its kind.
struct RecordHead {
    let index: RecordIndex
    let book: BookID
    let sequence: BookSequence
    let previous: Digest
    let time: Instant
    let idempotency: Digest?
    let salt: Salt
}

/// What the payload of a record holds itself.
struct RecordPayload {
    let order: Order?
    let outcome: Outcome?
    let actor: Text?
    let group: GroupPosition?
    let batch: BatchClaim?
}

extension Record {
    /// Puts a record together from its parts; order and outcome may have stood beside it.
    init(_ head: RecordHead, order: Order, outcome: Outcome, _ payload: RecordPayload) {
        self.init(
            index: head.index,
            book: head.book,
            sequence: head.sequence,
            previous: head.previous,
            time: head.time,
            idempotency: head.idempotency,
            salt: head.salt,
            order: order,
            outcome: outcome,
            actor: payload.actor,
            group: payload.group,
            batch: payload.batch
        )
    }
}

extension CBORReader {
    /// Reads the array of a record, or what of it does not stand beside it.
    mutating func readRecord() throws(CBORError) -> ParsedRecord {
        let head = try readHeadItems()
        let kind = try readKind()
        let (payload, beside) = try readPayload(kind)
        if let order = payload.order, let outcome = payload.outcome {
            return .whole(Record(head, order: order, outcome: outcome, payload))
        }
        return .lacking(
            LackingRecord(
                head: head,
                kind: kind,
                payload: payload,
                beside: beside,
                leafBytes: offset
            )
        )
    }

    /// Reads the items of a record up to its kind, and leaves the payload.
    mutating func readEnvelope() throws(CBORError) -> RecordEnvelope {
        let items = try readHeadItems()
        let word = String(decoding: try readKindWord(), as: UTF8.self)
        return RecordEnvelope(
            index: items.index,
            book: items.book,
            sequence: items.sequence,
            previous: items.previous,
            time: items.time,
            idempotency: items.idempotency,
            salt: items.salt,
            kind: word
        )
    }

    private mutating func readHeadItems() throws(CBORError) -> RecordHead {
        try readArrayHeader(count: 10, "")
        try expectFormat(RecordCodec.format)
        let index = RecordIndex(try readUnsigned63("index"))
        let book = try readBook("book")
        let sequence = BookSequence(try readUnsigned63("sequence"))
        let previous = try readDigest("previous")
        let time = Instant(microseconds: try readUnsigned63("time"))
        let idempotency = readNull() ? nil : try readDigest("idempotency")
        let salt = try readSixteenBytes("salt")
        return RecordHead(
            index: index,
            book: book,
            sequence: sequence,
            previous: previous,
            time: time,
            idempotency: idempotency,
            salt: Salt(salt.high, salt.low)
        )
    }

    private mutating func readKind() throws(CBORError) -> OrderKind {
        let start = offset
        let word = try readKindWord()
        if word.elementsEqual("tx".utf8) { return .createTransaction }
        guard let kind = OrderKind(word: String(decoding: word, as: UTF8.self)) else {
            throw error(.unknownKind, "kind", at: start)
        }
        return kind
    }

    /// Reads a word of the form `[a-z][a-z0-9.-]{0,31}`.
    private mutating func readKindWord() throws(CBORError) -> ArraySlice<UInt8> {
        let start = offset
        let word = try readWord("kind")
        let isWord = word.allSatisfy { byte in
            isLower(byte) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2E || byte == 0x2D
        }
        guard isWord, word.count <= 32, let first = word.first, isLower(first) else {
            throw error(.illegalName, "kind", at: start)
        }
        return word
    }

    private func isLower(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A }

    private mutating func readPayload(
        _ kind: OrderKind
    ) throws(CBORError) -> (RecordPayload, ItemsBeside) {
        let start = offset
        var map = try readMapHeader("payload")
        var order: Order?
        var outcome: Outcome?
        var actor: Text?
        var group: GroupPosition?
        var batch: Digest?
        var batchPosition: BatchPosition?
        var beside = ItemsBeside.none
        while let key = try nextKey(&map, "payload") {
            switch key {
            case PayloadKey.order:
                order = try readWithin("order") { reader throws(CBORError) in
                    try reader.readOrder(kind)
                }
            case PayloadKey.outcome:
                outcome = try readWithin("outcome") { reader throws(CBORError) in
                    try reader.readOutcome()
                }
            case PayloadKey.sealedFields:
                throw error(.sealedFields, "payload", at: map.keyOffset)
            case PayloadKey.actor: actor = try readText("actor")
            case PayloadKey.group: group = try readGroup("group")
            case PayloadKey.batch: batch = try readDigest("batch")
            case PayloadKey.batchPosition: batchPosition = try readBatchPosition("batchPosition")
            case PayloadKey.orderBlob:
                guard order == nil else { throw needless("order", map) }
                beside.order = try readReference("order")
            case PayloadKey.outcomeBlob:
                guard outcome == nil else { throw needless("outcome", map) }
                beside.outcome = try readReference("outcome")
            default: throw unknownKey(map, "payload")
            }
        }
        if beside.order == nil { _ = try need(order, "order", at: start) }
        if beside.outcome == nil { _ = try need(outcome, "outcome", at: start) }
        let payload = RecordPayload(
            order: order,
            outcome: outcome,
            actor: actor,
            group: group,
            batch: try claim(batch, batchPosition, at: start)
        )
        return (payload, beside)
    }

    private func needless(_ field: String, _ map: CBORMapCursor) -> CBORError {
        error(.needlessBlob, field, at: map.keyOffset)
    }

    /// The claim of a batch's key from its two fields, of which neither stands alone.
    private func claim(
        _ digest: Digest?,
        _ place: BatchPosition?,
        at start: Int
    ) throws(CBORError) -> BatchClaim? {
        if digest == nil, place == nil { return nil }
        let digest = try need(digest, "batch", at: start)
        let place = try need(place, "batchPosition", at: start)
        return BatchClaim(digest: digest, position: place.position, count: place.count)
    }

    private mutating func readWithin<Value>(
        _ field: String,
        _ read: (inout CBORReader) throws(CBORError) -> Value
    ) throws(CBORError) -> Value {
        do throws(CBORError) {
            return try read(&self)
        } catch {
            throw error.within(field)
        }
    }

    private mutating func readGroup(_ field: String) throws(CBORError) -> GroupPosition {
        let start = offset
        let items = try readArrayHeader(field)
        guard items == 2 || items == 3 else { throw error(.wrongCount, field, at: start) }
        let position = try readUnsigned(field)
        let count = try readUnsigned(field)
        guard count >= 2 else { throw error(.writtenDefault, field, at: start) }
        guard position < count else { throw error(.outOfRange, field, at: start) }
        if items == 3 {
            let start = offset
            guard try readUnsigned(field) == GroupPosition.jointKey else {
                throw error(.outOfRange, field, at: start)
            }
        }
        return GroupPosition(position: position, count: count, isKeyJoint: items == 3)
    }

    private typealias BatchPosition = (position: UInt64, count: UInt64)

    private mutating func readBatchPosition(_ field: String) throws(CBORError) -> BatchPosition {
        let start = offset
        try readArrayHeader(count: 2, field)
        let position = try readUnsigned(field)
        let count = try readUnsigned(field)
        guard position < count, count <= UInt64(Limits.transfersPerBatchMax) else {
            throw error(.outOfRange, field, at: start)
        }
        return (position, count)
    }
}
