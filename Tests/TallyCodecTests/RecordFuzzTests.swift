// SPDX-License-Identifier: Apache-2.0
//
// Random and mutated bytes through every decoder of canonical bytes, and random values through
// every codec. No input may trap; what a decoder accepts has exactly one encoding. The corpus of
// the coverage-guided fuzzer (Tests/Fuzz/record) is replayed here.

import TallyCodec
import TallyTypes
import Testing
import TestSupport

/// One decoder with its encoder: nil when the bytes are refused.
private struct RoundTrip: Sendable {
    let name: String
    let again: @Sendable ([UInt8]) throws(Malformed) -> [UInt8]
}

private let roundTrips: [RoundTrip] =
    [
        RoundTrip(name: "record") { input throws(Malformed) in
            RecordCodec.encode(try RecordCodec.decode(input))
        },
        RoundTrip(name: "key") { input throws(Malformed) in
            StateCodec.encodeKey(try StateCodec.decodeKey(input))
        },
        RoundTrip(name: "scalars") { input throws(Malformed) in
            StateCodec.encodeScalars(try StateCodec.decodeScalars(input))
        },
        RoundTrip(name: "item") { input throws(Malformed) in
            do throws(CBORError) {
                return try CBORItem.decode(input).encoded
            } catch {
                throw error.malformed
            }
        },
    ]
    + OrderKind.allCases.map { kind in
        RoundTrip(name: kind.word) { input throws(Malformed) in
            OrderCodec.encode(try OrderCodec.decode(kind: kind, input))
        }
    }
    + StateKeyKind.allCases.map { kind in
        RoundTrip(name: "\(kind)") { input throws(Malformed) in
            StateCodec.encodeValue(try StateCodec.decodeValue(kind: kind, input))
        }
    }

/// What the decoders made of some inputs.
private struct Findings {
    var accepted = 0
    var problems: [String] = []

    /// Runs decoders over an input.
    mutating func run(_ roundTrips: [RoundTrip], over input: [UInt8]) {
        for roundTrip in roundTrips {
            do throws(Malformed) {
                let again = try roundTrip.again(input)
                accepted += 1
                if again != input { report(roundTrip, "another encoding", input) }
            } catch {
                let isInside = (0...input.count).contains(error.offset)
                if !isInside { report(roundTrip, "offset \(error.offset)", input) }
                let isNamed = CBORRefusal(rawValue: error.reason) != nil
                if !isNamed { report(roundTrip, "reason \(error.reason)", input) }
            }
        }
    }

    private mutating func report(_ roundTrip: RoundTrip, _ what: String, _ input: [UInt8]) {
        problems.append("\(roundTrip.name): \(what): \(hexadecimal(input))")
    }
}

@Suite("Canonical bytes: random input")
struct RecordFuzzTests {
    /// All golden bytes of this module.
    static let goldens: [[UInt8]] =
        RecordSamples.records.map { RecordCodec.encode($0.value) }
        + RecordSamples.orders.map { OrderCodec.encode($0.value) }
        + StateSamples.keys.map { StateCodec.encodeKey($0.value) }
        + StateSamples.rows.map { StateCodec.encodeValue($0.value.1) }
        + StateSamples.scalars.map { StateCodec.encodeScalars($0.value) }

    @Test("mutated golden bytes", arguments: [1, 2, 3] as [UInt64])
    func mutated(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var findings = Findings()
        for _ in 0..<4_000 {
            var input = RecordFuzzTests.goldens[random.below(RecordFuzzTests.goldens.count)]
            for _ in 0...random.below(3) { mutate(&input, &random) }
            findings.run(roundTrips, over: input)
        }
        #expect(findings.problems == [], "seed \(seed)")
        // Many a flipped bit lies inside a hash or a text and is no fault of form.
        #expect(findings.accepted > 400, "seed \(seed)")
    }

    @Test("random bytes", arguments: [11, 12] as [UInt64])
    func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var findings = Findings()
        for _ in 0..<4_000 {
            findings.run(roundTrips, over: random.bytes(random.below(40)))
        }
        #expect(findings.problems == [], "seed \(seed)")
        #expect(findings.accepted > 0, "seed \(seed)")
    }

    @Test("random items come back from their bytes", arguments: [21, 22] as [UInt64])
    func items(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<2_000 {
            let item = CBORItem.random(depth: 0, &random)
            #expect(try CBORItem.decode(item.encoded) == item, "seed \(seed)")
        }
    }

    @Test("random records come back from their bytes", arguments: [31, 32] as [UInt64])
    func records(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<2_000 {
            let record = Record.random(&random)
            let bytes = RecordCodec.encode(record)
            #expect(try RecordCodec.decode(bytes) == record, "seed \(seed)")
            #expect(try CBORItem.decode(bytes).encoded == bytes, "seed \(seed)")
        }
    }

    @Test("the corpus of the coverage-guided fuzzer")
    func corpus() throws {
        var findings = Findings()
        for input in try Vectors.corpus(of: "record") {
            findings.run(roundTrips, over: input.bytes)
        }
        #expect(findings.problems == [])
        #expect(findings.accepted > 40)
    }

    @Test("a decoder that takes two forms of a value is found")
    func canary() {
        let lenient = RoundTrip(name: "lenient") { input throws(Malformed) in
            input.first == 0x18 ? Array(input.dropFirst()) : input
        }
        let vague = RoundTrip(name: "vague") { _ throws(Malformed) in
            throw Malformed("something is wrong", offset: 99)
        }
        var findings = Findings()
        findings.run([lenient], over: [0x18, 0x05])
        #expect(findings.problems == ["lenient: another encoding: 1805"])
        findings.run([vague], over: [0x00])
        #expect(findings.problems.count == 3)
    }

    private func mutate(_ input: inout [UInt8], _ random: inout SeededRandom) {
        guard !input.isEmpty else { return input = random.bytes(3) }
        let place = random.below(input.count)
        switch random.below(7) {
        case 0: input[place] ^= 1 << UInt8(random.below(8))
        case 1: input[place] = random.bytes(1)[0]
        case 2: input.remove(at: place)
        case 3: input.insert(random.bytes(1)[0], at: place)
        case 4: input.removeSubrange(place...)
        case 5: input[place] &+= random.chance(1, in: 2) ? 1 : 255
        default:
            let other = RecordFuzzTests.goldens[random.below(RecordFuzzTests.goldens.count)]
            let start = random.below(other.count)
            let end = min(other.count, start + 1 + random.below(24))
            input.replaceSubrange(place..<place, with: other[start..<end])
        }
    }
}
