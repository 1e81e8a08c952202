// SPDX-License-Identifier: Apache-2.0
//
// Dry runs beside real submissions: what they read may fail, which is a fault and no answer; what
// they replay may be on its way to the disk; and nothing of them is counted. Called by
// `swift test`.

import TallyKernel
import TallyNode
import TallySim
import TallyTypes
import TestSupport
import Testing

@Suite("dry runs")
struct DryRunTests {
    @Test("a state store that cannot be read stops the node in a dry run too")
    func storeFault() async throws {
        let gate = StoreGate()
        let node = try await LiveNode.founded(gate: gate)
        gate.breakReads()
        await #expect(throws: Busy.faulted) {
            _ = try await node.sequencer.dryRun([.pay("world", "nobody", 1)])
        }
        try #require(await node.sequencer.faultReason() != nil)
        await node.ended()
        #expect(node.faultLines.count == 1 && node.faultLines[0].contains("simulated"))
        await #expect(throws: Busy.faulted) { try await node.ask(.pay("alice", "bob", 1)) }
    }

    @Test("a first outcome that cannot be read stops the node in a dry run too")
    func recordFault() async throws {
        let node = try await LiveNode.founded()
        let pay = Request.pay("alice", "bob", 10, key: "once")
        _ = try await node.ask(pay)
        #expect(try await node.sequencer.dryRun([pay]).answers.first?.settled.isReplay == true)
        node.disk.setPlan(FaultPlan(failingRead: node.disk.counts.reads + 1))
        await #expect(throws: Busy.faulted) { _ = try await node.sequencer.dryRun([pay]) }
        try #require(await node.sequencer.faultReason() != nil)
        await node.ended()
        #expect(node.faultLines.count == 1 && node.faultLines[0].contains("records"))
        await #expect(throws: Busy.faulted) { try await node.ask(.pay("alice", "bob", 1)) }
    }

    @Test("a dry run of what is applied and not yet published is answered from there")
    func replayInFlight() async throws {
        let node = try await LiveNode.founded(FaultDisk(), LiveRules(k: 64))
        var wasInFlight = false
        for attempt in 0..<40 where !wasInFlight {
            wasInFlight = try await replaysInFlight(node, Text("once \(attempt)"))
        }
        #expect(wasInFlight, "every payment was published before it was replayed")
        try await node.stop()
        try await node.expectVerified()
    }

    /// Pays behind an entry that keeps the log's thread busy; true when the dry run was earlier.
    private func replaysInFlight(_ node: LiveNode, _ key: Text) async throws -> Bool {
        let many = (0..<4_000).map { [Request.pay("world", "account:\($0 % 9)", 1)] }
        let pay = Request.pay("alice", "bob", 1, key: key)
        let orders = await node.sequencer.statistics.orders
        async let all = node.submit(.groups(many))
        try await waitUntil("the entry before it") {
            await node.sequencer.statistics.orders >= orders + 4_000
        }
        async let answer = node.ask(pay)
        var dry: Record?
        while dry == nil {
            let told = try await node.sequencer.dryRun([pay]).answers.first?.settled
            if told?.isReplay == true { dry = told?.record }
        }
        let size = await node.sequencer.currentHead().size
        #expect(try await answer.settled.record == dry)
        #expect(try await all.count == 4_000)
        return dry.map { size <= $0.index.rawValue } ?? false
    }

    @Test("only what was applied is counted")
    func counts() async throws {
        let node = try await LiveNode.founded()
        let before = await node.sequencer.statistics
        _ = try await node.sequencer.dryRun([.pay("world", "carol", 1)])
        let note = Text(String(repeating: "x", count: 40_000))
        let wide = [Request](repeating: .describe("alice", metadata(("note", note))), count: 40)
        await #expect {
            _ = try await node.submit(.groups([wide]))
        } throws: {
            if case .tooLarge? = $0 as? Busy { true } else { false }
        }
        let between = await node.sequencer.statistics
        #expect(between.entries == before.entries && between.orders == before.orders)
        #expect(between.keys == before.keys && between.seeds == before.seeds)
        let two = [[Request.pay("world", "carol", 1)], [.pay("world", "dave", 1)]]
        _ = try await node.submit(.groups(two))
        let after = await node.sequencer.statistics
        #expect(after.entries == before.entries + 1 && after.orders == before.orders + 2)
        #expect(after.keys > before.keys && after.seeds >= before.seeds + 2)
        try await node.stop()
    }
}
