// SPDX-License-Identifier: Apache-2.0
//
// Golden bytes of orders, outcomes and records: Tests/Vectors/records.json. A change of that file
// is a change of a format. Also: each value comes back from its bytes, and is T1 to the generic
// decoder.

import TallyCodec
import TallyTypes
import Testing
import TestSupport

@Suite("Record codec: golden bytes")
struct RecordVectorTests {
    @Test("orders, outcomes and records have the bytes of records.json")
    func golden() throws {
        var file = GoldenFile("records.json")
        file.list(
            "orders",
            try RecordSamples.orders.map {
                try line("\($0.value.kind.word) | \($0.name)", OrderCodec.encode($0.value))
            }
        )
        file.list(
            "outcomes",
            try RecordSamples.outcomes.map { sample in
                let record = RecordSamples.record(.deleteBook, sample.value)
                return try line(sample.name, outcomeBytes(RecordCodec.encode(record)))
            }
        )
        file.list(
            "records",
            try RecordSamples.records.map { try line($0.name, RecordCodec.encode($0.value)) }
        )
        try file.check()
    }

    private func line(_ name: String, _ bytes: [UInt8]) throws -> GoldenLine {
        let item = try CBORItem.decode(bytes)
        return GoldenLine(name: name, hex: hexadecimal(bytes), diag: item.diagnostic)
    }

    /// Payload item 1 of a record.
    private func outcomeBytes(_ record: [UInt8]) throws -> [UInt8] {
        guard case .array(let items) = try CBORItem.decode(record),
            case .map(let payload) = items[9], payload[1].key == .unsigned(1)
        else {
            fatalError("a record of another shape")
        }
        return payload[1].value.encoded
    }

    @Test("an order comes back from its bytes", arguments: RecordSamples.orders)
    func order(_ sample: Sample<Order>) throws {
        let bytes = OrderCodec.encode(sample.value)
        #expect(try OrderCodec.decode(kind: sample.value.kind, bytes) == sample.value)
        let padded = [0xFF] + bytes + [0xFF]
        let slice = padded[1..<(padded.count - 1)]
        #expect(try OrderCodec.decode(kind: sample.value.kind, slice) == sample.value)
        #expect(try CBORItem.decode(bytes).encoded == bytes)
    }

    @Test("a record comes back from its bytes", arguments: RecordSamples.records)
    func record(_ sample: Sample<Record>) throws {
        let bytes = RecordCodec.encode(sample.value)
        #expect(try RecordCodec.decode(bytes) == sample.value)
        #expect(try CBORItem.decode(bytes).encoded == bytes)
        var appended: [UInt8] = [1, 2, 3]
        RecordCodec.append(sample.value, to: &appended)
        #expect(appended == [1, 2, 3] + bytes)
        #expect(try RecordCodec.decode(appended[3...]) == sample.value)
        let envelope = try RecordCodec.decodeEnvelope(bytes[...])
        #expect(envelope.index == sample.value.index)
        #expect(envelope.book == sample.value.book)
        #expect(envelope.sequence == sample.value.sequence)
        #expect(envelope.previous == sample.value.previous)
        #expect(envelope.time == sample.value.time)
        #expect(envelope.idempotency == sample.value.idempotency)
        #expect(envelope.salt == sample.value.salt)
        #expect(envelope.kind == sample.value.order.kind.word)
    }

    @Test("every prefix of a record is refused, and so is a byte more")
    func prefixes() throws {
        for sample in RecordSamples.records {
            let bytes = RecordCodec.encode(sample.value)
            for count in 0..<bytes.count {
                #expect(throws: Malformed.self, "\(sample.name) cut at \(count)") {
                    try RecordCodec.decode(bytes.prefix(count))
                }
            }
            let error = try #require(throws: Malformed.self) {
                try RecordCodec.decode(bytes + [0])
            }
            #expect(error.reason == "trailing-bytes")
            #expect(error.offset == bytes.count)
        }
    }

    @Test("the samples hold every kind and every refusal")
    func coverage() {
        #expect(Set(RecordSamples.orders.map(\.value.kind)) == Set(OrderKind.allCases))
        #expect(RecordSamples.refusals.map(\.number) == Array(1...18))
        let actions = RecordSamples.journal.compactMap { sample in
            if case .recordEvent(let event) = sample.value { event.action } else { nil }
        }
        #expect(Set(actions) == Set(JournalAction.allCases))
    }

    @Test("a record of the largest size is read, one byte more is not")
    func largest() throws {
        let empty = RecordSamples.record(.deleteBookMetadata(key: ""), .committed(.recorded))
        // Two bytes more than before announce a length of 256 and more.
        let room = Limits.recordBytesMax - RecordCodec.encode(empty).count - 2
        for (length, isRead) in [(room, true), (room + 1, false)] {
            let key = Text(String(repeating: "k", count: length))
            let record = RecordSamples.record(.deleteBookMetadata(key: key), .committed(.recorded))
            let bytes = RecordCodec.encode(record)
            #expect(bytes.count == 65_535 + (isRead ? 0 : 1))
            if isRead {
                #expect(try RecordCodec.decode(bytes) == record)
            } else {
                let error = try #require(throws: Malformed.self) {
                    try RecordCodec.decode(bytes)
                }
                #expect(error.reason == "too-long")
            }
        }
    }
}
