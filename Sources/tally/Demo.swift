// SPDX-License-Identifier: Apache-2.0
//
// `tally demo`: what `make run` shows. Imports the example journals into a fresh ledger, prints
// balances, stops, verifies, and serves until a signal comes.

import ArgumentParser
import Foundation
import Logging
import TallyChecker
import TallyImport
import TallyNode
import TallyTypes

struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Import the example journals, print balances, verify, and serve.",
        discussion: """
            Example:
              tally demo --port 3068
              tally demo --once --port 0
            """
    )

    @Option(help: "Data directory; a fresh temporary one when left out.")
    var data: String?

    @Option(help: "TCP port; 0 takes a free one.")
    var port = 3068

    @Option(help: "Folder of the example journals.")
    var examples = "Examples"

    @Flag(help: "End after the server has answered once.")
    var once = false

    private static let journals = [
        (ledger: "company", file: "company.journal"),
        (ledger: "household", file: "household.beancount"),
    ]

    func run() async throws {
        do {
            try await RunningServer.requirePort(host: "127.0.0.1", port: port)
        } catch {
            throw Failure("\(error)")
        }
        let plans = try Demo.journals.map { journal in
            try Import.plan([examples + "/" + journal.file], ImportOptions())
        }
        let directory =
            data
            ?? URL(fileURLWithPath: NSTemporaryDirectory())
            .appendingPathComponent("tally-demo-" + UUID().uuidString.prefix(8)).path
        Terminal.say("ledger in \(directory)")
        do {
            try await show(directory, plans)
        } catch {
            Terminal.warn("the demo's ledger is left in \(directory)")
            throw error
        }
        guard data == nil else { return Terminal.say("stopped cleanly") }
        for path in [directory, NodeConfiguration(directory: directory).keys] {
            try FileManager.default.removeItem(atPath: path)
        }
        Terminal.say("stopped cleanly, its ledger is removed")
    }

    private func show(_ directory: String, _ plans: [ImportPlan]) async throws {
        let configuration = NodeConfiguration(directory: directory)
        try await importJournals(configuration, plans)
        try verify(directory)
        let running = try await startServer(
            configuration,
            host: "127.0.0.1",
            port: port,
            .warning
        ) { [once] url in
            Terminal.say("ready \(url)")
            if once {
                kill(getpid(), SIGTERM)
            } else {
                Terminal.say("console at \(url)/ — Ctrl-C ends the node")
            }
        }
        try await running.untilSignal()
    }

    private func importJournals(
        _ configuration: NodeConfiguration,
        _ plans: [ImportPlan]
    ) async throws {
        let node = try await startNode(configuration)
        do {
            for (journal, plan) in zip(Demo.journals, plans) {
                guard let name = BookName(journal.ledger) else { continue }
                let path = examples + "/" + journal.file
                let report = try await Import.submit(plan, to: name, through: node.importDoor)
                Terminal.say(
                    "imported \(path): \(report.written) transactions, "
                        + "\(plan.counts.assertions) balance assertions checked"
                )
                try await printBalances(of: name, node)
            }
        } catch {
            try await node.stop()
            throw Failure("\(error)")
        }
        try await node.stop()
    }

    /// Prints what is owned and owed at the end.
    private func printBalances(of ledger: BookName, _ node: Node) async throws {
        let rows = try await node.balances(of: ledger).filter { row in
            let account = row.account.text.lowercased()
            return (account.hasPrefix("assets") || account.hasPrefix("liabilities"))
                && !row.balance.magnitude.isZero
        }
        guard !rows.isEmpty else { throw Failure("\(ledger): no balances after the import") }
        let width = rows.map(\.account.text.count).max() ?? 0
        for row in rows {
            let account = row.account.text.padding(toLength: width, withPad: " ", startingAt: 0)
            Terminal.say("  \(account)  \(row.balance) \(row.asset)")
        }
    }

    private func verify(_ directory: String) throws {
        let bar = ProgressBar("verifying")
        let report = Verification.run(directory) { bar.show($0, of: $1) }
        bar.finish()
        for line in report.lines { Terminal.say(line) }
        if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
}
