// SPDX-License-Identifier: Apache-2.0
//
// Which text may be a text string: compared with another program's tables of Unicode 14.0 for every
// code point, and for texts made of the letters and marks that compose.

import Foundation
import TallyCodec
import TallyTypes
import Testing
import TestSupport

private struct UnicodeVectors: Decodable {
    let unicode: String
    let assigned: [[UInt32]]
    let not_nfc_alone: [[UInt32]]
    let texts: [Line]

    struct Line: Decodable {
        let hex: String
        let isNormalized: Bool
        let isAssigned: Bool

        init(from decoder: any Decoder) throws {
            var line = try decoder.unkeyedContainer()
            hex = try line.decode(String.self)
            isNormalized = try line.decode(Bool.self)
            isAssigned = try line.decode(Bool.self)
        }
    }

    init() throws {
        self = try JSONDecoder().decode(
            UnicodeVectors.self,
            from: Data(Vectors.bytes(of: "cbor-unicode.json"))
        )
    }
}

@Suite("CBOR free text")
struct CBORTextTests {
    @Test("every code point: assigned in Unicode 14.0, normalized on its own")
    func codePoints() throws {
        let vectors = try UnicodeVectors()
        #expect(vectors.unicode == "14.0.0")
        #expect(CBORText.unicodeVersion == (major: 14, minor: 0))
        var assigned = [Bool](repeating: false, count: 0x110000)
        for range in vectors.assigned {
            for value in range[0]...range[1] { assigned[Int(value)] = true }
        }
        var normalized = [Bool](repeating: true, count: 0x110000)
        for range in vectors.not_nfc_alone {
            for value in range[0]...range[1] { normalized[Int(value)] = false }
        }
        var wrong: [UInt32] = []
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isRight =
                CBORText.isAssigned(scalar) == assigned[Int(value)]
                && CBORText.isNormalized(String(scalar)) == normalized[Int(value)]
                && CBORText.qualifies(String(scalar))
                    == (assigned[Int(value)] && normalized[Int(value)])
            if !isRight { wrong.append(value) }
        }
        #expect(wrong == [], "\(wrong.prefix(10).map { String($0, radix: 16) })")
    }

    @Test("texts of composing letters and marks, some with code points that Unicode 14 lacks")
    func texts() throws {
        let lines = try UnicodeVectors().texts
        #expect(lines.count > 1_500)
        for isNormalized in [true, false] {
            for isAssigned in [true, false] {
                let count = lines.count {
                    $0.isNormalized == isNormalized && $0.isAssigned == isAssigned
                }
                #expect(count > 20)
            }
        }
        for line in lines {
            let text = need(Text(utf8: bytes(hex: line.hex)))
            #expect(CBORText.isNormalized(text.string) == line.isNormalized, "\(line.hex)")
            var writer = CBORWriter()
            writer.text(text)
            let isTextString = (writer.bytes.first ?? 0) & 0xE0 == 0x60
            #expect(isTextString == (line.isNormalized && line.isAssigned), "\(line.hex)")
            var reader = CBORReader(writer.bytes)
            #expect(try reader.readText("t") == text)
            try reader.expectEnd()
        }
    }

    @Test("the profile takes code points that Unicode 14 lacks, a field does not")
    func profileAndField() throws {
        for hex in ["62 cdb8", "63 ed9fbf", "64 f09faba8", "67 61 cdb8 f09faba8"] {
            let input = bytes(hex: hex)
            #expect(try CBORItem.decode(input).encoded == input)
            var reader = CBORReader(input)
            let error = try #require(throws: CBORError.self) { try reader.readText("name") }
            #expect(error == CBORError(.notNormalized, at: 0, field: "name"))
        }
    }

    @Test(
        "the other form of a text is refused",
        arguments: [
            ("41 61", CBORRefusal.textAsBytes), ("40", .textAsBytes), ("42 c3a9", .textAsBytes),
            ("41 ff", .utf8), ("42 c080", .utf8), ("43 eda080", .utf8), ("61 ff", .utf8),
            ("63 65cc81", .notNormalized), ("64 f09faba8", .notNormalized),
            ("62 cdb8", .notNormalized), ("00", .wrongType), ("80", .wrongType), ("f6", .wrongType),
        ]
    )
    func otherForm(hex: String, refusal: CBORRefusal) throws {
        var reader = CBORReader(bytes(hex: hex))
        let error = try #require(throws: CBORError.self) { try reader.readText("name") }
        #expect(error == CBORError(refusal, at: 0, field: "name"))
    }

    @Test(
        "text that cannot be a text string is read from its bytes",
        arguments: ["43 65cc81", "44 f09faba8", "42 cdb8"]
    )
    func asBytes(hex: String) throws {
        let input = bytes(hex: hex)
        var reader = CBORReader(input)
        let text = try reader.readText("name")
        #expect(text.utf8 == Array(input.dropFirst()))
        var writer = CBORWriter()
        writer.text(text)
        #expect(writer.bytes == input)
    }
}
