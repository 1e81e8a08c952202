// SPDX-License-Identifier: Apache-2.0
//
// The digest on demand beside everything else a sequencer does: writes, a slow flush, a stop, a
// store that fails. Called by `swift test`.

import TallyChecker
import TallyNode
import TallySim
import TallyTypes
import TestSupport
import Testing

@Suite("the digest on demand")
struct StateDigestTests {
    /// What the checker computes from the first records of a node.
    private func replayed(_ node: LiveNode, _ size: UInt64) throws -> Digest? {
        var checker = Checker(heads: [])
        for record in try node.records().prefix(Int(size)) { checker.feed(record, offset: 0) }
        return checker.stateDigest()
    }

    @Test("it is that of the records up to where it says, beside writes that go on")
    func beside() async throws {
        let node = try await LiveNode.founded(FaultDisk(), LiveRules(k: 5))
        async let payments: Void = {
            for number in 1...120 {
                _ = try await node.ask(.pay("world", "account:\(number)", 1))
            }
        }()
        var statements: [StateStatement] = []
        for _ in 0..<12 { statements.append(try await node.sequencer.stateDigest()) }
        try await payments
        let last = try await node.sequencer.stateDigest()
        #expect(last.head == (await node.sequencer.currentHead()))
        for statement in statements + [last] {
            #expect(try replayed(node, statement.head.size) == statement.digest)
        }
        try await node.stop()
        #expect(try node.stateDigest() == last.digest)
    }

    @Test("one at a time; a flush is waited for, and a stop refuses who waits")
    func bounds() async throws {
        let gate = StoreGate()
        let node = try await LiveNode.founded(FaultDisk(), LiveRules(k: 64), gate: gate)
        gate.closeForFlushes()
        let first = Task { try await node.sequencer.stateDigest() }
        try await waitUntil("the flush") { gate.isHolding }
        await #expect(throws: Busy.queueFull) { _ = try await node.sequencer.stateDigest() }
        #expect(try await node.ask(.pay("alice", "bob", 1)).refusal == nil, "writes go on")
        await node.sequencer.stop()
        await #expect(throws: Busy.stopping) { _ = try await first.value }
        gate.open()
        try await node.stop()
        await #expect(throws: Busy.stopping) { _ = try await node.sequencer.stateDigest() }
    }

    @Test("a flush that fails is a fault")
    func fault() async throws {
        let gate = StoreGate()
        let node = try await LiveNode.founded(FaultDisk(), LiveRules(k: 64), gate: gate)
        gate.breakFlushes()
        await #expect(throws: Busy.faulted) { _ = try await node.sequencer.stateDigest() }
        await node.ended()
        #expect(node.faultLines.count == 1 && node.faultLines[0].contains("simulated"))
    }
}
