// SPDX-License-Identifier: Apache-2.0
//
// Start-up: from files to a kernel that stands where it stopped. Synchronous, so that the crash
// tests can stop it after every write. Order: the state as of the last flush, the log's end, the
// record files, then the replay, which makes every record again and compares it with what the files
// hold. A record, a head or a view above what the log yields means that an acknowledged frame was
// lost: stop and name it, never cut.

import TallyCodec
package import TallyKernel
package import TallyLog
import TallyProof
package import TallyStore
package import TallyTypes

/// What start-up found, did, and hands on.
package struct Recovered: ~Copyable {
    /// The kernel; nil when the ledger has no first entry yet.
    package var kernel: Kernel?
    /// Log, record files and head.
    package let writer: LogWriter
    /// The position that the ledger has.
    package let head: LedgerHead
    /// What was found and done, a line each.
    package let lines: [String]
}

/// What start-up works with.
package struct RecoveryParts {
    /// The data directory, locked.
    package let directory: DataDirectory
    /// The state store and its images.
    package let state: StateKeeper
    /// Sizes of the log.
    package let log: EmbeddedLogConfiguration
    /// Sizes of the record files.
    package let records: RecordFilesConfiguration
    /// The node's bound on cached keys.
    package let keysMax: Int

    /// Makes the set.
    package init(
        directory: DataDirectory,
        state: StateKeeper,
        log: EmbeddedLogConfiguration,
        records: RecordFilesConfiguration = RecordFilesConfiguration(),
        keysMax: Int = Limits.cacheKeysDefault
    ) {
        self.directory = directory
        self.state = state
        self.log = log
        self.records = records
        self.keysMax = keysMax
    }

    /// Recovers; everything handed on is durable.
    ///
    /// - Throws: ``NodeFault``, ``StoreFault``, ``LogFault`` or ``Malformed``, naming what was
    ///   found.
    package func recover() throws -> Recovered {
        let restored = try state.restore(keysMax: keysMax)
        let flushed = restored?.applied ?? .zero
        let log = EmbeddedLog(disk: directory.disk, directory: directory.log, configuration: log)
        let found = try log.recover(flushedIndex: flushed)
        let records = try RecordFiles(
            disk: directory.disk,
            directory: directory.records,
            configuration: records,
            flushed: restored?.scalars.nextRecord ?? .zero,
            expecting: try expectedPositions(),
            positionOf: RecoveryParts.position
        )
        var replay = Replay(
            kernel: try restored.map { try Kernel.restore($0) },
            state: state,
            records: records,
            keysMax: keysMax
        )
        let replayed = try replay.run(log, from: flushed.next)
        let repair = try records.finishReplay { bytes in
            RecoveryParts.isWhole(bytes, at: records.count)
        }
        let head = replay.head
        try check(head, replay.heads)
        let writer = LogWriter(log: log, records: records, directory: directory, head: head)
        try writer.replaceHead()
        return Recovered(
            kernel: replay.takeKernel(),
            writer: writer,
            head: head,
            lines: [
                found.description, records.recovery.description, repair.description,
                "state: as of entry \(flushed), \(replayed) entries replayed",
                "ledger: \(head.size) records, root \(head.root)",
            ]
        )
    }

    /// The position that a record gives, for arrays that are rebuilt.
    private static func position(
        _ index: RecordIndex,
        _ bytes: [UInt8]
    ) throws(StoreFault) -> RecordPosition? {
        let record: Record
        do {
            record = try RecordCodec.decode(bytes)
        } catch {
            throw StoreFault(
                .corrupt,
                subject: "record \(index)",
                reason: "does not decode: \(error)"
            )
        }
        guard case .committed(.transaction(let effects)) = record.outcome else { return nil }
        return RecordPosition(book: record.book, transaction: effects.id, record: index)
    }

    private static func isWhole(_ bytes: [UInt8], at index: RecordIndex) -> Bool {
        do {
            return try RecordCodec.decode(bytes).index == index
        } catch {
            return false  // the question is whether it decodes
        }
    }

    /// The next transaction of each accounts book as of the flush.
    private func expectedPositions() throws -> [ExpectedPositions] {
        let prefix: [UInt8] = [FormatRegistry.stateKey, StateKeyKind.book.rawValue]
        let cursor = try state.store.snapshot().cursor(from: prefix)
        var expected: [ExpectedPositions] = []
        while let row = try cursor.next(), row.key.starts(with: prefix) {
            guard case .book(let id) = try StateCodec.decodeKey(row.key),
                case .book(let book) = try StateCodec.decodeValue(kind: .book, row.value)
            else {
                throw StoreFault(
                    .corrupt,
                    subject: "state store",
                    reason: "a book's row holds something else"
                )
            }
            if book.kind == .accounts {
                expected.append(ExpectedPositions(book: id, next: book.nextTransaction))
            }
        }
        return expected
    }

    /// The head file is never above what the log yields, and its root is one that the ledger had.
    private func check(_ head: LedgerHead, _ heads: [LogIndex: LedgerHead]) throws {
        guard let found = try directory.readHead() else { return }
        let subject = directory.path + "/head"
        guard found.log <= head.logIndex, found.size <= head.size else {
            throw NodeFault(
                .lost,
                subject: subject,
                reason: "names \(found.size) records at entry \(found.log), the log ends at "
                    + "\(head.size) records and entry \(head.logIndex): "
                    + "an acknowledged entry was lost",
                nextStep: "restore a backup, or bring the missing log segment back"
            )
        }
        if let known = heads[found.log], known.size != found.size || known.root != found.root {
            throw NodeFault(
                .corrupt,
                subject: subject,
                reason: "names root \(found.root) of \(found.size) records, the ledger has "
                    + "\(known.root) of \(known.size) at entry \(found.log)",
                nextStep: "run `tally verify` on the data directory"
            )
        }
    }
}

