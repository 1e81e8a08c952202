// SPDX-License-Identifier: Apache-2.0
//
// What holds for every route: unknown paths, other methods, bounds, other origins, faults that tell
// nothing, a node that cannot take work, a socket of its own.

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Foundation
import ServiceLifecycle
import TallyCodec
import TallyHTTP
import TallyTypes
import TestSupport
import Testing

@Suite("gateway")
struct GatewayTests {
    @Test("unknown routes and other methods")
    func unknown() async throws {
        try await ServerUnderTest.run { server in
            for path in [
                "/nope", "/v2/main/nothing/here", "/api/ledger/tally/v1/books", "/v2/a/b/c/d/e",
            ] {
                try expectProblem(try await server.send(.get, path), 404, "NOT_FOUND", "route")
            }
            let put = try await server.send(.put, "/v2/main/transactions", "{}")
            try expectProblem(put, 405, "VALIDATION", "method")
            #expect(put.header("Allow") == "GET, HEAD, POST")
            let head = try await server.send(.head, "/v2/none/accounts")
            #expect(head.status == 404)
            #expect(head.bytes.isEmpty)
            #expect(head.header("Content-Length") != "0")
        }
    }

    @Test("a body over the limit, declared or not")
    func bounds() async throws {
        try await ServerUnderTest.run { server in
            let large = [UInt8](repeating: 0x20, count: Limits.requestBodyBytesMax + 1)
            try expectProblem(
                try await server.send(.post, "/v2/main/transactions", bytes: large),
                413,
                "VALIDATION",
                "larger than 4194304 bytes"
            )
            let most = [UInt8](repeating: 0x20, count: Limits.requestBodyBytesMax)
            try expectProblem(
                try await server.send(.post, "/v2/main/transactions", bytes: most),
                400,
                "VALIDATION",
                "body: expected"
            )
            try expectProblem(
                try await server.send(.get, "/", bytes: [UInt8](repeating: 0, count: 2_000))
                    .json413,
                413,
                "VALIDATION"
            )
        }
    }

    @Test("other origins: the v2 API only")
    func origins() async throws {
        try await ServerUnderTest.run { server in
            let origin = ["Origin": "https://app.test"]
            let seen = try await server.send(.get, "/v2/main", headers: origin)
            #expect(seen.header("Access-Control-Allow-Origin") == "https://app.test")
            #expect(seen.header("Access-Control-Allow-Credentials") == "true")
            #expect(seen.header("Access-Control-Expose-Headers")?.contains("Count") == true)
            #expect(seen.header("Vary") == "Origin")
            let asked = origin.merging(
                [
                    "Access-Control-Request-Method": "POST",
                    "Access-Control-Request-Headers": "idempotency-key",
                ]) { $1 }
            let preflight = try await server.send(
                .options,
                "/v2/main/transactions",
                headers: asked
            )
            #expect(preflight.status == 204)
            #expect(preflight.header("Access-Control-Allow-Methods") == "POST, GET, HEAD")
            #expect(preflight.header("Access-Control-Allow-Headers") == "idempotency-key")
            for path in ["/tally/v1/head", "/"] {
                let own = try await server.send(.get, path, headers: origin)
                #expect(own.header("Access-Control-Allow-Origin") == nil)
                let refused = try await server.send(.options, path, headers: asked)
                #expect(refused.status == 405)
            }
        }
    }

    @Test(
        "a node that cannot take the request",
        arguments: [
            (Busy.queueFull, 503, "INTERNAL"), (.cacheFull, 503, "INTERNAL"),
            (.staleTooOften, 503, "INTERNAL"), (.stopping, 503, "INTERNAL"),
            (.faulted, 503, "INTERNAL"), (.keyCollision, 409, "CONFLICT"),
            (.tooLarge(limit: "order", size: 60_001, max: 60_000), 413, "VALIDATION"),
        ]
    )
    func busy(busy: Busy, status: Int, code: String) async throws {
        try await ServerUnderTest.run { server in
            await server.node.trouble { $0.busy = busy }
            for query in ["", "?dryRun=true"] {
                let seen = try await server.pay("world", "a", "1", query: query)
                try expectProblem(seen, status, code)
                #expect(seen.header("Retry-After") == (status == 503 ? "1" : nil))
            }
        }
    }

