// SPDX-License-Identifier: Apache-2.0
//
// Writes CBOR of profile T1 (RFC 8949 §4.2.1, restricted): the one encoding of each value. Imports
// the data types only; used by every codec of this module. It only appends, and every form that the
// reader refuses is one that it has no method for; the order of map keys is the caller's.
//
// | type            | first byte                        | then                                   |
// |-----------------|-----------------------------------|----------------------------------------|
// | unsigned        | 00–17 value, 18 19 1a 1b          | 1, 2, 4 or 8 bytes, big-endian         |
// | negative −1−n   | 20–37 value, 38 39 3a 3b          | the same for n                         |
// | bytes           | 40–57 length, 58 59 5a 5b         | length, the bytes                      |
// | text            | 60–77 length, 78 79 7a 7b         | length, UTF-8                          |
// | array           | 80–97 count, 98 99 9a 9b          | count, the items                       |
// | map             | a0–b7 count, b8 b9 ba bb          | count, key and value in turn           |
// | 2⁶⁴ and above   | c2                                | bytes, 9 to 32, the first not zero     |
// | below −2⁶⁴      | c3                                | the same for n of −1−n                 |
// | false true null | f4 f5 f6                          |                                        |
//
// Example: [1, -1, h'ff', "a", null] is 85 01 20 41 ff 61 61 f6.

package import TallyTypes

/// The major types of RFC 8949, already in the upper three bits of the first byte.
enum CBORMajor {
    static let unsigned: UInt8 = 0x00
    static let negative: UInt8 = 0x20
    static let bytes: UInt8 = 0x40
    static let text: UInt8 = 0x60
    static let array: UInt8 = 0x80
    static let map: UInt8 = 0xA0
    static let tag: UInt8 = 0xC0
    static let simple: UInt8 = 0xE0
    static let positiveBignum: UInt8 = 0xC2
    static let negativeBignum: UInt8 = 0xC3
    static let `false`: UInt8 = 0xF4
    static let `true`: UInt8 = 0xF5
    static let null: UInt8 = 0xF6
}

