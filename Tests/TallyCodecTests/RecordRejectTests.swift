// SPDX-License-Identifier: Apache-2.0
//
// What the order and record codecs refuse, each with its name and field. The same rows are written
// to Tests/Vectors/records-reject.json for decoders in other languages.

import TallyCodec
import TallyTypes
import Testing
import TestSupport

/// Bytes that must be refused, with the reason and the field.
struct RejectRow: Sendable, CustomTestStringConvertible {
    let target: String
    let hex: String
    let refusal: CBORRefusal
    let field: String

    init(_ target: String, _ hex: String, _ refusal: CBORRefusal, _ field: String = "") {
        self.target = target
        self.hex = hex
        self.refusal = refusal
        self.field = field
    }

    var testDescription: String { "\(target) \(hex.prefix(60))" }

    var line: GoldenLine {
        GoldenLine(
            name: target,
            hex: hexadecimal(bytes(hex: hex)),
            diag: field.isEmpty ? refusal.rawValue : "\(refusal.rawValue) in \(field)"
        )
    }
}

/// Pieces of records.
private enum Part {
    static let posting = "84 65776f726c64 6161 655553442f32 1864"
    static let postings = "00 81" + posting
    static let book = "50 0198f2c47a1c7000b9d3a1f0c2d4e681"
    static let digest = "5820 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    static let salt = "50 18b84231ade6a6d113615c61af434e27"
    static let time = "1b00065c0000000000"

    /// A record whose order is a blob of so many bytes.
    static func reference(to length: String) -> String {
        record(payload: "a2 01 8100 07 82" + length + digest)
    }

    /// A record of a deleted book from its items, each replaceable.
    static func record(
        header: String = "8a",
        format: String = "01",
        index: String = "05",
        book: String = book,
        sequence: String = "02",
        previous: String = digest,
        time: String = time,
        idempotency: String = "f6",
        salt: String = salt,
        kind: String = "6b626f6f6b2e64656c657465",
        payload: String = "a2 00 a0 01 8100"
    ) -> String {
        [header, format, index, book, sequence, previous, time, idempotency, salt, kind, payload]
            .joined(separator: " ")
    }

    /// The same with these fields of a batch's claim.
    static func claim(_ fields: String, count: String = "a4") -> String {
        record(payload: count + "00 a0 01 8100" + fields)
    }

    /// The same with this outcome.
    static func outcome(_ outcome: String) -> String {
        record(payload: "a2 00 a0 01" + outcome)
    }
}

