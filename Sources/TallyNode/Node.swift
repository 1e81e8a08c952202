// SPDX-License-Identifier: Apache-2.0
//
// The composition root: opens a data directory, recovers, and wires sequencer, log, store and views
// together. The command line owns one node, gives its port to HTTP, and stops it. May import every
// module below it.

import TallyCodec
package import TallyHTTP
import TallyKernel
import TallyLog
import TallyProof
import TallyStore
package import TallyTypes
import TallyViews

/// What an operator chooses when a node starts.
package struct NodeConfiguration: Sendable {
    /// The data directory.
    package var directory: String
    /// The origin of a new ledger.
    package var origin: String
    /// K of a new ledger.
    package var entriesPerGeneration: UInt64
    /// The most keys that the cache may hold.
    package var keysMax: Int
    /// False while a benchmark measures the node without views.
    package var areViewsEnabled: Bool
    /// The folder of the signing key and its guard.
    package var keys: String
    /// What decrypts the signing key, when it is encrypted.
    package var passphrase: String?
    /// Seconds between seals; nil for none but those that are asked for.
    package var sealEvery: UInt64?
    /// The self-check while the node runs.
    package var scrub: ScrubRules
    /// Witnesses that are asked to cosign what is published.
    package var witnesses: [WitnessAddress] = []

    /// Makes a configuration; the keys are beside the data unless another folder is named.
    package init(
        directory: String,
        origin: String = "localhost/tallystick",
        entriesPerGeneration: UInt64 = Limits.entriesPerGenerationDefault,
        keysMax: Int = Limits.cacheKeysDefault,
        areViewsEnabled: Bool = true,
        keys: String? = nil,
        passphrase: String? = nil,
        sealEvery: UInt64? = nil,
        scrub: ScrubRules = .off
    ) {
        self.directory = directory
        self.origin = origin
        self.entriesPerGeneration = entriesPerGeneration
        self.keysMax = keysMax
        self.areViewsEnabled = areViewsEnabled
        self.keys = keys ?? LogKeys.folder(of: directory)
        self.passphrase = passphrase
        self.sealEvery = sealEvery
        self.scrub = scrub
    }
}

/// A running ledger in one data directory.
package final class Node: Sendable {
    /// The version of the server, in answers and in `--version`.
    package static let version = "0.1.0"

    /// The one door in.
    package let sequencer: Sequencer
    /// The views.
    package let views: ViewKeeper
    /// Signs what is durable.
    package let signer: LogSigner
    /// Checks the record files again while the node runs.
    package let scrubber: Scrubber
    /// What start-up found and did, a line each.
    package let startLines: [String]
    let directory: DataDirectory
    private let state: StateKeeper
    private let log: LogKeeper
    let records: RecordReader
    /// The ledger's origin: that of its first record, not what was asked for at this start.
    let origin: String
    private let running: Task<Void, Never>
    private let ticking: Task<Void, Never>
    private let scheduled: Task<Void, Never>?
    /// Makes seals.
    package let sealing: Sealing
    let sealFiles: SealFiles
    private let scrubbing: Task<Void, Never>
    let collector: WitnessCollector
    private let collecting: Task<Void, Never>

    /// Opens a data directory, or makes one in an empty folder, and starts to take submissions.
    ///
    /// - Parameters:
    ///   - configuration: What the operator chose.
    ///   - failed: Told of the fault that stops the node; it has stopped acknowledging by then.
    /// - Returns: The running node.
    /// - Throws: ``StoreFault``, ``LogFault``, ``NodeFault`` or ``ViewFault``: the node did not
    ///   start.
    package static func start(
        _ configuration: NodeConfiguration,
        failed: @escaping @Sendable (NodeFault) -> Void
    ) async throws -> Node {
        let opened = try OpenedFiles(configuration)
        let node = try Node(opened, configuration, failed)
        try await node.createLedgerIfNew(configuration)
        return node
    }

    private init(
        _ opened: consuming OpenedFiles,
        _ configuration: NodeConfiguration,
        _ failed: @escaping @Sendable (NodeFault) -> Void
    ) throws {
        directory = opened.directory
        state = opened.recovered.state
        let writer = opened.recovered.writer
        let head = opened.recovered.head
        startLines = opened.recovered.lines
        guard let signer = opened.recovered.signer else {
            throw NodeFault(
                .directory,
                subject: configuration.keys,
                reason: "was not looked at",
                nextStep: "report it: a node always looks for its keys"
            )
        }
        self.signer = signer
        let scrubber = Node.scrubber(configuration.scrub, opened.directory, signer)
        self.scrubber = scrubber
        let source = ChoiceSource(clock: RealClock())
        let (views, relay) = (opened.views, opened.relay)
        self.views = views
        records = RecordReader(files: writer.records)
        log = LogKeeper(writer: writer)
        let kernel =
            opened.recovered.kernel.take()
            ?? Kernel(
                entriesPerGeneration: configuration.entriesPerGeneration,
                secrets: KeySecrets(source.secret()),
                keysMax: configuration.keysMax
            )
        let made = kernel.scalars.origin.string
        origin = made.isEmpty ? configuration.origin : made
        let sequencer = Sequencer(
            kernel: kernel,
            head: head,
            links: Sequencer.Links(
                log: log,
                state: state,
                records: records,
                source: source,
                published: { views.published($0.size, touching: $1) },
                failed: failed
            )
        )
        self.sequencer = sequencer
        relay.connect { [weak sequencer] fault in sequencer?.onThread { $0.fail(fault) } }
        views.recovered(head.size)
        state.reclaimDeleted { fault in relay.report(NodeFault(stopping: fault)) }
        running = Task { await sequencer.run() }
        let sealFiles = SealFiles(disk: directory.disk, directory: directory.path)
        let sealing = Sealing(sealFiles, sequencer)
        (self.sealFiles, self.sealing) = (sealFiles, sealing)
        scheduled = configuration.sealEvery.map { seconds in
            Task { await sealing.run(every: seconds) }
        }
        scrubbing = Task { await scrubber.run() }
        let collector = WitnessCollector(
            configuration.witnesses,
            signer: signer,
            records: records,
            keeper: log,
            failed: { relay.report($0) }
        )
        self.collector = collector
        collecting = Task { await collector.run() }
        ticking = Task { [log] in await Node.tick(log) }
    }

    /// Asks for a checkpoint every 500 ms.
    private static func tick(_ log: LogKeeper) async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .milliseconds(500))
            } catch {
                return  // cancelled: the node stops
            }
            log.checkpoint()
        }
    }

    /// The operator who starts a node on an empty directory asks for its ledger.
    private func createLedgerIfNew(_ configuration: NodeConfiguration) async throws {
        guard await sequencer.currentHead().size == 0 else { return }
        let order = CreateLedger(
            origin: Text(configuration.origin),
            entriesPerGeneration: configuration.entriesPerGeneration
        )
        _ = try await sequencer.submit(
            .groups([[Request(book: nil, order: .createLedger(order))]])
        )
    }

    /// Stops cleanly: answers what is in flight, flushes, writes head and sums.
    ///
    /// - Returns: A line that says where the ledger stands: size, root, state digest.
    /// - Throws: The fault that kept a part of it from being done; nothing acknowledged is lost.
    @discardableResult
    package func stop() async throws -> String {
        ticking.cancel()
        scheduled?.cancel()
        scrubbing.cancel()
        collecting.cancel()
        await collecting.value
        await scrubbing.value
        await sequencer.stop()
        await running.value
        await sequencer.flushAll()
        log.checkpoint()
        try await log.drain()
        try await views.stop()
        if let reason = await sequencer.faultReason() { throw reason }
        let head = await sequencer.currentHead()
        try await state.drain()
        let digest = try stateDigest()
        try state.store.close()
        try directory.writeSums()
        signer.close()
        directory.unlock()
        return "stopped at \(head.size) records, root \(head.root), state digest \(digest)"
    }

    /// The digest of all state as of the last flush, read from a snapshot.
    package func stateDigest() throws -> Digest {
        try StateDigest.of(state.store)
    }

    // MARK: - Port

    /// The node as the routes see it.
    package var port: NodePort {
        NodePort(
            submit: { [sequencer] submission throws(Busy) in
                try await sequencer.submit(submission)
            },
            dryRun: { [sequencer] group throws(Busy) in try await sequencer.dryRun(group) },
            book: { [sequencer] name throws(Busy) in try await sequencer.book(named: name) },
            views: views.reader,
            caughtUp: { [views] book in await views.caughtUp(with: book) },
            folded: { [views] index in
                index.rawValue < .max ? await views.reached(index.rawValue + 1) : false
            },
            record: { [records] index in try await records.record(index) },
            log: logPort,
            head: { [sequencer] in await sequencer.currentHead() },
            stateDigest: { [sequencer] () throws(Busy) in try await sequencer.stateDigest() },
            notReady: { [sequencer, scrubber] in
                if let reason = await sequencer.notReady() { return reason }
                return scrubber.progress.fault?.description
            },
            metrics: { [sequencer, views, scrubber, collector] in
                await NodeMetrics.text(
                    sequencer: sequencer,
                    views: views,
                    scrub: scrubber.progress,
                    witnesses: collector.all.map(\.standing)
                )
            },
            origin: origin,
            version: Node.version
        )
    }
}

