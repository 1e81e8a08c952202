// SPDX-License-Identifier: Apache-2.0
//
// Hexadecimal text, and CBOR items in the diagnostic notation of RFC 8949 §8, for golden files and
// tables of tests. Called by the tests of this module only.

import TallyCodec
import TallyTypes

/// Bytes from hexadecimal digits; white space is skipped, anything else stops the test.
func bytes(hex: String) -> [UInt8] {
    var result: [UInt8] = []
    var high: UInt8?
    for character in hex where !character.isWhitespace {
        guard let digit = character.hexDigitValue.map(UInt8.init) else {
            fatalError("\(character) is no hexadecimal digit")
        }
        if let first = high {
            result.append(first << 4 | digit)
            high = nil
        } else {
            high = digit
        }
    }
    guard high == nil else { fatalError("an odd number of digits in \(hex)") }
    return result
}

extension CBORItem {
    /// The item in diagnostic notation.
    var diagnostic: String {
        switch self {
        case .unsigned(let value): "\(value)"
        case .negative(let value): "-\(UInt128(value) + 1)"
        case .bignum(false, let content): need(Amount(bigEndian: content)).description
        case .bignum(true, let content): negative(content)
        case .bytes(let content): "h'\(hexadecimal(content))'"
        case .text(let text): quoted(text)
        case .bool(let value): "\(value)"
        case .null: "null"
        case .array(let items): "[" + items.map(\.diagnostic).joined(separator: ", ") + "]"
        case .map(let pairs):
            "{"
                + pairs.map { "\($0.key.diagnostic): \($0.value.diagnostic)" }
                .joined(separator: ", ") + "}"
        }
    }

    /// −1 − n in decimal, where n may be 2²⁵⁶ − 1.
    private func negative(_ content: [UInt8]) -> String {
        let amount = need(Amount(bigEndian: content))
        let (sum, overflow) = amount.addingReportingOverflow(Amount(1))
        guard overflow else { return "-" + sum.description }
        let tenth = need(Amount(decimal: amount.description.utf8.dropLast()))
        return "-" + tenth.description + "6"
    }

    private func quoted(_ text: Text) -> String {
        var result = "\""
        for unit in text.string.utf16 {
            switch unit {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x20...0x7E: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result + "\""
    }
}
