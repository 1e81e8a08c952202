// SPDX-License-Identifier: Apache-2.0
//
// A valid history with everything in it verifies, and says so.

import TallyChecker
import TallyCodec
import TallyProof
import TallyTypes
import Testing

@Suite("Checker: a valid history")
struct SampleTests {
    @Test("every check is ok")
    func valid() {
        let report = Sample.stored.verified()
        for check in report.checks {
            #expect(check.verdict == .ok, "\(check)")
        }
        #expect(report.checks.count == 10)
        #expect(report.exitCode == 0)
        #expect(report.notes == [])
        #expect(report.lines == ["verified \(report.records) records, root \(report.root)"])
    }

    @Test("every kind of order is in it, and every refusal but two")
    func complete() {
        let kinds = Set(Sample.history.lines.map(\.order.kind))
        #expect(kinds.count == OrderKind.allCases.count)
        let refusals = Sample.history.lines.compactMap { line -> UInt64? in
            guard case .refused(let refusal) = line.outcome else { return nil }
            return refusal.number
        }
        #expect(Set(refusals) == Set(1...18).subtracting([14, 15]))
    }

    @Test("the balances are those of the hand")
    func balances() throws {
        var checker = Checker(heads: [])
        Sample.history.bytes.forEach { checker.feed($0, offset: 0) }
        let rows = checker.rows()
        let expected: [(String, UInt128, UInt128)] = [
            ("alice", 300, 200), ("bob", 60, 65), ("carol", 30, 30), ("dave", 5, 0),
            ("fay", 10, 10), ("gus", 10, 0), ("hal", 1, 1), ("ida", 1, 0),
        ]
        for (name, input, output) in expected {
            let key = StateKey.volume(Books.money, usd, account(name))
            let volume = Volume(input: Amount(input), output: Amount(output))
            #expect(rows[key] == .volume(volume), "\(name)")
        }
        #expect(rows[.volume(Books.money, usd, account("erin"))] == nil)
        #expect(
            rows[.transactionState(Books.money, TransactionID(1))]
                == .transactionState(
                    TransactionState(
                        revertedBy: TransactionID(6),
                        metadata: map([("a", "b")])
                    )
                )
        )
        #expect(rows[.accountMetadata(Books.money, account("bob"), key: "c")] == .text("d"))
        #expect(rows[.accountMetadata(Books.money, account("alice"), key: "tier")] == nil)
        #expect(rows[.bookMetadata(Books.money, key: "p")] == .text("q"))
        #expect(rows[.bookMetadata(Books.money, key: "m")] == nil)
        let entity = EntityState(
            fields: [EntityState.Field(name: "d", value: JSONText(#"{"e":[0.10]}"#))])
        #expect(rows[.entity(Books.notes, type: "case", id: "1")] == .entity(entity))
        #expect(checker.scalars.entriesPerGeneration == 16)
        #expect(checker.scalars.epoch == Epoch(1))
    }

    @Test("the tail beyond the store's state is checked too")
    func tail() {
        let stored = Sample.stored
        let shorter = Stored(History(Array(Sample.history.lines[1..<20])))
        var checker = Checker(heads: [shorter.head, stored.head], sealSizes: Sample.sealSizes)
        for record in stored.records[..<20] { checker.feed(record, offset: 0) }
        var rest = shorter.rows[...]
        checker.compareRows(shorter.scalars) { rest.popFirst() }
        for record in stored.records[20...] { checker.feed(record, offset: 0) }
        #expect(checker.report().exitCode == 0)
    }

    @Test("records beyond the last head are replayed and called unproven")
    func unproven() {
        let stored = Sample.stored
        let shorter = Stored(History(Array(Sample.history.lines[1..<20])))
        var checker = Checker(heads: [shorter.head])
        for record in stored.records { checker.feed(record, offset: 0) }
        let report = checker.report()
        #expect(report.verdict("tree") == .ok)
        #expect(report.notes == ["records from 20 on lie beyond every head: replayed, not proven"])
    }

    @Test("rows without any record are refuted")
    func rowsAlone() {
        let empty = TreeHead(size: 0, root: CompactRange.emptyRoot, source: "head")
        var checker = Checker(heads: [empty])
        var rest = Sample.stored.rows[...]
        checker.compareRows(LedgerScalars()) { rest.popFirst() }
        #expect(checker.report().reason("rows") == .projection)
        var wrong = Checker(heads: [TreeHead(size: 0, root: .zero, source: "head")])
        #expect(wrong.report().reason("tree") == .root)
    }

    @Test("without records, head or rows nothing is called verified")
    func nothing() {
        var empty = Checker(heads: [])
        let report = empty.report()
        #expect(report.exitCode == 2)
        #expect(report.checks.allSatisfy { $0.verdict != .ok })
        var checker = Checker(heads: [])
        Sample.history.bytes.forEach { checker.feed($0, offset: 0) }
        #expect(checker.report().exitCode == 2)
        #expect(checker.stateDigest() == Sample.stored.digest, "records alone give the digest")
    }
}
