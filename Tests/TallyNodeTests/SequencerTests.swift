// SPDX-License-Identifier: Apache-2.0
//
// The one door in, with its threads: what callers are told when they come at once, when they ask
// for too much, when the node stops, and when it starts again. Called by `swift test`.

import TallyKernel
import TallyNode
import TallySim
import TallyTypes
import Testing

@Suite("the sequencer")
struct SequencerTests {
    @Test("one idempotent request from many callers is one record")
    func concurrentDuplicates() async throws {
        let node = try await LiveNode.founded()
        let before = await node.sequencer.currentHead().size
        let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
            for _ in 0..<64 {
                group.addTask { try await node.ask(.pay("alice", "bob", 10, key: "once")) }
            }
            return try await group.reduce(into: [Answer]()) { $0.append($1) }
        }
        #expect(answers.count == 64)
        let first = try #require(answers.first).settled.record
        #expect(first.isCommitted && first.index.rawValue == before)
        #expect(answers.allSatisfy { $0.settled.record == first })
        #expect(answers.count { !$0.settled.isReplay } == 1)
        #expect(await node.sequencer.currentHead().size == before + 1)
        let other = try await node.ask(.pay("alice", "bob", 11, key: "once"))
        #expect(other.refusal == .idempotencyConflict)
        try await node.stop()
        try await node.expectVerified()
    }

    @Test("one batch from many callers is one run of records")
    func concurrentBatches() async throws {
        let node = try await LiveNode.founded()
        let batch = Submission.batch(
            [TransferText("alice", "bob", 7), TransferText("bob", "carol", 9_999)],
            key: "b"
        )
        let answers = try await withThrowingTaskGroup(of: BatchAnswer.self) { group in
            for _ in 0..<16 { group.addTask { try await node.ask(batch: batch) } }
            return try await group.reduce(into: [BatchAnswer]()) { $0.append($1) }
        }
        let first = try #require(answers.first)
        #expect(first.outcomes.map(\.refusal) == [0, 6])
        #expect(answers.allSatisfy { $0.first == first.first && $0.outcomes == first.outcomes })
        #expect(answers.count { !$0.isReplay } == 1)
        try await node.stop()
        try await node.expectVerified()
    }

    @Test("a submission larger than an entry is split in order and answered whole")
    func split() async throws {
        let node = try await LiveNode.founded()
        let groups = (0..<9_000).map { number in
            [Request.pay("world", "account:\(number % 50)", UInt128(number + 1))]
        }
        let entriesBefore = await node.sequencer.statistics.entries
        let answers = try await node.submit(.groups(groups))
        #expect(answers.count == groups.count)
        let ids = answers.map { $0.first?.transaction?.rawValue }
        #expect(ids == (0..<9_000).map { UInt64($0) + 2 })
        #expect(await node.sequencer.statistics.entries >= entriesBefore + 2)
        try await node.stop()
        try await node.expectVerified()
    }

    @Test("a group that is too large for an entry is refused, and nothing is recorded")
    func tooLarge() async throws {
        let node = try await LiveNode.founded()
        let head = await node.sequencer.currentHead()
        let orders = [Request](repeating: .pay("world", "bob", 1), count: 8_193)
        await #expect {
            _ = try await node.submit(.groups([orders]))
        } throws: {
            if case .tooLarge? = $0 as? Busy { true } else { false }
        }
        let long = String(repeating: "x", count: 40_000)
        let wide = [Request](
            repeating: .describe("alice", metadata(("note", Text(long)))),
            count: 40
        )
        await #expect {
            _ = try await node.submit(.groups([wide]))
        } throws: {
            if case .tooLarge? = $0 as? Busy { true } else { false }
        }
        #expect(await node.sequencer.currentHead() == head)
        #expect(try await node.ask(.pay("alice", "bob", 1)).refusal == nil)
        try await node.stop()
    }

    @Test("a group may use the book and revert the transaction that it makes")
    func createAndUse() async throws {
        let node = try await LiveNode.founded()
        let fresh = bookName("fresh")
        let pay = Request(
            book: fresh,
            order: .createTransaction(CreateTransaction(postings: [posting("world", "a", 5)]))
        )
        let undo = Request(
            book: fresh,
            order: .revertTransaction(RevertTransaction(transaction: TransactionID(1)))
        )
        let answers = try await node.submit(.groups([[.make(fresh), pay, undo]]))
        #expect(answers[0].allSatisfy { $0.settled.record.isCommitted })
        #expect(answers[0][2].transaction == TransactionID(2))
        #expect(try await node.ask(undo).refusal == .alreadyReverted(TransactionID(1)))
        try await node.stop()
        try await node.expectVerified()
    }

    @Test("a transaction is reverted while its entry is still in flight")
    func revertInFlight() async throws {
        let node = try await LiveNode.founded()
        let refusals = try await withThrowingTaskGroup(of: Refusal?.self) { group in
            for id in 2...33 as ClosedRange<UInt64> {
                group.addTask { try await node.ask(.pay("world", "bob", UInt128(id))).refusal }
                group.addTask {
                    while true {
                        let answer = try await node.ask(.revert(id, isForced: true))
                        if answer.refusal == .transactionNotFound(TransactionID(id)) { continue }
                        return answer.refusal
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(refusals.count == 64)
        try await node.stop()
        try await node.expectVerified()
    }

    @Test("a dry run answers as the real one would, and changes nothing")
    func dryRun() async throws {
        let node = try await LiveNode.founded()
        let head = await node.sequencer.currentHead()
        let group = [Request.pay("alice", "bob", 400, key: "k"), .revert(2)]
        let dry = try await node.sequencer.dryRun(group)
        let again = try await node.sequencer.dryRun(group)
        #expect(dry.volumes == again.volumes)
        #expect(await node.sequencer.currentHead() == head)
        let bob = try #require(
            try await node.sequencer.dryRun([group[0]]).volumes.first {
                $0.account == account("bob")
            }
        )
        #expect(bob.before == .zero && bob.after.input == Amount(400))
        let refused = try await node.sequencer.dryRun([.pay("alice", "bob", 5_000)])
        guard case .insufficientFunds = refused.answers.first?.refusal else {
            throw Broken("a dry run over the balance was not refused: \(refused.answers)")
        }
        let real = try await node.submit(.groups([group]))
        #expect(real[0].map(\.transaction) == dry.answers.map(\.transaction))
        #expect(real[0].map(\.transaction) == [TransactionID(2), TransactionID(3)])
        let replay = try await node.sequencer.dryRun([group[0]])
        #expect(replay.answers.first?.settled.isReplay == true)
        try await node.stop()
        try await node.expectVerified()
    }

    @Test("config.set changes K after a flush, and the node goes on over a restart")
    func configuration() async throws {
        let node = try await LiveNode.founded()
        #expect(try await node.ask(.configure(5)).refusal == nil)
        for number in 1...12 { _ = try await node.ask(.pay("alice", "bob", UInt128(number))) }
        #expect(try await node.ask(.configure(2)).refusal == nil)
        try await node.stop()
        try await node.expectVerified()
        let again = try LiveNode(node.disk.afterExit(), node.rules)
        for number in 1...9 { _ = try await again.ask(.pay("alice", "bob", UInt128(number))) }
        try await again.stop()
        try await again.expectVerified()
    }
}
