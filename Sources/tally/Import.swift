// SPDX-License-Identifier: Apache-2.0
//
// `tally import`: journals of other accounting programs into an accounts book. May import
// Foundation for files; the parsing is TallyImport's, the submitting TallyNode's.

import ArgumentParser
import Foundation
import TallyImport
import TallyNode
import TallyTypes

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Import hledger, Ledger and Beancount journals.",
        discussion: """
            The same file twice changes nothing. Errors name file, line and column, and then nothing
            was written; a transaction that the ledger refuses is named in the same way, and then
            what stands before it was written and nothing behind it.
            Example:
              tally import --data ./ledger --ledger company Examples/company.journal
              tally import --url http://127.0.0.1:3068 --ledger company Examples/company.journal
            """
    )

    @OptionGroup var node: NodeOptions

    @Option(
        help: ArgumentHelp(
            "A running server to import into, instead of a data directory.",
            valueName: "url"
        )
    )
    var url: String?

    @Option(help: "The ledger to import into; made when it is not there.")
    var ledger = "imported"

    @Option(help: "ledger, hledger or beancount; by the file's name when left out.")
    var dialect: String?

    @Option(
        help: ArgumentHelp(
            "An asset for a commodity, as in 'AAPL=AAPL/4'. May be repeated.",
            valueName: "c=asset"
        )
    )
    var commodity: [String] = []

    @Option(
        help: ArgumentHelp(
            "An address for an account, as in 'Café=cafe'. May be repeated.",
            valueName: "a=address"
        )
    )
    var account: [String] = []

    @Flag(help: "Print the report as JSON.")
    var json = false

    @Argument(help: "Journals, read in this order as one import.")
    var files: [String]

    func run() async throws {
        guard let name = BookName(ledger) else {
            throw ValidationError("--ledger is 1 to 63 of letters, digits, _ and -")
        }
        let plan = try Import.plan(files, try options())
        let report = try await importing(plan, to: name)
        Terminal.say(json ? report.json : report.text)
    }

    private func importing(_ plan: ImportPlan, to name: BookName) async throws -> ImportReport {
        if let url {
            let remote = RemoteLedger(url: url)
            return try await Import.ending({ try await remote.close() }) {
                try await Import.submit(plan, to: name, through: remote.door)
            }
        }
        let running = try await startNode(try node.configuration())
        return try await Import.ending({ try await running.stop() }) {
            try await Import.submit(plan, to: name, through: running.importDoor)
        }
    }

    /// Runs the import, then ends what it ran against, whatever became of it.
    private static func ending(
        _ end: () async throws -> Void,
        _ body: () async throws -> ImportReport
    ) async throws -> ImportReport {
        let report: ImportReport
        do {
            report = try await body()
        } catch {
            try await end()
            throw Failure("\(error)")
        }
        try await end()
        return report
    }

    private func options() throws -> ImportOptions {
        var options = ImportOptions()
        if let dialect {
            guard let known = Dialect(rawValue: dialect) else {
                throw ValidationError("--dialect is ledger, hledger or beancount")
            }
            options.dialect = known
        }
        do {
            options.commodities = try commodity.map { try CommodityOverride(parsing: $0) }
            options.accounts = try account.map { try AccountOverride(parsing: $0) }
        } catch {
            throw ValidationError("\(error)")
        }
        return options
    }

    /// Reads the journals once, completely: whatever is wrong is found before anything is written.
    static func plan(_ files: [String], _ options: ImportOptions) throws -> ImportPlan {
        do {
            return try ImportSession(options: options).scan(files, reader: reader)
        } catch {
            throw Failure("\(error)")
        }
    }

    /// Submits what the journals hold.
    static func submit(
        _ plan: ImportPlan,
        to ledger: BookName,
        through door: ImportDoor
    ) async throws -> ImportReport {
        let bar = ProgressBar("importing")
        defer { bar.finish() }
        return try await Importer(door: door, ledger: ledger).run(plan, reader) {
            bar.show($0, of: $1)
        }
    }

    private static let reader = SourceReader { path throws(SourceFault) in
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw SourceFault(reason: (error as NSError).localizedDescription)
        }
    }
}
