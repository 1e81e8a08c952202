// SPDX-License-Identifier: Apache-2.0
//
// Records that are too large for 65,535 bytes: which of their items stand beside them as blobs, and
// how they are put together again. Imports the data types only; hashing is the caller's. The layout
// of the payload is in RecordCodec.swift, docs/formats/record.md explains it.
//
// A record that fits has no blob. In one that does not, the larger of order and outcome (the order,
// when both are as large) is replaced by its reference; if that is not enough, the other one too.
// So each record has one encoding. A blob holds the canonical bytes of its item and nothing else.
//
//     payload of a tx whose order has 70,000 bytes: a2 01 82 00 a2 01 01 02 01
//                                                      07 82 1a 00011170 58 20 (its SHA-256)

package import TallyTypes

/// Bytes that stand beside a record.
package struct Blob: Hashable, Sendable {
    /// How the record names them.
    package let reference: BlobReference
    /// The bytes.
    package let bytes: [UInt8]

    /// Makes a blob from its bytes and their SHA-256.
    package init(_ bytes: [UInt8], digest: Digest) {
        reference = BlobReference(length: bytes.count, digest: digest)
        self.bytes = bytes
    }
}

/// A record as the ledger keeps it.
package struct EncodedRecord: Hashable, Sendable {
    /// The bytes of its leaf, at most 65,535.
    package let leaf: [UInt8]
    /// What stands beside it: at most the order and the outcome, in this order.
    package let blobs: [Blob]

    /// Puts a leaf and its blobs together, as they were read.
    package init(leaf: [UInt8], blobs: [Blob]) {
        self.leaf = leaf
        self.blobs = blobs
    }

    /// The record in one piece, as ``RecordCodec/decodeWhole(_:)`` reads it.
    ///
    /// - Throws: ``Malformed``; `blob-not-given` when these are not its blobs.
    package func whole() throws(Malformed) -> [UInt8] {
        blobs.isEmpty ? leaf : RecordCodec.encode(try record())
    }

    /// Reads the record.
    ///
    /// - Throws: ``Malformed``; `blob-not-given` when these are not its blobs.
    package func record() throws(Malformed) -> Record {
        switch try RecordCodec.parse(leaf[...]) {
        case .whole(let record): return record
        case .lacking(let record):
            guard record.references == blobs.map(\.reference) else {
                throw record.isNotGiven.malformed
            }
            return try record.completed(with: blobs.map(\.bytes))
        }
    }
}

/// The items of a record that stand beside it, or would.
struct ItemsBeside: Hashable {
    var order: BlobReference?
    var outcome: BlobReference?

    static let none = ItemsBeside()
}

/// Which items have to stand beside a record, by sizes alone.
private struct BlobRule {
    let movesOrder: Bool
    let movesOutcome: Bool

    /// - Parameters:
    ///   - whole: The size of the record with both items in it.
    ///   - order: The size of its order.
    ///   - outcome: The size of its outcome.
    init(whole: Int, order: Int, outcome: Int) {
        let isLarge = whole > Limits.recordBytesMax
        let isOrderFirst = order >= outcome
        let saved = isOrderFirst ? order : outcome
        let left = whole - saved + BlobRule.referenceBytes(saved)
        let isStillLarge = isLarge && left > Limits.recordBytesMax
        movesOrder = isLarge && (isOrderFirst || isStillLarge)
        movesOutcome = isLarge && (!isOrderFirst || isStillLarge)
    }

    /// The size of a reference to so many bytes.
    private static func referenceBytes(_ length: Int) -> Int {
        var writer = CBORWriter()
        writer.reference(BlobReference(length: length, digest: .zero))
        return writer.bytes.count
    }
}

extension CBORWriter {
    /// Appends the array of a reference: length and digest.
    mutating func reference(_ reference: BlobReference) {
        arrayHeader(count: 2)
        unsigned(UInt64(reference.length))
        digest(reference.digest)
    }
}

