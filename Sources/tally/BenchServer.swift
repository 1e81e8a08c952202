// SPDX-License-Identifier: Apache-2.0
//
// The two ends of the benchmark: the server as a process of its own, and the client that sends
// batches. May import Foundation for the process and AsyncHTTPClient for the requests.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TallyTypes

/// A `tally serve` process on a free port.
final class ServerProcess {
    let url: String
    private let process: Process

    init(directory: String, areViewsEnabled: Bool) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments =
            ["serve", "--data", directory, "--port", "0"]
            + (areViewsEnabled ? [] : ["--no-views"])
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        url = try ServerProcess.readReadyLine(output.fileHandleForReading)
    }

    private static func readReadyLine(_ output: FileHandle) throws -> String {
        var text = ""
        while !text.contains("\n") {
            let data = output.availableData
            guard !data.isEmpty else { throw Failure("the server ended before it was ready") }
            text += String(decoding: data, as: UTF8.self)
        }
        guard text.hasPrefix("ready "), let line = text.split(separator: "\n").first else {
            throw Failure("the server said “\(text)” where `ready` was expected")
        }
        return String(line.dropFirst(6))
    }

    /// Ends the server cleanly and waits for it.
    func stop() throws {
        process.terminate()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure("the server ended with status \(process.terminationStatus)")
        }
    }

    /// Ends the server at once.
    func kill() {
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

/// Sends batches and reads metrics.
struct BenchClient: Sendable {
    /// What sending brought.
    struct Sent {
        var refused = 0
        var milliseconds: [Double] = []
        var warmBytes: UInt64 = 0
    }

    private let url: String
    private let client = HTTPClient(eventLoopGroupProvider: .singleton)

    init(url: String) {
        self.url = url
    }

    func close() async throws {
        try await client.shutdown()
    }

    /// Sends one batch; returns the number of transfers that were refused.
    func send(_ body: [UInt8]) async throws -> Int {
        var request = HTTPClientRequest(
            url: url + "/tally/v1/books/\(BenchWorkload.book)/batches"
        )
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/octet-stream")
        request.body = .bytes(ByteBuffer(bytes: body))
        let answer = try await execute(request)
        let outcomes = answer.readableBytesView.dropFirst(BatchAnswerLayout.headerBytes)
        return outcomes.count { $0 != 0 }
    }

    private func execute(_ request: HTTPClientRequest) async throws -> ByteBuffer {
        let response = try await client.execute(request, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 16 << 20)
        guard (200..<300).contains(response.status.code) else {
            throw Failure(
                "\(request.url): \(response.status): \(String(buffer: body).prefix(200))"
            )
        }
        return body
    }

    /// Sends all batches, a few at a time.
    func sendAll(
        _ batches: [[UInt8]],
        inFlight: Int,
        progress: (Int) -> Void
    ) async throws -> Sent {
        var sent = Sent()
        let quarter = max(1, batches.count / 4)
        try await withThrowingTaskGroup(of: (Int, Double).self) { group in
            var next = 0
            for _ in 0..<min(inFlight, batches.count) {
                group.addTask { [body = batches[next]] in try await timed(body) }
                next += 1
            }
            while let (refused, milliseconds) = try await group.next() {
                sent.refused += refused
                sent.milliseconds.append(milliseconds)
                progress(sent.milliseconds.count)
                if sent.milliseconds.count == quarter {
                    sent.warmBytes = try await metrics()["tally_resident_bytes"] ?? 0
                }
                if next < batches.count {
                    group.addTask { [body = batches[next]] in try await timed(body) }
                    next += 1
                }
            }
        }
        return sent
    }

    private func timed(_ body: [UInt8]) async throws -> (Int, Double) {
        let clock = ContinuousClock()
        let begun = clock.now
        let refused = try await send(body)
        return (refused, (clock.now - begun) / .milliseconds(1))
    }

    func metrics() async throws -> [String: UInt64] {
        let body = try await execute(HTTPClientRequest(url: url + "/tally/v1/metrics"))
        var values: [String: UInt64] = [:]
        for line in String(buffer: body).split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ")
            if words.count == 2, let value = UInt64(words[1]) { values[String(words[0])] = value }
        }
        return values
    }

    /// Waits until the views have folded everything.
    func waitForViews() async throws {
        while try await metrics()["tally_view_lag_records"] != 0 {
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// Bytes before the outcomes in the answer to a batch; docs/formats/batch.md.
enum BatchAnswerLayout {
    static let headerBytes = 1 + 1 + 8 + 8 + 32 + 4
}

/// Bytes on disk of a data directory, by component.
struct DiskUsage {
    private let parts: [(name: String, bytes: Int)]

    init(_ directory: String) throws {
        parts = try ["records", "state", "image", "views", "log"].map { name in
            (name, try DiskUsage.bytes(directory + "/" + name))
        }
    }

    /// Blocks that files take, not their lengths: preallocated room counts where it is allocated.
    private static func bytes(_ directory: String) throws -> Int {
        var total = 0
        for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
            var info = stat()
            guard unsafe stat(directory + "/" + name, &info) == 0 else {
                throw Failure("\(directory)/\(name): cannot be read")
            }
            if info.st_mode & S_IFMT == S_IFREG { total += Int(info.st_blocks) * 512 }
        }
        return total
    }

    func text(_ transfers: Int) -> String {
        parts.map { "\($0.name) \($0.bytes / max(1, transfers)) B" }.joined(separator: ", ")
            + " a transfer"
    }

    var json: String {
        "{" + parts.map { "\"\($0.name)\":\($0.bytes)" }.joined(separator: ",") + "}"
    }
}