private let transactionRows: [RejectRow] = [
    RejectRow("tx", "", .truncated),
    RejectRow("tx", "80", .wrongType),
    RejectRow("tx", "a0", .missingKey, "postings"),
    RejectRow("tx", "a1" + Part.postings + "00", .trailingBytes),
    RejectRow("tx", "a1 00 80", .empty, "postings"),
    RejectRow("tx", "a1 00 a0", .wrongType, "postings"),
    RejectRow("tx", "a1 00 81 83 65776f726c64 6161 655553442f32", .wrongCount, "postings[0]"),
    RejectRow("tx", "a1 00 81 84 60 6161 655553442f32 00", .illegalName, "postings[0].source"),
    RejectRow(
        "tx",
        "a1 00 81 84 6161 63613a3a 655553442f32 00",
        .illegalName,
        "postings[0].destination"
    ),
    RejectRow("tx", "a1 00 81 84 6161 6162 63757364 00", .illegalName, "postings[0].asset"),
    RejectRow("tx", "a1 00 81 84 6161 6162 62c3a9 00", .illegalName, "postings[0].asset"),
    RejectRow("tx", "a1 00 81 84 6161 6162 4155 00", .wrongType, "postings[0].asset"),
    RejectRow("tx", "a1 00 81 84 6161 6162 6155 20", .wrongType, "postings[0].amount"),
    RejectRow("tx", "a1 00 81 84 6161 6162 6155 f93c00", .float, "postings[0].amount"),
    RejectRow(
        "tx",
        "a1 00 82 84 6161 6162 6155 00 84 6161 6162 6155 c240",
        .bignum,
        "postings[1].amount"
    ),
    RejectRow("tx", "a2 01 6172" + Part.postings, .keyOrder),
    RejectRow("tx", "a2" + Part.postings + Part.postings, .duplicateKey),
    RejectRow("tx", "a2" + Part.postings + "01 60", .empty, "reference"),
    RejectRow("tx", "a2" + Part.postings + "01 4172", .textAsBytes, "reference"),
    RejectRow("tx", "a2" + Part.postings + "01 6365cc81", .notNormalized, "reference"),
    RejectRow("tx", "a2" + Part.postings + "02 6130", .wrongType, "timestamp"),
    RejectRow("tx", "a2" + Part.postings + "02 1b8000000000000000", .outOfRange, "timestamp"),
    RejectRow("tx", "a2" + Part.postings + "03 80", .writtenDefault, "metadata"),
    RejectRow("tx", "a2" + Part.postings + "03 a0", .wrongType, "metadata"),
    RejectRow("tx", "a2" + Part.postings + "03 81 81 6161", .wrongCount, "metadata"),
    RejectRow(
        "tx",
        "a2" + Part.postings + "03 82 82 6161 6131 82 6161 6131",
        .unsorted,
        "metadata"
    ),
    RejectRow(
        "tx",
        "a2" + Part.postings + "03 82 82 6162 6131 82 6161 6131",
        .unsorted,
        "metadata"
    ),
    RejectRow(
        "tx",
        "a2" + Part.postings + "03 82 82 6162 6131 82 626161 6131",
        .unsorted,
        "metadata"
    ),
    RejectRow("tx", "a2" + Part.postings + "04 80", .empty, "accountMetadata"),
    RejectRow("tx", "a2" + Part.postings + "04 81 82 6161 80", .writtenDefault, "accountMetadata"),
    RejectRow(
        "tx",
        "a2" + Part.postings + "04 82 82 6161 81 82 6131 6131 82 6161 81 82 6131 6131",
        .unsorted,
        "accountMetadata"
    ),
    RejectRow("tx", "a2" + Part.postings + "04 81 82 60 81", .illegalName, "accountMetadata"),
    RejectRow("tx", "a2" + Part.postings + "05 f4", .writtenDefault, "forced"),
    RejectRow("tx", "a2" + Part.postings + "05 f6", .wrongType, "forced"),
    RejectRow("tx", "a2" + Part.postings + "05 01", .wrongType, "forced"),
    RejectRow("tx", "a2" + Part.postings + "06 f5", .unknownKey),
    RejectRow("tx", "a2" + Part.postings + "6161 f5", .unknownKey),
    RejectRow("tx", "a2" + Part.postings + "20 f5", .keyType),
    RejectRow("tx.revert", "a0", .missingKey, "id"),
    RejectRow("tx.revert", "a1 00 20", .wrongType, "id"),
    RejectRow("tx.revert", "a2 00 01 01 f4", .writtenDefault, "forced"),
    RejectRow("tx.revert", "a2 00 01 02 f4", .writtenDefault, "atEffectiveDate"),
    RejectRow("tx.revert", "a2 00 01 03 80", .writtenDefault, "metadata"),
    RejectRow("tx.revert", "a2 00 01 04 80", .unknownKey),
    RejectRow("tx.meta", "a1 03 81 82 6161 6131", .missingKey, "id"),
    RejectRow("tx.meta", "a2 00 01 01 6161", .unknownKey),
    RejectRow("tx.meta", "a2 00 01 03 80", .writtenDefault, "metadata"),
    RejectRow("tx.meta.del", "a1 00 01", .missingKey, "key"),
    RejectRow("tx.meta.del", "a1 01 6161", .missingKey, "id"),
    RejectRow("tx.meta.del", "a2 00 01 03 81 82 6161 6131", .unknownKey),
    RejectRow("acct.meta", "a0", .missingKey, "address"),
    RejectRow("acct.meta", "a1 00 62613a", .illegalName, "address"),
    RejectRow("acct.meta", "a2 00 6161 01 6161", .unknownKey),
    RejectRow("acct.meta", "a2 00 6161 03 80", .writtenDefault, "metadata"),
    RejectRow("acct.meta.del", "a1 00 6161", .missingKey, "key"),
    RejectRow("acct.meta.del", "a2 00 6161 03 81 82 6161 6131", .unknownKey),
]

