// SPDX-License-Identifier: Apache-2.0
//
// What the exact JSON reader takes and refuses, with the offset and the path of every refusal,
// and the cursor over texts that follow one another.

import TallyCodec
import TallyTypes
import Testing

/// Returns the error of a parse that must fail.
private func refusal(_ bytes: [UInt8], limits: JSONLimits = .request) throws -> Malformed {
    try #require(throws: Malformed.self) { try JSONReader.parse(bytes, limits: limits) }
}

@Suite("JSON reader")
struct JSONReaderTests {
    @Test(
        "takes RFC 8259 texts and writes them back compactly",
        arguments: [
            ("null", "null"), ("true", "true"), (" \t\r\nfalse\n", "false"), ("0", "0"),
            ("-0", "-0"), ("1.50", "1.50"), ("1E+05", "1E+05"), ("-1.0e-7", "-1.0e-7"),
            ("\"\"", "\"\""), ("[]", "[]"), ("[ ]", "[]"), ("{}", "{}"), ("{ \n}", "{}"),
            ("[1 , 2,3 ]", "[1,2,3]"), ("[[],{},[[]]]", "[[],{},[[]]]"),
            ("{\"b\" : 1 , \"a\":{ \"\":null}}", "{\"b\":1,\"a\":{\"\":null}}"),
            ("\"\\u0041\\/\\\"\\\\\"", "\"A/\\\"\\\\\""),
            ("\"\\b\\f\\n\\r\\t\"", "\"\\b\\f\\n\\r\\t\""),
            ("\"\\u0000\\u001F\"", "\"\\u0000\\u001f\""), ("\"\\u00e9\\u20AC\"", "\"é€\""),
            ("\"\\ud83d\\ude00\"", "\"😀\""), ("\"\\uDBFF\\uDFFF\"", "\"\u{10FFFF}\""),
            ("\"é€😀\u{7F}\u{2028}\"", "\"é€😀\u{7F}\u{2028}\""),
            ("123456789012345678", "123456789012345678"),
            ("1234567890123456789", "1234567890123456789"),
            ("-999999999999999999", "-999999999999999999"),
        ]
    )
    func accepts(text: String, written: String) throws {
        let value = try JSONReader.parse(Array(text.utf8))
        #expect(JSONText(value).text.string == written)
        #expect(try JSONText(value).value() == value)
    }

    @Test(
        "names the offset and the path of what it refuses",
        arguments: [
            ("", 0, "", "expected a value, found the end"),
            ("  ", 2, "", "expected a value, found the end"),
            ("nul", 0, "", "expected null"), ("True", 0, "", "expected a value"),
            ("NaN", 0, "", "expected a value"), ("'a'", 0, "", "expected a value"),
            ("1 2", 2, "", "unexpected byte after the value"),
            ("nullx", 4, "", "unexpected byte after the value"),
            ("+1", 0, "", "expected a value"), ("-", 1, "", "expected a digit"),
            ("-a", 1, "", "expected a digit"), ("01", 1, "", "digit after a leading zero"),
            ("-00", 2, "", "digit after a leading zero"), (".5", 0, "", "expected a value"),
            ("1.", 2, "", "expected a digit"), ("1.e1", 2, "", "expected a digit"),
            ("1e", 2, "", "expected a digit"), ("1e+", 3, "", "expected a digit"),
            ("0x10", 1, "", "unexpected byte after the value"),
            ("[", 1, "", "expected a value or ], found the end"),
            ("[1", 2, "", "expected , or ], found the end"),
            ("[1 2]", 3, "", "expected , or ]"), ("[1,]", 3, "[1]", "expected a value"),
            ("[1}", 2, "", "expected , or ]"), ("[,1]", 1, "[0]", "expected a value"),
            ("{", 1, "", "expected a key or }, found the end"),
            ("{1:2}", 1, "", "expected a key"), ("{\"a\"}", 4, "a", "expected :"),
            ("{\"a\":}", 5, "a", "expected a value"),
            ("{\"a\":1", 6, "", "expected , or }, found the end"),
            ("{\"a\":1,}", 7, "", "expected a key"), ("{\"a\" 1}", 5, "a", "expected :"),
            ("{\"a\":1]", 6, "", "expected , or }"),
            ("\"a", 2, "", "the text ends inside a string"),
            ("\"a\\", 3, "", "the text ends inside a string"),
            ("\"\\u12", 5, "", "the text ends inside a string"),
            ("\"\\x\"", 1, "", "unknown escape"),
            ("\"\\u12G4\"", 5, "", "expected a hexadecimal digit"),
            ("\"a\nb\"", 2, "", "control character in a string"),
            ("\"a\\tb\tc\"", 5, "", "control character in a string"),
            ("\"\\ud800\"", 1, "", "lone surrogate"), ("\"x\\udc00\"", 2, "", "lone surrogate"),
            ("\"\\ud800\\u0041\"", 1, "", "lone surrogate"),
            ("\"\\ud800\\ud800\"", 1, "", "lone surrogate"),
            ("{\"postings\":[0,1,{\"amount\":-}]}", 28, "postings[2].amount", "expected a digit"),
            ("{\"a b\":{\"\":[x]}}", 12, "[\"a b\"][\"\"][0]", "expected a value"),
        ]
    )
    func refuses(text: String, offset: Int, field: String, reason: String) throws {
        let error = try refusal(Array(text.utf8))
        #expect(error == Malformed(reason, field: field, offset: offset))
    }

