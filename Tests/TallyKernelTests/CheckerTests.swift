// SPDX-License-Identifier: Apache-2.0
//
// The second opinion on what the kernel made: the checker replays the records of random histories,
// with amounts near the ends of 128 and 256 bits, and must confirm records, rows and digest. The
// only tests in which the kernel and the checker meet without a node between them.

import TallyChecker
import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes
import Testing
import TestSupport

@Suite("The checker on the kernel's histories")
struct CheckerTests {
    @Test("every random history is confirmed", arguments: UInt64(1)...40)
    func histories(_ seed: UInt64) throws {
        let bench = try Bench.random(seed, k: [3, 8, 64][Int(seed % 3)], isWide: true)
        try bench.checkState()
        try bench.expectChecked()
    }

    @Test("the histories reach both refusals of sums, and reverts of wide amounts")
    func reach() throws {
        var found: [String: Int] = [:]
        for seed in UInt64(1)...40 {
            let bench = try Bench.random(seed, k: 64, isWide: true)
            for record in bench.twin.records {
                guard case .revertTransaction = record.order else { continue }
                switch record.outcome {
                case .committed(.transaction(let effects)):
                    let isWide = effects.postings?.contains { $0.amount.high != 0 } == true
                    found[isWide ? "wide" : "narrow", default: 0] += 1
                case .refused(.insufficientFunds): found["poor", default: 0] += 1
                case .refused(.amountOverflow): found["overflow", default: 0] += 1
                case .committed, .refused: continue
                }
            }
        }
        print("reverts in histories with wide amounts: \(found)")
        for kind in ["wide", "narrow", "poor", "overflow"] {
            #expect(found[kind, default: 0] > 0, "\(found)")
        }
    }
}

extension Bench {
    /// A ledger after forty random entries; twice as many, and its books first, for wide amounts.
    static func random(_ seed: UInt64, k: UInt64, isWide: Bool = false) throws -> Bench {
        var random = SeededRandom(seed: seed)
        var orders = RandomOrders()
        orders.changesK = false
        orders.isWide = isWide
        let bench = try Bench(k: k)
        if isWide {
            for book in [Book.money, Book.other] { try bench.send(.system(.make(book))) }
        }
        for _ in 0..<(isWide ? 80 : 40) {
            if random.chance(1, in: 6) { bench.proposeForeign() }
            try bench.applyAll()
            if !bench.node.mayEnter(bench.node.applied + 1) {
                try bench.node.finishFlush(bench.node.applied)
            }
            let submissions = (0...random.below(2)).map { _ in orders.submission(&random) }
            try bench.propose(try bench.plan(try bench.draft(submissions)))
            try bench.applyAll()
        }
        return bench
    }

    /// The checker confirms the records, every row of the store, and the digest.
    func expectChecked() throws {
        try node.finishFlush(node.applied)
        let head = TreeHead(size: UInt64(node.records.count), root: node.root, source: "kernel")
        var checker = Checker(heads: [head])
        for record in node.records { checker.feed(record, offset: 0) { node.blobs[$0] } }
        var rows = node.store.sortedRows[...]
        checker.compareRows(node.scalars) {
            rows.popFirst().map { StoredRow(key: $0.key, value: $0.value) }
        }
        checker.compare(digest: try node.stateDigest(), source: "kernel")
        let report = checker.report()
        #expect(report.exitCode == 0, "\(report.lines)")
    }
}

extension StoreModel {
    /// The rows, ascending by key bytes.
    var sortedRows: [(key: [UInt8], value: [UInt8])] {
        rows.map { (key: $0.key, value: $0.value) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }
}

extension LedgerNode {
    /// The digest of all state in the store.
    func stateDigest() throws -> Digest {
        var deleted: Set<BookID> = []
        let rows = try store.sortedRows.map { row in
            (key: row.key, decoded: try StateCodec.decodeKey(row.key), value: row.value)
        }
        for row in rows {
            if case .book(let book) = try StateCodec.decodeValue(kind: row.decoded.kind, row.value),
                book.isDeleted
            {
                deleted.insert(row.decoded.book)
            }
        }
        var digest = StateDigest(deleted: deleted)
        for row in rows { digest.add(book: row.decoded.book, key: row.key, value: row.value) }
        guard let marker = store.marker else { throw Broken("nothing was flushed") }
        return digest.finish(scalars: marker.scalars)
    }
}
