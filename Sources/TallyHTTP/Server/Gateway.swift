// SPDX-License-Identifier: Apache-2.0
//
// Request in, response out: finds the route, reads the body, calls the handler, turns whatever it
// threw into an answer, counts and logs. The one place that talks to Hummingbird's types both ways;
// a handler's answer is a value. May import Hummingbird, HTTPTypes, NIOCore and Logging;
// TallyServer makes it.

package import HTTPTypes
package import Hummingbird
import Logging
import NIOCore

/// Answers every request of the server.
package struct Gateway: HTTPResponder {
    /// The context of a request; nothing of our own is in it.
    package typealias Context = BasicRequestContext

    /// All routes.
    package let table: RouteTable
    let node: NodePort
    let metrics: RequestMetrics
    let bodies: BodyReader

    /// One answer with what it is counted under.
    private struct Answered {
        var reply: Reply
        var route: String
        var family: RouteFamily
    }

    /// Answers a request; never throws, so that no error text of others reaches a client.
    package func respond(to request: Request, context: Context) async throws -> Response {
        let start = ContinuousClock.now
        var answered = await answer(request, context.logger)
        if answered.family == .v2 {
            let origin = header(.origin, request)
            answered.reply.headers += CrossOrigin.headers(origin)
        }
        answered.reply.headers.append((.contentTypeOptions, "nosniff"))
        if let record = answered.reply.record {
            let link = "</tally/v1/log/receipt/\(record)>; rel=\"receipt\""
            answered.reply.headers.append((.link, link))
        }
        if answered.reply.status == 404, answered.family == .own {
            // What is not there now may be there later: nobody keeps the answer.
            answered.reply.headers.append((.cacheControl, "no-store"))
        }
        let elapsed = (ContinuousClock.now - start).components
        let microseconds =
            UInt64(clamping: elapsed.seconds) * 1_000_000
            + UInt64(clamping: elapsed.attoseconds / 1_000_000_000_000)
        let method = table.knows(request.method) ? request.method.rawValue : "other"
        metrics.note(
            method: method,
            route: answered.route,
            status: answered.reply.status,
            microseconds: microseconds
        )
        context.logger.info(
            "request",
            metadata: [
                "method": "\(method)", "route": "\(answered.route)",
                "status": "\(answered.reply.status)", "microseconds": "\(microseconds)",
                "bytes": "\(answered.reply.body.count)",
            ]
        )
        return response(answered.reply, isHead: request.method == .head, context.logger)
    }

    private func answer(_ request: Request, _ logger: Logger) async -> Answered {
        var answered = Answered(reply: Reply(500), route: "none", family: .own)
        do {
            let target = try RequestTarget(request.head.path ?? "/")
            switch table.choose(request.method, target.segments) {
            case .none:
                throw Problem.notFound("no such route")
            case .otherMethods(let methods, let family):
                answered.route = "other method"
                answered.family = family
                answered.reply = other(methods, family, request)
            case .route(let route, let parameters):
                answered.route = route.template
                answered.family = route.family
                try route.refuseUnknown(target)
                let body = try await bodies.read(request, bytesMax: route.bodyBytesMax)
                let call = Call(
                    node: node,
                    metrics: metrics,
                    target: target,
                    parameters: parameters,
                    head: request.head,
                    body: body
                )
                answered.reply = try await route.handler(call)
            }
        } catch {
            let (problem, isFault) = Problem.of(error)
            if isFault {
                logger.error(
                    "request failed",
                    metadata: ["route": "\(answered.route)", "error": "\(error)"]
                )
            }
            answered.reply =
                answered.family == .console ? ConsolePages.problem(problem) : .problem(problem)
        }
        return answered
    }

    private func other(
        _ methods: [HTTPRequest.Method],
        _ family: RouteFamily,
        _ request: Request
    ) -> Reply {
        if family == .v2, request.method == .options, header(.origin, request) != nil {
            return CrossOrigin.preflight(
                methods,
                requested: header(.requestHeaders, request)
            )
        }
        var reply = Reply.problem(Problem(405, .validation, "the route has no such method"))
        let allowed = methods.map(\.rawValue).sorted().joined(separator: ", ")
        reply.headers.append((.allow, allowed))
        return reply
    }

    private func header(_ name: HeaderName, _ request: Request) -> String? {
        request.headers.first { $0.name.canonicalName == name.canonical }?.value
    }

    private func response(_ reply: Reply, isHead: Bool, _ logger: Logger) -> Response {
        var fields = HTTPFields()
        for header in reply.headers {
            guard let name = HTTPField.Name(header.name.rawValue) else {
                logger.error("no header name", metadata: ["name": "\(header.name.rawValue)"])
                continue
            }
            fields[name] = header.value
        }
        if reply.status == 204 || reply.status == 304 {
            var response = Response(status: .init(code: reply.status), headers: fields)
            response.headers[.contentLength] = nil
            return response
        }
        fields[.contentLength] = String(reply.body.count)
        let hasBody = !isHead && !reply.body.isEmpty
        let body = hasBody ? ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)) : .init()
        return Response(status: .init(code: reply.status), headers: fields, body: body)
    }
}

extension RouteTable {
    /// True for a method that some route has; others are not counted by name.
    package func knows(_ method: HTTPRequest.Method) -> Bool {
        method == .options || routes.contains { $0.method == method }
    }
}
