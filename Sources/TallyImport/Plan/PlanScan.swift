// SPDX-License-Identifier: Apache-2.0
//
// The first pass: collects what commodities and accounts need, and counts. Standard library only;
// used by ImportSession. Holds no transaction.

/// The tallies of the first pass.
struct PlanScan: Sendable {
    private let options: ImportOptions
    private var commodities: CommodityTally
    private var accounts: AccountTally
    private var journals: [ScannedJournal] = []
    private var counts = ImportCounts()
    private var empty: [SourcePosition] = []
    private var ignored = IgnoredTally()
    private var warnings: [ImportWarning] = []

    init(options: ImportOptions) throws(ImportError) {
        self.options = options
        commodities = try CommodityTally(
            overrides: options.commodities,
            scaleMax: options.scaleMax
        )
        accounts = try AccountTally(
            overrides: options.accounts,
            reserved: [
                options.conversionAccount: "the other side of conversions",
                options.virtualAccount: "the other side of unbalanced virtual postings",
                "world": "unlimited in the ledger",
            ]
        )
    }

    /// Reads one journal to its end.
    mutating func read(_ path: String, reader: SourceReader) throws(ImportError) {
        let dialect = options.dialect(of: path)
        let sources = SourceLibrary(reader: reader, expected: nil)
        var run = try JournalRun(path: path, dialect: dialect, sources: sources)
        while let transaction = try run.next() { try observe(transaction) }
        for findings in run.findings {
            for declaration in findings.declarations { try accounts.describe(declaration) }
            ignored.merge(findings.ignored)
            warnings += findings.warnings
            counts.assertions += findings.claims
            journals.append(ScannedJournal(path: path, dialect: dialect, files: findings.files))
        }
    }

    private mutating func observe(_ transaction: BookedTransaction) throws(ImportError) {
        counts.transactions += 1
        counts.postings += transaction.postings.count
        var legs = 0
        for posting in transaction.postings {
            try accounts.observe(posting.account, at: posting.position)
            try commodities.observe(
                posting.quantity,
                places: posting.places,
                of: posting.commodity,
                at: posting.position
            )
            if !posting.quantity.isZero { legs += 1 }
        }
        for residue in try transaction.residues() {
            try commodities.observe(
                residue.quantity,
                places: 0,
                of: residue.commodity,
                at: transaction.position
            )
        }
        if legs == 0 { empty.append(transaction.position) }
    }

    /// Freezes the tallies.
    func plan() throws(ImportError) -> ImportPlan {
        ImportPlan(
            options: options,
            journals: journals,
            commodities: try commodities.mappings(),
            accounts: accounts.mappings,
            counts: counts,
            empty: empty,
            ignored: ignored.rows,
            warnings: warnings
        )
    }
}

extension BookedTransaction {
    /// What the balanced postings leave over per commodity: the conversion account answers it.
    func residues() throws(ImportError) -> [CommoditySums.Row] {
        var sums = CommoditySums()
        for posting in postings where posting.group == .balanced {
            try calculating("the balance", at: posting.position) { () throws(ArithmeticFailure) in
                try sums.add(posting.quantity, of: posting.commodity)
            }
        }
        return sums.remaining
    }
}
