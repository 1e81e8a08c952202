// SPDX-License-Identifier: Apache-2.0
//
// The body of a request, read whole within a bound of bytes and of time. May import Hummingbird and
// NIOCore; the gateway calls it before a handler runs, so that no handler waits for a slow client.

import HTTPTypes
package import Hummingbird
import NIOCore

/// Reads bodies.
package struct BodyReader: Sendable {
    /// The longest that a client may take to send a body.
    let deadline: Duration

    /// Makes a reader that waits no longer.
    package init(deadline: Duration) {
        self.deadline = deadline
    }

    /// Reads a body; a request that declares neither a length nor chunks has none.
    ///
    /// - Throws: ``Problem`` 413 above the bound, 408 after the deadline; 400 when the client
    ///   stops sending.
    package func read(_ request: Request, bytesMax: Int) async throws -> [UInt8] {
        let body = request.body
        if let declared = request.headers[.contentLength] {
            guard let length = Int(declared), length >= 0 else {
                throw Problem.validation("Content-Length: not a length")
            }
            if length == 0 { return [] }
            guard length <= bytesMax else { throw BodyReader.tooLarge(bytesMax) }
        } else if request.headers[.transferEncoding] == nil {
            return []
        }
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { try await BodyReader.collect(body, bytesMax) }
            group.addTask { [deadline] in
                try await Task.sleep(for: deadline)
                throw Problem(408, .timeout, "the body did not arrive in time")
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() else { return [] }
            return bytes
        }
    }

    private static func collect(_ body: RequestBody, _ bytesMax: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await buffer in body {
                guard bytes.count + buffer.readableBytes <= bytesMax else {
                    throw tooLarge(bytesMax)
                }
                bytes.append(contentsOf: buffer.readableBytesView)
            }
        } catch let problem as Problem {
            throw problem
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw Problem.validation("the body broke off")
        }
        return bytes
    }

    private static func tooLarge(_ bytesMax: Int) -> Problem {
        Problem(413, .validation, "body: larger than \(bytesMax) bytes")
    }
}
