// SPDX-License-Identifier: Apache-2.0
//
// One random interleaving of {receive, fetch, propose, apply, sync, flush, follow, crash} over two
// real kernels, a leader's and a follower's, judged by the twin: the properties P, R, D, M, O and L
// of the model that specs/cache.md names. Each step draws from a generator of its own. Called by
// the protocol tests and by Tests/Mutants, which breaks the kernel one sentence at a time.

import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes
import TestSupport

/// What happened in some histories.
struct HistoryCounts: Sendable {
    var histories = 0
    var entries = 0
    var records = 0
    var replays = 0
    var stale = 0
    var crashes = 0
    var flushes = 0
    var reconfigurations = 0
    var lossesFound = 0

    static func += (left: inout HistoryCounts, right: HistoryCounts) {
        left.histories += right.histories
        left.entries += right.entries
        left.records += right.records
        left.replays += right.replays
        left.stale += right.stale
        left.crashes += right.crashes
        left.flushes += right.flushes
        left.reconfigurations += right.reconfigurations
        left.lossesFound += right.lossesFound
    }
}

/// A part of a submission on its way, and where it stands in the submission as it was first sent.
struct Ticket {
    let number: Int
    let firstGroup: Int
    let rebuilds: Int
    let submission: Submission
}

/// A draft in the making: facts and values are read one by one, at any moment.
private struct Work {
    let tickets: [Ticket]
    var facts = AdmissionFacts()
    var names: [BookName] = []
    var bodies: [BodyKey] = []
    var draft: Draft?
    var values: [[UInt8]?] = []
    var unread: [Int] = []

    init(_ tickets: [Ticket]) {
        self.tickets = tickets
    }

    var isWaiting: Bool { !names.isEmpty || !bodies.isEmpty || !unread.isEmpty }
}

/// One random history.
final class ProtocolHistory {
    let rules: Rules
    private let seed: UInt64
    private let leader: LedgerNode
    private let follower: LedgerNode
    private var log = LogModel()
    private var twin: Twin
    private var universe = Universe()
    private var orders = RandomOrders()
    private var works: [Work] = []
    /// Tickets of every plan ever proposed, by its salt seed; and those not yet seen at an index.
    private var tickets: [Digest: [Ticket]] = [:]
    private var inFlight: Set<Digest> = []
    /// The plans of this leader, by the salt seeds of their entries.
    private var plans: [Digest: Plan] = [:]
    private var seenGroups: [Int: Int] = [:]
    private var recordsAt: [UInt64: Int] = [:]
    private var numbers = 0
    private var newBooks: UInt64 = 0
    private(set) var counts = HistoryCounts()
    private(set) var trace: [String] = []

    init(_ rules: Rules, seed: UInt64) {
        self.rules = rules
        self.seed = seed
        leader = LedgerNode(rules)
        var other = rules
        other.mutant = nil
        other.keysMax = rules.keysMax * 2
        follower = LedgerNode(other)
        twin = Twin(k: rules.k)
        orders.isWide = seed % 4 == 0
    }

