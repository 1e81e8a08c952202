// SPDX-License-Identifier: Apache-2.0
//
// A ledger behind a URL as the target of an import: the v2 API of a running server, one transaction
// after the other, so that their numbers follow the journal. May import AsyncHTTPClient.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TallyCodec
import TallyNode
import TallyTypes

/// A running server that takes transactions.
struct RemoteLedger: Sendable {
    /// The most bytes of an answer that are read.
    private static let answerBytesMax = 1 << 20

    private let url: String
    private let client = HTTPClient(eventLoopGroupProvider: .singleton)

    /// Names a server by the URL before `/v2`.
    init(url: String) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    /// Lets go of the connections.
    func close() async throws { try await client.shutdown() }

    /// The door of this server.
    var door: ImportDoor {
        ImportDoor(
            createLedger: { name in try await create(name) },
            submit: { name, batch in
                var outcomes: [ImportOutcome] = []
                for transaction in batch {
                    do {
                        outcomes.append(try await post(transaction, to: name))
                    } catch {
                        throw Failure(
                            "\(transaction.place): \(error); what stands before it is imported; "
                                + "import again, which books nothing twice"
                        )
                    }
                    if case .refused = outcomes.last { break }
                }
                return outcomes
            }
        )
    }

    /// Asks first: a refused creation would be a record.
    private func create(_ name: BookName) async throws {
        if try await execute(.GET, "/v2/\(name)").status == 200 { return }
        let answer = try await execute(.POST, "/v2/\(name)")
        guard answer.status == 204 || answer.code == "LEDGER_ALREADY_EXISTS" else {
            throw Failure("\(url)/v2/\(name): \(answer.words)")
        }
    }

    private func post(
        _ transaction: KeyedTransaction,
        to name: BookName
    ) async throws -> ImportOutcome {
        let body = RemoteLedger.body(transaction.order)
        let answer = try await execute(
            .POST,
            "/v2/\(name)/transactions",
            body: body,
            key: transaction.key
        )
        switch answer.status {
        case 200: return answer.isReplay ? .known : .written
        case 400..<500: return .refused(answer.words)
        default: throw Failure("\(url)/v2/\(name)/transactions: \(answer.words)")
        }
    }

    /// What a server said.
    private struct Answer {
        let status: UInt
        let isReplay: Bool
        let code: String?
        let message: String?

        var words: String {
            let numbers = ["status \(status)", code].compactMap { $0 }.joined(separator: ", ")
            return message.map { "\($0) (\(numbers))" } ?? numbers
        }
    }

    private func execute(
        _ method: HTTPMethod,
        _ path: String,
        body: [UInt8] = [],
        key: Text? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        request.headers.add(name: "Content-Type", value: "application/json")
        if let key { request.headers.add(name: "Idempotency-Key", value: "\(key)") }
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            let response = try await client.execute(request, timeout: .seconds(60))
            let bytes = try await response.body.collect(upTo: RemoteLedger.answerBytesMax)
            return try RemoteLedger.answer(response, [UInt8](buffer: bytes))
        } catch let error as HTTPClientError {
            throw Failure("\(url): \(error.shortDescription); is a server running there?")
        } catch let error as IOError {
            throw Failure("\(url): \(error); is a server running there?")
        }
    }

    private static func answer(
        _ response: HTTPClientResponse,
        _ bytes: [UInt8]
    ) throws -> Answer {
        var code: String?
        var message: String?
        if response.status.code >= 400 {
            let type = response.headers.first(name: "Content-Type") ?? ""
            if type.hasPrefix("application/json") {
                let fields = try JSONFields(try JSONReader.parse(bytes))
                code = try fields.optional("errorCode", JSONShape<Text>.string)?.string
                message = try fields.optional("errorMessage", JSONShape<Text>.string)?.string
            } else {
                message = String(decoding: bytes.prefix(200), as: UTF8.self)
            }
        }
        return Answer(
            status: response.status.code,
            isReplay: response.headers.first(name: "Idempotency-Hit") == "true",
            code: code,
            message: message
        )
    }

    /// A transaction as the v2 API takes it.
    static func body(_ order: CreateTransaction) -> [UInt8] {
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.key("postings")
        writer.beginArray()
        for posting in order.postings {
            writer.beginObject()
            writer.member("source", posting.source.text)
            writer.member("destination", posting.destination.text)
            writer.member("asset", posting.asset.text)
            writer.member("amount", posting.amount)
            writer.endObject()
        }
        writer.endArray()
        if let timestamp = order.timestamp { writer.member("timestamp", timestamp) }
        writer.member("metadata", order.metadata)
        writer.key("accountMetadata")
        writer.beginObject()
        for entry in order.accountMetadata {
            writer.member(entry.account.text, entry.metadata)
        }
        writer.endObject()
        writer.member("force", order.isForced)
        writer.endObject()
        return writer.take()
    }
}
