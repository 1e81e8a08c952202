// SPDX-License-Identifier: Apache-2.0
//
// The way in: options, and the scan that reads journals once, judges them, and returns a plan.
// Pure; may import TallyTypes for Amount only. Called by the command line, which then pulls
// transactions out of the plan and submits them.

/// What the user may decide about an import.
package struct ImportOptions: Sendable {
    /// The rules to read by; nil to choose by each file's name.
    package var dialect: Dialect?
    /// Assets for commodities.
    package var commodities: [CommodityOverride] = []
    /// Addresses for accounts.
    package var accounts: [AccountOverride] = []
    /// The other side of what a transaction's postings leave per commodity.
    ///
    /// That is exchanges at a cost or price, and what a book's own tolerance lets through.
    package var conversionAccount = "equity:conversion"
    /// The other side of unbalanced virtual postings.
    package var virtualAccount = "equity:unbalanced-virtual"
    /// The most decimals an asset may get; finer amounts are refused.
    package var scaleMax = 18

    /// The defaults.
    package init() {}

    /// The dialect of a file: the option's, else by the end of its name.
    ///
    /// `.beancount` and `.bean` are Beancount, `.journal`, `.hledger` and `.j` are hledger, all
    /// others Ledger.
    package func dialect(of path: String) -> Dialect {
        if let dialect { return dialect }
        switch SourcePath.suffix(of: path) {
        case "beancount", "bean": return .beancount
        case "journal", "hledger", "j": return .hledger
        default: return .ledger
        }
    }
}

/// Reads journals and plans their import.
package struct ImportSession: Sendable {
    private let options: ImportOptions

    /// Makes a session.
    package init(options: ImportOptions = ImportOptions()) {
        self.options = options
    }

    /// Reads the journals at some paths completely, in order, as one import.
    ///
    /// - Throws: ``ImportError`` at the first thing that cannot be imported exactly.
    package func scan(
        _ paths: [String],
        reader: SourceReader
    ) throws(ImportError) -> ImportPlan {
        for address in [options.conversionAccount, options.virtualAccount]
        where !AddressText.isLegal(address) || address == "world" {
            throw ImportError(
                .illegalOverride,
                at: nil,
                "expected an address other than world, found '\(address)'"
            )
        }
        guard options.conversionAccount != options.virtualAccount else {
            throw ImportError(
                .illegalOverride,
                at: nil,
                "expected two addresses, found '\(options.virtualAccount)' for both"
            )
        }
        var scan = try PlanScan(options: options)
        for path in paths {
            try scan.read(SourcePath.normalised(path), reader: reader)
        }
        return try scan.plan()
    }
}

/// One pass over one journal, in whichever dialect; exactly one of the three is there.
///
/// Not an enum with payloads: taking a payload out to change it would copy the books every time.
struct JournalRun: Sendable {
    private var ledger: LedgerRun?
    private var hledger: HledgerRun?
    private var beancount: BeancountRun?

    init(path: String, dialect: Dialect, sources: SourceLibrary) throws(ImportError) {
        switch dialect {
        case .ledger: ledger = try LedgerRun(path: path, sources: sources)
        case .hledger: hledger = try HledgerRun(path: path, sources: sources)
        case .beancount: beancount = BeancountRun(path: path, sources: sources)
        }
    }

    /// Returns the next transaction, nil at the end.
    mutating func next() throws(ImportError) -> BookedTransaction? {
        if let next = try ledger?.next() { return next }
        if let next = try hledger?.next() { return next }
        return try beancount?.next()
    }

    /// What the pass found besides transactions.
    var findings: [JournalFindings] {
        [
            ledger.map { JournalFindings($0.parser, claims: $0.claimCount) },
            hledger.map { JournalFindings($0.parser, claims: $0.claimCount) },
            beancount.map { JournalFindings($0.parser, claims: $0.claimCount) },
        ].compactMap { $0 }
    }
}

/// Files, declarations, and what had no effect.
struct JournalFindings: Sendable {
    let files: [ImportedFile]
    let declarations: [AccountDeclaration]
    let ignored: IgnoredTally
    let warnings: [ImportWarning]
    let claims: Int

    init(_ parser: LedgerParser, claims: Int) {
        files = parser.sources.files
        declarations = parser.declarations
        ignored = parser.ignored
        warnings = parser.warnings
        self.claims = claims
    }

    init(_ parser: BeancountParser, claims: Int) {
        files = parser.sources.files
        declarations = parser.declarations
        ignored = parser.ignored
        warnings = []
        self.claims = claims
    }
}
