// SPDX-License-Identifier: Apache-2.0
//
// What the routes may ask of the node: closures that the composition root fills in. HTTP never
// imports the node, the kernel, the store or the log. May import TallyTypes, TallyCodec and
// TallyViews.

package import TallyCodec
package import TallyTypes
package import TallyViews

/// The node as the routes see it.
package struct NodePort: Sendable {
    /// The one door in; answers after durability.
    package var submit: @Sendable (Submission) async throws(Busy) -> SubmissionAnswer
    /// Evaluates one group and drops what it would do.
    package var dryRun: @Sendable ([Request]) async throws(Busy) -> DryRunAnswer
    /// The live book of a name, as of every acknowledged write; asks no view.
    package var book: @Sendable (BookName) async throws(Busy) -> LiveBook?
    /// The views; every read goes through `caughtUp` first.
    package var views: ViewReader
    /// Waits until the views have folded every record of a book, and of the system book, that was
    /// acknowledged before; false after 5 s.
    package var caughtUp: @Sendable (BookID) async -> Bool
    /// Waits until the views have folded the record at an index; false after 5 s.
    package var folded: @Sendable (RecordIndex) async -> Bool
    /// The encoded record at an index; nil at or above the durable size.
    ///
    /// Throws when the disk fails.
    package var record: @Sendable (RecordIndex) async throws -> EncodedRecord?
    /// The signed log.
    package var log: LogPort
    /// The newest durable position.
    package var head: @Sendable () async -> LedgerHead
    /// The digest of all state as of what is applied, after a flush; one at a time.
    package var stateDigest: @Sendable () async throws(Busy) -> StateStatement
    /// Nil while the node can take writes and its self-check found nothing, else why not, in one
    /// line.
    package var notReady: @Sendable () async -> String?
    /// Prometheus text of the node's own metrics (the routes add theirs).
    package var metrics: @Sendable () async -> String
    /// The ledger's origin.
    package var origin: String
    /// The version of the server.
    package var version: String

    /// Makes a port.
    package init(
        submit: @escaping @Sendable (Submission) async throws(Busy) -> SubmissionAnswer,
        dryRun: @escaping @Sendable ([Request]) async throws(Busy) -> DryRunAnswer,
        book: @escaping @Sendable (BookName) async throws(Busy) -> LiveBook?,
        views: ViewReader,
        caughtUp: @escaping @Sendable (BookID) async -> Bool,
        folded: @escaping @Sendable (RecordIndex) async -> Bool,
        record: @escaping @Sendable (RecordIndex) async throws -> EncodedRecord?,
        log: LogPort,
        head: @escaping @Sendable () async -> LedgerHead,
        stateDigest: @escaping @Sendable () async throws(Busy) -> StateStatement,
        notReady: @escaping @Sendable () async -> String?,
        metrics: @escaping @Sendable () async -> String,
        origin: String,
        version: String
    ) {
        self.submit = submit
        self.dryRun = dryRun
        self.book = book
        self.views = views
        self.caughtUp = caughtUp
        self.folded = folded
        self.record = record
        self.log = log
        self.head = head
        self.stateDigest = stateDigest
        self.notReady = notReady
        self.metrics = metrics
        self.origin = origin
        self.version = version
    }
}
