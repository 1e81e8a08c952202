// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one frame of the embedded log, little-endian, docs/formats/log.md:
//
//     offset size
//          0    4  length      bytes of the entry, 1 to 1,048,576
//          4    4  checksum    CRC32C of: salt (8), the other 28 bytes of this header, the entry's
//                              CRC32C (4)
//          8    1  format      1
//          9    3  zero
//         12    4  chain       CRC32C of: the chain before, the entry's CRC32C, index, synced,
//                              length
//         16    8  index       position of the entry in the log
//         24    8  synced      highest index known durable when the frame was written
//         32    n  entry
//       32+n  0–7  zero, up to a multiple of 8
//
// An example, entry "abc" at index 1 after chain 0, salt 0, is in the document and in the tests.
// The salt (chosen per log, in each segment's header) keeps a client from planting bytes that pass
// for a frame. Imports TallyTypes and CTally; used by the log, its recovery and its verifier.

internal import CTally
internal import TallyTypes

/// The CRC32C of bytes, going on from `start`.
func crc32c(_ bytes: Span<UInt8>, after start: UInt32 = 0) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
        unsafe tally_crc32c(start, buffer.baseAddress, buffer.count)
    }
}

/// Collects little-endian numbers.
struct LittleEndianBytes {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}

extension Span where Element == UInt8 {
    /// The little-endian number at an offset.
    func number<Number: FixedWidthInteger & UnsignedInteger>(
        at offset: Int,
        as type: Number.Type = Number.self
    ) -> Number {
        var value: Number = 0
        for position in (0..<Number.bitWidth / 8).reversed() {
            value = value << 8 | Number(truncatingIfNeeded: self[offset + position])
        }
        return value
    }
}

/// The header of one frame.
struct FrameHeader: Hashable {
    /// Bytes of a header.
    static let byteCount = 32
    /// The format that this program writes.
    static let format: UInt8 = 1

    let length: UInt32
    let checksum: UInt32
    let chain: UInt32
    let index: LogIndex
    let synced: LogIndex

    /// The bytes that a frame with an entry of this length takes.
    static func frameBytes(entry length: Int) -> Int { byteCount + (length + 7) / 8 * 8 }

    /// Makes the header of an entry.
    init(
        of entry: Span<UInt8>,
        at index: LogIndex,
        synced: LogIndex,
        after chain: UInt32,
        salt: UInt64
    ) {
        let entryChecksum = crc32c(entry)
        self.length = UInt32(entry.count)
        self.index = index
        self.synced = synced
        self.chain = Self.chain(chain, entryChecksum, index, synced, length)
        self.checksum = Self.checksum(
            Self.bytes(length, 0, self.chain, index, synced),
            entryChecksum,
            salt
        )
    }

    /// Reads a header as it stands; nil when no frame can begin so.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= Self.byteCount else { return nil }
        length = bytes.number(at: 0)
        guard length > 0, length <= UInt32(Limits.entryBytesMax), bytes[8] == Self.format,
            bytes[9] | bytes[10] | bytes[11] == 0
        else { return nil }
        checksum = bytes.number(at: 4)
        chain = bytes.number(at: 12)
        index = LogIndex(bytes.number(at: 16))
        synced = LogIndex(bytes.number(at: 24))
        guard synced < index else { return nil }
    }

    /// The header's bytes.
    var bytes: [UInt8] { Self.bytes(length, checksum, chain, index, synced) }

    /// True when this header belongs to this entry.
    func isWhole(over entry: Span<UInt8>, salt: UInt64) -> Bool {
        let header = Self.bytes(length, 0, chain, index, synced)
        return checksum == Self.checksum(header, crc32c(entry), salt)
    }

    /// True when the frame follows one with this chain.
    func follows(_ before: UInt32, entry: Span<UInt8>) -> Bool {
        chain == Self.chain(before, crc32c(entry), index, synced, length)
    }

    private static func bytes(
        _ length: UInt32,
        _ checksum: UInt32,
        _ chain: UInt32,
        _ index: LogIndex,
        _ synced: LogIndex
    ) -> [UInt8] {
        var out = LittleEndianBytes()
        out.append(length)
        out.append(checksum)
        out.append(UInt32(format))
        out.append(chain)
        out.append(index.rawValue)
        out.append(synced.rawValue)
        return out.bytes
    }

    private static func chain(
        _ before: UInt32,
        _ entryChecksum: UInt32,
        _ index: LogIndex,
        _ synced: LogIndex,
        _ length: UInt32
    ) -> UInt32 {
        var out = LittleEndianBytes()
        out.append(before)
        out.append(entryChecksum)
        out.append(index.rawValue)
        out.append(synced.rawValue)
        out.append(length)
        return crc32c(out.bytes.span)
    }

    private static func checksum(
        _ header: [UInt8],
        _ entryChecksum: UInt32,
        _ salt: UInt64
    ) -> UInt32 {
        var before = LittleEndianBytes()
        before.append(salt)
        var after = LittleEndianBytes()
        after.append(entryChecksum)
        let rest = header.span.extracting(8..<byteCount)
        let start = crc32c(header.span.extracting(0..<4), after: crc32c(before.bytes.span))
        return crc32c(after.bytes.span, after: crc32c(rest, after: start))
    }
}