    @Test("views that are behind: reads say so, a write is still answered")
    func behind() async throws {
        try await ServerUnderTest.run { server in
            _ = try await server.send(.get, "/v2/main")
            await server.node.trouble { $0.areViewsBehind = true }
            let read = try await server.send(.get, "/v2/main/accounts")
            try expectProblem(read, 503, "INTERNAL", "behind")
            #expect(read.header("Retry-After") == "1")
            let written = try await server.pay("world", "a", "1")
            #expect(written.status == 200)
            #expect(try written.at("data", "id") == "1")
            #expect(try written.at("data", "postCommitVolumes") == nil)
            // A book that no view has seen takes writes as well.
            #expect(try await server.send(.post, "/v2/new").status == 204)
            let body = #"{"k":"v"}"#
            let path = "/v2/new/accounts/a/metadata"
            #expect(try await server.send(.post, path, body).status == 204)
        }
    }

    @Test("a fault tells the client nothing")
    func faults() async throws {
        try await ServerUnderTest.run { server in
            await server.node.trouble { $0.isDiskBroken = true }
            let seen = try await server.send(.get, "/tally/v1/records/0")
            try expectProblem(seen, 500, "INTERNAL")
            #expect(!seen.text.contains("secret"))
            let page = try await server.send(.get, "/records/0")
            #expect(page.status == 500)
            #expect(!page.text.contains("secret"))
            await server.node.trouble { $0.isShapeWrong = true }
            try expectProblem(try await server.pay("world", "a", "1"), 500, "INTERNAL")
        }
    }

    @Test("every refusal has an answer of the closed set")
    func refusals() throws {
        let account = AccountAddress.world
        let asset = try #require(Asset("USD/2"))
        let all: [Refusal] = [
            .bookNotFound(name: "n"), .bookDeleted, .bookExists(name: "n"),
            .bookKind(expected: .accounts, found: .journal), .idempotencyConflict,
            .insufficientFunds(
                account: account,
                asset: asset,
                needed: Amount(2),
                available: Amount(1)
            ),
            .referenceConflict(reference: "r"), .transactionNotFound(TransactionID(1)),
            .alreadyReverted(TransactionID(1)), .metadataNotFound(key: "k"),
            .amountOverflow(account: account, asset: asset), .groupRolledBack(by: 6),
            .oldValueMismatch, .recordTooLarge(bytes: 1), .entityTooLarge(bytes: 1),
            .ledgerExists, .entityNotObject, .sealBeyondLedger(size: 9),
        ]
        let answers = all.map { "\($0.number) \(Problem($0).status) \(Problem($0).code.rawValue)" }
        #expect(
            answers == [
                "1 404 LEDGER_NOT_FOUND", "2 404 LEDGER_NOT_FOUND", "3 400 LEDGER_ALREADY_EXISTS",
                "4 400 VALIDATION", "5 400 VALIDATION", "6 400 INSUFFICIENT_FUND", "7 409 CONFLICT",
                "8 404 NOT_FOUND", "9 400 ALREADY_REVERT", "10 404 NOT_FOUND", "11 400 VALIDATION",
                "12 400 VALIDATION", "13 409 CONFLICT", "14 413 VALIDATION", "15 413 VALIDATION",
                "16 409 CONFLICT", "17 400 VALIDATION", "18 409 CONFLICT",
            ]
        )
        for number in UInt8(0)...18 {
            #expect((Problem(wholeBatch: number) != nil) == [1, 2, 4, 5].contains(number))
        }
    }

    @Test("the codes are those that upstream's clients know")
    func codes() {
        #expect(ErrorCode.allCases.count == 20)
        #expect(ErrorCode.allCases.map(\.rawValue).allSatisfy { $0 == $0.uppercased() })
        for name in HeaderName.allCases {
            #expect(HTTPField.Name(name.rawValue) != nil)
        }
    }

    @Test("on a socket: a free port is reported, stops with its group, keeps connections")
    func socket() async throws {
        let node = try DumbNode()
        let (ports, report) = AsyncStream.makeStream(of: BoundAddress.self)
        let application = TallyServer.application(
            node: node.port,
            configuration: ServerConfiguration(port: 0),
            logger: .quiet
        ) { address in
            report.yield(address)
            report.finish()
        }
        let group = ServiceGroup(
            configuration: .init(services: [application], logger: .quiet)
        )
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let address = try #require(await ports.first { _ in true })
            #expect(address.port > 0)
            #expect(address.description == "http://127.0.0.1:\(address.port)")
            try await TestClient.withClient(host: "127.0.0.1", port: address.port) { client in
                let made = try await client.post("/v2/main", body: ByteBuffer())
                #expect(made.status == .noContent)
                let count = try await client.head("/v2/main/accounts")
                #expect(count.status == .noContent)
                let large = ByteBuffer(repeating: 0x20, count: Limits.requestBodyBytesMax + 1)
                let refused = try await client.post("/v2/main/transactions", body: large)
                #expect(refused.status == .contentTooLarge)
                let head = try await client.get("/tally/v1/head")
                #expect(head.status == .ok)
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test("a body that does not arrive is given up")
    func deadline() async throws {
        let (stream, source) = AsyncStream.makeStream(of: ByteBuffer.self)
        source.yield(ByteBuffer(string: "{"))
        let request = Request(
            head: HTTPRequest(
                method: .post,
                scheme: "http",
                authority: "a",
                path: "/",
                headerFields: [.transferEncoding: "chunked"]
            ),
            body: RequestBody(asyncSequence: stream)
        )
        await #expect(throws: Problem(408, .timeout, "the body did not arrive in time")) {
            _ = try await BodyReader(deadline: .milliseconds(1)).read(request, bytesMax: 10)
        }
        source.finish()
    }
}