    @Test(
        "refuses bytes that are not UTF-8, at their first byte",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0xBF],
            [0xE2, 0x82], [0xE2, 0x82, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE],
        ] as [[UInt8]]
    )
    func refusesInvalidUTF8(sequence: [UInt8]) throws {
        let error = try refusal(Array("{\"k\":\"é".utf8) + sequence + Array("\"}".utf8))
        #expect(error == Malformed("invalid UTF-8", field: "k", offset: 8))
    }

    @Test("takes every Unicode scalar, raw and escaped")
    func everyScalar() throws {
        for scalar in stride(from: UInt32(0x80), through: 0x10_FFFF, by: 0x3D) {
            guard let unicode = Unicode.Scalar(scalar) else { continue }
            let raw = try JSONReader.parse(Array("\"\(unicode)\"".utf8))
            let escapes = String(unicode).utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
            let escaped = try JSONReader.parse(Array("\"\(escapes.joined())\"".utf8))
            #expect(raw == .string(Text(String(unicode))))
            #expect(escaped == raw)
        }
    }

    @Test("refuses a byte order mark and other encodings")
    func byteOrderMark() throws {
        #expect(try refusal([0xEF, 0xBB, 0xBF, 0x31]) == Malformed("byte order mark"))
        #expect(try refusal([0xFE, 0xFF, 0x00, 0x31]).offset == 0)
        #expect(try refusal([0x31, 0x00]).offset == 1)
    }

    @Test(
        "refuses a key that occurs twice, however it is written",
        arguments: [
            ("{\"a\":1,\"a\":1}", 7, "a"), ("{\"a\":1,\"\\u0061\":2}", 7, "a"),
            ("{\"é\":1,\"\\u00e9\":2}", 8, "[\"é\"]"),
            ("[{\"x\":{\"\":1,\"\":2}}]", 12, "[0].x[\"\"]"),
            ("{\"/\":1,\"b\":2,\"\\/\":3}", 13, "/"),
        ]
    )
    func refusesDuplicates(text: String, offset: Int, field: String) throws {
        let error = try refusal(Array(text.utf8))
        #expect(error == Malformed("the key occurs twice", field: field, offset: offset))
    }

    @Test("compares keys byte for byte, not by canonical equivalence")
    func keysAreBytes() throws {
        let text = "{\"\u{E9}\":1,\"e\u{301}\":2,\"A\":3,\"a\":4}"
        let value = try JSONReader.parse(Array(text.utf8))
        #expect(JSONText(value).text.string.utf8.elementsEqual(text.utf8))
    }

    @Test("finds the repeated key among many", arguments: [2, 11, 12, 13, 14, 40, 1_000])
    func duplicateAmongMany(count: Int) throws {
        let members = (0..<count).map { "\"k\($0)\":0" }
        let unique = "{" + members.joined(separator: ",") + "}"
        let value = try JSONReader.parse(Array(unique.utf8))
        #expect(JSONText(value).text.string == unique)
        for repeated in Set([0, count / 2, count - 1]).sorted() {
            let text = unique.dropLast() + ",\"k\(repeated)\":1}"
            let error = try refusal(Array(text.utf8))
            #expect(error.field == "k\(repeated)")
            #expect(error.offset == unique.utf8.count)
        }
    }

    @Test("takes the deepest nesting allowed and refuses one more")
    func depth() throws {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = open == "[" ? "" : "0"
            func nested(_ depth: Int) -> [UInt8] {
                let left = String(repeating: open, count: depth)
                return Array((left + inner + String(repeating: close, count: depth)).utf8)
            }
            #expect(throws: Never.self) { try JSONReader.parse(nested(Limits.jsonDepthMax)) }
            let error = try refusal(nested(Limits.jsonDepthMax + 1))
            #expect(error.reason == "deeper than 64 containers")
            #expect(error.offset == Limits.jsonDepthMax * open.utf8.count)
            #expect(
                try refusal(nested(3), limits: JSONLimits(depthMax: 2)).offset == 2
                    * open.utf8.count
            )
        }
        let hostile = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(try refusal(hostile).offset == 64)
    }

    @Test("bounds the bytes and the values of a text")
    func bounds() throws {
        let limits = JSONLimits(bytesMax: 8, valuesMax: 3)
        #expect(throws: Never.self) { try JSONReader.parse(Array("[1,2]   ".utf8), limits: limits) }
        let long = try refusal(Array("[1,2]    ".utf8), limits: limits)
        #expect(long == Malformed("longer than 8 bytes", offset: 8))
        let many = try refusal(Array("[1,2,3]".utf8), limits: limits)
        #expect(many == Malformed("more than 3 values", field: "[2]", offset: 5))
    }

    @Test("refuses every proper prefix of a text")
    func prefixes() throws {
        let text = Array(#"{"a":[true,null,-1.5e+3,"\ud83d\ude00é\n"],"b":{"c":false}}"#.utf8)
        #expect(throws: Never.self) { try JSONReader.parse(text) }
        for length in text.indices {
            let error = try refusal(Array(text[..<length]))
            #expect(error.offset <= length, "prefix of \(length) bytes")
        }
    }

    @Test("keeps the offset of every value")
    func offsets() throws {
        let text = #" {"a": [ 1, "x",{"b" :2}],"c":null}"#
        guard case .object(let object) = try JSONReader.parse(Array(text.utf8)),
            case .array(let array) = object["a"], case .object(let inner) = array[2]
        else {
            Issue.record("another shape than written")
            return
        }
        #expect(object.members.map(\.offset) == [7, 30])
        #expect(array.indices.map(array.offset(at:)) == [9, 12, 16])
        #expect(inner.members.map(\.offset) == [22])
    }

    @Test("bounds the length of keys in paths")
    func longKeys() throws {
        let key = String(repeating: "k", count: 100_000)
        let error = try refusal(Array("{\"\(key)\":x}".utf8))
        #expect(error.field.utf8.count < 100)
        #expect(error.field.hasPrefix("[\"kkkk"))
        #expect(error.offset == key.utf8.count + 4)
    }
}

