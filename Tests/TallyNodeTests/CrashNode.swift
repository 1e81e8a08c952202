// SPDX-License-Identifier: Apache-2.0
//
// A node without threads: the real kernel, log writer, record files, state keeper and start-up
// on a simulated disk, driven one call after the other, so that a test can take the power away
// at any of them. Called by the crash tests.

import Synchronization
import TallyCodec
import TallyKernel
import TallyLog
import TallyNode
import TallySim
import TallyStore
import TallyTypes

/// What a run is about to do when something goes wrong.
enum Phase: String, CaseIterable {
    case create, recover, entry, flush, rotate, stop
}

/// What a run had reached when something went wrong.
final class Progress {
    var phase = Phase.create
    /// The newest position of which a caller was told.
    var acknowledged: LedgerHead?
}

/// A sentence of the protocol that a run breaks on purpose.
enum WriterMutant: String, CaseIterable, Sendable {
    case acknowledgeBeforeCommit, flushBeforeRecordsSynced, releaseBeforeFlush
}

/// Small sizes, so that a short history fills segments and steps.
enum SmallDisk {
    static let path = "/ledger"
    static let segmentBytes = 2048
    static let stepBytes = 1024
    static let k: UInt64 = 3
    static let keysMax = 512

    static func log() -> EmbeddedLogConfiguration {
        EmbeddedLogConfiguration(segmentBytes: segmentBytes, spareSegments: 1, salt: 0x5A17)
    }

    static func records() -> RecordFilesConfiguration {
        RecordFilesConfiguration(stepBytes: stepBytes, openBooksMax: 4)
    }

    static func emptyKernel() -> Kernel {
        Kernel(
            entriesPerGeneration: k,
            secrets: KeySecrets(Digest(1, 2, 3, 4)),
            keysMax: keysMax
        )
    }

    static func state(_ disk: any Disk, _ directory: DataDirectory) -> StateOpening {
        StateOpening(
            look: { try FlatStateStore(disk: disk, directory: directory.state, mode: .readOnly) },
            open: { try FlatStateStore(disk: disk, directory: directory.state) }
        )
    }

    /// The signing key, in a folder beside the ledger.
    static func keys(_ disk: FaultDisk) -> LogKeys {
        LogKeys(disk: disk, folder: LogKeys.folder(of: path)) { Digest(1, 3, 5, 7) }
    }

    /// Start-up on a simulated disk; an error when looking changed anything.
    static func recover(_ disk: FaultDisk, _ directory: DataDirectory) throws -> Recovered {
        let changes = disk.counts.changes
        let found = try RecoveryParts(
            directory: directory,
            state: state(disk, directory),
            keys: keys(disk),
            origin: "test/crash",
            log: log(),
            records: records(),
            keysMax: keysMax
        ).look()
        guard disk.counts.changes == changes else { throw Broken("looking changed the disk") }
        return try found.mend()
    }

    /// The same choices for the same entry, whatever happened before.
    static func source(_ index: LogIndex) -> ChoiceSource {
        let random = Mutex(SplitMix(seed: index.rawValue))
        let start = Instant(microseconds: 1_700_000_000_000_000 + index.rawValue * 1_000_000)
        return ChoiceSource(clock: SeededClock(seed: 1, start: start)) {
            random.withLock { $0.next() }
        }
    }
}

/// A node that does one thing at a time.
final class CrashNode {
    let progress: Progress
    private(set) var head: LedgerHead
    private(set) var published: [Applied] = []
    private var kernel: Kernel
    private let writer: LogWriter
    private let directory: DataDirectory
    private let state: StateKeeper
    private var unpublished: [Applied] = []
    private var captured: FlushCapture?
    private let mutant: WriterMutant?

    /// Opens or makes the data directory, and recovers.
    init(
        _ disk: FaultDisk,
        _ progress: Progress = Progress(),
        mutant: WriterMutant? = nil
    ) throws {
        self.progress = progress
        self.mutant = mutant
        directory = try DataDirectory(disk: disk, path: SmallDisk.path, mode: .createOrOpen)
        progress.phase = directory.isNew ? .create : .recover
        var recovered = try SmallDisk.recover(disk, directory)
        head = recovered.head
        state = recovered.state
        writer = recovered.writer
        kernel = recovered.kernel.take() ?? SmallDisk.emptyKernel()
        try prepareSpares()
    }

    /// Every record, as the files hold them.
    func records() throws -> [[UInt8]] {
        try writer.records.records(from: .zero, count: Int(head.size))
    }

    /// The rows of the state store as of the last flush.
    func rows() throws -> [StateRow] {
        let cursor = try state.store.snapshot().cursor(from: [])
        var rows: [StateRow] = []
        while let row = try cursor.next() { rows.append(row) }
        return rows
    }

    /// What the last flush holds beside the rows.
    func scalars() throws -> [UInt8] { try state.store.marker()?.scalars ?? [] }

