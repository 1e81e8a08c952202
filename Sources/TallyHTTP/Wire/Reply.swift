// SPDX-License-Identifier: Apache-2.0
//
// An answer before it becomes bytes on a connection: status, headers, body, in the envelopes of the
// v2 API, which our own routes use as well. May import TallyTypes, TallyCodec and TallyViews for
// what it renders.

import TallyCodec
import TallyTypes
import TallyViews

/// One answer.
package struct Reply: Sendable {
    /// The status.
    package var status: Int
    /// Headers beyond those of every answer, in the order they are set.
    var headers: [(name: HeaderName, value: String)]
    /// The body.
    package var body: [UInt8]

    /// Makes an answer.
    init(
        _ status: Int,
        headers: [(name: HeaderName, value: String)] = [],
        body: [UInt8] = []
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Done, and nothing to say.
    static var noContent: Reply { Reply(204) }

    /// A body of JSON, ended by a line feed as Go's encoder does.
    static func json(_ status: Int, _ writer: JSONWriter) -> Reply {
        var writer = writer
        writer.newline()
        return Reply(
            status,
            headers: [(.contentType, "application/json")],
            body: writer.take()
        )
    }

    /// An object with the one member `data`.
    static func data(
        _ writer: JSONWriter,
        status: Int = 200,
        _ write: (inout JSONWriter) -> Void
    ) -> Reply {
        var writer = writer
        writer.beginObject()
        writer.key("data")
        write(&writer)
        writer.endObject()
        return .json(status, writer)
    }

    /// A page of a list in the cursor envelope.
    static func cursor<Row>(
        _ writer: JSONWriter,
        _ page: Page<Row>,
        _ write: (inout JSONWriter, Row) -> Void
    ) -> Reply {
        var writer = writer
        writer.beginObject()
        writer.key("cursor")
        writer.beginObject()
        writer.member("pageSize", UInt64(page.size.rows))
        writer.member("hasMore", page.hasMore)
        if let previous = page.previous { writer.member("previous", previous) }
        if let next = page.next { writer.member("next", next) }
        writer.key("data")
        writer.beginArray()
        for row in page.rows {
            write(&writer, row)
        }
        writer.endArray()
        writer.endObject()
        writer.endObject()
        return .json(200, writer)
    }

    /// The number of rows of a list, in a header.
    static func count(_ rows: UInt64) -> Reply {
        Reply(204, headers: [(.count, String(rows))])
    }

    /// An error, as every client of the v2 API reads it.
    static func problem(_ problem: Problem) -> Reply {
        var writer = JSONWriter(style: .go)
        writer.beginObject()
        writer.member("errorCode", problem.code.rawValue)
        writer.member("errorMessage", problem.message)
        writer.endObject()
        var reply = Reply.json(problem.status, writer)
        if let seconds = problem.retryAfterSeconds {
            reply.headers.append((.retryAfter, String(seconds)))
        }
        if let record = problem.record {
            reply.headers.append((.tallyRecord, record.description))
        }
        return reply
    }
}
