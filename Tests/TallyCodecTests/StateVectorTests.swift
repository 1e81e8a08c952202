// SPDX-License-Identifier: Apache-2.0
//
// Golden bytes of keys and rows: Tests/Vectors/state.json, and what their decoders refuse.

import TallyCodec
import TallyTypes
import Testing
import TestSupport

@Suite("State codec")
struct StateVectorTests {
    @Test("keys, rows and scalars have the bytes of state.json")
    func golden() throws {
        var file = GoldenFile("state.json")
        file.list(
            "keys",
            StateSamples.keys.map {
                let bytes = StateCodec.encodeKey($0.value)
                return GoldenLine(name: $0.name, hex: hexadecimal(bytes), diag: "\($0.value.kind)")
            }
        )
        file.list(
            "rows",
            try StateSamples.rows.map {
                try line("\($0.value.0) | \($0.name)", StateCodec.encodeValue($0.value.1))
            }
        )
        file.list(
            "scalars",
            try StateSamples.scalars.map { try line($0.name, StateCodec.encodeScalars($0.value)) }
        )
        file.list("reject", StateVectorTests.rejects.map(\.line))
        try file.check()
    }

    private func line(_ name: String, _ bytes: [UInt8]) throws -> GoldenLine {
        let item = try CBORItem.decode(bytes)
        return GoldenLine(name: name, hex: hexadecimal(bytes), diag: item.diagnostic)
    }

