// SPDX-License-Identifier: Apache-2.0
//
// Every bound of the system in one place. Standard library only; a snapshot test pins them, so that
// a change is seen in review. Units are in the names.

/// The bounds of the system; changing one asks for a reviewer more.
public enum Limits {
    /// The largest entry of the replicated log.
    public static let entryBytesMax = 1 << 20
    /// The most orders in one entry.
    public static let ordersPerEntryMax = 8_192
    /// The most distinct keys that one entry covers.
    public static let keysPerEntryMax = 16_384
    /// The most transfers in one binary batch.
    public static let transfersPerBatchMax = 8_189
    /// Entries proposed and not yet applied.
    public static let entriesInFlightMax = 8
    /// Times that a stale plan is rebuilt before the caller is told.
    public static let rebuildsMax = 5
    /// The largest encoded record; what is too large for it stands beside it, as a blob.
    public static let recordBytesMax = 65_535
    /// The largest item of a record that stands beside it.
    public static let blobBytesMax = 512 << 10
    /// The largest canonical order; an outcome that says its texts or postings again is a blob too.
    public static let orderBytesMax = 520_000
    /// The longest text of an order that is part of a state key.
    public static let keyTextBytesMax = 60_000
    /// The longest name of who asks; a record has room for it beside the largest order.
    public static let actorBytesMax = 1_024
    /// Containers within containers in a record.
    public static let recordDepthMax = 16
    /// The largest row of the state store; it fits an entry as a seed beside the largest order.
    public static let stateValueBytesMax = 256 << 10
    /// The longest idempotency key.
    public static let idempotencyKeyBytesMax = 256
    /// Entries per cache generation of a new ledger (K).
    public static let entriesPerGenerationDefault: UInt64 = 1_024
    /// The largest K.
    public static let entriesPerGenerationMax: UInt64 = 1 << 20
    /// Keys that the cache may hold, by default.
    public static let cacheKeysDefault = 4_194_304
    /// The size of one segment of the embedded log.
    public static let segmentBytes = 64 << 20
    /// The step by which record files are preallocated.
    public static let recordFileStepBytes = 64 << 20
    /// Records per bundle of the record files.
    public static let recordsPerBundle = 256
    /// The largest body of a JSON request.
    public static let requestBodyBytesMax = 4 << 20
    /// Containers within containers in a JSON text.
    public static let jsonDepthMax = 64
    /// Submissions that wait for the log to be free.
    public static let submissionsWaitingMax = 4_096
}
