// SPDX-License-Identifier: Apache-2.0
//
// Operations of the v2 API that this build does not have. Each is a route, so that it is refused by
// its name, and only after the ledger in its path was found, as upstream does; the list shrinks as
// they are built. May import Hummingbird for the methods; the table of the v2 API takes the routes.

import Hummingbird
import TallyTypes

/// Operations of the v2 API that are refused by name.
enum V2Unbuilt {
    /// Methods and paths below a ledger.
    private static let ofLedgers: [(HTTPRequest.Method, String)] = [
        (.post, "/_bulk"),
        (.get, "/logs"), (.post, "/logs/import"), (.post, "/logs/export"),
        (.get, "/schemas"), (.get, "/schemas/{version}"), (.post, "/schemas/{version}"),
        (.post, "/queries/{id}/run"),
        (.get, "/pipelines"), (.post, "/pipelines"),
        (.get, "/pipelines/{pipeline}"), (.delete, "/pipelines/{pipeline}"),
        (.post, "/pipelines/{pipeline}/start"), (.post, "/pipelines/{pipeline}/stop"),
        (.post, "/pipelines/{pipeline}/reset"),
    ]
    /// Methods and paths of the server.
    private static let ofServer: [(HTTPRequest.Method, String)] = [
        (.get, "/v2/_/exporters"), (.post, "/v2/_/exporters"),
        (.get, "/v2/_/exporters/{exporter}"), (.put, "/v2/_/exporters/{exporter}"),
        (.delete, "/v2/_/exporters/{exporter}"),
        (.delete, "/v2/_/buckets/{bucket}"), (.post, "/v2/_/buckets/{bucket}/restore"),
    ]

    /// All of them.
    static let routes: [Route] =
        ofLedgers.map { method, path in
            route(method, "/v2/{ledger}" + path) { call in
                _ = try await call.ledgerToWrite()
            }
        } + ofServer.map { method, path in route(method, path) { _ in } }

    private static func route(
        _ method: HTTPRequest.Method,
        _ template: String,
        first check: @escaping @Sendable (Call) async throws -> Void
    ) -> Route {
        Route(.v2, method, template, bodyBytesMax: Limits.requestBodyBytesMax) { call in
            try await check(call)
            throw Problem.unsupported("\(method.rawValue) \(template)")
        }
    }
}
