// SPDX-License-Identifier: Apache-2.0
//
// The signed log under `/tally/v1/log`, which is also the prefix that C2SP monitors read:
// checkpoint, tiles and bundles as other programs expect them, proofs and receipts. May import
// TallyTypes and TallyCodec; the route table names these functions. Nothing here is to be believed:
// who reads it verifies the checkpoint and takes size and root from there.

import TallyCodec
import TallyTypes

/// Answers about the signed log.
enum OwnLog {
    /// `GET /tally/v1/log`.
    static func get(_ call: Call) async throws -> Reply {
        let log = call.node.log
        return .data(call.plainWriter) { writer in
            writer.beginObject()
            writer.member("origin", call.node.origin)
            writer.key("vkeys")
            writer.beginArray()
            for key in log.verifierKeys() { writer.string(key) }
            writer.endArray()
            writer.member("publishedSize", log.publishedSize)
            if let refusal = log.refusal() { writer.member("notSigning", refusal) }
            if let problem = log.sealProblem() { writer.member("notSealing", problem) }
            writer.key("witnesses")
            writer.beginArray()
            for witness in log.witnesses() {
                writer.beginObject()
                writer.member("vkey", witness.verifierKey)
                if let size = witness.size { writer.member("size", size) }
                if let problem = witness.problem { writer.member("problem", problem) }
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    /// `GET /tally/v1/log/checkpoint`.
    static func checkpoint(_ call: Call) async throws -> Reply {
        guard let published = call.node.log.published() else {
            throw Problem.notFound("no checkpoint yet")
        }
        let tag = "\"\(published.tag)\""
        var reply = Reply(304, headers: [(.etag, tag), (.cacheControl, "no-cache")])
        guard !isHeld(tag, call) else { return reply }
        reply.status = 200
        reply.headers.append((.contentType, "text/plain; charset=utf-8"))
        reply.body = published.note
        return reply
    }

    /// True when the client says that it holds what a tag names.
    private static func isHeld(_ tag: String, _ call: Call) -> Bool {
        guard let held = call.header(.ifNoneMatch) else { return false }
        return held.split(separator: ",").contains { part in
            let name = part.filter { $0 != " " && $0 != "\t" }
            return name == "*" || name == tag || name == "W/" + tag
        }
    }

    /// `GET /tally/v1/log/proof/inclusion?index=&size=`.
    static func inclusion(_ call: Call) async throws -> Reply {
        let index = try required("index", call)
        let size = try published(try required("size", call), call)
        guard index < size else { throw Problem.validation("index: not below the size") }
        let proof = try await call.node.log.inclusion(index, size)
        return .data(call.plainWriter) { writer in
            writer.beginObject()
            writer.member("index", index)
            writer.member("size", size)
            writer.member("leaf_hash", proof.leaf)
            write(proof.path, to: &writer)
            writer.endObject()
        }
    }

    /// `GET /tally/v1/log/proof/consistency?from=&to=`.
    static func consistency(_ call: Call) async throws -> Reply {
        let from = try required("from", call)
        let to = try published(try required("to", call), call)
        guard from <= to else { throw Problem.validation("from: above to") }
        let path = try await call.node.log.consistency(from, to)
        return .data(call.plainWriter) { writer in
            writer.beginObject()
            writer.member("from", from)
            writer.member("to", to)
            write(path, to: &writer)
            writer.endObject()
        }
    }

    /// `GET /tally/v1/log/blob/{sha256}`: what stands beside records, by its digest.
    static func blob(_ call: Call) async throws -> Reply {
        guard let bytes = try await call.node.log.blob(try call.parameter("sha256")) else {
            throw Problem.notFound("no such blob")
        }
        return immutable(bytes)
    }

    /// `GET /tally/v1/log/tile/…`.
    static func tile(_ call: Call) async throws -> Reply {
        let path = call.target.segments.dropFirst(3).joined(separator: "/")
        guard let bytes = try await call.node.log.tile(path) else {
            throw Problem.notFound("no such tile")
        }
        return immutable(bytes)
    }

    /// Bytes that never change under their name.
    private static func immutable(_ bytes: [UInt8]) -> Reply {
        Reply(
            200,
            headers: [
                (.contentType, "application/octet-stream"),
                (.cacheControl, "public, max-age=31536000, immutable"),
            ],
            body: bytes
        )
    }

    private static func required(_ name: String, _ call: Call) throws -> UInt64 {
        guard let value = try call.unsigned(name) else {
            throw Problem.validation("\(name): missing")
        }
        return value
    }

    private static func published(_ size: UInt64, _ call: Call) throws -> UInt64 {
        let most = call.node.log.publishedSize
        guard size <= most else {
            throw Problem(409, .conflict, "SIZE_NOT_PUBLISHED: \(size), published are \(most)")
        }
        return size
    }

    private static func write(_ path: [String], to writer: inout JSONWriter) {
        writer.key("proof")
        writer.beginArray()
        for hash in path { writer.string(hash) }
        writer.endArray()
    }
}
