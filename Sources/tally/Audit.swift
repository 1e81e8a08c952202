// SPDX-License-Identifier: Apache-2.0
//
// `tally audit`: follows a log, and holds each look at it to the one before. Exit code 0 verified,
// 1 refuted, 2 not verified.

import ArgumentParser
import Foundation
import TallyChecker
import TallyNode

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follow a running server's log, and see that it never takes anything back.",
        discussion: """
            Each look fetches the newest checkpoint, a proof that it continues the last one that was
            verified, and the records behind that one: their bytes, their hashes, their places in
            the chains of their books. Nothing is replayed; that is tally verify. What was verified
            is kept in the state file; the first look reads the log from its beginning.
            Ends at the first look that is refuted; a note that contradicts the state is then kept
            in FILE.contradiction. With --once exit code 0: verified. 1: refuted, the first wrong
            thing is named. 2: not verified, what is missing is named.
            Example:
              tally audit --follow https://ledger.example --key ledger.vkeys --state ledger.audit
            """
    )

    @Option(
        help: ArgumentHelp("The URL of a server, or a mirror directory.", valueName: "url")
    )
    var follow: String

    @Option(
        help: ArgumentHelp(
            "File of public keys of the log and of witnesses, one a line.",
            valueName: "file"
        )
    )
    var key: String

    @Option(
        help: ArgumentHelp("File of what was verified; made at the first look.", valueName: "file")
    )
    var state: String

    @Option(
        help: ArgumentHelp("URL of a witness whose copy is compared; repeatable.", valueName: "url")
    )
    var witness: [String] = []

    @Option(
        help: ArgumentHelp(
            "The newest cosignature must not be older than this.",
            valueName: "seconds"
        )
    )
    var newestWithin: UInt64?

    @Option(help: ArgumentHelp("Time between two looks.", valueName: "seconds"))
    var interval: UInt32 = 10

    @Flag(help: "Look once.")
    var once = false

    @Flag(help: "Print each report as JSON, one a line.")
    var json = false

    func validate() throws {
        guard interval > 0 else { throw ValidationError("--interval must be at least 1") }
    }

    func run() async throws {
        let trusted = try VerifyOptions.trusted(key: key)
        let bar = ProgressBar("auditing")
        let isRemote = follow.hasPrefix("http://") || follow.hasPrefix("https://")
        let log = RemoteLog(url: follow)
        let audit = LogAudit(
            isRemote ? log.prefix : follow,
            keys: trusted.keys ?? [],  // a file was given; one without keys is refused by name
            witnesses: witness.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 },
            newestWithin: newestWithin,
            state: state,
            fetch: { (url, limit) throws(FetchFault) in try log.fetch(url, limit: limit) },
            progress: { bar.show($0, of: $1) }
        )
        do {
            while true {
                let report = audit.look()
                bar.finish()
                if once || report.exitCode == 1 {
                    try Verify.print(report, json: json)
                    break
                }
                say(report)
                try await Task.sleep(for: .seconds(interval))
            }
        } catch {
            try await log.close()
            throw error
        }
        try await log.close()
    }

    private func say(_ report: Report) {
        if json {
            Terminal.say(String(decoding: report.json, as: UTF8.self))
        } else {
            for line in report.lines { Terminal.say(line) }
        }
    }
}
