// SPDX-License-Identifier: Apache-2.0
//
// Carries a planned import into an accounts book, of a node in this process or of a running server:
// every transaction is an order with an idempotency key made of its own content, so that the same
// journal twice changes nothing. May import TallyImport. Called by `tally import` and `tally demo`.

package import TallyImport
import TallyProof
package import TallyTypes

/// A transaction with the key that tells whether it was imported before.
package struct KeyedTransaction: Sendable {
    /// What is to be recorded.
    package let order: CreateTransaction
    /// The idempotency key.
    package let key: Text
    /// Where the journal has it, as `file:line:column`.
    package let place: String
}

/// What became of one transaction of an import.
package enum ImportOutcome: Hashable, Sendable {
    /// It was written now.
    case written
    /// An earlier import had written it.
    case known
    /// The ledger refused it, in words.
    case refused(String)
    /// The ledger could not take it, in words; nothing of it was recorded.
    case notTaken(String)
}

/// A ledger that takes an import.
package struct ImportDoor: Sendable {
    /// Makes the ledger unless there is one of this name.
    let createLedger: @Sendable (BookName) async throws -> Void
    /// Submits transactions that stand for themselves, in order; one outcome for each, or for those
    /// up to the first that was refused or not taken, and then nothing behind it was submitted.
    let submit: @Sendable (BookName, [KeyedTransaction]) async throws -> [ImportOutcome]

    /// Makes a door.
    package init(
        createLedger: @escaping @Sendable (BookName) async throws -> Void,
        submit: @escaping @Sendable (BookName, [KeyedTransaction]) async throws -> [ImportOutcome]
    ) {
        self.createLedger = createLedger
        self.submit = submit
    }
}

/// Submits the transactions of an import plan.
package struct Importer {
    /// Transactions per submission.
    private static let batchMax = 256

    private let door: ImportDoor
    private let ledger: BookName

    /// Imports into a ledger.
    package init(door: ImportDoor, ledger: BookName) {
        self.door = door
        self.ledger = ledger
    }

    /// Submits everything; transactions stand for themselves, in order, up to the first refusal.
    ///
    /// - Throws: ``ImportError``, ``NodeFault`` naming the transaction that was refused or not
    ///   taken, or what the door threw.
    package func run(
        _ plan: ImportPlan,
        _ reader: SourceReader,
        progress: (UInt64, UInt64) -> Void
    ) async throws -> ImportReport {
        try await door.createLedger(ledger)
        var report = ImportReport(ledger: ledger, plan: plan)
        var stream = plan.transactions(reader: reader)
        var batch: [ImportedTransaction] = []
        let total = UInt64(plan.counts.transactions)
        while let transaction = try stream.next() {
            batch.append(transaction)
            if batch.count == Importer.batchMax {
                try await submit(batch, &report)
                batch = []
                progress(report.written + report.known, total)
            }
        }
        try await submit(batch, &report)
        progress(total, total)
        return report
    }

    private func submit(
        _ batch: [ImportedTransaction],
        _ report: inout ImportReport
    ) async throws {
        guard !batch.isEmpty else { return }
        let outcomes = try await door.submit(ledger, try batch.map { try keyed($0) })
        let isExact = outcomes.dropLast().allSatisfy(\.isBooked)
        invariant(.i12, isExact, "something was submitted behind a refused transaction")
        for (position, outcome) in outcomes.enumerated() {
            switch outcome {
            case .known: report.known += 1
            case .written: report.written += 1
            case .refused(let words): throw stop(at: batch[position], "refused: \(words)")
            case .notTaken(let words): throw stop(at: batch[position], "not taken: \(words)")
            }
        }
        invariant(
            .i12,
            outcomes.count == batch.count,
            "\(outcomes.count) outcomes for \(batch.count) transactions"
        )
    }

    private func stop(at transaction: ImportedTransaction, _ reason: String) -> NodeFault {
        NodeFault(
            .directory,
            subject: transaction.position.description,
            reason: reason,
            nextStep: "what stands before it is imported, nothing behind it; "
                + "mend it and import again"
        )
    }

    private func keyed(_ transaction: ImportedTransaction) throws -> KeyedTransaction {
        let key = Hashing.sha256(transaction.identityBytes)
        let order = CreateTransaction(
            postings: try transaction.postings.map { try posting($0, transaction) },
            timestamp: BusinessTime(microseconds: transaction.effectiveMicroseconds),
            metadata: try metadata(transaction.metadata, transaction),
            accountMetadata: try accountMetadata(transaction),
            isForced: true
        )
        return KeyedTransaction(
            order: order,
            key: Text("import:\(key)"),
            place: transaction.position.description
        )
    }

    private func posting(
        _ posting: ImportedPosting,
        _ transaction: ImportedTransaction
    ) throws -> Posting {
        guard let source = AccountAddress(posting.source),
            let destination = AccountAddress(posting.destination),
            let asset = Asset(posting.asset)
        else { throw illegal("an account or asset", transaction) }
        return Posting(
            source: source,
            destination: destination,
            asset: asset,
            amount: posting.amount
        )
    }

    private func metadata(
        _ pairs: [MetadataPair],
        _ transaction: ImportedTransaction
    ) throws -> Metadata {
        let metadata = Metadata(
            unsorted: pairs.map { Metadata.Pair(key: Text($0.key), value: Text($0.value)) }
        )
        guard let metadata else { throw illegal("a metadata key twice", transaction) }
        return metadata
    }

    private func accountMetadata(
        _ transaction: ImportedTransaction
    ) throws -> [AccountMetadata] {
        try transaction.accountMetadata
            .sorted { $0.address < $1.address }
            .map { entry in
                guard let account = AccountAddress(entry.address) else {
                    throw illegal("an account", transaction)
                }
                return AccountMetadata(
                    account: account,
                    metadata: try metadata([entry.metadata], transaction)
                )
            }
    }

    private func illegal(_ what: String, _ transaction: ImportedTransaction) -> NodeFault {
        NodeFault(
            .directory,
            subject: transaction.position.description,
            reason: "the importer made \(what) that the ledger does not take",
            nextStep: "please report it with the journal's line"
        )
    }
}
