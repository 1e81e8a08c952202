// SPDX-License-Identifier: Apache-2.0
//
// `tally receipt verify`: checks a receipt with a public key and nothing else: no ledger, no
// network. Exit code 0 verified, 1 refuted, 2 not verified.

import ArgumentParser
import Foundation
import TallyNode

struct Receipts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Receipts of records.",
        discussion: """
            Example:
              tally receipt verify receipt.json --key ledger.vkeys
            """,
        subcommands: [Verify.self]
    )

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a receipt with the log's public keys.",
            discussion: """
                Exit code 0: the record is in the log that one of the keys signed. 1: it is not, and
                the check that said no is named. 2: not verified, no key was given.
                Example:
                  curl -s http://127.0.0.1:3068/tally/v1/log/receipt/7 > receipt.json
                  tally receipt verify receipt.json --key ledger.vkeys
                """
        )

        @Argument(help: "The receipt, in its JSON form.")
        var file: String

        @Option(help: ArgumentHelp("File of public keys, one a line.", valueName: "file"))
        var key: String?

        func run() throws {
            let receipt = try Receipts.contents(of: file)
            guard let key else {
                Terminal.say("not verified: no key; give the log's public keys with --key")
                throw ExitCode(2)
            }
            let lines = String(decoding: try Receipts.contents(of: key), as: UTF8.self)
                .split(whereSeparator: \.isNewline).map(String.init)
            let outcome = ReceiptVerification.run(receipt, keys: lines)
            Terminal.say(outcome.line)
            if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
        }
    }

    private static func contents(of path: String) throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw Failure("\(path): cannot be read: \(error.localizedDescription)")
        }
    }
}
