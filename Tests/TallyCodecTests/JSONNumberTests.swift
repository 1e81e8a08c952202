// SPDX-License-Identifier: Apache-2.0
//
// Exactness of JSON numbers: every digit is kept, integers are read to 256 bits, and values are
// compared without rounding.

import TallyCodec
import TallyTypes
import TestSupport
import Testing

/// 2²⁵⁶ − 1 and 2²⁵⁶.
private let largest =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935"
private let tooLarge =
    "115792089237316195423570985008687907853269984665640564039457584007913129639936"

/// Reads one number.
private func number(_ lexeme: String) throws -> JSONNumber {
    try JSONNumber.parse(Array(lexeme.utf8))
}

@Suite("JSON numbers")
struct JSONNumberTests {
    @Test(
        "keep every digit",
        arguments: [
            "0", "-0", "-0.0", "1.0", "1e0", "1E+0", "9007199254740993", "1e400", "-1e-400",
            "999999999999999999", "1000000000000000000", "9223372036854775808", "0.10",
            "1" + String(repeating: "0", count: 60), largest, tooLarge,
            "3.141592653589793238462643383279502884197169399375105820974944592307816406286",
        ]
    )
    func keepDigits(lexeme: String) throws {
        let read = try number(lexeme)
        #expect(read.description == lexeme)
        #expect(read.lexeme == Array(lexeme.utf8))
        #expect(JSONText(.number(read)).text.string == lexeme)
    }

    @Test(
        "say what they are as integers, by lexeme and by value",
        arguments: [
            ("0", "0", "0"), ("-0", "0", "0"), ("7", "7", "7"), ("-12", "-12", "-12"),
            ("9007199254740993", "9007199254740993", "9007199254740993"),
            ("-1000000000000000000", "-1000000000000000000", "-1000000000000000000"),
            (
                "12345678901234567890123456789012345678", "12345678901234567890123456789012345678",
                "12345678901234567890123456789012345678"
            ),
            (
                "99999999999999999999999999999999999999", "99999999999999999999999999999999999999",
                "99999999999999999999999999999999999999"
            ),
            (
                "100000000000000000000000000000000000000",
                "100000000000000000000000000000000000000",
                "100000000000000000000000000000000000000"
            ),
            (largest, largest, largest), ("-" + largest, "-" + largest, "-" + largest),
            (tooLarge, "tooLarge", "tooLarge"), ("1.0", "fraction", "1"),
            ("1e3", "exponent", "1000"),
            ("1.5e1", "fraction", "15"), ("1.5", "fraction", "fraction"),
            ("1e-1", "exponent", "fraction"),
            ("0.0", "fraction", "0"), ("-0e5", "exponent", "0"),
            ("1e77", "exponent", "1" + String(repeating: "0", count: 77)),
            ("2e77", "exponent", "tooLarge"), ("1e78", "exponent", "tooLarge"),
            ("1e400", "exponent", "tooLarge"),
            ("1e9999", "exponent", "tooLarge"), ("1e10000", "exponent", "exponent"),
            ("1000e-3", "exponent", "1"), ("1e00000000000000000000003", "exponent", "1000"),
        ]
    )
    func integers(lexeme: String, asLexeme: String, asValue: String) throws {
        let read = try number(lexeme)
        #expect(name(of: read.integerLexeme) == asLexeme)
        #expect(name(of: read.integerValue) == asValue)
    }

    private func name(of integer: JSONInteger) -> String {
        switch integer {
        case .value(let value): value.description
        case .fraction: "fraction"
        case .exponent: "exponent"
        case .tooLarge: "tooLarge"
        }
    }

    @Test(
        "become amounts, or say why not",
        arguments: [
            ("0", ""), ("-0", ""), (largest, ""), (tooLarge, "the number is 2^256 or more"),
            ("-1", "the number is negative"), ("-" + largest, "the number is negative"),
            ("1.0", "expected an integer, found a fraction"),
            ("1e3", "expected an integer, found an exponent"),
        ]
    )
    func amounts(lexeme: String, reason: String) throws {
        let read = try number(lexeme)
        if reason.isEmpty {
            #expect(try read.amount().description == (lexeme == "-0" ? "0" : lexeme))
        } else {
            let error = #expect(throws: Malformed.self) { try read.amount() }
            #expect(error?.reason == reason)
        }
    }

