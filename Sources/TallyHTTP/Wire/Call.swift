// SPDX-License-Identifier: Apache-2.0
//
// A request as a handler sees it: node, parameters, headers, body read and bounded. What every
// handler asks of it is here; what only some ask is in the extensions beside them. May import
// TallyTypes, TallyCodec.

import HTTPTypes
import Hummingbird
import TallyCodec
import TallyTypes

/// One request, ready to be answered.
package struct Call: Sendable {
    /// The node.
    let node: NodePort
    /// What the routes count.
    let metrics: RequestMetrics
    /// Path and query.
    let target: RequestTarget
    /// The parameters of the path.
    let parameters: [RouteParameter]
    /// Method and headers.
    let head: HTTPRequest
    /// The whole body.
    let body: [UInt8]

    /// A parameter of the path.
    ///
    /// - Throws: ``HTTPFault`` when the template has none of this name.
    func parameter(_ name: String) throws(HTTPFault) -> String {
        guard let parameter = parameters.first(where: { $0.name == name }) else {
            throw HTTPFault(.parameter, name)
        }
        return parameter.value
    }

    /// The value of a header; nil when it is not given or empty.
    func header(_ name: HeaderName) -> String? {
        for field in head.headerFields where field.name.canonicalName == name.canonical {
            if !field.value.isEmpty { return field.value }
        }
        return nil
    }

    /// True when a parameter of the query is `1` or `true`, in any case.
    func flag(_ name: String) -> Bool {
        guard let value = target.value(name)?.lowercased() else { return false }
        return value == "1" || value == "true"
    }

    /// The time in a parameter of the query; nil when it is not given.
    ///
    /// - Throws: ``Malformed`` when it is no time.
    func time(_ name: String) throws(Malformed) -> BusinessTime? {
        guard let value = target.value(name) else { return nil }
        do throws(Malformed) {
            return try TimeText.parse(Array(value.utf8))
        } catch {
            throw error.within(name)
        }
    }

    /// The unsigned integer in a parameter of the query; nil when it is not given.
    ///
    /// - Throws: ``Malformed`` when it is something else.
    func unsigned(_ name: String) throws(Malformed) -> UInt64? {
        guard let value = target.value(name) else { return nil }
        guard let number = Call.unsigned(value) else {
            throw Malformed("expected an unsigned integer below 2^64", field: name)
        }
        return number
    }

    /// Reads decimal digits; nil for a sign, another character or 2⁶⁴ and more.
    static func unsigned(_ text: String) -> UInt64? {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt64(text)
    }

    /// Reads the body as JSON; nil when it is empty or white space.
    ///
    /// - Throws: ``Malformed`` with field and offset.
    func json() throws(Malformed) -> JSONValue? {
        let isBlank = body.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        return isBlank ? nil : try JSONReader.parse(body)
    }

    /// The idempotency key of the request.
    ///
    /// - Throws: ``Problem`` when it is too long.
    func idempotencyKey() throws(Problem) -> Text? {
        guard let value = header(.idempotencyKey) else { return nil }
        guard value.utf8.count <= Limits.idempotencyKeyBytesMax else {
            throw .validation(
                "Idempotency-Key: longer than \(Limits.idempotencyKeyBytesMax) bytes"
            )
        }
        return Text(value)
    }

    /// How amounts are written in the answer.
    var amounts: JSONAmountForm {
        switch header(.bigintAsString)?.lowercased() {
        case "true", "yes", "y", "1": .string
        case .some, .none: .number
        }
    }
}

/// The headers that routes read and write.
package enum HeaderName: String, CaseIterable, Hashable, Sendable {
    /// What the client reads.
    case accept = "Accept"
    /// The methods of a route.
    case allow = "Allow"
    /// How long an answer may be kept.
    case cacheControl = "Cache-Control"
    /// What a page may load.
    case contentSecurityPolicy = "Content-Security-Policy"
    /// What a body is.
    case contentType = "Content-Type"
    /// The number of rows of a list.
    case count = "Count"
    /// Names the bytes of an answer.
    case etag = "ETag"
    /// Asks for amounts as strings.
    case bigintAsString = "Formance-Bigint-As-String"
    /// Says that the answer is that of an earlier request.
    case idempotencyHit = "Idempotency-Hit"
    /// Names a request so that a repetition changes nothing.
    case idempotencyKey = "Idempotency-Key"
    /// What the client holds already.
    case ifNoneMatch = "If-None-Match"
    /// Where more of an answer is.
    case link = "Link"
    /// The page that a browser asks from.
    case origin = "Origin"
    /// What a page tells the next.
    case referrerPolicy = "Referrer-Policy"
    /// The headers that a browser wants to send.
    case requestHeaders = "Access-Control-Request-Headers"
    /// The method that a browser wants to use.
    case requestMethod = "Access-Control-Request-Method"
    /// Whether a browser may send credentials.
    case allowCredentials = "Access-Control-Allow-Credentials"
    /// The headers that a browser may send.
    case allowHeaders = "Access-Control-Allow-Headers"
    /// The methods that a browser may use.
    case allowMethods = "Access-Control-Allow-Methods"
    /// The origin that may read the answer.
    case allowOrigin = "Access-Control-Allow-Origin"
    /// The headers that a page may read.
    case exposeHeaders = "Access-Control-Expose-Headers"
    /// How long a browser need not ask again.
    case maxAge = "Access-Control-Max-Age"
    /// After how many seconds to try again.
    case retryAfter = "Retry-After"
    /// The index of the record that an answer rests on.
    case tallyRecord = "Tally-Record"
    /// What else the answer depends on.
    case vary = "Vary"
    /// Keeps browsers from guessing.
    case contentTypeOptions = "X-Content-Type-Options"

    /// The name in lower case.
    var canonical: String { rawValue.lowercased() }
}
