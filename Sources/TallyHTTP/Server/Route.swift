// SPDX-License-Identifier: Apache-2.0
//
// The routes as data: a method, a template, a bound on the body, a handler. One table answers which
// route a request is for, and whether only its method is wrong; the OpenAPI test reads the same
// table. The literal segment wins over the parameter. May import Hummingbird for the method; the
// gateway asks it.

package import Hummingbird

/// The families of routes.
package enum RouteFamily: Hashable, Sendable {
    /// The v2 API, also below `/api/ledger`, open to other origins.
    case v2
    /// Our own API.
    case own
    /// The pages for people.
    case console
}

/// One route.
package struct Route: Sendable {
    /// What answers a request.
    package typealias Handler = @Sendable (Call) async throws -> Reply

    /// The family it belongs to.
    package let family: RouteFamily
    /// The method.
    package let method: HTTPRequest.Method
    /// The path, parameters in braces: `/v2/{ledger}/stats`.
    package let template: String
    /// The most bytes of a request's body.
    package let bodyBytesMax: Int
    /// The parameters of the query that it takes; nil when others are left alone.
    package let query: Set<String>?
    /// The parts of the template.
    package let segments: [Segment]
    let handler: Handler

    /// A part of a template.
    package enum Segment: Hashable, Sendable {
        /// This text.
        case literal(String)
        /// Any text, under this name.
        case parameter(String)
    }

    /// Makes a route.
    init(
        _ family: RouteFamily,
        _ method: HTTPRequest.Method,
        _ template: String,
        bodyBytesMax: Int,
        query: Set<String>? = nil,
        handler: @escaping Handler
    ) {
        self.family = family
        self.method = method
        self.template = template
        self.bodyBytesMax = bodyBytesMax
        self.query = query
        self.handler = handler
        segments = template.split(separator: "/").map { part in
            part.hasPrefix("{")
                ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }

    /// Refuses a parameter of the query that nobody reads.
    ///
    /// - Throws: ``Problem`` naming the first of them.
    func refuseUnknown(_ target: RequestTarget) throws(Problem) {
        guard let query else { return }
        for parameter in target.query where !query.contains(parameter.name) {
            throw .validation("\(ClientText.quoted(parameter.name)): unknown parameter")
        }
    }

    /// The parameters of a path that fits the template; nil when it does not.
    func match(_ path: ArraySlice<String>) -> [RouteParameter]? {
        guard path.count == segments.count else { return nil }
        var parameters: [RouteParameter] = []
        for (segment, text) in zip(segments, path) {
            switch segment {
            case .literal(let literal):
                guard literal == text else { return nil }
            case .parameter(let name):
                parameters.append(RouteParameter(name: name, value: text))
            }
        }
        return parameters
    }

    /// True when this template is the narrower one of two that fit a path.
    func isNarrower(than other: Route) -> Bool {
        for (left, right) in zip(segments, other.segments) {
            switch (left, right) {
            case (.literal, .parameter): return true
            case (.parameter, .literal): return false
            case (.literal, .literal), (.parameter, .parameter): continue
            }
        }
        return false
    }
}

/// A parameter of a path.
package struct RouteParameter: Hashable, Sendable {
    /// Its name in the template.
    let name: String
    /// Its text, percent-decoded.
    let value: String
}

/// All routes.
package struct RouteTable: Sendable {
    /// Which route a path and a method are for.
    enum Choice {
        /// This one, with the parameters of the path.
        case route(Route, [RouteParameter])
        /// None with this method; the path has these.
        case otherMethods([HTTPRequest.Method], RouteFamily)
        /// None.
        case none
    }

    /// The prefix under which a gateway mounts the v2 API.
    static let mount = ["api", "ledger"]
    /// The routes, narrower ones first.
    package let routes: [Route]

    /// Sorts the routes.
    init(_ routes: [Route]) {
        self.routes = routes.enumerated()
            .sorted { left, right in
                if left.element.isNarrower(than: right.element) { return true }
                if right.element.isNarrower(than: left.element) { return false }
                return left.offset < right.offset
            }
            .map(\.element)
    }

    /// Finds the route of a request.
    func choose(_ method: HTTPRequest.Method, _ path: [String]) -> Choice {
        let isMounted = Array(path.prefix(2)) == RouteTable.mount
        let rest = isMounted ? path.dropFirst(2) : path[...]
        var others: [HTTPRequest.Method] = []
        var family = RouteFamily.own
        for route in routes where !isMounted || route.family == .v2 {
            guard let parameters = route.match(rest) else { continue }
            if route.method == method { return .route(route, parameters) }
            others.append(route.method)
            family = route.family
        }
        return others.isEmpty ? .none : .otherMethods(others, family)
    }
}
