// SPDX-License-Identifier: Apache-2.0
//
// `tally verify`: an independent replay of a data directory, a backup or a server's log. Exit code
// 0 verified, 1 refuted, 2 not verified.

import ArgumentParser
import Foundation
import TallyChecker
import TallyNode

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a data directory, a backup, a server's log or a receipt.",
        discussion: """
            Recomputes every hash, executes every order again with other code, and compares
            outcomes, balances, tiles and checkpoints; of a data directory state rows and views too.
            Exit code 0: verified. 1: refuted, the first wrong thing is named. 2: not verified, what
            is missing is named.
            Example:
              tally verify ./ledger
              tally verify ./backup --key ledger.vkeys
              tally verify receipt.json --key ledger.vkeys
              tally verify https://ledger.example --key ledger.vkeys --since yesterday.checkpoint
            """
    )

    @Argument(
        help: "The data directory of a stopped node, a backup, a receipt, or the URL of a server."
    )
    var place: String

    @OptionGroup var options: VerifyOptions

    func run() async throws {
        if try Receipts.isReceipt(place) {
            guard options.since == nil else { throw Failure("--since is of no use to a receipt") }
            return try Receipts.verify(place, key: options.key, json: options.json)
        }
        try Verify.print(try await options.report(of: place), json: options.json)
    }

    /// Prints a report and ends with its exit code.
    static func print(_ report: Report, json: Bool) throws {
        if json {
            Terminal.say(String(decoding: report.json, as: UTF8.self))
        } else {
            for line in report.lines { Terminal.say(line) }
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}

/// What a verifier brings along, and how it wants its report.
struct VerifyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "File of public keys, one a line; else those in the directory are taken.",
            valueName: "file"
        )
    )
    var key: String?

    @Option(
        help: ArgumentHelp(
            "File with a checkpoint of an earlier day, of which this must be a continuation.",
            valueName: "file"
        )
    )
    var since: String?

    @Flag(help: "Print the report as JSON.")
    var json = false

    /// Verifies what a path or a URL names.
    func report(of place: String) async throws -> Report {
        let trusted = try VerifyOptions.trusted(key: key, since: since)
        let bar = ProgressBar("verifying")
        defer { bar.finish() }
        guard place.hasPrefix("http://") || place.hasPrefix("https://") else {
            return Backups.verify(place, trusted: trusted) { bar.show($0, of: $1) }
        }
        let log = RemoteLog(url: place)
        let report = Backups.verify(url: log.prefix, trusted: trusted) {
            url,
            limit throws(FetchFault) in
            try log.fetch(url, limit: limit)
        } progress: {
            bar.show($0, of: $1)
        }
        try await log.close()
        return report
    }

    /// The keys and the checkpoint that were given.
    static func trusted(key: String?, since: String? = nil) throws -> TrustedEvidence {
        TrustedEvidence(
            keys: try key.map { path in
                String(decoding: try contents(of: path), as: UTF8.self)
                    .split(whereSeparator: \.isNewline).map(String.init)
            },
            since: try since.map { try contents(of: $0) }
        )
    }

    private static func contents(of path: String) throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw Failure("\(path): cannot be read: \(error.localizedDescription)")
        }
    }
}
