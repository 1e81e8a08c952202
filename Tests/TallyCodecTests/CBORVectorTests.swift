// SPDX-License-Identifier: Apache-2.0
//
// The published vectors of profile T1 (specs/evidence.md §7), all of them, through the generic
// decoder, and the values that the typed reader can hold through the typed reader too.

import Foundation
import TallyCodec
import TallyTypes
import Testing
import TestSupport

private struct ProfileVectors: Decodable {
    struct Accept: Decodable, Sendable, CustomTestStringConvertible {
        let hex: String
        let diag: String
        var testDescription: String { diag.count > 40 ? "\(diag.prefix(40))…" : diag }
    }

    struct Reject: Decodable, Sendable, CustomTestStringConvertible {
        let hex: String
        let reason: String
        var testDescription: String { "\(hex.prefix(40)) is \(reason)" }
    }

    struct Generated: Decodable, Sendable {
        struct Build: Decodable, Sendable {
            let prefix_hex: String
            let repeat_hex: String
            let count: Int
        }
        let build: Build
        let reason: String?

        var bytes: [UInt8] {
            TallyCodecTests.bytes(hex: build.prefix_hex)
                + Array(
                    repeatElement(TallyCodecTests.bytes(hex: build.repeat_hex), count: build.count)
                        .joined()
                )
        }
    }

    struct WorkedRecords: Decodable, Sendable {
        struct Worked: Decodable, Sendable {
            let diag: String
            let hex: String
            let bytes: Int
        }
        let book_hex: String
        let genesis_prev_hex: String
        let idem_hex: String
        let records: [Worked]
    }

    let accept: [Accept]
    let reject: [Reject]
    let reject_generated: [Generated]
    let accept_generated: [Generated]
    let worked_records: WorkedRecords

    static let shared: ProfileVectors = {
        do {
            return try JSONDecoder().decode(
                ProfileVectors.self,
                from: Data(Vectors.bytes(of: "cbor.json"))
            )
        } catch {
            fatalError("cbor.json: \(error)")
        }
    }()
}

@Suite("CBOR profile T1: published vectors")
struct CBORVectorTests {
    @Test("the file is whole")
    func counts() {
        #expect(ProfileVectors.shared.accept.count == 90)
        #expect(ProfileVectors.shared.reject.count == 187)
        #expect(ProfileVectors.shared.accept_generated.count == 1)
        #expect(ProfileVectors.shared.reject_generated.count == 1)
        #expect(ProfileVectors.shared.worked_records.records.count == 2)
    }

    @Test(
        "accepted, with this value, and encoded to the same bytes",
        arguments: ProfileVectors.shared.accept
    )
    fileprivate func accepts(_ vector: ProfileVectors.Accept) throws {
        let input = bytes(hex: vector.hex)
        let item = try CBORItem.decode(input)
        #expect(item.encoded == input)
        #expect(item.diagnostic == vector.diag)
    }

    @Test("refused with this name", arguments: ProfileVectors.shared.reject)
    fileprivate func rejects(_ vector: ProfileVectors.Reject) throws {
        let input = bytes(hex: vector.hex)
        let error = try #require(throws: CBORError.self) { try CBORItem.decode(input) }
        #expect(error.refusal.rawValue == vector.reason)
        #expect(error.offset <= input.count)
        #expect(error.malformed.reason == vector.reason)
    }

    @Test("the longest item is accepted, one byte more is not")
    func length() throws {
        for vector in ProfileVectors.shared.accept_generated {
            #expect(try CBORItem.decode(vector.bytes).encoded == vector.bytes)
        }
        for vector in ProfileVectors.shared.reject_generated {
            let error = try #require(throws: CBORError.self) { try CBORItem.decode(vector.bytes) }
            #expect(error.refusal.rawValue == vector.reason)
        }
    }

    @Test("every prefix of an accepted item is refused as truncated")
    func prefixes() throws {
        for vector in ProfileVectors.shared.accept {
            let input = bytes(hex: vector.hex)
            for count in 0..<input.count {
                let error = try #require(throws: CBORError.self) {
                    try CBORItem.decode(input.prefix(count))
                }
                #expect(error.refusal == .truncated, "\(vector.hex) cut at \(count)")
            }
        }
    }

    @Test("offsets count from the start of a slice")
    func slices() throws {
        let padded: [UInt8] = [0xFF, 0xFF, 0x82, 0x00, 0x18, 0x01]
        let error = try #require(throws: CBORError.self) { try CBORItem.decode(padded[2...]) }
        #expect(error == CBORError(.nonShortest, at: 2))
    }

    @Test("worked records: the envelope, and the bytes of the leaf")
    func workedRecords() throws {
        let worked = ProfileVectors.shared.worked_records
        let words = ["book.open", "tx.post"]
        for (position, vector) in worked.records.enumerated() {
            let input = bytes(hex: vector.hex)
            #expect(input.count == vector.bytes)
            let item = try CBORItem.decode(input)
            #expect(item.encoded == input)
            #expect(item.diagnostic == vector.diag)
            let envelope = try RecordCodec.decodeEnvelope(input[...])
            #expect(envelope.index == RecordIndex(UInt64(position)))
            #expect(envelope.book.description == worked.book_hex)
            #expect(envelope.sequence == BookSequence(UInt64(position)))
            #expect(envelope.kind == words[position])
            #expect(envelope.time.microseconds == [1_790_000_000_000, 1_790_000_000_250][position])
            // Their payloads are examples of the shape: the kinds are in no registry.
            let error = try #require(throws: Malformed.self) { try RecordCodec.decode(input) }
            #expect(error.reason == CBORRefusal.unknownKind.rawValue)
        }
        let first = try RecordCodec.decodeEnvelope(bytes(hex: worked.records[0].hex)[...])
        #expect(first.previous.description == worked.genesis_prev_hex)
        #expect(first.idempotency == nil)
        let second = try RecordCodec.decodeEnvelope(bytes(hex: worked.records[1].hex)[...])
        #expect(second.idempotency?.description == worked.idem_hex)
    }

    @Test("every name of the vectors is one of ours, and no name stands twice")
    func names() {
        let ours = Set(CBORRefusal.allCases.map(\.rawValue))
        #expect(ours.count == CBORRefusal.allCases.count)
        #expect(ours.isSuperset(of: ProfileVectors.shared.reject.map(\.reason)))
    }
}
