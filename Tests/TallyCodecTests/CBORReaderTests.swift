// SPDX-License-Identifier: Apache-2.0
//
// The typed writer and reader: what one writes the other reads, at every boundary of the encoding,
// and each refusal of the typed reads with its place.

import TallyCodec
import TallyTypes
import Testing
import TestSupport

@Suite("CBOR writer and reader")
struct CBORReaderTests {
    @Test(
        "unsigned, at the boundaries",
        arguments: [
            (0, "00"), (23, "17"), (24, "1818"), (255, "18ff"), (256, "190100"),
            (65_535, "19ffff"), (65_536, "1a00010000"), (UInt64(UInt32.max), "1affffffff"),
            (1 << 32, "1b0000000100000000"), (.max, "1bffffffffffffffff"),
        ] as [(UInt64, String)]
    )
    func unsigned(value: UInt64, hex: String) throws {
        var writer = CBORWriter()
        writer.unsigned(value)
        #expect(writer.bytes == bytes(hex: hex))
        var reader = CBORReader(writer.bytes)
        #expect(try reader.readUnsigned("n") == value)
        try reader.expectEnd()
    }

    @Test(
        "signed, at the boundaries",
        arguments: [
            (0, "00"), (-1, "20"), (-24, "37"), (-25, "3818"), (-256, "38ff"), (-257, "390100"),
            (.max, "1b7fffffffffffffff"), (.min, "3b7fffffffffffffff"),
        ] as [(Int64, String)]
    )
    func signed(value: Int64, hex: String) throws {
        var writer = CBORWriter()
        writer.signed(value)
        #expect(writer.bytes == bytes(hex: hex))
        var reader = CBORReader(writer.bytes)
        #expect(try reader.readSigned("n") == value)
    }

    @Test("amounts, at the boundaries", arguments: RecordSamples.amounts)
    func amounts(amount: Amount) throws {
        var writer = CBORWriter()
        writer.amount(amount)
        let item = try CBORItem.decode(writer.bytes)
        #expect(item.diagnostic == amount.description)
        var reader = CBORReader(writer.bytes)
        #expect(try reader.readAmount("a") == amount)
        try reader.expectEnd()
    }

    @Test("all powers of two and their neighbours are one amount each")
    func powers() throws {
        for shift in 0..<256 {
            let power =
                shift < 128
                ? Amount(high: 0, low: 1 << UInt128(shift))
                : Amount(high: 1 << UInt128(shift - 128), low: 0)
            for amount in [power, need(power.subtracting(Amount(1)))] {
                var writer = CBORWriter()
                writer.amount(amount)
                #expect(try CBORItem.decode(writer.bytes).encoded == writer.bytes)
                var reader = CBORReader(writer.bytes)
                #expect(try reader.readAmount("a") == amount)
            }
        }
    }

    @Test("strings, containers and simple values in one run")
    func everything() throws {
        var bytes: [UInt8] = [0xEE]
        CBORWriter.append(to: &bytes) { writer in
            writer.arrayHeader(count: 8)
            writer.byteString([1, 2])
            writer.digest(RecordSamples.digest)
            writer.book(RecordSamples.book)
            writer.ascii("tx")
            writer.null()
            writer.bool(true)
            writer.bool(false)
            writer.mapHeader(count: 2)
            writer.unsigned(3)
            writer.null()
            writer.unsigned(24)
            writer.signed(-1)
        }
        #expect(bytes.first == 0xEE)
        #expect(try CBORItem.decode(bytes.dropFirst()).encoded == Array(bytes.dropFirst()))
        var reader = CBORReader(bytes.dropFirst())
        try reader.readArrayHeader(count: 8, "")
        #expect(try reader.readByteString("b") == [1, 2])
        #expect(try reader.readDigest("d") == RecordSamples.digest)
        #expect(try reader.readBook("i") == RecordSamples.book)
        #expect(try reader.readWord("w") == Array("tx".utf8)[...])
        let nulls = [reader.readNull(), reader.readNull()]
        #expect(nulls == [true, false])
        #expect(try reader.readTrue("t"))
        #expect(try !reader.readBool("f"))
        var map = try reader.readMapHeader("m")
        #expect(try reader.nextKey(&map, "m") == 3)
        let absent = try reader.readNullOr { reader throws(CBORError) in
            try reader.readUnsigned("n")
        }
        #expect(absent == nil)
        #expect(try reader.nextKey(&map, "m") == 24)
        let present = try reader.readNullOr { reader throws(CBORError) in
            try reader.readSigned("n")
        }
        #expect(present == -1)
        #expect(try reader.nextKey(&map, "m") == nil)
        #expect(reader.offset == bytes.count - 1)
        try reader.expectEnd()
    }

