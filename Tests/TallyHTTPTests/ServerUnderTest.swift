// SPDX-License-Identifier: Apache-2.0
//
// A server over a dumb node, and requests to it in one line each. Answers are read with the exact
// JSON reader, so that a number that lost a digit is seen. Called by tests only.

import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import TallyCodec
import TallyHTTP
import TallyTypes
import Testing

/// What came back.
struct Seen: Sendable {
    let status: Int
    let headers: HTTPFields
    let bytes: [UInt8]

    /// The body as text.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The body as exact JSON.
    var json: JSONValue {
        get throws { try JSONReader.parse(bytes) }
    }

    /// A header's value.
    func header(_ name: String) -> String? {
        headers.first { $0.name.canonicalName == name.lowercased() }?.value
    }

    /// The member at a path of names and positions, as compact JSON; nil when there is none.
    func at(_ path: String...) throws -> String? {
        var value: JSONValue? = try json
        for part in path {
            switch value {
            case .object(let object): value = object[Text(part)]
            case .array(let array):
                value = Int(part).flatMap { $0 < array.count ? array[$0] : nil }
            default: value = nil
            }
        }
        return value.map { JSONText($0).text.string }
    }
}

/// A server in this process, with a client.
struct ServerUnderTest: Sendable {
    let node: DumbNode
    let client: any TestClientProtocol

    /// Runs a test against a server whose node has one ledger, `main`, and one journal, `log`.
    static func run(
        _ test: @escaping @Sendable (ServerUnderTest) async throws -> Void
    ) async throws {
        let node = try DumbNode()
        let application = TallyServer.application(
            node: node.port,
            configuration: ServerConfiguration(port: 0),
            logger: .quiet
        ) { _ in }
        try await application.test(.router) { client in
            let server = ServerUnderTest(node: node, client: client)
            #expect(try await server.send(.post, "/v2/main").status == 204)
            let journal = try await server.send(
                .post,
                "/tally/v1/books",
                #"{"name":"log","kind":"journal"}"#
            )
            #expect(journal.status == 201)
            try await test(server)
        }
    }

    /// Sends a request with a text body.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> Seen {
        try await send(method, path, bytes: body.map { Array($0.utf8) }, headers: headers)
    }

    /// Sends a request.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        bytes: [UInt8]?,
        headers: [String: String] = [:]
    ) async throws -> Seen {
        var fields = HTTPFields()
        for (name, value) in headers {
            fields[try #require(HTTPField.Name(name))] = value
        }
        return try await client.execute(
            uri: path,
            method: method,
            headers: fields,
            body: bytes.map { ByteBuffer(bytes: $0) }
        ) { response in
            Seen(
                status: response.status.code,
                headers: response.headers,
                bytes: Array(response.body.readableBytesView)
            )
        }
    }

    /// Posts one posting to `main`.
    func pay(
        _ source: String,
        _ destination: String,
        _ amount: String,
        _ more: String = "",
        query: String = "",
        headers: [String: String] = [:]
    ) async throws -> Seen {
        try await send(
            .post,
            "/v2/main/transactions" + query,
            """
            {"postings":[{"source":"\(source)","destination":"\(destination)",\
            "amount":\(amount),"asset":"USD/2"}],"metadata":{}\(more)}
            """,
            headers: headers
        )
    }
}

/// Expects an error answer: status, code, and a text in the message.
func expectProblem(
    _ seen: Seen,
    _ status: Int,
    _ code: String,
    _ text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(seen.status == status, "\(seen.text)", sourceLocation: sourceLocation)
    #expect(try seen.at("errorCode") == "\"\(code)\"", sourceLocation: sourceLocation)
    let message = try #require(try seen.at("errorMessage"), sourceLocation: sourceLocation)
    #expect(message.contains(text), "\(message)", sourceLocation: sourceLocation)
    guard case .object(let object) = try seen.json else { return }
    #expect(object.members.count == 2, sourceLocation: sourceLocation)
}

extension Logger {
    /// A logger that says nothing.
    static var quiet: Logger {
        Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    }
}
