// SPDX-License-Identifier: Apache-2.0
//
// The table of our own API under `/tally/v1`; docs/openapi.yaml describes exactly these routes, and
// a test compares the two. May import Hummingbird for the methods; TallyServer puts the tables
// together.

import Hummingbird
import TallyTypes

/// The routes of our own API.
enum OwnRoutes {
    /// All of them.
    static let all: [Route] = operations + books + journals + evidence + log

    private static let operations: [Route] = [
        own(.get, "/health/live", OwnOperations.live),
        own(.get, "/health/ready", OwnOperations.ready),
        own(.get, "/metrics", OwnOperations.metrics),
        own(.get, "/configuration", query: ["minIndex"], OwnConfiguration.get),
        own(.put, "/configuration", OwnConfiguration.set),
    ]

    private static let books: [Route] = [
        own(
            .get,
            "/books",
            query: ["kind", "includeDeleted", "pageSize", "cursor", "minIndex"],
            OwnBooks.list
        ),
        own(.post, "/books", OwnBooks.create),
        own(.get, "/books/{book}", query: ["minIndex"], OwnBooks.get),
        own(.delete, "/books/{book}", OwnBooks.delete),
        own(.put, "/books/{book}/metadata", OwnBooks.setMetadata),
        own(.delete, "/books/{book}/metadata/{key}", OwnBooks.deleteMetadata),
        own(
            .post,
            "/books/{book}/batches",
            bodyBytesMax: Limits.entryBytesMax,
            OwnBatches.submit
        ),
        own(
            .get,
            "/books/{book}/transactions/{id}/receipt",
            query: ["format", "minIndex"],
            OwnReceipts.transaction
        ),
    ]

    private static let journals: [Route] = [
        own(.post, "/journals/{book}/events", OwnJournals.record),
        own(
            .get,
            "/journals/{book}/history/{type}/{id}",
            query: ["field", "from", "to", "after", "limit", "minIndex"],
            OwnJournals.history
        ),
        own(
            .get,
            "/journals/{book}/recent",
            query: ["limit", "before", "minIndex"],
            OwnJournals.recent
        ),
        own(
            .get,
            "/journals/{book}/events/{seq}/receipt",
            query: ["format", "minIndex"],
            OwnReceipts.event
        ),
    ]

    private static let evidence: [Route] = [
        own(.get, "/head", OwnRecords.head),
        own(.get, "/state-digest", OwnRecords.stateDigest),
        own(.get, "/records/{index}", OwnRecords.get),
    ]

    private static let log: [Route] =
        [
            own(.get, "/log", OwnLog.get),
            own(.get, "/log/checkpoint", OwnLog.checkpoint),
            own(.get, "/log/proof/inclusion", query: ["index", "size"], OwnLog.inclusion),
            own(.get, "/log/proof/consistency", query: ["from", "to"], OwnLog.consistency),
            own(.get, "/log/receipt/{index}", query: ["format"], OwnReceipts.get),
            own(.get, "/log/blob/{sha256}", OwnLog.blob),
            own(.post, "/log/seals", OwnSeals.seal),
            own(
                .get,
                "/log/balances/{book}/{account}",
                query: ["asset"],
                OwnSeals.balance
            ),
        ]
        + tiles.map { own(.get, "/log/tile/{level}/" + $0, OwnLog.tile) }

    /// A number has a segment for each three digits, and one more for a width.
    private static let tiles = [
        "{a}", "{a}/{b}", "{a}/{b}/{c}", "{a}/{b}/{c}/{d}", "{a}/{b}/{c}/{d}/{e}",
    ]

    /// A write may wait for the receipt of its record.
    private static func own(
        _ method: HTTPRequest.Method,
        _ template: String,
        bodyBytesMax: Int = Limits.requestBodyBytesMax,
        query: Set<String> = [],
        _ handler: @escaping Route.Handler
    ) -> Route {
        let isWrite = method != .get
        return Route(
            .own,
            method,
            "/tally/v1" + template,
            bodyBytesMax: bodyBytesMax,
            query: isWrite ? query.union(["wait"]) : query,
            handler: isWrite ? OwnReceipts.waiting(handler) : handler
        )
    }
}
