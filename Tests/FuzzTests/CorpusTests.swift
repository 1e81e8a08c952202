// SPDX-License-Identifier: Apache-2.0
//
// Replays the fuzzers' corpora, and seeded mutations of them, through every decoder that reads
// bytes from outside: JSON, records, entries, batches. A decoder either gives a value or an error;
// it never traps.

import TallyCodec
import TallyTypes
import TestSupport
import Testing

@Suite("Fuzz corpora")
struct CorpusTests {
    private typealias Decoder = (name: String, run: @Sendable ([UInt8]) -> Bool)

    /// True when the bytes were accepted.
    private static let decoders: [Decoder] = [
        (
            "json",
            { bytes in
                do throws(Malformed) {
                    let value = try JSONReader.parse(bytes)
                    let text = JSONText(value)
                    #expect(try text.value() == value)
                    return true
                } catch {
                    return false
                }
            }
        ),
        (
            "record",
            { bytes in
                do throws(Malformed) {
                    let record = try RecordCodec.decode(bytes)
                    #expect(RecordCodec.encode(record) == bytes)
                    return true
                } catch {
                    return false
                }
            }
        ),
        (
            "entry",
            { bytes in
                do throws(Malformed) {
                    let entry = try EntryCodec.decode(bytes)
                    #expect(try EntryCodec.decode(EntryCodec.encode(entry)) == entry)
                    return true
                } catch {
                    return false
                }
            }
        ),
        (
            "batch",
            { bytes in
                do throws(Malformed) {
                    _ = try BatchBody.decode(bytes)
                    return true
                } catch {
                    return false
                }
            }
        ),
    ]

    private static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for target in ["json", "record"] {
            seeds += try Vectors.corpus(of: target).map(\.bytes)
        }
        seeds.append(
            BatchBody.encode(
                assets: [Array("USD/2".utf8)],
                accounts: [Array("a".utf8), Array("b".utf8)],
                items: [BatchBody.Item(source: 0, destination: 1, asset: 0, amount: 7)]
            )
        )
        seeds.append(
            EntryCodec.encode(
                Entry(
                    epoch: Epoch(1),
                    predicted: LogIndex(2),
                    time: Instant(microseconds: 3),
                    saltSeed: Digest(4, 5, 6, 7)
                )
            )
        )
        return seeds
    }

    @Test("every corpus file goes through every decoder, and some are accepted")
    func corpora() throws {
        let seeds = try CorpusTests.seeds()
        #expect(seeds.count > 20)
        for decoder in CorpusTests.decoders {
            let accepted = seeds.count { decoder.run($0) }
            #expect(accepted > 0, "\(decoder.name) accepts nothing of the corpora")
            #expect(accepted < seeds.count, "\(decoder.name) accepts everything")
        }
    }

    @Test("mutations of the corpora never trap a decoder", arguments: [20_261_121, 7])
    func mutations(_ seed: UInt64) throws {
        print("seed \(seed)")
        var random = SeededRandom(seed: seed)
        let seeds = try CorpusTests.seeds()
        var refused = 0
        for _ in 0..<4_000 {
            var bytes = seeds[random.below(seeds.count)]
            for _ in 0...random.below(3) { mutate(&bytes, &random) }
            for decoder in CorpusTests.decoders where !decoder.run(bytes) { refused += 1 }
        }
        #expect(refused > 4_000)
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return }
        let position = random.below(bytes.count)
        switch random.below(4) {
        case 0: bytes[position] ^= 1 << UInt8(random.below(8))
        case 1: bytes.remove(at: position)
        case 2: bytes.insert(UInt8(random.below(256)), at: position)
        default: bytes.removeLast(bytes.count - position)
        }
    }
}
