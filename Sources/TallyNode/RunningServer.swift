// SPDX-License-Identifier: Apache-2.0
//
// A node with its HTTP server, until a signal ends them cleanly: first the server, then the node.
// May import Hummingbird's application through TallyHTTP and the service group. Called by `tally
// serve` and `tally demo`.

package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import TallyHTTP
import UnixSignals

/// A node with its HTTP server.
package struct RunningServer: Sendable {
    /// The node.
    package let node: Node
    private let group: ServiceGroup
    private let logger: Logger

    /// Starts the node; the server answers once ``untilSignal()`` runs.
    ///
    /// - Parameters:
    ///   - configuration: What the operator chose.
    ///   - host: The address to listen on.
    ///   - port: The TCP port; 0 takes a free one.
    ///   - level: The least level that is logged, to standard error.
    ///   - ready: Gets the URL once the server answers.
    ///   - failed: Told of the fault that stops the node.
    /// - Returns: The two, started.
    /// - Throws: ``NodeFault`` when the port is taken, and nothing was made; else as
    ///   ``Node/start(_:failed:)``.
    package static func start(
        _ configuration: NodeConfiguration,
        host: String,
        port: Int,
        level: Logger.Level,
        ready: @escaping @Sendable (String) -> Void,
        failed: @escaping @Sendable (NodeFault) -> Void
    ) async throws -> RunningServer {
        var logger = Logger(label: "tally") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        try await requirePort(host: host, port: port)
        let node = try await Node.start(configuration, failed: failed)
        for line in node.startLines { logger.notice("\(line)") }
        let application = TallyServer.application(
            node: node.port,
            configuration: ServerConfiguration(host: host, port: port),
            logger: logger,
            onServerRunning: { ready($0.description) }
        )
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: application)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        return RunningServer(node: node, group: group, logger: logger)
    }

    /// Listens for a moment: nothing is made or opened for a server that could not listen.
    ///
    /// - Throws: ``NodeFault`` naming address and port.
    package static func requirePort(host: String, port: Int) async throws {
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port)
                .get()
            try await channel.close()
        } catch {
            throw NodeFault(
                .server,
                subject: "\(host):\(port)",
                reason: "cannot be listened on: \(error)",
                nextStep: "choose another --host or --port"
            )
        }
    }

    /// Serves until a signal comes, then stops the node cleanly.
    ///
    /// - Throws: What ended the server, or kept the node from stopping cleanly.
    package func untilSignal() async throws {
        do {
            try await group.run()
        } catch {
            try await node.stop()
            throw NodeFault(
                .server,
                subject: "HTTP server",
                reason: "ended: \(error)",
                nextStep: "choose another --host or --port"
            )
        }
        let line = try await node.stop()
        logger.notice("\(line)")
    }
}
