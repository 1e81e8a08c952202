// SPDX-License-Identifier: Apache-2.0
//
// Accounts, volumes and balances of the v2 API.

import HTTPTypes
import TallyCodec
import TallyHTTP
import TallyTypes
import Testing

@Suite("v2 accounts and volumes")
struct V2AccountTests {
    @Test("an account is shown byte for byte, its address encoded or not")
    func shape() async throws {
        try await ServerUnderTest.run { server in
            let made = try await server.pay(
                "world",
                "users:1",
                "7",
                #","timestamp":"2024-01-01T00:00:00Z""#
            )
            #expect(made.status == 200)
            let path = "/v2/main/accounts/users:1/metadata"
            #expect(try await server.send(.post, path, #"{"k":"é \u2028<"}"#).status == 204)
            for address in ["users:1", "users%3A1", "users%3a1"] {
                let seen = try await server.send(
                    .get,
                    "/v2/main/accounts/\(address)?expand=volumes,effectiveVolumes"
                )
                #expect(
                    seen.text == #"""
                        {"data":{"address":"users:1","metadata":{"k":"é \u2028\u003c"},"firstUsage":"2024-01-01T00:00:00Z","insertionDate":"2026-01-01T00:00:00.003Z","updatedAt":"2026-01-01T00:00:00.004Z","volumes":{"USD/2":{"input":7,"output":0,"balance":7}},"effectiveVolumes":{"USD/2":{"input":7,"output":0,"balance":7}}}}

                        """#
                )
            }
            let plain = try await server.send(.get, "/v2/main/accounts/users:1")
            #expect(try plain.at("data", "volumes") == nil)
        }
    }

    @Test("metadata makes an account; deleting an absent key is fine and logged")
    func metadata() async throws {
        try await ServerUnderTest.run { server in
            let base = "/v2/main/accounts/new:1/metadata"
            #expect(try await server.send(.post, base, #"{"a":"1","b/c":"2"}"#).status == 204)
            let seen = try await server.send(.get, "/v2/main/accounts/new:1?expand=volumes")
            #expect(try seen.at("data", "volumes") == "{}")
            let gone = try await server.send(.delete, base + "/b%2Fc")
            #expect(gone.status == 204)
            let absent = try await server.send(.delete, base + "/zzz")
            #expect(absent.status == 204)
            #expect(absent.header("Tally-Record") == "5")
            let left = try await server.send(.get, "/v2/main/accounts/new:1")
            #expect(try left.at("data", "metadata") == #"{"a":"1"}"#)
            try expectProblem(
                try await server.send(.post, base, #"{"n":1}"#),
                400,
                "VALIDATION",
                "n: expected"
            )
            try expectProblem(
                try await server.send(.post, "/v2/main/accounts/a::b/metadata", "{}"),
                400,
                "VALIDATION",
                "address"
            )
            try expectProblem(
                try await server.send(.get, "/v2/main/accounts/none"),
                404,
                "NOT_FOUND"
            )
            try expectProblem(
                try await server.send(.get, "/v2/main/accounts/"),
                400,
                "VALIDATION",
                "address"
            )
        }
    }

    @Test("pages of accounts and of volumes")
    func pages() async throws {
        try await ServerUnderTest.run { server in
            for name in ["c", "a", "b"] {
                #expect(try await server.pay("world", name, "1").status == 200)
            }
            let one = try await server.send(.get, "/v2/main/accounts?pageSize=3")
            #expect(try one.at("cursor", "data", "2", "address") == #""c""#)
            let next = try #require(try one.at("cursor", "next")).dropFirst().dropLast()
            let two = try await server.send(.get, "/v2/main/accounts?cursor=\(next)")
            #expect(try two.at("cursor", "data", "0", "address") == #""world""#)
            let back = try #require(try two.at("cursor", "previous")).dropFirst().dropLast()
            let again = try await server.send(.get, "/v2/main/accounts?cursor=\(back)&pageSize=1")
            #expect(try again.at("cursor", "pageSize") == "1")
            let down = try await server.send(.get, "/v2/main/accounts?sort=address:desc")
            #expect(try down.at("cursor", "data", "0", "address") == #""world""#)
            let count = try await server.send(.head, "/v2/main/accounts")
            #expect(count.header("Count") == "4")
            #expect(count.bytes.isEmpty)
            let volumes = try await server.send(.get, "/v2/main/volumes?pageSize=1")
            #expect(
                try volumes.at("cursor", "data", "0")
                    == #"{"account":"a","asset":"USD/2","input":1,"output":0,"balance":1}"#
            )
            let text = try await server.send(
                .get,
                "/v2/main/volumes",
                headers: ["Formance-Bigint-As-String": "1"]
            )
            #expect(try text.at("cursor", "data", "3", "balance") == #""-3""#)
        }
    }

    @Test(
        "what these reads refuse, by name",
        arguments: [
            ("/accounts?sort=firstUsage:asc", "sort by firstUsage"),
            ("/accounts?sort=color:asc", "sort: no such field"),
            ("/accounts?oot=2024-01-01T00:00:00Z", "parameter oot"),
            ("/accounts/a?pit=2026-01-02T00:00:00Z&expand=volumes", "not supported yet: volumes"),
            ("/volumes?pit=2024-01-01T00:00:00Z", "parameter pit"),
            ("/volumes?endTime=2024-01-01T00:00:00Z", "parameter endTime"),
            ("/volumes?groupBy=1", "parameter groupBy"), ("/volumes?sort=asset:asc", "sort"),
            ("/aggregate/balances?pit=1", "pit"),
            (
                "/aggregate/balances?pit=2024-01-01T00:00:00Z&useInsertionDate=true",
                "useInsertionDate with pit"
            ),
            (
                "/aggregate/balances?query=%7B%22%24match%22%3A%7B%22address%22%3A%22a%22%7D%7D",
                "filter $match on address"
            ),
        ]
    )
    func refused(path: String, text: String) async throws {
        try await ServerUnderTest.run { server in
            #expect(try await server.pay("world", "a", "1").status == 200)
            try expectProblem(
                try await server.send(.get, "/v2/main" + path),
                400,
                "VALIDATION",
                text
            )
        }
    }

    @Test("points in time")
    func pointInTime() async throws {
        try await ServerUnderTest.run { server in
            let times = ["2024-01-01T00:00:00Z", "2024-03-01T00:00:00Z"]
            #expect(
                try await server.pay("world", "a", "100", #","timestamp":"\#(times[0])""#).status
                    == 200
            )
            #expect(
                try await server.pay("a", "b", "30", #","timestamp":"\#(times[1])""#).status == 200
            )
            let pit = "pit=2024-02-01T00:00:00Z"
            let past = try await server.send(
                .get,
                "/v2/main/accounts/a?expand=effectiveVolumes&" + pit
            )
            #expect(try past.at("data", "effectiveVolumes", "USD/2", "balance") == "100")
            try expectProblem(
                try await server.send(.get, "/v2/main/accounts/b?" + pit),
                404,
                "NOT_FOUND"
            )
            try expectProblem(
                try await server.send(.get, "/v2/main/transactions/2?" + pit),
                404,
                "NOT_FOUND"
            )
            let count = try await server.send(.head, "/v2/main/accounts?" + pit)
            #expect(count.header("Count") == "2")
            let sum = try await server.send(.get, "/v2/main/aggregate/balances?" + pit)
            #expect(try sum.at("data", "USD/2") == "0")
        }
    }
}
