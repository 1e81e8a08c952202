// SPDX-License-Identifier: Apache-2.0
//
// Journals imported by the command line, and the balances that the ledger then holds, in the
// journal's own names and decimals. The volumes come from the views of a node, the names from the
// importer's report. May import Foundation.

import Foundation
import TallyImport
import TallyNode
import TallyTypes
import TallyViews
import TestSupport

/// An account and a commodity, both as the journal names them.
struct BalanceRow: Hashable, Comparable, CustomStringConvertible {
    let account: String
    let commodity: String

    var description: String { "\(account) [\(commodity)]" }

    static func < (left: BalanceRow, right: BalanceRow) -> Bool {
        (left.account, left.commodity) < (right.account, right.commodity)
    }
}

/// What other programs computed for a journal.
struct ExpectedBalances: Decodable {
    struct Row: Decodable {
        let account: String
        let commodity: String
        let amount: String
    }

    let file: String
    let balances: [Row]

    init(_ bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(ExpectedBalances.self, from: Data(bytes))
    }

    var rows: [BalanceRow: String] {
        Dictionary(
            uniqueKeysWithValues: balances.map {
                (BalanceRow(account: $0.account, commodity: $0.commodity), $0.amount)
            }
        )
    }
}

/// A journal and the ledger that it goes into.
struct JournalToImport: Sendable, CustomStringConvertible {
    /// The book's name.
    let ledger: String
    /// The journal's full path.
    let path: String
    /// What the balances have to be.
    let expected: [BalanceRow: String]

    var description: String { ledger }

    /// Runs `tally import`; gives what it printed.
    func run(into directory: String) async throws -> ProcessOutcome {
        let outcome = try await TallyProcess.run(
            ["import", "--data", directory, "--ledger", ledger, path])
        guard outcome.status == 0 else {
            throw ProcessTrouble("import of \(path): \(outcome.status) \(outcome.errors)")
        }
        return outcome
    }

    /// The importer's report, made again here.
    func plan() throws -> ImportPlan {
        let reader = SourceReader { path throws(SourceFault) in
            do {
                return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            } catch {
                throw SourceFault(reason: "no such file")
            }
        }
        return try ImportSession().scan([path], reader: reader)
    }

    /// What the ledger holds in accounts of the journal, zero rows left out.
    func balances(_ views: ViewReader) async throws -> [BalanceRow: String] {
        guard let name = BookName(ledger), let book = try await views.book(named: name) else {
            throw ProcessTrouble("there is no ledger \(ledger)")
        }
        let plan = try plan()
        let names = Dictionary(uniqueKeysWithValues: plan.accounts.map { ($0.address, $0.name) })
        let assets = Dictionary(uniqueKeysWithValues: plan.commodities.map { ($0.asset, $0) })
        var rows: [BalanceRow: String] = [:]
        for volume in try await volumes(of: book.id, views) {
            let balance = volume.volume.balance
            guard let account = names[volume.account.text], !balance.magnitude.isZero else {
                continue  // an account of the importer's own
            }
            guard let asset = assets[volume.asset.text] else {
                throw ProcessTrouble("asset \(volume.asset) is none of the report's")
            }
            let row = BalanceRow(account: account, commodity: asset.commodity)
            rows[row] = decimal(balance, scale: asset.scale)
        }
        return rows
    }

    private func volumes(of book: BookID, _ views: ViewReader) async throws -> [AccountVolume] {
        var rows: [AccountVolume] = []
        let size = PageSize(clamping: UInt64(PageSize.max))
        var request = PageRequest<VolumeList>.first(VolumeList(), size: size)
        while true {
            let page = try await views.volumes(in: book, request)
            rows += page.rows
            guard let next = page.next else { return rows }
            request = .cursor(next, size: size)
        }
    }
}

/// Writes a count of 10^−scale without trailing zeros.
func decimal(_ balance: Balance, scale: Int) -> String {
    var digits = balance.magnitude.description
    let sign = balance.isNegative ? "-" : ""
    guard scale > 0 else { return sign + digits }
    digits = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    let point = digits.index(digits.endIndex, offsetBy: -scale)
    var fraction = digits[point...]
    while fraction.hasSuffix("0") { fraction.removeLast() }
    let whole = sign + digits[..<point]
    return fraction.isEmpty ? whole : whole + "." + fraction
}
