// SPDX-License-Identifier: Apache-2.0
//
// What operators ask: alive, ready, metrics. The route table names these functions.

import TallyCodec

/// Answers for operators.
enum OwnOperations {
    /// `GET /tally/v1/health/live`: the process answers.
    static func live(_ call: Call) async throws -> Reply {
        .data(call.plainWriter) { writer in
            writer.beginObject()
            writer.member("live", true)
            writer.endObject()
        }
    }

    /// `GET /tally/v1/health/ready`: the node takes writes and its self-check has found
    /// nothing wrong, or 503 with why not.
    static func ready(_ call: Call) async throws -> Reply {
        if let reason = await call.node.notReady() {
            throw Problem(503, .internalError, reason, retryAfterSeconds: 1)
        }
        return .data(call.plainWriter) { writer in
            writer.beginObject()
            writer.member("ready", true)
            writer.endObject()
        }
    }

    /// `GET /tally/v1/metrics`: the node's text, then that of the routes.
    static func metrics(_ call: Call) async throws -> Reply {
        var text = await call.node.metrics()
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        text += call.metrics.text
        return Reply(
            200,
            headers: [(.contentType, "text/plain; version=0.0.4; charset=utf-8")],
            body: Array(text.utf8)
        )
    }
}

extension Call {
    /// A writer of plain JSON, with amounts as this request wants them.
    var plainWriter: JSONWriter { JSONWriter(style: .plain, amounts: amounts) }
}
