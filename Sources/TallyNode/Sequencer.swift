// SPDX-License-Identifier: Apache-2.0
//
// The one door in: the only place where entries are made and applied. An actor on a thread of its
// own that owns the kernel. It takes whatever waits when the log is free, admits, completes,
// applies the entry in memory, hands it to the log, and answers when the frame is durable.
// DESIGN.md §4 "Sequencer".

import TallyCodec
package import TallyKernel
package import TallyTypes

/// The single writer of a ledger.
package actor Sequencer {
    /// What the sequencer needs of the threads around it.
    package struct Links: Sendable {
        /// Frames and records.
        let log: LogKeeper
        /// Rows of the store.
        let state: StateKeeper
        /// Records that were published.
        let records: RecordReader
        /// Time and randomness.
        let source: ChoiceSource
        /// Told of each published head, and of the books that its entry touched.
        let published: @Sendable (LedgerHead, Set<BookID>) -> Void
        /// Told of the fault that stops the node.
        let failed: @Sendable (NodeFault) -> Void

        /// Makes the set.
        package init(
            log: LogKeeper,
            state: StateKeeper,
            records: RecordReader,
            source: ChoiceSource,
            published: @escaping @Sendable (LedgerHead, Set<BookID>) -> Void,
            failed: @escaping @Sendable (NodeFault) -> Void
        ) {
            self.log = log
            self.state = state
            self.records = records
            self.source = source
            self.published = published
            self.failed = failed
        }
    }

    /// Applied, and not yet published.
    struct InFlight {
        let index: LogIndex
        let size: UInt64
        let root: Digest
        let positions: [TransactionPosition]
        let framed: FramedRecords
        let first: RecordIndex
        let books: Set<BookID>
        var finished: [WaitingSubmission]
    }

    private let thread: SerialThread
    let links: Links
    var kernel: Kernel
    var waiting: [WaitingSubmission] = []
    var inFlight: [InFlight] = []
    var wakeup = Wakeup()
    var head: LedgerHead
    var flush = FlushSchedule()
    var flushWaiters: [FlushWaiter] = []
    var isDigesting = false
    /// What was counted since the start.
    package internal(set) var statistics = SequencerStatistics()
    private var isStopping = false
    private(set) var fault: NodeFault?
    /// Submissions of the next entry; halved while it turns out too large.
    private var takeMax = Int.max

    /// Takes over the kernel that recovery made.
    package init(kernel: consuming Kernel, head: LedgerHead, links: Links) {
        thread = SerialThread(name: "sequencer")
        self.kernel = kernel
        self.head = head
        self.links = links
    }

    /// Runs this actor on its own thread.
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe thread.asUnownedSerialExecutor()
    }

    // MARK: - Callers

    /// Submits, and waits for the answer, which is durable.
    package func submit(_ submission: Submission) async throws(Busy) -> SubmissionAnswer {
        try requireRunning()
        guard waiting.count < Limits.submissionsWaitingMax else { throw .queueFull }
        let result = await withCheckedContinuation { continuation in
            waiting.append(WaitingSubmission(submission, continuation))
            wake()
        }
        return try result.get()
    }

    func requireRunning() throws(Busy) {
        if fault != nil { throw .faulted }
        if isStopping { throw .stopping }
    }

    /// The newest published position.
    package func currentHead() -> LedgerHead { head }

    /// Why the node takes no writes; nil while it does.
    package func notReady() -> String? {
        if let fault { return fault.description }
        return isStopping ? "stopping" : nil
    }

    /// Submissions that wait for their first entry, or their next.
    package var waitingCount: Int { waiting.count }

    /// The fault that stopped the node, if one did.
    package func faultReason() -> NodeFault? { fault }

    /// Evaluates one group over what is applied, and drops what it would do.
    package func dryRun(_ group: [Request]) async throws(Busy) -> DryRunAnswer {
        if fault != nil { throw .faulted }
        let planned: Planned
        do {
            planned = try await plan([.groups([group])])
        } catch {
            fail(NodeFault(stopping: error))
            throw .faulted
        }
        switch planned {
        case .refused(let busy): throw busy
        case .plan(let plan, _):
            guard plan.entry.predicted == kernel.applied.next else { throw .staleTooOften }
            guard let run = kernel.dryRun(plan) else { throw .staleTooOften }
            return try await dryAnswer(run)
        }
    }

    private func dryAnswer(_ run: DryRun) async throws(Busy) -> DryRunAnswer {
        var answers: [Answer] = []
        for answer in run.answers {
            switch answer {
            case .record(let record): answers.append(.record(record))
            case .replay(let index):
                do {
                    answers.append(.replay(of: try await applied(index)))
                } catch {
                    fail(NodeFault(stopping: error))
                    throw .faulted
                }
            }
        }
        return DryRunAnswer(answers: answers, volumes: run.volumes)
    }

    /// The record at an applied index, published or not.
    private func applied(_ index: RecordIndex) async throws -> Record {
        for entry in inFlight where index >= entry.first && index.rawValue < entry.size {
            let skip = Int(index.rawValue - entry.first.rawValue)
            guard let encoded = try entry.framed.record(at: skip) else {
                invariantFailure(.i16, "record \(index) is not in the run of its entry")
            }
            return try encoded.record()
        }
        return try await links.records.published(index)
    }

    /// Stops taking submissions; those that wait are refused, those in flight are answered.
    package func stop() {
        isStopping = true
        refuseWaiting(.stopping)
        refuseFlushWaiters(.stopping)
        wake()
    }

    // MARK: - The loop

    /// Makes and applies entries until the node stops.
    package func run() async {
        links.log.connect(
            LogKeeper.Events(
                published: { [weak self] head, _ in
                    self?.onThread { $0.publish(head) }
                },
                synced: { [weak self] index in
                    self?.onThread { $0.flushIsSynced(index) }
                },
                failed: { [weak self] fault in
                    self?.onThread { $0.fail(fault) }
                }
            )
        )
        while fault == nil, !(isStopping && inFlight.isEmpty && !flush.isRunning) {
            if await step() { continue }
            await waitForEvent()
        }
        // What was put back while an entry was planned, and the rest of a submission that was
        // split.
        refuseWaiting(fault == nil ? .stopping : .faulted)
    }

    /// Enters the actor from another thread, in order.
    nonisolated func onThread(_ work: @escaping @Sendable (isolated Sequencer) -> Void) {
        thread.post { self.assumeIsolated { work($0) } }
    }

    func wake() {
        wakeup.signal()?.resume()
    }

    func waitForEvent() async {
        if wakeup.consume() { return }
        await withCheckedContinuation { wakeup.wait($0) }
        _ = wakeup.consume()
    }

    /// Does one thing; false when there is nothing to do until an event.
    private func step() async -> Bool {
        let next = kernel.applied.next
        if !kernel.mayEnter(next) {
            statistics.rotationWaits += 1
            startFlush()
            return await copyWhileIdle()
        }
        guard !waiting.isEmpty, !isStopping, inFlight.count < inFlightMax else {
            return await copyWhileIdle()
        }
        let taken = take()
        do {
            try await sequence(taken)
        } catch {
            for item in taken { item.refuse(.faulted) }
            fail(NodeFault(stopping: error))
        }
        return true
    }

    /// Copies rows of a flush when there is nothing better to do; false when there is no flush.
    private func copyWhileIdle() async -> Bool {
        guard kernel.isCapturing, fault == nil else { return false }
        copyRows()
        await Task.yield()
        return true
    }

    private var inFlightMax: Int {
        Int(min(UInt64(Limits.entriesInFlightMax), kernel.cache.entriesPerGeneration))
    }

    // MARK: - One entry

    /// Takes what fits one entry, by an estimate; a wrong one is mended by halving.
    private func take() -> [WaitingSubmission] {
        var taken: [WaitingSubmission] = []
        var bytes = 0
        var orders = 0
        while taken.count < takeMax, let first = waiting.first {
            let (size, count) = SizeEstimate.of(first.rest(atMost: .max))
            if !taken.isEmpty,
                bytes + size > Limits.entryBytesMax || orders + count > Limits.ordersPerEntryMax
            {
                break
            }
            bytes += size
            orders += count
            taken.append(waiting.removeFirst())
        }
        return taken
    }

    private func sequence(_ taken: [WaitingSubmission]) async throws {
        var groupsMax = Limits.ordersPerEntryMax
        while true {
            let rest = taken.map { $0.rest(atMost: groupsMax) }
            let planned = try await plan(rest)
            if fault != nil {
                for item in taken { item.refuse(.faulted) }
                return
            }
            switch planned {
            case .plan(let plan, let bytes):
                takeMax = .max
                apply(plan, bytes, taken, groupsMax)
                return
            case .refused(let busy):
                if taken.count > 1 {
                    takeMax = taken.count / 2
                    waiting.insert(contentsOf: taken, at: 0)
                    return
                }
                takeMax = .max
                if busy == .cacheFull, await makeRoom() { continue }
                let groups = min(taken[0].restCount, groupsMax)
                guard groups > 1, busy.isAboutSize else {
                    taken[0].refuse(busy)
                    return
                }
                groupsMax = groups / 2
            }
        }
    }

    /// Proposes empty entries up to a boundary, which drops the older generation; if that holds
    /// nothing, up to the one behind it.
    ///
    /// - Returns: False when that gave no room, so that the caller must be refused.
    private func makeRoom() async -> Bool {
        let before = kernel.cache.count
        for _ in 0..<2 where fault == nil && kernel.cache.count >= before {
            await endGeneration()
            kernel.sweepAll()
        }
        while fault == nil, !(await isFree()) {}
        return fault == nil && kernel.cache.count < before
    }

    private func endGeneration() async {
        let generation = kernel.cache.current
        while kernel.cache.current == generation, fault == nil {
            guard await isFree() else { continue }
            let choices = links.source.choices()
            let entry = Entry(
                epoch: kernel.scalars.epoch,
                predicted: kernel.applied.next,
                time: choices.time,
                saltSeed: choices.saltSeed
            )
            apply(Plan(empty: entry), EntryCodec.encode(entry), [], 0)
        }
    }

    /// True when the next entry may be made now; otherwise false after the next event.
    private func isFree() async -> Bool {
        let mayEnter = kernel.mayEnter(kernel.applied.next)
        if mayEnter, inFlight.count < inFlightMax { return true }
        if !mayEnter { startFlush() }
        if await copyWhileIdle() { return false }
        await waitForEvent()
        return false
    }

    private enum Planned {
        case plan(Plan, [UInt8])
        case refused(Busy)
    }

    private func plan(_ submissions: [Submission]) async throws -> Planned {
        var facts = AdmissionFacts()
        // The same in every attempt: what is read in between may be about a book in the making.
        var bookIDs: [BookID] = []
        while true {
            let next = kernel.applied.next
            let source = links.source
            var used = 0
            let admission = kernel.admit(submissions, at: next, facts: facts) {
                if used == bookIDs.count { bookIDs.append(source.bookID()) }
                defer { used += 1 }
                return bookIDs[used]
            }
            switch admission {
            case .lacks(let names, let bodies):
                try await fetch(names, bodies, &facts)
            case .refused(let busy):
                return .refused(busy)
            case .needs(let draft):
                let values = try await links.state.read(draft.missingKeys)
                let choices = source.choices()
                switch kernel.complete(
                    draft,
                    values: values,
                    at: kernel.applied.next,
                    choices: choices
                )
                {
                case .admitAgain: statistics.readmissions += 1
                case .plan(let plan): return checked(plan)
                }
            }
        }
    }

    private func checked(_ plan: Plan) -> Planned {
        let bytes = EntryCodec.encode(plan.entry)
        guard bytes.count <= Limits.entryBytesMax else {
            return .refused(
                .tooLarge(
                    limit: "entry",
                    size: UInt64(bytes.count),
                    max: Limits.entryBytesMax
                )
            )
        }
        guard kernel.cache.count + plan.entry.keys.count <= kernel.cache.keysMax else {
            return .refused(.cacheFull)
        }
        return .plan(plan, bytes)
    }

    private func fetch(
        _ names: [BookName],
        _ bodies: [BodyKey],
        _ facts: inout AdmissionFacts
    ) async throws {
        let keys = names.map { StateCodec.encodeKey(.bookName($0)) }
        let values = try await links.state.read(keys)
        for (name, value) in zip(names, values) {
            facts.names[name] = .some(try value.map(StateKeeper.bookID))
        }
        for body in bodies {
            let known = try recordInFlight(of: body)
            facts.bodies[body] =
                if let known { .some(known) } else { try await links.records.body(body) }
        }
    }

    /// The record of a transaction that was applied and is not yet in the record files, in one
    /// piece.
    private func recordInFlight(of body: BodyKey) throws(Malformed) -> [UInt8]? {
        for entry in inFlight {
            let found = entry.positions.first {
                $0.book == body.book && $0.transaction == body.transaction
            }
            if let found {
                let skip = found.record.rawValue - entry.first.rawValue
                return try entry.framed.record(at: Int(skip))?.whole()
            }
        }
        return nil
    }

    private func apply(
        _ plan: Plan,
        _ bytes: [UInt8],
        _ taken: [WaitingSubmission],
        _ groupsMax: Int
    ) {
        let index = plan.entry.predicted
        // Applied first: an entry that ends the process here must not be in the log, where every
        // later start would meet it again.
        let applied = kernel.apply(plan, at: index)
        guard let submissions = applied.submissions else {
            invariantFailure(.i12, "an entry of the only writer met another index than its own")
        }
        links.log.append(bytes)
        statistics.note(plan)
        var finished: [WaitingSubmission] = []
        var again: [WaitingSubmission] = []
        for (item, result) in zip(taken, submissions) {
            item.take(result)
            if item.restCount == 0 { finished.append(item) } else { again.append(item) }
        }
        inFlight.append(
            InFlight(
                index: index,
                size: applied.size,
                root: applied.root,
                positions: applied.positions,
                framed: FramedRecords(applied.framedRecords, blobs: applied.blobs),
                first: applied.firstRecord,
                books: plan.entry.books,
                finished: finished
            )
        )
        requeue(again)
        links.log.publish(applied)
        flush.note(entryBytes: bytes.count, at: index, kernel.cache)
        if flush.isDue { startFlush() }
        copyRows()
    }

    /// What is left of a submission comes first in the next entry; one that stays stale is refused.
    private func requeue(_ again: [WaitingSubmission]) {
        for item in again where item.rebuilds > Limits.rebuildsMax {
            item.refuse(.staleTooOften)
        }
        waiting.insert(
            contentsOf: again.filter { $0.rebuilds <= Limits.rebuildsMax },
            at: 0
        )
    }

    // MARK: - Events

    /// An entry is durable and its records are in their files: its callers are answered.
    private func publish(_ head: LedgerHead) {
        guard fault == nil else { return }  // its callers were told that the node has stopped
        self.head = head
        invariant(
            .i12,
            inFlight.first?.index == head.logIndex,
            "entry \(head.logIndex) was published out of order"
        )
        let entry = inFlight.removeFirst()
        links.published(head, entry.books)
        for item in entry.finished {
            item.answer(at: head, links.records) { fault in self.onThread { $0.fail(fault) } }
        }
        wake()
    }

    /// Stops for good: nobody is acknowledged any more.
    func fail(_ fault: NodeFault) {
        guard self.fault == nil else { return }
        self.fault = fault
        refuseWaiting(.faulted)
        refuseFlushWaiters(.faulted)
        for entry in inFlight {
            for item in entry.finished { item.refuse(.faulted) }
        }
        inFlight = []
        links.failed(fault)
        wake()
    }

    private func refuseWaiting(_ busy: Busy) {
        for item in waiting { item.refuse(busy) }
        waiting = []
    }
}