private let otherRows: [RejectRow] = [
    RejectRow("ledger.create", "a1 00 6161", .missingKey, "entriesPerGeneration"),
    RejectRow("ledger.create", "a1 01 01", .missingKey, "origin"),
    RejectRow("ledger.create", "a3 00 6161 01 01 02 01", .unknownKey),
    RejectRow("book.create", "a1 00 6161", .missingKey, "kind"),
    RejectRow("book.create", "a1 01 01", .missingKey, "name"),
    RejectRow("book.create", "a2 00 60 01 01", .illegalName, "name"),
    RejectRow("book.create", "a2 00 613a 01 01", .illegalName, "name"),
    RejectRow("book.create", "a2 00 6161 01 03", .unknownKind, "kind"),
    RejectRow("book.create", "a2 00 6161 01 1b0000000100000001", .unknownKind, "kind"),
    RejectRow("book.create", "a3 00 6161 01 01 02 685f64656661756c74", .writtenDefault, "bucket"),
    RejectRow("book.create", "a3 00 6161 01 01 03 80", .writtenDefault, "metadata"),
    RejectRow("book.create", "a3 00 6161 01 01 04 80", .writtenDefault, "features"),
    RejectRow("book.create", "a3 00 6161 01 01 05 80", .unknownKey),
    RejectRow("book.delete", "a1 00 00", .unknownKey),
    RejectRow("book.delete", "80", .wrongType),
    RejectRow("book.meta", "a1 00 6161", .unknownKey),
    RejectRow("book.meta", "a1 03 80", .writtenDefault, "metadata"),
    RejectRow("book.meta.del", "a0", .missingKey, "key"),
    RejectRow("book.meta.del", "a1 00 6161", .unknownKey),
    RejectRow("config.set", "a0", .missingKey, "entriesPerGeneration"),
    RejectRow("config.set", "a1 01 01", .unknownKey),
    RejectRow("config.set", "a1 00 f6", .wrongType, "entriesPerGeneration"),
    RejectRow("config.set", "a1 00 00", .outOfRange, "entriesPerGeneration"),
    RejectRow("config.set", "a1 00 1a 00100001", .outOfRange, "entriesPerGeneration"),
    RejectRow("ledger.create", "a2 00 6161 01 00", .outOfRange, "entriesPerGeneration"),
    RejectRow("log.key", "a1 00 00", .missingKey, "publicKey"),
    RejectRow("log.key", "a2 00 02 01 \(thirtyTwo)", .unknownKind, "action"),
    RejectRow("log.key", "a2 00 00 01 4101", .wrongLength, "publicKey"),
    RejectRow("log.key", "a3 00 00 01 \(thirtyTwo) 02 00", .unknownKey),
    RejectRow("log.seal", "a3 00 01 01 \(thirtyTwo) 02 8200\(thirtyTwo)", .missingKey, "heads"),
    RejectRow("log.seal", "a2 00 01 02 8200\(thirtyTwo)", .missingKey, "stateDigest"),
    RejectRow("log.seal", "a1 00 1b8000000000000000", .outOfRange, "size"),
    RejectRow("log.seal", "a2 00 01 02 8100", .wrongCount, "balances"),
    RejectRow("log.seal", "a1 04 00", .unknownKey),
    RejectRow("log.successor", "a2 00 6161 01 00", .missingKey, "lastRoot"),
    RejectRow("log.successor", "a4 00 6161 01 00 02 \(thirtyTwo) 03 60", .empty, "lastNote"),
    RejectRow("log.successor", "a1 04 00", .unknownKey),
    RejectRow("event", "a0", .missingKey, "entityType"),
    RejectRow("event", "a1 00 6161", .missingKey, "entityID"),
    RejectRow("event", "a5 00 60 01 60 02 60 03 00 06 60", .missingKey, "source"),
    RejectRow("event", "a5 00 60 01 60 02 60 06 60 07 60", .missingKey, "action"),
    RejectRow("event", "a6 00 60 01 60 02 60 03 04 06 60 07 60", .unknownKind, "action"),
    RejectRow("event", "a6 00 60 01 60 02 60 03 f6 06 60 07 60", .wrongType, "action"),
    RejectRow("event", "a7 00 60 01 60 02 60 03 00 04 f6 06 60 07 60", .wrongType, "oldValue"),
    RejectRow(
        "event",
        "a7 00 60 01 60 02 60 03 00 06 60 07 60 0a f4",
        .writtenDefault,
        "expectsOld"
    ),
    RejectRow("event", "a7 00 60 01 60 02 60 03 00 06 60 07 60 0b f5", .unknownKey),
]

