// SPDX-License-Identifier: Apache-2.0
//
// Receipts through the routes: by transaction and event, named by every write, given by a write
// that waits; the headers by which caches keep the log, and never what is not there. Called by
// `swift test`.

import HTTPTypes
import TallyHTTP
import TallyProof
import TallyTypes
import TestSupport
import Testing

@Suite("receipts over HTTP")
struct ReceiptTests {
    private let event =
        #"{"entity_type":"t","entity_id":"a","field":"f","action":"delete","actor":"me"}"#

    @Test("the checkpoint is sent again only to whom does not hold it")
    func etag() async throws {
        try await ServerUnderTest.run { server in
            let path = "/tally/v1/log/checkpoint"
            let first = try await server.send(.get, path)
            #expect(first.status == 200 && first.header("ETag") == #""1a""#)
            for held in [#""1a""#, #"W/"1a""#, #""0", "1a""#, "*"] {
                let again = try await server.send(.get, path, headers: ["If-None-Match": held])
                #expect(again.status == 304 && again.bytes.isEmpty, "\(held)")
                #expect(again.header("ETag") == #""1a""#)
                #expect(again.header("Cache-Control") == "no-cache")
            }
            for other in [#""1b""#, "1a", #""1a"#] {
                let again = try await server.send(.get, path, headers: ["If-None-Match": other])
                #expect(again.status == 200 && again.bytes == DumbLog.note, "\(other)")
            }
        }
    }

    @Test("blobs are kept by caches; what is not there is kept by nobody")
    func caching() async throws {
        try await ServerUnderTest.run { server in
            let path = "/tally/v1/log/blob/"
            let name = Hashing.sha256(DumbLog.blob).description
            let blob = try await server.send(.get, path + name)
            #expect(blob.status == 200 && blob.bytes == DumbLog.blob)
            #expect(blob.header("Content-Type") == "application/octet-stream")
            #expect(blob.header("Cache-Control") == "public, max-age=31536000, immutable")
            for missing in [
                path + String(repeating: "0", count: 64), path + "x", path + name.uppercased(),
                "/tally/v1/log/nothing", "/tally/v1/log/receipt/99", "/tally/v1/log/tile/0/001",
            ] {
                let seen = try await server.send(.get, missing)
                try expectProblem(seen, 404, "NOT_FOUND")
                #expect(seen.header("Cache-Control") == "no-store", "\(missing)")
            }
        }
    }

    @Test("the receipt of a transaction and of an event is that of its record")
    func named() async throws {
        try await ServerUnderTest.run { server in
            let paid = try await server.pay("world", "a", "1")
            #expect(paid.header("Tally-Record") == "3")
            #expect(paid.header("Link") == #"</tally/v1/log/receipt/3>; rel="receipt""#)
            let recorded = try await server.send(.post, "/tally/v1/journals/log/events", event)
            #expect(recorded.header("Link") == #"</tally/v1/log/receipt/4>; rel="receipt""#)
            let transaction = "/tally/v1/books/main/transactions/"
            let early = try await server.send(.get, transaction + "1/receipt")
            #expect(early.status == 202 && early.header("Retry-After") == "1")
            #expect(early.header("Tally-Record") == "3")
            let events = "/tally/v1/journals/log/events/"
            let receipt = try await server.send(.get, events + "0/receipt")
            #expect(receipt.status == 200 && receipt.text == "json of 4")
            #expect(receipt.header("Tally-Record") == "4")
            let text = try await server.send(
                .get,
                events + "0/receipt?format=tlog-proof&minIndex=4"
            )
            #expect(text.text == "tlogProof of 4")
            for (wrong, status) in [
                (transaction + "2/receipt", 404), (transaction + "x/receipt", 400),
                (transaction + "9223372036854775808/receipt", 404), (events + "1/receipt", 404),
                (transaction + "1/receipt?format=cose", 400), (events + "0/receipt?more=1", 400),
                ("/tally/v1/books/log/transactions/1/receipt", 400),
                ("/tally/v1/journals/main/events/0/receipt", 400),
                ("/tally/v1/books/none/transactions/1/receipt", 404),
            ] {
                #expect(try await server.send(.get, wrong).status == status, "\(wrong)")
            }
            let poor = try await server.pay("nobody", "a", "1")
            #expect(poor.status == 400, "a refusal is a record, and has a receipt")
            #expect(poor.header("Link") == #"</tally/v1/log/receipt/5>; rel="receipt""#)
            let read = try await server.send(.get, "/v2/main/transactions/1")
            #expect(read.header("Link") == nil)
        }
    }

    @Test("a write that waits gives the receipt, and its own answer when there is none in time")
    func waits() async throws {
        try await ServerUnderTest.run { server in
            let path = "/tally/v1/journals/log/events?wait=receipt"
            // The dumb log covers records below 6, has no receipt of 3, and fails to read 5.
            for (record, isThere) in [(3, false), (4, true), (5, false), (6, false)] {
                let headers = ["Idempotency-Key": "k\(record)"]
                let seen = try await server.send(.post, path, event, headers: headers)
                #expect(seen.status == 201, "the write is done: \(seen.text)")
                #expect(seen.header("Tally-Record") == "\(record)")
                #expect(seen.header("Content-Type") == "application/json")
                #expect(seen.header("Retry-After") == (isThere ? nil : "1"), "\(record)")
                if isThere {
                    #expect(seen.text == "json of \(record)")
                } else {
                    #expect(try seen.at("data", "log_index") == "\(record)")
                }
            }
            let again = try await server.send(
                .post,
                path,
                event,
                headers: ["Idempotency-Key": "k4"]
            )
            #expect(again.text == "json of 4" && again.header("Idempotency-Hit") == "true")
            let before = await server.node.size
            let wrong = try await server.send(.post, path + "s", event)
            try expectProblem(wrong, 400, "VALIDATION", "wait")
            #expect(await server.node.size == before, "nothing was written")
            let read = try await server.send(.get, "/tally/v1/head?wait=receipt")
            try expectProblem(read, 400, "VALIDATION", "unknown parameter")
        }
    }

    @Test("a write without an answer of its own answers with the receipt as a body")
    func empty() async throws {
        try await ServerUnderTest.run { server in
            _ = try await server.pay("world", "a", "1")
            let path = "/tally/v1/books/main/metadata?wait=receipt"
            let set = try await server.send(.put, path, #"{"k":"v"}"#)
            #expect(set.status == 200 && set.text == "json of 4")
            #expect(set.header("Content-Length") == "9")
            let late = try await server.send(.put, path, #"{"k":"w"}"#)
            #expect(late.status == 204 && late.header("Retry-After") == "1")
        }
    }
}