/// The files of a node, recovered.
struct OpenedFiles: ~Copyable {
    let directory: DataDirectory
    var recovered: Recovered
    let views: ViewKeeper
    /// Tells the node of a view that could not be folded.
    let relay: FaultRelay

    init(_ configuration: NodeConfiguration) throws {
        let disk = RealDisk()
        let directory = try DataDirectory(
            disk: disk,
            path: configuration.directory,
            mode: .createOrOpen
        )
        var generator = SystemRandomNumberGenerator()
        let source = ChoiceSource(clock: RealClock())
        let keys = LogKeys(
            disk: disk,
            folder: configuration.keys,
            passphrase: configuration.passphrase
        ) { source.secret() }
        try LogKeys.requireApart(configuration.keys, from: configuration.directory)
        try keys.requirePrivate()
        let found = try RecoveryParts(
            directory: directory,
            state: StateOpening(
                look: { try RocksStateStore.existing(path: directory.state, disk: disk) },
                open: { try RocksStateStore(path: directory.state) }
            ),
            keys: keys,
            origin: configuration.origin,
            log: EmbeddedLogConfiguration(salt: generator.next()),
            keysMax: configuration.keysMax
        ).look()
        try directory.requireRoom()
        let store = try ViewStore.opened(directory.views, size: found.head.size)
        let relay = FaultRelay()
        recovered = try found.mend()
        views = ViewKeeper(
            store: store,
            records: recovered.writer.records,
            isEnabled: configuration.areViewsEnabled,
            failed: { relay.report($0) }
        )
        self.relay = relay
        self.directory = directory
    }
}

extension ViewStore {
    /// Opens the views of a ledger of a size; a view above it means that a record was lost.
    static func opened(_ directory: String, size: UInt64) throws -> ViewStore {
        let store = try ViewStore(directory: directory)
        guard store.recovery.furthest.rawValue <= size else {
            throw NodeFault(
                .lost,
                subject: directory,
                reason: "a view holds \(store.recovery.furthest) records, the log yields \(size): "
                    + "an acknowledged entry was lost",
                nextStep: "restore a backup, or bring the missing log segment back"
            )
        }
        return store
    }
}
