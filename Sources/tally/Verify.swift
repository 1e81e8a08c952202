// SPDX-License-Identifier: Apache-2.0
//
// `tally verify`: an independent replay of a data directory. Exit code 0 verified, 1 refuted, 2 not
// verified.

import ArgumentParser
import Foundation
import TallyChecker
import TallyNode

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a data directory byte by byte, without changing it.",
        discussion: """
            Recomputes every hash, executes every order again with other code, and compares
            outcomes, balances, state rows and views. Exit code 0: verified. 1: refuted, the first
            wrong thing is named. 2: not verified, what is missing is named.
            Example:
              tally verify ./ledger
            """
    )

    @Argument(help: "The data directory of a stopped node.")
    var directory: String

    @Flag(help: "Print the report as JSON.")
    var json = false

    func run() async throws {
        let bar = ProgressBar("verifying")
        let report = Verification.run(directory) { bar.show($0, of: $1) }
        bar.finish()
        if json {
            Terminal.say(String(decoding: report.json, as: UTF8.self))
        } else {
            for line in report.lines { Terminal.say(line) }
        }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}