    func run(steps: Int) throws {
        try found()
        for step in 0..<steps {
            var random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(step))
            _ = random.next()
            try take(step, &random)
        }
        var random = SeededRandom(seed: seed)
        trace.append("end")
        try checkStore(of: try crash(&random))
        try loseAcknowledgedFrame(&random)
        counts.histories = 1
        counts.records = leader.records.count
    }

    private func take(_ step: Int, _ random: inout SeededRandom) throws {
        let before = trace.count
        switch random.below(1000) {
        case 0..<120: try receive(&random)
        case 120..<360: try read(&random)
        case 360..<590: try propose(&random)
        case 590..<830: try apply(&random)
        case 830..<900: sync(&random)
        case 900..<950:
            // Half of the histories hold their flushes back until a rotation asks for one.
            if seed % 2 == 0 || random.chance(1, in: 8) { try flush(&random) }
        case 950..<994: try follow(&random)
        default: _ = try crash(&random)
        }
        if trace.count > before { trace[before] = "\(step): \(trace[before])" }
    }

    /// Entry 1 creates the ledger, alone and durable.
    private func found() throws {
        let creation = CreateLedger(origin: "history.example", entriesPerGeneration: rules.k)
        numbers += 1
        let work = Work([
            Ticket(
                number: numbers,
                firstGroup: 0,
                rebuilds: 0,
                submission: .groups([[.system(.createLedger(creation))]])
            )
        ])
        works.append(work)
        try advance(0)
        for position in works[0].unread { works[0].values[position] = nil }
        works[0].unread = []
        var random = SeededRandom(seed: seed)
        try propose(0, &random)
        log.durable = 1
        try apply(&random)
    }

    private var hasRoom: Bool {
        let limit = min(8, leader.kernel.cache.entriesPerGeneration)
        return log.count - leader.applied < limit || rules.breaks(.noInFlightLimit)
    }

    private func note(_ text: @autoclosure () -> String) {
        let line = text()
        trace.append(line)
        if rules.isLoud { print("K = \(rules.k), seed \(seed): \(line)") }
    }
}

// MARK: - Producer and sequencer

extension ProtocolHistory {
    private func receive(_ random: inout SeededRandom) throws {
        guard works.count < 4, hasRoom else { return }
        let all = (0...random.below(2)).map { _ in
            numbers += 1
            return Ticket(
                number: numbers,
                firstGroup: 0,
                rebuilds: 0,
                submission: orders.submission(&random)
            )
        }
        note("receive \(all.map(\.submission))")
        try start(all)
    }

    private func start(_ tickets: [Ticket]) throws {
        works.append(Work(tickets))
        try advance(works.count - 1)
    }

    /// Admits at the next index of the log, now.
    private func advance(_ position: Int) throws {
        let index = LogIndex(log.count + 1)
        let admission = leader.kernel.admit(
            works[position].tickets.map(\.submission),
            at: index,
            facts: works[position].facts,
            newBookID: {
                newBooks += 1
                return BookID(7, newBooks)
            }
        )
        switch admission {
        case .refused(let busy): throw Broken("admission refuses: \(busy)")
        case .lacks(let names, let bodies):
            works[position].names = names
            works[position].bodies = bodies
        case .needs(let draft):
            works[position].values = draft.missing.map { _ in nil }
            works[position].unread = Array(draft.missing.indices)
            works[position].draft = draft
        }
    }

    /// Reads names, bodies and values, key by key, at any moment, across flushes.
    private func read(_ random: inout SeededRandom) throws {
        let waiting = works.indices.filter { works[$0].isWaiting }
        guard !waiting.isEmpty else { return }
        let position = waiting[random.below(waiting.count)]
        for _ in 0...(random.chance(2, in: 3) ? 500 : random.below(25)) {
            if let name = works[position].names.popLast() {
                works[position].facts.names[name] = .some(try leader.bookID(name))
            } else if let body = works[position].bodies.popLast() {
                works[position].facts.bodies[body] = .some(try leader.body(body))
            } else if !works[position].unread.isEmpty, let draft = works[position].draft {
                let next = random.below(works[position].unread.count)
                let item = works[position].unread.remove(at: next)
                let key = Array(draft.entry(keyOf: item))
                works[position].values[item] = leader.stored(key)
            }
        }
        if works[position].draft == nil, !works[position].isWaiting, hasRoom {
            try advance(position)
        }
    }

    private func propose(_ random: inout SeededRandom) throws {
        guard hasRoom, leader.kernel.mayEnter(leader.kernel.applied.next) else { return }
        for position in works.indices where works[position].draft == nil {
            if !works[position].isWaiting { try advance(position) }
        }
        let ready = works.indices.filter { works[$0].draft != nil && !works[$0].isWaiting }
        guard !ready.isEmpty else { return }
        try propose(ready[random.below(ready.count)], &random)
    }

