// SPDX-License-Identifier: Apache-2.0
//
// The log of a running server, or of a static web server: C2SP paths below a prefix. May import
// AsyncHTTPClient. Reads block the thread of the command, which does nothing else.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TallyNode

/// A log behind a URL.
struct RemoteLog {
    /// The URL that its paths are below.
    let prefix: String
    private let client = HTTPClient(eventLoopGroupProvider: .singleton)

    /// Names a server; the prefix is that of its log unless the URL has a path of its own.
    init(url: String) {
        prefix = RemoteLog.prefix(url)
    }

    /// The prefix of the log of a server.
    static func prefix(_ url: String) -> String {
        let trimmed = url.hasSuffix("/") ? String(url.dropLast()) : url
        let path = URL(string: trimmed)?.path ?? ""  // what is no URL is refused at the first read
        return path.isEmpty ? trimmed + "/tally/v1/log" : trimmed
    }

    /// Lets go of the connections.
    func close() async throws { try await client.shutdown() }

    /// Returns the bytes at a URL; nil when the server says 404.
    func fetch(_ url: String, limit: Int) throws(FetchFault) -> [UInt8]? {
        let response: HTTPClient.Response
        do {
            let request = try HTTPClient.Request(url: url)
            let taker = ResponseAccumulator(request: request, maxBodySize: limit)
            response = try client.execute(
                request: request,
                delegate: taker,
                deadline: .now() + .seconds(60)
            )
            .wait()
        } catch is ResponseAccumulator.ResponseTooBigError {
            throw .tooLarge
        } catch {
            throw .failed("\(error); is a server running there?")
        }
        switch response.status {
        case .ok: return response.body.map { [UInt8](buffer: $0) } ?? []  // an empty file
        case .notFound: return nil
        default: throw .failed("status \(response.status.code)")
        }
    }

    /// The largest receipt: a record, its path and a note, in base64.
    private static let receiptBytesMax = 4 << 20
    /// The longest wait for a checkpoint that covers a record.
    private static let patience: Duration = .seconds(60)

    /// Asks for the receipt of a record as often as the server says, until a checkpoint covers it.
    func receipt(_ index: UInt64, format: String) async throws -> [UInt8] {
        let address = "\(prefix)/receipt/\(index)?format=\(format)"
        let end = ContinuousClock.now + RemoteLog.patience
        while true {
            let response: HTTPClientResponse
            let bytes: ByteBuffer
            do {
                response = try await client.execute(
                    HTTPClientRequest(url: address),
                    timeout: .seconds(60)
                )
                bytes = try await response.body.collect(upTo: RemoteLog.receiptBytesMax)
            } catch {
                throw Failure("\(address): \(error); is a server running there?")
            }
            switch response.status {
            case .ok: return [UInt8](buffer: bytes)
            case .accepted: break
            default:
                let answer = String(buffer: bytes).prefix(300)
                throw Failure("\(address): status \(response.status.code): \(answer)")
            }
            let wait = response.headers.first(name: "Retry-After").flatMap(UInt64.init)
            let next = ContinuousClock.now + .seconds(min(max(wait ?? 1, 1), 60))
            guard next <= end else {
                throw Failure(
                    "\(address): no checkpoint covers the record yet; try again, "
                        + "\(prefix) says whether the server signs"
                )
            }
            try await Task.sleep(until: next)
        }
    }
}
