// SPDX-License-Identifier: Apache-2.0
//
// `tally keys`: the public keys of a ledger, to be handed to those who verify.

import ArgumentParser
import TallyNode

struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The keys of a ledger.",
        discussion: """
            Example:
              tally keys show --data ./ledger > ledger.vkeys
            """,
        subcommands: [Show.self]
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public keys, one a line, as verifiers take them.",
            discussion: """
                Reads the data directory; no node needs to run or to stop for it.
                Example:
                  tally keys show --data ./ledger
                """
        )

        @Option(help: ArgumentHelp("Data directory.", valueName: "dir"))
        var data = "tally-data"

        func run() throws {
            let keys: [String]
            do {
                keys = try LogKeys.verifierKeys(of: data)
            } catch {
                throw Failure("\(error)")
            }
            for key in keys { Terminal.say(key) }
        }
    }
}
