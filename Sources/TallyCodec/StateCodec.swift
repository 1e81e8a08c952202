// SPDX-License-Identifier: Apache-2.0
//
// The canonical bytes of the keys of the state. Imports the data types only; called by admission,
// the state store and the checker. Rows of the store are sorted by these bytes.
// docs/formats/state.md explains every part and has an example of each.
//
//     key  = format u8 (1) | kind u8 | book 16 | parts
//     part = length u16 big-endian | bytes
//
// | kind                | parts                       | book       |
// |---------------------|-----------------------------|------------|
// | 1 book              | none                        | its id     |
// | 2 bookName          | name                        | system (0) |
// | 3 volume            | asset, account              | its id     |
// | 4 accountMetadata   | account, key                | its id     |
// | 5 transactionState  | id, 8 bytes big-endian      | its id     |
// | 6 reference         | text                        | its id     |
// | 7 idempotency       | hash, 32 bytes              | its id     |
// | 8 bookMetadata      | key                         | its id     |
// | 9 entity            | type, id                    | its id     |
//
// Example, what account `a` has of `USD/2`: 01 03 (16 bytes) 0005 5553442f32 0001 61.

package import TallyTypes

/// Encodes and decodes keys and rows of the state; rows are in StateCodec+Values.swift.
package enum StateCodec {
    /// The longest part of a key in bytes: what its length field can say.
    package static let partBytesMax = Int(UInt16.max)

    /// Returns the canonical bytes of a key.
    ///
    /// Invariant 52: no part is longer than 65,535 bytes; admission bounds their free text.
    package static func encodeKey(_ key: StateKey) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)
        appendKey(key, to: &bytes)
        return bytes
    }

    /// Appends the canonical bytes of a key.
    package static func appendKey(_ key: StateKey, to bytes: inout [UInt8]) {
        appendPrefix(key.kind, key.book, to: &bytes)
        switch key {
        case .book: break
        case .bookName(let name): append(name.text.utf8, to: &bytes)
        case .volume(_, let asset, let account):
            append(asset.text.utf8, to: &bytes)
            append(account.text.utf8, to: &bytes)
        case .accountMetadata(_, let account, let key):
            append(account.text.utf8, to: &bytes)
            append(key.utf8, to: &bytes)
        case .transactionState(_, let id): append(bigEndianBytes(id.rawValue), to: &bytes)
        case .reference(_, let text): append(text.utf8, to: &bytes)
        case .idempotency(_, let hash): append(hash.bytes, to: &bytes)
        case .bookMetadata(_, let key): append(key.utf8, to: &bytes)
        case .entity(_, let type, let id):
            append(type.utf8, to: &bytes)
            append(id.utf8, to: &bytes)
        }
    }

    private static func appendPrefix(
        _ kind: StateKeyKind,
        _ book: BookID,
        to bytes: inout [UInt8]
    ) {
        bytes.append(addingCapacity: 18) { span in
            span.append(FormatRegistry.stateKey)
            span.append(kind.rawValue)
            appendWord(book.high, to: &span)
            appendWord(book.low, to: &span)
        }
    }

    private static func append(_ part: String.UTF8View, to bytes: inout [UInt8]) {
        appendLength(part.count, to: &bytes)
        bytes.append(contentsOf: part)
    }

    private static func append(_ part: [UInt8], to bytes: inout [UInt8]) {
        appendLength(part.count, to: &bytes)
        bytes.append(contentsOf: part)
    }

    private static func appendLength(_ count: Int, to bytes: inout [UInt8]) {
        invariant(.i52, count <= partBytesMax, "a key part of \(count) bytes")
        bytes.append(UInt8(truncatingIfNeeded: count >> 8))
        bytes.append(UInt8(truncatingIfNeeded: count))
    }

    /// Reads the canonical bytes of a key; what it accepts, `encodeKey` gives back.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decodeKey(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> StateKey {
        do throws(CBORError) {
            var reader = StateKeyReader(bytes)
            return try reader.readKey()
        } catch {
            throw error.malformed
        }
    }

    /// Reads the canonical bytes of a key; what it accepts, `encodeKey` gives back.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decodeKey(_ bytes: [UInt8]) throws(Malformed) -> StateKey {
        try decodeKey(bytes[...])
    }
}

