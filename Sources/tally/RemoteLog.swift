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
        let trimmed = url.hasSuffix("/") ? String(url.dropLast()) : url
        let path = URL(string: trimmed)?.path ?? ""  // what is no URL is refused at the first read
        prefix = path.isEmpty ? trimmed + "/tally/v1/log" : trimmed
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
}
