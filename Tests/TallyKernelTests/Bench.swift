// SPDX-License-Identifier: Apache-2.0
//
// One node, one entry at a time, everything durable at once, through the public path: admit,
// complete, encode, decode, apply. Each entry is judged by the twin. Called by the tests of this
// folder only.

import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes
import Testing

/// A ledger on a bench, with its twin beside it.
final class Bench {
    static let origin: Text = "test.example/ledger"

    let node: LedgerNode
    private(set) var twin: Twin
    private(set) var frames: [[UInt8]?] = []
    private(set) var universe = Universe()
    var time: UInt64 = 1000
    private var newBooks: UInt64 = 0
    private var seeds: UInt64 = 0

    /// Makes a ledger whose entry 1 is `ledger.create`.
    init(k: UInt64 = 64, keysMax: Int = 512) throws {
        node = LedgerNode(Rules(k: k, keysMax: keysMax))
        twin = Twin(k: k)
        let creation = CreateLedger(origin: Bench.origin, entriesPerGeneration: k)
        try send(.system(.createLedger(creation)))
    }

    // MARK: - Admission

    /// Admits at the next free index, reading what is asked for.
    func draft(_ submissions: [Submission]) throws -> Draft {
        var facts = AdmissionFacts()
        while true {
            let index = LogIndex(UInt64(frames.count) + 1)
            switch node.kernel.admit(submissions, at: index, facts: facts, newBookID: newBookID) {
            case .needs(let draft): return draft
            case .refused(let busy): throw busy
            case .lacks(let names, let bodies):
                for name in names { facts.names[name] = .some(try node.bookID(name)) }
                for body in bodies { facts.bodies[body] = .some(try node.body(body)) }
            }
        }
    }

    func draft(_ groups: [[Request]]) throws -> Draft { try draft([.groups(groups)]) }

    func newBookID() -> BookID {
        newBooks += 1
        return BookID(7, newBooks)
    }

    func choices() -> PlanChoices {
        seeds += 1
        time += 10
        return PlanChoices(
            time: Instant(microseconds: time),
            saltSeed: Digest(seeds, 1, 2, 3)
        )
    }

    /// Completes at the next free index with what the store holds now.
    func plan(_ draft: Draft) throws -> Plan {
        let index = LogIndex(UInt64(frames.count) + 1)
        let values = draft.missingKeys.map { node.stored($0) }
        switch node.kernel.complete(draft, values: values, at: index, choices: choices()) {
        case .plan(let plan): return plan
        case .admitAgain: throw Broken("the draft comes too late")
        }
    }

    /// True when a draft gives a plan for an index.
    func completes(_ draft: Draft, at index: UInt64) -> Bool {
        let values = draft.missingKeys.map { node.stored($0) }
        let completion = node.kernel.complete(
            draft,
            values: values,
            at: LogIndex(index),
            choices: choices()
        )
        if case .plan = completion { return true }
        return false
    }

    // MARK: - Log

    /// Appends a plan to the log.
    func propose(_ plan: Plan) throws {
        try universe.add(plan.entry, plan.hashes)
        frames.append(EntryCodec.encode(plan.entry))
    }

    /// Appends another writer's entry.
    func proposeForeign() { frames.append(nil) }

    /// Applies what is in the log and gives what the last entry brought about.
    @discardableResult
    func applyAll(upTo end: UInt64 = .max) throws -> Applied? {
        var last: Applied?
        while node.applied < min(UInt64(frames.count), end) {
            let index = node.applied + 1
            let (entry, applied) = try node.applyInOrder(index, frames[Int(index) - 1])
            if let entry, let submissions = applied.submissions { try judge(entry, submissions) }
            last = applied
            #expect(applied.root == twin.tree.root)
            #expect(applied.size == twin.tree.size)
            #expect(node.scalars == twin.scalars)
        }
        return last
    }

