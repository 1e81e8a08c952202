// SPDX-License-Identifier: Apache-2.0
//
// The bytes of strings and numbers. Runs that need no escape are appended in one piece; decimal
// digits are written in place, without a String between. Imports TallyTypes; part of JSONWriter.

internal import TallyTypes

extension JSONWriter {
    /// Appends ASCII as it is.
    mutating func append(ascii text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// Appends a string in quotes, in one piece when no byte of it is special.
    mutating func append(quoted text: String) {
        let utf8 = text.utf8Span.span
        bytes.append(UInt8(ascii: "\""))
        if isVerbatim(utf8) {
            bytes.append(contentsOf: text.utf8)
        } else {
            append(special: utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends a text in quotes, in one piece when no byte of it is special.
    mutating func append(quoted text: Text) {
        bytes.append(UInt8(ascii: "\""))
        if isVerbatim(text.utf8.span) {
            bytes.append(contentsOf: text.utf8)
        } else {
            append(special: text.utf8.span)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// True when no byte is special in some style.
    private func isVerbatim(_ utf8: Span<UInt8>) -> Bool {
        for position in utf8.indices where !isVerbatim(utf8[position]) {
            return false
        }
        return true
    }

    /// Appends valid UTF-8 byte by byte, escaped as the style asks.
    private mutating func append(special utf8: Span<UInt8>) {
        for position in utf8.indices {
            let byte = utf8[position]
            if isVerbatim(byte) {
                bytes.append(byte)
            } else {
                appendSpecial(byte, at: position, of: utf8)
            }
        }
    }

    /// True for a byte that no style escapes; the last bytes of U+2028 and U+2029 are not.
    @inline(__always)
    private func isVerbatim(_ byte: UInt8) -> Bool {
        guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else {
            return false
        }
        return byte != UInt8(ascii: "<") && byte != UInt8(ascii: ">")
            && byte != UInt8(ascii: "&") && byte != 0xA8 && byte != 0xA9
    }

    /// Appends a byte that some style escapes.
    private mutating func appendSpecial(_ byte: UInt8, at position: Int, of utf8: Span<UInt8>) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x08: append(ascii: "\\b")
        case 0x09: append(ascii: "\\t")
        case 0x0A: append(ascii: "\\n")
        case 0x0C: append(ascii: "\\f")
        case 0x0D: append(ascii: "\\r")
        case 0..<0x20: appendEscape(byte)
        case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
            if style == .go {
                appendEscape(byte)
            } else {
                bytes.append(byte)
            }
        case 0xA8, 0xA9:
            appendThird(byte, at: position, of: utf8)
        default: bytes.append(byte)
        }
    }

    /// Appends the byte that may be the third of U+2028 or U+2029, then replaced as a whole.
    private mutating func appendThird(_ byte: UInt8, at position: Int, of utf8: Span<UInt8>) {
        guard style == .go, position >= 2, utf8[position - 2] == 0xE2, utf8[position - 1] == 0x80
        else {
            bytes.append(byte)
            return
        }
        bytes.removeLast(2)
        append(ascii: byte == 0xA8 ? "\\u2028" : "\\u2029")
    }

    /// Appends `\u00XX`.
    private mutating func appendEscape(_ byte: UInt8) {
        append(ascii: "\\u00")
        for digit in [byte >> 4, byte & 15] {
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    /// Appends a number in decimal.
    mutating func append(decimal value: UInt64) {
        appendDecimal(value, to: &bytes, width: 1)
    }

    /// Appends an amount in decimal.
    mutating func append(decimal value: Amount) {
        guard value.high == 0 else {
            append(ascii: value.description)
            return
        }
        let chunk: UInt128 = 10_000_000_000_000_000_000
        if value.low < chunk {
            append(decimal: UInt64(truncatingIfNeeded: value.low))
            return
        }
        let (upper, lower) = value.low.quotientAndRemainder(dividingBy: chunk)
        append(decimal: Amount(upper))
        appendDecimal(UInt64(truncatingIfNeeded: lower), to: &bytes, width: 19)
    }
}

/// Appends a number in decimal with leading zeros up to a width of at least 1.
func appendDecimal(_ value: UInt64, to bytes: inout [UInt8], width: Int) {
    let start = bytes.count
    var rest = value
    repeat {
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
    } while rest > 0 || bytes.count - start < width
    var left = start
    var right = bytes.count - 1
    while left < right {
        bytes.swapAt(left, right)
        left += 1
        right -= 1
    }
}
