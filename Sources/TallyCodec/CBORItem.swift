// SPDX-License-Identifier: Apache-2.0
//
// Any item of profile T1 as a tree. Imports the data types only. For what has no schema:
// conformance vectors, `tally show`, sealed values. The codecs of records and state never build it;
// they also ask more of text than the profile does (CBORText.swift).

package import TallyTypes

/// Any item of profile T1.
package indirect enum CBORItem: Hashable, Sendable {
    /// A pair of a map.
    package struct Pair: Hashable, Sendable {
        /// The key: unsigned or text.
        package let key: CBORItem
        /// The value.
        package let value: CBORItem

        /// Makes a pair.
        package init(key: CBORItem, value: CBORItem) {
            self.key = key
            self.value = value
        }
    }

    /// An integer from 0 to 2⁶⁴ − 1.
    case unsigned(UInt64)
    /// The integer −1 − n.
    case negative(UInt64)
    /// An integer outside 64 bits: the magnitude n, or −1 − n; nine to thirty-two bytes.
    case bignum(isNegative: Bool, [UInt8])
    /// A byte string.
    case bytes([UInt8])
    /// A text string; normalized.
    case text(Text)
    /// False or true.
    case bool(Bool)
    /// Null.
    case null
    /// An array.
    case array([CBORItem])
    /// A map, ascending by the encoded bytes of its keys.
    case map([Pair])

    /// Reads exactly one item.
    ///
    /// - Throws: ``CBORError`` with the reason and the byte offset.
    /// - Source: RFC 8949 §4.2.1 and specs/evidence.md §7; vectors in Tests/Vectors/cbor.json.
    package static func decode(_ bytes: ArraySlice<UInt8>) throws(CBORError) -> CBORItem {
        var reader = CBORReader(bytes)
        try reader.expectLength(atMost: Limits.recordBytesMax)
        let item = try reader.readItem(depth: 0)
        try reader.expectEnd()
        return item
    }

    /// Reads exactly one item.
    ///
    /// - Throws: ``CBORError`` with the reason and the byte offset.
    package static func decode(_ bytes: [UInt8]) throws(CBORError) -> CBORItem {
        try decode(bytes[...])
    }

    /// The one encoding of the item.
    package var encoded: [UInt8] {
        var writer = CBORWriter()
        writer.item(self)
        return writer.bytes
    }
}

extension CBORReader {
    /// Reads any item that stands inside this many containers.
    mutating func readItem(depth: Int) throws(CBORError) -> CBORItem {
        let start = offset
        if isNext(CBORMajor.tag) {
            let (isNegative, content) = try readBignum("")
            return .bignum(isNegative: isNegative, Array(content))
        }
        let head = try readHead("")
        switch head.major {
        case CBORMajor.unsigned: return .unsigned(head.argument)
        case CBORMajor.negative: return .negative(head.argument)
        case CBORMajor.bytes: return .bytes(Array(try take(head.argument, "")))
        case CBORMajor.text: return .text(try readTextContent(head.argument, at: start))
        case CBORMajor.array: return try readArray(head.argument, depth: depth)
        case CBORMajor.map: return try readMap(head.argument, depth: depth)
        default: return head.argument == 22 ? .null : .bool(head.argument == 21)
        }
    }

    private mutating func readArray(
        _ argument: UInt64,
        depth: Int
    ) throws(CBORError) -> CBORItem {
        guard depth < Limits.recordDepthMax else { throw error(.depth, "") }
        var items: [CBORItem] = []
        for _ in 0..<(try count(argument, itemsEach: 1, "")) {
            items.append(try readItem(depth: depth + 1))
        }
        return .array(items)
    }

    private mutating func readMap(
        _ argument: UInt64,
        depth: Int
    ) throws(CBORError) -> CBORItem {
        guard depth < Limits.recordDepthMax else { throw error(.depth, "") }
        var pairs: [CBORItem.Pair] = []
        var last: ArraySlice<UInt8>?
        for _ in 0..<(try count(argument, itemsEach: 2, "")) {
            let start = offset
            let key = try readKey()
            let encoded = read(since: start)
            if let last, !last.lexicographicallyPrecedes(encoded) {
                throw error(last == encoded ? .duplicateKey : .keyOrder, "", at: start)
            }
            last = encoded
            pairs.append(CBORItem.Pair(key: key, value: try readItem(depth: depth + 1)))
        }
        return .map(pairs)
    }

    private mutating func readKey() throws(CBORError) -> CBORItem {
        let start = offset
        let head = try readKeyHead("")
        guard head.major == CBORMajor.text else { return .unsigned(head.argument) }
        return .text(try readTextContent(head.argument, at: start))
    }

    private mutating func readTextContent(
        _ length: UInt64,
        at start: Int
    ) throws(CBORError) -> Text {
        let content = try take(length, "")
        return Text(try string(content, "", at: start, where: CBORText.isNormalized))
    }
}

extension CBORWriter {
    /// Appends any item.
    ///
    /// Invariant 50: what only a decoder or a careful caller can build has its canonical form: keys
    /// ascend, big numbers are needed, text is normalized.
    package mutating func item(_ item: CBORItem) {
        switch item {
        case .unsigned(let value): unsigned(value)
        case .negative(let value): head(CBORMajor.negative, value)
        case .bignum(let isNegative, let content): bignum(isNegative, content)
        case .bytes(let content): byteString(content)
        case .text(let value): normalizedText(value)
        case .bool(let value): bool(value)
        case .null: null()
        case .array(let items):
            arrayHeader(count: items.count)
            for item in items { self.item(item) }
        case .map(let pairs): map(pairs)
        }
    }

    private mutating func bignum(_ isNegative: Bool, _ content: [UInt8]) {
        invariant(
            .i50,
            (9...32).contains(content.count) && content.first != 0,
            "a big number of \(content.count) bytes is not canonical"
        )
        bytes.append(isNegative ? CBORMajor.negativeBignum : CBORMajor.positiveBignum)
        byteString(content)
    }

    private mutating func normalizedText(_ value: Text) {
        invariant(
            .i50,
            CBORText.isASCII(value.utf8[...]) || CBORText.isNormalized(value.string),
            "text that is not normalized stands in a text item"
        )
        head(CBORMajor.text, UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    private mutating func map(_ pairs: [CBORItem.Pair]) {
        mapHeader(count: pairs.count)
        var last: [UInt8] = []
        for pair in pairs {
            let key = pair.key.encoded
            invariant(.i50, isKey(pair.key), "a map key is neither unsigned nor text")
            invariant(.i50, last.lexicographicallyPrecedes(key), "map keys do not ascend")
            last = key
            bytes.append(contentsOf: key)
            item(pair.value)
        }
    }

    private func isKey(_ item: CBORItem) -> Bool {
        switch item {
        case .unsigned, .text: true
        case .negative, .bignum, .bytes, .bool, .null, .array, .map: false
        }
    }
}