    @Test("become 64-bit numbers up to 2⁶⁴ − 1")
    func unsigned() throws {
        #expect(try number("18446744073709551615").unsigned() == .max)
        let error = #expect(throws: Malformed.self) {
            try number("18446744073709551616").unsigned()
        }
        #expect(error?.reason == "the number is 2^64 or more")
    }

    @Test("made from values equal those read")
    func made() throws {
        for lexeme in ["0", "999999999999999999", "1000000000000000000", largest] {
            let amount = try #require(Amount(decimal: lexeme.utf8))
            #expect(try JSONNumber(amount) == number(lexeme))
            let negative = Balance(isNegative: true, magnitude: amount)
            #expect(try JSONNumber(negative) == number(negative.description))
        }
        #expect(try JSONNumber(UInt64.max) == number("18446744073709551615"))
    }

    @Test(
        "are read alone, without anything around",
        arguments: [("1 ", 1), (" 1", 0), ("", 0), ("1,", 1), ("1.5.", 3)]
    )
    func alone(text: String, offset: Int) {
        let error = #expect(throws: Malformed.self) { try number(text) }
        #expect(error?.offset == offset)
    }

    /// Ascending by value; numbers in one row are equal.
    private static let ladder: [[String]] = [
        ["-1e9999"], ["-" + tooLarge, "-" + tooLarge + ".0"], ["-10", "-1e1", "-10.0"],
        ["-1.5", "-15e-1"],
        ["-1", "-1.0"], ["-0.1", "-1e-1"], ["-1e-9999"],
        ["0", "-0", "0.0", "0e5", "-0.000e-9999"], ["1e-9999"], ["0.01", "1e-2", "0.010", "10e-3"],
        ["0.1", "1e-1", "0.10"], ["0.11"], ["1", "1.0", "1e0", "10e-1", "0.1e1", "1E+0"],
        ["1.0000000000000000000001"],
        ["2"], ["9.99"], ["10", "1e1", "1.0e1", "100e-1"], ["999999999999999999"],
        ["1000000000000000000", "1e18"],
        ["9007199254740992000000"], ["9007199254740992000001"], [largest], [tooLarge],
        ["1e400", "10e399"], ["1e9999"],
    ]

    @Test("compare by exact value")
    func order() throws {
        let ladder = try Self.ladder.map { try $0.map(number) }
        for (leftRung, left) in ladder.enumerated() {
            for (rightRung, right) in ladder.enumerated() {
                for one in left {
                    for other in right {
                        #expect(
                            one.exactEquals(other) == (leftRung == rightRung),
                            "\(one) = \(other)"
                        )
                        #expect(
                            one.exactLess(than: other) == (leftRung < rightRung),
                            "\(one) < \(other)"
                        )
                    }
                }
            }
        }
    }

    @Test(
        "with an exponent beyond ±9,999 equal only their own lexeme",
        arguments: ["1e10000", "0e10000", "-1e-10000", "1e99999999999999999999"]
    )
    func unevaluated(lexeme: String) throws {
        let read = try number(lexeme)
        #expect(read.exactEquals(try number(lexeme)))
        #expect(!read.exactEquals(try number("1e9999")))
        #expect(!read.exactEquals(try number(lexeme.replacing("e", with: "E"))))
        #expect(!read.exactEquals(try number("0")))
        #expect(read.exactLess(than: try number("1")) == nil)
        #expect(try number("1").exactLess(than: read) == nil)
    }

    @Test("are equal to the same value written in other ways", arguments: [UInt64(1), 2, 3])
    func rewritten(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<2_000 {
            let digits = (0...random.below(40)).map { _ in String(random.below(10)) }.joined()
            let shift = random.below(60)
            let zeros = String(repeating: "0", count: random.below(5))
            let plain = try number(trimmed(digits))
            let appended = trimmed(digits) == "0" ? "" : String(repeating: "0", count: shift)
            let shifted = try number("\(trimmed(digits))\(appended)e-\(shift)")
            let point = random.below(digits.count) + 1
            let whole = trimmed(String(digits.prefix(point)))
            let scaled = try number(
                "\(whole).\(digits.dropFirst(point))\(zeros)0E+\(digits.count - point)"
            )
            #expect(plain.exactEquals(shifted), "seed \(seed): \(plain) \(shifted)")
            #expect(plain.exactEquals(scaled), "seed \(seed): \(plain) \(scaled)")
            #expect(plain.exactLess(than: shifted) == false)
            let next = try number("\(trimmed(digits)).\(String(repeating: "0", count: shift))1")
            #expect(plain.exactLess(than: next) == true)
            #expect(!plain.exactEquals(next))
        }
    }

    private func trimmed(_ digits: String) -> String {
        let rest = digits.drop { $0 == "0" }
        return rest.isEmpty ? "0" : String(rest)
    }
}

@Suite("JSON equality")
struct JSONEqualityTests {
    private func value(_ text: String) throws -> JSONValue {
        try JSONReader.parse(Array(text.utf8))
    }

    @Test(
        "by meaning and by text",
        arguments: [
            ("{\"a\":1,\"b\":[1.0]}", "{\"b\":[1],\"a\":1e0}", true, false),
            ("[1,2]", "[2,1]", false, false), ("[1]", "[1,1]", false, false),
            ("{}", "[]", false, false),
            ("null", "null", true, true), ("null", "false", false, false),
            ("0", "false", false, false),
            ("\"1\"", "1", false, false), ("\"a\"", "\"\\u0061\"", true, true),
            ("\"\u{E9}\"", "\"e\u{301}\"", false, false), ("{\"a\":null}", "{}", false, false),
            ("{\"a\":1}", "{\"b\":1}", false, false),
            ("{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"y\":2.0,\"x\":1}}", true, false),
            (" [ 1 ] ", "[1]", true, true), ("-0", "0", true, false),
        ]
    )
    func pairs(left: String, right: String, means: Bool, reads: Bool) throws {
        let (one, other) = try (value(left), value(right))
        #expect(one.exactEquals(other) == means)
        #expect(other.exactEquals(one) == means)
        #expect((one == other) == reads)
        #expect(try JSONText(one).exactEquals(JSONText(other)) == means)
        if reads {
            #expect(one.exactEquals(other), "what is read alike means the same")
        }
    }

    @Test("does not look at offsets")
    func offsets() throws {
        let (near, far) = try (value("{\"a\":[1]}"), value("   { \"a\" :   [ 1 ] }"))
        #expect(near == far)
        #expect(Set([near, far]).count == 1)
    }

    @Test("refuses to make an object with a key twice")
    func uniqueKeys() {
        let member = JSONObject.Member(key: "a", value: .null)
        #expect(JSONObject([member, JSONObject.Member(key: "b", value: .null)]) != nil)
        #expect(JSONObject([member, JSONObject.Member(key: "b", value: .null), member]) == nil)
    }
}
