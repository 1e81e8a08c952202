// SPDX-License-Identifier: Apache-2.0
//
// Our own routes: books, batches, journals, records, health and metrics.

import HTTPTypes
import TallyCodec
import TallyHTTP
import TallyTypes
import Testing

@Suite("own books")
struct OwnBookTests {
    @Test("a book is made, shown, changed, listed and deleted")
    func life() async throws {
        try await ServerUnderTest.run { server in
            let made = try await server.send(
                .post,
                "/tally/v1/books",
                #"{"name":"b","kind":"accounts","configuration":{"bucket":"x","metadata":{"k":"v"},"features":{"HASH_LOGS":"SYNC"},"seal":[]}}"#
            )
            #expect(made.status == 201)
            #expect(
                made.text
                    == #"{"data":{"id":"00000000000000070000000000000003","name":"b","kind":"accounts","record":3}}"#
                    + "\n"
            )
            let path = "/tally/v1/books/b"
            let set = try await server.send(.put, path + "/metadata", #"{"m":"<1>"}"#)
            #expect(set.status == 204)
            let removed = try await server.send(.delete, path + "/metadata/k")
            #expect(removed.status == 204)
            let seen = try await server.send(.get, path + "?minIndex=5")
            #expect(
                seen.text
                    == #"{"data":{"number":3,"id":"00000000000000070000000000000003","name":"b","kind":"accounts","bucket":"x","features":{"HASH_LOGS":"SYNC"},"metadata":{"m":"<1>"},"addedAt":"2026-01-01T00:00:00.003Z","record":3}}"#
                    + "\n"
            )
            let list = try await server.send(.get, "/tally/v1/books?kind=journal")
            #expect(try list.at("cursor", "data", "0", "name") == #""log""#)
            #expect(try list.at("cursor", "data", "1") == nil)
            let gone = try await server.send(.delete, path)
            #expect(gone.status == 204)
            try expectProblem(try await server.send(.get, path), 404, "LEDGER_NOT_FOUND")
            try expectProblem(try await server.send(.delete, path), 404, "LEDGER_NOT_FOUND")
            try expectProblem(
                try await server.send(.post, "/v2/b/transactions", "{}"),
                404,
                "LEDGER_NOT_FOUND"
            )
            try expectProblem(
                try await server.send(.get, "/tally/v1/books/main?minIndex=99"),
                503,
                "INTERNAL",
                "behind"
            )
        }
    }

    @Test(
        "what a book cannot be",
        arguments: [
            ("", "body"), ("{}", "name: is missing"), (#"{"name":"n"}"#, "kind: is missing"),
            (#"{"name":"n","kind":"system"}"#, "kind: neither"),
            (#"{"name":"a b","kind":"journal"}"#, "ledger name"),
            (#"{"name":"_info","kind":"journal"}"#, "reserved"),
            (#"{"name":"n","kind":"journal","color":1}"#, "color: unknown member"),
            (#"{"name":"n","kind":"journal","configuration":{"color":1}}"#, "unknown member"),
            (
                #"{"name":"n","kind":"journal","configuration":{"seal":["old_value"]}}"#,
                "not supported yet: configuration.seal"
            ),
            (
                #"{"name":"n","kind":"journal","configuration":{"features":{"HASH_LOGS":"SYNC"}}}"#,
                "features"
            ),
        ]
    )
    func refused(body: String, text: String) async throws {
        try await ServerUnderTest.run { server in
            try expectProblem(
                try await server.send(.post, "/tally/v1/books", body),
                400,
                "VALIDATION",
                text
            )
        }
    }
}

@Suite("own batches")
struct OwnBatchTests {
    private static let body = BatchBody.encode(
        assets: [Array("USD/2".utf8)],
        accounts: [Array("a".utf8), Array("world".utf8)],
        items: [
            .init(source: 1, destination: 0, asset: 0, amount: 7),
            .init(source: 0, destination: 1, asset: 0, amount: 9),
        ]
    )
    private static let path = "/tally/v1/books/main/batches"

    @Test("the answer in bytes, in JSON, and as a replay")
    func answers() async throws {
        try await ServerUnderTest.run { server in
            let key = ["Idempotency-Key": "k", "Content-Type": "application/octet-stream"]
            let seen = try await server.send(
                .post,
                OwnBatchTests.path,
                bytes: OwnBatchTests.body,
                headers: key
            )
            #expect(seen.status == 200)
            #expect(seen.header("Content-Type") == "application/octet-stream")
            #expect(seen.header("Tally-Record") == "3")
            let root = "0000000000000001000000000000000200000000000000030000000000000004"
            #expect(
                hexadecimal(seen.bytes) == "0100" + "0300000000000000" + "0500000000000000" + root
                    + "02000000" + "0006"
            )
            let again = try await server.send(
                .post,
                OwnBatchTests.path,
                bytes: OwnBatchTests.body,
                headers: key.merging(["Accept": "application/json"]) { $1 }
            )
            #expect(again.header("Idempotency-Hit") == "true")
            #expect(try again.at("data", "replay") == "true")
            #expect(try again.at("data", "outcomes", "0") == "0")
            #expect(try again.at("data", "root") == "\"\(root)\"")
        }
    }

    @Test("what is refused")
    func refused() async throws {
        try await ServerUnderTest.run { server in
            let path = OwnBatchTests.path
            var bad = OwnBatchTests.body
            bad[0] = 9
            try expectProblem(
                try await server.send(.post, path, bytes: bad),
                400,
                "VALIDATION",
                "format: unknown batch format 9"
            )
            let short = Array(OwnBatchTests.body.dropLast())
            try expectProblem(
                try await server.send(.post, path, bytes: short),
                400,
                "VALIDATION",
                "transfers: 47 bytes"
            )
            try expectProblem(
                try await server.send(.post, path, bytes: nil),
                400,
                "VALIDATION",
                "at byte 0"
            )
            let large = [UInt8](repeating: 0, count: Limits.entryBytesMax + 1)
            try expectProblem(
                try await server.send(.post, path, bytes: large),
                413,
                "VALIDATION",
                "\(Limits.entryBytesMax) bytes"
            )
            try expectProblem(
                try await server.send(
                    .post,
                    path,
                    bytes: OwnBatchTests.body,
                    headers: ["Content-Type": "application/json"]
                ),
                415,
                "VALIDATION"
            )
            for (book, status, code) in [
                ("none", 404, "LEDGER_NOT_FOUND"), ("log", 400, "VALIDATION"),
            ] {
                try expectProblem(
                    try await server.send(
                        .post,
                        "/tally/v1/books/\(book)/batches",
                        bytes: OwnBatchTests.body
                    ),
                    status,
                    code
                )
            }
            #expect(await server.node.size == 3)
        }
    }
}

@Suite("own journals")
struct OwnJournalTests {
    private static let path = "/tally/v1/journals/log"

    private static func event(_ id: String, _ more: String = "") -> String {
        #"{"entity_type":"t","entity_id":"\#(id)","field":"f","action":"update","actor":"me"\#(more)}"#
    }

    @Test("one event, and its place")
    func one() async throws {
        try await ServerUnderTest.run { server in
            let more =
                #","old_value":null,"new_value":{"b":1.50,"a":1e999},"source":"s","workspace_id":"","occurred_at":"2024-01-01T00:00:00Z""#
            let seen = try await server.send(
                .post,
                OwnJournalTests.path + "/events",
                OwnJournalTests.event("x/1", more),
                headers: ["Idempotency-Key": "k"]
            )
            #expect(seen.status == 201)
            let place =
                #""seq":0,"event_id":"journal:0","log_index":3,"recorded_at":"2026-01-01T00:00:00.003000Z""#
            #expect(seen.text == #"{"data":{"# + place + "}}\n")
            let again = try await server.send(
                .post,
                OwnJournalTests.path + "/events",
                OwnJournalTests.event("x/1", more),
                headers: ["Idempotency-Key": "k"]
            )
            #expect(again.header("Idempotency-Hit") == "true")
            #expect(again.text == seen.text)
            let history = try await server.send(
                .get,
                OwnJournalTests.path + "/history/t/x%2F1?minIndex=3"
            )
            #expect(
                history.text == #"{"data":{"events":[{"# + place
                    + #","occurred_at":"2024-01-01T00:00:00.000000Z","entity_type":"t","entity_id":"x/1","field":"f","action":"update","old_value":null,"new_value":{"b":1.50,"a":1e999},"actor":"me","source":"s","workspace_id":""}],"more":false}}"#
                    + "\n"
            )
        }
    }

    @Test("one key covers an array: more, fewer or other events are a conflict")
    func arrayKey() async throws {
        try await ServerUnderTest.run { server in
            let path = OwnJournalTests.path + "/events"
            let events = ["a", "b", "c"].map { OwnJournalTests.event($0) }
            func send(_ body: String) async throws -> Seen {
                try await server.send(.post, path, body, headers: ["Idempotency-Key": "k"])
            }
            let two = "[\(events[0]),\(events[1])]"
            #expect(try await send(two).status == 201)
            let size = await server.node.size
            for other in [
                "[\(events[0]),\(events[1]),\(events[2])]", "[\(events[0])]", events[0],
                "[\(events[1]),\(events[0])]", "[\(events[0]),\(events[2])]",
            ] {
                try expectProblem(try await send(other), 400, "VALIDATION", "idempotency")
            }
            let again = try await send(two)
            #expect(again.header("Idempotency-Hit") == "true")
            let recent = try await server.send(.get, OwnJournalTests.path + "/recent")
            #expect(try recent.at("data", "events", "1") != nil)
            #expect(try recent.at("data", "events", "2") == nil)
            #expect(await server.node.size > size, "refusals are records")
        }
    }

    @Test("views that are behind: an event is recorded and says where")
    func viewsBehind() async throws {
        try await ServerUnderTest.run { server in
            await server.node.trouble { $0.areViewsBehind = true }
            let path = OwnJournalTests.path + "/events"
            let seen = try await server.send(.post, path, OwnJournalTests.event("a"))
            #expect(seen.status == 201)
            #expect(seen.header("Tally-Record") == "3")
            #expect(
                seen.text
                    == #"{"data":{"log_index":3,"recorded_at":"2026-01-01T00:00:00.003000Z"}}"#
                    + "\n"
            )
            let two = "[\(OwnJournalTests.event("b")),\(OwnJournalTests.event("c"))]"
            let both = try await server.send(.post, path, two)
            #expect(both.status == 201)
            #expect(try both.at("data", "1", "log_index") == "5")
            #expect(try both.at("data", "1", "seq") == nil)
        }
    }

    @Test("several events are one group")
    func group() async throws {
        try await ServerUnderTest.run { server in
            let path = OwnJournalTests.path + "/events"
            let two = "[\(OwnJournalTests.event("a")),\(OwnJournalTests.event("b"))]"
            let key = ["Idempotency-Key": "k"]
            let seen = try await server.send(.post, path, two, headers: key)
            #expect(seen.status == 201)
            #expect(try seen.at("data", "1", "seq") == "1")
            let again = try await server.send(.post, path, two, headers: key)
            #expect(again.header("Idempotency-Hit") == "true")
            #expect(again.text == seen.text)
            let bad =
                "[\(OwnJournalTests.event("a")),"
                + OwnJournalTests.event("b", #","old_value":9,"expect_old":true"#) + "]"
            let refused = try await server.send(.post, path, bad)
            try expectProblem(refused, 409, "CONFLICT", "event 1: old_value")
            #expect(refused.header("Tally-Record") == "6")
            let recent = try await server.send(.get, OwnJournalTests.path + "/recent?limit=1")
            #expect(try recent.at("data", "events", "0", "seq") == "1")
            #expect(try recent.at("data", "events", "0", "occurred_at") == "null")
            #expect(try recent.at("data", "events", "0", "workspace_id") == "null")
            #expect(try recent.at("data", "events", "0", "old_value") == nil)
            #expect(try recent.at("data", "more") == "true")
        }
    }

    @Test(
        "what is refused",
        arguments: [
            ("events", "", "body"), ("events", "[]", "no events"), ("events", "7", "object"),
            ("events", "{}", "entity_type: is missing"),
            ("events", event("a", #","colour":1"#), "colour: unknown member (at byte"),
            ("events?dryRun=true", event("a"), "dryRun: unknown parameter"),
            ("recent?page=2", nil, "page: unknown parameter"),
            ("recent?a%0Ab=2", nil, "a?b: unknown parameter"),
            ("events", event("a", #","occurred_at":"now""#), "occurred_at"),
            (
                "events", #"{"entity_type":"t","entity_id":"a","field":"f","action":"x"}"#,
                "action: none of"
            ),
            ("events", "[\(event("a")),{}]", "[1].entity_type: is missing"),
            ("history/t/a?from=1969-12-31T23:59:59Z", nil, "from: before 1970"),
            ("history/t/a?limit=0", nil, "limit"), ("recent?limit=1001", nil, "limit"),
            ("recent?before=x", nil, "before"), ("recent?minIndex=x", nil, "minIndex"),
        ] as [(String, String?, String)]
    )
    func refused(path: String, body: String?, text: String) async throws {
        try await ServerUnderTest.run { server in
            let seen = try await server.send(
                body == nil ? .get : .post,
                OwnJournalTests.path + "/" + path,
                body
            )
            try expectProblem(seen, 400, "VALIDATION", text)
        }
    }

    @Test("a book of another kind, and none")
    func books() async throws {
        try await ServerUnderTest.run { server in
            for (book, status, code) in [
                ("main", 400, "VALIDATION"), ("none", 404, "LEDGER_NOT_FOUND"),
            ] {
                let path = "/tally/v1/journals/\(book)"
                try expectProblem(
                    try await server.send(.get, path + "/recent"),
                    status,
                    code
                )
                try expectProblem(
                    try await server.send(.post, path + "/events", OwnJournalTests.event("a")),
                    status,
                    code
                )
            }
            #expect(await server.node.size == 3)
        }
    }
}

@Suite("own evidence and operations")
struct OwnEvidenceTests {
    @Test("the configuration is shown and changed, within its bounds")
    func configuration() async throws {
        try await ServerUnderTest.run { server in
            let path = "/tally/v1/configuration"
            let before = try await server.send(.get, path)
            #expect(before.text == #"{"data":{"entriesPerGeneration":8}}"# + "\n")
            for (body, text) in [
                ("", "body"), ("{}", "entriesPerGeneration: is missing"),
                (#"{"entriesPerGeneration":0}"#, "entriesPerGeneration: not within"),
                (#"{"entriesPerGeneration":1048577}"#, "entriesPerGeneration: not within"),
                (#"{"entriesPerGeneration":"8"}"#, "entriesPerGeneration"),
                (#"{"entriesPerGeneration":8,"k":8}"#, "k: unknown member"),
            ] {
                try expectProblem(
                    try await server.send(.put, path, body),
                    400,
                    "VALIDATION",
                    text
                )
            }
            let set = try await server.send(.put, path, #"{"entriesPerGeneration":16}"#)
            #expect(set.status == 204 && set.header("Tally-Record") == "3")
            let after = try await server.send(.get, path + "?minIndex=3")
            #expect(try after.at("data", "entriesPerGeneration") == "16")
        }
    }

    @Test("the digest of the state, with where the ledger stood; a node that cannot says so")
    func stateDigest() async throws {
        try await ServerUnderTest.run { server in
            let seen = try await server.send(.get, "/tally/v1/state-digest")
            #expect(try seen.at("data", "size") == "3")
            #expect(try seen.at("data", "logIndex") == "5")
            let digest = Digest(1, 2, 3, 4).description
            #expect(try seen.at("data", "stateDigest") == "\"\(digest)\"")
            await server.node.trouble { $0.busy = .queueFull }
            try expectProblem(
                try await server.send(.get, "/tally/v1/state-digest"),
                503,
                "INTERNAL"
            )
        }
    }

    @Test("the head and records in words")
    func records() async throws {
        try await ServerUnderTest.run { server in
            let head = try await server.send(.get, "/tally/v1/head")
            #expect(try head.at("data", "size") == "3")
            #expect(try head.at("data", "logIndex") == "5")
            #expect(try head.at("data", "origin") == #""ledger.test""#)
            _ = try await server.pay("a", "b", "9007199254740993", #","reference":"r""#)
            let seen = try await server.send(.get, "/tally/v1/records/3")
            #expect(try seen.at("data", "kind") == #""tx""#)
            #expect(try seen.at("data", "outcome", "refusal") == "6")
            #expect(
                try seen.at("data", "order", "postings", "0", "amount") == "9007199254740993"
            )
            #expect(try seen.at("data", "bytes")?.hasPrefix("\"8a0103") == true)
            for (index, status, code) in [
                ("4", 404, "NOT_FOUND"), ("x", 400, "VALIDATION"),
                ("18446744073709551615", 404, "NOT_FOUND"),
            ] {
                try expectProblem(
                    try await server.send(.get, "/tally/v1/records/\(index)"),
                    status,
                    code
                )
            }
        }
    }

    @Test("the signed log: checkpoint, proofs, receipts and tiles")
    func signedLog() async throws {
        try await ServerUnderTest.run { server in
            let log = try await server.send(.get, "/tally/v1/log")
            #expect(try log.at("data", "vkeys", "0") == #""ledger.test+00000000+key""#)
            #expect(try log.at("data", "publishedSize") == "2")
            #expect(try log.at("data", "notSigning") == nil)
            let checkpoint = try await server.send(.get, "/tally/v1/log/checkpoint")
            #expect(Array(checkpoint.text.utf8) == DumbLog.note)
            #expect(checkpoint.header("Content-Type") == "text/plain; charset=utf-8")
            #expect(checkpoint.header("Cache-Control") == "no-cache")
            let path = "/tally/v1/log/proof/"
            let inclusion = try await server.send(.get, path + "inclusion?index=1&size=2")
            #expect(try inclusion.at("data", "leaf_hash")?.count == 46)
            #expect(try inclusion.at("data", "proof", "0")?.count == 46)
            #expect(try inclusion.at("data", "proof", "1") == nil)
            let consistency = try await server.send(.get, path + "consistency?from=1&to=2")
            #expect(try consistency.at("data", "proof", "0")?.count == 46)
            for (query, status, code) in [
                ("inclusion?index=2&size=2", 400, "VALIDATION"),
                ("inclusion?index=0&size=3", 409, "CONFLICT"),
                ("inclusion?index=0", 400, "VALIDATION"),
                ("inclusion?index=0&size=x", 400, "VALIDATION"),
                ("consistency?from=2&to=1", 400, "VALIDATION"),
                ("consistency?from=0&to=3", 409, "CONFLICT"),
                ("consistency?from=0&to=1&more=1", 400, "VALIDATION"),
            ] {
                try expectProblem(try await server.send(.get, path + query), status, code)
            }
        }
    }

    @Test("a seal is made when it is asked for, and balances are shown under it")
    func seals() async throws {
        try await ServerUnderTest.run { server in
            let made = try await server.send(.post, "/tally/v1/log/seals")
            #expect(made.status == 200)
            #expect(try made.at("data", "record") == "7")
            #expect(try made.at("data", "seal", "size") == "7")
            #expect(try made.at("data", "seal", "balances", "count") == "3")
            let path = "/tally/v1/log/balances/"
            let shown = try await server.send(.get, path + "main/alice?asset=USD/2")
            #expect(shown.status == 200)
            #expect(shown.text == "balance of alice in USD/2")
            for (wrong, status) in [
                ("main/alice", 400), ("main/alice?asset=usd", 400), ("main/a%20b?asset=USD", 400),
                ("none/alice?asset=USD", 404), ("main/nobody?asset=USD", 404),
            ] {
                let answer = try await server.send(.get, path + wrong)
                #expect(answer.status == status, "\(wrong)")
            }
            let log = try await server.send(.get, "/tally/v1/log")
            #expect(try log.at("data", "notSealing") == #""the disk was full""#)
            #expect(try log.at("data", "witnesses", "0", "size") == "2")
            #expect(try log.at("data", "witnesses", "0", "problem") == nil)
            #expect(try log.at("data", "witnesses", "1", "size") == nil)
            #expect(try log.at("data", "witnesses", "1", "problem") == #""gone""#)
        }
    }

    @Test("receipts wait for a checkpoint, tiles are kept, what is not there is not")
    func receipts() async throws {
        try await ServerUnderTest.run { server in
            let path = "/tally/v1/log/receipt/"
            let json = try await server.send(.get, path + "1")
            #expect(json.text == "json of 1")
            #expect(json.header("Content-Type") == "application/json")
            let text = try await server.send(.get, path + "0?format=tlog-proof")
            #expect(text.text == "tlogProof of 0")
            let early = try await server.send(.get, path + "2")
            #expect(early.status == 202 && early.header("Retry-After") == "1")
            #expect(early.header("Cache-Control") == "no-store")
            try expectProblem(try await server.send(.get, path + "3"), 404, "NOT_FOUND")
            try expectProblem(try await server.send(.get, path + "x"), 400, "VALIDATION")
            let other = try await server.send(.get, path + "1?format=cose")
            try expectProblem(other, 400, "VALIDATION")
            let tile = try await server.send(.get, "/tally/v1/log/tile/0/000.p/2")
            #expect(tile.status == 200)
            #expect(tile.header("Content-Type") == "application/octet-stream")
            #expect(tile.header("Cache-Control") == "public, max-age=31536000, immutable")
            for missing in ["tile/0/000", "tile/x/000", "tile/entries/x001/000.p/1"] {
                let seen = try await server.send(.get, "/tally/v1/log/" + missing)
                try expectProblem(seen, 404, "NOT_FOUND")
                #expect(seen.header("Cache-Control") == "no-store")
            }
        }
    }

    @Test("what stands beside a record is named, and the record says all of it")
    func blobs() async throws {
        try await ServerUnderTest.run { server in
            let note = String(repeating: "n", count: 70_000)
            let metadata = #","accountMetadata":{"b":{"k":"\#(note)"}}"#
            _ = try await server.pay("world", "b", "1", metadata)
            _ = try await server.pay("world", "b", "1")
            let seen = try await server.send(.get, "/tally/v1/records/3")
            let length = try #require(try seen.at("data", "blobs", "0", "length"))
            #expect((70_030...70_060).contains(Int(length) ?? 0))
            #expect(try seen.at("data", "blobs", "0", "sha256")?.count == 66)
            #expect(try seen.at("data", "blobs", "1") == nil)
            #expect(seen.text.contains(note))
            #expect(try #require(try seen.at("data", "bytes")).count < 600)
            let small = try await server.send(.get, "/tally/v1/records/4")
            #expect(try small.at("data", "blobs") == nil)
        }
    }

    @Test("the claim of a batch's key in words")
    func claim() async throws {
        try await ServerUnderTest.run { server in
            _ = try await server.pay("world", "b", "1")
            let bare = try await server.send(.get, "/tally/v1/records/3")
            #expect(try bare.at("data", "batch") == nil)
            let digest = Digest(1, 2, 3, 4)
            await server.node.claim(BatchClaim(digest: digest, position: 2, count: 5), at: 3)
            let seen = try await server.send(.get, "/tally/v1/records/3")
            #expect(try seen.at("data", "batch", "digest") == "\"\(digest)\"")
            #expect(try seen.at("data", "batch", "position") == "2")
            #expect(try seen.at("data", "batch", "count") == "5")
        }
    }

    @Test("every kind of order in words")
    func kinds() async throws {
        try await ServerUnderTest.run { server in
            _ = try await server.pay("world", "a", "1", #","accountMetadata":{"a":{"k":"v"}}"#)
            _ = try await server.send(.post, "/v2/main/transactions/1/metadata", #"{"k":"v"}"#)
            _ = try await server.send(.delete, "/v2/main/transactions/1/metadata/k")
            _ = try await server.send(.post, "/v2/main/accounts/a/metadata", #"{"k":"v"}"#)
            _ = try await server.send(.delete, "/v2/main/accounts/a/metadata/k")
            _ = try await server.send(.post, "/v2/main/transactions/1/revert?force=true")
            _ = try await server.send(.put, "/v2/main/metadata", #"{"k":"v"}"#)
            _ = try await server.send(.delete, "/v2/main/metadata/k")
            _ = try await server.send(
                .post,
                "/tally/v1/journals/log/events",
                #"{"entity_type":"t","entity_id":"a","field":"f","action":"delete","actor":"me"}"#
            )
            _ = try await server.send(.delete, "/tally/v1/books/log")
            var kinds: [String] = []
            for index in 0..<(await server.node.size) {
                let seen = try await server.send(.get, "/tally/v1/records/\(index)")
                #expect(try seen.at("data", "outcome", "committed") == "true")
                kinds.append(try #require(try seen.at("data", "kind")))
            }
            #expect(
                kinds.joined(separator: " ").filter { $0 != "\"" }
                    == "ledger.create book.create book.create tx tx.meta tx.meta.del acct.meta "
                    + "acct.meta.del tx.revert book.meta book.meta.del event book.delete"
            )
        }
    }

    @Test("health and metrics")
    func operations() async throws {
        try await ServerUnderTest.run { server in
            let live = try await server.send(.get, "/tally/v1/health/live")
            #expect(live.text == #"{"data":{"live":true}}"# + "\n")
            let ready = try await server.send(.get, "/tally/v1/health/ready")
            #expect(ready.status == 200)
            await server.node.trouble { $0.notReady = "the disk is full" }
            let unready = try await server.send(.get, "/tally/v1/health/ready")
            try expectProblem(unready, 503, "INTERNAL", "the disk is full")
            #expect(unready.header("Retry-After") == "1")
            let health = try await server.send(.get, "/_healthcheck")
            #expect(health.status == 503)
            _ = try await server.send(.get, "/no/such/secret")
            let metrics = try await server.send(.get, "/tally/v1/metrics")
            #expect(metrics.header("Content-Type")?.hasPrefix("text/plain; version=0.0.4") == true)
            #expect(metrics.text.hasPrefix("tally_node_records 1\n# HELP tally_http"))
            let line =
                #"tally_http_requests_total{method="GET",route="/tally/v1/health/ready",status="503"} 1"#
            #expect(metrics.text.contains(line + "\n"))
            #expect(
                metrics.text.contains(
                    #"_bucket{method="GET",route="/tally/v1/health/live",le="+Inf"} 1"#
                )
            )
            #expect(!metrics.text.contains("secret"))
        }
    }
}
