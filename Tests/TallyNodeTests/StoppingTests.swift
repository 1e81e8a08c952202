// SPDX-License-Identifier: Apache-2.0
//
// The end of a sequencer: a stop while entries are in flight or being planned, a full queue, a
// disk that fails under load. Every caller gets exactly one answer, and no answer is wrong
// afterwards. Called by `swift test`.

import TallyCodec
import TallyKernel
import TallyNode
import TallySim
import TallyTypes
import TestSupport
import Testing

@Suite("stopping and failing")
struct StoppingTests {
    /// What a caller was told.
    private enum Told: Sendable {
        case answer(Answer)
        case busy(Busy)
    }

    private static func told(_ node: LiveNode, _ request: Request) async throws -> Told {
        do {
            return .answer(try await node.ask(request))
        } catch let busy as Busy {
            return .busy(busy)
        }
    }

    private static func payments(_ node: LiveNode, _ count: Int) async throws -> [Told] {
        try await withThrowingTaskGroup(of: Told.self) { group in
            for number in 0..<count {
                group.addTask {
                    try await told(node, .pay("world", "account:\(number)", UInt128(number + 1)))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func records(_ told: [Told]) -> [Record] {
        told.compactMap { if case .answer(let answer) = $0 { answer.settled.record } else { nil } }
    }

    @Test("a stop answers what is in flight and refuses what waits")
    func stopUnderLoad() async throws {
        let node = try await LiveNode.founded()
        let before = await node.sequencer.currentHead().size
        async let told = StoppingTests.payments(node, 300)
        try await waitUntil("some were answered") {
            await node.sequencer.currentHead().size > before
        }
        await node.sequencer.stop()
        let all = try await told
        try await node.stop()
        let answered = StoppingTests.records(all)
        #expect(all.count == 300 && !answered.isEmpty)
        for case .busy(let busy) in all { #expect(busy == .stopping) }
        let size = await node.sequencer.currentHead().size
        #expect(size == before + UInt64(answered.count))
        let held = try node.records()
        for record in answered {
            #expect(held[Int(record.index.rawValue)] == RecordCodec.encode(record))
        }
        await #expect(throws: Busy.stopping) { try await node.ask(.pay("alice", "bob", 1)) }
        try await node.expectVerified()
    }

    @Test("a stop while an entry is planned answers it, and refuses the rest of its submission")
    func stopWhilePlanning() async throws {
        let gate = StoreGate()
        let node = try await LiveNode.founded(gate: gate)
        let before = await node.sequencer.currentHead().size
        gate.close()
        let groups = (0..<9_000).map { [Request.pay("world", "account:\($0 % 9)", 1)] }
        async let told = StoppingTests.told(node, .pay("world", "zoe", 1))
        try await waitUntil("the first plan") { gate.isHolding }
        let split = Task { try await node.sequencer.submit(.groups(groups)) }
        async let waits = StoppingTests.told(node, .pay("world", "yan", 1))
        gate.open()
        gate.close()
        try await waitUntil("the second plan") { gate.isHolding }
        await node.sequencer.stop()
        gate.open()
        guard case .answer = try await told else { throw Broken("what was in flight is lost") }
        await #expect(throws: Busy.stopping) { _ = try await split.value }
        _ = try await waits
        try await node.stop()
        #expect(await node.sequencer.currentHead().size > before)
        try await node.expectVerified()
    }

    @Test("a full queue refuses, and everybody else is answered")
    func queueFull() async throws {
        let gate = StoreGate()
        let node = try await LiveNode.founded(gate: gate)
        gate.close()
        async let first = StoppingTests.told(node, .pay("world", "zoe", 1))
        try await waitUntil("the first plan") { gate.isHolding }
        let extra = 7
        async let all = StoppingTests.payments(node, Limits.submissionsWaitingMax + extra)
        try await waitUntil("a full queue") {
            await node.sequencer.waitingCount == Limits.submissionsWaitingMax
        }
        await #expect(throws: Busy.queueFull) { try await node.ask(.pay("alice", "bob", 1)) }
        gate.open()
        guard case .answer = try await first else { throw Broken("the first was refused") }
        let told = try await all
        #expect(StoppingTests.records(told).count >= Limits.submissionsWaitingMax)
        for case .busy(let busy) in told { #expect(busy == .queueFull) }
        try await node.stop()
    }

    @Test("a cache without room is emptied by empty entries; a key set that never fits is refused")
    func cacheFull() async throws {
        let rules = LiveRules(k: 64, keysMax: 60)
        let node = try await LiveNode.founded(FaultDisk(), rules)
        for number in 0..<200 {
            _ = try await node.ask(.pay("world", "account:\(number)", 1))
        }
        let many = (0..<100).map { posting("world", "many:\($0)", 1) }
        let order = Order.createTransaction(CreateTransaction(postings: many))
        await #expect(throws: Busy.cacheFull) {
            _ = try await node.ask(Request(book: Book.money, order: order))
        }
        #expect(try await node.ask(.pay("alice", "bob", 1)).refusal == nil)
        try await node.stop()
        try await node.expectVerified()
        let again = try LiveNode(node.disk.afterExit(), rules)
        #expect(again.startHead == (await node.sequencer.currentHead()))
    }

    @Test("a disk that fails under load: nobody is told too much, and nothing told is lost")
    func failUnderLoad() async throws {
        var failed = 0
        for change in 1...48 {
            let disk = FaultDisk()
            let node = try await LiveNode.founded(disk, LiveRules(segmentBytes: 8_192))
            disk.setPlan(FaultPlan(failures: [disk.counts.changes + change: .io]))
            var told: [Told] = []
            for _ in 0..<6 { told += try await StoppingTests.payments(node, 8) }
            for case .busy(let busy) in told { #expect(busy == .faulted) }
            if await node.sequencer.faultReason() == nil {
                try await node.stop()
            } else {
                failed += 1
                await node.ended()
                #expect(!node.faultLines.isEmpty)
                await #expect(throws: Busy.faulted) { try await node.ask(.pay("a", "b", 1)) }
                try await node.keeper.drain()
            }
            let again = try LiveNode(disk.afterExit(), node.rules)
            let held = try again.records()
            for record in StoppingTests.records(told) {
                #expect(held[Int(record.index.rawValue)] == RecordCodec.encode(record))
            }
            try await again.stop()
            try await again.expectVerified()
        }
        print("a failing disk under load: \(failed) of 48 stopped the node")
        #expect(failed > 20)
    }

    @Test("a rotation waits for a flush that is slow, and then goes on")
    func slowFlush() async throws {
        let gate = StoreGate()
        let node = try await LiveNode.founded(gate: gate)
        gate.closeForFlushes()
        async let told = StoppingTests.sequence(node, 12)
        try await waitUntil("a rotation that waits") {
            await node.sequencer.statistics.rotationWaits > 0
        }
        #expect(await node.sequencer.statistics.flushes == 0)
        gate.open()
        #expect(StoppingTests.records(try await told).count == 12)
        try await node.stop()
        try await node.expectVerified()
    }

    private static func sequence(_ node: LiveNode, _ count: Int) async throws -> [Told] {
        var all: [Told] = []
        for _ in 0..<count { all.append(try await told(node, .pay("alice", "bob", 1))) }
        return all
    }

    @Test("a flush that fails stops the node; what the log still reports is nobody's answer")
    func failingFlush() async throws {
        let gate = StoreGate()
        let node = try await LiveNode.founded(gate: gate)
        gate.breakFlushes()
        let told = try await StoppingTests.sequence(node, 12)
        await node.ended()
        #expect(node.faultLines.count == 1 && node.faultLines[0].contains("simulated"))
        var other = SmallDisk.emptyKernel()
        node.keeper.publish(other.skip(LogIndex(1)))
        try await node.keeper.drain()
        await #expect(throws: Busy.faulted) { try await node.ask(.pay("alice", "bob", 1)) }
        let again = try LiveNode(node.disk.afterExit(), node.rules)
        let held = try again.records()
        for record in StoppingTests.records(told) {
            #expect(held[Int(record.index.rawValue)] == RecordCodec.encode(record))
        }
        try await again.stop()
        try await again.expectVerified()
    }

    @Test(
        "a submission without orders is answered, and leaves a ledger that starts",
        arguments: [
            Submission.groups([]), .groups([[]]), .groups([[], [.pay("alice", "bob", 1)]]),
        ]
    )
    func empty(submission: Submission) async throws {
        let node = try await LiveNode.founded()
        let answers = try await node.submit(submission)
        guard case .groups(let groups) = submission else { throw Broken("no groups") }
        #expect(answers.map(\.count) == groups.map(\.count))
        let again = try LiveNode(node.disk.afterExit(), node.rules)
        #expect(try await again.ask(.pay("alice", "bob", 1)).refusal == nil)
        try await again.stop()
        try await again.expectVerified()
    }
}
