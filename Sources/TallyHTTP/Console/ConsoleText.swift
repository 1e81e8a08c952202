// SPDX-License-Identifier: Apache-2.0
//
// Values as people read them: amounts with their decimal point, postings in a line, JSON on several
// lines. Exact: digits are moved, never computed with floating point. May import TallyTypes; the
// pages use it.

package import TallyTypes

/// Text for people.
package enum ConsoleText {
    /// The most decimal places that are shown as such; above, the number is shown as it is.
    private static let placesMax = 30

    /// An amount with the point where its asset has it: 1234 of `USD/2` is `12.34`.
    package static func amount(_ balance: Balance, _ asset: Asset) -> String {
        let parts = asset.text.split(separator: "/")
        guard parts.count == 2, let places = Int(parts[1]), places > 0, places <= placesMax else {
            return balance.description
        }
        var digits = balance.magnitude.description
        if digits.count <= places {
            digits = String(repeating: "0", count: places + 1 - digits.count) + digits
        }
        let point = digits.index(digits.endIndex, offsetBy: -places)
        return (balance.isNegative ? "-" : "") + digits[..<point] + "." + digits[point...]
    }

    /// Postings in a line; of many, the first three.
    static func postings(_ postings: [Posting]) -> String {
        var parts = postings.prefix(3).map { posting in
            let balance = Balance(isNegative: false, magnitude: posting.amount)
            let amount = amount(balance, posting.asset)
            return "\(posting.source) → \(posting.destination) \(amount) \(posting.asset)"
        }
        if postings.count > 3 { parts.append("and \(postings.count - 3) more") }
        return parts.joined(separator: "; ")
    }

    /// What became of an order, in words.
    static func outcome(_ outcome: Outcome) -> String {
        switch outcome {
        case .committed: "committed"
        case .refused(let refusal): "refused (\(refusal.number))"
        }
    }

    /// Compact JSON, as the writer gives it, with line breaks and two spaces per level.
    package static func indented(_ json: [UInt8]) -> String {
        var text: [UInt8] = []
        var depth = 0
        var isString = false
        var isEscaped = false
        func breakLine() -> [UInt8] { [0x0A] + [UInt8](repeating: 0x20, count: 2 * depth) }
        for (position, byte) in json.enumerated() {
            if isString {
                text.append(byte)
                if byte == UInt8(ascii: "\""), !isEscaped { isString = false }
                isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                isString = true
                text.append(byte)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                text.append(byte)
                depth += 1
                if !isClosing(json, position + 1) { text += breakLine() }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if !isOpening(json, position - 1) { text += breakLine() }
                text.append(byte)
            case UInt8(ascii: ","): text += [byte] + breakLine()
            case UInt8(ascii: ":"): text += [byte, 0x20]
            default: text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func isClosing(_ json: [UInt8], _ position: Int) -> Bool {
        position < json.count
            && (json[position] == UInt8(ascii: "}") || json[position] == UInt8(ascii: "]"))
    }

    private static func isOpening(_ json: [UInt8], _ position: Int) -> Bool {
        position >= 0
            && (json[position] == UInt8(ascii: "{") || json[position] == UInt8(ascii: "["))
    }
}
