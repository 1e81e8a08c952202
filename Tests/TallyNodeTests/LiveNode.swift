// SPDX-License-Identifier: Apache-2.0
//
// The node's threads around its real parts, on a simulated disk with small files: sequencer, log
// keeper, state keeper, record reader, wired as Node does it. Views are not part of it. Called
// by the tests of the sequencer.

import Synchronization
import TallyKernel
import TallyLog
import TallyNode
import TallyProof
import TallySim
import TallyStore
import TallyTypes

/// What a live node is made with.
struct LiveRules: Sendable {
    var k: UInt64 = 3
    var keysMax = 4_096
    var segmentBytes = 4 << 20
    var stepBytes = 1 << 16
}

/// A running node without views and HTTP.
final class LiveNode: Sendable {
    let disk: FaultDisk
    let rules: LiveRules
    let sequencer: Sequencer
    let keeper: LogKeeper
    let files: RecordFiles
    /// What start-up found.
    let startHead: LedgerHead
    private let directory: DataDirectory
    private let state: StateKeeper
    private let running: Task<Void, Never>
    private let faults: FaultList

    /// The faults that a node was stopped by, in order.
    final class FaultList: Sendable {
        private let list = Mutex<[String]>([])

        var all: [String] { list.withLock { $0 } }

        func add(_ fault: NodeFault) { list.withLock { $0.append(fault.description) } }
    }

    /// Opens or makes a ledger on a disk, and starts to take submissions.
    init(
        _ disk: FaultDisk,
        _ rules: LiveRules = LiveRules(),
        gate: StoreGate? = nil
    ) throws {
        self.disk = disk
        self.rules = rules
        directory = try DataDirectory(disk: disk, path: SmallDisk.path, mode: .createOrOpen)
        var recovered = try LiveNode.recover(disk, directory, rules, gate)
        state = recovered.state
        startHead = recovered.head
        files = recovered.writer.records
        let faults = FaultList()
        self.faults = faults
        keeper = LogKeeper(writer: recovered.writer)
        let kernel =
            recovered.kernel.take()
            ?? Kernel(
                entriesPerGeneration: rules.k,
                secrets: KeySecrets(Digest(1, 2, 3, 4)),
                keysMax: rules.keysMax
            )
        sequencer = Sequencer(
            kernel: kernel,
            head: recovered.head,
            links: Sequencer.Links(
                log: keeper,
                state: recovered.state,
                records: RecordReader(files: files),
                source: LiveNode.source(recovered.head.size),
                published: { _, _ in },
                failed: { faults.add($0) }
            )
        )
        state.reclaimDeleted { faults.add(NodeFault(stopping: $0)) }
        running = Task { [sequencer] in await sequencer.run() }
    }

    private static func recover(
        _ disk: FaultDisk,
        _ directory: DataDirectory,
        _ rules: LiveRules,
        _ gate: StoreGate?
    ) throws -> Recovered {
        let opening = SmallDisk.state(disk, directory)
        return try RecoveryParts(
            directory: directory,
            state: StateOpening(
                look: opening.look,
                open: {
                    let store = try opening.open()
                    return if let gate { GatedStore(store, gate) } else { store }
                }
            ),
            keys: SmallDisk.keys(disk),
            origin: "test/live",
            log: EmbeddedLogConfiguration(
                segmentBytes: rules.segmentBytes,
                spareSegments: 1,
                salt: 1
            ),
            records: RecordFilesConfiguration(stepBytes: rules.stepBytes),
            keysMax: rules.keysMax
        ).look().mend()
    }

    private static func source(_ seed: UInt64) -> ChoiceSource {
        let random = Mutex(SplitMix(seed: seed))
        let clock = SeededClock(seed: seed, stepMicrosecondsMax: 900)
        return ChoiceSource(clock: clock) { random.withLock { $0.next() } }
    }

    /// A new ledger with a book of money, in which alice has 1,000.
    static func founded(
        _ disk: FaultDisk = FaultDisk(),
        _ rules: LiveRules = LiveRules(),
        gate: StoreGate? = nil
    ) async throws -> LiveNode {
        let node = try LiveNode(disk, rules, gate: gate)
        let creation = CreateLedger(origin: "test/live", entriesPerGeneration: rules.k)
        _ = try await node.submit(.one(Request(book: nil, order: .createLedger(creation))))
        _ = try await node.submit(.groups([[.make(Book.money), .pay("world", "alice", 1_000)]]))
        return node
    }

    /// Submits, and gives the answers of all groups; a batch has none.
    func submit(_ submission: Submission) async throws -> [[Answer]] {
        guard case .groups(let groups) = try await sequencer.submit(submission) else { return [] }
        return groups
    }

    /// Submits one request of a group of its own.
    func ask(_ request: Request) async throws -> Answer {
        guard let answer = try await submit(.one(request)).first?.first else {
            throw Broken("no answer came")
        }
        return answer
    }

    /// Submits a batch.
    func ask(batch: Submission) async throws -> BatchAnswer {
        guard case .batch(let answer) = try await sequencer.submit(batch) else {
            throw Broken("a batch was answered as groups")
        }
        return answer
    }

    /// Stops as the node does.
    func stop() async throws {
        await sequencer.stop()
        await running.value
        await sequencer.flushAll()
        keeper.checkpoint()
        try await keeper.drain()
        if let reason = await sequencer.faultReason() { throw reason }
        try await state.drain()
        try state.store.close()
        try directory.writeSums()
    }

    /// Waits until the sequencer takes nothing any more.
    func ended() async { await running.value }

    /// The faults that stopped this node.
    var faultLines: [String] { faults.all }

    /// Every published record.
    func records() throws -> [[UInt8]] {
        try files.records(from: .zero, count: Int(files.count.rawValue))
    }

    /// The rows of the state store as of the last flush.
    func rows() throws -> [StateRow] {
        let cursor = try state.store.snapshot().cursor(from: [])
        var rows: [StateRow] = []
        while let row = try cursor.next() { rows.append(row) }
        return rows
    }

    /// The digest of all state as of the last flush.
    func stateDigest() throws -> Digest { try StateDigest.of(state.store) }

    /// Every entry of the log, as a later start finds them; small logs keep all of theirs.
    func entries() throws -> [LogEntry] {
        let log = EmbeddedLog(
            disk: disk.afterExit(),
            directory: directory.log,
            configuration: EmbeddedLogConfiguration(segmentBytes: rules.segmentBytes, salt: 1)
        )
        _ = try log.look(flushedIndex: .zero)
        let cursor = try log.foundEntries(from: LogIndex(1))
        var entries: [LogEntry] = []
        while let entry = try cursor.next() { entries.append(entry) }
        return entries
    }

    /// What was flushed last.
    func marker() throws -> FlushMarker? { try state.store.marker() }
}

extension Answer {
    /// The record, and whether it is an earlier one.
    var settled: (record: Record, isReplay: Bool) {
        switch self {
        case .record(let record): (record, false)
        case .replay(let record): (record, true)
        }
    }

    /// The rule that said no; nil when the order was committed.
    var refusal: Refusal? {
        if case .refused(let refusal) = settled.record.outcome { refusal } else { nil }
    }

    /// The transaction that was made.
    var transaction: TransactionID? {
        guard case .committed(.transaction(let effects)) = settled.record.outcome else {
            return nil
        }
        return effects.id
    }
}
