// SPDX-License-Identifier: Apache-2.0
//
// The first 64 bytes of a segment, little-endian, docs/formats/log.md:
//
//     offset size
//          0    8  "tallylog"
//          8    1  format      1
//          9    3  zero
//         12    4  checksum    CRC32C of the other 60 bytes
//         16    8  sequence    number of the segment, from 1, without gaps
//         24    8  first       index of its first frame; every earlier entry was durable
//         32    8  salt        the same in every segment of a log
//         40    4  chain       chain of the last frame before
//         44    4  zero
//         48    8  size        bytes of the whole file
//         56    8  zero
//
// It is written into a spare file, synced, and only then does the file get its name as a segment: a
// segment with a bad header is corruption, never a torn tail. Names in the log's folder:
// `N.segment` (N = sequence, twenty digits), `N.spare` (zeros, but for a header that never came
// into use) and `N.filling` (being zeroed); the numbers of the last two mean nothing. Imports
// TallyTypes.

internal import TallyTypes

/// The header of one segment.
struct SegmentHeader: Hashable {
    /// Bytes of a header.
    static let byteCount = 64
    /// The format that this program writes.
    static let format: UInt8 = 1
    private static let magic = Array("tallylog".utf8)

    let sequence: UInt64
    let first: LogIndex
    let salt: UInt64
    let chain: UInt32
    let size: UInt64

    init(sequence: UInt64, first: LogIndex, salt: UInt64, chain: UInt32, size: UInt64) {
        self.sequence = sequence
        self.first = first
        self.salt = salt
        self.chain = chain
        self.size = size
    }

    /// Reads a header; `path` is for the fault.
    init(_ bytes: [UInt8], path: String) throws(LogFault) {
        guard bytes.count == Self.byteCount, Array(bytes[0..<8]) == Self.magic else {
            throw LogFault(.corrupt, subject: path, reason: "does not begin as a segment does")
        }
        guard bytes[8] == Self.format else {
            throw LogFault(.unknownFormat, subject: path, reason: "segment format \(bytes[8])")
        }
        let span = bytes.span
        sequence = span.number(at: 16)
        first = LogIndex(span.number(at: 24))
        salt = span.number(at: 32)
        chain = span.number(at: 40)
        size = span.number(at: 48)
        guard self.bytes == bytes else {
            let reason = "the checksum of the segment's header does not match"
            throw LogFault(.corrupt, subject: "\(path), offset 0", reason: reason)
        }
    }

    /// The header's bytes.
    var bytes: [UInt8] {
        var head = LittleEndianBytes()
        for byte in Self.magic {
            head.append(byte)
        }
        head.append(UInt32(Self.format))
        var tail = LittleEndianBytes()
        tail.append(sequence)
        tail.append(first.rawValue)
        tail.append(salt)
        tail.append(chain)
        tail.append(UInt32(0))
        tail.append(size)
        tail.append(UInt64(0))
        var checksum = LittleEndianBytes()
        checksum.append(crc32c(tail.bytes.span, after: crc32c(head.bytes.span)))
        return head.bytes + checksum.bytes + tail.bytes
    }
}

/// What a file in the log's folder is, by its name.
enum SegmentName: Hashable {
    case segment(UInt64)
    case spare(UInt64)
    case filling(UInt64)

    init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0]) else { return nil }
        switch parts[1] {
        case "segment": self = .segment(number)
        case "spare": self = .spare(number)
        case "filling": self = .filling(number)
        default: return nil
        }
        guard text == name else { return nil }
    }

    /// The file's name.
    var text: String {
        switch self {
        case .segment(let number): Self.padded(number) + ".segment"
        case .spare(let number): Self.padded(number) + ".spare"
        case .filling(let number): Self.padded(number) + ".filling"
        }
    }

    private static func padded(_ number: UInt64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }
}
