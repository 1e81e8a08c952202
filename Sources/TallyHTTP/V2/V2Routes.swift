// SPDX-License-Identifier: Apache-2.0
//
// The table of the v2 API: which method and path is answered by which function. Whatever of the API
// is not here, nor refused by name in V2Unbuilt.swift, is answered 404 or 405. May import
// Hummingbird for the methods; TallyServer puts the tables together.

import Hummingbird
import TallyTypes

/// The routes of the v2 API.
enum V2Routes {
    /// All of them.
    static let all: [Route] = server + ledgers + transactions + accounts + V2Unbuilt.routes

    private static let server: [Route] = [
        v2(.get, "/v2/_info", V2Server.info),
        v2(.get, "/_/info", V2Server.bareInfo),
        v2(.get, "/_/healthcheck", V2Server.health),
        v2(.get, "/_healthcheck", V2Server.health),
        v2(.get, "/v2/_healthcheck", V2Server.health),
    ]

    private static let ledgers: [Route] = [
        v2(.get, "/v2", V2Ledgers.list),
        v2(.post, "/v2/{ledger}", V2Ledgers.create),
        v2(.get, "/v2/{ledger}", V2Ledgers.get),
        v2(.put, "/v2/{ledger}/metadata", V2Ledgers.setMetadata),
        v2(.delete, "/v2/{ledger}/metadata/{key}", V2Ledgers.deleteMetadata),
        v2(.get, "/v2/{ledger}/_info", V2Ledgers.info),
        v2(.get, "/v2/{ledger}/stats", V2Ledgers.stats),
        v2(.get, "/v2/{ledger}/aggregate/balances", V2Volumes.balances),
        v2(.get, "/v2/{ledger}/volumes", V2Volumes.list),
    ]

    private static let transactions: [Route] = [
        v2(.post, "/v2/{ledger}/transactions", V2Transactions.create),
        v2(.get, "/v2/{ledger}/transactions", V2Transactions.list),
        v2(.head, "/v2/{ledger}/transactions", V2Transactions.count),
        v2(.get, "/v2/{ledger}/transactions/{id}", V2Transactions.get),
        v2(.post, "/v2/{ledger}/transactions/{id}/metadata", V2Transactions.setMetadata),
        v2(
            .delete,
            "/v2/{ledger}/transactions/{id}/metadata/{key}",
            V2Transactions.deleteMetadata
        ),
        v2(.post, "/v2/{ledger}/transactions/{id}/revert", V2Transactions.revert),
    ]

    private static let accounts: [Route] = [
        v2(.get, "/v2/{ledger}/accounts", V2Accounts.list),
        v2(.head, "/v2/{ledger}/accounts", V2Accounts.count),
        v2(.get, "/v2/{ledger}/accounts/{address}", V2Accounts.get),
        v2(.post, "/v2/{ledger}/accounts/{address}/metadata", V2Accounts.setMetadata),
        v2(
            .delete,
            "/v2/{ledger}/accounts/{address}/metadata/{key}",
            V2Accounts.deleteMetadata
        ),
    ]

    private static func v2(
        _ method: HTTPRequest.Method,
        _ template: String,
        _ handler: @escaping Route.Handler
    ) -> Route {
        Route(
            .v2,
            method,
            template,
            bodyBytesMax: Limits.requestBodyBytesMax,
            handler: handler
        )
    }
}
