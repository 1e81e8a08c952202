// SPDX-License-Identifier: Apache-2.0
//
// The canonical bytes of the rows of the state. Imports the data types only; called by the kernel,
// the state store and the checker. docs/formats/state.md explains every item and has an example of
// each.
//
// A row is an array whose first item is the format of its kind, 1 for all so far:
//
// | under                          | items after the format                                       |
// |--------------------------------|--------------------------------------------------------------|
// | book                           | kind, bucket, features, deleted, next sequence, head,        |
// |                                | next transaction, next log                                   |
// | bookName                       | book id                                                      |
// | volume                         | input, output                                                |
// | accountMetadata, bookMetadata  | text                                                         |
// | transactionState               | reverting id or null, metadata or null; one at least         |
// | reference                      | transaction id                                               |
// | idempotency                    | order digest, record index, count (1 or more)                |
// | entity                         | array of [field name, JSON text], ascending                  |
// | the ledger's scalars           | next record, last time, epoch, K, origin                     |
//
// Example, a volume of 200 received and 50 given: 83 01 18 c8 18 32.

package import TallyTypes

extension StateCodec {
    /// Returns the canonical bytes of a row.
    ///
    /// Invariant 51: the row keeps what its type promises in words only.
    package static func encodeValue(_ value: StateValue) -> [UInt8] {
        var writer = CBORWriter()
        writer.row(value)
        return writer.bytes
    }

    /// Appends the canonical bytes of a row.
    package static func appendValue(_ value: StateValue, to bytes: inout [UInt8]) {
        CBORWriter.append(to: &bytes) { $0.row(value) }
    }

    /// Reads the row under a key of a kind; what it accepts, `encodeValue` gives back.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decodeValue(
        kind: StateKeyKind,
        _ bytes: ArraySlice<UInt8>
    ) throws(Malformed) -> StateValue {
        try read(bytes) { reader throws(CBORError) in try reader.readRow(kind) }
    }

    /// Reads the row under a key of a kind; what it accepts, `encodeValue` gives back.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decodeValue(
        kind: StateKeyKind,
        _ bytes: [UInt8]
    ) throws(Malformed) -> StateValue {
        try decodeValue(kind: kind, bytes[...])
    }

    /// Returns the canonical bytes of the ledger's scalars.
    package static func encodeScalars(_ scalars: LedgerScalars) -> [UInt8] {
        var writer = CBORWriter()
        writer.arrayHeader(count: 6)
        writer.unsigned(FormatRegistry.scalars)
        writer.unsigned(scalars.nextRecord.rawValue)
        writer.unsigned(scalars.lastTime.microseconds)
        writer.unsigned(scalars.epoch.rawValue)
        writer.unsigned(scalars.entriesPerGeneration)
        writer.text(scalars.origin)
        return writer.bytes
    }

    /// Reads the ledger's scalars; what it accepts, `encodeScalars` gives back.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decodeScalars(
        _ bytes: ArraySlice<UInt8>
    ) throws(Malformed) -> LedgerScalars {
        try read(bytes) { reader throws(CBORError) in
            try reader.readArrayHeader(count: 6, "")
            try reader.expectFormat(FormatRegistry.scalars)
            return LedgerScalars(
                nextRecord: RecordIndex(try reader.readUnsigned("nextRecord")),
                lastTime: Instant(microseconds: try reader.readUnsigned("lastTime")),
                epoch: Epoch(try reader.readUnsigned("epoch")),
                entriesPerGeneration: try reader.readUnsigned("entriesPerGeneration"),
                origin: try reader.readText("origin")
            )
        }
    }

    /// Reads the ledger's scalars; what it accepts, `encodeScalars` gives back.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decodeScalars(_ bytes: [UInt8]) throws(Malformed) -> LedgerScalars {
        try decodeScalars(bytes[...])
    }

    private static func read<Value>(
        _ bytes: ArraySlice<UInt8>,
        _ read: (inout CBORReader) throws(CBORError) -> Value
    ) throws(Malformed) -> Value {
        do throws(CBORError) {
            var reader = CBORReader(bytes)
            let value = try read(&reader)
            try reader.expectEnd()
            return value
        } catch {
            throw error.malformed
        }
    }
}

extension CBORWriter {
    /// Appends the array of a row.
    mutating func row(_ value: StateValue) {
        switch value {
        case .volume(let volume):
            rowHeader(.volume, items: 2)
            amount(volume.input)
            amount(volume.output)
        case .book(let book): row(book)
        case .bookName(let book):
            rowHeader(.bookName, items: 1)
            self.book(book)
        case .text(let text):
            rowHeader(.accountMetadata, items: 1)
            self.text(text)
        case .transactionState(let state): row(state)
        case .reference(let id):
            rowHeader(.reference, items: 1)
            unsigned(id.rawValue)
        case .idempotency(let row):
            invariant(.i51, row.count > 0, "an idempotency row of no records")
            rowHeader(.idempotency, items: 3)
            digest(row.digest)
            unsigned(row.record.rawValue)
            unsigned(row.count)
        case .entity(let state): row(state)
        }
    }

