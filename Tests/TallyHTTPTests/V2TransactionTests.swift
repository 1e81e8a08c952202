// SPDX-License-Identifier: Apache-2.0
//
// Transactions of the v2 API: shapes byte for byte, exact numbers, keys, dry runs, reversals, and
// the code of everything that goes wrong.

import HTTPTypes
import TallyCodec
import TallyHTTP
import TallyTypes
import Testing

@Suite("v2 transactions")
struct V2TransactionTests {
    @Test("a transaction is answered in the order of upstream's members, byte for byte")
    func shape() async throws {
        try await ServerUnderTest.run { server in
            let seen = try await server.pay(
                "world",
                "users:1",
                "100",
                #","reference":"r","timestamp":"2024-01-01T01:00:00.50+01:00","x":[{}]"#
            )
            #expect(seen.status == 200)
            #expect(seen.header("Tally-Record") == "3")
            #expect(seen.header("Idempotency-Hit") == nil)
            #expect(
                seen.text == #"""
                    {"data":{"postings":[{"source":"world","destination":"users:1","amount":100,"asset":"USD/2"}],"metadata":{},"timestamp":"2024-01-01T00:00:00.5Z","reference":"r","id":1,"insertedAt":"2026-01-01T00:00:00.003Z","updatedAt":"2026-01-01T00:00:00.003Z","postCommitVolumes":{"users:1":{"USD/2":{"input":100,"output":0,"balance":100}},"world":{"USD/2":{"input":0,"output":100,"balance":-100}}},"postCommitEffectiveVolumes":{"users:1":{"USD/2":{"input":100,"output":0,"balance":100}},"world":{"USD/2":{"input":0,"output":100,"balance":-100}}},"reverted":false,"preCommitVolumes":{"users:1":{"USD/2":{"input":0,"output":0,"balance":0}},"world":{"USD/2":{"input":0,"output":0,"balance":0}}},"preCommitEffectiveVolumes":{"users:1":{"USD/2":{"input":0,"output":0,"balance":0}},"world":{"USD/2":{"input":0,"output":0,"balance":0}}}}}

                    """#
            )
            let read = try await server.send(.get, "/v2/main/transactions/1")
            #expect(try read.at("data", "postCommitVolumes") == nil)
            #expect(try read.at("data", "reference") == #""r""#)
            let volumes = try await server.send(.get, "/v2/main/transactions/1?expand=volumes")
            #expect(
                try volumes.at("data", "postCommitVolumes", "users:1", "USD/2", "input") == "100"
            )
            #expect(try volumes.at("data", "postCommitEffectiveVolumes") == nil)
        }
    }

    @Test(
        "amounts keep every digit",
        arguments: [
            "0", "9007199254740993", "18446744073709551616",
            "1" + String(repeating: "0", count: 60),
            "115792089237316195423570985008687907853269984665640564039457584007913129639935",
        ]
    )
    func exact(amount: String) async throws {
        try await ServerUnderTest.run { server in
            let made = try await server.pay("world", "a", amount)
            #expect(try made.at("data", "postings", "0", "amount") == amount)
            #expect(
                try made.at("data", "postCommitVolumes", "world", "USD/2", "balance")
                    == (amount == "0" ? "0" : "-" + amount)
            )
            for form in ["true", "YES", "y", "1"] {
                let text = try await server.send(
                    .get,
                    "/v2/main/transactions/1?expand=volumes",
                    headers: ["Formance-Bigint-As-String": form]
                )
                #expect(try text.at("data", "postings", "0", "amount") == "\"\(amount)\"")
                #expect(
                    try text.at("data", "postCommitVolumes", "a", "USD/2", "input")
                        == "\"\(amount)\""
                )
                #expect(try text.at("data", "id") == "1")
            }
            let number = try await server.send(
                .get,
                "/v2/main/transactions/1",
                headers: ["Formance-Bigint-As-String": "no"]
            )
            #expect(try number.at("data", "postings", "0", "amount") == amount)
            let sum = try await server.send(.get, "/v2/main/aggregate/balances")
            #expect(sum.text == #"{"data":{"USD/2":0}}"# + "\n")
        }
    }

    @Test(
        "a body that breaks a rule of form",
        arguments: [
            ("", "VALIDATION", "body: expected an object"),
            ("[]", "VALIDATION", "expected an object, found an array"),
            (#"{"postings": ["#, "VALIDATION", "at byte 14"),
            (#"{"metadata":{}}"#, "NO_POSTINGS", "script.template"),
            (#"{"postings":[]}"#, "NO_POSTINGS", "postings"),
            (#"{"postings":null,"script":{"plain":""}}"#, "NO_POSTINGS", "postings"),
            (posting(#""amount":-1"#), "VALIDATION", "postings[0].amount: the number is negative"),
            (posting(#""amount":1.5"#), "VALIDATION", "postings[0].amount"),
            (posting(#""amount":1e3"#), "VALIDATION", "postings[0].amount"),
            (posting(#""amount":"7""#), "VALIDATION", "expected a number, found a string"),
            (posting(#""x":1"#), "VALIDATION", "postings[0].amount: is missing"),
            (
                posting(
                    #""amount":115792089237316195423570985008687907853269984665640564039457584007913129639936"#
                ), "VALIDATION", "2^256"
            ),
            (posting(#""amount":1"#, asset: "usd"), "VALIDATION", "postings[0].asset: is no asset"),
            (posting(#""amount":1"#, asset: "USD/1234567"), "VALIDATION", "postings[0].asset"),
            (posting(#""amount":1"#, source: "a b"), "VALIDATION", "postings[0].source"),
            (posting(#""amount":1"#, source: ""), "VALIDATION", "no account address (at byte"),
            (
                posting(#""amount":1"#, more: #","timestamp":"yesterday""#), "VALIDATION",
                "timestamp"
            ),
            (posting(#""amount":1"#, more: #","metadata":{"n":1}"#), "VALIDATION", "metadata.n"),
            (
                posting(#""amount":1"#, more: #","accountMetadata":{"a b":{}}"#), "VALIDATION",
                "accountMetadata: a key is no account address"
            ),
            (
                posting(#""amount":1"#, more: #","script":{"plain":"send"}"#), "VALIDATION",
                "only one of"
            ),
            (#"{"script":{"plain":"send"}}"#, "VALIDATION", "scripts are not supported yet"),
            (#"{"script":{"template":"t"}}"#, "VALIDATION", "script.template: scripts"),
            (posting(#""amount":1"#, more: #","reference":7"#), "VALIDATION", "reference"),
            (posting(#""amount":1"#, more: #","force":"yes""#), "VALIDATION", "force"),
        ]
    )
    func malformed(body: String, code: String, text: String) async throws {
        try await ServerUnderTest.run { server in
            let before = await server.node.size
            try expectProblem(
                try await server.send(.post, "/v2/main/transactions", body),
                400,
                code,
                text
            )
            #expect(await server.node.size == before)
        }
    }

    @Test("an error message carries no value of the body")
    func noPayload() async throws {
        try await ServerUnderTest.run { server in
            let seen = try await server.send(
                .post,
                "/v2/main/transactions",
                posting(#""amount":1"#, asset: "SECRETs")
            )
            #expect(!seen.text.contains("SECRET"))
        }
    }

    @Test("funds, references and force")
    func rules() async throws {
        try await ServerUnderTest.run { server in
            let poor = try await server.pay("a", "b", "5")
            try expectProblem(
                poor,
                400,
                "INSUFFICIENT_FUND",
                "account a, asset USD/2, needed 5, available 0"
            )
            #expect(poor.header("Tally-Record") == "3", "a refusal is a record")
            for query in ["?force=true", "?force=1", "?force=TRUE"] {
                #expect(try await server.pay("a", "b", "5", query: query).status == 200)
            }
            #expect(try await server.pay("a", "b", "5", #","force":true"#).status == 200)
            try expectProblem(
                try await server.pay("a", "b", "5", query: "?force=yes"),
                400,
                "INSUFFICIENT_FUND"
            )
            #expect(try await server.pay("world", "b", "5", #","reference":"r""#).status == 200)
            try expectProblem(
                try await server.pay("world", "b", "6", #","reference":"r""#),
                409,
                "CONFLICT"
            )
            #expect(try await server.pay("world", "b", "6", #","reference":"""#).status == 200)
            let max =
                "115792089237316195423570985008687907853269984665640564039457584007913129639935"
            try expectProblem(
                try await server.pay("world", "b", max),
                400,
                "VALIDATION",
                "2^256"
            )
            try expectProblem(
                try await server.pay("world", "b", "6", query: "?schemaVersion=v1"),
                400,
                "VALIDATION",
                "not supported yet: parameter schemaVersion"
            )
        }
    }

