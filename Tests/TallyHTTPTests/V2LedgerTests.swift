// SPDX-License-Identifier: Apache-2.0
//
// Ledgers of the v2 API: shapes byte for byte, and the code of everything that goes wrong.

import HTTPTypes
import TallyCodec
import TallyHTTP
import TallyTypes
import Testing

@Suite("v2 ledgers")
struct V2LedgerTests {
    @Test("a ledger is shown with every feature, byte for byte")
    func shape() async throws {
        try await ServerUnderTest.run { server in
            let made = try await server.send(
                .post,
                "/v2/shop",
                #"{"metadata":{"b":"2","a":"<&>"},"features":{"HASH_LOGS":"SYNC"}}"#
            )
            #expect(made.status == 204)
            #expect(made.bytes.isEmpty)
            #expect(made.header("Content-Length") == nil)
            #expect(made.header("Tally-Record") == "3")
            let seen = try await server.send(.get, "/v2/shop")
            #expect(seen.status == 200)
            #expect(seen.header("Content-Type") == "application/json")
            #expect(
                seen.text == #"""
                    {"data":{"bucket":"_default","metadata":{"a":"\u003c\u0026\u003e","b":"2"},"features":{"ACCOUNT_METADATA_HISTORY":"SYNC","HASH_LOGS":"SYNC","MOVES_HISTORY":"ON","MOVES_HISTORY_POST_COMMIT_EFFECTIVE_VOLUMES":"SYNC","TRANSACTION_METADATA_HISTORY":"SYNC"},"id":3,"name":"shop","addedAt":"2026-01-01T00:00:00.003Z"}}

                    """#
            )
        }
    }

    @Test(
        "what a ledger cannot be",
        arguments: [
            ("/v2/a.b", "{}", 400, "VALIDATION", "ledger name"),
            ("/v2/" + String(repeating: "n", count: 64), "{}", 400, "VALIDATION", "ledger name"),
            ("/v2/_", "{}", 400, "VALIDATION", "reserved"),
            ("/v2/_info", "{}", 400, "VALIDATION", "reserved"),
            ("/v2/_healthcheck", "{}", 400, "VALIDATION", "reserved"),
            ("/v2/main", "", 400, "LEDGER_ALREADY_EXISTS", ""),
            ("/v2/log", "", 400, "LEDGER_ALREADY_EXISTS", ""),
            ("/v2/n", #"{"bucket":"a b"}"#, 400, "VALIDATION", "bucket: 1 to 63"),
            ("/v2/n", #"{"bucket":7}"#, 400, "VALIDATION", "bucket: expected a string"),
            ("/v2/n", #"{"metadata":{"n":1}}"#, 400, "VALIDATION", "metadata.n"),
            ("/v2/n", #"{"features":{"NO_SUCH":"ON"}}"#, 400, "VALIDATION", "no such feature"),
            ("/v2/n", #"{"features":{"HASH_LOGS":"DISABLED"}}"#, 400, "VALIDATION", "HASH_LOGS"),
            ("/v2/n", #"{"metadata":"#, 400, "VALIDATION", "at byte 12"),
            ("/v2/n", "[]", 400, "VALIDATION", "expected an object"),
            ("/v2/n", #"{"bucket":"a","bucket":"b"}"#, 400, "VALIDATION", "bucket"),
            ("/v2/%zz", "{}", 400, "VALIDATION", "percent"),
        ]
    )
    func refused(
        path: String,
        body: String,
        status: Int,
        code: String,
        text: String
    ) async throws {
        try await ServerUnderTest.run { server in
            let before = await server.node.size
            try expectProblem(
                try await server.send(.post, path, body),
                status,
                code,
                text
            )
            if code == "VALIDATION" { #expect(await server.node.size == before) }
        }
    }

    @Test(
        "a null, an empty and an unknown body make a ledger",
        arguments: ["null", "", "{\"x\":1}", "  "]
    )
    func lenient(body: String) async throws {
        try await ServerUnderTest.run { server in
            let made = try await server.send(.post, "/v2/n", body)
            #expect(made.status == 204)
        }
    }

    @Test(
        "an unknown ledger, and one that is a journal",
        arguments: ["none", "log", "bad.name"],
        [
            ("GET", "", "NOT_FOUND"), ("PUT", "/metadata", "NOT_FOUND"),
            ("DELETE", "/metadata/k", "NOT_FOUND"), ("GET", "/stats", "LEDGER_NOT_FOUND"),
            ("GET", "/_info", "LEDGER_NOT_FOUND"), ("GET", "/transactions", "LEDGER_NOT_FOUND"),
            ("POST", "/transactions", "LEDGER_NOT_FOUND"),
            ("GET", "/transactions/1", "LEDGER_NOT_FOUND"),
            ("POST", "/transactions/1/revert", "LEDGER_NOT_FOUND"),
            ("POST", "/transactions/1/metadata", "LEDGER_NOT_FOUND"),
            ("DELETE", "/transactions/1/metadata/k", "LEDGER_NOT_FOUND"),
            ("GET", "/accounts", "LEDGER_NOT_FOUND"), ("GET", "/accounts/a", "LEDGER_NOT_FOUND"),
            ("POST", "/accounts/a/metadata", "LEDGER_NOT_FOUND"),
            ("DELETE", "/accounts/a/metadata/k", "LEDGER_NOT_FOUND"),
            ("GET", "/volumes", "LEDGER_NOT_FOUND"),
            ("GET", "/aggregate/balances", "LEDGER_NOT_FOUND"),
            ("GET", "/logs", "LEDGER_NOT_FOUND"), ("POST", "/_bulk", "LEDGER_NOT_FOUND"),
        ]
    )
    func unknown(name: String, route: (String, String, String)) async throws {
        try await ServerUnderTest.run { server in
            let (method, path, code) = route
            let before = await server.node.size
            let verb = try #require(HTTPRequest.Method(rawValue: method))
            let seen = try await server.send(verb, "/v2/\(name)\(path)", "{}")
            try expectProblem(seen, 404, code, "ledger not found")
            #expect(await server.node.size == before, "a refusal was recorded")
        }
    }

    @Test("metadata of a ledger")
    func metadata() async throws {
        try await ServerUnderTest.run { server in
            #expect(
                try await server.send(.put, "/v2/main/metadata", #"{"a":"1","b c":"2"}"#).status
                    == 204
            )
            #expect(try await server.send(.delete, "/v2/main/metadata/b%20c").status == 204)
            #expect(try await server.send(.delete, "/v2/main/metadata/none").status == 204)
            let seen = try await server.send(.get, "/v2/main")
            #expect(try seen.at("data", "metadata") == #"{"a":"1"}"#)
            try expectProblem(
                try await server.send(.put, "/v2/main/metadata", #"{"a":1}"#),
                400,
                "VALIDATION",
                "a: expected a string, found a number (at byte 5)"
            )
            try expectProblem(
                try await server.send(.put, "/v2/main/metadata"),
                400,
                "VALIDATION",
                "body"
            )
        }
    }

    @Test("the list shows accounts books, pages, and refuses filters by name")
    func list() async throws {
        try await ServerUnderTest.run { server in
            for name in ["b", "c"] {
                #expect(try await server.send(.post, "/v2/\(name)").status == 204)
            }
            let one = try await server.send(.get, "/v2?pageSize=2", "{}")
            #expect(try one.at("cursor", "pageSize") == "2")
            #expect(try one.at("cursor", "hasMore") == "true")
            #expect(try one.at("cursor", "data", "0", "name") == #""main""#)
            #expect(try one.at("cursor", "data", "1", "name") == #""b""#)
            #expect(try one.at("cursor", "previous") == nil)
            let next = try #require(try one.at("cursor", "next")).dropFirst().dropLast()
            let two = try await server.send(.get, "/v2?cursor=\(next)", #"{"$match":{"id":1}}"#)
            #expect(try two.at("cursor", "data", "0", "name") == #""c""#)
            #expect(try two.at("cursor", "next") == nil)
            let down = try await server.send(.get, "/v2?sort=id:desc&pageSize=1")
            #expect(try down.at("cursor", "data", "0", "name") == #""c""#)
            try expectProblem(
                try await server.send(.get, "/v2", #"{"$match":{"name":"b"}}"#),
                400,
                "VALIDATION",
                "not supported yet: filter $match on name"
            )
            try expectProblem(
                try await server.send(.get, "/v2?sort=name:asc"),
                400,
                "VALIDATION",
                "not supported yet: sort by name"
            )
            let gone = try await server.send(.delete, "/tally/v1/books/b")
            #expect(gone.status == 204)
            let live = try await server.send(.get, "/v2")
            #expect(try live.at("cursor", "data", "1", "name") == #""c""#)
            let all = try await server.send(.get, "/v2?includeDeleted=true")
            #expect(try all.at("cursor", "data", "1", "name") == #""b""#)
            #expect(try all.at("cursor", "data", "1", "deletedAt") != nil)
            try expectProblem(try await server.send(.get, "/v2/b"), 404, "NOT_FOUND")
        }
    }

    @Test("info and stats, and the mount of the gateway", arguments: ["", "/api/ledger"])
    func info(mount: String) async throws {
        try await ServerUnderTest.run { server in
            let info = try await server.send(.get, mount + "/v2/main/_info")
            #expect(info.text == #"{"data":{"name":"main","storage":{"migrations":[]}}}"# + "\n")
            let stats = try await server.send(.get, mount + "/v2/main/stats")
            #expect(stats.text == #"{"data":{"transactions":0,"accounts":0}}"# + "\n")
            let wrapped = try await server.send(.get, mount + "/v2/_info")
            let plain = #"{"server":"tallystick","version":"0.0.1-test"}"#
            #expect(wrapped.text == #"{"data":"# + plain + "}\n")
            let bare = try await server.send(.get, mount + "/_/info")
            #expect(bare.text == plain + "\n")
            let health = try await server.send(.get, mount + "/_healthcheck")
            #expect(health.text == #"{"ledger":"OK"}"# + "\n")
        }
    }

    @Test(
        "what is not built is refused by name",
        arguments: [
            ("GET", "/v2/main/logs"), ("POST", "/v2/main/_bulk"),
            ("POST", "/v2/main/logs/export"), ("GET", "/v2/main/schemas"),
            ("POST", "/v2/main/queries/q/run"), ("GET", "/v2/_/exporters"),
            ("DELETE", "/v2/_/buckets/b"), ("GET", "/v2/main/pipelines/p"),
        ]
    )
    func unbuilt(method: String, path: String) async throws {
        try await ServerUnderTest.run { server in
            let verb = try #require(HTTPRequest.Method(rawValue: method))
            let seen = try await server.send(verb, path, "[]")
            try expectProblem(seen, 400, "VALIDATION", "not supported yet: \(method) /v2/")
        }
    }
}
