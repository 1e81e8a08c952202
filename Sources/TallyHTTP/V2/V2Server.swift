// SPDX-License-Identifier: Apache-2.0
//
// What the v2 API says of the server itself. May import TallyCodec; the route table names these
// functions.

import TallyCodec
import TallyTypes

/// Answers about the server.
enum V2Server {
    /// `GET /v2/_info`: in the envelope, as upstream answers it.
    static func info(_ call: Call) async throws -> Reply {
        .data(call.goWriter) { write(call, &$0) }
    }

    /// `GET /_/info`: without an envelope, as the SDKs read it.
    static func bareInfo(_ call: Call) async throws -> Reply {
        var writer = call.goWriter
        write(call, &writer)
        return .json(200, writer)
    }

    /// `GET /_healthcheck`: whether the node takes writes.
    static func health(_ call: Call) async throws -> Reply {
        let reason = await call.node.notReady()
        var writer = call.goWriter
        writer.beginObject()
        writer.member("ledger", reason ?? "OK")
        writer.endObject()
        return .json(reason == nil ? 200 : 503, writer)
    }

    private static func write(_ call: Call, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("server", "tallystick")
        writer.member("version", call.node.version)
        writer.endObject()
    }
}

extension Call {
    /// A writer of Go's JSON, with amounts as this request wants them.
    var goWriter: JSONWriter { JSONWriter(style: .go, amounts: amounts) }
}