    @Test("Go's zero time is no time")
    func zeroTime() async throws {
        try await ServerUnderTest.run { server in
            let seen = try await server.pay(
                "world",
                "a",
                "1",
                #","timestamp":"0001-01-01T00:00:00Z""#
            )
            #expect(try seen.at("data", "timestamp") == #""2026-01-01T00:00:00.003Z""#)
        }
    }

    @Test("idempotency keys")
    func keys() async throws {
        try await ServerUnderTest.run { server in
            let key = ["Idempotency-Key": "k1"]
            let first = try await server.pay("world", "a", "5", headers: key)
            #expect(first.header("Idempotency-Hit") == nil)
            #expect(try await server.pay("world", "a", "7").status == 200)
            let again = try await server.pay("world", "a", "5", headers: key)
            #expect(again.status == 200)
            #expect(again.header("Idempotency-Hit") == "true")
            #expect(again.header("Tally-Record") == first.header("Tally-Record"))
            #expect(again.text == first.text)
            try expectProblem(
                try await server.pay("world", "a", "6", headers: key),
                400,
                "VALIDATION",
                "idempotency key"
            )
            try expectProblem(
                try await server.pay(
                    "world",
                    "a",
                    "6",
                    headers: ["Idempotency-Key": String(repeating: "k", count: 257)]
                ),
                400,
                "VALIDATION",
                "Idempotency-Key"
            )
            let revert = try await server.send(
                .post,
                "/v2/main/transactions/1/revert",
                headers: ["Idempotency-Key": "k2"]
            )
            let reverted = try await server.send(
                .post,
                "/v2/main/transactions/1/revert",
                headers: ["Idempotency-Key": "k2"]
            )
            #expect(revert.status == 201)
            #expect(reverted.status == 201)
            #expect(reverted.header("Idempotency-Hit") == "true")
            #expect(try reverted.at("data", "id") == revert.at("data", "id"))
        }
    }

