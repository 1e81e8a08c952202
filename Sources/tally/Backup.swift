// SPDX-License-Identifier: Apache-2.0
//
// `tally backup`: copies of a ledger that verify on their own, and ledgers made from them.

import ArgumentParser
import Foundation
import TallyCodec
import TallyNode
import TallyTypes

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Back a ledger up, check the backup, restore it.",
        discussion: """
            A backup is a mirror directory of plain files. It holds no keys: keep those apart.
            Example:
              tally backup create --data ./ledger --to /backups/ledger
              tally backup verify /backups/ledger --key ledger.vkeys
              tally backup restore --from /backups/ledger --data ./restored
            """,
        subcommands: [Create.self, VerifyBackup.self, RestoreBackup.self]
    )

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy what is new into a backup; all of it the first time.",
            discussion: """
                Works beside a running node and changes nothing of its data. When interrupted,
                the backup is what it was before; run it again.
                Example:
                  tally backup create --data ./ledger --to /backups/ledger
                """
        )

        @Option(help: ArgumentHelp("Data directory.", valueName: "dir"))
        var data = "tally-data"

        @Option(
            help: ArgumentHelp("The backup; made when it is missing or empty.", valueName: "dir")
        )
        var to: String

        @Flag(help: "Print what was done as JSON.")
        var json = false

        func run() throws {
            let bar = ProgressBar("copying")
            let report: BackupReport
            do {
                report = try Backups.create(from: data, to: to) { bar.show($0, of: $1) }
            } catch {
                bar.finish()
                throw Failure("\(error)")
            }
            bar.finish()
            Terminal.say(json ? report.json : report.line)
        }
    }

    struct VerifyBackup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Check a backup; the same as tally verify.",
            discussion: """
                Exit code 0: verified. 1: refuted, the first wrong thing is named. 2: not verified.
                Example:
                  tally backup verify /backups/ledger --key ledger.vkeys
                """
        )

        @Argument(help: "The backup.")
        var place: String

        @OptionGroup var options: VerifyOptions

        func run() async throws {
            try Verify.print(try await options.report(of: place), json: options.json)
        }
    }

    struct RestoreBackup: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restore",
            abstract: "Make a data directory from a backup, verified on the way.",
            discussion: """
                The target must be missing or empty. With the keys of the ledger (--keys of
                tally serve) a node that starts on an older state serves, and signs nothing.
                A restore until an index or a time never ends within a group or a batch, but before
                it.
                Example:
                  tally backup restore --from /backups/ledger --data ./restored
                  tally backup restore --from /backups/ledger --data ./monday \\
                    --to-time 2026-11-23T23:59:59Z
                """
        )

        @Option(help: ArgumentHelp("The backup.", valueName: "dir"))
        var from: String

        @Option(help: ArgumentHelp("The new data directory.", valueName: "dir"))
        var data: String

        @Option(help: ArgumentHelp("The last record, by its index.", valueName: "n"))
        var toIndex: UInt64?

        @Option(help: ArgumentHelp("The last record is not later than this.", valueName: "time"))
        var toTime: String?

        @Option(
            help: ArgumentHelp(
                "File of public keys, one a line; else those in the backup are taken.",
                valueName: "file"
            )
        )
        var key: String?

        @Flag(help: "Print what was done as JSON.")
        var json = false

        func validate() throws {
            guard toIndex == nil || toTime == nil else {
                throw ValidationError("--to-index and --to-time exclude each other")
            }
        }

        func run() throws {
            let bar = ProgressBar("restoring")
            let (point, trusted) = (try point(), try VerifyOptions.trusted(key: key))
            let report: BackupReport
            do {
                report = try Backups.restore(
                    from: from,
                    to: data,
                    until: point,
                    trusted: trusted
                ) {
                    bar.show($0, of: $1)
                }
            } catch {
                bar.finish()
                throw Failure("\(error)")
            }
            bar.finish()
            Terminal.say(json ? report.json : report.line)
        }

        private func point() throws -> PointInTime {
            if let toIndex { return .index(RecordIndex(toIndex)) }
            guard let toTime else { return .end }
            do {
                let time = try TimeText.parse(Array(toTime.utf8).span)
                return .time(Instant(microseconds: UInt64(clamping: time.microseconds)))
            } catch {
                throw Failure("--to-time \(toTime): \(error); write it as 2026-11-23T23:59:59Z")
            }
        }
    }
}
