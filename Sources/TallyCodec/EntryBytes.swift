// SPDX-License-Identifier: Apache-2.0
//
// Little-endian bytes of entries, batches and cache images, written and read strictly. May import
// TallyTypes. Used by EntryCodec, BatchBody and the kernel's cache image.

package import TallyTypes

/// Fills a block of memory whose size was computed before; every write is checked against its end.
@safe
package struct RawWriter {
    @usableFromInline let base: UnsafeMutableRawBufferPointer
    @usableFromInline var written = 0
    /// Bytes written so far.
    @inlinable package var count: Int { written }

    /// Fills a block from its start.
    @inlinable
    package init(_ base: UnsafeMutableRawBufferPointer) {
        unsafe self.base = base
    }

    /// Writes one byte.
    @inlinable
    @inline(__always)
    package mutating func byte(_ value: UInt8) {
        let at = room(UInt8.bitWidth / 8)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: at, as: UInt8.self)
    }

    /// Writes two bytes, the least significant first.
    @inlinable
    @inline(__always)
    package mutating func integer(_ value: UInt16) {
        let at = room(UInt16.bitWidth / 8)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: at, as: UInt16.self)
    }

    /// Writes four bytes, the least significant first.
    @inlinable
    @inline(__always)
    package mutating func integer(_ value: UInt32) {
        let at = room(UInt32.bitWidth / 8)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: at, as: UInt32.self)
    }

    /// Writes eight bytes, the least significant first.
    @inlinable
    @inline(__always)
    package mutating func integer(_ value: UInt64) {
        let at = room(UInt64.bitWidth / 8)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: at, as: UInt64.self)
    }

    /// Writes sixteen bytes, the least significant first.
    @inlinable
    @inline(__always)
    package mutating func integer(_ value: UInt128) {
        let at = room(UInt128.bitWidth / 8)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: at, as: UInt128.self)
    }

    /// Writes bytes.
    @inlinable
    package mutating func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    /// Writes bytes.
    @inlinable
    @inline(__always)
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        let at = room(bytes.count)
        guard let source = bytes.baseAddress, let target = unsafe base.baseAddress else { return }
        unsafe (target + at).copyMemory(from: source, byteCount: bytes.count)
    }

    /// Takes room for some bytes and says where it begins.
    @inlinable
    @inline(__always)
    mutating func room(_ size: Int) -> Int {
        let end = unsafe base.count
        invariant(.i53, written + size <= end, "\(size) bytes at \(written) of \(end)")
        defer { written += size }
        return written
    }
}

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
        let size = values.count * 20
        bytes += unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, written in
            var out = unsafe RawWriter(UnsafeMutableRawBufferPointer(buffer))
            for transfer in values {
                out.integer(transfer.source)
                out.integer(transfer.destination)
                out.integer(transfer.amount)
            }
            written = out.count
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
        let size = 20 * count
        guard size <= remaining else { throw malformed("truncated", "transfers") }
        let start = offset
        var transfers: [Transfer] = []
        transfers.reserveCapacity(count)
        unsafe bytes.withUnsafeBytes { bytes in
            for at in stride(from: start, to: start + size, by: 20) {
                let source = unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self)
                let destination = unsafe bytes.loadUnaligned(
                    fromByteOffset: at + 2,
                    as: UInt16.self
                )
                let amount = unsafe bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt128.self)
                transfers.append(
                    Transfer(
                        source: UInt16(littleEndian: source),
                        destination: UInt16(littleEndian: destination),
                        amount: UInt128(littleEndian: amount)
                    )
                )
            }
        }
        if let bad = transfers.firstIndex(where: {
            $0.source >= keyCount || $0.destination >= keyCount
        }) {
            throw Malformed("no such key", field: "transfers", offset: start + 20 * bad)
        }
        offset += size
        return transfers
    }

    /// Refuses bytes after the end.
    package func expectEnd() throws(Malformed) {
        guard remaining == 0 else { throw malformed("\(remaining) bytes too many", "end") }
    }
}
