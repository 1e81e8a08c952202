// SPDX-License-Identifier: Apache-2.0
//
// What a scan decided: files, assets, addresses, counts, and the way to the transactions. Pure;
// called by the command line for its report and its submissions.

/// One journal of an import with the files it is made of.
package struct ScannedJournal: Hashable, Sendable {
    /// The path of the outermost file.
    package let path: String
    /// The rules it was read by.
    package let dialect: Dialect
    /// All files, includes too, in the order of reading.
    package let files: [ImportedFile]
}

/// Numbers for the report.
package struct ImportCounts: Hashable, Sendable {
    /// Transactions in the journals, paddings included.
    package var transactions = 0
    /// Postings in the journals, inferred and automated ones included.
    package var postings = 0
    /// Balance assertions and assignments that were checked.
    package var assertions = 0
}

/// A scanned import, ready to be pulled out transaction by transaction.
package struct ImportPlan: Sendable {
    /// The options of the scan.
    package let options: ImportOptions
    /// The journals in order.
    package let journals: [ScannedJournal]
    /// Every commodity and its asset, in the order of the symbols.
    package let commodities: [CommodityMapping]
    /// Every account and its address, in the order of the addresses.
    package let accounts: [AccountMapping]
    /// Numbers for the report.
    package let counts: ImportCounts
    /// Where the transactions stand that move nothing and are not submitted, as they were read.
    package let empty: [SourcePosition]
    /// Directives without effect on balances, with reasons.
    package let ignored: [IgnoredDirective]
    /// What the user should know.
    package let warnings: [ImportWarning]

    /// Starts the second pass.
    package func transactions(reader: SourceReader) -> ImportStream {
        ImportStream(plan: self, reader: reader)
    }
}
