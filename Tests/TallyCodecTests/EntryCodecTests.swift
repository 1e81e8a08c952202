// SPDX-License-Identifier: Apache-2.0
//
// The bytes of entries: golden vectors (Tests/Vectors/entry.json), round trips, and what a strict
// decoder must refuse. Whatever it accepts, the encoder gives back.

import TallyCodec
import TallyTypes
import Testing
import TestSupport

@Suite("Entry codec")
struct EntryCodecTests {
    @Test("entries and batch bodies have the bytes of entry.json")
    func golden() throws {
        var file = GoldenFile("entry.json")
        file.list(
            "entries",
            EntrySamples.all.map {
                let bytes = EntryCodec.encode($0.value)
                return GoldenLine(
                    name: $0.name,
                    hex: hexadecimal(bytes),
                    diag: "\($0.value.keys.count) keys, \($0.value.submissions.count) submissions"
                )
            }
        )
        file.list(
            "batches",
            [
                GoldenLine(
                    name: "one transfer",
                    hex: hexadecimal(BatchBodyTests.example),
                    diag: "7 USD/2 from a to b"
                )
            ]
        )
        try file.check()
    }

    @Test("an entry comes back from its bytes", arguments: EntrySamples.all)
    func samples(_ sample: Sample<Entry>) throws {
        let bytes = EntryCodec.encode(sample.value)
        #expect(try EntryCodec.decode(bytes) == sample.value)
    }

    @Test("random entries come back from their bytes", arguments: UInt64(1)...100)
    func random(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let entry = Entry.random(&random)
        #expect(try EntryCodec.decode(EntryCodec.encode(entry)) == entry)
    }

    @Test("every truncation and a byte too many are refused", arguments: EntrySamples.all)
    func truncated(_ sample: Sample<Entry>) {
        let bytes = EntryCodec.encode(sample.value)
        for count in bytes.indices {
            #expect(throws: Malformed.self) { try EntryCodec.decode(Array(bytes[..<count])) }
        }
        #expect(throws: Malformed.self) { try EntryCodec.decode(bytes + [0]) }
    }

