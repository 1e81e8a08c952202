// SPDX-License-Identifier: Apache-2.0
//
// Requests to a server under test. May import AsyncHTTPClient. The server may be killed at any
// moment, so a request either has an answer or throws.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TallyCodec
import TestSupport

/// The answer to a batch, docs/formats/batch.md.
struct BatchReceipt: Hashable, Sendable {
    /// The record of the first transfer.
    let first: UInt64
    /// True when the key was known.
    let isReplay: Bool
    /// 0 or the number of the refusal, one a transfer.
    let outcomes: [UInt8]

    /// Reads an answer.
    init(_ bytes: [UInt8]) throws {
        guard bytes.count >= 54, bytes[0] == 1, bytes[1] <= 1 else {
            throw ProcessTrouble("no answer to a batch: \(bytes.prefix(60))")
        }
        isReplay = bytes[1] == 1
        first = bytes[2..<10].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        outcomes = Array(bytes[54...])
    }
}

/// What came back.
struct Reply: Sendable {
    let status: Int
    let bytes: [UInt8]

    /// The body as text.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// A client of one server.
struct LedgerClient: Sendable {
    let url: String

    /// Sends a request with a JSON body, or none.
    func send(_ method: String, _ path: String, _ json: String? = nil) async throws -> Reply {
        var request = HTTPClientRequest(url: url + path)
        request.method = .RAW(value: method)
        if let json {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: json))
        }
        return try await execute(request)
    }

    /// Sends a request that has to get one of these answers.
    func expect(
        _ status: Int...,
        from method: String,
        _ path: String,
        _ json: String? = nil
    ) async throws {
        let reply = try await send(method, path, json)
        guard status.contains(reply.status) else {
            throw ProcessTrouble("\(method) \(path): \(reply.status) \(reply.text)")
        }
    }

    /// Sends a binary batch.
    func batch(_ body: [UInt8], to book: String, key: String) async throws -> BatchReceipt {
        var request = HTTPClientRequest(url: url + "/tally/v1/books/\(book)/batches")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        request.headers.add(name: "Idempotency-Key", value: key)
        request.body = .bytes(ByteBuffer(bytes: body))
        let reply = try await execute(request)
        guard reply.status == 200 else {
            throw ProcessTrouble("batch \(key): \(reply.status) \(reply.text)")
        }
        return try BatchReceipt(reply.bytes)
    }

    private func execute(_ request: HTTPClientRequest) async throws -> Reply {
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 16 << 20)
        return Reply(status: Int(response.status.code), bytes: Array(body.readableBytesView))
    }
}