extension CBORReader {
    /// Reads the array of a reference.
    mutating func readReference(_ field: String) throws(CBORError) -> BlobReference {
        try readArrayHeader(count: 2, field)
        let start = offset
        let length = try readUnsigned(field)
        guard length > 0, length <= UInt64(Limits.blobBytesMax) else {
            throw error(.outOfRange, field, at: start)
        }
        return BlobReference(length: Int(length), digest: try readDigest(field))
    }
}

extension RecordCodec {
    /// Returns the bytes of a record's leaf, and the blobs beside it.
    ///
    /// Invariant 51: no item is larger than a blob may be; admission bounds orders so.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - hash: Gives the SHA-256 of bytes.
    /// - Returns: Both; no blobs when the record fits.
    package static func split(_ record: Record, hash: ([UInt8]) -> Digest) -> EncodedRecord {
        let whole = encode(record)
        guard whole.count > Limits.recordBytesMax else {
            return EncodedRecord(leaf: whole, blobs: [])
        }
        let order = OrderCodec.encode(record.order)
        let outcome = OutcomeCodec.encode(record.outcome)
        let rule = BlobRule(whole: whole.count, order: order.count, outcome: outcome.count)
        func blob(_ bytes: [UInt8], _ isMoved: Bool) -> Blob? {
            guard isMoved else { return nil }
            invariant(
                .i51,
                bytes.count <= Limits.blobBytesMax,
                "an item of a record has \(bytes.count) bytes"
            )
            return Blob(bytes, digest: hash(bytes))
        }
        let (orderBlob, outcomeBlob) = (
            blob(order, rule.movesOrder), blob(outcome, rule.movesOutcome)
        )
        var writer = CBORWriter()
        writer.record(
            record,
            ItemsBeside(order: orderBlob?.reference, outcome: outcomeBlob?.reference)
        )
        return EncodedRecord(
            leaf: writer.bytes,
            blobs: [orderBlob, outcomeBlob].compactMap { $0 }
        )
    }

    /// Reads the bytes of a leaf; its blobs are asked for when it has any.
    ///
    /// - Parameters:
    ///   - leaf: The bytes; `split` gives them back, with the same blobs.
    ///   - blob: Gives the bytes that a reference names, with this length and this SHA-256: both
    ///     are the callee's to check.
    /// - Returns: The record.
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``; the
    ///   offset is one in the blob where that is malformed. Or what `blob` throws.
    package static func decode(
        _ leaf: [UInt8],
        blob: (BlobReference) throws -> [UInt8]
    ) throws -> Record {
        try parse(leaf[...]).completed(with: blob)
    }

    /// Reads the bytes of a leaf without its blobs.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func parse(_ leaf: ArraySlice<UInt8>) throws(Malformed) -> ParsedRecord {
        do throws(CBORError) {
            return try read(leaf, atMost: Limits.recordBytesMax)
        } catch {
            throw error.malformed
        }
    }

    /// What stands beside a leaf, in the order of ``ParsedRecord/references``.
    ///
    /// References are the last keys of the last item, so a leaf that does not end in a digest has
    /// none and is not read.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    @Sendable
    package static func references(of leaf: [UInt8]) throws(Malformed) -> [BlobReference] {
        guard leaf.count > 34, leaf[leaf.count - 34] == 0x58, leaf[leaf.count - 33] == 32 else {
            return []
        }
        return try parse(leaf[...]).references
    }

    /// Reads what `encode` gives for a record of any size.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decodeWhole(_ bytes: [UInt8]) throws(Malformed) -> Record {
        do throws(CBORError) {
            let bytesMax = Limits.recordBytesMax + 2 * Limits.blobBytesMax
            return try read(bytes[...], atMost: bytesMax).whole()
        } catch {
            throw error.malformed
        }
    }

    /// Reads a leaf, or a record in one piece.
    static func read(
        _ bytes: ArraySlice<UInt8>,
        atMost bytesMax: Int
    ) throws(CBORError) -> ParsedRecord {
        var reader = CBORReader(bytes)
        try reader.expectLength(atMost: bytesMax)
        let record = try reader.readRecord()
        try reader.expectEnd()
        return record
    }
}

