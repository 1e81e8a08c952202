// SPDX-License-Identifier: Apache-2.0
//
// Byte classes, the check for UTF-8, and a hash that is the same on every machine. Standard library
// only; called by the cursor, the parsers and the mappings.

/// Names and classes of ASCII bytes.
enum Byte {
    static let newline = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let tab = UInt8(ascii: "\t")
    static let space = UInt8(ascii: " ")
    static let semicolon = UInt8(ascii: ";")
    static let quote = UInt8(ascii: "\"")
    static let colon = UInt8(ascii: ":")
    static let equals = UInt8(ascii: "=")
    static let at = UInt8(ascii: "@")
    static let minus = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")
    static let star = UInt8(ascii: "*")
    static let slash = UInt8(ascii: "/")
    static let comma = UInt8(ascii: ",")
    static let point = UInt8(ascii: ".")
    static let bang = UInt8(ascii: "!")
    static let openParen = UInt8(ascii: "(")
    static let closeParen = UInt8(ascii: ")")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")

    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    static func isUpper(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5A }
    static func isLower(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A }
    static func isLetter(_ byte: UInt8) -> Bool { isUpper(byte) || isLower(byte) }
    static func isWord(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }
    static func isBeyondASCII(_ byte: UInt8) -> Bool { byte >= 0x80 }
}

/// Finds bytes that are not UTF-8 text.
enum UTF8Check {
    /// Returns the offset of the first byte that breaks UTF-8 or is NUL, nil when all is well.
    static func firstBadByte(in bytes: [UInt8]) -> Int? {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x80 {
                if byte == 0 { return index }
                index += 1
                continue
            }
            guard let length = sequenceLength(bytes, at: index) else { return index }
            index += length
        }
        return nil
    }

    private static func sequenceLength(_ bytes: [UInt8], at index: Int) -> Int? {
        let lead = bytes[index]
        let length: Int
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF: length = 3
        case 0xF0...0xF4: length = 4
        default: return nil
        }
        guard index + length <= bytes.count else { return nil }
        for offset in 1..<length where bytes[index + offset] & 0xC0 != 0x80 { return nil }
        let second = bytes[index + 1]
        switch lead {
        case 0xE0: return second >= 0xA0 ? length : nil
        case 0xED: return second <= 0x9F ? length : nil
        case 0xF0: return second >= 0x90 ? length : nil
        case 0xF4: return second <= 0x8F ? length : nil
        default: return length
        }
    }
}

/// A hash that never changes: the same bytes give the same number in every process and release.
enum StableHash {
    /// Returns the FNV-1a hash of the bytes.
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }

    /// Returns the last `length` digits of the hash in base 36, upper case.
    static func suffix(of text: String, length: Int) -> String {
        var rest = of(text.utf8)
        var digits: [UInt8] = []
        for _ in 0..<length {
            let digit = UInt8(rest % 36)
            digits.append(digit < 10 ? 0x30 + digit : 0x41 + digit - 10)
            rest /= 36
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