    private func propose(_ position: Int, _ random: inout SeededRandom) throws {
        let work = works.remove(at: position)
        guard let draft = work.draft else { throw Broken("no draft") }
        let index = LogIndex(log.count + 1)
        let choices = PlanChoices(
            time: Instant(microseconds: UInt64(1 + random.below(5000))),
            saltSeed: Digest(random.next(), random.next(), random.next(), random.next())
        )
        switch leader.kernel.complete(draft, values: work.values, at: index, choices: choices) {
        case .admitAgain: try start(work.tickets)
        case .plan(let plan): try append(plan, draft, work.tickets, &random)
        }
    }

    private func append(
        _ plan: Plan,
        _ draft: Draft,
        _ owners: [Ticket],
        _ random: inout SeededRandom
    ) throws {
        var entry = plan.entry
        if rules.breaks(.fadingSeedFromStore) {
            let missing = Set(draft.missing)
            entry.seeds = entry.seeds.map { seed in
                missing.contains(seed.key)
                    ? seed
                    : Seed(key: seed.key, value: leader.stored(Array(entry.keys[Int(seed.key)])))
            }
        }
        try universe.add(entry, plan.hashes)
        let bytes = EntryCodec.encode(entry)
        try require(bytes.count < 100_000, "an entry of \(bytes.count) bytes")
        // Another writer's entry came first.
        if log.count > 0, random.chance(1, in: 10) { log.append(nil) }
        tickets[entry.saltSeed] = owners
        inFlight.insert(entry.saltSeed)
        if entry == plan.entry { plans[entry.saltSeed] = plan }
        log.append(bytes)
        note("plan for \(entry.predicted) at \(log.count)")
        if log.count > 1, random.chance(3, in: 100) { log.append(bytes) }  // delivered twice
        if random.chance(5, in: 100), rules.breaks(.rebuildAfterTimeout) {
            inFlight.remove(entry.saltSeed)
            try rebuild(owners)
        }
    }

    private func rebuild(_ all: [Ticket]) throws {
        let again = all.filter { $0.rebuilds < Limits.rebuildsMax }.map {
            Ticket(
                number: $0.number,
                firstGroup: $0.firstGroup,
                rebuilds: $0.rebuilds + 1,
                submission: $0.submission
            )
        }
        if !again.isEmpty, hasRoom { try start(again) }  // else the client is let go
    }
}

// MARK: - Leader

extension ProtocolHistory {
    /// May run ahead of the sync.
    private func apply(_ random: inout SeededRandom) throws {
        let index = leader.applied + 1
        guard index <= log.count else { return }
        guard leader.kernel.mayEnter(LogIndex(index)) else {
            if leader.kernel.isReconfiguring { counts.reconfigurations += 1 }
            if leader.applied > log.durable { sync(&random) }
            try leader.beginFlush(log.durable, watching: universe.hashes)
            for _ in 0...random.below(3) { try leader.stepFlush() }
            return
        }
        let (entry, applied) = try leader.apply(index, log.entry(index)) { plans[$0] }
        note("apply \(index): \(applied.submissions == nil ? "stale" : "applied")")
        counts.entries += 1
        try account(index, entry, applied)
        try require(
            applied.root == twin.tree.root && leader.scalars == twin.scalars,
            "P: root or scalars differ from the twin's"
        )
        if random.chance(1, in: 3) { try checkPlain() }
        guard let entry, inFlight.remove(entry.saltSeed) != nil else { return }
        try rebuildStale(entry, applied)
    }

    private func rebuildStale(_ entry: Entry, _ applied: Applied) throws {
        guard let owners = tickets[entry.saltSeed] else { throw Broken("an unknown plan") }
        guard let submissions = applied.submissions else {
            counts.stale += 1
            return try rebuild(owners)
        }
        for (ticket, result) in zip(owners, submissions) {
            switch (ticket.submission, result) {
            case (.groups(let groups), .groups(_, let stale?)):
                counts.stale += 1
                let rest = Ticket(
                    number: ticket.number,
                    firstGroup: ticket.firstGroup + stale,
                    rebuilds: ticket.rebuilds,
                    submission: .groups(Array(groups[stale...]))
                )
                try rebuild([rest])
            case (.batch, .staleBatch):
                counts.stale += 1
                try rebuild([ticket])
            default: continue
            }
        }
    }

