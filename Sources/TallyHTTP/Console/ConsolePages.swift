// SPDX-License-Identifier: Apache-2.0
//
// The console: pages for people, rendered here, without scripts, every value escaped, under a
// policy that lets nothing be loaded but our own style. Reads only. May import Mustache, TallyCodec
// and TallyViews; the route table names these functions.

import Hummingbird
import Mustache
import TallyCodec
import TallyTypes
import TallyViews

/// The pages of the console.
enum ConsolePages {
    /// The most bytes of a request for a page; it has no use for a body.
    private static let bodyBytesMax = 1_024
    /// The most that a page may load and do.
    static let policy =
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"
    /// Records on the page of the node.
    private static let recordsShown: UInt64 = 12

    /// The routes of the console.
    static let routes: [Route] = [
        page("/", node), page("/books", books), page("/books/{book}", BookPage.render),
        page("/records/{index}", record), page("/console.css", style),
    ]

    private static func page(_ template: String, _ handler: @escaping Route.Handler) -> Route {
        Route(.console, .get, template, bodyBytesMax: bodyBytesMax, handler: handler)
    }

    /// `GET /`: the head of the ledger and its last records.
    static func node(_ call: Call) async throws -> Reply {
        let head = await call.node.head()
        var rows: [RecordRow] = []
        for number in (head.size - min(head.size, recordsShown)..<head.size).reversed() {
            let (_, record) = try await OwnRecords.read(RecordIndex(number), call.node)
            rows.append(RecordRow(record, try await bookName(record.book, call)))
        }
        return try render(
            "node",
            NodePage(
                footer: footer(call.node),
                notReady: await call.node.notReady(),
                origin: call.node.origin,
                size: head.size,
                root: head.root.description,
                logIndex: head.logIndex.rawValue,
                version: call.node.version,
                records: rows
            )
        )
    }

    /// `GET /books`: all live books.
    static func books(_ call: Call) async throws -> Reply {
        let request = try call.page { BookList() }
        try await call.caughtUp(with: .system)
        let page = try await call.node.views.books(request)
        return try render(
            "books",
            BooksPage(
                footer: footer(call.node),
                books: page.rows.map(BookRow.init),
                pages: PageLinks(page, path: "/books")
            )
        )
    }

    /// `GET /records/{index}`: one record.
    static func record(_ call: Call) async throws -> Reply {
        guard let number = Call.unsigned(try call.parameter("index")) else {
            throw Problem.validation("index: not an unsigned integer below 2^64")
        }
        let (encoded, record) = try await OwnRecords.read(RecordIndex(number), call.node)
        let name = try await bookName(record.book, call)
        var writer = JSONWriter(style: .plain)
        writer.record(record, encoded)
        return try render(
            "record",
            RecordPage(
                title: "Record \(record.index)",
                footer: footer(call.node),
                facts: Fact.facts(of: record, book: name, bytes: encoded.leaf.count),
                json: ConsoleText.indented(writer.bytes)
            )
        )
    }

    /// `GET /console.css`.
    static func style(_ call: Call) async throws -> Reply {
        Reply(
            200,
            headers: [
                (.contentType, "text/css; charset=utf-8"), (.cacheControl, "max-age=3600"),
            ],
            body: Array(ConsoleTemplates.style.utf8)
        )
    }

    /// An error as a page; plain text when even that cannot be rendered.
    static func problem(_ problem: Problem) -> Reply {
        do {
            return try render(
                "problem",
                ProblemPage(
                    title: "Error \(problem.status)",
                    footer: problem.code.rawValue,
                    message: problem.message
                ),
                status: problem.status
            )
        } catch {
            return Reply(
                problem.status,
                headers: [(.contentType, "text/plain; charset=utf-8")],
                body: Array("\(problem.code.rawValue): \(problem.message)\n".utf8)
            )
        }
    }

    /// Renders a template with the headers of every page.
    static func render(_ name: String, _ page: some Sendable, status: Int = 200) throws -> Reply {
        let library = try ConsoleTemplates.library.get()
        guard let text = library.render(page, withTemplate: name) else {
            throw HTTPFault(.template, name)
        }
        return Reply(
            status,
            headers: [
                (.contentType, "text/html; charset=utf-8"), (.contentSecurityPolicy, policy),
                (.referrerPolicy, "no-referrer"), (.cacheControl, "no-store"),
            ],
            body: Array(text.utf8)
        )
    }

    /// The line below every page.
    static func footer(_ node: NodePort) -> String { "\(node.origin) · version \(node.version)" }

    private static func bookName(_ id: BookID, _ call: Call) async throws -> String {
        if id == .system { return "system" }
        return try await call.node.views.book(id)?.name.text ?? id.description
    }
}