    @Test("dry runs answer as if, and write nothing")
    func dryRun() async throws {
        try await ServerUnderTest.run { server in
            #expect(
                try await server.pay("world", "a", "10", #","timestamp":"2024-01-01T00:00:00Z""#)
                    .status == 200
            )
            #expect(
                try await server.pay("world", "a", "20", #","timestamp":"2024-03-01T00:00:00Z""#)
                    .status == 200
            )
            let before = await server.node.size
            let more = #","timestamp":"2024-02-01T00:00:00Z","reference":"d""#
            let dry = try await server.pay("world", "a", "7", more, query: "?dryRun=true")
            #expect(dry.status == 200)
            #expect(dry.header("Tally-Record") == nil)
            #expect(await server.node.size == before)
            let real = try await server.pay("world", "a", "7", more)
            for member in [
                "id", "postCommitVolumes", "preCommitVolumes", "postCommitEffectiveVolumes",
                "preCommitEffectiveVolumes", "reference", "timestamp", "postings",
            ] {
                #expect(try dry.at("data", member) == real.at("data", member), "\(member)")
            }
            try expectProblem(
                try await server.pay("x", "a", "7", query: "?dryRun=1"),
                400,
                "INSUFFICIENT_FUND"
            )
            let revert = try await server.send(.post, "/v2/main/transactions/1/revert?dryRun=true")
            #expect(revert.status == 201)
            #expect(try revert.at("data", "postings", "0", "source") == #""a""#)
            #expect(
                try await server.send(
                    .post,
                    "/v2/main/accounts/a/metadata?dryRun=true",
                    #"{"k":"v"}"#
                ).status == 204
            )
            #expect(await server.node.size == before + 1)
        }
    }

    @Test("reversals")
    func reversals() async throws {
        try await ServerUnderTest.run { server in
            let time = #","timestamp":"2024-01-10T00:00:00Z""#
            #expect(try await server.pay("world", "a", "100", time).status == 200)
            #expect(try await server.pay("a", "b", "60").status == 200)
            try expectProblem(
                try await server.send(.post, "/v2/main/transactions/1/revert"),
                400,
                "INSUFFICIENT_FUND"
            )
            let seen = try await server.send(
                .post,
                "/v2/main/transactions/2/revert",
                #"{"metadata":{"by":"me"},"x":1}"#
            )
            #expect(seen.status == 201)
            #expect(
                try seen.at("data", "metadata")
                    == #"{"by":"me","com.formance.spec/state/reverts":"2"}"#
            )
            try expectProblem(
                try await server.send(.post, "/v2/main/transactions/2/revert"),
                400,
                "ALREADY_REVERT"
            )
            let dated = try await server.send(
                .post,
                "/v2/main/transactions/1/revert?atEffectiveDate=true",
                "null"
            )
            #expect(try dated.at("data", "timestamp") == #""2024-01-10T00:00:00Z""#)
            let old = try await server.send(.get, "/v2/main/transactions/2")
            #expect(try old.at("data", "reverted") == "true")
            #expect(try old.at("data", "revertedAt") != nil)
            for (path, status, code) in [
                ("99/revert", 404, "NOT_FOUND"), ("abc/revert", 400, "VALIDATION"),
                ("-1/revert", 400, "VALIDATION"),
                ("9223372036854775808/revert", 404, "NOT_FOUND"),
                ("18446744073709551616/revert", 400, "VALIDATION"),
            ] {
                try expectProblem(
                    try await server.send(.post, "/v2/main/transactions/" + path),
                    status,
                    code
                )
            }
            try expectProblem(
                try await server.send(.post, "/v2/main/transactions/1/revert", "{"),
                400,
                "VALIDATION",
                "at byte 1"
            )
        }
    }

    @Test("metadata of transactions")
    func metadata() async throws {
        try await ServerUnderTest.run { server in
            #expect(try await server.pay("world", "a", "1").status == 200)
            let base = "/v2/main/transactions/1/metadata"
            #expect(try await server.send(.post, base, #"{"y":"2"}"#).status == 204)
            #expect(try await server.send(.delete, base + "/y").status == 204)
            try expectProblem(try await server.send(.delete, base + "/y"), 404, "NOT_FOUND")
            try expectProblem(
                try await server.send(.post, "/v2/main/transactions/9/metadata", "{}"),
                404,
                "NOT_FOUND"
            )
            try expectProblem(
                try await server.send(.post, "/v2/main/transactions/x/metadata", "{}"),
                400,
                "VALIDATION"
            )
            try expectProblem(
                try await server.send(.post, base, "[]"),
                400,
                "VALIDATION",
                "expected an object"
            )
        }
    }

    @Test(
        "lists: sorts, directions, points in time",
        arguments: [
            ("", "3,2,1"), ("?sort=id:asc", "1,2,3"), ("?reverse=true", "1,2,3"),
            ("?sort=insertedAt:asc", "1,2,3"), ("?order=effective", "1,3,2"),
            ("?order=effective&reverse=true", "2,3,1"), ("?sort=timestamp:asc", "2,3,1"),
            ("?pit=2024-02-01T00:00:00Z", "3,2"), ("?pageSize=1", "3"), ("?pageSize=0", "3,2,1"),
            ("?pageSize=5000", "3,2,1"), ("?query=%7B%7D", "3,2,1"), ("?query=null", "3,2,1"),
        ]
    )
    func lists(query: String, ids: String) async throws {
        try await ServerUnderTest.run { server in
            for month in ["03", "01", "02"] {
                let time = #","timestamp":"2024-\#(month)-01T00:00:00Z""#
                #expect(try await server.pay("world", "a", "1", time).status == 200)
            }
            let seen = try await server.send(.get, "/v2/main/transactions" + query)
            var found: [String] = []
            while let id = try seen.at("cursor", "data", "\(found.count)", "id") {
                found.append(id)
            }
            #expect(found.joined(separator: ",") == ids, "\(seen.text)")
            let count = try await server.send(.head, "/v2/main/transactions" + query)
            #expect(count.status == 204)
            #expect(count.header("Count") == (query.contains("pit") ? "2" : "3"))
        }
    }

    @Test(
        "lists: what is refused",
        arguments: [
            ("?pageSize=abc", "", "pageSize"), ("?pageSize=-1", "", "pageSize"),
            ("?cursor=%21%21", "", "cursor"), ("?sort=reference:asc", "", "sort"),
            ("?sort=id:sideways", "", "sort"), ("?sort=updatedAt:asc", "", "not supported yet"),
            ("?pit=yesterday", "", "pit"), ("?oot=2024-01-01T00:00:00Z", "", "parameter oot"),
            ("?expand=everything", "", "expand"), ("?order=random", "", "order"),
            ("", #"{"$match":{"account":"a"}}"#, "filter $match on account"),
            ("", #"{"$and":[]}"#, "filter $and"), ("", #"{"$nope":{}}"#, "no such operator"),
            ("", "[]", "filter"), ("", "7", "filter"), ("", "{", "at byte 1"),
            ("?query=%7B%22%24lt%22%3A%7B%22id%22%3A3%7D%7D", "", "filter $lt on id"),
            ("?query=%7B", "", "query"),
            ("", #"{"$match":{"metadata[secret]":"a"}}"#, "filter $match on metadata"),
        ]
    )
    func refused(query: String, body: String, text: String) async throws {
        try await ServerUnderTest.run { server in
            let seen = try await server.send(
                .get,
                "/v2/main/transactions" + query,
                body.isEmpty ? nil : body
            )
            try expectProblem(seen, 400, "VALIDATION", text)
            #expect(!seen.text.contains("secret"))
        }
    }
}

/// A body with one posting.
private func posting(
    _ amount: String,
    asset: String = "USD/2",
    source: String = "world",
    more: String = ""
) -> String {
    """
    {"postings":[{"source":"\(source)","destination":"a","asset":"\(asset)",\(amount)}]\(more)}
    """
}
