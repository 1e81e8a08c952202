// SPDX-License-Identifier: Apache-2.0
//
// The evidence: the head of the ledger, and any record by its index, as its bytes and in words. May
// import TallyCodec; the route table names these functions.

import TallyCodec
import TallyTypes

/// Answers about records.
enum OwnRecords {
    /// `GET /tally/v1/head`.
    static func head(_ call: Call) async throws -> Reply {
        let head = await call.node.head()
        return .data(call.plainWriter) { writer in
            writer.beginObject()
            write(head, of: call.node, to: &writer)
            writer.endObject()
        }
    }

    /// `GET /tally/v1/state-digest`: after a flush; where the ledger stood, and the digest then.
    static func stateDigest(_ call: Call) async throws -> Reply {
        let statement = try await call.node.stateDigest()
        return .data(call.plainWriter) { writer in
            writer.beginObject()
            write(statement.head, of: call.node, to: &writer)
            writer.member("stateDigest", statement.digest.description)
            writer.endObject()
        }
    }

    private static func write(_ head: LedgerHead, of node: NodePort, to writer: inout JSONWriter) {
        writer.member("origin", node.origin)
        writer.member("size", head.size)
        writer.member("root", head.root.description)
        writer.member("logIndex", head.logIndex.rawValue)
    }

    /// `GET /tally/v1/records/{index}`.
    static func get(_ call: Call) async throws -> Reply {
        guard let number = Call.unsigned(try call.parameter("index")) else {
            throw Problem.validation("index: not an unsigned integer below 2^64")
        }
        let (encoded, record) = try await read(RecordIndex(number), call.node)
        return .data(call.plainWriter) { $0.record(record, encoded) }
    }

    /// A record and its bytes.
    ///
    /// - Throws: ``Problem`` `NOT_FOUND`; ``HTTPFault`` when the bytes are no record.
    static func read(
        _ index: RecordIndex,
        _ node: NodePort
    ) async throws -> (EncodedRecord, Record) {
        guard let encoded = try await node.record(index) else {
            throw Problem.notFound("record \(index) not found")
        }
        do throws(Malformed) {
            return (encoded, try encoded.record())
        } catch {
            throw HTTPFault(.unreadableRecord, "\(index): \(error)")
        }
    }
}
