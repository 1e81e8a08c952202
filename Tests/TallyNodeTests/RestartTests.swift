// SPDX-License-Identifier: Apache-2.0
//
// Restarts, rotations and flushes in any order: the ledger a node finds is the one it left, and
// the store holds what dictionaries say. Called by `swift test`.

import TallyCodec
import TallyKernel
import TallyNode
import TallyProof
import TallySim
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("restarts and rotations")
struct RestartTests {
    private func step(
        _ node: LiveNode,
        _ random: inout SeededRandom,
        _ number: Int
    ) async throws {
        _ = try await node.sequencer.submit(RandomStep.submission(&random, number))
    }

    @Test("a hundred restarts of small steps", arguments: [1, 2] as [UInt64])
    func restarts(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed)
        let rules = LiveRules(k: 3, keysMax: 220, segmentBytes: 32_768, stepBytes: 4_096)
        var node = try await LiveNode.founded(FaultDisk(), rules)
        _ = try await node.ask(.make(Book.events, .journal))
        let probe = try await node.ask(.pay("alice", "bob", 1, key: "probe")).settled.record
        for number in 1...100 {
            for _ in 0...random.below(4) { try await step(node, &random, number) }
            let isClean = random.chance(1, in: 2)
            if isClean { try await node.stop() }
            let head = await node.sequencer.currentHead()
            let records = try node.records()
            let rows = try node.rows()
            let again = try LiveNode(node.disk.afterExit(), rules)
            #expect(again.startHead == head, "seed \(seed), restart \(number)")
            #expect(try again.records() == records, "seed \(seed), restart \(number)")
            if isClean {
                #expect(try again.rows() == rows, "seed \(seed), restart \(number)")
                #expect(try again.marker()?.applied == head.logIndex)
            }
            let replay = try await again.ask(.pay("alice", "bob", 1, key: "probe"))
            #expect(replay.settled == (probe, true))
            await node.sequencer.stop()
            node = again
        }
        try await node.stop()
        try await node.expectVerified()
        let statistics = await node.sequencer.statistics
        print("seed \(seed): \(try node.records().count) records, \(statistics)")
    }

    @Test(
        "rotation and flush interleave with many callers, and every row is right",
        arguments: [
            3, 4, 5,
        ] as [UInt64]
    )
    func rotation(seed: UInt64) async throws {
        let rules = LiveRules(k: 3, segmentBytes: 16_384, stepBytes: 4_096)
        let node = try await LiveNode.founded(FaultDisk(), rules)
        _ = try await node.ask(.make(Book.events, .journal))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<8 as Range<UInt64> {
                group.addTask {
                    var random = SeededRandom(seed: seed << 8 | caller)
                    for number in 1...40 { try await step(node, &random, number) }
                }
            }
            try await group.waitForAll()
        }
        try await node.stop()
        try await node.expectVerified()
        let statistics = await node.sequencer.statistics
        print("seed \(seed): \(statistics)")
        #expect(statistics.flushes > 10 && statistics.entries > 30)
        #expect(statistics.seeds > 0)
    }
}