/// The replay of what the log holds above the last flush.
private struct Replay: ~Copyable {
    private var kernel: Kernel?
    private let state: StateKeeper
    private let records: RecordFiles
    private let keysMax: Int
    private(set) var head: LedgerHead
    private(set) var heads: [LogIndex: LedgerHead] = [:]

    init(
        kernel: consuming Kernel?,
        state: StateKeeper,
        records: RecordFiles,
        keysMax: Int
    ) {
        self.state = state
        self.records = records
        self.keysMax = keysMax
        if let found = kernel.take() {
            head = LedgerHead(
                size: found.tree.size,
                root: found.tree.root,
                logIndex: found.applied
            )
            heads[found.applied] = head
            self.kernel = consume found
        } else {
            head = LedgerHead(size: 0, root: CompactRange.emptyRoot, logIndex: .zero)
            self.kernel = nil
        }
    }

    consuming func takeKernel() -> Kernel? { kernel }

    /// Applies every entry from an index on; returns how many there were.
    mutating func run(_ log: EmbeddedLog, from index: LogIndex) throws -> UInt64 {
        guard log.committed >= index else { return 0 }
        let cursor = try log.cursor(from: index)
        var count: UInt64 = 0
        while let item = try cursor.next() {
            try apply(item)
            count += 1
        }
        return count
    }

    private mutating func apply(_ item: LogEntry) throws {
        let entry: Entry
        do {
            entry = try EntryCodec.decode(item.bytes)
        } catch {
            throw NodeFault(
                .corrupt,
                subject: "log entry \(item.index)",
                reason: "does not decode: \(error)",
                nextStep: "run `tally verify` on the data directory"
            )
        }
        var current = try kernel.take() ?? Kernel.first(entry, keysMax: keysMax)
        if !current.mayEnter(item.index) {
            let capture = current.capture()
            try records.sync()
            try state.write(capture)
            current.markFlushed(capture.applied)
        }
        let applied = current.apply(entry, at: item.index)
        kernel = consume current
        if applied.recordCount > 0 {
            try records.append(
                applied.framedRecords.span,
                first: applied.firstRecord,
                positions: applied.positions.map {
                    RecordPosition(
                        book: $0.book,
                        transaction: $0.transaction,
                        record: $0.record
                    )
                }
            )
        }
        head = LedgerHead(size: applied.size, root: applied.root, logIndex: applied.index)
        heads[applied.index] = head
    }
}

extension Kernel {
    /// The kernel of an empty ledger, as its first entry asks for it.
    static func first(_ entry: Entry, keysMax: Int) throws -> Kernel {
        guard case .groups(let groups)? = entry.submissions.first,
            case .createLedger(let creation)? = groups.first?.first?.order,
            let secrets = entry.secrets
        else {
            throw NodeFault(
                .corrupt,
                subject: "log entry 1",
                reason: "does not create a ledger",
                nextStep: "run `tally verify` on the data directory"
            )
        }
        return Kernel(
            entriesPerGeneration: creation.entriesPerGeneration,
            secrets: KeySecrets(secrets),
            keysMax: keysMax
        )
    }

    static func restore(_ restored: RestoredKernel) throws -> Kernel {
        try Kernel.restore(
            applied: restored.applied,
            scalars: restored.scalars,
            secrets: restored.secrets,
            tree: CompactRange(decoding: restored.tree),
            image: restored.image,
            keysMax: restored.keysMax
        )
    }
}

extension NodeFault {
    /// A fault of the files that stops a running node.
    package init(stopping error: any Error) {
        if let fault = error as? NodeFault {
            self = fault
        } else {
            self.init(
                .storage,
                subject: "storage",
                reason: "\(error)",
                nextStep:
                    "free space or mend the disk, then start again: nothing acknowledged is lost"
            )
        }
    }
}
