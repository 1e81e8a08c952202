// SPDX-License-Identifier: Apache-2.0
//
// The bytes that the JSON writer gives: commas, both styles of strings, numbers, times, sorted
// maps.

import TallyCodec
import TallyTypes
import TestSupport
import Testing

/// Returns what the closure writes.
private func written(
    _ style: JSONStyle = .plain,
    _ amounts: JSONAmountForm = .number,
    _ write: (inout JSONWriter) -> Void
) -> String {
    var writer = JSONWriter(style: style, amounts: amounts)
    write(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
}

@Suite("JSON writer")
struct JSONWriterTests {
    @Test("places commas and colons by itself")
    func structure() {
        let text = written { writer in
            writer.object { writer in
                writer.key("empty")
                writer.object { _ in }
                writer.key("list")
                writer.array { writer in
                    writer.null()
                    writer.array { _ in }
                    writer.bool(true)
                    writer.beginObject()
                    writer.endObject()
                    writer.unsigned(.max)
                }
                writer.member("last", false)
            }
            writer.newline()
            writer.beginArray()
            writer.endArray()
        }
        #expect(
            text
                == #"{"empty":{},"list":[null,[],true,{},18446744073709551615],"last":false}"#
                + "\n[]"
        )
    }

    @Test(
        "escapes as Go's encoder does, or only what JSON demands",
        arguments: [
            ("plain", "plain", "plain"), ("\"\\/", "\\\"\\\\/", "\\\"\\\\/"),
            ("<a href=\"&\">", "\\u003ca href=\\\"\\u0026\\\"\\u003e", "<a href=\\\"&\\\">"),
            ("\u{8}\u{9}\u{A}\u{C}\u{D}", "\\b\\t\\n\\f\\r", "\\b\\t\\n\\f\\r"),
            (
                "\u{0}\u{1}\u{B}\u{1F}\u{7F}", "\\u0000\\u0001\\u000b\\u001f\u{7F}",
                "\\u0000\\u0001\\u000b\\u001f\u{7F}"
            ),
            ("a\u{2028}b\u{2029}c", "a\\u2028b\\u2029c", "a\u{2028}b\u{2029}c"),
            (
                "\u{2027}\u{202A}\u{80}\u{A8}\u{A9}\u{10A8}\u{E028}",
                "\u{2027}\u{202A}\u{80}\u{A8}\u{A9}\u{10A8}\u{E028}",
                "\u{2027}\u{202A}\u{80}\u{A8}\u{A9}\u{10A8}\u{E028}"
            ),
            (
                "héllo 😀 a rather long text beyond any small string",
                "héllo 😀 a rather long text beyond any small string",
                "héllo 😀 a rather long text beyond any small string"
            ),
        ]
    )
    func strings(text: String, go: String, plain: String) throws {
        #expect(written(.go) { $0.string(text) } == "\"\(go)\"")
        #expect(written(.go) { $0.string(Text(text)) } == "\"\(go)\"")
        #expect(written(.plain) { $0.string(text) } == "\"\(plain)\"")
        #expect(written(.go) { $0.object { $0.member(text, text) } } == "{\"\(go)\":\"\(go)\"}")
        #expect(written(.plain) { $0.key(Text(text)) } == "\"\(plain)\":")
        for written in [go, plain] {
            #expect(try JSONReader.parse(Array("\"\(written)\"".utf8)) == .string(Text(text)))
        }
    }

    @Test("escapes every control character and no other ASCII in plain style")
    func everyASCII() throws {
        for byte in UInt8(0)..<0x80 {
            let text = String(Unicode.Scalar(byte))
            for style in [JSONStyle.go, .plain] {
                let bytes = Array(written(style) { $0.string(text) }.utf8)
                #expect(try JSONReader.parse(bytes) == .string(Text(text)))
                let isSpecial =
                    byte < 0x20 || text == "\"" || text == "\\"
                    || (style == .go && "<>&".contains(text))
                #expect((bytes.count == 3) != isSpecial, "byte \(byte)")
            }
        }
    }

    @Test(
        "writes amounts and balances of any length",
        arguments: [
            "0", "9", "10", "99", "100", "999999999999999999", "1000000000000000000",
            "9999999999999999999", "10000000000000000000", "18446744073709551615",
            "18446744073709551616",
            "99999999999999999999999999999999999999", "100000000000000000000000000000000000000",
            "340282366920938463463374607431768211455", "340282366920938463463374607431768211456",
            "1000000000000000000000000000000000000000000000000000000000000",
            "115792089237316195423570985008687907853269984665640564039457584007913129639935",
        ]
    )
    func amounts(decimal: String) throws {
        let amount = try #require(Amount(decimal: decimal.utf8))
        let debt = Balance(isNegative: true, magnitude: amount)
        let sign = amount.isZero ? "" : "-"
        #expect(written { $0.amount(amount) } == decimal)
        #expect(written { $0.balance(debt) } == sign + decimal)
        #expect(written(.go, .string) { $0.amount(amount) } == "\"\(decimal)\"")
        #expect(written(.go, .string) { $0.balance(debt) } == "\"\(sign)\(decimal)\"")
        #expect(written(.go, .string) { $0.number(JSONNumber(amount)) } == decimal)
    }

    @Test("writes 64-bit numbers as String does", arguments: [UInt64(7)])
    func unsigned(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<5_000 {
            let value = random.next() >> UInt64(random.below(64))
            #expect(written { $0.unsigned(value) } == String(value), "seed \(seed)")
        }
    }

    @Test("writes members of every kind")
    func members() throws {
        let metadata = try #require(
            Metadata(unsorted: [.init(key: "z", value: "<"), .init(key: "a", value: "1")])
        )
        let text = written(.go) { writer in
            writer.object { writer in
                writer.member("string", "s")
                writer.member("text", Text("t"))
                writer.member("bool", true)
                writer.member("id", 12 as UInt64)
                writer.member("amount", Amount(5))
                writer.member("balance", Balance(isNegative: true, magnitude: Amount(6)))
                writer.member("time", BusinessTime(microseconds: 1_500_000))
                writer.member("metadata", metadata)
                writer.member("value", .array([.null]))
                writer.key("stored")
                writer.text(JSONText(.number(JSONNumber(UInt64(3)))))
            }
        }
        let expected =
            #"{"string":"s","text":"t","bool":true,"id":12,"amount":5,"balance":-6,"#
            + #""time":"1970-01-01T00:00:01.5Z","metadata":{"a":"1","z":"\u003c"},"#
            + #""value":[null],"stored":3}"#
        #expect(text == expected)
    }

    @Test("sorts maps by the bytes of their keys")
    func sorted() throws {
        let keys = ["b", "a", "B", "aa", "é", "z", "", "\u{10000}", "\u{FFFF}"]
        let text = written { writer in
            writer.map(keys, key: { Text($0) }, write: { $0.string($1) })
        }
        let order = ["", "B", "a", "aa", "b", "z", "é", "\u{FFFF}", "\u{10000}"]
        #expect(text == "{" + order.map { "\"\($0)\":\"\($0)\"" }.joined(separator: ",") + "}")
        let value = try JSONReader.parse(Array(#"{"b":{"y":1,"x":[{"d":0,"c":0}]},"a":2}"#.utf8))
        #expect(
            written { $0.value(value, order: .sorted) }
                == #"{"a":2,"b":{"x":[{"c":0,"d":0}],"y":1}}"#
        )
        #expect(written { $0.value(value) } == #"{"b":{"y":1,"x":[{"d":0,"c":0}]},"a":2}"#)
    }

    @Test("starts anew after its bytes are taken")
    func take() {
        var writer = JSONWriter(style: .plain)
        writer.null()
        #expect(writer.take() == Array("null".utf8))
        writer.bool(true)
        #expect(writer.take() == Array("true".utf8))
        #expect(writer.bytes.isEmpty)
    }
}

