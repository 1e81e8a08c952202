// SPDX-License-Identifier: Apache-2.0
//
// Records that are too large for one piece: which items stand beside them, the golden bytes of a
// leaf, and what is refused when they are put together.

import TallyCodec
import TallyProof
import TallyTypes
import Testing
import TestSupport

@Suite("Records with blobs")
struct RecordBlobTests {
    private static func text(_ count: Int) -> Text { Text(String(repeating: "k", count: count)) }

    /// A record whose order and outcome hold texts of these lengths.
    private static func record(order: Int, outcome: Int? = nil, actor: Text? = nil) -> Record {
        Record(
            index: RecordIndex(5),
            book: BookID(0x0198_F2C4_7A1C_7000, 0xB9D3_A1F0_C2D4_E681),
            sequence: BookSequence(2),
            previous: Digest(1, 2, 3, 4),
            time: Instant(microseconds: 1_790_000_000_000_250),
            idempotency: nil,
            salt: Salt(5, 6),
            order: .deleteBookMetadata(key: text(order)),
            outcome: outcome.map { .refused(.metadataNotFound(key: text($0))) }
                ?? .committed(.recorded),
            actor: actor
        )
    }

    private static func decode(_ encoded: EncodedRecord) throws -> Record {
        try RecordCodec.decode(encoded.leaf) { reference in
            let blob = encoded.blobs.first { $0.reference == reference }
            return try #require(blob).bytes
        }
    }

