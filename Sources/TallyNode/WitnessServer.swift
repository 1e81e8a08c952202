// SPDX-License-Identifier: Apache-2.0
//
// A witness as an HTTP server of its own, C2SP tlog-witness: `POST /add-checkpoint` cosigns, `GET
// /<hex SHA-256 of the origin>/checkpoint` publishes what was cosigned last. May import Hummingbird
// and the service group. Called by `tally witness`.

import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle
import TallyHTTP
import TallyProof
import TallyStore
import TallyTypes
import UnixSignals

/// What a witness answers.
package struct WitnessAnswer: Hashable, Sendable {
    /// The status of HTTP.
    package let status: Int
    /// The content type; nil without a body.
    package let type: String?
    /// The bytes.
    package let body: [UInt8]

    /// Makes an answer.
    package init(status: Int, type: String? = nil, body: [UInt8] = []) {
        self.status = status
        self.type = type
        self.body = body
    }

    /// An answer of one line of text.
    static func line(_ status: Int, _ text: String) -> WitnessAnswer {
        WitnessAnswer(
            status: status,
            type: "text/plain; charset=utf-8",
            body: Array((text + "\n").utf8)
        )
    }
}

/// Serves a witness.
package struct WitnessServer: Sendable {
    private let store: WitnessStore
    private let failed: @Sendable (NodeFault) -> Void

    /// Serves what a folder holds.
    ///
    /// - Parameters:
    ///   - store: The witness.
    ///   - failed: Told of a fault of the disk; nothing may be cosigned after it.
    package init(_ store: WitnessStore, failed: @escaping @Sendable (NodeFault) -> Void) {
        self.store = store
        self.failed = failed
    }

    /// Opens the folder of a witness on the system's disk, or makes it with a new key.
    ///
    /// - Parameters:
    ///   - folder: The folder.
    ///   - name: The name of a new key; nil takes `localhost/witness`, or the key that is there.
    ///   - logs: The texts of the public keys of the logs to follow.
    ///   - failed: Told of a fault of the disk; nothing may be cosigned after it.
    /// - Returns: The server, which does nothing before it is run.
    /// - Throws: ``StoreFault`` or ``NodeFault``.
    package static func open(
        _ folder: String,
        name: String?,
        logs: [String],
        failed: @escaping @Sendable (NodeFault) -> Void
    ) throws -> WitnessServer {
        let source = ChoiceSource(clock: RealClock())
        let store = try WitnessStore(
            disk: RealDisk(),
            folder: folder,
            name: name,
            logs: logs,
            seed: { source.secret() },
            now: { RealClock().now().microseconds / 1_000_000 }
        )
        return WitnessServer(store, failed: failed)
    }

    /// The text of the witness's public key.
    package var verifierKey: String { store.verifierKey.text }

    /// Answers `POST /add-checkpoint`.
    package func add(_ body: [UInt8]) async -> WitnessAnswer {
        do {
            return WitnessAnswer(
                status: 200,
                type: "text/plain; charset=utf-8",
                body: try await store.add(body)
            )
        } catch let refusal as WitnessRefusal {
            return WitnessServer.answer(refusal)
        } catch {
            failed(NodeFault(stopping: error))
            return .line(500, "the witness has stopped")
        }
    }

    private static func answer(_ refusal: WitnessRefusal) -> WitnessAnswer {
        switch refusal {
        case .malformed(let reason), .unknownKey(let reason):
            .line(refusal.status, reason.description)
        case .unknownOrigin: .line(refusal.status, "no log of this name is followed")
        case .proof: .line(refusal.status, "the proof does not lead from the stored checkpoint")
        case .conflict(let size):
            WitnessAnswer(
                status: refusal.status,
                type: "text/x.tlog.size",
                body: Array("\(size)\n".utf8)
            )
        }
    }

    /// Answers a `GET`.
    private func get(_ path: String) -> WitnessAnswer {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, parts[2] == "checkpoint",
            let note = store.checkpoint(String(parts[1]))
        else { return .line(404, "no such checkpoint") }
        return WitnessAnswer(status: 200, type: "text/plain; charset=utf-8", body: note)
    }

    private func answer(_ request: Request) async -> WitnessAnswer {
        switch (request.method, request.uri.path) {
        case (.post, "/add-checkpoint"):
            do {
                let reader = BodyReader(deadline: .seconds(30))
                return await add(try await reader.read(request, bytesMax: AddCheckpoint.bytesMax))
            } catch let problem as Problem {
                return .line(problem.status, problem.message)
            } catch {
                return .line(400, "the body broke off")
            }
        case (.get, let path): return get(path)
        default: return .line(404, "POST /add-checkpoint, or GET /<origin hash>/checkpoint")
        }
    }

    /// Serves until the task is cancelled or a signal comes.
    ///
    /// - Parameters:
    ///   - host: The address to listen on.
    ///   - port: The TCP port; 0 takes a free one.
    ///   - signals: True for a process of its own, which ends at SIGTERM and SIGINT.
    ///   - level: The least level that is logged, to standard error.
    ///   - ready: Gets the URL once the server answers.
    /// - Throws: ``NodeFault`` when the port is taken, or what ended the server.
    package func run(
        host: String,
        port: Int,
        signals: Bool = true,
        level: Logger.Level = .notice,
        ready: @escaping @Sendable (String) -> Void
    ) async throws {
        var logger = Logger(label: "witness") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        try await RunningServer.requirePort(host: host, port: port)
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                let answer = await answer(request)
                var headers = HTTPFields()
                if let type = answer.type { headers[.contentType] = type }
                headers[.contentLength] = String(answer.body.count)
                return Response(
                    status: .init(code: answer.status),
                    headers: headers,
                    body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
                )
            },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: "tallystick-witness"
            ),
            onServerRunning: { [logger] channel in
                guard let port = channel.localAddress?.port else {
                    logger.error("the server is bound to no TCP port")
                    return
                }
                ready(BoundAddress(host: host, port: port).description)
            },
            logger: logger
        )
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: application)],
                gracefulShutdownSignals: signals ? [.sigterm, .sigint] : [],
                logger: logger
            )
        )
        try await group.run()
    }
}
