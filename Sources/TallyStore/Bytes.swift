// SPDX-License-Identifier: Apache-2.0
//
// Little-endian numbers, blobs and checksums of this module's files. Imports TallyTypes and CTally.
// Every reader is strict: a missing byte, a byte too many and a wrong checksum are `Malformed`.

internal import CTally
internal import Glibc
internal import TallyTypes

/// The CRC32C of bytes, going on from `start`.
func crc32c(_ bytes: Span<UInt8>, after start: UInt32 = 0) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe tally_crc32c(start, buffer.baseAddress, buffer.count)
    }
}

/// Collects bytes; numbers are little-endian.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    mutating func append(blob: [UInt8]) {
        append(UInt32(blob.count))
        bytes.append(contentsOf: blob)
    }

    mutating func append(contentsOf more: [UInt8]) {
        bytes.append(contentsOf: more)
    }
}

/// Reads bytes from front to back; numbers are little-endian.
struct ByteReader {
    private let source: [UInt8]
    private(set) var offset = 0

    init(_ source: [UInt8]) {
        self.source = source
    }

    var remaining: Int { source.count - offset }

    mutating func bytes(_ count: Int, _ field: String) throws(Malformed) -> [UInt8] {
        guard count <= remaining else {
            throw Malformed("ends after \(source.count) bytes", field: field, offset: offset)
        }
        defer { offset += count }
        return Array(source[offset..<offset + count])
    }

    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type = Number.self,
        _ field: String
    ) throws(Malformed) -> Number {
        var value: Number = 0
        for byte in try bytes(Number.bitWidth / 8, field).reversed() {
            value = value << 8 | Number(byte)
        }
        return value
    }

    mutating func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ field: String
    ) throws(Malformed) -> Number {
        try number(Number.self, field)
    }

    mutating func blob(_ field: String) throws(Malformed) -> [UInt8] {
        try bytes(Int(try number(UInt32.self, field)), field)
    }

    /// Reads the CRC32C of everything before, which must be the last four bytes.
    mutating func end(checksumField field: String) throws(Malformed) {
        let expected = crc32c(source.span.extracting(0..<offset))
        let at = offset
        guard try number(UInt32.self, field) == expected else {
            throw Malformed("does not match", field: field, offset: at)
        }
        guard remaining == 0 else {
            throw Malformed("\(remaining) bytes too many", field: field, offset: offset)
        }
    }
}

extension Span where Element == UInt8 {
    /// The little-endian eight-byte number at an offset.
    func word(at offset: Int) -> UInt64 {
        var value: UInt64 = 0
        for position in (0..<8).reversed() {
            value = value << 8 | UInt64(self[offset + position])
        }
        return value
    }
}

/// The bytes of a small file of text: the text, its CRC32C in eight hexadecimal digits, a line end.
func checksummed(_ text: String) -> [UInt8] {
    let checksum = crc32c(Array(text.utf8).span)
    return Array((text + hexadecimal(bigEndianBytes(UInt64(checksum)).suffix(4)) + "\n").utf8)
}

extension Digest {
    /// Reads sixty-four hexadecimal digits; nil for anything else.
    package init?(hexadecimal digits: Substring.UTF8View) {
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            if let first = high {
                bytes.append(first << 4 | UInt8(value))
                high = nil
            } else {
                high = UInt8(value)
            }
        }
        self.init(bytes)
    }
}

/// True when the two hold the same bytes.
func isEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
    guard left.count == right.count else { return false }
    guard !left.isEmpty else { return true }
    return unsafe left.withUnsafeBytes { left in
        unsafe right.withUnsafeBytes { right in
            guard let one = left.baseAddress, let two = right.baseAddress else {
                return false
            }
            return unsafe memcmp(one, two, left.count) == 0
        }
    }
}

/// The offset of the first byte that is not zero, or nil.
func firstNonZero(_ bytes: Span<UInt8>) -> Int? {
    unsafe bytes.withUnsafeBytes { raw in
        var at = 0
        while at + 8 <= raw.count,
            unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self) == 0
        {
            at += 8
        }
        while at < raw.count {
            guard unsafe raw[at] == 0 else { return at }
            at += 1
        }
        return nil
    }
}
