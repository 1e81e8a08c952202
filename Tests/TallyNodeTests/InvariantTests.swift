// SPDX-License-Identifier: Apache-2.0
//
// The invariants of the node fire: each test breaks one on purpose, in a process of its own.
// Called by `swift test`.

import TallyCodec
import TallyKernel
import TallyLog
import TallyNode
import TallySim
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("invariants of the node")
struct InvariantTests {
    /// A log keeper on an empty ledger.
    private static func keeper() throws -> LogKeeper {
        let disk = FaultDisk()
        let directory = try DataDirectory(
            disk: disk,
            path: SmallDisk.path,
            mode: .createOrOpen
        )
        let recovered = try SmallDisk.recover(disk, directory)
        return LogKeeper(writer: recovered.writer)
    }

    @Test("invariant 12 fires when an entry that is not the oldest in flight is published")
    func publishedOutOfOrder() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let node = try await LiveNode.founded()
            var other = SmallDisk.emptyKernel()
            // The sequencer has nothing in flight, and hears of entry 1 again.
            node.keeper.publish(other.skip(LogIndex(1)))
            try await node.keeper.drain()
            _ = await node.sequencer.currentHead()
        }
        expectInvariant(.i12, in: exit)
    }

    @Test("invariant 17 fires when work is handed to a log keeper that nobody listens to")
    func nobodyListens() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let keeper = try InvariantTests.keeper()
            keeper.append([1])
            try await keeper.drain()
        }
        expectInvariant(.i17, in: exit)
    }

    @Test("invariant 18 fires when records are written before their frame is durable")
    func recordsTooEarly() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let node = try CrashNode(FaultDisk())
            try node.publishTooEarly(CrashHistory.submissions[0])
        }
        expectInvariant(.i18, in: exit)
    }
}
