// SPDX-License-Identifier: Apache-2.0
//
// A small ledger with everything in it, made through the server: accounts and a journal, metadata,
// reverts, refusals, batches, and so many entries that several generations and flushes happened.

import Foundation
import TallyCodec
import TallyTypes
import TestSupport

/// Fills a ledger through its server.
enum SmallLedger {
    /// K: small, so that a few dozen entries make several generations.
    static let entriesPerGeneration = 8
    /// Texts that stand in rows of the views, by the book whose file has to hold them.
    static let viewTexts = ["flip-reference-7", "flip-entity-3"]

    /// Makes a ledger in a new directory and stops it cleanly, or leaves it killed.
    static func make(_ directory: String, isKilled: Bool = false) async throws {
        let server = try await ServerUnderTest(
            directory,
            entriesPerGeneration: entriesPerGeneration
        )
        let client = LedgerClient(url: server.url)
        try await client.expect(204, from: "POST", "/v2/shop", #"{"metadata":{"town":"Delft"}}"#)
        try await client.expect(
            201,
            from: "POST",
            "/tally/v1/books",
            #"{"name":"diary","kind":"journal"}"#
        )
        try await accounts(client)
        try await journal(client)
        try await batches(client)
        try await gone(client)
        if isKilled { try await server.kill() } else { try await server.stop() }
    }

    private static func transaction(_ number: Int) -> String {
        """
        {"postings":[{"source":"world","destination":"users:\(number % 4):main",
          "amount":\(1_000 + number),"asset":"EUR/2"},
          {"source":"world","destination":"fees","amount":1,"asset":"USD"}],
        "reference":"flip-reference-\(number)","metadata":{"number":"\(number)"},
        "timestamp":"2026-01-\(10 + number)T10:00:00Z"}
        """
    }

    private static func accounts(_ client: LedgerClient) async throws {
        let path = "/v2/shop/transactions"
        for number in 1...12 {
            try await client.expect(200, from: "POST", path, transaction(number))
        }
        // Too large for a record: the order stands beside it, and so do the postings of its revert.
        let wide = (0..<900).map { number in
            """
            {"source":"world","destination":"stores:\(String(repeating: "s", count: 60)):\(number)",
              "amount":1,"asset":"EUR/2"}
            """
        }
        try await client.expect(
            200,
            from: "POST",
            path,
            "{\"postings\":[\(wide.joined(separator: ","))]}"
        )
        try await client.expect(201, from: "POST", path + "/13/revert")
        let poor = """
            {"postings":[{"source":"nobody","destination":"fees","amount":5,"asset":"EUR/2"}]}
            """
        for _ in 1...3 { try await client.expect(400, from: "POST", path, poor) }
        try await client.expect(201, from: "POST", path + "/2/revert")
        try await client.expect(201, from: "POST", path + "/5/revert?atEffectiveDate=true")
        try await client.expect(400, from: "POST", path + "/2/revert")
        try await client.expect(204, from: "POST", path + "/3/metadata", #"{"seen":"yes"}"#)
        let account = "/v2/shop/accounts/users:1:main/metadata"
        try await client.expect(204, from: "POST", account, #"{"name":"Ada","tier":"2"}"#)
        try await client.expect(204, from: "DELETE", account + "/tier")
        try await client.expect(204, from: "DELETE", path + "/3/metadata/seen")
    }

    /// A ledger with rows of every kind that is deleted again.
    private static func gone(_ client: LedgerClient) async throws {
        try await client.expect(204, from: "POST", "/v2/gone", #"{"metadata":{"town":"Ys"}}"#)
        let path = "/v2/gone/transactions"
        try await client.expect(200, from: "POST", path, transaction(1))
        try await client.expect(201, from: "POST", path + "/1/revert")
        let account = "/v2/gone/accounts/users:1:main/metadata"
        try await client.expect(204, from: "POST", account, #"{"name":"Dahut"}"#)
        try await client.expect(204, from: "DELETE", "/tally/v1/books/gone")
        try await client.expect(404, from: "POST", path, transaction(2))
    }

    private static func journal(_ client: LedgerClient) async throws {
        for number in 1...8 {
            try await client.expect(
                201,
                from: "POST",
                "/tally/v1/journals/diary/events",
                """
                {"entity_type":"lamp","entity_id":"flip-entity-\(number % 4)","field":"state",
                 "action":"update","new_value":{"on":\(number)},"actor":"test"}
                """
            )
        }
        let long = String(repeating: "l", count: 70_000)
        try await client.expect(
            201,
            from: "POST",
            "/tally/v1/journals/diary/events",
            """
            {"entity_type":"lamp","entity_id":"long","field":"state","action":"update",
             "new_value":"\(long)","actor":"test"}
            """
        )
        try await client.expect(
            409,
            from: "POST",
            "/tally/v1/journals/diary/events",
            """
            {"entity_type":"lamp","entity_id":"flip-entity-1","field":"state","action":"update",
             "old_value":{"on":77},"new_value":{"on":78},"actor":"test","expect_old":true}
            """
        )
    }

    private static func batches(_ client: LedgerClient) async throws {
        let accounts = ["poor", "users:0:main", "users:1:main", "world"].map { Array($0.utf8) }
        for number in 0..<12 {
            let items = (0..<30).map { position in
                BatchBody.Item(
                    source: position % 10 == 9 ? 0 : 3,
                    destination: 1 + position % 2,
                    asset: 0,
                    amount: UInt128(1_000_000 + number * 30 + position)
                )
            }
            let body = BatchBody.encode(
                assets: [Array("EUR/2".utf8)],
                accounts: accounts,
                items: items
            )
            _ = try await client.batch(body, to: "shop", key: "small-\(number)")
        }
    }
}
