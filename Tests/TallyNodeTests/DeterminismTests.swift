// SPDX-License-Identifier: Apache-2.0
//
// Two nodes, one history: when flushes end and how threads meet changes no root, no state digest
// and no outcome. Once as two whole nodes that are asked the same, one after the other; once as a
// node under concurrent callers, and a replica that applies the log it left. Called by
// `swift test`.

import TallyCodec
import TallyKernel
import TallyLog
import TallyNode
import TallyProof
import TallySim
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("determinism of the node")
struct DeterminismTests {
    /// All that must be equal.
    private struct Left: Equatable {
        var answers: [SubmissionAnswer] = []
        let head: LedgerHead
        let records: [[UInt8]]
        let rows: [StateRow]
        let digest: Digest
    }

    /// Asks one thing after the other; by chance flushes are held back until a rotation waits.
    private func run(_ seed: UInt64, _ rules: LiveRules, timing: UInt64) async throws -> Left {
        let gate = StoreGate()
        let node = try await LiveNode.founded(FaultDisk(), rules, gate: gate)
        _ = try await node.ask(.make(Book.events, .journal))
        var random = SeededRandom(seed: seed)
        var chance = SeededRandom(seed: timing)
        var answers: [SubmissionAnswer] = []
        for number in 1...60 {
            let submission = RandomStep.submission(&random, number)
            if timing > 0, chance.chance(1, in: 3) { gate.closeForFlushes() }
            let before = await node.sequencer.statistics
            async let answer = node.sequencer.submit(submission)
            try await waitUntil("an entry, or a rotation that waits") {
                let now = await node.sequencer.statistics
                return now.entries > before.entries || now.rotationWaits > before.rotationWaits
            }
            let isWaiting = await node.sequencer.statistics.entries == before.entries
            if isWaiting || chance.chance(1, in: 4) { gate.open() }
            answers.append(try await answer)
        }
        gate.open()
        try await node.stop()
        try await node.expectVerified()
        return Left(
            answers: answers,
            head: await node.sequencer.currentHead(),
            records: try node.records(),
            rows: try node.rows(),
            digest: try node.stateDigest()
        )
    }

    @Test("the same orders, with other flushes and other files", arguments: UInt64(1)...4)
    func timing(_ seed: UInt64) async throws {
        let first = try await run(seed, LiveRules(), timing: 0)
        let small = LiveRules(keysMax: 9_000, segmentBytes: 16_384, stepBytes: 4_096)
        for other in [
            try await run(seed, LiveRules(), timing: seed + 100),
            try await run(seed, small, timing: seed + 200),
        ] {
            #expect(other.answers == first.answers)
            #expect(other.head == first.head)
            #expect(other.records == first.records)
            #expect(other.rows == first.rows)
            #expect(other.digest == first.digest)
        }
    }

    @Test("the log of concurrent callers, applied again with other flushes", arguments: 1...4)
    func replica(_ seed: Int) async throws {
        let rules = LiveRules(k: 5)
        let node = try await LiveNode.founded(FaultDisk(), rules)
        _ = try await node.ask(.make(Book.events, .journal))
        let answers = try await withThrowingTaskGroup(of: [Answer].self) { group in
            for caller in 0..<8 as Range<Int> {
                group.addTask {
                    var random = SeededRandom(seed: UInt64(seed << 8 | caller))
                    var told: [Answer] = []
                    for number in 1...20 {
                        let step = RandomStep.submission(&random, number)
                        told += try await node.submit(step).flatMap { $0 }
                    }
                    return told
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        try await node.stop()
        let left = try node.records()
        var random = SeededRandom(seed: UInt64(seed))
        let replica = Replica(k: rules.k)
        for entry in try node.entries() {
            try replica.apply(entry, flushes: random.chance(1, in: 3))
        }
        replica.flush()
        let head = await node.sequencer.currentHead()
        #expect(replica.records == left)
        #expect(replica.head == head)
        #expect(replica.sortedRows == (try node.rows()))
        #expect(try replica.stateDigest() == node.stateDigest())
        #expect(answers.count > 200)
        for record in answers.map(\.settled.record) {
            #expect(RecordCodec.encode(record) == replica.records[Int(record.index.rawValue)])
        }
    }
}

/// A kernel that applies a log by itself, and keeps what it flushes in a dictionary.
private final class Replica {
    private var kernel: Kernel
    private var rows: [[UInt8]: [UInt8]] = [:]
    private(set) var records: [[UInt8]] = []
    private(set) var head = LedgerHead(size: 0, root: .zero, logIndex: .zero)

    init(k: UInt64) {
        kernel = Kernel(
            entriesPerGeneration: k,
            secrets: KeySecrets(Digest(5, 6, 7, 8)),
            keysMax: 65_536
        )
    }

    func apply(_ entry: LogEntry, flushes: Bool) throws {
        if flushes || !kernel.mayEnter(entry.index) { flush() }
        let applied = kernel.apply(try EntryCodec.decode(entry.bytes), at: entry.index)
        let run = FramedRecords(applied.framedRecords, blobs: applied.blobs)
        records += try (0..<applied.recordCount).compactMap { try run.record(at: $0)?.whole() }
        head = LedgerHead(size: applied.size, root: applied.root, logIndex: applied.index)
    }

    func flush() {
        guard kernel.applied > kernel.cache.flushed else { return }
        kernel.beginCapture()
        guard let capture = kernel.advanceCapture(rows: .max) else { fatalError("rows are left") }
        capture.forEachRow { key, value in
            rows[key.array] = value.array
        } delete: { key in
            rows[key.array] = nil
        }
        kernel.markFlushed(kernel.applied)
    }

    var sortedRows: [StateRow] {
        rows.map { StateRow(key: $0.key, value: $0.value) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    func stateDigest() throws -> Digest {
        var digest = StateDigest(deleted: [])
        for row in sortedRows {
            let book = try StateCodec.decodeKey(row.key).book
            digest.add(book: book, key: row.key, value: row.value)
        }
        return digest.finish(scalars: StateCodec.encodeScalars(kernel.scalars))
    }
}

extension Span<UInt8> {
    /// A copy of the bytes.
    fileprivate var array: [UInt8] { indices.map { self[$0] } }
}
