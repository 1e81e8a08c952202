// SPDX-License-Identifier: Apache-2.0
//
// Bytes inside columns and cursors. docs/formats/views.md has the tables:
//
//     number   unsigned LEB128 in its shortest form: 7 bits a byte, low bits first, high bit set
//              on all bytes but the last
//     bytes    number n, then n bytes
//     amount   1 byte n (0 to 32), then n bytes, big-endian, no leading zero
//     metadata (key bytes, value bytes)*, ascending by key; no bytes at all for an empty map
//     postings (number source, number destination, number asset, amount)*
//
// Worked example: one posting of 300 of asset 1 from account 1 to account 2 is 01 02 01 02 01 2C.
// Imports own types only; folds write, reads read.

import TallyTypes

/// Appends the forms above to an array of bytes.
struct BlobWriter {
    /// What was written so far.
    private(set) var bytes: [UInt8] = []

    /// Starts empty.
    init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Appends one byte.
    mutating func append(byte: UInt8) {
        bytes.append(byte)
    }

    /// Appends a number in its shortest form.
    mutating func append(number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends the eight bytes of a word, most significant first.
    mutating func append(word: UInt64) {
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
        }
    }

    /// Appends a length and the bytes.
    mutating func append(bytes more: [UInt8]) {
        append(number: UInt64(more.count))
        bytes.append(contentsOf: more)
    }

    /// Appends an amount.
    mutating func append(amount: Amount) {
        guard amount.high == 0, amount.low <= UInt128(UInt64.max) else {
            let long = amount.bytes
            bytes.append(UInt8(long.count))
            bytes.append(contentsOf: long)
            return
        }
        let word = UInt64(truncatingIfNeeded: amount.low)
        let count = (64 - word.leadingZeroBitCount + 7) / 8
        bytes.append(UInt8(count))
        for position in stride(from: count - 1, through: 0, by: -1) {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * position)))
        }
    }
}

/// Reads the forms above, strictly.
struct BlobReader {
    private let bytes: [UInt8]
    private(set) var offset = 0

    /// Starts at the first byte.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// True when every byte was read.
    var isAtEnd: Bool { offset == bytes.count }

    /// Reads one byte.
    mutating func byte() throws(Malformed) -> UInt8 {
        guard offset < bytes.count else { throw Malformed("ends too early", offset: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    /// Reads a number; a longer form than needed is refused.
    mutating func number() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            let part = UInt64(next & 0x7F)
            guard shift < 63 || (shift == 63 && part <= 1) else {
                throw Malformed("number of more than 64 bits", offset: offset)
            }
            value |= part << shift
            if next < 0x80 {
                guard next != 0 || shift == 0 else {
                    throw Malformed("number longer than needed", offset: offset)
                }
                return value
            }
            shift += 7
        }
    }

    /// Reads eight bytes as a word, most significant first.
    mutating func word() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for _ in 0..<8 {
            value = value << 8 | UInt64(try byte())
        }
        return value
    }

    /// Reads a length and as many bytes.
    mutating func sizedBytes() throws(Malformed) -> [UInt8] {
        let count = try number()
        guard count <= UInt64(bytes.count - offset) else {
            throw Malformed("length beyond the end", offset: offset)
        }
        defer { offset += Int(count) }
        return Array(bytes[offset..<offset + Int(count)])
    }

    /// Reads an amount.
    mutating func amount() throws(Malformed) -> Amount {
        let count = Int(try byte())
        guard count <= min(32, bytes.count - offset) else {
            throw Malformed("amount beyond the end, or of more than 32 bytes", offset: offset)
        }
        let slice = bytes[offset..<offset + count]
        guard slice.first != 0, let amount = Amount(bigEndian: slice) else {
            throw Malformed("amount with a leading zero", offset: offset)
        }
        offset += count
        return amount
    }
}

extension Metadata {
    /// The pairs as bytes; none for an empty map.
    var blob: [UInt8] {
        var writer = BlobWriter()
        for pair in pairs {
            writer.append(bytes: pair.key.utf8)
            writer.append(bytes: pair.value.utf8)
        }
        return writer.bytes
    }

    /// Reads pairs that ``blob`` wrote.
    init(blob: [UInt8]) throws(Malformed) {
        var reader = BlobReader(blob)
        var pairs: [Pair] = []
        while !reader.isAtEnd {
            let start = reader.offset
            guard let key = Text(utf8: try reader.sizedBytes()),
                let value = Text(utf8: try reader.sizedBytes()),
                pairs.last.map({ $0.key < key }) ?? true
            else { throw Malformed("metadata that is no text or not in order", offset: start) }
            pairs.append(Pair(key: key, value: value))
        }
        guard let metadata = Metadata(unsorted: pairs) else {
            throw Malformed("metadata with a key twice", offset: reader.offset)
        }
        self = metadata
    }
}
