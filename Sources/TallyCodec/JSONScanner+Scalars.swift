// SPDX-License-Identifier: Apache-2.0
//
// Strings and numbers of the JSON grammar. Strings of plain ASCII are copied in one piece; the
// first escape or other byte changes to a loop that checks UTF-8 and resolves escapes. Imports
// TallyTypes; part of JSONScanner.

internal import TallyTypes

extension JSONScanner {
    /// Reads the string whose opening quote is here.
    mutating func string(_ bytes: [UInt8]) throws(Malformed) -> Text {
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let plain = Array(bytes[start..<position])
                position += 1
                return text(plain)
            }
            guard byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\\") else { break }
            position += 1
        }
        return text(try rest(of: Array(bytes[start..<position]), bytes))
    }

    /// Reads on from the first byte that is not plain, to the closing quote.
    private mutating func rest(
        of beginning: [UInt8],
        _ bytes: [UInt8]
    ) throws(Malformed) -> [UInt8] {
        var decoded = beginning
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return decoded
            case UInt8(ascii: "\\"):
                try escape(bytes, into: &decoded)
            case 0..<0x20:
                throw malformed("control character in a string")
            case 0x20..<0x80:
                decoded.append(byte)
                position += 1
            default:
                let length = sequenceLength(bytes)
                guard length > 0 else { throw malformed("invalid UTF-8") }
                for _ in 0..<length {
                    decoded.append(bytes[position])
                    position += 1
                }
            }
        }
        throw malformed("the text ends inside a string")
    }

    /// Returns how many bytes the UTF-8 sequence here has; 0 when it is not valid.
    ///
    /// - Source: The Unicode Standard, table 3-7.
    private func sequenceLength(_ bytes: [UInt8]) -> Int {
        let second: ClosedRange<UInt8>
        let length: Int
        switch bytes[position] {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)
        case 0xED: (second, length) = (0x80...0x9F, 3)
        case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)
        default: return 0
        }
        guard position + length <= bytes.count, second.contains(bytes[position + 1]) else {
            return 0
        }
        for place in 2..<max(length, 2) where bytes[position + place] & 0xC0 != 0x80 {
            return 0
        }
        return length
    }

    /// Resolves the escape whose backslash is here.
    private mutating func escape(
        _ bytes: [UInt8],
        into decoded: inout [UInt8]
    ) throws(Malformed) {
        guard position + 1 < bytes.count else {
            throw Malformed("the text ends inside a string", offset: bytes.count)
        }
        let named: UInt8
        switch bytes[position + 1] {
        case UInt8(ascii: "\""): named = UInt8(ascii: "\"")
        case UInt8(ascii: "\\"): named = UInt8(ascii: "\\")
        case UInt8(ascii: "/"): named = UInt8(ascii: "/")
        case UInt8(ascii: "b"): named = 0x08
        case UInt8(ascii: "f"): named = 0x0C
        case UInt8(ascii: "n"): named = 0x0A
        case UInt8(ascii: "r"): named = 0x0D
        case UInt8(ascii: "t"): named = 0x09
        case UInt8(ascii: "u"):
            try numericEscape(bytes, into: &decoded)
            return
        default: throw malformed("unknown escape")
        }
        decoded.append(named)
        position += 2
    }

    /// Resolves `\uXXXX`, or two of them that are a surrogate pair.
    private mutating func numericEscape(
        _ bytes: [UInt8],
        into decoded: inout [UInt8]
    ) throws(Malformed) {
        var scalar = try codeUnit(bytes, at: position)
        var length = 6
        if scalar >= 0xD800, scalar < 0xDC00, hasEscape(bytes, at: position + 6) {
            let low = try codeUnit(bytes, at: position + 6)
            if low >= 0xDC00, low < 0xE000 {
                scalar = 0x1_0000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                length = 12
            }
        }
        guard scalar < 0xD800 || scalar > 0xDFFF else { throw malformed("lone surrogate") }
        appendUTF8(scalar, to: &decoded)
        position += length
    }

    private func hasEscape(_ bytes: [UInt8], at place: Int) -> Bool {
        place + 1 < bytes.count && bytes[place] == UInt8(ascii: "\\")
            && bytes[place + 1] == UInt8(ascii: "u")
    }

    /// Reads the four hexadecimal digits after the `\u` at a place.
    private func codeUnit(_ bytes: [UInt8], at place: Int) throws(Malformed) -> UInt32 {
        var unit: UInt32 = 0
        for digit in (place + 2)..<(place + 6) {
            guard digit < bytes.count else {
                throw Malformed("the text ends inside a string", offset: bytes.count)
            }
            let byte = bytes[digit]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt32(byte - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt32(byte - 0x57)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt32(byte - 0x37)
            default: throw Malformed("expected a hexadecimal digit", offset: digit)
            }
        }
        return unit
    }

    private func appendUTF8(_ scalar: UInt32, to bytes: inout [UInt8]) {
        if scalar < 0x80 {
            bytes.append(UInt8(scalar))
        } else if scalar < 0x800 {
            bytes.append(0xC0 | UInt8(scalar >> 6))
            bytes.append(0x80 | UInt8(scalar & 0x3F))
        } else if scalar < 0x1_0000 {
            bytes.append(0xE0 | UInt8(scalar >> 12))
            bytes.append(0x80 | UInt8(scalar >> 6 & 0x3F))
            bytes.append(0x80 | UInt8(scalar & 0x3F))
        } else {
            bytes.append(0xF0 | UInt8(scalar >> 18))
            bytes.append(0x80 | UInt8(scalar >> 12 & 0x3F))
            bytes.append(0x80 | UInt8(scalar >> 6 & 0x3F))
            bytes.append(0x80 | UInt8(scalar & 0x3F))
        }
    }

    /// Makes the text of bytes that were checked while they were read.
    private func text(_ checked: [UInt8]) -> Text {
        Text(String(decoding: checked, as: UTF8.self))
    }
}

