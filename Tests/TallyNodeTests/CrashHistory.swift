// SPDX-License-Identifier: Apache-2.0
//
// The history that the crash tests run: ten entries of every shape, with flushes between and
// during them, and what it leads to when nothing goes wrong. Called by the crash tests.

import TallyKernel
import TallyProof
import TallySim
import TallyStore
import TallyTypes

/// The submissions by their log index, and when the state is flushed.
enum CrashHistory {
    /// Entries that are in flight together.
    static let batches: [ClosedRange<UInt64>] = [1...1, 2...2, 3...4, 5...5, 6...7, 8...8, 9...10]
    /// After these entries the state is flushed.
    static let flushes: Set<UInt64> = [4]
    /// After these entries a flush is captured; it is written after the next ones.
    static let captures: Set<UInt64> = [5]

    static let submissions: [Submission] = [
        .one(
            Request(
                book: nil,
                order: .createLedger(
                    CreateLedger(origin: "test/crash", entriesPerGeneration: SmallDisk.k)
                )
            )
        ),
        .groups([
            [.make(Book.money), .pay("world", "alice", 100)], [.make(Book.events, .journal)],
        ]),
        .groups([
            [.pay("world", "bob", 50, key: "k1", reference: "r1")],
            [.pay("alice", "bob", 5), .revert(3)],
        ]),
        .batch(
            [
                TransferText("alice", "bob", 7), TransferText("bob", "carol", 1_000),
                TransferText("world", "carol", 30),
            ],
            key: "b1"
        ),
        .groups([
            [.pay("world", "bob", 50, key: "k1", reference: "r1")],
            [.pay("bob", "carol", 1), .pay("carol", "dora", 9_999)],
        ]),
        .groups([[.revert(1)], [.event("7", "status", "\"open\"")]]),
        .groups([
            [.event("7", "status", "\"closed\"")], [.describe("bob", metadata(("tier", "gold")))],
        ]),
        .one(.configure(4)),
        .groups([[.pay("carol", "dora", 2, reference: "r1")], [.pay("carol", "dora", 2)]]),
        .batch(
            [
                TransferText("alice", "bob", 7), TransferText("bob", "carol", 1_000),
                TransferText("world", "carol", 30),
            ],
            key: "b1"
        ),
    ]

    /// Makes the entries above an index, with the flushes that belong to them, and stops.
    static func run(_ node: CrashNode) throws {
        let done = node.head.logIndex.rawValue
        for batch in batches where batch.upperBound > done {
            let first = max(batch.lowerBound, done + 1)
            try node.run((first...batch.upperBound).map { submissions[Int($0) - 1] })
            try node.finishFlush()
            if flushes.contains(batch.upperBound) { try node.flush() }
            if captures.contains(batch.upperBound) { node.capture() }
        }
        try node.stop()
    }

    /// Makes the entries up to one, flushed as of the fourth, and ends without a stop.
    static func begin(_ node: CrashNode, upTo last: UInt64) throws {
        for batch in batches where batch.upperBound <= last {
            try node.run(batch.map { submissions[Int($0) - 1] })
            if flushes.contains(batch.upperBound) { try node.flush() }
        }
    }

    /// The history without a fault.
    static func twin() throws -> Twin {
        let disk = FaultDisk()
        let node = try CrashNode(disk)
        try run(node)
        var heads = [
            LogIndex.zero: LedgerHead(size: 0, root: CompactRange.emptyRoot, logIndex: .zero)
        ]
        for applied in node.published {
            heads[applied.index] = LedgerHead(
                size: applied.size,
                root: applied.root,
                logIndex: applied.index
            )
        }
        return Twin(
            heads: heads,
            last: node.head,
            records: try node.records(),
            rows: try node.rows(),
            scalars: try node.scalars(),
            changes: disk.counts.changes,
            disk: disk
        )
    }
}

/// What the history leads to when nothing goes wrong.
struct Twin {
    let heads: [LogIndex: LedgerHead]
    let last: LedgerHead
    let records: [[UInt8]]
    let rows: [StateRow]
    let scalars: [UInt8]
    /// Changes of the disk from the first folder to the clean stop.
    let changes: Int
    /// The disk after the clean stop.
    let disk: FaultDisk

    /// Start-up finds a prefix that holds everything acknowledged, byte for byte.
    func check(_ node: CrashNode, holds acknowledged: LedgerHead?, _ label: String) throws {
        guard node.head == heads[node.head.logIndex] else {
            throw Broken("\(label): \(node.head) is no head of the undisturbed run")
        }
        if let acknowledged, node.head.logIndex < acknowledged.logIndex {
            throw Broken("\(label): \(node.head) lacks what was acknowledged: \(acknowledged)")
        }
        guard try node.records() == Array(records.prefix(Int(node.head.size))) else {
            throw Broken("\(label): the records are not those of the undisturbed run")
        }
    }

    /// The rest of the history leads to the same end.
    func finish(_ node: CrashNode, _ label: String) throws {
        try CrashHistory.run(node)
        try check(node, holds: last, label + ", finished")
        guard try node.rows() == rows, try node.scalars() == scalars else {
            throw Broken("\(label): the state is not that of the undisturbed run")
        }
    }

    /// Starts on what a crash left, checks, goes on to the end, and starts once more.
    func judge(_ left: FaultDisk, holds acknowledged: LedgerHead?, _ label: String) throws {
        let node = try CrashNode(left)
        try check(node, holds: acknowledged, label)
        try finish(node, label)
        let again = try CrashNode(left.afterCrash(.everything))
        try check(again, holds: last, label + ", started again")
    }
}
