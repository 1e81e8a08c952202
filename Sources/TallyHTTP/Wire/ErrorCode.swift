// SPDX-License-Identifier: Apache-2.0
//
// The error codes of the wire: a closed set, for a client of the v2 API fails to parse any other.
// May import nothing of the node; every route answers errors with these alone (specs/accounts.md
// §5.3).

/// The error codes that clients of the v2 API know; our own routes use the same set.
package enum ErrorCode: String, CaseIterable, Hashable, Sendable {
    /// The server failed, or cannot take the request now.
    case internalError = "INTERNAL"
    /// An account has too little of an asset.
    case insufficientFund = "INSUFFICIENT_FUND"
    /// The request breaks a rule of form, or asks for what is not supported.
    case validation = "VALIDATION"
    /// The request contradicts something that is there.
    case conflict = "CONFLICT"
    /// A script does not compile.
    case compilationFailed = "COMPILATION_FAILED"
    /// A script and its request set the same metadata.
    case metadataOverride = "METADATA_OVERRIDE"
    /// What is asked for is not there.
    case notFound = "NOT_FOUND"
    /// A reversal is under way.
    case revertOccurring = "REVERT_OCCURRING"
    /// The transaction was reverted before.
    case alreadyRevert = "ALREADY_REVERT"
    /// A transaction without postings.
    case noPostings = "NO_POSTINGS"
    /// No such ledger.
    case ledgerNotFound = "LEDGER_NOT_FOUND"
    /// An import that cannot be taken.
    case importFailed = "IMPORT"
    /// The request took too long.
    case timeout = "TIMEOUT"
    /// Too many elements in a bulk.
    case bulkSizeExceeded = "BULK_SIZE_EXCEEDED"
    /// A script cannot be parsed.
    case interpreterParse = "INTERPRETER_PARSE"
    /// A script failed while it ran.
    case interpreterRuntime = "INTERPRETER_RUNTIME"
    /// The name of the ledger is taken.
    case ledgerAlreadyExists = "LEDGER_ALREADY_EXISTS"
    /// The version of the schema is taken.
    case schemaAlreadyExists = "SCHEMA_ALREADY_EXISTS"
    /// The ledger wants a schema named.
    case schemaNotSpecified = "SCHEMA_NOT_SPECIFIED"
    /// The storage of the ledger is of an older form.
    case outdatedSchema = "OUTDATED_SCHEMA"
}
