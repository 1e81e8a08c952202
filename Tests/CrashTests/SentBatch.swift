// SPDX-License-Identifier: Apache-2.0
//
// The batches of the crash test, and the judge of what became of them. Every transfer of the whole
// run has an amount of its own, so that it can be found by its content alone. Pure but for the
// reading of record files.

import TallyCodec
import TallyStore
import TallyTypes

/// A batch: transfers of consecutive amounts, the last of which no account can pay.
struct SentBatch: Hashable, Sendable {
    static let book = "crash"
    static let transfers = 25
    private static let accounts = ["empty", "users:0", "users:1", "users:2", "world"]

    /// Numbers the batches of a run from 0.
    let number: Int

    /// The idempotency key.
    var key: String { "batch-\(number)" }
    /// The amounts of its transfers; no other batch has them.
    var amounts: Range<UInt64> {
        let first = UInt64(number * SentBatch.transfers + 1)
        return first..<first + UInt64(SentBatch.transfers)
    }
    /// What has to become of the transfers: 6 is lack of funds.
    static let outcomes =
        [UInt8](repeating: 0, count: transfers - 1) + [6]

    /// The bytes that are sent.
    var body: [UInt8] {
        BatchBody.encode(
            assets: [Array("USD/2".utf8)],
            accounts: SentBatch.accounts.map { Array($0.utf8) },
            items: amounts.enumerated().map { position, amount in
                BatchBody.Item(
                    source: SentBatch.outcomes[position] == 0 ? 4 : 0,
                    destination: 1 + position % 3,
                    asset: 0,
                    amount: UInt128(amount)
                )
            }
        )
    }
}

/// An acknowledged batch: where its transfers have to be, for ever.
struct AcknowledgedBatch: Hashable, Sendable {
    let batch: SentBatch
    let receipt: BatchReceipt
}

/// A transfer that stands in the ledger.
struct FoundTransfer: Hashable, Sendable {
    let index: UInt64
    let amount: UInt64
    /// 0 committed, else the number of the refusal.
    let refusal: UInt8
}

/// The transfers that stand in a data directory's record files.
struct FoundTransfers {
    private(set) var all: [FoundTransfer] = []
    private var next: UInt64 = 0

    /// Reads what has come since the last time.
    mutating func follow(_ directory: String) throws {
        var scanner = try RecordScanner(disk: RealDisk(), directory: directory + "/records")
        while let scanned = try scanner.next() {
            guard scanned.index.rawValue >= next else { continue }
            next = scanned.index.rawValue + 1
            let record = try RecordCodec.decode(scanned.bytes)
            guard case .createTransaction(let order) = record.order else { continue }
            let refusal: UInt8 =
                switch record.outcome {
                case .committed: 0
                case .refused(let refusal): UInt8(refusal.number)
                }
            for posting in order.postings {
                all.append(
                    FoundTransfer(
                        index: scanned.index.rawValue,
                        amount: UInt64(posting.amount.low),
                        refusal: refusal
                    )
                )
            }
        }
    }
}

/// Says what is wrong with a ledger after crashes.
enum CrashJudge {
    /// A line for each acknowledged transfer that is lost, and for each that is there twice.
    ///
    /// `found` are all transfers of the ledger in order; `acknowledged` counts replays too; of the
    /// `unknown` batches, which were never answered, each is there once or not at all.
    static func complaints(
        _ found: [FoundTransfer],
        acknowledged: [AcknowledgedBatch],
        unknown: [SentBatch] = []
    ) -> [String] {
        var complaints: [String] = []
        var byAmount: [UInt64: FoundTransfer] = [:]
        for transfer in found {
            if let earlier = byAmount.updateValue(transfer, forKey: transfer.amount) {
                complaints.append(
                    "transfer \(transfer.amount) twice: records \(earlier.index), \(transfer.index)"
                )
            }
        }
        for entry in acknowledged {
            complaints += lost(entry.batch, entry.receipt, byAmount)
        }
        for batch in unknown {
            let there = batch.amounts.filter { byAmount[$0] != nil }
            guard !there.isEmpty, let first = byAmount[there[0]]?.index else { continue }
            guard there.count == SentBatch.transfers else {
                complaints.append("\(batch.key): \(there.count) of its transfers only")
                continue
            }
            complaints += lost(batch, BatchReceipt(first: first), byAmount)
        }
        let sent = Set(acknowledged.map(\.batch) + unknown)
        let known = sent.count * SentBatch.transfers
        if byAmount.count > known {
            complaints.append("\(byAmount.count) transfers, and only \(known) were sent")
        }
        return complaints
    }

    private static func lost(
        _ batch: SentBatch,
        _ receipt: BatchReceipt,
        _ found: [UInt64: FoundTransfer]
    ) -> [String] {
        guard receipt.outcomes == SentBatch.outcomes else {
            return ["\(batch.key): outcomes \(receipt.outcomes)"]
        }
        for (position, amount) in batch.amounts.enumerated() {
            let expected = FoundTransfer(
                index: receipt.first + UInt64(position),
                amount: amount,
                refusal: SentBatch.outcomes[position]
            )
            guard found[amount] == expected else {
                let what = found[amount].map { "record \($0.index), \($0.refusal)" } ?? "nowhere"
                return ["\(batch.key): transfer \(amount) of record \(expected.index): \(what)"]
            }
        }
        return []
    }
}

extension BatchReceipt {
    /// What an answer would have said.
    init(first: UInt64, outcomes: [UInt8] = SentBatch.outcomes) {
        self.first = first
        self.outcomes = outcomes
        isReplay = false
    }
}
