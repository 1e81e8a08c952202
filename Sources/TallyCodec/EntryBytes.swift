// SPDX-License-Identifier: Apache-2.0
//
// Little-endian bytes of entries, batches and cache images, written and read strictly. May import
// TallyTypes. Used by EntryCodec, BatchBody and the kernel's cache image.

package import TallyTypes

/// Appends little-endian integers and blobs.
package struct LittleEndianWriter {
    /// What was written so far.
    package var bytes: [UInt8] = []

    /// Makes an empty writer.
    package init() {}

    /// Appends one byte.
    package mutating func byte(_ value: UInt8) {
        bytes.append(value)
    }

    /// Appends bytes as they are.
    package mutating func append(_ values: some Collection<UInt8>) {
        bytes.append(contentsOf: values)
    }

    /// Appends an integer, least significant byte first.
    package mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    /// Appends a tag, and, for a value, its length in four bytes and its bytes.
    package mutating func optionalBlob(_ value: [UInt8]?) {
        byte(value == nil ? 0 : 1)
        guard let value else { return }
        integer(UInt32(value.count))
        append(value)
    }

    /// Appends a length in one byte and the bytes.
    package mutating func shortBlob(_ value: [UInt8]) {
        byte(UInt8(value.count))
        append(value)
    }

    /// Appends a count and positions of four bytes each.
    package mutating func positions(_ values: [UInt32]) {
        integer(UInt32(values.count))
        for value in values { integer(value) }
    }

    /// Appends transfers of twenty bytes each.
    package mutating func transfers(_ values: [Transfer]) {
        bytes.reserveCapacity(bytes.count + values.count * 20)
        for transfer in values {
            integer(transfer.source)
            integer(transfer.destination)
            integer(transfer.amount)
        }
    }
}

/// Reads little-endian integers and blobs; every length is compared with what remains first.
package struct LittleEndianReader {
    private let bytes: [UInt8]
    /// The offset of the next byte.
    package private(set) var offset = 0

    /// Reads from the start of the bytes.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Bytes not yet read.
    package var remaining: Int { bytes.count - offset }

    /// An error at the current offset.
    package func malformed(_ reason: String, _ field: String) -> Malformed {
        Malformed(reason, field: field, offset: offset)
    }

    /// Reads one byte.
    package mutating func byte(_ field: String) throws(Malformed) -> UInt8 {
        guard offset < bytes.count else { throw malformed("truncated", field) }
        offset += 1
        return bytes[offset - 1]
    }

    /// Reads a run of bytes.
    package mutating func slice(
        _ count: Int,
        _ field: String
    ) throws(Malformed) -> ArraySlice<UInt8> {
        guard count <= remaining else { throw malformed("truncated", field) }
        offset += count
        return bytes[(offset - count)..<offset]
    }

    /// Reads an integer, least significant byte first.
    package mutating func integer<Value: FixedWidthInteger>(
        _ field: String,
        as type: Value.Type = Value.self
    ) throws(Malformed) -> Value {
        let size = MemoryLayout<Value>.size
        guard size <= remaining else { throw malformed("truncated", field) }
        let start = offset
        offset += size
        return unsafe bytes.withUnsafeBytes {
            Value(littleEndian: unsafe $0.loadUnaligned(fromByteOffset: start, as: Value.self))
        }
    }

    /// Reads a count in four bytes of items that take at least `size` bytes each.
    package mutating func count(_ field: String, of size: Int) throws(Malformed) -> Int {
        let count: UInt32 = try integer(field)
        guard Int(count) <= remaining / size else { throw malformed("truncated", field) }
        return Int(count)
    }

    /// Reads a position in a table of a given size.
    package mutating func position(
        _ field: String,
        below count: UInt32
    ) throws(Malformed) -> UInt32 {
        let position: UInt32 = try integer(field)
        guard position < count else { throw malformed("no such key", field) }
        return position
    }

    /// Reads strictly ascending positions in a table of a given size.
    package mutating func positions(
        _ field: String,
        below count: UInt32
    ) throws(Malformed) -> [UInt32] {
        var positions: [UInt32] = []
        for _ in 0..<(try self.count(field, of: 4)) {
            let position = try position(field, below: count)
            guard positions.last.map({ $0 < position }) ?? true else {
                throw malformed("not ascending", field)
            }
            positions.append(position)
        }
        return positions
    }

    /// Reads thirty-two bytes.
    package mutating func digest(_ field: String) throws(Malformed) -> Digest {
        guard let digest = Digest(try slice(32, field)) else {
            throw malformed("truncated", field)
        }
        return digest
    }

    /// Reads sixteen bytes.
    package mutating func book(_ field: String) throws(Malformed) -> BookID {
        guard let book = BookID(try slice(16, field)) else { throw malformed("truncated", field) }
        return book
    }

    /// Reads a tag, and, for a value, its length in four bytes and its bytes.
    package mutating func optionalBlob(_ field: String) throws(Malformed) -> [UInt8]? {
        switch try byte(field) {
        case 0: return nil
        case 1:
            let count = try count(field, of: 1)
            return Array(try slice(count, field))
        default: throw malformed("unknown tag", field)
        }
    }

    /// Reads the name of a book.
    package mutating func bookName(_ field: String) throws(Malformed) -> BookName {
        let count = Int(try byte(field))
        let text = String(validating: try slice(count, field), as: UTF8.self)
        guard let text, let name = BookName(text) else { throw malformed("no book name", field) }
        return name
    }

    /// Reads a text with a length of two bytes.
    package mutating func text(_ field: String) throws(Malformed) -> Text {
        let count: UInt16 = try integer(field)
        guard let text = Text(utf8: try slice(Int(count), field)) else {
            throw malformed("not UTF-8", field)
        }
        return text
    }

    /// Reads transfers of twenty bytes each.
    package mutating func transfers(
        _ count: Int,
        below keyCount: UInt32
    ) throws(Malformed) -> [Transfer] {
        var transfers: [Transfer] = []
        transfers.reserveCapacity(count)
        for _ in 0..<count {
            let source: UInt16 = try integer("transfers.source")
            let destination: UInt16 = try integer("transfers.destination")
            guard source < keyCount, destination < keyCount else {
                throw malformed("no such key", "transfers")
            }
            let amount: UInt128 = try integer("transfers.amount")
            transfers.append(Transfer(source: source, destination: destination, amount: amount))
        }
        return transfers
    }

    /// Refuses bytes after the end.
    package func expectEnd() throws(Malformed) {
        guard remaining == 0 else { throw malformed("\(remaining) bytes too many", "end") }
    }
}
