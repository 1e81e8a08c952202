// SPDX-License-Identifier: Apache-2.0
//
// A JSON number as its lexeme: every digit is kept, nothing passes through floating point.
// Integers of up to eighteen digits are held in a word, from which their one canonical lexeme
// follows. Imports TallyTypes; made by JSONScanner, read by everyone who takes amounts from JSON.

package import TallyTypes

/// What a JSON number is as an integer.
package enum JSONInteger: Hashable, Sendable {
    /// An integer of at most 256 bits and a sign.
    case value(Balance)
    /// It has a fraction.
    case fraction
    /// It has an exponent, or one beyond what is ever evaluated.
    case exponent
    /// Its magnitude is 2²⁵⁶ or more.
    case tooLarge
}

/// A JSON number with every digit it came with.
///
/// `==` is lexical: `1`, `1.0` and `1e0` differ. Use ``exactEquals(_:)`` to compare values.
package struct JSONNumber: Hashable, Sendable, CustomStringConvertible {
    private enum Storage: Hashable, Sendable {
        case word(Int64)
        case lexeme([UInt8])
    }

    /// The most digits that are held in a word.
    static let wordDigitsMax = 18
    private let storage: Storage

    /// Takes an integer of at most eighteen digits whose lexeme is its canonical decimal form.
    init(word: Int64) {
        storage = .word(word)
    }

    /// Takes a lexeme that the grammar accepts and that no word may stand for.
    init(lexeme: [UInt8]) {
        storage = .lexeme(lexeme)
    }

    /// Makes the number of an amount.
    package init(_ amount: Amount) {
        self.init(Balance(isNegative: false, magnitude: amount))
    }

    /// Makes the number of a balance.
    package init(_ balance: Balance) {
        let magnitude = balance.magnitude
        if magnitude < Amount(1_000_000_000_000_000_000) {
            let word = Int64(truncatingIfNeeded: magnitude.low)
            self.init(word: balance.isNegative ? -word : word)
        } else {
            self.init(lexeme: Array(balance.description.utf8))
        }
    }

    /// Makes the number of an unsigned word.
    package init(_ value: UInt64) {
        self.init(Amount(UInt128(value)))
    }

    /// Reads bytes that are exactly one JSON number, without white space.
    ///
    /// - Throws: ``Malformed`` with the offset of the first byte that breaks the grammar.
    package static func parse(_ bytes: [UInt8]) throws(Malformed) -> JSONNumber {
        var scanner = JSONScanner(limits: .request)
        let number = try scanner.number(bytes)
        guard scanner.position == bytes.count else {
            throw Malformed("unexpected byte after the number", offset: scanner.position)
        }
        return number
    }

    /// The bytes as read.
    package var lexeme: [UInt8] {
        switch storage {
        case .word(let word): Array(String(word).utf8)
        case .lexeme(let bytes): bytes
        }
    }

    /// The word when the lexeme is a canonical integer of at most eighteen digits; nil otherwise.
    var word: Int64? {
        switch storage {
        case .word(let word): word
        case .lexeme: nil
        }
    }

    /// The lexeme.
    package var description: String { String(decoding: lexeme, as: UTF8.self) }

    /// The number when its lexeme is digits with or without a minus sign; else what else it has.
    package var integerLexeme: JSONInteger {
        switch storage {
        case .word(let word): .value(Balance(word))
        case .lexeme(let bytes): JSONInteger(lexeme: bytes)
        }
    }

    /// The number when its value is an integer: `1e3` and `1.0` count.
    package var integerValue: JSONInteger {
        if let word { return .value(Balance(word)) }
        guard let decimal = JSONDecimal(self) else { return .exponent }
        return decimal.integer
    }

    /// Reads an integer lexeme.
    ///
    /// - Throws: ``Malformed`` for a fraction, an exponent, or 2²⁵⁶ and more.
    package func integer() throws(Malformed) -> Balance {
        switch integerLexeme {
        case .value(let value): return value
        case .fraction: throw Malformed("expected an integer, found a fraction")
        case .exponent: throw Malformed("expected an integer, found an exponent")
        case .tooLarge: throw Malformed("the number is 2^256 or more")
        }
    }

    /// Reads an integer lexeme of zero or more.
    ///
    /// - Throws: ``Malformed`` for a negative number and as ``integer()`` does.
    package func amount() throws(Malformed) -> Amount {
        let value = try integer()
        guard !value.isNegative else { throw Malformed("the number is negative") }
        return value.magnitude
    }

    /// Reads an integer lexeme from 0 to 2⁶⁴ − 1.
    ///
    /// - Throws: ``Malformed`` for a larger number and as ``amount()`` does.
    package func unsigned() throws(Malformed) -> UInt64 {
        let value = try amount()
        guard value <= Amount(UInt128(UInt64.max)) else {
            throw Malformed("the number is 2^64 or more")
        }
        return UInt64(truncatingIfNeeded: value.low)
    }
}

extension JSONInteger {
    /// So many digits always fit 128 bits.
    private static let halfDigitsMax = 38

    /// Reads a lexeme that the grammar accepts.
    fileprivate init(lexeme: [UInt8]) {
        let isNegative = lexeme.first == UInt8(ascii: "-")
        let digits = lexeme.dropFirst(isNegative ? 1 : 0)
        for byte in digits {
            if byte == UInt8(ascii: ".") {
                self = .fraction
                return
            }
            if byte | 0x20 == UInt8(ascii: "e") {
                self = .exponent
                return
            }
        }
        if digits.count <= JSONInteger.halfDigitsMax {
            let low = digits.reduce(UInt128(0)) { $0 * 10 + UInt128($1 - UInt8(ascii: "0")) }
            self = .value(Balance(isNegative: isNegative, magnitude: Amount(low)))
        } else if let magnitude = Amount(decimal: digits) {
            self = .value(Balance(isNegative: isNegative, magnitude: magnitude))
        } else {
            self = .tooLarge
        }
    }
}

extension Balance {
    /// Makes a balance from a signed word.
    fileprivate init(_ word: Int64) {
        self.init(isNegative: word < 0, magnitude: Amount(UInt128(word.magnitude)))
    }
}
