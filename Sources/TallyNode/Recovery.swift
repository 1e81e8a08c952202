// SPDX-License-Identifier: Apache-2.0
//
// Start-up: from files to a kernel that stands where it stopped. Synchronous, so that the crash
// tests can stop it after every write. In two steps. `look` reads: the state as of the last flush,
// the log's end, the record files; then the replay makes every record again and compares it with
// what the files hold. A record, a head or a view above what the log yields means that an
// acknowledged frame was lost: stop and name it, never cut. Until then no byte was changed, so
// whatever is wrong is found as it was left. `mend` writes: the log, the records, the head.

import TallyCodec
package import TallyKernel
package import TallyLog
import TallyProof
package import TallyStore
package import TallyTypes
import TallyViews

/// What start-up found, did, and hands on.
package struct Recovered: ~Copyable {
    /// The kernel; nil when the ledger has no first entry yet.
    package var kernel: Kernel?
    /// The state store, open for writing.
    package let state: StateKeeper
    /// Log, record files and head.
    package let writer: LogWriter
    /// Signs what is durable; nil in tests of other parts.
    package let signer: LogSigner?
    /// The position that the ledger has.
    package let head: LedgerHead
    /// What was found and done, a line each.
    package let lines: [String]
}

/// How start-up opens the state store.
package struct StateOpening {
    /// Opens it without changing a byte; nil when there is none yet.
    package let look: () throws -> (any StateStore)?
    /// Opens it for the node, and makes it when there is none.
    package let open: () throws -> any StateStore

    /// Makes the pair.
    package init(
        look: @escaping () throws -> (any StateStore)?,
        open: @escaping () throws -> any StateStore
    ) {
        self.look = look
        self.open = open
    }
}