    @Test("what a changed byte leaves legal comes back as it was", arguments: UInt64(1)...60)
    func changed(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let sample =
            random.chance(1, in: 2)
            ? EntrySamples.all[random.below(EntrySamples.all.count)].value : .random(&random)
        let original = EntryCodec.encode(sample)
        for _ in 0..<200 {
            var bytes = original
            for _ in 0...random.below(3) {
                bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            do {
                let entry = try EntryCodec.decode(bytes)
                #expect(EntryCodec.encode(entry) == bytes, "seed \(seed)")
            } catch {
                #expect(error.offset <= bytes.count)
            }
        }
    }

    @Test("random bytes are refused without a trap", arguments: UInt64(1)...20)
    func noise(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            let bytes = [1, 0, 0, 0] + random.bytes(random.below(200))
            do { _ = try EntryCodec.decode(bytes) } catch { #expect(!error.reason.isEmpty) }
        }
    }

    // MARK: - One rule at a time

    /// The parts of a small legal entry, to be replaced one by one.
    struct Parts {
        var head: [UInt8] = [1, 0, 0, 0] + [UInt8](repeating: 0, count: 56)
        var prefixes: [UInt8] = [1, 0, 2, 0, 9, 9]
        var keys: [UInt8] = [2, 0, 0, 0] + [0, 0, 0, 0] + [0, 0, 0, 0]
        var seeds: [UInt8] = [0, 0, 0, 0]
        var witnesses: [UInt8] = [0, 0]
        var submissions: [UInt8] = [0, 0]

        var bytes: [UInt8] { head + prefixes + keys + seeds + witnesses + submissions }
    }

    /// An order of kind `book.delete` with these flags, fields and coverage.
    static func order(
        kind: UInt8 = 3,
        flags: UInt8 = 0,
        fields: [UInt8] = [],
        coverage: [UInt8] = [0, 0, 0, 0],
        bytes: [UInt8] = [1, 0, 0, 0, 0xa0]
    ) -> [UInt8] {
        [1, 0, 0, 1, 0, 1, 0, kind, flags] + fields + coverage + bytes
    }

    /// A batch without transfers.
    static func batch(
        flags: UInt8 = 0,
        name: [UInt8] = [1, 0x41],
        transfers: [UInt8] = [0, 0, 0, 0]
    ) -> [UInt8] {
        [1, 0, 1, flags] + name + [UInt8](repeating: 7, count: 32) + [0, 0, 0, 0] + transfers
    }

    static let legal: [(String, @Sendable (inout Parts) -> Void)] = [
        ("nothing", { _ in }),
        ("an order", { $0.submissions = order() }),
        ("coverage", { $0.submissions = order(coverage: [2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]) }),
        ("a name", { $0.submissions = order(flags: 1, fields: [1, 0x41]) }),
        ("an actor", { $0.submissions = order(flags: 16, fields: [0, 0]) }),
        ("a batch", { $0.submissions = batch() }),
        ("a seed", { $0.seeds = [1, 0, 0, 0] + [1, 0, 0, 0] + [0] }),
        (
            "a transfer",
            {
                $0.submissions = batch(
                    transfers: [1, 0, 0, 0] + [0, 0, 1, 0] + [UInt8](repeating: 0, count: 16)
                )
            }
        ),
    ]

    @Test("the parts of the next test are legal before they are broken")
    func legalParts() throws {
        for (name, change) in EntryCodecTests.legal {
            var parts = Parts()
            change(&parts)
            let entry = try EntryCodec.decode(parts.bytes)
            #expect(EntryCodec.encode(entry) == parts.bytes, "\(name)")
        }
    }

    static let broken: [(String, @Sendable (inout Parts) -> Void)] = [
        ("format", { $0.head[0] = 2 }), ("format", { $0.head[0] = 0 }),
        ("flags", { $0.head[1] = 2 }), ("zero", { $0.head[2] = 1 }),
        ("zero", { $0.head[3] = 1 }),
        ("prefixes.bytes", { $0.prefixes = [2, 0, 2, 0, 9, 9, 2, 0, 9, 9] }),
        ("prefixes", { $0.prefixes = [2, 0, 2, 0, 9, 9, 2, 0, 9, 8] }),
        (
            "keys.prefix",
            {
                $0.prefixes = [2, 0, 2, 0, 9, 9, 2, 0, 9, 8]
                $0.keys = [2, 0, 0, 0] + [1, 0, 0, 0] + [0, 0, 0, 0]
            }
        ),
        ("keys.prefix", { $0.keys = [1, 0, 0, 0] + [1, 0, 0, 0] }),
        ("keys.bytes", { $0.keys = [1, 0, 0, 0] + [0, 0, 1, 0, 9] }),
        ("seeds.key", { $0.seeds = [1, 0, 0, 0] + [2, 0, 0, 0] + [0] }),
        ("seeds.value", { $0.seeds = [1, 0, 0, 0] + [0, 0, 0, 0] + [2] }),
        ("submission.kind", { $0.submissions = [1, 0, 2] }),
        ("order.kind", { $0.submissions = order(kind: 0) }),
        ("order.kind", { $0.submissions = order(kind: 10) }),
        ("order.flags", { $0.submissions = order(flags: 128) }),
        ("order.flags", { $0.submissions = order(flags: 64) }),
        ("order.name", { $0.submissions = order(flags: 1, fields: [0]) }),
        ("order.name", { $0.submissions = order(flags: 1, fields: [1, 0x20]) }),
        ("order.actor", { $0.submissions = order(flags: 16, fields: [1, 0, 0xff]) }),
        ("order.coverage", { $0.submissions = order(coverage: [1, 0, 0, 0, 2, 0, 0, 0]) }),
        (
            "order.coverage",
            { $0.submissions = order(coverage: [2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]) }
        ),
        (
            "order.coverage",
            { $0.submissions = order(coverage: [2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]) }
        ),
        ("batch.flags", { $0.submissions = batch(flags: 1) }),
        ("batch.flags", { $0.submissions = batch(flags: 64) }),
        ("batch.name", { $0.submissions = batch(name: [0]) }),
        (
            "transfers",
            {
                $0.submissions = batch(
                    transfers: [1, 0, 0, 0] + [0, 0, 2, 0] + [UInt8](repeating: 0, count: 16)
                )
            }
        ),
        ("batch.transfers", { $0.submissions = batch(transfers: [9, 0, 0, 0]) }),
        ("end", { $0.submissions += [0] }),
    ]

    @Test("each rule of the decoder, with the field it names", arguments: broken.indices)
    func rules(_ position: Int) throws {
        let (field, change) = EntryCodecTests.broken[position]
        var parts = Parts()
        change(&parts)
        let error = #expect(throws: Malformed.self) { try EntryCodec.decode(parts.bytes) }
        #expect(error?.field == field)
    }

    @Test("an order in an entry has one form")
    func orderForm() {
        for bytes in [[0xa1, 0, 0], [0xb8, 0], [0xa0, 0]] as [[UInt8]] {
            var parts = Parts()
            parts.submissions = EntryCodecTests.order(bytes: [UInt8(bytes.count), 0, 0, 0] + bytes)
            #expect(throws: Malformed.self) { try EntryCodec.decode(parts.bytes) }
        }
    }

    private static func writeEight(into size: Int) {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
        defer { unsafe block.deallocate() }
        var out = unsafe RawWriter(block)
        out.integer(UInt32(1))
        out.integer(UInt32(2))
    }

    @Test("invariant 53 fires when more is written than a block holds")
    func invariant53() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            EntryCodecTests.writeEight(into: 7)
        }
        expectInvariant(.i53, in: exit)
    }
}
