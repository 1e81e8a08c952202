// SPDX-License-Identifier: Apache-2.0
//
// `tally recover`: the ways out of a ledger that serves and does not sign.

import ArgumentParser
import Foundation
import TallyNode

struct Recover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let a ledger sign again that was restored, copied, or lost its guard.",
        discussion: """
            Stop the node first; its start says why nothing is signed. Ask witnesses, mirrors and
            receivers of receipts for the largest checkpoint that anybody has. Then:

            The guard is lost, and the ledger holds all that the checkpoint counts: name the
            checkpoint, and the guard is made again.
              tally recover --data ./ledger --checkpoint largest.txt

            The ledger is older than what was signed: restore a newer backup or mirror if there is
            one. If nobody has the lost records, the origin has ended: the ledger goes on under
            another name and key, and its first record there says what was lost.
              tally recover --data ./ledger --new-origin ledger.example/second
            """
    )

    @OptionGroup var ledger: ExistingLedger

    @Option(
        help: ArgumentHelp("A signed checkpoint: the largest that is known.", valueName: "file")
    )
    var checkpoint: String?

    @Option(help: ArgumentHelp("End the origin and go on under this one.", valueName: "name"))
    var newOrigin: String?

    func validate() throws {
        guard checkpoint != nil || newOrigin != nil else {
            throw ValidationError("name a --checkpoint, or a --new-origin")
        }
    }

    func run() async throws {
        var note: [UInt8]?
        if let checkpoint {
            do {
                note = [UInt8](try Data(contentsOf: URL(fileURLWithPath: checkpoint)))
            } catch {
                throw Failure("\(checkpoint): cannot be read: \(error.localizedDescription)")
            }
        }
        if let newOrigin {
            let result = try await ledger.change { [note] node in
                try await node.succeed(as: newOrigin, last: note)
            }
            Terminal.say(
                "goes on as \(newOrigin), recorded at \(result.record), key \(result.verifierKey)"
            )
        } else if let note {
            let last = try await ledger.change { try await $0.restoreGuard(from: note) }
            Terminal.say("the guard stands at \(last.size) records, root \(last.root)")
        }
    }
}