@Suite("JSON stream")
struct JSONStreamTests {
    /// Reads to the end, or to the first error.
    private func read(_ text: String, limits: JSONLimits = .request) throws -> [String] {
        let bytes = Array(text.utf8)
        var stream = JSONStream(limits: limits)
        var values: [String] = []
        while let value = try stream.next(in: bytes) {
            values.append(JSONText(value).text.string)
        }
        #expect(stream.offset <= bytes.count)
        return values
    }

    @Test(
        "yields the values one by one",
        arguments: [
            ("", []), (" \n", []), ("{}{}", ["{}", "{}"]),
            ("{\"a\":1}\n\n[2] 3 4\n", ["{\"a\":1}", "[2]", "3", "4"]),
            ("\"a\"\"b\"[]", ["\"a\"", "\"b\"", "[]"]), ("true", ["true"]),
        ] as [(String, [String])]
    )
    func yields(text: String, values: [String]) throws {
        #expect(try read(text) == values)
    }

    @Test("stays before the value it refuses, and counts offsets in the whole buffer")
    func refuses() throws {
        let bytes = Array("{} [1,} ".utf8)
        var stream = JSONStream()
        #expect(try stream.next(in: bytes) == .object(.empty))
        for _ in 0..<2 {
            let error = #expect(throws: Malformed.self) { try stream.next(in: bytes) }
            #expect(error == Malformed("expected a value", field: "[1]", offset: 6))
            #expect(stream.offset == 3)
        }
    }

    @Test(
        "refuses words and numbers that run into what follows",
        arguments: ["truefalse", "1[", "null\"\""]
    )
    func refusesRunOn(text: String) {
        #expect(throws: Malformed.self) { try read(text) }
    }

    @Test("holds the bounds for each value, not for the buffer")
    func bounds() throws {
        let limits = JSONLimits(bytesMax: 5, valuesMax: 2)
        #expect(try read("[123] [4] 5 {}", limits: limits).count == 4)
        #expect(throws: Malformed.self) { try read("[123] [1234]", limits: limits) }
        #expect(throws: Malformed.self) { try read("[123] [1,2]", limits: limits) }
    }
}