extension JSONScanner {
    /// Reads the number that begins here.
    mutating func number(_ bytes: [UInt8]) throws(Malformed) -> JSONNumber {
        let start = position
        let isNegative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
        if isNegative {
            position += 1
        }
        let integer = try integerPart(bytes)
        let digits = position - start - (isNegative ? 1 : 0)
        let hasFraction = try fractionPart(bytes)
        let hasExponent = try exponentPart(bytes)
        if hasFraction || hasExponent || digits > JSONNumber.wordDigitsMax
            || (isNegative && integer == 0)
        {
            return JSONNumber(lexeme: Array(bytes[start..<position]))
        }
        return JSONNumber(word: isNegative ? -integer : integer)
    }

    /// Reads one zero, or digits that begin with another; their value when it fits eighteen digits.
    private mutating func integerPart(_ bytes: [UInt8]) throws(Malformed) -> Int64 {
        guard let first = digit(bytes) else { throw malformed("expected a digit") }
        position += 1
        if first == 0 {
            guard digit(bytes) == nil else { throw malformed("digit after a leading zero") }
            return 0
        }
        var value = Int64(first)
        var count = 1
        while let next = digit(bytes) {
            position += 1
            count += 1
            if count <= JSONNumber.wordDigitsMax {
                value = value * 10 + Int64(next)
            }
        }
        return value
    }

    private mutating func fractionPart(_ bytes: [UInt8]) throws(Malformed) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: ".") else { return false }
        position += 1
        try oneOrMoreDigits(bytes)
        return true
    }

    private mutating func exponentPart(_ bytes: [UInt8]) throws(Malformed) -> Bool {
        guard position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") else {
            return false
        }
        position += 1
        if position < bytes.count,
            bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
        {
            position += 1
        }
        try oneOrMoreDigits(bytes)
        return true
    }

    private mutating func oneOrMoreDigits(_ bytes: [UInt8]) throws(Malformed) {
        guard digit(bytes) != nil else { throw malformed("expected a digit") }
        while digit(bytes) != nil {
            position += 1
        }
    }

    /// Returns the value of the digit here; nil for another byte and at the end.
    private func digit(_ bytes: [UInt8]) -> UInt8? {
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? byte - 0x30 : nil
    }
}
