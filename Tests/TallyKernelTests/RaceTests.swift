// SPDX-License-Identifier: Apache-2.0
//
// The race of specs/cache.md §4 and the held-back flush of §3, through admission, plan, log, apply,
// flush and restore, with a crash after each step. Nothing here touches a row by hand.

import TallyCodec
import TallyKernel
import TallyTypes
import Testing

@Suite("Race of a delete with a rotation")
struct RaceTests {
    private static let set = Order.setAccountMetadata(account("x"), map(("p", "7")))
        .in(Book.money)
    private static let clear = Order.deleteAccountMetadata(account("x"), key: "p").in(Book.money)

    /// K = 3, and the book of money.
    private func bench() throws -> Bench {
        let bench = try Bench(k: 3)
        try bench.send(.makeMoney)
        return bench
    }

    private func reach(_ bench: Bench, distance: UInt64) throws -> (Reach, StateValue?) {
        let book = try #require(try bench.node.bookID(Book.money))
        let key = StateKey.accountMetadata(book, account("x"), key: "p")
        let hash = KeyHash(of: StateCodec.encodeKey(key), under: bench.node.kernel.secrets)
        let reach = bench.node.kernel.cache.reach(hash, distance: distance)
        switch reach {
        case .hit(let handle), .fading(let handle):
            return (reach, bench.node.kernel.cache.value(handle))
        case .miss, .collision: return (reach, nil)
        }
    }

    /// Flushes, if asked, and restarts; nothing may change.
    private func crash(_ bench: Bench, _ isDue: Bool, _ flushed: Bool) throws {
        guard isDue else { return }
        if flushed { try bench.node.finishFlush(bench.node.applied) }
        try bench.restart()
    }

    @Test("T0 to T3, with a crash after each", arguments: 0...4, [true, false])
    func race(crashAfter: Int, flushed: Bool) throws {
        let bench = try bench()
        try bench.idle(to: 2)
        // T0: a delete is admitted for index 4, the first of the next generation: a miss, absent.
        let put = try bench.draft([[RaceTests.set]])
        try bench.propose(try bench.plan(put))  // in flight at 3
        let draft = try bench.draft([[RaceTests.clear]])
        let keys = draft.missingKeys.map { bench.node.stored($0) }
        #expect(!keys.isEmpty, "T0: the key is a miss")
        let late = try bench.plan(draft)
        try bench.propose(late)
        try crash(bench, crashAfter == 0, flushed)
        // T1: the put applies at 3.
        try bench.applyAll(upTo: 3)
        #expect(try reach(bench, distance: 0).1 == .text("7"))
        try crash(bench, crashAfter == 1, flushed)
        // T2, T3: index 4 rotates, and the delete finds the value.
        try bench.applyAll()
        try crash(bench, crashAfter == 2, flushed)
        let (now, value) = try reach(bench, distance: 1)
        guard case .hit = now else { throw Broken("T3: the tombstone is not in gen0") }
        #expect(value == nil)
        try bench.idle(to: 6)
        try crash(bench, crashAfter == 3, flushed)
        // One more rotation: gen1 holds the tombstone; after another one the key is nowhere.
        try bench.idle(to: 7)
        guard case .fading = try reach(bench, distance: 1).0 else { throw Broken("not in gen1") }
        try crash(bench, crashAfter == 4, flushed)
        try bench.idle(to: 10)
        #expect(try reach(bench, distance: 0).0 == .miss)
        try bench.checkState()
        try crash(bench, true, true)
    }

    @Test("flush held back: a key only in gen1, admitted at d = 1, is seeded from its row")
    func heldFlush() throws {
        let bench = try bench()
        try bench.send(RaceTests.set)  // 3, generation 0
        try bench.idle(to: 6)  // generation 1; the next index begins generation 2
        #expect(bench.node.store.applied < LogIndex(3), "the flush was held back")
        guard case .fading = try reach(bench, distance: 1).0 else { throw Broken("not in gen1") }
        let draft = try bench.draft([[RaceTests.clear]])
        let book = try #require(try bench.node.bookID(Book.money))
        let key = StateCodec.encodeKey(.accountMetadata(book, account("x"), key: "p"))
        #expect(!draft.missingKeys.contains(key), "the store is not asked")
        let plan = try bench.plan(draft)
        let seed = plan.entry.seeds.first { Array(plan.entry.keys[Int($0.key)]) == key }
        #expect(seed?.value == StateCodec.encodeValue(.text("7")))
        try bench.propose(plan)
        try bench.applyAll()
        #expect(try reach(bench, distance: 1).1 == nil)
        try bench.checkState()
        try crash(bench, true, true)
    }

    @Test("flush held back: a tombstone only in gen1 is seeded as absent, whatever the store says")
    func heldFlushOfDelete() throws {
        let bench = try bench()
        try bench.send(RaceTests.set)  // 3
        try bench.node.finishFlush(3)
        try bench.send(RaceTests.clear)  // 4, generation 1
        try bench.idle(to: 9)  // generation 2; the next index begins generation 3
        try bench.propose(try bench.plan(try bench.draft([[RaceTests.set]])))
        try bench.applyAll()
        #expect(try reach(bench, distance: 1).1 == .text("7"))
        try bench.checkState()
        try crash(bench, true, true)
    }

    @Test("a draft that comes after its generation, or after the epoch, is admitted again")
    func lateDrafts() throws {
        let bench = try bench()
        let draft = try bench.draft([[RaceTests.set]])  // for 3, the last of generation 0
        try bench.idle(to: 3)
        #expect(bench.completes(draft, at: 3))
        #expect(!bench.completes(draft, at: 4))
        let next = try bench.draft([[RaceTests.set]])
        let late = try bench.draft([[RaceTests.set]])
        #expect(bench.completes(next, at: 4))
        try bench.send(.system(.setConfiguration(entriesPerGeneration: 5)))
        #expect(!bench.completes(late, at: 5))
    }

    @Test("a change of K ends both generations; a draft admitted before it took effect is too old")
    func reconfiguration() throws {
        let bench = try bench()
        try bench.send(RaceTests.set)
        try bench.send(.system(.setConfiguration(entriesPerGeneration: 5)))
        #expect(bench.node.isReconfiguring)
        let early = try bench.draft([[RaceTests.clear]])
        #expect(bench.completes(early, at: 5))
        try bench.node.finishFlush(4)
        #expect(!bench.node.isReconfiguring)
        #expect(try reach(bench, distance: 0).0 == .miss)
        #expect(!bench.completes(early, at: 5), "its hits are gone")
        try bench.send(RaceTests.clear)
        try bench.checkState()
        try crash(bench, true, true)
    }

    @Test("a plan that meets another index rotates, makes no record and changes nothing else")
    func otherIndex() throws {
        let bench = try bench()
        let plan = try bench.plan(try bench.draft([[RaceTests.set]]))
        bench.proposeForeign()
        try bench.propose(plan)
        let applied = try #require(try bench.applyAll())
        #expect(applied.submissions == nil)
        #expect(applied.recordCount == 0)
        #expect(bench.node.generation == Generation(1))
        try bench.checkState()
    }
}
