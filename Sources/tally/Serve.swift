// SPDX-License-Identifier: Apache-2.0
//
// `tally serve`: a node and its HTTP server, until a signal ends them cleanly.

public import ArgumentParser
import Foundation
public import Logging
import TallyNode
import TallyTypes

/// What every command needs that starts a node.
struct NodeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Data directory; made when it is not there.", valueName: "dir"))
    var data = "tally-data"

    @Option(
        help: ArgumentHelp("Folder of the signing key and its guard.", valueName: "dir")
    )
    var keys: String?

    @OptionGroup var secret: SecretOptions

    @Option(help: "Origin of a new ledger: the name its checkpoints will carry.")
    var origin = "localhost/tallystick"

    @Option(
        name: .customLong("entries-per-generation"),
        help: ArgumentHelp("K of a new ledger: log entries per cache generation.", valueName: "k")
    )
    var entriesPerGeneration = Limits.entriesPerGenerationDefault

    @Option(help: ArgumentHelp("The most keys that the cache holds.", valueName: "n"))
    var cacheKeys = Limits.cacheKeysDefault

    @Option(
        help: ArgumentHelp(
            "Seconds between seals of balances and book heads; none unless given.",
            valueName: "seconds"
        )
    )
    var sealEvery: UInt64?

    @Flag(inversion: .prefixedNo, help: "Fold the query views while serving.")
    var views = true

    func validate() throws {
        guard (1...Limits.entriesPerGenerationMax).contains(entriesPerGeneration) else {
            throw ValidationError(
                "--entries-per-generation is 1 to \(Limits.entriesPerGenerationMax)"
            )
        }
        if let sealEvery, !(1...31_536_000).contains(sealEvery) {
            throw ValidationError("--seal-every is 1 to 31536000 seconds")
        }
        guard (65_536...(1 << 28)).contains(cacheKeys) else {
            throw ValidationError("--cache-keys is 65536 to \(1 << 28)")
        }
        guard !origin.isEmpty, origin.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 43 }) else {
            throw ValidationError("--origin is printable ASCII without blanks or +")
        }
    }

    func configuration() throws -> NodeConfiguration {
        NodeConfiguration(
            directory: data,
            origin: origin,
            entriesPerGeneration: entriesPerGeneration,
            keysMax: cacheKeys,
            areViewsEnabled: views,
            keys: keys,
            passphrase: try secret.passphrase(),
            sealEvery: sealEvery
        )
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a ledger over HTTP.",
        discussion: """
            Prints one line `ready http://…` once it answers. Ends cleanly on SIGINT and SIGTERM.
            Example:
              tally serve --data ./ledger --port 3068
            """
    )

    @OptionGroup var node: NodeOptions

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "TCP port; 0 takes a free one and prints it.")
    var port = 3068

    @Option(
        help: ArgumentHelp(
            "Bytes of old records that the self-check reads again in a second; 0 turns it off.",
            valueName: "bytes"
        )
    )
    var scrubRate = ScrubRules.bytesPerSecondDefault

    @Option(
        help: ArgumentHelp(
            "File of witnesses to ask, a line of public key and URL each; repeatable.",
            valueName: "file"
        )
    )
    var witness: [String] = []

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .notice

    func validate() throws {
        guard scrubRate >= 0 else { throw ValidationError("--scrub-rate is 0 or more") }
    }

    func run() async throws {
        var configuration = try node.configuration()
        configuration.witnesses = try WitnessClient.addresses(witness)
        configuration.scrub = ScrubRules(bytesPerSecond: scrubRate)
        let running = try await startServer(
            configuration,
            host: host,
            port: port,
            logLevel
        ) { url in
            Terminal.say("ready \(url)")
        }
        try await running.untilSignal()
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// Ends the process because of a fault.
func stopProcess(_ fault: NodeFault) -> Never {
    Terminal.warn("stopped: \(fault)")
    exit(70)
}

/// Starts a node; a fault while it runs ends the process, because nothing may be acknowledged after
/// it.
func startNode(_ configuration: NodeConfiguration) async throws -> Node {
    do {
        return try await Node.start(configuration) { fault in
            stopProcess(fault)
        }
    } catch {
        throw Failure(NodeFault.line(starting: error))
    }
}

/// Starts a node and its server; a fault while they run ends the process.
func startServer(
    _ configuration: NodeConfiguration,
    host: String,
    port: Int,
    _ level: Logger.Level,
    _ ready: @escaping @Sendable (String) -> Void
) async throws -> RunningServer {
    do {
        return try await RunningServer.start(
            configuration,
            host: host,
            port: port,
            level: level,
            ready: ready
        ) { fault in
            stopProcess(fault)
        }
    } catch {
        throw Failure(NodeFault.line(starting: error))
    }
}

/// A fault that ends a command: one line on standard error, exit code 1.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ line: String) {
        description = line
    }
}
