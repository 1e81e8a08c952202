// SPDX-License-Identifier: Apache-2.0
//
// The HTTP server as one value that a service group runs: it binds, says where, answers, and stops
// gracefully with the group. May import Hummingbird, NIOCore and Logging; Node gives it the port to
// itself.

package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore

/// Where and how the server listens.
package struct ServerConfiguration: Sendable {
    /// The address to bind; loopback unless said otherwise.
    package var host: String
    /// The TCP port; 0 takes a free one.
    package var port: Int
    /// The longest that a connection stays open without a byte.
    package var idleTimeout: Duration
    /// The longest that a client may take to send a body.
    package var bodyDeadline: Duration
    /// Connections that may wait to be accepted.
    package var backlog: Int
    /// Connections open at a time; with the bound on bodies, a bound on memory.
    package var connectionsMax: Int

    /// Makes a configuration.
    package init(
        host: String = "127.0.0.1",
        port: Int = 3068,
        idleTimeout: Duration = .seconds(60),
        bodyDeadline: Duration = .seconds(30),
        backlog: Int = 1_024,
        connectionsMax: Int = 2_048
    ) {
        self.host = host
        self.port = port
        self.idleTimeout = idleTimeout
        self.bodyDeadline = bodyDeadline
        self.backlog = backlog
        self.connectionsMax = connectionsMax
    }
}

/// Where a server listens.
package struct BoundAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address that was asked for.
    package let host: String
    /// The TCP port, also when 0 was asked for.
    package let port: Int

    /// Makes an address.
    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// The URL of the console.
    package var description: String {
        host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
    }
}

/// The HTTP server.
package enum TallyServer {
    /// Every route of the server, for whoever checks or describes them.
    package static var routes: RouteTable {
        RouteTable(V2Routes.all + OwnRoutes.all + ConsolePages.routes)
    }

    /// Makes the server; a service group runs it.
    ///
    /// - Parameters:
    ///   - node: The node that answers.
    ///   - configuration: Where to listen.
    ///   - logger: Gets one line per request and every fault, never a payload value.
    ///   - onServerRunning: Called once the server accepts connections.
    /// - Returns: The server, which does nothing before it is run.
    package static func application(
        node: NodePort,
        configuration: ServerConfiguration,
        logger: Logger,
        onServerRunning: @escaping @Sendable (BoundAddress) async -> Void
    ) -> Application<Gateway> {
        let host = configuration.host
        return Application(
            responder: Gateway(
                table: routes,
                node: node,
                metrics: RequestMetrics(),
                bodies: BodyReader(deadline: configuration.bodyDeadline)
            ),
            server: .http1(
                configuration: .init(
                    idleTimeout: .nanoseconds(
                        configuration.idleTimeout.components.seconds * 1_000_000_000
                    )
                )
            ),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: configuration.port),
                serverName: "tallystick",
                backlog: configuration.backlog,
                availableConnectionsDelegate: MaximumAvailableConnections(
                    configuration.connectionsMax
                )
            ),
            onServerRunning: { channel in
                guard let port = channel.localAddress?.port else {
                    logger.error("the server is bound to no TCP port")
                    return
                }
                await onServerRunning(BoundAddress(host: host, port: port))
            },
            logger: logger
        )
    }
}