private let recordRows: [RejectRow] = [
    RejectRow("record", "", .truncated),
    RejectRow("record", "a0", .wrongType),
    RejectRow("record", "89", .wrongCount),
    RejectRow("record", "9f", .indefiniteLength),
    RejectRow("record", Part.record(header: "8b") + "00", .wrongCount),
    RejectRow("record", Part.record(format: "00"), .unknownFormat, "format"),
    RejectRow("record", Part.record(format: "02"), .unknownFormat, "format"),
    RejectRow("record", Part.record(index: "1b8000000000000000"), .outOfRange, "index"),
    RejectRow("record", Part.record(index: "1805"), .nonShortest, "index"),
    RejectRow("record", Part.record(book: "40"), .wrongLength, "book"),
    RejectRow("record", Part.record(book: "60"), .wrongType, "book"),
    RejectRow("record", Part.record(sequence: "1b8000000000000000"), .outOfRange, "sequence"),
    RejectRow("record", Part.record(previous: "f6"), .wrongType, "previous"),
    RejectRow("record", Part.record(previous: Part.book), .wrongLength, "previous"),
    RejectRow("record", Part.record(time: "20"), .wrongType, "time"),
    RejectRow("record", Part.record(time: "1bffffffffffffffff"), .outOfRange, "time"),
    RejectRow("record", Part.record(idempotency: "f4"), .wrongType, "idempotency"),
    RejectRow("record", Part.record(idempotency: Part.book), .wrongLength, "idempotency"),
    RejectRow("record", Part.record(salt: Part.digest), .wrongLength, "salt"),
    RejectRow("record", Part.record(kind: "60"), .illegalName, "kind"),
    RejectRow("record", Part.record(kind: "625478"), .illegalName, "kind"),
    RejectRow("record", Part.record(kind: "6478ffffff"), .illegalName, "kind"),
    RejectRow(
        "record",
        Part.record(kind: "7821" + String(repeating: "61", count: 33)),
        .illegalName,
        "kind"
    ),
    RejectRow("record", Part.record(kind: "66 6e6f626f6479"), .unknownKind, "kind"),
    RejectRow("record", Part.record(kind: "427478"), .wrongType, "kind"),
    RejectRow("record", Part.record(payload: "80"), .wrongType, "payload"),
    RejectRow("record", Part.record(payload: "a0"), .missingKey, "order"),
    RejectRow("record", Part.record(payload: "a1 00 a0"), .missingKey, "outcome"),
    RejectRow("record", Part.record(payload: "a1 01 8100"), .missingKey, "order"),
    RejectRow("record", Part.record(payload: "a2 01 8100 00 a0"), .keyOrder, "payload"),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 02 a0"), .sealedFields, "payload"),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 07 00"), .needlessBlob, "order"),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 08 00"), .needlessBlob, "outcome"),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 09 00"), .unknownKey, "payload"),
    RejectRow("record", Part.record(payload: "a2 01 8100 07 00"), .wrongType, "order"),
    RejectRow("record", Part.record(payload: "a2 01 8100 07 81 00"), .wrongCount, "order"),
    RejectRow("record", Part.reference(to: "00"), .outOfRange, "order"),
    RejectRow("record", Part.reference(to: "1a 00080001"), .outOfRange, "order"),
    RejectRow("record", Part.reference(to: "1a 00080000"), .blobNotGiven, "order"),
    RejectRow("record", Part.reference(to: "01"), .blobNotGiven, "order"),
    RejectRow(
        "record",
        Part.record(payload: "a2 00 a0 08 82 01" + Part.digest),
        .blobNotGiven,
        "outcome"
    ),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 6161 00"), .unknownKey, "payload"),
    RejectRow("record", Part.record(payload: "a2 00 a1 00 00 01 8100"), .unknownKey, "order"),
    RejectRow(
        "record",
        Part.record(kind: "627478", payload: "a2 00 a1 00 80 01 8100"),
        .empty,
        "order.postings"
    ),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 03 f6"), .wrongType, "actor"),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 04 f6"), .wrongType, "group"),
    RejectRow(
        "record",
        Part.record(payload: "a3 00 a0 01 8100 04 82 00 01"),
        .writtenDefault,
        "group"
    ),
    RejectRow(
        "record",
        Part.record(payload: "a3 00 a0 01 8100 04 82 00 00"),
        .writtenDefault,
        "group"
    ),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 04 82 02 02"), .outOfRange, "group"),
    RejectRow(
        "record",
        Part.record(payload: "a3 00 a0 01 8100 04 83 00 02 00"),
        .outOfRange,
        "group"
    ),
    RejectRow(
        "record",
        Part.record(payload: "a3 00 a0 01 8100 04 83 00 02 02"),
        .outOfRange,
        "group"
    ),
    RejectRow(
        "record",
        Part.record(payload: "a3 00 a0 01 8100 04 84 00 02 01 01"),
        .wrongCount,
        "group"
    ),
    RejectRow("record", Part.record(payload: "a3 00 a0 01 8100 05 f6"), .wrongType, "batch"),
]