@Suite("JSON fields")
struct JSONFieldsTests {
    private struct Row: Equatable {
        let source: Text
        let amount: Amount
    }

    private let rows = JSONShape<[Row]>.array(
        of: .object { (fields) throws(Malformed) in
            Row(
                source: try fields.required("source", .string),
                amount: try fields.required("amount", .amount)
            )
        }
    )

    private func fields(_ text: String) throws -> JSONFields {
        try JSONFields(try JSONReader.parse(Array(text.utf8)))
    }

    @Test("take members of every shape and ignore the others")
    func shapes() throws {
        let text =
            #"{"x":0,"rows":[{"source":"a","amount":1,"y":[]},{"amount":2,"source":"b"}],"#
            + #""ok":true,"id":18446744073709551615,"at":"2026-01-01T00:00:00Z","#
            + #""m":{"k":"v"},"n":1.50,"v":null}"#
        let fields = try fields(text)
        #expect(
            try fields.required("rows", rows)
                == [Row(source: "a", amount: Amount(1)), Row(source: "b", amount: Amount(2))]
        )
        #expect(try fields.required("ok", .bool))
        #expect(try fields.required("id", .unsigned) == .max)
        #expect(try fields.required("at", .time).microseconds == 1_767_225_600_000_000)
        #expect(try fields.required("m", .metadata)["k"] == "v")
        #expect(try fields.required("n", .number).description == "1.50")
        #expect(try fields.required("v", .any) == .null)
        #expect(try fields.optional("v", .bool) == nil)
        #expect(try fields.optional("absent", .bool) == nil)
        #expect(try fields.present("v", .any) == .some(.null))
        #expect(try fields.present("absent", .any) == nil)
    }

    @Test(
        "name field, offset and reason of what does not fit",
        arguments: [
            (#"{"other":1}"#, "rows", 0, "is missing"),
            (#"{"rows":{}}"#, "rows", 8, "expected an array, found an object"),
            (#"{"rows":null}"#, "rows", 8, "expected an array, found null"),
            (#"{"rows":[1]}"#, "rows[0]", 9, "expected an object, found a number"),
            (
                #"{"rows":[{"source":"a","amount":1}, {"amount":2}]}"#, "rows[1].source", 36,
                "is missing"
            ),
            (
                #"{"rows":[{"source":true,"amount":1}]}"#, "rows[0].source", 19,
                "expected a string, found a boolean"
            ),
            (
                #"{"rows":[{"source":"a","amount": -1}]}"#, "rows[0].amount", 33,
                "the number is negative"
            ),
            (
                #"{"rows":[{"source":"a","amount":"1"}]}"#, "rows[0].amount", 32,
                "expected a number, found a string"
            ),
        ]
    )
    func errors(text: String, field: String, offset: Int, reason: String) throws {
        let fields = try fields(text)
        let error = #expect(throws: Malformed.self) { try fields.required("rows", rows) }
        #expect(error == Malformed(reason, field: field, offset: offset))
    }

    @Test("refuse other kinds for each shape")
    func kinds() throws {
        let fields = try fields(#"{"a":[],"t":"2026","m":{"k":1},"n":1.5}"#)
        let array = "expected a boolean, found an array"
        #expect(throws: Malformed(array, field: "a", offset: 5)) { try fields.required("a", .bool) }
        let time = #expect(throws: Malformed.self) { try fields.optional("t", .time) }
        #expect(time?.field == "t" && time?.offset == 12)
        #expect(throws: Malformed("expected a string, found a number", field: "m.k", offset: 28)) {
            try fields.present("m", .metadata)
        }
        #expect(throws: Malformed("expected an integer, found a fraction", field: "n", offset: 35))
        {
            try fields.required("n", .unsigned)
        }
        #expect(throws: Malformed("expected an object, found null", offset: 3)) {
            try JSONFields(.null, offset: 3)
        }
    }

    @Test("take checked values further, or refuse them with the given reason")
    func checked() throws {
        let fields = try fields(#"{"asset":"USD/2","bad":"usd"}"#)
        let asset = JSONShape<Text>.string.checked("is no asset") { Asset($0.string) }
        #expect(try fields.required("asset", asset) == Asset("USD/2"))
        #expect(throws: Malformed("is no asset", field: "bad", offset: 23)) {
            try fields.required("bad", asset)
        }
        #expect(
            fields.malformed("is not known", at: "bad")
                == Malformed("is not known", field: "bad", offset: 23)
        )
        #expect(
            fields.malformed("is needed", at: "none")
                == Malformed("is needed", field: "none", offset: 0)
        )
    }
}