    @Test("the leaf of docs/formats/record.md, byte by byte")
    func golden() throws {
        let encoded = RecordCodec.split(RecordBlobTests.record(order: 70_000))
        #expect(
            hexadecimal(encoded.leaf)
                == [
                    "8a0105500198f2c47a1c7000b9d3a1f0c2d4e68102",
                    "58200000000000000001000000000000000200000000000000030000000000000004",
                    "1b00065bfeda25e0faf65000000000000000050000000000000006",
                    "6d626f6f6b2e6d6574612e64656c",
                    "a201810007821a00011177",
                    "58200bbffd1102f517dd95c388444b1f1dac9f2bfaf23fce1e8757ff7f96ef74aea4",
                ].joined()
        )
        let blob = try #require(encoded.blobs.first)
        #expect(hexadecimal(blob.bytes.prefix(9)) == "a1017a000111706b6b")
        #expect(blob.bytes.count == 70_007)
        #expect(blob.reference.digest == Hashing.sha256(blob.bytes))
    }

    @Test(
        "the larger item stands beside the record, and both when that is not enough",
        arguments: [
            (60_000, 0, []), (64_000, nil, []), (70_000, nil, ["order"]), (70_000, 9, ["order"]),
            (9, 70_000, ["outcome"]), (30_000, 40_000, ["outcome"]), (40_000, 30_000, ["order"]),
            (40_000, 40_000, ["outcome"]), (40_002, 40_000, ["outcome"]),
            (40_003, 40_000, ["order"]), (70_000, 70_000, ["order", "outcome"]),
            (90_000, 66_000, ["order", "outcome"]), (520_000, 520_000, ["order", "outcome"]),
        ] as [(Int, Int?, [String])]
    )
    func rule(order: Int, outcome: Int?, moved: [String]) throws {
        let record = RecordBlobTests.record(
            order: order,
            outcome: outcome,
            actor: RecordBlobTests.text(1_024)
        )
        let encoded = RecordCodec.split(record)
        #expect(encoded.leaf.count <= Limits.recordBytesMax)
        let names = encoded.blobs.map {
            $0.bytes == OrderCodec.encode(record.order) ? "order" : "outcome"
        }
        #expect(names == moved)
        #expect(try RecordBlobTests.decode(encoded) == record)
        #expect(try encoded.record() == record)
        #expect(try RecordCodec.decodeWhole(try encoded.whole()) == record)
        #expect(try RecordCodec.parse(encoded.leaf[...]).index == record.index)
        if !moved.isEmpty {
            let error = #expect(throws: Malformed.self) { try RecordCodec.decode(encoded.leaf) }
            #expect(error?.reason == "blob-not-given" && error?.field == moved[0])
        }
    }

    @Test("a record of 65,535 bytes is one piece, one byte more is not")
    func boundary() throws {
        let room =
            Limits.recordBytesMax - RecordCodec.encode(RecordBlobTests.record(order: 300)).count
        for (more, blobs) in [(0, 0), (1, 1)] {
            let record = RecordBlobTests.record(order: 300 + room + more)
            #expect(RecordCodec.encode(record).count == 65_535 + more)
            let encoded = RecordCodec.split(record)
            #expect(encoded.blobs.count == blobs)
            #expect(try RecordBlobTests.decode(encoded) == record)
        }
    }

    /// A leaf whose order, or outcome, stands beside it although the rule leaves it in.
    private func leaf(_ payload: (BlobReference) -> [UInt8], _ blob: [UInt8]) -> EncodedRecord {
        let digest = Hashing.sha256(blob)
        let small = RecordCodec.encode(RecordBlobTests.record(order: 3))
        let end = small.count - RecordBlobTests.smallPayload.count
        let reference = BlobReference(length: blob.count, digest: digest)
        return EncodedRecord(
            leaf: Array(small[..<end]) + payload(reference),
            blobs: [Blob(blob, digest: digest)]
        )
    }

    /// The map {0: {1: "kkk"}, 1: [0]}.
    private static let smallPayload: [UInt8] = [
        0xA2, 0x00, 0xA1, 0x01, 0x63, 0x6B, 0x6B, 0x6B, 0x01, 0x81, 0x00,
    ]

    private func array(_ reference: BlobReference) -> [UInt8] {
        let length = UInt32(reference.length)
        let head: [UInt8] =
            length < 24
            ? [UInt8(length)]
            : [0x1A] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
        return [0x82] + head + [0x58, 0x20] + reference.digest.bytes
    }

    @Test("a blob that the record does not need is refused")
    func needless() throws {
        let order = OrderCodec.encode(.deleteBookMetadata(key: "kkk"))
        #expect(
            RecordCodec.encode(RecordBlobTests.record(order: 3)).suffix(11).elementsEqual(
                RecordBlobTests.smallPayload
            )
        )
        let small = leaf({ [0xA2, 0x01, 0x81, 0x00, 0x07] + array($0) }, order)
        let large = OrderCodec.encode(.deleteBookMetadata(key: RecordBlobTests.text(70_000)))
        let outcome = leaf({ [0xA2, 0x00] + order + [0x08] + array($0) }, [0x81, 0x00])
        for encoded in [small, outcome] {
            let error = #expect(throws: Malformed.self) { try encoded.record() }
            #expect(error?.reason == "needless-blob")
        }
        let needed = leaf({ [0xA2, 0x01, 0x81, 0x00, 0x07] + array($0) }, large)
        #expect(try needed.record().order == .deleteBookMetadata(key: RecordBlobTests.text(70_000)))
    }

    @Test("blobs of another number, length or shape are refused")
    func refusals() throws {
        let encoded = RecordCodec.split(RecordBlobTests.record(order: 70_000, outcome: 70_000))
        guard case .lacking(let record) = try RecordCodec.parse(encoded.leaf[...]) else {
            Issue.record("it lacks nothing")
            return
        }
        let blobs = encoded.blobs.map(\.bytes)
        #expect(try record.completed(with: blobs).index == RecordIndex(5))
        func refusal(_ blobs: [[UInt8]]) -> String? {
            do {
                _ = try record.completed(with: blobs)
                return nil
            } catch {
                return "\(error.reason) in \(error.field)"
            }
        }
        #expect(refusal([]) == "blob-not-given in order")
        #expect(refusal([blobs[0]]) == "blob-not-given in order")
        #expect(refusal([blobs[0], Array(blobs[1].dropLast())]) == "blob-not-given in order")
        #expect(refusal(blobs + [[0]]) == "blob-not-given in order")
        var order = blobs[0]
        order[0] = 0xA2
        #expect(refusal([order, blobs[1]]) == "truncated in order")
        var outcome = blobs[1]
        outcome[outcome.count - 1] = 0xFF
        #expect(refusal([blobs[0], outcome]) == "utf8 in outcome.key")
        let shifted = EncodedRecord(leaf: encoded.leaf, blobs: encoded.blobs.reversed())
        let error = #expect(throws: Malformed.self) { try shifted.record() }
        #expect(error?.reason == "blob-not-given")
    }

    @Test("a reference names bytes by their number and their SHA-256")
    func names() {
        let bytes: [UInt8] = [1, 2, 3]
        let digest = Hashing.sha256(bytes)
        #expect(BlobReference(length: 3, digest: digest).names(bytes))
        #expect(!BlobReference(length: 4, digest: digest).names(bytes))
        #expect(!BlobReference(length: 3, digest: digest).names([1, 2, 4]))
    }

    @Test("invariant 51 fires on an item that is larger than a blob")
    func tooLarge() async {
        await #expect(processExitsWith: .failure) {
            _ = RecordCodec.split(RecordBlobTests.record(order: 524_288))
        }
    }
}