private let claimRows: [RejectRow] = [
    RejectRow("record", Part.claim("05" + Part.digest, count: "a3"), .missingKey, "batchPosition"),
    RejectRow("record", Part.claim("06 82 00 01", count: "a3"), .missingKey, "batch"),
    RejectRow("record", Part.claim("06 82 00 01 05" + Part.digest), .keyOrder, "payload"),
    RejectRow("record", Part.claim("05" + Part.book + "06 82 00 01"), .wrongLength, "batch"),
    RejectRow("record", Part.claim("06 00", count: "a3"), .wrongType, "batchPosition"),
    RejectRow("record", Part.claim("05" + Part.digest + "06 f6"), .wrongType, "batchPosition"),
    RejectRow("record", Part.claim("05" + Part.digest + "06 81 00"), .wrongCount, "batchPosition"),
    RejectRow(
        "record",
        Part.claim("05" + Part.digest + "06 83 00 01 00"),
        .wrongCount,
        "batchPosition"
    ),
    RejectRow(
        "record",
        Part.claim("05" + Part.digest + "06 82 20 01"),
        .wrongType,
        "batchPosition"
    ),
    RejectRow(
        "record",
        Part.claim("05" + Part.digest + "06 82 00 1801"),
        .nonShortest,
        "batchPosition"
    ),
    RejectRow(
        "record",
        Part.claim("05" + Part.digest + "06 82 00 00"),
        .outOfRange,
        "batchPosition"
    ),
    RejectRow(
        "record",
        Part.claim("05" + Part.digest + "06 82 01 01"),
        .outOfRange,
        "batchPosition"
    ),
    RejectRow(
        "record",
        Part.claim("05" + Part.digest + "06 82 00 191ffe"),
        .outOfRange,
        "batchPosition"
    ),
]

/// A byte string of thirty-two ones.
private let thirtyTwo = "5820" + String(repeating: "01", count: 32)