    typealias Read = @Sendable (inout CBORReader) throws -> Void

    static let refusals: [(hex: String, refusal: CBORRefusal, offset: Int, read: Read)] = [
        ("", .truncated, 0, { _ = try $0.readUnsigned("x") }),
        ("20", .wrongType, 0, { _ = try $0.readUnsigned("x") }),
        ("f93c00", .float, 0, { _ = try $0.readUnsigned("x") }),
        ("1817", .nonShortest, 0, { _ = try $0.readUnsigned("x") }),
        ("1b8000000000000000", .outOfRange, 0, { _ = try $0.readUnsigned63("x") }),
        ("1b8000000000000000", .outOfRange, 0, { _ = try $0.readSigned("x") }),
        ("3b8000000000000000", .outOfRange, 0, { _ = try $0.readSigned("x") }),
        ("60", .wrongType, 0, { _ = try $0.readSigned("x") }),
        ("20", .wrongType, 0, { _ = try $0.readAmount("x") }),
        ("c349010000000000000000", .outOfRange, 0, { _ = try $0.readAmount("x") }),
        ("c24101", .bignum, 0, { _ = try $0.readAmount("x") }),
        ("c0 60", .tag, 0, { _ = try $0.readAmount("x") }),
        ("4102", .wrongLength, 0, { _ = try $0.readBytes(count: 2, "x") }),
        ("4f000000000000000000000000000000", .wrongLength, 0, { _ = try $0.readBook("x") }),
        ("5820 00", .truncated, 2, { _ = try $0.readDigest("x") }),
        ("60", .wrongType, 0, { _ = try $0.readByteString("x") }),
        ("41 61", .wrongType, 0, { _ = try $0.readWord("x") }),
        ("63 555344", .illegalName, 0, { _ = try $0.readName("x", BookName.init(refusing:)) }),
        ("82 00 00", .wrongCount, 0, { try $0.readArrayHeader(count: 3, "x") }),
        ("82 00", .truncated, 1, { _ = try $0.readArrayHeader("x") }),
        ("a1 00", .truncated, 1, { _ = try $0.readMapHeader("x") }),
        ("80", .wrongType, 0, { _ = try $0.readMapHeader("x") }),
        ("f6", .wrongType, 0, { _ = try $0.readBool("x") }),
        ("e0", .simpleValue, 0, { _ = try $0.readBool("x") }),
        ("f4", .writtenDefault, 0, { _ = try $0.readTrue("x") }),
        ("a1 6161 00", .unknownKey, 1, { try $0.readKeys() }),
        ("a1 20 00", .keyType, 1, { try $0.readKeys() }),
        ("a1 1800 00", .nonShortest, 1, { try $0.readKeys() }),
        ("a2 00 00 00 00", .duplicateKey, 3, { try $0.readKeys() }),
        ("a2 01 00 00 00", .keyOrder, 3, { try $0.readKeys() }),
    ]

    @Test("typed refusals name the field and the place", arguments: refusals.indices)
    func refusal(at index: Int) throws {
        let row = CBORReaderTests.refusals[index]
        var reader = CBORReader(bytes(hex: row.hex))
        let error = try #require(throws: CBORError.self) { try row.read(&reader) }
        #expect(error == CBORError(row.refusal, at: row.offset, field: "x"), "\(row.hex)")
    }

    @Test("lengths and counts up to 2⁶⁴ − 1 neither trap nor allocate")
    func hugeLengths() throws {
        for first: UInt8 in [0x5B, 0x7B, 0x9B, 0xBB] {
            for argument: UInt64 in [1 << 32, UInt64(Int64.max), UInt64(Int64.max) + 1, .max] {
                let input = [first] + bigEndianBytes(argument) + [0, 0]
                let error = try #require(throws: CBORError.self) { try CBORItem.decode(input) }
                #expect(error.refusal == .truncated)
            }
        }
    }

    @Test("an error grows its path outwards")
    func path() {
        let error = CBORError(.truncated, at: 7, field: "amount").within("postings[2]")
        #expect(error.within("order").field == "order.postings[2].amount")
        #expect(error.description == "postings[2].amount: truncated (at byte 7)")
        #expect(CBORError(.depth, at: 0, field: "[1]").within("a").field == "a[1]")
        #expect(CBORError(.depth, at: 0).within("a").field == "a")
    }
}

extension BookName {
    /// Refuses every name, for a test of the refusal.
    fileprivate init?(refusing text: String) {
        nil
    }
}

extension CBORReader {
    /// Reads a map of unsigned keys and values under the field `x`.
    fileprivate mutating func readKeys() throws {
        var map = try readMapHeader("x")
        while try nextKey(&map, "x") != nil { _ = try readUnsigned("value") }
    }
}
