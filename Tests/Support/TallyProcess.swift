// SPDX-License-Identifier: Apache-2.0
//
// The program as its users have it: processes of the `tally` binary, what they print, and how they
// end. CrashTests and ConformanceTests use them. May
// import Foundation.

import Foundation

/// The binary under test: TALLY_BINARY, or the `tally` that was built beside the test bundle.
package enum TallyBinary {
    /// Where it lies.
    ///
    /// - Throws: ``ProcessTrouble`` when there is none.
    package static func path() throws -> String {
        if let named = ProcessInfo.processInfo.environment["TALLY_BINARY"] { return named }
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        while folder.path != "/" {
            folder.deleteLastPathComponent()
            let candidate = folder.appendingPathComponent("tally").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
        }
        let beside = PackageRoot.url.appendingPathComponent(".build/debug/tally").path
        guard FileManager.default.isExecutableFile(atPath: beside) else {
            throw ProcessTrouble("no tally binary: build it, or name it in TALLY_BINARY")
        }
        return beside
    }
}

/// A process that did not do what a test needs.
package struct ProcessTrouble: Error, CustomStringConvertible {
    /// What happened, in one line.
    package let description: String

    /// Makes the error.
    package init(_ line: String) {
        description = line
    }
}

/// What a process had printed when it ended.
package struct ProcessOutcome: Sendable {
    /// The exit code; the number of the signal below zero.
    package let status: Int32
    /// Standard output.
    package let output: String
    /// Standard error.
    package let errors: String
}

/// A process whose output goes to files.
package final class TallyProcess {
    private let process = Process()
    private let folder: TemporaryDirectory

    /// Starts a program, `tally` unless said otherwise, with the environment of the tests and more.
    package init(
        _ arguments: [String],
        program: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        folder = try TemporaryDirectory("process")
        process.executableURL = URL(fileURLWithPath: try program ?? TallyBinary.path())
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try TallyProcess.file(folder.file("out"))
        process.standardError = try TallyProcess.file(folder.file("err"))
        try process.run()
    }

    private static func file(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    /// Everything on standard output so far.
    package func output() throws -> String { try text("out") }

    /// Everything on standard error so far.
    package func errors() throws -> String { try text("err") }

    private func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: folder.file(name)), as: UTF8.self)
    }

    /// True until it has ended.
    package var isRunning: Bool { process.isRunning }

    /// Sends a signal.
    package func signal(_ number: Int32) {
        kill(process.processIdentifier, number)
    }

    /// Waits for the end.
    package func end(within limit: Duration = .seconds(120)) async throws -> ProcessOutcome {
        try await waitUntil("the process has ended", within: limit) { !isRunning }
        let signal = process.terminationReason == .uncaughtSignal
        return ProcessOutcome(
            status: signal ? -process.terminationStatus : process.terminationStatus,
            output: try output(),
            errors: try errors()
        )
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// Runs a command to its end.
    package static func run(
        _ arguments: [String],
        program: String? = nil,
        environment: [String: String] = [:]
    ) async throws -> ProcessOutcome {
        try await TallyProcess(arguments, program: program, environment: environment).end()
    }
}

/// A `tally serve` process that answers.
package final class ServerUnderTest {
    /// Where it answers, without a slash at the end.
    package let url: String
    private let process: TallyProcess

    /// Starts a server on a free port and waits for its line `ready URL`; the wrapper is a program
    /// with arguments that starts the binary, such as `taskset -c 0`.
    package init(
        _ directory: String,
        entriesPerGeneration: Int = 16,
        wrapper: [String] = [],
        environment: [String: String] = [:]
    ) async throws {
        let serve = [
            "serve", "--data", directory, "--port", "0", "--entries-per-generation",
            String(entriesPerGeneration),
        ]
        let process: TallyProcess
        if let program = wrapper.first {
            process = try TallyProcess(
                wrapper.dropFirst() + [TallyBinary.path()] + serve,
                program: program,
                environment: environment
            )
        } else {
            process = try TallyProcess(serve, environment: environment)
        }
        self.process = process
        try await waitUntil("the server is ready or has ended") {
            try process.output().contains("\n") || !process.isRunning
        }
        let line = try process.output().split(separator: "\n").first ?? ""
        guard line.hasPrefix("ready ") else {
            throw ProcessTrouble("the server said “\(line)”, and \(try process.errors())")
        }
        url = String(line.dropFirst(6))
    }

    /// Ends it at once, as a power cut of the process.
    package func kill() async throws {
        process.signal(SIGKILL)
        let outcome = try await process.end()
        guard outcome.status == -SIGKILL else {
            throw ProcessTrouble("ended by itself, \(outcome.status): \(outcome.errors)")
        }
    }

    /// Ends it cleanly.
    package func stop() async throws {
        process.signal(SIGTERM)
        let outcome = try await process.end()
        guard outcome.status == 0 else {
            throw ProcessTrouble("stopped with \(outcome.status): \(outcome.errors)")
        }
    }
}