    /// O: every group at most once, in order.
    ///
    /// Then P: the twin gives the same answers.
    private func account(_ index: UInt64, _ entry: Entry?, _ applied: Applied) throws {
        recordsAt[index] = applied.recordCount
        guard let entry, let submissions = applied.submissions else {
            return try require(applied.recordCount == 0, "P: a stale entry made records")
        }
        guard let owners = tickets[entry.saltSeed] else { throw Broken("an unknown plan") }
        twin.begin(entry)
        for (position, ticket) in owners.enumerated() {
            switch (entry.submissions[position], submissions[position]) {
            case (.groups(let groups), .groups(let answers, let stale)):
                try require(
                    answers.count == stale ?? groups.count,
                    "O: a group ran although an earlier one of its submission is stale"
                )
                for (offset, answers) in answers.enumerated() {
                    try see(ticket, offset)
                    try judge(twin.apply(groups[offset]), answers)
                }
            case (.batch(let batch), .batch):
                try see(ticket, 0)
                let expected = twin.apply(batch, entry.keys)
                try require(
                    expected == submissions[position],
                    "P: a batch gives \(submissions[position]), not \(expected)"
                )
            case (.batch, .staleBatch): continue
            default: throw Broken("P: groups were answered as a batch, or a batch as groups")
            }
        }
    }

    private func see(_ ticket: Ticket, _ offset: Int) throws {
        let group = ticket.firstGroup + offset
        try require(
            group > seenGroups[ticket.number, default: -1],
            "O: a group of a submission was applied twice or out of order"
        )
        seenGroups[ticket.number] = group
    }

    private func judge(_ expected: [AppliedAnswer], _ answers: [AppliedAnswer]) throws {
        try require(expected == answers, "P: answers \(answers), expected \(expected)")
        for answer in answers {
            switch answer {
            case .replay: counts.replays += 1
            case .record(let record):
                let index = Int(record.index.rawValue)
                guard leader.records.indices.contains(index) else { continue }  // in a replay
                try require(
                    leader.records[index] == RecordCodec.encode(record),
                    "P: the bytes of record \(index) are not those of its answer"
                )
            }
        }
    }

    /// P, for the state: what a read finds (cache, else store) is what the twin holds.
    private func checkPlain() throws {
        var live = 0
        for (position, key) in universe.decoded.enumerated() {
            let found = try leader.row(universe.keys[position], key, universe.hashes[position])
            if found != nil { live += 1 }
            let expected = twin.rows[key]
            try require(
                found == expected,
                "P: \(key) is \(String(describing: found)), not \(String(describing: expected))"
            )
        }
        try require(live == twin.rows.count, "P: the twin has rows that nobody covered")
    }

    private func sync(_ random: inout SeededRandom) {
        if log.durable < log.count {
            log.durable += UInt64(1 + random.below(Int(log.count - log.durable)))
        }
        leader.publish(log.durable)
    }

    private func flush(_ random: inout SeededRandom) throws {
        let wasIdle = leader.flush == nil
        try leader.beginFlush(log.durable, watching: universe.hashes)
        if wasIdle, let flush = leader.flush {
            counts.flushes += 1
            note("capture \(flush.applied)")
        }
        for _ in 0..<random.below(4) { try leader.stepFlush() }
    }
}

// MARK: - Crash and follower

extension ProtocolHistory {
    /// Power loss between any two disk writes; then R against a node that was never restored.
    private func crash(_ random: inout SeededRandom) throws -> LedgerNode {
        counts.crashes += 1
        note("crash at applied \(leader.applied), flushed \(leader.store.applied)")
        let acknowledged = Array(leader.records[..<leader.published])
        let durable = log.durable
        leader.loseMemory { random.below($0.count) + $0.lowerBound }
        try log.recover(flushed: leader.store.applied.rawValue, rules, &random)
        try require(log.durable >= durable, "L: the log lost a durable frame")
        try leader.restart(log.entries)
        (works, inFlight, plans, seenGroups, recordsAt) = ([], [], [:], [:], [:])
        twin = Twin(k: rules.k)
        var plain = rules
        plain.mutant = nil
        let neverStopped = LedgerNode(plain)
        for index in log.frames.indices.map({ UInt64($0 + 1) }) {
            let (entry, applied) = try neverStopped.applyInOrder(index, log.entry(index))
            try account(index, entry, applied)
        }
        try expectEqual(leader, neverStopped, "R: a restored node")
        try require(
            leader.records.starts(with: acknowledged),
            "R: an acknowledged record changed"
        )
        try checkPlain()
        return neverStopped
    }