/// What the bytes of a leaf hold.
package enum ParsedRecord: Sendable {
    /// All of a record.
    case whole(Record)
    /// All but what stands beside it.
    case lacking(LackingRecord)

    /// The position that it says it has.
    package var index: RecordIndex {
        switch self {
        case .whole(let record): record.index
        case .lacking(let record): record.head.index
        }
    }

    /// Puts the record together; blobs are asked for when it has any.
    ///
    /// - Throws: ``Malformed``, or what `blob` throws.
    package func completed(with blob: (BlobReference) throws -> [UInt8]) throws -> Record {
        switch self {
        case .whole(let record): record
        case .lacking(let record): try record.completed(with: record.references.map(blob))
        }
    }

    /// What stands beside it, in this order.
    package var references: [BlobReference] {
        switch self {
        case .whole: []
        case .lacking(let record): record.references
        }
    }

    /// The record, when nothing of it stands beside it.
    func whole() throws(CBORError) -> Record {
        switch self {
        case .whole(let record): return record
        case .lacking(let record): throw record.isNotGiven
        }
    }
}

/// A record without the items that stand beside it.
package struct LackingRecord: Sendable {
    let head: RecordHead
    let kind: OrderKind
    let payload: RecordPayload
    let beside: ItemsBeside
    /// The size of the leaf.
    let leafBytes: Int

    fileprivate var isNotGiven: CBORError {
        CBORError(
            .blobNotGiven,
            at: leafBytes,
            field: beside.order != nil ? "order" : "outcome"
        )
    }

    /// What has to be given to ``completed(with:)``, in this order.
    package var references: [BlobReference] { [beside.order, beside.outcome].compactMap { $0 } }

    /// Puts the record together.
    ///
    /// - Parameter blobs: The bytes that ``references`` names, with those lengths and digests.
    /// - Returns: The record.
    /// - Throws: ``Malformed`` when a blob is not the canonical bytes of its item, or stands beside
    ///   a record that it would fit, or is of another length.
    package func completed(with blobs: [[UInt8]]) throws(Malformed) -> Record {
        guard blobs.map(\.count) == references.map(\.length) else {
            throw isNotGiven.malformed
        }
        var rest = blobs[...]
        var (order, outcome) = (payload.order, payload.outcome)
        var sizes = [0, 0]
        if beside.order != nil, let bytes = rest.popFirst() {
            do throws(Malformed) {
                order = try OrderCodec.decode(kind: kind, bytes)
            } catch {
                throw error.within("order")
            }
            sizes[0] = bytes.count
        }
        if beside.outcome != nil, let bytes = rest.popFirst() {
            outcome = try OutcomeCodec.decode(bytes)
            sizes[1] = bytes.count
        }
        guard let order, let outcome else {
            throw isNotGiven.malformed
        }
        try requireNeed(order, outcome, sizes)
        return Record(head, order: order, outcome: outcome, payload)
    }

    /// Refuses blobs that the rule would not have moved.
    private func requireNeed(
        _ order: Order,
        _ outcome: Outcome,
        _ moved: [Int]
    ) throws(Malformed) {
        let orderBytes = moved[0] > 0 ? moved[0] : OrderCodec.encode(order).count
        let outcomeBytes = moved[1] > 0 ? moved[1] : OutcomeCodec.encode(outcome).count
        var references = CBORWriter()
        for reference in self.references { references.reference(reference) }
        let rule = BlobRule(
            whole: leafBytes - references.bytes.count + moved[0] + moved[1],
            order: orderBytes,
            outcome: outcomeBytes
        )
        guard rule.movesOrder == (beside.order != nil),
            rule.movesOutcome == (beside.outcome != nil)
        else { throw CBORError(.needlessBlob, at: 0, field: "payload").malformed }
    }
}