/// Appends canonical CBOR items to an array of bytes.
package struct CBORWriter: Sendable {
    /// All bytes so far; the caller may append whole items that are already encoded.
    package var bytes: [UInt8]

    /// Starts after bytes that are already there.
    package init(appendingTo bytes: consuming [UInt8] = []) {
        self.bytes = bytes
    }

    /// Appends what `write` writes to `bytes` without copying them.
    package static func append(to bytes: inout [UInt8], _ write: (inout CBORWriter) -> Void) {
        var writer = CBORWriter()
        swap(&writer.bytes, &bytes)
        write(&writer)
        swap(&writer.bytes, &bytes)
    }

    /// Appends an unsigned integer.
    package mutating func unsigned(_ value: UInt64) {
        head(CBORMajor.unsigned, value)
    }

    /// Appends an integer that may be negative.
    package mutating func signed(_ value: Int64) {
        if value < 0 {
            head(CBORMajor.negative, UInt64(bitPattern: ~value))
        } else {
            head(CBORMajor.unsigned, UInt64(bitPattern: value))
        }
    }

    /// Appends an amount: an unsigned integer below 2⁶⁴, else tag 2 over its shortest bytes.
    package mutating func amount(_ value: Amount) {
        let word2 = UInt64(truncatingIfNeeded: value.low >> 64)
        let word3 = UInt64(truncatingIfNeeded: value.low)
        guard value.high != 0 || word2 != 0 else { return unsigned(word3) }
        let word0 = UInt64(truncatingIfNeeded: value.high >> 64)
        let word1 = UInt64(truncatingIfNeeded: value.high)
        bytes.append(CBORMajor.positiveBignum)
        let words = [word0, word1, word2, word3]
        byteString(words.flatMap(bigEndianBytes).drop { $0 == 0 })
    }

    /// Appends a byte string.
    package mutating func byteString(_ content: ArraySlice<UInt8>) {
        head(CBORMajor.bytes, UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    /// Appends a byte string.
    package mutating func byteString(_ content: [UInt8]) {
        byteString(content[...])
    }

    /// Appends a byte string of the thirty-two bytes of a digest.
    package mutating func digest(_ value: Digest) {
        bytes.append(addingCapacity: 34) { span in appendDigest(value, to: &span) }
    }

    /// Appends a byte string of sixteen bytes: a book's id or a salt.
    package mutating func sixteenBytes(_ high: UInt64, _ low: UInt64) {
        bytes.append(addingCapacity: 17) { span in appendSixteenBytes(high, low, to: &span) }
    }

    /// Appends the sixteen bytes of a book's id.
    package mutating func book(_ value: BookID) {
        sixteenBytes(value.high, value.low)
    }

    /// Appends a text string that is ASCII by its type: a validated name or a registered word.
    package mutating func ascii(_ value: String) {
        let content = value.utf8
        head(CBORMajor.text, UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    /// Appends free text: a text string when it qualifies, else its UTF-8 as a byte string.
    package mutating func text(_ value: Text) {
        let content = value.utf8
        let isText = CBORText.isASCII(content[...]) || CBORText.qualifies(value.string)
        head(isText ? CBORMajor.text : CBORMajor.bytes, UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    /// Appends the start of an array with this many items.
    package mutating func arrayHeader(count: Int) {
        head(CBORMajor.array, UInt64(count))
    }

    /// Appends the start of a map with this many pairs, whose keys the caller writes in their
    /// order.
    package mutating func mapHeader(count: Int) {
        head(CBORMajor.map, UInt64(count))
    }

    /// Appends null.
    package mutating func null() {
        bytes.append(CBORMajor.null)
    }

    /// Appends true or false.
    package mutating func bool(_ value: Bool) {
        bytes.append(value ? CBORMajor.true : CBORMajor.false)
    }

    /// Appends a first byte and its argument in the shortest form.
    mutating func head(_ major: UInt8, _ argument: UInt64) {
        if argument < 24 {
            bytes.append(major | UInt8(truncatingIfNeeded: argument))
        } else {
            bytes.append(addingCapacity: 9) { span in
                appendLongHead(major, argument, to: &span)
            }
        }
    }
}

/// Appends a first byte and its argument in the shortest form, at most nine bytes.
func appendHead(_ major: UInt8, _ argument: UInt64, to span: inout OutputSpan<UInt8>) {
    if argument < 24 {
        span.append(major | UInt8(truncatingIfNeeded: argument))
    } else {
        appendLongHead(major, argument, to: &span)
    }
}

/// Appends a first byte and an argument of 24 or more in the shortest form.
private func appendLongHead(
    _ major: UInt8,
    _ argument: UInt64,
    to span: inout OutputSpan<UInt8>
) {
    if argument <= 0xFF {
        span.append(major | 24)
        span.append(UInt8(truncatingIfNeeded: argument))
    } else if argument <= 0xFFFF {
        span.append(major | 25)
        span.append(UInt8(truncatingIfNeeded: argument >> 8))
        span.append(UInt8(truncatingIfNeeded: argument))
    } else if argument <= 0xFFFF_FFFF {
        span.append(major | 26)
        span.append(UInt8(truncatingIfNeeded: argument >> 24))
        span.append(UInt8(truncatingIfNeeded: argument >> 16))
        span.append(UInt8(truncatingIfNeeded: argument >> 8))
        span.append(UInt8(truncatingIfNeeded: argument))
    } else {
        span.append(major | 27)
        appendWord(argument, to: &span)
    }
}

/// Appends a byte string of the thirty-two bytes of a digest.
func appendDigest(_ value: Digest, to span: inout OutputSpan<UInt8>) {
    span.append(CBORMajor.bytes | 24)
    span.append(32)
    appendWord(value.word0, to: &span)
    appendWord(value.word1, to: &span)
    appendWord(value.word2, to: &span)
    appendWord(value.word3, to: &span)
}

/// Appends a byte string of sixteen bytes.
func appendSixteenBytes(_ high: UInt64, _ low: UInt64, to span: inout OutputSpan<UInt8>) {
    span.append(CBORMajor.bytes | 16)
    appendWord(high, to: &span)
    appendWord(low, to: &span)
}

/// Appends the eight bytes of a word, most significant first.
func appendWord(_ word: UInt64, to span: inout OutputSpan<UInt8>) {
    span.append(UInt8(truncatingIfNeeded: word >> 56))
    span.append(UInt8(truncatingIfNeeded: word >> 48))
    span.append(UInt8(truncatingIfNeeded: word >> 40))
    span.append(UInt8(truncatingIfNeeded: word >> 32))
    span.append(UInt8(truncatingIfNeeded: word >> 24))
    span.append(UInt8(truncatingIfNeeded: word >> 16))
    span.append(UInt8(truncatingIfNeeded: word >> 8))
    span.append(UInt8(truncatingIfNeeded: word))
}