    @Test("a key comes back from its bytes", arguments: StateSamples.keys)
    func key(_ sample: Sample<StateKey>) throws {
        let bytes = StateCodec.encodeKey(sample.value)
        #expect(try StateCodec.decodeKey(bytes) == sample.value)
        #expect(Array(bytes.prefix(2)) == [1, sample.value.kind.rawValue])
        #expect(Array(bytes[2..<18]) == sample.value.book.bytes)
        var appended: [UInt8] = [9]
        StateCodec.appendKey(sample.value, to: &appended)
        #expect(appended == [9] + bytes)
        #expect(try StateCodec.decodeKey(appended[1...]) == sample.value)
        for count in 0..<bytes.count {
            let error = try #require(throws: Malformed.self) {
                try StateCodec.decodeKey(bytes.prefix(count))
            }
            #expect(error.reason == "truncated")
        }
        let error = try #require(throws: Malformed.self) { try StateCodec.decodeKey(bytes + [0]) }
        #expect(error.reason == "trailing-bytes")
    }

    @Test("a row comes back from its bytes", arguments: StateSamples.rows)
    func row(_ sample: Sample<(StateKeyKind, StateValue)>) throws {
        let (kind, value) = sample.value
        let bytes = StateCodec.encodeValue(value)
        #expect(try StateCodec.decodeValue(kind: kind, bytes) == value)
        var appended: [UInt8] = [9]
        StateCodec.appendValue(value, to: &appended)
        #expect(appended == [9] + bytes)
        #expect(try StateCodec.decodeValue(kind: kind, appended[1...]) == value)
        for count in 0..<bytes.count {
            #expect(throws: Malformed.self) {
                try StateCodec.decodeValue(kind: kind, bytes.prefix(count))
            }
        }
    }

    @Test("scalars come back from their bytes", arguments: StateSamples.scalars)
    func scalars(_ sample: Sample<LedgerScalars>) throws {
        let bytes = StateCodec.encodeScalars(sample.value)
        #expect(try StateCodec.decodeScalars(bytes) == sample.value)
        for count in 0..<bytes.count {
            #expect(throws: Malformed.self) { try StateCodec.decodeScalars(bytes.prefix(count)) }
        }
    }

    @Test("keys of one book, kind and asset stand together, and lengths keep parts apart")
    func order() {
        let keys = StateSamples.keys.map { StateCodec.encodeKey($0.value) }
        #expect(Set(keys).count == keys.count)
        let apart = [
            StateKey.entity(.system, type: "ab", id: "c"),
            StateKey.entity(.system, type: "a", id: "bc"),
        ]
        #expect(StateCodec.encodeKey(apart[0]) != StateCodec.encodeKey(apart[1]))
    }

    @Test("the samples hold every kind of key and row")
    func coverage() {
        #expect(Set(StateSamples.keys.map(\.value.kind)) == Set(StateKeyKind.allCases))
        #expect(Set(StateSamples.rows.map(\.value.0)) == Set(StateKeyKind.allCases))
    }

    private static let book = "0198f2c47a1c7000b9d3a1f0c2d4e681"
    private static let zero = "00000000000000000000000000000000"
    private static let digest =
        "5820 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    static let rejects: [RejectRow] = [
        RejectRow("key", "", .truncated, "format"),
        RejectRow("key", "02 01" + book, .unknownFormat, "format"),
        RejectRow("key", "01 00" + book, .unknownKind, "kind"),
        RejectRow("key", "01 0a" + book, .unknownKind, "kind"),
        RejectRow("key", "01 01" + book + "00", .trailingBytes),
        RejectRow("key", "01 02" + book + "0001 61", .outOfRange, "book"),
        RejectRow("key", "01 02" + zero + "0000", .illegalName, "name"),
        RejectRow("key", "01 02" + zero + "0001 3a", .illegalName, "name"),
        RejectRow("key", "01 03" + book + "0001 75 0001 61", .illegalName, "asset"),
        RejectRow("key", "01 03" + book + "0001 55 0000", .illegalName, "account"),
        RejectRow("key", "01 03" + book + "0001 55", .truncated, "account"),
        RejectRow("key", "01 03" + book + "ffff 55", .truncated, "asset"),
        RejectRow("key", "01 04" + book + "0001 61 0001 ff", .utf8, "key"),
        RejectRow("key", "01 05" + book + "0004 00000001", .wrongLength, "id"),
        RejectRow("key", "01 07" + book + "0001 00", .wrongLength, "hash"),
        RejectRow("key", "01 06" + book + "0002 c080", .utf8, "reference"),
        RejectRow("volume", "80", .wrongCount),
        RejectRow("volume", "a0", .wrongType),
        RejectRow("volume", "83 02 00 00", .unknownFormat, "format"),
        RejectRow("volume", "82 01 00", .wrongCount),
        RejectRow("volume", "83 01 00 20", .wrongType, "output"),
        RejectRow("volume", "83 01 00 00 00", .trailingBytes),
        RejectRow("volume", "83 01 c24101 00", .bignum, "input"),
        RejectRow("bookName", "82 01 40", .wrongLength, "book"),
        RejectRow("accountMetadata", "82 01 4161", .textAsBytes, "text"),
        RejectRow("bookMetadata", "82 01 f6", .wrongType, "text"),
        RejectRow("transactionState", "83 01 f6 f6", .empty),
        RejectRow("transactionState", "83 01 60 f6", .wrongType, "revertedBy"),
        RejectRow("transactionState", "83 01 f6 a0", .wrongType, "metadata"),
        RejectRow("reference", "82 01 f6", .wrongType, "transaction"),
        RejectRow("idempotency", "84 01" + digest + "00 00", .outOfRange, "count"),
        RejectRow("idempotency", "84 01 f6 00 01", .wrongType, "digest"),
        RejectRow("entity", "82 01 81 81 61", .wrongCount, "fields"),
        RejectRow("entity", "82 01 82 82 6161 6131 82 6161 6131", .unsorted, "fields"),
        RejectRow("book", "89 01 03 60 80 f4 00" + digest + "01 01", .unknownKind, "kind"),
        RejectRow("book", "89 01 01 60 80 f6 00" + digest + "01 01", .wrongType, "deleted"),
        RejectRow("book", "89 01 01 60 80 f4 00 f6 01 01", .wrongType, "head"),
        RejectRow("book", "89 01 01 60 f6 f4 00" + digest + "01 01", .wrongType, "features"),
        RejectRow("scalars", "86 02 00 00 00 01 60", .unknownFormat, "format"),
        RejectRow("scalars", "85 01 00 00 00 01", .wrongCount),
        RejectRow("scalars", "86 01 00 00 00 01 60 00", .trailingBytes),
    ]

    @Test("refused, with the name and the field", arguments: rejects)
    func refused(_ row: RejectRow) throws {
        let input = bytes(hex: row.hex)
        let error = try #require(throws: Malformed.self) {
            switch row.target {
            case "key": _ = try StateCodec.decodeKey(input)
            case "scalars": _ = try StateCodec.decodeScalars(input)
            default:
                let kind = need(StateKeyKind.allCases.first { "\($0)" == row.target })
                _ = try StateCodec.decodeValue(kind: kind, input)
            }
        }
        #expect(error.reason == row.refusal.rawValue, "\(error)")
        #expect(error.field == row.field, "\(error)")
        #expect(error.offset <= input.count)
    }
}
