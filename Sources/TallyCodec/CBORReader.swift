// SPDX-License-Identifier: Apache-2.0
//
// Reads CBOR of profile T1 strictly, item by item: what the writer does not write is refused, with
// the name and the place. Imports the data types only; used by every codec of this module, which
// know what must come next and therefore never build a tree. The layout table is in
// CBORWriter.swift.
//
// Lengths and counts are compared with the bytes that remain before anything is added or allocated.

package import TallyTypes

/// A first byte and its argument.
struct CBORHead {
    /// The major type, in the upper three bits.
    let major: UInt8
    /// The value, the length, the count or the tag.
    let argument: UInt64
}

/// What is left of a map that is being read, and the key that was read last.
package struct CBORMapCursor: Sendable {
    /// The number of pairs not yet begun.
    package fileprivate(set) var remaining: Int
    /// The offset of the key that was read last.
    package fileprivate(set) var keyOffset = 0
    fileprivate var last: UInt64?

    fileprivate init(remaining: Int) {
        self.remaining = remaining
    }
}

/// A strict cursor over canonical CBOR.
///
/// Every method throws ``CBORError`` with the field it was asked for and the offset of the item.
package struct CBORReader: Sendable {
    let bytes: ArraySlice<UInt8>
    var position: Int

    /// Starts at the beginning of the bytes, which are not copied.
    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Starts at the beginning of the bytes, which are not copied.
    package init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    /// The number of bytes read so far.
    package var offset: Int { position - bytes.startIndex }

    /// The number of bytes not yet read.
    package var remaining: Int { bytes.endIndex - position }

    /// The bytes from an earlier offset to here.
    package func read(since start: Int) -> ArraySlice<UInt8> {
        bytes[(bytes.startIndex + start)..<position]
    }

    /// Makes an error at the current offset, or at one given.
    package func error(
        _ refusal: CBORRefusal,
        _ field: String,
        at place: Int? = nil
    ) -> CBORError {
        CBORError(refusal, at: place ?? offset, field: field)
    }

    // MARK: - Numbers

    /// Reads an unsigned integer below 2⁶⁴.
    package mutating func readUnsigned(_ field: String) throws(CBORError) -> UInt64 {
        try readHead(CBORMajor.unsigned, field)
    }

    /// Reads an unsigned integer below 2⁶³.
    package mutating func readUnsigned63(_ field: String) throws(CBORError) -> UInt64 {
        let start = offset
        let value = try readHead(CBORMajor.unsigned, field)
        guard value <= UInt64(Int64.max) else { throw error(.outOfRange, field, at: start) }
        return value
    }

    /// Reads an integer from −2⁶³ to 2⁶³ − 1.
    package mutating func readSigned(_ field: String) throws(CBORError) -> Int64 {
        let start = offset
        let isNegative = isNext(CBORMajor.negative)
        let argument = try readHead(
            isNegative ? CBORMajor.negative : CBORMajor.unsigned,
            field
        )
        guard argument <= UInt64(Int64.max) else { throw error(.outOfRange, field, at: start) }
        return isNegative ? ~Int64(argument) : Int64(argument)
    }

    /// Reads an amount below 2²⁵⁶.
    package mutating func readAmount(_ field: String) throws(CBORError) -> Amount {
        guard isNext(CBORMajor.tag) else {
            return Amount(UInt128(try readUnsigned(field)))
        }
        let start = offset
        let (isNegative, content) = try readBignum(field)
        guard !isNegative, let amount = Amount(bigEndian: content) else {
            throw error(.outOfRange, field, at: start)
        }
        return amount
    }

    /// Reads a tag 2 or 3 and its bytes: nine to thirty-two, the first not zero.
    mutating func readBignum(
        _ field: String
    ) throws(CBORError) -> (isNegative: Bool, bytes: ArraySlice<UInt8>) {
        let start = offset
        let tag = try readHead(CBORMajor.tag, field)
        guard tag == 2 || tag == 3 else { throw error(.tag, field, at: start) }
        let head = try readHead(field)
        guard head.major == CBORMajor.bytes else { throw error(.bignum, field, at: start) }
        let content = try take(head.argument, field)
        guard content.count >= 9, content.count <= 32, content.first != 0 else {
            throw error(.bignum, field, at: start)
        }
        return (tag == 3, content)
    }

    // MARK: - Strings

    /// Reads a byte string of any length.
    package mutating func readByteString(_ field: String) throws(CBORError) -> ArraySlice<UInt8> {
        try take(try readHead(CBORMajor.bytes, field), field)
    }

    /// Reads a byte string of exactly this many bytes.
    package mutating func readBytes(
        count: Int,
        _ field: String
    ) throws(CBORError) -> ArraySlice<UInt8> {
        let start = offset
        let content = try readByteString(field)
        guard content.count == count else { throw error(.wrongLength, field, at: start) }
        return content
    }

    /// Reads a byte string of thirty-two bytes.
    package mutating func readDigest(_ field: String) throws(CBORError) -> Digest {
        try readStart(ofBytes: 32, field)
        return Digest(takeWord(), takeWord(), takeWord(), takeWord())
    }

    /// Reads a byte string of sixteen bytes, as its two words.
    package mutating func readSixteenBytes(
        _ field: String
    ) throws(CBORError) -> (high: UInt64, low: UInt64) {
        try readStart(ofBytes: 16, field)
        return (takeWord(), takeWord())
    }

    /// Reads the sixteen bytes of a book's id.
    package mutating func readBook(_ field: String) throws(CBORError) -> BookID {
        let words = try readSixteenBytes(field)
        return BookID(words.high, words.low)
    }

    /// Reads the bytes of a text string, whose content the caller checks against a list of its own.
    package mutating func readWord(_ field: String) throws(CBORError) -> ArraySlice<UInt8> {
        try take(try readHead(CBORMajor.text, field), field)
    }

    /// Reads a text string for a type that checks its own rule and allows ASCII only.
    package mutating func readName<Name>(
        _ field: String,
        _ make: (String) -> Name?
    ) throws(CBORError) -> Name {
        let start = offset
        let content = try readWord(field)
        // What is no UTF-8 is repaired here, to a text that breaks the rule of every name.
        if let name = make(String(decoding: content, as: UTF8.self)) { return name }
        _ = try string(content, field, at: start)
        throw error(.illegalName, field, at: start)
    }

    /// Reads free text: a text string, or the bytes of text that does not qualify as one.
    package mutating func readText(_ field: String) throws(CBORError) -> Text {
        let start = offset
        guard isNext(CBORMajor.bytes) else {
            let content = try take(try readHead(CBORMajor.text, field), field)
            return Text(try string(content, field, at: start))
        }
        let content = try readByteString(field)
        guard let string = String(validating: content, as: UTF8.self) else {
            throw error(.utf8, field, at: start)
        }
        guard !CBORText.isASCII(content), !CBORText.qualifies(string) else {
            throw error(.textAsBytes, field, at: start)
        }
        return Text(string)
    }

    /// Checks the content of a text string: UTF-8, and the rule that applies to its place.
    func string(
        _ content: ArraySlice<UInt8>,
        _ field: String,
        at start: Int,
        where isAllowed: (String) -> Bool = CBORText.qualifies
    ) throws(CBORError) -> String {
        if CBORText.isASCII(content) { return String(decoding: content, as: UTF8.self) }
        guard let string = String(validating: content, as: UTF8.self) else {
            throw error(.utf8, field, at: start)
        }
        guard isAllowed(string) else { throw error(.notNormalized, field, at: start) }
        return string
    }

    // MARK: - Containers

    /// Reads the start of an array; its items follow.
    package mutating func readArrayHeader(_ field: String) throws(CBORError) -> Int {
        let argument = try readHead(CBORMajor.array, field)
        return try count(argument, itemsEach: 1, field)
    }

    /// Reads the start of an array that has exactly this many items.
    package mutating func readArrayHeader(count: Int, _ field: String) throws(CBORError) {
        let start = offset
        guard try readHead(CBORMajor.array, field) == UInt64(count) else {
            throw error(.wrongCount, field, at: start)
        }
    }

    /// Reads the start of a map; ``nextKey(_:_:)`` leads through its pairs.
    package mutating func readMapHeader(_ field: String) throws(CBORError) -> CBORMapCursor {
        let argument = try readHead(CBORMajor.map, field)
        return CBORMapCursor(remaining: try count(argument, itemsEach: 2, field))
    }

    /// Reads the next key of a map whose keys are unsigned integers; nil after the last pair.
    package mutating func nextKey(
        _ map: inout CBORMapCursor,
        _ field: String
    ) throws(CBORError) -> UInt64? {
        guard map.remaining > 0 else { return nil }
        let start = offset
        map.keyOffset = start
        let head = try readKeyHead(field)
        guard head.major == CBORMajor.unsigned else {
            throw error(.unknownKey, field, at: start)
        }
        if let last = map.last, head.argument <= last {
            throw error(
                head.argument == last ? .duplicateKey : .keyOrder,
                field,
                at: start
            )
        }
        map.remaining -= 1
        map.last = head.argument
        return head.argument
    }

    /// Makes the error for a key, the one read last, that the map does not have.
    package func unknownKey(_ map: CBORMapCursor, _ field: String = "") -> CBORError {
        error(.unknownKey, field, at: map.keyOffset)
    }

    /// Reads the first byte and argument of a map key.
    mutating func readKeyHead(_ field: String) throws(CBORError) -> CBORHead {
        guard remaining > 0 else { throw error(.truncated, field) }
        let major = bytes[position] & 0xE0
        guard major == CBORMajor.unsigned || major == CBORMajor.text else {
            throw error(.keyType, field)
        }
        return try readHead(field)
    }

    // MARK: - The rest

    /// True, and past it, when a null comes next.
    package mutating func readNull() -> Bool {
        guard remaining > 0, bytes[position] == CBORMajor.null else { return false }
        position += 1
        return true
    }

    /// Reads null as nil, and anything else with `read`.
    package mutating func readNullOr<Value>(
        _ read: (inout CBORReader) throws(CBORError) -> Value
    ) throws(CBORError) -> Value? {
        readNull() ? nil : try read(&self)
    }

    /// Reads false or true.
    package mutating func readBool(_ field: String) throws(CBORError) -> Bool {
        let start = offset
        let head = try readHead(field)
        guard head.major == CBORMajor.simple, head.argument != 22 else {
            throw error(.wrongType, field, at: start)
        }
        return head.argument == 21
    }

    /// Reads a true whose absence means false.
    package mutating func readTrue(_ field: String) throws(CBORError) -> Bool {
        let start = offset
        guard try readBool(field) else { throw error(.writtenDefault, field, at: start) }
        return true
    }

    /// Refuses bytes after the item that was read.
    package func expectEnd() throws(CBORError) {
        guard remaining == 0 else { throw error(.trailingBytes, "") }
    }

    /// Refuses more bytes than this in all.
    package func expectLength(atMost bytesMax: Int) throws(CBORError) {
        guard bytes.count <= bytesMax else { throw CBORError(.tooLong, at: bytesMax) }
    }
}
