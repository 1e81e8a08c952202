// SPDX-License-Identifier: Apache-2.0
//
// `tally compare`: whether two things that a log signed can both be true. `tally fork-report
// verify`: whether a file shows that they cannot.

import ArgumentParser
import Foundation
import TallyNode

struct Compare: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare two checkpoints, receipts, directories or servers of one log.",
        discussion: """
            Exit code 0: the same, or the larger continues the smaller. 1: the log signed two
            histories; --out FILE keeps the proof. 2: UNRESOLVED, what is missing is named. Two
            sizes need a directory or a server for the larger one.
            Example:
              tally compare yesterday.checkpoint https://ledger.example --key ledger.vkeys
              tally compare ./ledger ./backup --out fork.json
            """
    )

    @Argument(help: "A checkpoint, a receipt, a data directory, a backup, or the URL of a server.")
    var one: String

    @Argument(help: "Another.")
    var other: String

    @Option(
        help: ArgumentHelp(
            "File of public keys, one a line; else those in a directory are taken.",
            valueName: "file"
        )
    )
    var key: String?

    @Option(help: ArgumentHelp("Where to write the proof of a fork.", valueName: "file"))
    var out: String?

    @Flag(help: "Print the verdict as JSON.")
    var json = false

    func run() async throws {
        let client = RemoteLog(url: one)
        let found = Comparison.run(
            Compare.place(one),
            Compare.place(other),
            keys: try key.map(Receipts.lines),
            fetch: { (url, limit) throws(FetchFault) in try client.fetch(url, limit: limit) }
        )
        try await client.close()
        if let out, let report = found.report {
            do {
                try Data(report).write(to: URL(fileURLWithPath: out), options: .atomic)
            } catch {
                throw Failure("\(out): cannot be written: \(error.localizedDescription)")
            }
        }
        try Compare.say(found, json: json)
    }

    private static func place(_ text: String) -> String {
        text.hasPrefix("http://") || text.hasPrefix("https://") ? RemoteLog.prefix(text) : text
    }

    static func say(_ found: Comparison, json: Bool) throws {
        Terminal.say(json ? String(decoding: found.json, as: UTF8.self) : found.line)
        if found.exitCode != 0 { throw ExitCode(found.exitCode) }
    }
}

struct ForkReports: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork-report",
        abstract: "Proofs that a log signed two histories.",
        discussion: """
            Example:
              tally fork-report verify fork.json --key ledger.vkeys
            """,
        subcommands: [Verify.self]
    )

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a fork report with the log's public keys and nothing else.",
            discussion: """
                Exit code 0: it holds, the log signed two histories. 1: it shows nothing, and the
                check that said no is named. 2: not told, no key of this log was given.
                Example:
                  tally fork-report verify fork.json --key ledger.vkeys
                """
        )

        @Argument(help: "The fork report, as `tally compare --out` writes it.")
        var file: String

        @Option(help: ArgumentHelp("File of public keys, one a line.", valueName: "file"))
        var key: String

        @Flag(help: "Print the verdict as JSON.")
        var json = false

        func run() throws {
            let report = try Receipts.contents(of: file)
            let found = Comparison.verify(report: report, keys: try Receipts.lines(of: key))
            try Compare.say(found, json: json)
        }
    }
}
