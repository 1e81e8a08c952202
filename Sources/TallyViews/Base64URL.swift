// SPDX-License-Identifier: Apache-2.0
//
// Base64 in the alphabet for addresses, without padding, strict on reading (RFC 4648 §5). Imports
// own types only; cursors are written in it.

import TallyTypes

/// Base64url without padding.
enum Base64URL {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    /// Writes three bytes as four letters; one or two left over as two or three.
    static func encode(_ bytes: [UInt8]) -> String {
        var letters: [UInt8] = []
        letters.reserveCapacity(bytes.count * 4 / 3 + 2)
        var bits: UInt32 = 0
        var held: UInt32 = 0
        for byte in bytes {
            bits = (bits << 8 | UInt32(byte)) & 0x3FFF
            held += 8
            while held >= 6 {
                held -= 6
                letters.append(alphabet[Int(bits >> held & 63)])
            }
        }
        if held > 0 { letters.append(alphabet[Int(bits << (6 - held) & 63)]) }
        return String(decoding: letters, as: UTF8.self)
    }

    /// Reads what ``encode(_:)`` wrote; any other letter, or bits left over, are refused.
    static func decode(_ text: String) throws(Malformed) -> [UInt8] {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var held: UInt32 = 0
        for (offset, letter) in text.utf8.enumerated() {
            guard let value = value(of: letter) else {
                throw Malformed("a letter outside base64url", offset: offset)
            }
            bits = (bits << 6 | value) & 0x3FFF
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> held))
            }
        }
        guard held < 6, bits & (1 << held - 1) == 0 else {
            throw Malformed("base64url that ends within a byte", offset: text.utf8.count)
        }
        return bytes
    }

    private static func value(of letter: UInt8) -> UInt32? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
