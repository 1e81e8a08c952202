// SPDX-License-Identifier: Apache-2.0
//
// `tally witness`: cosigns the checkpoints of logs that others run, when they continue what it
// cosigned before. And the HTTP client with which `tally serve` asks witnesses.

import ArgumentParser
import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import TallyNode

struct Witness: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cosign the checkpoints of other logs.",
        discussion: """
            Prints its public key, then `ready http://…`, then the line for `tally serve --witness`.
            Publishes what it cosigned last at /<hex SHA-256 of the origin>/checkpoint. The folder
            holds key and memory: never bring an older copy of it back.
            Example:
              tally witness --dir ./witness --name witness.example/w1 --log ledger.vkeys
            """
    )

    @Option(help: ArgumentHelp("Its folder; made when it is not there.", valueName: "dir"))
    var dir = "tally-witness"

    @Option(help: "Name of a new witness: the one its cosignatures will carry.")
    var name: String?

    @Option(
        help: ArgumentHelp("File of public keys of a log to follow; repeatable.", valueName: "file")
    )
    var log: [String]

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "TCP port; 0 takes a free one and prints it.")
    var port = 3069

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: Logger.Level = .notice

    func run() async throws {
        let server: WitnessServer
        do {
            server = try WitnessServer.open(
                dir,
                name: name,
                logs: try log.flatMap(Receipts.lines)
            ) { fault in
                stopProcess(fault)
            }
        } catch {
            throw Failure(NodeFault.line(starting: error))
        }
        let key = server.verifierKey
        Terminal.say(key)
        do {
            try await server.run(host: host, port: port, level: logLevel) { url in
                Terminal.say("ready \(url)")
                Terminal.say("\(key) \(url)")
            }
        } catch {
            throw Failure("\(error)")
        }
    }
}

/// Asks witnesses over HTTP.
enum WitnessClient {
    /// Answers are a few lines.
    private static let answerBytesMax = 65_536

    /// The witnesses that files name, a line each.
    static func addresses(_ files: [String]) throws -> [WitnessAddress] {
        var addresses: [WitnessAddress] = []
        for file in files {
            for line in try Receipts.lines(of: file) {
                do {
                    addresses.append(try WitnessAddress(line: line, send: send))
                } catch {
                    throw Failure("\(file): \(error)")
                }
            }
        }
        return addresses
    }

    @Sendable
    private static func send(_ url: String, _ body: [UInt8]) async throws -> WitnessAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let bytes = try await response.body.collect(upTo: answerBytesMax)
        return WitnessAnswer(
            status: Int(response.status.code),
            type: response.headers.first(name: "Content-Type"),
            body: [UInt8](buffer: bytes)
        )
    }
}
