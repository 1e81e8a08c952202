// SPDX-License-Identifier: Apache-2.0
//
// The console: every page renders, everything is escaped, nothing may be loaded from elsewhere.

import Foundation
import HTTPTypes
import TallyHTTP
import TallyTypes
import Testing

@Suite("console")
struct ConsoleTests {
    private static let evil = #"<script>alert('x')</script>"&"#

    private static func filled(_ server: ServerUnderTest) async throws {
        let text = #"<script>alert('x')</script>\"&"#
        _ = try await server.send(.put, "/v2/main/metadata", #"{"\#(text)":"\#(text)"}"#)
        _ = try await server.pay("world", "a", "12345")
        _ = try await server.pay("b", "a", "1")
        _ = try await server.send(
            .post,
            "/tally/v1/journals/log/events",
            #"{"entity_type":"\#(text)","entity_id":"\#(text)","field":"\#(text)","action":"insert","actor":"\#(text)"}"#
        )
    }

    @Test(
        "pages are escaped and under a strict policy",
        arguments: [
            "/", "/books", "/books/main", "/books/log", "/records/3", "/records/6", "/books/none",
            "/records/x",
        ]
    )
    func pages(path: String) async throws {
        try await ServerUnderTest.run { server in
            try await ConsoleTests.filled(server)
            let seen = try await server.send(.get, path)
            #expect(seen.header("Content-Type") == "text/html; charset=utf-8")
            #expect(
                seen.header("Content-Security-Policy")
                    == "default-src 'none'; style-src 'self'; base-uri 'none'; "
                    + "form-action 'none'; frame-ancestors 'none'"
            )
            #expect(seen.header("X-Content-Type-Options") == "nosniff")
            #expect(seen.header("Cache-Control") == "no-store")
            #expect(!seen.text.lowercased().contains("<script"))
            #expect(!seen.text.contains("{{"), "a template was not rendered")
            #expect(!seen.text.contains("style="))
            for landmark in ["<header>", "<main id=\"content\">", "<nav aria-label=\"Main\">"] {
                #expect(seen.text.contains(landmark))
            }
            #expect(seen.text.contains("<html lang=\"en\">"))
            #expect(seen.text.components("<h1>") == 1)
        }
    }

    @Test("what a page says")
    func content() async throws {
        try await ServerUnderTest.run { server in
            try await ConsoleTests.filled(server)
            let node = try await server.send(.get, "/").text
            #expect(node.contains("<dt>Records</dt><dd>7</dd>"))
            #expect(node.contains(#"<a href="/records/6">6</a>"#))
            #expect(node.contains("<td>refused (6)</td>"))
            let book = try await server.send(.get, "/books/main").text
            #expect(
                book.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;")
            )
            #expect(book.contains(#"<td class="number">123.45</td>"#))
            #expect(book.contains(#"<td class="number">-123.45</td>"#))
            #expect(book.contains("world → a 123.45 USD/2"))
            let log = try await server.send(.get, "/books/log").text
            #expect(log.contains("<dt>Events</dt><dd>1</dd>"))
            let record = try await server.send(.get, "/records/5").text
            #expect(record.contains("insufficient funds: account b"))
            let none = try await server.send(.get, "/books/none")
            #expect(none.status == 404)
            #expect(none.text.contains(#"<p role="alert">no such book</p>"#))
            await server.node.trouble { $0.notReady = "a < b" }
            let warned = try await server.send(.get, "/").text
            #expect(warned.contains("Not ready: a &lt; b"))
        }
    }

    @Test("books page by page")
    func pagesOfBooks() async throws {
        try await ServerUnderTest.run { server in
            for number in 0..<16 {
                _ = try await server.send(.post, "/v2/n\(number)")
            }
            let one = try await server.send(.get, "/books").text
            let start = try #require(one.range(of: "/books?cursor="))
            let link = one[start.lowerBound...].prefix { $0 != "\"" }
            let two = try await server.send(.get, String(link)).text
            #expect(two.contains("n15"))
            #expect(two.contains("Previous"))
            #expect(!two.contains("Next</a>"))
        }
    }

    @Test("the style is the one thing that is loaded")
    func style() async throws {
        try await ServerUnderTest.run { server in
            let seen = try await server.send(.get, "/console.css")
            #expect(seen.header("Content-Type") == "text/css; charset=utf-8")
            #expect(seen.text.contains("prefers-color-scheme: dark"))
            #expect(!seen.text.contains("url("))
            #expect(!seen.text.contains("@import"))
        }
    }

    @Test("no template writes a value unescaped")
    func templates() throws {
        _ = try ConsoleTemplates.library.get()
        for source in ConsoleTemplates.sources {
            #expect(!source.text.contains("{{{"), "\(source.name)")
            #expect(!source.text.contains("{{&"), "\(source.name)")
            #expect(!source.text.contains("CONTENT_TYPE"), "\(source.name)")
        }
    }

    @Test(
        "amounts have their point where the asset has it",
        arguments: [
            ("USD/2", "12345", "123.45"), ("USD/2", "5", "0.05"), ("USD/2", "0", "0.00"),
            ("GOLD", "7", "7"), ("USD/0", "7", "7"), ("X/6", "1000000", "1.000000"),
            ("X/999999", "7", "7"),
        ]
    )
    func amounts(asset: String, digits: String, text: String) throws {
        let asset = try #require(Asset(asset))
        let amount = try #require(Amount(decimal: Array(digits.utf8)))
        let balance = Balance(isNegative: false, magnitude: amount)
        #expect(ConsoleText.amount(balance, asset) == text)
    }

    @Test(
        "JSON on several lines is the same JSON",
        arguments: [
            (
                #"{"a":[1,{"b":"x\"{,:"}],"c":{},"d":[]}"#,
                "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\\\"{,:\"\n    }\n  ],\n"
                    + "  \"c\": {},\n  \"d\": []\n}"
            )
        ]
    )
    func indented(json: String, text: String) {
        #expect(ConsoleText.indented(Array(json.utf8)) == text)
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(_ text: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.range(of: text) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
