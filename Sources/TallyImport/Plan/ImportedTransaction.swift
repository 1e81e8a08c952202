// SPDX-License-Identifier: Apache-2.0
//
// One transaction as the ledger takes it. Pure; made by ImportStream, submitted by the command line
// with `force`, because accounts of a journal may go below zero.

/// A transaction ready to be submitted.
package struct ImportedTransaction: Hashable, Sendable {
    /// Midnight in UTC of the transaction's date, in microseconds since 1970; negative before.
    package let effectiveMicroseconds: Int64
    /// Payee and narration, for people.
    package let summary: String
    /// The transfers in order; at least one.
    package let postings: [ImportedPosting]
    /// Everything else the journal says, keys below `import/`, in the order of the keys.
    package let metadata: [MetadataPair]
    /// For every account whose address is not its name: the name, under `import/name`.
    package let accountMetadata: [AccountNameEntry]
    /// The bytes that tell this transaction from all others of the import, wherever its file lies.
    ///
    /// The caller hashes them into the idempotency key. Layout: `IdentityBytes`.
    package let identityBytes: [UInt8]
    /// Where the journal has it.
    package let position: SourcePosition
}

/// The original name behind an address.
package struct AccountNameEntry: Hashable, Sendable {
    /// The address.
    package let address: String
    /// The metadata to set on it.
    package let metadata: MetadataPair
}
