// SPDX-License-Identifier: Apache-2.0
//
// Log, record files and head, as one thread drives them: synchronous, so that the crash tests can
// stop after every write. Called by LogKeeper on the log's thread, and by the tests on theirs.

package import TallyKernel
package import TallyLog
import TallyProof
package import TallyStore
package import TallyTypes

/// The files that are written before anybody is answered.
package final class LogWriter: @unchecked Sendable {
    // Confined: LogKeeper calls it from its one thread only; `pool` and `records` are safe
    // anywhere.
    private let log: EmbeddedLog
    /// The record files.
    package let records: RecordFiles
    private let directory: DataDirectory
    /// Signs what is durable; nil in tests of other parts.
    private let signer: LogSigner?
    private var head: LedgerHead
    private var syncedHead: LedgerHead

    /// Takes over files that recovery left ready, all synced.
    package init(
        log: EmbeddedLog,
        records: RecordFiles,
        directory: DataDirectory,
        signer: LogSigner?,
        head: LedgerHead
    ) {
        self.log = log
        self.records = records
        self.directory = directory
        self.signer = signer
        self.head = head
        syncedHead = head
    }

    /// The spare segments, to be filled from another thread.
    package var pool: SegmentPool { log.pool }

    /// Writes the frame of the next entry; not durable before the next commit.
    package func append(_ entry: [UInt8]) throws(LogFault) {
        _ = try log.propose(entry.span)
    }

    /// Makes every frame durable.
    package func commit() throws(LogFault) {
        _ = try log.commit()
    }

    /// Writes the records of an entry whose frame is durable.
    ///
    /// - Returns: The position that the ledger has reached.
    package func publish(_ applied: Applied) throws(StoreFault) -> LedgerHead {
        invariant(
            .i18,
            applied.index <= log.committed,
            "records of entry \(applied.index) before its frame is durable"
        )
        if applied.recordCount > 0 {
            try records.append(
                applied.framedRecords.span,
                first: applied.firstRecord,
                positions: applied.recordPositions,
                leaves: applied.leaves,
                blobs: applied.blobs
            )
        }
        head = LedgerHead(size: applied.size, root: applied.root, logIndex: applied.index)
        return head
    }

    /// Syncs the record files, then replaces the head; nothing happens when nothing grew.
    package func syncRecords() throws(StoreFault) {
        if let grown = headToSync() { try syncRecords(upTo: grown) }
    }

    /// The published position, unless it was handed out before.
    package func headToSync() -> LedgerHead? {
        guard head != syncedHead else { return nil }
        syncedHead = head
        return head
    }

    /// Syncs the record files, then replaces the head by a published position and signs it.
    ///
    /// Safe on any one thread beside the log's: what it touches is safe itself.
    package func syncRecords(upTo head: LedgerHead) throws(StoreFault) {
        try records.sync()
        try write(head)
        try signer?.sign(head)
    }

    /// Replaces the head and signs it; the records up to it are synced.
    package func replaceHead() throws(StoreFault) {
        try write(head)
        try signer?.sign(head)
    }

    /// Adds the word of a witness to the published checkpoint, on the thread that signs.
    func add(_ line: SignedNote.Line, to checkpoint: Checkpoint) throws(StoreFault) {
        try signer?.add(line, to: checkpoint)
    }

    private func write(_ head: LedgerHead) throws(StoreFault) {
        try directory.write(Head(size: head.size, root: head.root, log: head.logIndex))
    }

    /// Lets go of entries below an index.
    package func release(below index: LogIndex) throws(LogFault) {
        try log.release(below: index)
    }
}
