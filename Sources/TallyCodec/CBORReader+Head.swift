// SPDX-License-Identifier: Apache-2.0
//
// The first byte of an item and its argument, and what follows from them. Imports the data types
// only; called by the reader's typed methods and by the generic decoder.

extension CBORReader {
    /// True when an item of this major type comes next.
    func isNext(_ major: UInt8) -> Bool {
        position < bytes.endIndex && bytes[position] & 0xE0 == major
    }

    /// Reads a first byte of this major type, which is not `simple`, and its argument.
    mutating func readHead(_ major: UInt8, _ field: String) throws(CBORError) -> UInt64 {
        guard position < bytes.endIndex else { throw error(.truncated, field) }
        let first = bytes[position]
        let detail = first &- major
        if detail < 24 {
            position += 1
            return UInt64(detail)
        }
        if detail < 28 { return try readArgument(detail, field) }
        // Another type, or a form that T1 does not have: the general rule gives the reason.
        let start = offset
        _ = try readHead(field)
        throw error(.wrongType, field, at: start)
    }

    /// Reads a first byte and its argument, and refuses what profile T1 does not have.
    mutating func readHead(_ field: String) throws(CBORError) -> CBORHead {
        guard position < bytes.endIndex else { throw error(.truncated, field) }
        let first = bytes[position]
        let major = first & 0xE0
        let detail = first & 0x1F
        if let refusal = refusal(major: major, detail: detail) { throw error(refusal, field) }
        guard detail >= 24 else {
            position += 1
            return CBORHead(major: major, argument: UInt64(detail))
        }
        return CBORHead(major: major, argument: try readArgument(detail, field))
    }

    /// Reads the 1, 2, 4 or 8 bytes that a detail of 24 to 27 announces, past the first byte.
    private mutating func readArgument(
        _ detail: UInt8,
        _ field: String
    ) throws(CBORError) -> UInt64 {
        let start = position
        let argument: UInt64
        switch detail {
        case 24 where remaining > 1: argument = UInt64(bytes[start + 1])
        case 25 where remaining > 2:
            argument = UInt64(bytes[start + 1]) << 8 | UInt64(bytes[start + 2])
        case 26 where remaining > 4: argument = bigEndianWord(at: offset + 1, as: UInt32.self)
        case 27 where remaining > 8: argument = bigEndianWord(at: offset + 1, as: UInt64.self)
        default: throw error(.truncated, field)
        }
        guard argument >= smallest(detail) else { throw error(.nonShortest, field) }
        position = start + 1 + (1 << Int(detail - 24))
        return argument
    }

    /// Takes as many bytes as a length says.
    mutating func take(_ length: UInt64, _ field: String) throws(CBORError) -> ArraySlice<UInt8> {
        guard length <= UInt64(remaining) else { throw error(.truncated, field) }
        let content = bytes[position..<(position + Int(length))]
        position += Int(length)
        return content
    }

    /// Refuses a count of items that the remaining bytes cannot hold.
    func count(
        _ argument: UInt64,
        itemsEach: Int,
        _ field: String
    ) throws(CBORError) -> Int {
        guard argument <= UInt64(remaining / itemsEach) else { throw error(.truncated, field) }
        return Int(argument)
    }

    /// Takes the next eight bytes, which are known to be there, most significant first.
    mutating func takeWord() -> UInt64 {
        let start = offset
        position += 8
        return bigEndianWord(at: start, as: UInt64.self)
    }

    /// The word at an offset, most significant byte first.
    private func bigEndianWord<Word: FixedWidthInteger & BitwiseCopyable>(
        at start: Int,
        as type: Word.Type
    ) -> UInt64 {
        // The load checks its bounds; any bytes are a word.
        UInt64(
            Word(
                bigEndian: unsafe bytes.span.bytes.unsafeLoadUnaligned(
                    fromByteOffset: start,
                    as: type
                )
            )
        )
    }

    /// Reads a byte string of as many bytes as `length`, but leaves its content.
    mutating func readStart(ofBytes length: UInt64, _ field: String) throws(CBORError) {
        let start = offset
        let found = try readHead(CBORMajor.bytes, field)
        guard found <= UInt64(remaining) else { throw error(.truncated, field) }
        guard found == length else { throw error(.wrongLength, field, at: start) }
    }

    /// What is wrong with a first byte on its own; nil when nothing is.
    private func refusal(major: UInt8, detail: UInt8) -> CBORRefusal? {
        switch (major, detail) {
        case (CBORMajor.simple, 20...22): nil
        case (CBORMajor.simple, 25...27): .float
        case (CBORMajor.simple, 31): .unexpectedBreak
        case (_, 28...30): .reservedBits
        case (CBORMajor.simple, _): .simpleValue
        case (CBORMajor.bytes...CBORMajor.map, 31): .indefiniteLength
        case (_, 31): .reservedBits
        case (_, _): nil
        }
    }

    /// The smallest argument that needs as many bytes as this detail announces.
    private func smallest(_ detail: UInt8) -> UInt64 {
        switch detail {
        case 24: 24
        case 25: 1 << 8
        case 26: 1 << 16
        default: 1 << 32
        }
    }
}
