// SPDX-License-Identifier: Apache-2.0
//
// The configuration that stands in the ledger, since every replay needs it: K, the log entries per
// cache generation. May import TallyCodec and TallyViews; the route table names these functions.

import TallyCodec
import TallyTypes
import TallyViews

/// Answers about the configuration.
enum OwnConfiguration {
    /// `GET /tally/v1/configuration`.
    static func get(_ call: Call) async throws -> Reply {
        try await call.awaitRecord()
        try await call.caughtUp(with: .system)
        let ledger = try await call.node.views.ledger()
        return .data(call.plainWriter) { writer in
            writer.beginObject()
            writer.member("entriesPerGeneration", ledger.entriesPerGeneration)
            writer.endObject()
        }
    }

    /// `PUT /tally/v1/configuration`: takes effect after a flush, which the node makes at once.
    static func set(_ call: Call) async throws -> Reply {
        guard let body = try call.json() else {
            throw Malformed("expected an object, found nothing", field: "body")
        }
        let fields = try JSONFields(body)
        try fields.refuseUnknown(["entriesPerGeneration"])
        let entries = try fields.required("entriesPerGeneration", .unsigned)
        guard (1...Limits.entriesPerGenerationMax).contains(entries) else {
            throw Problem.validation(
                "entriesPerGeneration: not within 1 to \(Limits.entriesPerGenerationMax)"
            )
        }
        let order = Order.setConfiguration(entriesPerGeneration: entries)
        return try await call.submit(order, to: nil).mark(.noContent)
    }
}
