// SPDX-License-Identifier: Apache-2.0
//
// Properties of the JSON reader and writer over many inputs: seeded mutations, the fuzzer's
// corpus, an independent reader's verdicts, and the outside test data.

import Foundation
import TallyCodec
import TallyTypes
import TestSupport
import Testing

/// What became of an input.
private enum Verdict {
    case accepted
    case refused
}

/// Checks that an input is refused inside its bounds, or survives writing and reading.
private func check(_ input: [UInt8], _ comment: Comment) -> Verdict {
    let value: JSONValue
    do {
        value = try JSONReader.parse(input)
    } catch {
        #expect(error.offset >= 0 && error.offset <= input.count, comment)
        return .refused
    }
    do {
        let text = JSONText(value)
        let again = try text.value()
        #expect(again == value, comment)
        #expect(again.exactEquals(value), comment)
        #expect(JSONText(again) == text, comment)
        var writer = JSONWriter(style: .go)
        writer.value(value)
        let escaped = try JSONReader.parse(writer.bytes, limits: JSONLimits(bytesMax: .max))
        #expect(escaped == value, comment)
    } catch {
        Issue.record(error, "refuses what it wrote: \(comment)")
    }
    return .accepted
}

@Suite("JSON properties")
struct JSONFuzzTests {
    /// Makes a value at random, at most so deep.
    private func value(_ random: inout SeededRandom, depth: Int) -> JSONValue {
        switch random.below(depth > 0 ? 8 : 5) {
        case 0: return .null
        case 1: return .bool(random.chance(1, in: 2))
        case 2: return .number(JSONNumber(random.next() >> UInt64(random.below(64))))
        case 3, 4: return .string(text(&random))
        case 5, 6:
            return .array(
                JSONArray((0..<random.below(5)).map { _ in value(&random, depth: depth - 1) })
            )
        default:
            let members = (0..<random.below(6)).map { index in
                JSONObject.Member(
                    key: Text("\(index)" + text(&random).string),
                    value: value(&random, depth: depth - 1)
                )
            }
            return .object(JSONObject(members) ?? .empty)
        }
    }

    private func text(_ random: inout SeededRandom) -> Text {
        let alphabet = Array(
            "ab\"\\/<>&\u{0}\u{8}\u{1F}\u{7F}é€\u{2028}\u{2029}\u{A8}😀".unicodeScalars
        )
        var scalars = String.UnicodeScalarView()
        for _ in 0..<random.below(8) {
            scalars.append(alphabet[random.below(alphabet.count)])
        }
        return Text(String(scalars))
    }

    @Test("reading what was written gives the value again", arguments: [UInt64(1), 2, 3, 4])
    func writeThenRead(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let value = value(&random, depth: 5)
            for style in [JSONStyle.go, .plain] {
                var writer = JSONWriter(style: style)
                writer.value(value)
                #expect(try JSONReader.parse(writer.bytes) == value, "seed \(seed)")
            }
            var sorted = JSONWriter(style: .plain)
            sorted.value(value, order: .sorted)
            #expect(try JSONReader.parse(sorted.bytes).exactEquals(value), "seed \(seed)")
        }
    }

    @Test("mutations of the corpus never trap", arguments: [UInt64(31), 32, 33, 34])
    func mutations(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let corpus = try Vectors.corpus(of: "json").map(\.bytes)
        let alphabet =
            Array("{}[]:,\"\\ud8c0 019-+.eE\u{0}\u{1F}".utf8) + [
                0x80, 0xC3, 0xED, 0xA0, 0xF4, 0xFF,
            ]
        var accepted = 0
        for _ in 0..<4_000 {
            var bytes = corpus[random.below(corpus.count)]
            for _ in 0...random.below(3) where !bytes.isEmpty {
                let place = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[place] = alphabet[random.below(alphabet.count)]
                case 1: bytes.insert(alphabet[random.below(alphabet.count)], at: place)
                case 2: bytes.remove(at: place)
                default: bytes = Array(bytes[..<place]) + corpus[random.below(corpus.count)]
                }
            }
            accepted += check(bytes, "seed \(seed)") == .accepted ? 1 : 0
        }
        #expect(accepted > 100, "seed \(seed) tests too little")
    }

    @Test("random bytes never trap", arguments: [UInt64(41), 42])
    func randomBytes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var refused = 0
        for _ in 0..<5_000 {
            let bytes = random.bytes(random.below(40))
            refused += check(bytes, "seed \(seed)") == .refused ? 1 : 0
        }
        #expect(refused > 4_000, "seed \(seed)")
    }

    @Test("the fuzzer's corpus holds")
    func corpus() throws {
        let inputs = try Vectors.corpus(of: "json")
        var accepted = 0
        for input in inputs {
            accepted += check(input.bytes, "corpus \(input.name)") == .accepted ? 1 : 0
        }
        #expect(inputs.count >= 24 && accepted >= 12 && accepted < inputs.count)
    }

    @Test("an independent reader agrees on what is JSON and on its compact form")
    func agreement() throws {
        let lines = try Vectors.text(of: "json-agreement.txt").split(separator: "\n").dropFirst()
        var accepted = 0
        for line in lines {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false).map(
                String.init
            )
            let input = try #require(bytes(ofHex: parts[1]))
            let written: [UInt8]?
            do {
                written = JSONText(try JSONReader.parse(input)).text.utf8
            } catch {
                written = nil
            }
            let expected = parts[0] == "accept" ? parts.last : nil
            let shown = String(decoding: input, as: UTF8.self)
            #expect(written.map { hexadecimal($0) } == expected, "\(shown)")
            accepted += written == nil ? 0 : 1
        }
        #expect(lines.count > 1_000 && accepted > 150)
    }

    private func bytes(ofHex text: String) -> [UInt8]? {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }

    @Test("all outside test data is read and survives", .needsSharedData)
    func sharedData() throws {
        let root = try SharedData.url(for: "conformance")
        let files = try FileManager.default.subpathsOfDirectory(atPath: root.path).sorted()
        var values = 0
        for file in files where file.hasSuffix(".json") || file.hasSuffix(".jsonl") {
            let bytes = try SharedData.bytes(of: "conformance/" + file)
            var stream = JSONStream(limits: JSONLimits(bytesMax: .max))
            while let value = try stream.next(in: bytes) {
                #expect(
                    try JSONText(value).value() == value,
                    "\(file) before byte \(stream.offset)"
                )
                values += 1
            }
        }
        #expect(values > 200)
    }
}
