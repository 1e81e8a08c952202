// SPDX-License-Identifier: Apache-2.0
//
// The binary batch of transfers: one body, one entry, an outcome for each. docs/formats/batch.md
// has both formats; the body is read by TallyCodec, the answer is written here:
//
//     answer = format u8 (1) | flags u8 (bit 0: replay) | first record u64 | size u64
//            | root (32 bytes) | count u32 | count × refusal u8 (0: committed)
//
// Integers are little-endian. One committed and one refused for lack of funds, records 7 and 8 of
// 9:
//
//     01 00 0700000000000000 0900000000000000 (32 bytes) 02000000 00 06
//
// May import TallyCodec; the route table names the function.

import TallyCodec
import TallyTypes
import TallyViews

/// Answers about batches.
enum OwnBatches {
    /// The number that every answer begins with.
    static let format: UInt8 = 1
    /// The type of both bodies.
    static let contentType = "application/octet-stream"

    /// `POST /tally/v1/books/{book}/batches`.
    static func submit(_ call: Call) async throws -> Reply {
        if let type = call.header(.contentType), !type.hasPrefix(contentType) {
            throw Problem(415, .validation, "Content-Type: only \(contentType)")
        }
        let book = try await call.bookToWrite(.accounts)
        let batch = try BatchBody.decode(call.body)
        let answer = try await call.node.submit(
            .batch(
                BatchRequest(
                    book: book.name,
                    batch: batch,
                    idempotencyKey: try call.idempotencyKey()
                )
            )
        )
        guard case .batch(let batch) = answer else {
            throw HTTPFault(.answerShape, "one batch")
        }
        if let first = batch.outcomes.first,
            let problem = Problem(wholeBatch: first.refusal)
        {
            throw problem.recorded(at: batch.first)
        }
        return reply(batch, call)
    }

    private static func reply(_ batch: BatchAnswer, _ call: Call) -> Reply {
        var reply =
            call.header(.accept)?.hasPrefix("application/json") == true
            ? json(batch, call)
            : Reply(200, headers: [(.contentType, contentType)], body: encode(batch))
        reply.headers.append((.tallyRecord, batch.first.description))
        if batch.isReplay { reply.headers.append((.idempotencyHit, "true")) }
        return reply
    }

    /// The bytes of an answer.
    static func encode(_ batch: BatchAnswer) -> [UInt8] {
        var bytes: [UInt8] = [format, batch.isReplay ? 1 : 0]
        bytes.reserveCapacity(54 + batch.outcomes.count)
        append(batch.first.rawValue, 8, to: &bytes)
        append(batch.size, 8, to: &bytes)
        bytes += batch.root.bytes
        append(UInt64(batch.outcomes.count), 4, to: &bytes)
        for outcome in batch.outcomes {
            bytes.append(outcome.refusal)
        }
        return bytes
    }

    private static func append(_ value: UInt64, _ count: Int, to bytes: inout [UInt8]) {
        for position in 0..<count {
            bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(position))))
        }
    }

    private static func json(_ batch: BatchAnswer, _ call: Call) -> Reply {
        .data(call.plainWriter) { writer in
            writer.beginObject()
            writer.member("replay", batch.isReplay)
            writer.member("first", batch.first.rawValue)
            writer.member("size", batch.size)
            writer.member("root", batch.root.description)
            writer.key("outcomes")
            writer.beginArray()
            for outcome in batch.outcomes {
                writer.unsigned(UInt64(outcome.refusal))
            }
            writer.endArray()
            writer.endObject()
        }
    }
}