/// A strict cursor over the bytes of a key.
private struct StateKeyReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func readKey() throws(CBORError) -> StateKey {
        guard try take(1, "format").first == FormatRegistry.stateKey else {
            throw error(.unknownFormat, "format", 1)
        }
        guard let raw = try take(1, "kind").first, let kind = StateKeyKind(rawValue: raw) else {
            throw error(.unknownKind, "kind", 1)
        }
        let book = try take(16, "book")
        let key = try readParts(kind, BookID(word(book, 0), word(book, 8)))
        guard position == bytes.endIndex else { throw error(.trailingBytes, "") }
        return key
    }

    private mutating func readParts(
        _ kind: StateKeyKind,
        _ book: BookID
    ) throws(CBORError) -> StateKey {
        switch kind {
        case .book: return .book(book)
        case .bookName:
            guard book == .system else { throw error(.outOfRange, "book", 16) }
            return .bookName(try readName("name", BookName.init))
        case .volume:
            let asset = try readName("asset", Asset.init)
            return .volume(book, asset, try readName("account", AccountAddress.init))
        case .accountMetadata:
            let account = try readName("account", AccountAddress.init)
            return .accountMetadata(book, account, key: try readText("key"))
        case .transactionState: return .transactionState(book, try readTransaction("id"))
        case .reference: return .reference(book, try readText("reference"))
        case .idempotency: return .idempotency(book, try readDigest("hash"))
        case .bookMetadata: return .bookMetadata(book, key: try readText("key"))
        case .entity:
            let type = try readText("type")
            return .entity(book, type: type, id: try readText("id"))
        }
    }

    private mutating func readName<Name>(
        _ field: String,
        _ make: (String) -> Name?
    ) throws(CBORError) -> Name {
        let part = try readPart(field)
        // What is no UTF-8 is repaired here, to a text that breaks the rule of every name.
        guard let name = make(String(decoding: part, as: UTF8.self)) else {
            throw error(.illegalName, field, part.count)
        }
        return name
    }

    private mutating func readText(_ field: String) throws(CBORError) -> Text {
        let part = try readPart(field)
        guard let string = String(validating: part, as: UTF8.self) else {
            throw error(.utf8, field, part.count)
        }
        return Text(string)
    }

    private mutating func readTransaction(_ field: String) throws(CBORError) -> TransactionID {
        let part = try readPart(field)
        guard part.count == 8 else { throw error(.wrongLength, field, part.count) }
        return TransactionID(word(part, 0))
    }

    private mutating func readDigest(_ field: String) throws(CBORError) -> Digest {
        let part = try readPart(field)
        guard part.count == 32 else { throw error(.wrongLength, field, part.count) }
        return Digest(word(part, 0), word(part, 8), word(part, 16), word(part, 24))
    }

    /// The eight bytes of a part from a place on, most significant first.
    private func word(_ part: ArraySlice<UInt8>, _ place: Int) -> UInt64 {
        var word: UInt64 = 0
        let start = part.startIndex + place
        for index in start..<(start + 8) { word = word << 8 | UInt64(part[index]) }
        return word
    }

    private mutating func readPart(_ field: String) throws(CBORError) -> ArraySlice<UInt8> {
        let length = try take(2, field)
        let count = Int(length[length.startIndex]) << 8 | Int(length[length.startIndex + 1])
        return try take(count, field)
    }

    private mutating func take(
        _ count: Int,
        _ field: String
    ) throws(CBORError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else { throw error(.truncated, field) }
        let part = bytes[position..<(position + count)]
        position += count
        return part
    }

    /// Makes an error at this many bytes before the position.
    private func error(_ refusal: CBORRefusal, _ field: String, _ back: Int = 0) -> CBORError {
        CBORError(refusal, at: position - back - bytes.startIndex, field: field)
    }
}
