// SPDX-License-Identifier: Apache-2.0
//
// The command line: argument parsing and output only; the work is done in TallyNode and below.

import ArgumentParser
import TallyNode

@main
struct Tally: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tally",
        abstract: "A ledger server that can prove its books.",
        discussion: """
            Example:
              tally serve --data ./ledger
              tally verify ./ledger
            """,
        version: Node.version,
        subcommands: [
            Serve.self, Verify.self, Audit.self, Backup.self, Import.self, Keys.self, Recover.self,
            Receipts.self, Witness.self, Compare.self,
            ForkReports.self, Bench.self, Demo.self,
        ]
    )
}