    private func expectEqual(_ left: LedgerNode, _ right: LedgerNode, _ who: String) throws {
        try require(left.kernel.applied == right.kernel.applied, "\(who): applied differs")
        try require(left.kernel.scalars == right.kernel.scalars, "\(who): scalars differ")
        try require(left.kernel.tree == right.kernel.tree, "\(who): trees differ")
        try require(left.records == right.records, "\(who): records differ")
        if left.kernel.isReconfiguring || right.kernel.isReconfiguring { return }
        try require(
            left.kernel.cache.current == right.kernel.cache.current,
            "\(who): the generation differs"
        )
        try require(
            try left.kernel.view(of: universe.hashes) == right.kernel.view(of: universe.hashes),
            "\(who): the cache differs"
        )
    }

    /// Durable entries only, with flushes and crashes of its own.
    private func follow(_ random: inout SeededRandom) throws {
        let end = min(log.durable, leader.applied)
        while follower.applied < end {
            let index = follower.applied + 1
            try follower.applyInOrder(index, log.entry(index))
            if random.chance(2, in: 10) { try follower.beginFlush(index) }
            if random.chance(3, in: 10) { try follower.stepFlush() }
            if random.chance(3, in: 100) {
                follower.loseMemory { random.below($0.count) + $0.lowerBound }
                try follower.restart(Array(log.entries[..<Int(index)]))
            }
            if random.chance(1, in: 10) { break }
        }
        if follower.applied == leader.applied {
            try expectEqual(leader, follower, "D: a replica")
        }
        let common = min(leader.records.count, follower.records.count)
        try require(
            leader.records[..<common] == follower.records[..<common],
            "D: the records of two replicas differ"
        )
    }

    /// Everything flushed: the store holds the twin's rows and nothing else.
    private func checkStore(of node: LedgerNode) throws {
        try node.finishFlush(log.count)
        var expected: [[UInt8]: [UInt8]] = [:]
        for (key, value) in twin.rows {
            expected[StateCodec.encodeKey(key)] = StateCodec.encodeValue(value)
        }
        try require(node.store.rows == expected, "P: the store differs from the twin")
    }

    /// L: the log ends before a frame whose records the files hold: the node must stop.
    private func loseAcknowledgedFrame(_ random: inout SeededRandom) throws {
        let flushed = leader.store.applied.rawValue
        let lost = recordsAt.filter { $0.value > 0 && $0.key > max(flushed, 1) }.keys.sorted()
        if lost.isEmpty { return }
        let index = lost[random.below(lost.count)]
        do {
            try leader.restart(Array(log.entries[..<Int(index - 1)]))
        } catch is Broken {
            counts.lossesFound += 1
            return
        }
        throw Broken("L: an acknowledged frame was lost and the node started")
    }
}

extension Draft {
    /// The canonical bytes of one missing key.
    fileprivate func entry(keyOf position: Int) -> [UInt8] { missingKeys[position] }
}

/// Runs histories and gives what happened, or throws what the first bad one broke.
func runHistories(
    _ rules: Rules,
    seeds: Range<UInt64>,
    steps: Int
) throws -> HistoryCounts {
    var counts = HistoryCounts()
    for seed in seeds {
        let history = ProtocolHistory(rules, seed: seed)
        do {
            try history.run(steps: steps)
        } catch {
            let last = history.trace.suffix(12).joined(separator: "\n    ")
            throw Broken("K = \(rules.k), seed \(seed): \(error)\n    \(last)")
        }
        counts += history.counts
    }
    return counts
}