    // MARK: - Steps

    /// Makes entries, all in flight together, commits them once, and answers each.
    func run(_ submissions: [Submission]) throws {
        for submission in submissions {
            if !kernel.mayEnter(kernel.applied.next) {
                try publish()
                progress.phase = .rotate
                try flush()
            }
            progress.phase = .entry
            try enter(submission)
        }
        try publish()
    }

    private func enter(_ submission: Submission) throws {
        let plan = try plan(submission)
        try writer.append(EntryCodec.encode(plan.entry))
        let applied = kernel.apply(plan.entry, at: plan.entry.predicted, hashes: plan.hashes)
        guard applied.submissions != nil else { throw Broken("an entry met another index") }
        unpublished.append(applied)
    }

    private func publish() throws {
        if mutant == .acknowledgeBeforeCommit, let last = unpublished.last {
            progress.acknowledged = LedgerHead(
                size: last.size,
                root: last.root,
                logIndex: last.index
            )
        }
        try writer.commit()
        for applied in unpublished {
            head = try writer.publish(applied)
            progress.acknowledged = head
            published.append(applied)
        }
        unpublished = []
    }

    /// Takes what a flush will write, as of now.
    func capture() { captured = copied() }

    private func copied() -> FlushCapture? {
        kernel.beginCapture()
        return kernel.advanceCapture(rows: .max)
    }

    /// Writes what was captured, while later entries were acknowledged.
    func finishFlush() throws {
        guard let capture = captured else { return }
        progress.phase = .flush
        captured = nil
        try write(capture)
    }

    /// Captures and writes in one go.
    func flush() throws {
        try finishFlush()
        guard kernel.applied > kernel.cache.flushed else { return }
        guard let capture = copied() else { throw Broken("rows of a flush are left") }
        try write(capture)
    }

    private func write(_ capture: FlushCapture) throws {
        if mutant != .flushBeforeRecordsSynced { try writer.syncRecords() }
        if mutant == .releaseBeforeFlush { try writer.release(below: capture.applied.next) }
        try state.write(capture)
        if mutant == .flushBeforeRecordsSynced { try writer.syncRecords() }
        kernel.markFlushed(capture.applied)
        try writer.release(below: capture.applied.next)
        try prepareSpares()
    }

    /// Makes the records durable, and replaces the head.
    func checkpoint() throws { try writer.syncRecords() }

    /// Applies an entry and writes its records before its frame is durable, which is never done.
    func publishTooEarly(_ submission: Submission) throws {
        try enter(submission)
        for applied in unpublished { head = try writer.publish(applied) }
    }

    /// Stops cleanly.
    func stop() throws {
        progress.phase = .stop
        try flush()
        try writer.syncRecords()
        try state.store.close()
        try directory.writeSums()
    }

    /// As LogKeeper does it: a full disk is no reason to stop.
    private func prepareSpares() throws {
        do {
            try writer.pool.prepare()
        } catch  where error.cause?.code == .full {
            return  // the next segment is made when it is needed
        }
    }

    // MARK: - Planning

    private func plan(_ submission: Submission) throws -> Plan {
        var facts = AdmissionFacts()
        while true {
            let next = kernel.applied.next
            let source = SmallDisk.source(next)
            switch kernel.admit([submission], at: next, facts: facts, newBookID: source.bookID) {
            case .refused(let busy): throw busy
            case .lacks(let names, let bodies): try fetch(names, bodies, &facts)
            case .needs(let draft):
                let values = try StateKeeper.read(draft.missingKeys, from: state.store)
                let choices = source.choices()
                if case .plan(let plan) = kernel.complete(
                    draft,
                    values: values,
                    at: next,
                    choices: choices
                ) {
                    return plan
                }
            }
        }
    }

    private func fetch(
        _ names: [BookName],
        _ bodies: [BodyKey],
        _ facts: inout AdmissionFacts
    ) throws {
        let values = try StateKeeper.read(
            names.map { StateCodec.encodeKey(.bookName($0)) },
            from: state.store
        )
        for (name, value) in zip(names, values) {
            facts.names[name] = .some(try value.map(StateKeeper.bookID))
        }
        for body in bodies { facts.bodies[body] = .some(try record(of: body)) }
    }

    private func record(of body: BodyKey) throws -> [UInt8]? {
        for applied in unpublished {
            for position in applied.positions
            where position.book == body.book && position.transaction == body.transaction {
                let skip = position.record.rawValue - applied.firstRecord.rawValue
                return try FramedRecords(applied.framedRecords, blobs: applied.blobs)
                    .record(at: Int(skip))?.whole()
            }
        }
        guard let index = try writer.records.record(of: body.transaction, in: body.book) else {
            return nil
        }
        return try writer.records.read(index).map { try writer.records.blobs.encoded($0).whole() }
    }
}

/// A sentence about what should not have happened.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