private let outcomeRows: [RejectRow] = [
    RejectRow("record", Part.outcome("00"), .wrongType, "outcome"),
    RejectRow("record", Part.outcome("80"), .wrongCount, "outcome"),
    RejectRow("record", Part.outcome("84 00 00 00 00"), .wrongCount, "outcome"),
    RejectRow("record", Part.outcome("83 00 a1 01 01 00"), .wrongCount, "outcome"),
    RejectRow("record", Part.outcome("81 01"), .wrongCount, "outcome"),
    RejectRow("record", Part.outcome("81 02"), .unknownKind, "outcome.verdict"),
    RejectRow("record", Part.outcome("82 00 a0"), .missingKey, "outcome.log"),
    RejectRow("record", Part.outcome("82 00 f6"), .wrongType, "outcome.effects"),
    RejectRow("record", Part.outcome("82 00 a1 00 40"), .wrongLength, "outcome.book"),
    RejectRow(
        "record",
        Part.outcome("82 00 a2 00" + Part.book + "01 01"),
        .unknownKey,
        "outcome.effects"
    ),
    RejectRow("record", Part.outcome("82 00 a1 02 01"), .unknownKey, "outcome.effects"),
    RejectRow(
        "record",
        Part.outcome("82 00 a2 01 01 03 81" + Part.posting),
        .unknownKey,
        "outcome.effects"
    ),
    RejectRow("record", Part.outcome("82 00 a2 01 01 04 00"), .unknownKey, "outcome.effects"),
    RejectRow("record", Part.outcome("82 00 a3 01 01 02 01 03 80"), .empty, "outcome.postings"),
    RejectRow("record", Part.outcome("82 00 a3 01 01 02 01 05 00"), .unknownKey, "outcome.effects"),
    RejectRow("record", Part.outcome("82 01 00"), .unknownKind, "outcome.refusal"),
    RejectRow("record", Part.outcome("82 01 13"), .unknownKind, "outcome.refusal"),
    RejectRow("record", Part.outcome("82 01 12"), .wrongCount, "outcome.refusal"),
    RejectRow("record", Part.outcome("82 01 01"), .wrongCount, "outcome.refusal"),
    RejectRow("record", Part.outcome("83 01 02 a0"), .wrongCount, "outcome.refusal"),
    RejectRow("record", Part.outcome("83 01 01 a0"), .wrongCount, "outcome.details"),
    RejectRow("record", Part.outcome("83 01 01 a1 01 6161"), .unknownKey, "outcome.details"),
    RejectRow(
        "record",
        Part.outcome("83 01 01 a2 00 6161 01 6161"),
        .wrongCount,
        "outcome.details"
    ),
    RejectRow("record", Part.outcome("83 01 04 a1 00 01"), .wrongCount, "outcome.details"),
    RejectRow("record", Part.outcome("83 01 04 a2 00 01 01 03"), .unknownKind, "outcome.found"),
    RejectRow("record", Part.outcome("83 01 04 a2 00 01 02 01"), .unknownKey, "outcome.details"),
    RejectRow(
        "record",
        Part.outcome("83 01 06 a4 00 6161 01 6155 02 01 03 20"),
        .wrongType,
        "outcome.available"
    ),
    RejectRow("record", Part.outcome("83 01 08 a1 00 6161"), .wrongType, "outcome.transaction"),
    RejectRow("record", Part.outcome("83 01 0c a1 00 20"), .wrongType, "outcome.by"),
]

@Suite("Record codec: what it refuses")
struct RecordRejectTests {
    static let rows = transactionRows + otherRows + recordRows + claimRows + outcomeRows

    @Test("refused, with the name and the field", arguments: rows)
    func refused(_ row: RejectRow) throws {
        let input = bytes(hex: row.hex)
        let error = try #require(throws: Malformed.self) {
            if row.target == "record" {
                _ = try RecordCodec.decode(input)
            } else {
                _ = try OrderCodec.decode(kind: need(OrderKind(word: row.target)), input)
            }
        }
        #expect(error.reason == row.refusal.rawValue, "\(error)")
        #expect(error.field == row.field, "\(error)")
        #expect(error.offset <= input.count)
    }

    @Test("the parts make a record, so that each row differs from it in one thing")
    func accepted() throws {
        #expect(throws: Never.self) { try RecordCodec.decode(bytes(hex: Part.record())) }
        #expect(throws: Never.self) {
            try RecordCodec.decode(bytes(hex: Part.outcome("82 00 a2 01 01 02 01")))
        }
        for place in ["82 00 01", "82 191ffc 191ffd"] {
            #expect(throws: Never.self) {
                try RecordCodec.decode(bytes(hex: Part.claim("05" + Part.digest + "06" + place)))
            }
        }
    }

    @Test("the rows stand in records-reject.json")
    func golden() throws {
        var file = GoldenFile("records-reject.json")
        file.list("reject", RecordRejectTests.rows.map(\.line))
        try file.check()
    }

    @Test("offsets point at the item")
    func offsets() throws {
        let hex = "a1 00 82 84 6161 6162 6155 00 84 6161 6162 6155 1817"
        let error = try #require(throws: Malformed.self) {
            try OrderCodec.decode(kind: .createTransaction, bytes(hex: hex))
        }
        #expect(
            error == Malformed("non-shortest", field: "postings[1].amount", offset: 18)
        )
    }
}