    private mutating func rowHeader(_ kind: StateKeyKind, items: Int) {
        arrayHeader(count: 1 + items)
        unsigned(FormatRegistry.stateValue(kind))
    }

    private mutating func row(_ book: BookRow) {
        rowHeader(.book, items: 8)
        unsigned(UInt64(book.kind.rawValue))
        text(book.configuration.bucket)
        metadata(book.configuration.features)
        bool(book.isDeleted)
        unsigned(book.nextSequence.rawValue)
        digest(book.head)
        unsigned(book.nextTransaction.rawValue)
        unsigned(book.nextLog.rawValue)
    }

    private mutating func row(_ state: TransactionState) {
        invariant(
            .i51,
            state.revertedBy != nil || state.metadata != nil,
            "a transaction's row says nothing"
        )
        rowHeader(.transactionState, items: 2)
        if let id = state.revertedBy { unsigned(id.rawValue) } else { null() }
        if let metadata = state.metadata { self.metadata(metadata) } else { null() }
    }

    private mutating func row(_ state: EntityState) {
        rowHeader(.entity, items: 1)
        arrayHeader(count: state.fields.count)
        var last: Text?
        for field in state.fields {
            if let last { invariant(.i51, last < field.name, "an entity's fields do not ascend") }
            last = field.name
            arrayHeader(count: 2)
            text(field.name)
            text(field.value.text)
        }
    }
}

extension CBORReader {
    /// Refuses any other format than the one that is known.
    mutating func expectFormat(_ format: UInt64) throws(CBORError) {
        let start = offset
        guard try readUnsigned("format") == format else {
            throw error(.unknownFormat, "format", at: start)
        }
    }

    /// Reads the array of the row under a key of a kind.
    mutating func readRow(_ kind: StateKeyKind) throws(CBORError) -> StateValue {
        let start = offset
        let count = try readArrayHeader("")
        guard count > 0 else { throw error(.wrongCount, "", at: start) }
        try expectFormat(FormatRegistry.stateValue(kind))
        guard count == 1 + itemCount(kind) else { throw error(.wrongCount, "", at: start) }
        switch kind {
        case .volume:
            let input = try readAmount("input")
            return .volume(Volume(input: input, output: try readAmount("output")))
        case .book: return .book(try readBookRow())
        case .bookName: return .bookName(try readBook("book"))
        case .accountMetadata, .bookMetadata: return .text(try readText("text"))
        case .transactionState: return .transactionState(try readTransactionState())
        case .reference: return .reference(TransactionID(try readUnsigned("transaction")))
        case .idempotency: return .idempotency(try readIdempotencyRow())
        case .entity: return .entity(try readEntityState("fields"))
        }
    }

    private func itemCount(_ kind: StateKeyKind) -> Int {
        switch kind {
        case .book: 8
        case .idempotency: 3
        case .volume, .transactionState: 2
        case .bookName, .accountMetadata, .reference, .bookMetadata, .entity: 1
        }
    }

    private mutating func readBookRow() throws(CBORError) -> BookRow {
        let kind = try readBookKind("kind")
        let bucket = try readText("bucket")
        let features = try readMetadata("features")
        return BookRow(
            kind: kind,
            configuration: BookConfiguration(bucket: bucket, features: features),
            isDeleted: try readBool("deleted"),
            nextSequence: BookSequence(try readUnsigned("nextSequence")),
            head: try readDigest("head"),
            nextTransaction: TransactionID(try readUnsigned("nextTransaction")),
            nextLog: LogID(try readUnsigned("nextLog"))
        )
    }

    private mutating func readTransactionState() throws(CBORError) -> TransactionState {
        let start = offset
        let id = try readNullOr { reader throws(CBORError) in
            TransactionID(try reader.readUnsigned("revertedBy"))
        }
        let metadata = try readNullOr { reader throws(CBORError) in
            try reader.readMetadata("metadata")
        }
        guard id != nil || metadata != nil else { throw error(.empty, "", at: start) }
        return TransactionState(revertedBy: id, metadata: metadata)
    }

    private mutating func readIdempotencyRow() throws(CBORError) -> IdempotencyRow {
        let digest = try readDigest("digest")
        let record = RecordIndex(try readUnsigned("record"))
        let start = offset
        let count = try readUnsigned("count")
        guard count > 0 else { throw error(.outOfRange, "count", at: start) }
        return IdempotencyRow(digest: digest, record: record, count: count)
    }

    private mutating func readEntityState(_ field: String) throws(CBORError) -> EntityState {
        var state = EntityState()
        for _ in 0..<(try readArrayHeader(field)) {
            let start = offset
            try readArrayHeader(count: 2, field)
            let name = try readText(field)
            if let last = state.fields.last, last.name >= name {
                throw error(.unsorted, field, at: start)
            }
            let value = JSONText(try readText(field))
            state.fields.append(EntityState.Field(name: name, value: value))
        }
        return state
    }
}
