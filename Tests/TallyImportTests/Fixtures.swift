// SPDX-License-Identifier: Apache-2.0
//
// How these tests speak about imports: journals as texts, transfers and balances as lines. Files
// are values in a dictionary, so no test touches the disk but the ones about whole files.

import Foundation
import TallyImport
import TallyTypes
import TestSupport

/// Journals by path.
struct Sources: Sendable, ExpressibleByDictionaryLiteral {
    var texts: [String: [UInt8]]

    init(dictionaryLiteral elements: (String, String)...) {
        texts = Dictionary(uniqueKeysWithValues: elements.map { ($0.0, Array($0.1.utf8)) })
    }

    init(_ path: String, _ bytes: [UInt8]) {
        texts = [path: bytes]
    }

    var reader: SourceReader {
        let texts = texts
        return SourceReader { path throws(SourceFault) in
            guard let bytes = texts[path] else { throw SourceFault(reason: "no such file") }
            return bytes
        }
    }
}

/// Reads real files.
let diskReader = SourceReader { path throws(SourceFault) in
    do {
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
        throw SourceFault(reason: "no such file")
    }
}

extension Dialect {
    /// A file name that makes the importer choose this dialect.
    var fileName: String {
        switch self {
        case .ledger: "book.dat"
        case .hledger: "book.journal"
        case .beancount: "book.beancount"
        }
    }
}

/// One journal, scanned and pulled to its end.
struct Imported {
    let plan: ImportPlan
    let transactions: [ImportedTransaction]

    init(
        _ text: String,
        _ dialect: Dialect = .ledger,
        options: ImportOptions = ImportOptions(),
        with others: [String: String] = [:]
    ) throws {
        var sources: Sources = [:]
        for (path, other) in others { sources.texts[path] = Array(other.utf8) }
        sources.texts[dialect.fileName] = Array(text.utf8)
        try self.init([dialect.fileName], reader: sources.reader, options: options)
    }

    init(
        _ paths: [String],
        reader: SourceReader,
        options: ImportOptions = ImportOptions()
    ) throws {
        plan = try ImportSession(options: options).scan(paths, reader: reader)
        var stream = plan.transactions(reader: reader)
        var transactions: [ImportedTransaction] = []
        while let transaction = try stream.next() { transactions.append(transaction) }
        self.transactions = transactions
    }

    /// All transfers as `source > destination amount asset`.
    var lines: [String] {
        transactions.flatMap(\.postings).map {
            "\($0.source) > \($0.destination) \($0.amount) \($0.asset)"
        }
    }

    /// The metadata of one transaction as `key=value`.
    func metadata(_ index: Int) -> [String] {
        transactions[index].metadata.map { "\($0.key)=\($0.value)" }
    }

    /// What the importer's own two accounts hold together, by commodity.
    var ownBalances: [String: String] {
        var units: [String: Int128] = [:]
        let own = [plan.options.conversionAccount, plan.options.virtualAccount]
        for posting in transactions.flatMap(\.postings) {
            let amount = Int128(posting.amount.low)
            if own.contains(posting.source) { units[posting.asset, default: 0] -= amount }
            if own.contains(posting.destination) { units[posting.asset, default: 0] += amount }
        }
        var balances: [String: String] = [:]
        for row in plan.commodities {
            balances[row.commodity] = decimal(units[row.asset] ?? 0, scale: row.scale)
        }
        return balances
    }

    /// What each account holds in the journal's names, as exact decimals, zero rows left out.
    var balances: [BalanceRow: String] {
        var units: [BalanceRow: Int128] = [:]
        let names = Dictionary(uniqueKeysWithValues: plan.accounts.map { ($0.address, $0.name) })
        let assets = Dictionary(uniqueKeysWithValues: plan.commodities.map { ($0.asset, $0) })
        for posting in transactions.flatMap(\.postings) {
            guard let asset = assets[posting.asset] else { continue }
            let amount = Int128(posting.amount.low)
            if let source = names[posting.source] {
                units[BalanceRow(source, asset.commodity), default: 0] -= amount
            }
            if let destination = names[posting.destination] {
                units[BalanceRow(destination, asset.commodity), default: 0] += amount
            }
        }
        let scales = Dictionary(
            uniqueKeysWithValues: plan.commodities.map { ($0.commodity, $0.scale) }
        )
        var balances: [BalanceRow: String] = [:]
        for (row, sum) in units where sum != 0 {
            balances[row] = decimal(sum, scale: scales[row.commodity] ?? 0)
        }
        return balances
    }
}

/// An account and a commodity, both as the journal names them.
struct BalanceRow: Hashable, Comparable, CustomStringConvertible {
    let account: String
    let commodity: String

    init(_ account: String, _ commodity: String) {
        self.account = account
        self.commodity = commodity
    }

    var description: String { "\(account) [\(commodity)]" }

    static func < (left: BalanceRow, right: BalanceRow) -> Bool {
        (left.account, left.commodity) < (right.account, right.commodity)
    }
}

/// Writes a count of 10^−scale without trailing zeros.
func decimal(_ units: Int128, scale: Int) -> String {
    var digits = String(units.magnitude)
    guard scale > 0 else { return String(units) }
    digits = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
    let point = digits.index(digits.endIndex, offsetBy: -scale)
    var fraction = String(digits[point...])
    while fraction.hasSuffix("0") { fraction.removeLast() }
    let whole = (units < 0 ? "-" : "") + digits[..<point]
    return fraction.isEmpty ? whole : whole + "." + fraction
}

/// What a real tool computed for a journal.
struct ExpectedBalances: Decodable {
    struct Row: Decodable {
        let account: String
        let commodity: String
        let amount: String
    }

    let file: String
    let balances: [Row]
    /// What a book leaves over per commodity; not every tool reports it.
    let totals: [String: String]?

    init(_ bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(ExpectedBalances.self, from: Data(bytes))
    }

    var rows: [BalanceRow: String] {
        Dictionary(
            uniqueKeysWithValues: balances.map { (BalanceRow($0.account, $0.commodity), $0.amount) }
        )
    }
}
