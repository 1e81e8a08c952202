// SPDX-License-Identifier: Apache-2.0
//
// A node for the routes: the dumb ledger behind the port, its records folded into real views in a
// folder of its own. Tests set what a real node would only rarely do: refuse work, fall behind,
// fail to read.

import TallyCodec
import TallyHTTP
import TallyProof
import TallyTypes
import TallyViews
import TestSupport
import Testing

/// What a test wants to go wrong.
struct DumbTroubles {
    /// Every submission is turned away so.
    var busy: Busy?
    /// Records are made and not folded.
    var areViewsBehind = false
    /// Why the node is not ready.
    var notReady: String?
    /// Reading a record fails.
    var isDiskBroken = false
    /// Submissions are answered in the shape of the other kind.
    var isShapeWrong = false
}

/// The disk that a test broke; its text must never reach a client.
struct BrokenDisk: Error, CustomStringConvertible {
    let description = "/var/secret/records-0001 is broken"
}

/// The dumb ledger behind a port.
actor DumbNode {
    private let directory: TemporaryDirectory
    private var store: ViewStore
    private let reader: ViewReader
    private var ledger = DumbLedger()
    private var folded = 0
    private var troubles = DumbTroubles()
    /// Submissions that reached the one door.
    private(set) var submissions: [Submission] = []

    init() throws {
        directory = try TemporaryDirectory("http")
        store = try ViewStore(directory: directory.path)
        reader = store.reader
    }

    /// The number of records.
    var size: Int { ledger.records.count }

    /// Makes something go wrong, or right again.
    func trouble(_ change: @Sendable (inout DumbTroubles) -> Void) {
        change(&troubles)
    }

    /// Makes a record say that it claims the key of a batch.
    func claim(_ batch: BatchClaim, at index: Int) {
        let record = ledger.records[index]
        ledger.records[index] = Record(
            index: record.index,
            book: record.book,
            sequence: record.sequence,
            previous: record.previous,
            time: record.time,
            idempotency: Digest(7, 7, 7, 7),
            salt: record.salt,
            order: record.order,
            outcome: record.outcome,
            batch: batch
        )
    }

    /// The port that the server gets.
    nonisolated var port: NodePort {
        NodePort(
            submit: { (submission) throws(Busy) in try await self.submit(submission) },
            dryRun: { (group) throws(Busy) in try await self.dryRun(group) },
            book: { (name) throws(Busy) in await self.book(name) },
            views: reader,
            caughtUp: { _ in await self.caughtUp() },
            folded: { await self.isFolded($0) },
            record: { try await self.record($0) },
            log: DumbLog.port { await self.leaves() },
            head: { await self.head() },
            stateDigest: { () throws(Busy) in try await self.statement() },
            notReady: { await self.reason() },
            metrics: { "tally_node_records 1\n" },
            origin: "ledger.test",
            version: "0.0.1-test"
        )
    }

    private func reason() -> String? { troubles.notReady }

    private func submit(_ submission: Submission) throws(Busy) -> SubmissionAnswer {
        if let busy = troubles.busy { throw busy }
        submissions.append(submission)
        switch submission {
        case .groups(let groups):
            let answers = groups.map { ledger.submit($0) }
            return troubles.isShapeWrong ? .groups([]) : .groups(answers)
        case .batch(let batch):
            return .batch(apply(batch))
        }
    }

    private func dryRun(_ group: [Request]) throws(Busy) -> DryRunAnswer {
        if let busy = troubles.busy { throw busy }
        var attempt = ledger
        let answers = attempt.submit(group)
        var volumes: [DryVolume] = []
        if let name = group[0].book, let id = ledger.names[name], let after = attempt.books[id] {
            for (key, volume) in after.volumes {
                let before = ledger.books[id]?.volumes[key] ?? .zero
                volumes.append(
                    DryVolume(
                        account: key.account,
                        asset: key.asset,
                        before: before,
                        after: volume
                    )
                )
            }
        }
        return DryRunAnswer(answers: answers, volumes: volumes)
    }

    private func apply(_ batch: BatchRequest) -> BatchAnswer {
        let first = RecordIndex(UInt64(ledger.records.count))
        var outcomes: [TransferOutcome] = []
        var isReplay = false
        let body = batch.batch
        for (position, item) in body.items.enumerated() {
            let request = Request(
                book: batch.book,
                order: order(item, body),
                idempotencyKey: batch.idempotencyKey.map { Text("\($0) \(position)") }
            )
            switch ledger.submit([request])[0] {
            case .record(let record): outcomes.append(outcome(record))
            case .replay(let record):
                isReplay = true
                outcomes.append(outcome(record))
            }
        }
        return BatchAnswer(
            first: first,
            size: UInt64(ledger.records.count),
            root: Digest(1, 2, 3, 4),
            isReplay: isReplay,
            outcomes: outcomes
        )
    }

    private func outcome(_ record: Record) -> TransferOutcome {
        switch record.outcome {
        case .committed: TransferOutcome(refusal: 0)
        case .refused(let refusal): TransferOutcome(refusal: UInt8(refusal.number))
        }
    }

    private func order(_ item: BatchBody.Item, _ body: TransferBatch) -> Order {
        func text(_ range: Range<Int>) -> String {
            String(decoding: body.bytes[range], as: UTF8.self)
        }
        guard let source = AccountAddress(text(body.accounts[item.source])),
            let destination = AccountAddress(text(body.accounts[item.destination])),
            let asset = Asset(text(body.assets[item.asset]))
        else { return .deleteBook }
        return .createTransaction(
            CreateTransaction(
                postings: [
                    Posting(
                        source: source,
                        destination: destination,
                        asset: asset,
                        amount: Amount(item.amount)
                    )
                ],
                isForced: body.isForced
            )
        )
    }

    private func caughtUp() -> Bool {
        guard !troubles.areViewsBehind else { return false }
        do {
            try store.fold(ledger.records[folded...])
            folded = ledger.records.count
            return true
        } catch {
            Issue.record("the views do not take the dumb ledger's records: \(error)")
            return false
        }
    }

    private func isFolded(_ index: RecordIndex) -> Bool {
        caughtUp() && index.rawValue < UInt64(folded)
    }

    private func book(_ name: BookName) -> LiveBook? { ledger.liveBook(name) }

    private func record(_ index: RecordIndex) throws -> EncodedRecord? {
        if troubles.isDiskBroken { throw BrokenDisk() }
        guard index.rawValue < UInt64(ledger.records.count) else { return nil }
        return RecordCodec.split(ledger.records[Int(index.rawValue)])
    }

    private func leaves() -> [Digest] {
        ledger.records.map { Hashing.leaf(RecordCodec.split($0).leaf) }
    }

    private func statement() throws(Busy) -> StateStatement {
        if let busy = troubles.busy { throw busy }
        return StateStatement(head: head(), digest: Digest(1, 2, 3, 4))
    }

    private func head() -> LedgerHead {
        LedgerHead(
            size: UInt64(ledger.records.count),
            root: Digest(1, 2, 3, 4),
            logIndex: LogIndex(5)
        )
    }
}