/// What start-up works with.
package struct RecoveryParts {
    /// The data directory, locked.
    package let directory: DataDirectory
    /// The state store, not open yet.
    package let state: StateOpening
    /// Sizes of the log.
    package let log: EmbeddedLogConfiguration
    /// Sizes of the record files.
    package let records: RecordFilesConfiguration
    /// The node's bound on cached keys.
    package let keysMax: Int
    /// Where the signing key is; nil in tests of other parts.
    package let keys: LogKeys?
    /// The origin of a new ledger.
    package let origin: String

    /// Makes the set.
    package init(
        directory: DataDirectory,
        state: StateOpening,
        keys: LogKeys?,
        origin: String,
        log: EmbeddedLogConfiguration,
        records: RecordFilesConfiguration = RecordFilesConfiguration(),
        keysMax: Int = Limits.cacheKeysDefault
    ) {
        self.directory = directory
        self.state = state
        self.log = log
        self.records = records
        self.keysMax = keysMax
        self.keys = keys
        self.origin = origin
    }

    /// Looks at everything and replays the log; no byte is changed.
    ///
    /// - Throws: ``NodeFault``, ``StoreFault``, ``LogFault`` or ``Malformed``, naming what was
    ///   found.
    package func look() throws -> LookedAt {
        let headFile = try directory.readHead()
        let flushed = try FlushedState(self)
        let log = EmbeddedLog(disk: directory.disk, directory: directory.log, configuration: log)
        let found = try log.look(
            flushedIndex: flushed.applied,
            durableIndex: headFile?.log ?? .zero
        )
        let records = try RecordReplay(
            disk: directory.disk,
            directory: directory.records,
            configuration: records,
            flushed: flushed.nextRecord,
            durable: RecordIndex(headFile?.size ?? 0),
            expecting: flushed.positions
        )
        var replay = LogReplay(
            kernel: try flushed.restored.map { try Kernel.restore($0) },
            records: records,
            keysMax: keysMax
        )
        let replayed = try replay.run(log, from: flushed.applied.next)
        let repair = try replay.judgeSurplus()
        try check(headFile, replay.head, replay.heads)
        return LookedAt(
            parts: self,
            flushed: flushed.marker,
            log: log,
            lines: [
                found.description, replay.records.recovery.description, repair.description,
                "state: as of entry \(flushed.applied), \(replayed) entries replayed",
                "ledger: \(replay.head.size) records, root \(replay.head.root)",
            ],
            replay: replay
        )
    }

    /// The position that a record gives, for arrays that are rebuilt.
    fileprivate static func position(
        _ index: RecordIndex,
        _ bytes: [UInt8],
        _ blobs: BlobFiles
    ) throws(StoreFault) -> RecordPosition? {
        let record: Record
        do {
            record = try blobs.record(bytes)
        } catch let fault as StoreFault {
            throw fault
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

    /// The head file is never above what the log yields, and its root is one that the ledger had.
    ///
    /// The first start writes it, durable, before it takes the first entry; so where there is an
    /// entry, there is a head.
    private func check(
        _ found: Head?,
        _ head: LedgerHead,
        _ heads: [LogIndex: LedgerHead]
    ) throws {
        let subject = directory.path + "/head"
        guard let found else {
            guard head.logIndex == .zero else {
                throw StoreFault(
                    .missing,
                    subject: subject,
                    reason: "is missing, and was written before the first of the "
                        + "\(head.size) records"
                )
            }
            return
        }
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

/// What the state store holds, read from a store that was opened to look and is closed again.
private struct FlushedState {
    let marker: FlushMarker?
    let restored: RestoredKernel?
    /// The next transaction of each accounts book.
    let positions: [ExpectedPositions]

    var applied: LogIndex { restored?.applied ?? .zero }
    var nextRecord: RecordIndex { restored?.scalars.nextRecord ?? .zero }

    init(_ parts: RecoveryParts) throws {
        guard let store = try parts.state.look() else {
            (marker, restored, positions) = (nil, nil, [])
            return
        }
        let keeper = parts.keeper(store)
        marker = try store.marker()
        restored = try keeper.restore(keysMax: parts.keysMax)
        positions = try FlushedState.positions(store)
        try store.close()
    }

    private static func positions(_ store: any StateStore) throws -> [ExpectedPositions] {
        let prefix: [UInt8] = [FormatRegistry.stateKey, StateKeyKind.book.rawValue]
        let cursor = try store.snapshot().cursor(from: prefix)
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
}

extension RecoveryParts {
    fileprivate func keeper(_ store: any StateStore) -> StateKeeper {
        StateKeeper(
            store: store,
            images: CacheImages(disk: directory.disk, directory: directory.image)
        )
    }
}

/// A ledger that start-up found to be right, before anything of it was changed.
package struct LookedAt: ~Copyable {
    private let parts: RecoveryParts
    private let flushed: FlushMarker?
    private let log: EmbeddedLog
    private let lines: [String]
    private var replay: LogReplay

    fileprivate init(
        parts: RecoveryParts,
        flushed: FlushMarker?,
        log: EmbeddedLog,
        lines: [String],
        replay: consuming LogReplay
    ) {
        self.parts = parts
        self.flushed = flushed
        self.log = log
        self.lines = lines
        self.replay = replay
    }

    /// The position that the ledger has.
    package var head: LedgerHead { replay.head }

    /// Writes what has to be written; everything handed on is durable.
    ///
    /// - Throws: ``NodeFault``, ``StoreFault`` or ``LogFault``.
    package consuming func mend() throws -> Recovered {
        let (parts, lines) = (parts, lines)
        let directory = parts.directory
        try directory.removeSums()
        let store = try parts.state.open()
        guard try store.marker() == flushed else {
            throw NodeFault(
                .corrupt,
                subject: directory.state,
                reason: "holds another flush than a moment before",
                nextStep: "see that no other process uses the directory, then start again"
            )
        }
        try log.mend()
        let head = replay.head
        var mended = try replay.mend()
        var origin = parts.origin
        if let kernel = mended.kernel.take() {
            origin = kernel.scalars.origin.string
            mended.kernel = consume kernel
        }
        let records = mended.records
        let signer = try parts.keys.map {
            try LogSigner($0, of: origin, directory, records: records)
        }
        let writer = LogWriter(
            log: log,
            records: records,
            directory: directory,
            signer: signer,
            head: head
        )
        try writer.replaceHead()
        return Recovered(
            kernel: mended.kernel.take(),
            state: parts.keeper(store),
            writer: writer,
            signer: signer,
            head: head,
            lines: lines + [signer?.line].compactMap { $0 }
        )
    }
}

/// The replay of what the log holds above the last flush.
private struct LogReplay: ~Copyable {
    private var kernel: Kernel?
    private(set) var records: RecordReplay
    private let keysMax: Int
    private(set) var head: LedgerHead
    private(set) var heads: [LogIndex: LedgerHead] = [:]

    init(
        kernel: consuming Kernel?,
        records: consuming RecordReplay,
        keysMax: Int
    ) {
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

    /// Applies every entry from an index on; returns how many there were.
    mutating func run(_ log: EmbeddedLog, from index: LogIndex) throws -> UInt64 {
        guard log.last >= index else { return 0 }
        let cursor = try log.foundEntries(from: index)
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
        guard current.mayEnter(item.index) else {
            throw NodeFault(
                .lost,
                subject: "state store",
                reason: "is as of entry \(current.cache.flushed), and entry \(item.index) "
                    + "was made only when a later flush was durable",
                nextStep: "restore a backup, or bring the newer state store back"
            )
        }
        let applied = current.apply(entry, at: item.index)
        kernel = consume current
        if applied.recordCount > 0 {
            try records.compare(
                applied.framedRecords,
                first: applied.firstRecord,
                positions: applied.recordPositions,
                blobs: applied.blobs
            )
        }
        head = LedgerHead(size: applied.size, root: applied.root, logIndex: applied.index)
        heads[applied.index] = head
    }

    func judgeSurplus() throws(StoreFault) -> RecordFilesRepair {
        let next = records.count
        return try records.judgeSurplus { bytes in
            do {
                return try RecordCodec.parse(bytes[...]).index == next
            } catch {
                return false  // the question is whether it decodes
            }
        }
    }

    consuming func mend() throws -> Mended {
        let blobs = records.blobs
        let files = try records.mend { index, bytes throws(StoreFault) in
            try RecoveryParts.position(index, bytes, blobs)
        }
        return Mended(kernel: kernel, records: files)
    }
}

private struct Mended: ~Copyable {
    var kernel: Kernel?
    let records: RecordFiles
}

extension Applied {
    /// Where the transactions made by this entry stand, as the record files take them.
    var recordPositions: [RecordPosition] {
        positions.map {
            RecordPosition(book: $0.book, transaction: $0.transaction, record: $0.record)
        }
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
        switch error {
        case let fault as NodeFault: self = fault
        case let fault as StoreFault:
            self.init(fault.finding, fault.nextStep, isOfDisk: fault.code == .disk)
        case let fault as LogFault:
            self.init(fault.finding, fault.nextStep, isOfDisk: fault.code == .disk)
        default: self.init("\(error)", "", isOfDisk: true)
        }
    }

    /// A fault that keeps the views from being folded, or from being opened.
    package init(folding error: any Error) {
        guard let fault = error as? ViewFault else {
            self.init(stopping: error)
            return
        }
        self.init(.views, subject: "views", reason: "\(fault)", nextStep: fault.nextStep)
    }

    /// The one line of whatever kept a node from starting.
    package static func line(starting error: any Error) -> String {
        error is ViewFault ? NodeFault(folding: error).description : "\(error)"
    }

    private init(_ finding: String, _ nextStep: String, isOfDisk: Bool) {
        let step = nextStep.isEmpty ? "mend the disk, then start again" : nextStep.dropFirst(2)
        self.init(
            .storage,
            subject: "storage",
            reason: finding,
            nextStep: isOfDisk ? step + ": nothing acknowledged is lost" : String(step)
        )
    }
}