    private func judge(_ entry: Entry, _ submissions: [AppliedSubmission]) throws {
        #expect(EntryCodec.encode(entry) == frames[Int(entry.predicted.rawValue) - 1])
        let before = twin.records.count
        twin.begin(entry)
        for (planned, applied) in zip(entry.submissions, submissions) {
            switch (planned, applied) {
            case (.groups(let groups), .groups(let answers, _)):
                for (group, answers) in zip(groups, answers) {
                    #expect(twin.apply(group) == answers)
                }
            case (.batch, .staleBatch): break
            case (.batch(let batch), .batch):
                #expect(twin.apply(batch, entry.keys) == applied)
            default: throw Broken("groups were answered as a batch, or a batch as groups")
            }
        }
        for position in node.records.indices[before...] {
            let record = twin.records[position]
            #expect(try node.record(position) == record)
            #expect(RecordCodec.split(record).leaf == node.records[position])
        }
        #expect(node.records.count == twin.records.count)
    }

    // MARK: - One submission at a time

    /// What the last submission brought about.
    private(set) var lastApplied: Applied?

    @discardableResult
    func submit(_ submissions: [Submission]) throws -> [AppliedSubmission] {
        // A sequencer neither admits nor proposes before a change of K took effect.
        if node.isReconfiguring { try node.finishFlush(node.applied) }
        try propose(try plan(try draft(submissions)))
        lastApplied = try applyAll()
        guard let all = lastApplied?.submissions else { throw Broken("the entry is stale") }
        return all
    }

    /// Sends groups and gives their answers; fails when one is stale.
    @discardableResult
    func send(_ groups: [[Request]]) throws -> [[AppliedAnswer]] {
        guard case .groups(let answers, nil)? = try submit([.groups(groups)]).first else {
            throw Broken("a group is stale")
        }
        return answers
    }

    /// Sends one order on its own.
    @discardableResult
    func send(_ request: Request) throws -> AppliedAnswer { try send([[request]])[0][0] }

    /// Sends one group and gives its outcomes; fails on a replay.
    func outcomes(_ group: Request...) throws -> [Outcome] {
        try send([group])[0].map { answer in
            guard case .record(let record) = answer else { throw Broken("a replay") }
            return record.outcome
        }
    }

    /// Sends a batch and gives what became of it.
    @discardableResult
    func send(_ batch: BatchRequest) throws -> AppliedSubmission {
        try submit([.batch(batch)])[0]
    }

    /// Fills the log up to an index with other writers' entries.
    func idle(to index: Int) throws {
        while frames.count < index { proposeForeign() }
        try applyAll()
    }

    // MARK: - Looks

    /// Every row of the twin, as a reader of the node finds it, and nothing else.
    func checkState() throws {
        var live = 0
        for (position, key) in universe.decoded.enumerated() {
            let found = try node.row(
                universe.keys[position],
                key,
                universe.hashes[position]
            )
            #expect(found == twin.rows[key], "\(key)")
            if found != nil { live += 1 }
        }
        #expect(live == twin.rows.count)
    }

    /// Restarts the node from its store and log; nothing may change.
    func restart() throws {
        let before = try node.view(of: universe.hashes)
        let scalars = node.scalars
        try node.restart(Array(frames[..<Int(node.applied)]))
        #expect(try node.view(of: universe.hashes) == before)
        #expect(node.scalars == scalars)
        #expect(node.root == twin.tree.root)
        try checkState()
    }
}

extension Bench: CustomReflectable {
    /// Nothing: a failing expectation would print the whole ledger.
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// The outcome of a committed transaction.
func made(
    _ id: UInt64,
    log: UInt64,
    _ postings: [Posting]? = nil,
    at time: BusinessTime? = nil
) -> Outcome {
    .committed(
        .transaction(
            TransactionEffects(
                id: TransactionID(id),
                logID: LogID(log),
                postings: postings,
                timestamp: time
            )
        )
    )
}

func logged(_ log: UInt64) -> Outcome { .committed(.logged(LogID(log))) }

func poor(
    _ name: String,
    needs: UInt128,
    has available: UInt128,
    _ asset: Asset = usd
) -> Outcome {
    .refused(
        .insufficientFunds(
            account: account(name),
            asset: asset,
            needed: Amount(needs),
            available: Amount(available)
        )
    )
}
