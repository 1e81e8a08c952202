// SPDX-License-Identifier: Apache-2.0
//
// Names, texts, digests and metadata: what is legal, and what is equal. specs/accounts.md §5.2.

import TallyTypes
import TestSupport
import Testing

@Suite("Names and texts")
struct NameTests {
    @Test(
        "assets",
        arguments: [
            ("A", true), ("USD", true), ("USD/2", true), ("USD123", true), ("EUR/00", true),
            ("ABCDEFGHIJKLMNOPQ/123456", true), ("EUR_COL/12", true), ("A_ABCDEFGHIJKLMNOP", true),
            ("", false), ("usd", false), ("1", false), ("USD/", false), ("A//2", false),
            ("EUR_", false), ("_C", false), ("/2", false), ("USD/1234567", false),
            ("ABCDEFGHIJKLMNOPQR", false), ("USD 2", false), ("A_ABCDEFGHIJKLMNOPQ", false),
            ("A_B1", false), ("USD/2 ", false), ("É", false),
        ]
    )
    func assets(_ text: String, _ isLegal: Bool) {
        #expect((Asset(text) != nil) == isLegal)
    }

    @Test(
        "addresses",
        arguments: [
            ("a", true), ("-", true), ("_0123", true), ("toto----titi", true), ("A:b-c:D_9", true),
            ("world", true), ("0", true),
            ("", false), ("a:", false), ("a::b", false), (":a", false), ("a b", false),
            ("a.b", false), ("é", false), ("@a", false), ("a:b:", false),
        ]
    )
    func addresses(_ text: String, _ isLegal: Bool) {
        #expect((AccountAddress(text) != nil) == isLegal)
    }

    @Test("an address has a longest length")
    func longAddress() {
        let longest = String(repeating: "a", count: AccountAddress.bytesMax)
        #expect(AccountAddress(longest) != nil)
        #expect(AccountAddress(longest + "a") == nil)
    }

    @Test(
        "book names",
        arguments: [
            ("a", true), ("A-_9", true), (String(repeating: "n", count: 63), true),
            ("", false), (String(repeating: "n", count: 64), false), ("a.b", false), ("a b", false),
            ("a/b", false), ("ü", false),
        ]
    )
    func bookNames(_ text: String, _ isLegal: Bool) {
        #expect((BookName(text) != nil) == isLegal)
    }

    @Test("texts that look alike and have other bytes are not equal")
    func composed() {
        let composed = Text("caf\u{e9}")
        let decomposed = Text("cafe\u{301}")
        #expect(composed.string == decomposed.string)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(decomposed < composed)
        #expect(Text(utf8: [0xff]) == nil)
        #expect(Text(utf8: [0xed, 0xa0, 0x80]) == nil)
    }

    @Test("metadata keeps each key once, in the order of the bytes")
    func metadata() throws {
        let pairs = [("b", "1"), ("aa", "2"), ("a", "3")].map {
            Metadata.Pair(key: Text($0.0), value: Text($0.1))
        }
        var metadata = try #require(Metadata(unsorted: pairs))
        #expect(metadata.pairs.map(\.key.string) == ["a", "aa", "b"])
        #expect(Metadata(unsorted: pairs + pairs) == nil)
        metadata["aa"] = nil
        metadata["c"] = "4"
        metadata["b"] = "5"
        #expect(metadata.pairs.map(\.value.string) == ["3", "5", "4"])
        #expect(metadata["aa"] == nil)
        let over = try #require(Metadata(unsorted: [Metadata.Pair(key: "a", value: "9")]))
        #expect(metadata.merging(over)["a"] == "9")
        #expect(metadata.merging(over)["b"] == "5")
    }

    @Test("digests and ids keep their bytes")
    func digests() {
        let bytes = (0..<32).map { UInt8($0) }
        #expect(Digest(bytes)?.bytes == bytes)
        #expect(Digest(bytes)?.description.hasPrefix("00010203") == true)
        #expect(Digest(bytes.dropLast()) == nil)
        #expect(BookID(bytes.prefix(16))?.bytes == Array(bytes.prefix(16)))
        #expect(BookID(bytes) == nil)
        #expect(BookID.system.bytes == [UInt8](repeating: 0, count: 16))
    }

    @Test("an error names the path of its field")
    func malformed() {
        let inner = Malformed("not a number", field: "amount", offset: 12)
        #expect(inner.within("[2]").within("postings").field == "postings[2].amount")
        #expect(inner.description == "amount: not a number (at byte 12)")
    }
}
