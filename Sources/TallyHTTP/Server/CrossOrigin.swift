// SPDX-License-Identifier: Apache-2.0
//
// What browsers are told about other origins: the v2 API takes requests from any, as its clients
// expect; our own routes and the console say nothing, so a page of another origin cannot read them.
// The gateway calls it.

import Hummingbird

/// Cross-origin answers of the v2 API.
enum CrossOrigin {
    private static let exposed = [HeaderName.count, .idempotencyHit, .link, .tallyRecord]
    private static let maxAgeSeconds = 600

    /// The headers of an answer to a request from another origin; none without an `Origin`.
    static func headers(_ origin: String?) -> [(name: HeaderName, value: String)] {
        guard let origin else { return [(.vary, "Origin")] }
        return [
            (.vary, "Origin"),
            (.allowOrigin, origin),
            (.allowCredentials, "true"),
            (.exposeHeaders, exposed.map(\.rawValue).joined(separator: ", ")),
        ]
    }

    /// The answer to a browser that asks first; `requested` are the headers it wants to send.
    static func preflight(_ methods: [HTTPRequest.Method], requested: String?) -> Reply {
        var reply = Reply.noContent
        reply.headers.append((.allowMethods, methods.map(\.rawValue).joined(separator: ", ")))
        if let requested { reply.headers.append((.allowHeaders, requested)) }
        reply.headers.append((.maxAge, String(maxAgeSeconds)))
        return reply
    }
}
