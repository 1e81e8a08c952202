// SPDX-License-Identifier: Apache-2.0
//
// The grammar of JSON as a recursive descent over bytes, one function per production of RFC 8259.
// The scanner holds only its position; the bytes are passed along, so that nothing is copied but
// keys, strings and long numbers. Imports TallyTypes; called by JSONReader, JSONStream and
// JSONNumber.

internal import TallyTypes

/// A position in a JSON text and what is left of its bounds.
struct JSONScanner {
    /// Objects with more members find a repeated key in a set instead of one by one.
    private static let linearMembersMax = 12
    /// The offset of the next byte.
    var position: Int
    private let depthMax: Int
    private let valuesMax: Int
    private var valuesLeft: Int

    init(limits: JSONLimits, position: Int = 0) {
        self.position = position
        depthMax = limits.depthMax
        valuesMax = limits.valuesMax
        valuesLeft = limits.valuesMax
    }

    /// Refuses the three bytes that some editors put before UTF-8.
    func refuseByteOrderMark(_ bytes: [UInt8]) throws(Malformed) {
        guard position == 0, bytes.count >= 3 else { return }
        if bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw Malformed("byte order mark")
        }
    }

    /// Moves to the next byte that is no space, tab, line feed or carriage return.
    mutating func skipWhitespace(_ bytes: [UInt8]) {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position += 1
        }
    }

    /// Reads the value that begins here, inside `depth` containers.
    mutating func value(_ bytes: [UInt8], depth: Int) throws(Malformed) -> JSONValue {
        guard valuesLeft > 0 else { throw malformed("more than \(valuesMax) values") }
        valuesLeft -= 1
        guard position < bytes.count else { throw malformed("expected a value, found the end") }
        switch bytes[position] {
        case UInt8(ascii: "\""):
            return .string(try string(bytes))
        case UInt8(ascii: "{"):
            return .object(try object(bytes, depth: depth + 1))
        case UInt8(ascii: "["):
            return .array(try array(bytes, depth: depth + 1))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return .number(try number(bytes))
        case UInt8(ascii: "t"):
            try word("true", bytes)
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false", bytes)
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null", bytes)
            return .null
        default:
            throw malformed("expected a value")
        }
    }

    private mutating func object(
        _ bytes: [UInt8],
        depth: Int
    ) throws(Malformed) -> JSONObject {
        try open(depth: depth)
        skipWhitespace(bytes)
        if try take(UInt8(ascii: "}"), bytes, or: "expected a key or }") { return .empty }
        var members: [JSONObject.Member] = []
        members.reserveCapacity(4)
        var seen: Set<Text> = []
        repeat {
            skipWhitespace(bytes)
            let key = try newKey(bytes, after: members, seen: &seen)
            members.append(try member(key, bytes, depth: depth))
            skipWhitespace(bytes)
        } while try take(UInt8(ascii: ","), bytes, or: "expected , or }")
        try close(UInt8(ascii: "}"), bytes, or: "expected , or }")
        return JSONObject(unique: members)
    }

    /// Reads a key and refuses one that this object has already.
    private mutating func newKey(
        _ bytes: [UInt8],
        after members: [JSONObject.Member],
        seen: inout Set<Text>
    ) throws(Malformed) -> Text {
        let start = position
        guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else {
            throw malformed("expected a key")
        }
        let key = try string(bytes)
        var isRepeated = false
        if members.count < JSONScanner.linearMembersMax {
            isRepeated = members.contains { $0.key == key }
        } else {
            if seen.isEmpty {
                seen = Set(members.map(\.key))
            }
            isRepeated = !seen.insert(key).inserted
        }
        guard !isRepeated else {
            throw Malformed("the key occurs twice", offset: start).within(JSONPath.segment(key))
        }
        return key
    }

    /// Reads the colon and the value that follow a key.
    private mutating func member(
        _ key: Text,
        _ bytes: [UInt8],
        depth: Int
    ) throws(Malformed) -> JSONObject.Member {
        do throws(Malformed) {
            skipWhitespace(bytes)
            try close(UInt8(ascii: ":"), bytes, or: "expected :")
            skipWhitespace(bytes)
            let place = UInt32(truncatingIfNeeded: position)
            let value = try value(bytes, depth: depth)
            return JSONObject.Member(key: key, value: value, place: place)
        } catch {
            throw error.within(JSONPath.segment(key))
        }
    }

    private mutating func array(_ bytes: [UInt8], depth: Int) throws(Malformed) -> JSONArray {
        try open(depth: depth)
        skipWhitespace(bytes)
        if try take(UInt8(ascii: "]"), bytes, or: "expected a value or ]") { return [] }
        var elements: [JSONArray.Slot] = []
        repeat {
            skipWhitespace(bytes)
            let place = UInt32(truncatingIfNeeded: position)
            do throws(Malformed) {
                let value = try value(bytes, depth: depth)
                elements.append(JSONArray.Slot(value: value, place: place))
            } catch {
                throw error.within(JSONPath.segment(elements.count))
            }
            skipWhitespace(bytes)
        } while try take(UInt8(ascii: ","), bytes, or: "expected , or ]")
        try close(UInt8(ascii: "]"), bytes, or: "expected , or ]")
        return JSONArray(elements: elements)
    }

    /// Steps over the bracket that opens container number `depth`.
    private mutating func open(depth: Int) throws(Malformed) {
        guard depth <= depthMax else { throw malformed("deeper than \(depthMax) containers") }
        position += 1
    }

    /// Steps over the byte when it is next; the end of the text is refused.
    private mutating func take(
        _ byte: UInt8,
        _ bytes: [UInt8],
        or reason: StaticString
    ) throws(Malformed) -> Bool {
        guard position < bytes.count else { throw malformed("\(reason), found the end") }
        guard bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// Steps over the byte, which must be next.
    private mutating func close(
        _ byte: UInt8,
        _ bytes: [UInt8],
        or reason: StaticString
    ) throws(Malformed) {
        guard try take(byte, bytes, or: reason) else { throw malformed("\(reason)") }
    }

    /// Steps over one of the three literal words.
    private mutating func word(_ word: String, _ bytes: [UInt8]) throws(Malformed) {
        let expected = word.utf8Span.span
        for place in expected.indices {
            guard position + place < bytes.count, bytes[position + place] == expected[place] else {
                throw malformed("expected \(word)")
            }
        }
        position += expected.count
    }

    /// Makes the error of the byte at this position.
    func malformed(_ reason: String) -> Malformed {
        Malformed(reason, offset: position)
    }
}

/// How members and elements are named in the path of a field.
enum JSONPath {
    /// The most bytes of a key that a path repeats.
    private static let keyBytesMax = 64

    /// Returns `[3]`.
    static func segment(_ index: Int) -> String { "[\(index)]" }

    /// Returns the key as it is when it is a plain word, quoted in brackets otherwise.
    static func segment(_ key: Text) -> String {
        if key.utf8.count <= keyBytesMax, !key.utf8.isEmpty, key.utf8.allSatisfy(isPlain) {
            return key.string
        }
        let shown = String(key.string.unicodeScalars.prefix(keyBytesMax / 4))
        var writer = JSONWriter(style: .plain)
        writer.string(shown.utf8.count == key.utf8.count ? shown : shown + "…")
        return "[" + String(decoding: writer.bytes, as: UTF8.self) + "]"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "$"), UInt8(ascii: "/"), UInt8(ascii: ":"):
            true
        default:
            false
        }
    }
}