extension Seen {
    /// A page of an error, as if it were the JSON of one: the console's errors are pages.
    fileprivate var json413: Seen {
        let body = #"{"errorCode":"VALIDATION","errorMessage":"page"}"#
        return Seen(status: status, headers: headers, bytes: Array(body.utf8))
    }
}

@Suite("routes and targets")
struct RouteTests {
    @Test(
        "targets are split before they are decoded",
        arguments: [
            ("/", [], []), ("/a/b", ["a", "b"], []), ("/a%2Fb/c", ["a/b", "c"], []),
            ("/a/", ["a", ""], []), ("/a+b?c+d=e+f&g", ["a+b"], ["c d=e f", "g="]),
            ("/?x=1&x=2#y", [], ["x=1", "x=2"]), ("/%C3%A9?q=%7B%7D", ["é"], ["q={}"]),
        ] as [(String, [String], [String])]
    )
    func targets(text: String, segments: [String], query: [String]) throws {
        let target = try RequestTarget(text)
        #expect(target.segments == segments)
        #expect(target.query.map { "\($0.name)=\($0.value)" } == query)
    }

    @Test(
        "broken escapes are refused",
        arguments: ["/%", "/%1", "/%zz", "/%ff", "/?a=%e9", "/?%="]
    )
    func broken(text: String) {
        #expect(throws: Malformed.self) { try RequestTarget(text) }
    }

    @Test("encoding is undone by decoding", arguments: ["", "a b", "é/%?&=+#", "users:1", "\u{0}"])
    func encoding(text: String) throws {
        let target = try RequestTarget(
            "/" + PercentText.encode(text) + "?q=" + PercentText.encode(text)
        )
        #expect(target.segments == (text.isEmpty ? [] : [text]))
        #expect(target.query[0].value == text)
    }

    @Test("no two routes have the same method and template, or fit the same paths")
    func distinct() {
        let routes = TallyServer.routes.routes
        let shapes = routes.map { route in
            route.method.rawValue
                + route.segments.map { segment in
                    if case .literal(let text) = segment { "/" + text } else { "/{}" }
                }.joined()
        }
        #expect(Set(shapes).count == shapes.count)
        #expect(routes.count > 60)
    }

    @Test("docs/openapi.yaml describes exactly our own routes")
    func described() throws {
        let file = PackageRoot.url.appendingPathComponent("docs/openapi.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        var described: Set<String> = []
        var parameters: [String: Set<String>] = [:]
        var path = ""
        var shape = ""
        let shared = ["Limit": "limit", "MinIndex": "minIndex", "Wait": "wait"]
        for line in text.split(separator: "\n") {
            if line.hasPrefix("  /"), line.hasSuffix(":") {
                path = String(line.dropFirst(2).dropLast())
            } else if line.hasPrefix("    "), !line.hasPrefix("     "), line.hasSuffix(":") {
                let word = line.dropFirst(4).dropLast().uppercased()
                if HTTPRequest.Method(rawValue: word).map(TallyServer.routes.knows) == true {
                    shape = "\(word) \(path)"
                    described.insert(shape)
                    parameters[shape] = []
                }
            } else if line.contains("in: query"), line.contains("- { name: ") {
                let name = line.split(separator: "name: ")[1].prefix { $0 != "," }
                parameters[shape]?.insert(String(name))
            } else if let reference = line.split(separator: "parameters/").last,
                let name = shared[String(reference.prefix { $0 != "\"" })]
            {
                parameters[shape]?.insert(name)
            }
        }
        let own = TallyServer.routes.routes.filter { $0.family == .own }
        for route in own {
            let shape = "\(route.method.rawValue) \(route.template)"
            #expect(parameters[shape] == route.query, "\(shape)")
        }
        #expect(described == Set(own.map { "\($0.method.rawValue) \($0.template)" }))
        #expect(own.count == 33)
    }
}
