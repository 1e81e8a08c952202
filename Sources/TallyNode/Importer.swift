// SPDX-License-Identifier: Apache-2.0
//
// Carries a planned import into an accounts book, through the one door: every transaction is an
// order with an idempotency key made of its own content, so that the same journal twice changes
// nothing. May import TallyImport. Called by `tally import` and `tally demo`.

package import TallyImport
import TallyProof
package import TallyTypes
import TallyViews

/// What an import did.
package struct ImportReport: Sendable {
    /// The ledger.
    package let ledger: BookName
    /// Transactions written now.
    package internal(set) var written: UInt64 = 0
    /// Transactions that an earlier import had written.
    package internal(set) var known: UInt64 = 0
    /// Assets made of commodities, and the like, a line each.
    package let notes: [String]
    /// The first refused transaction: where it stands and why.
    package internal(set) var refused: String?

    /// Lines for people.
    package var text: String {
        (notes + ["\(ledger): \(written) transactions written, \(known) known already"])
            .joined(separator: "\n")
    }

    /// One JSON object.
    package var json: String {
        "{\"ledger\":\"\(ledger)\",\"written\":\(written),\"known\":\(known)}"
    }
}

/// Submits the transactions of an import plan.
package struct Importer {
    /// Orders per submission.
    private static let batchMax = 256

    private let node: Node
    private let ledger: BookName

    /// Imports into a ledger of a running node.
    package init(node: Node, ledger: BookName) {
        self.node = node
        self.ledger = ledger
    }

    /// Submits everything; transactions stand for themselves, in order.
    ///
    /// - Throws: ``ImportError``, `Busy`, or ``NodeFault`` naming the transaction that was refused.
    package func run(
        _ plan: ImportPlan,
        _ reader: SourceReader,
        progress: (UInt64, UInt64) -> Void
    ) async throws -> ImportReport {
        try await createLedger()
        var report = ImportReport(ledger: ledger, notes: Importer.notes(plan))
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

    private func createLedger() async throws {
        _ = await node.views.caughtUp()
        if try await node.views.reader.book(named: ledger) != nil { return }
        let order = Order.createBook(CreateBook(name: ledger, kind: .accounts))
        let answer = try await node.sequencer.submit(
            .groups([[Request(book: nil, order: order)]])
        )
        guard case .groups(let groups) = answer, let made = groups.first?.first else {
            invariantFailure(.i12, "groups were answered as a batch")
        }
        if case .record(let record) = made, case .refused(let refusal) = record.outcome {
            guard case .bookExists = refusal else {
                throw NodeFault(
                    .directory,
                    subject: ledger.text,
                    reason: "cannot be made: \(refusal)",
                    nextStep: "choose another --ledger"
                )
            }
        }
    }

    private func submit(
        _ batch: [ImportedTransaction],
        _ report: inout ImportReport
    ) async throws {
        guard !batch.isEmpty else { return }
        let requests = try batch.map { [try request($0)] }
        guard case .groups(let groups) = try await node.sequencer.submit(.groups(requests)) else {
            invariantFailure(.i12, "groups were answered as a batch")
        }
        for (transaction, answers) in zip(batch, groups) {
            switch answers[0] {
            case .replay: report.known += 1
            case .record(let record):
                if case .refused(let refusal) = record.outcome {
                    throw NodeFault(
                        .directory,
                        subject: transaction.position.description,
                        reason: "was refused: \(refusal)",
                        nextStep: "what stands before it is imported; mend it and import again"
                    )
                }
                report.written += 1
            }
        }
    }

    private func request(_ transaction: ImportedTransaction) throws -> Request {
        let key = Hashing.sha256(transaction.identityBytes)
        let order = CreateTransaction(
            postings: try transaction.postings.map { try posting($0, transaction) },
            timestamp: BusinessTime(microseconds: transaction.effectiveMicroseconds),
            metadata: try metadata(transaction.metadata, transaction),
            accountMetadata: try accountMetadata(transaction),
            isForced: true
        )
        return Request(
            book: ledger,
            order: .createTransaction(order),
            idempotencyKey: Text("import:\(key)")
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

    private static func notes(_ plan: ImportPlan) -> [String] {
        let commodities = plan.commodities.map { mapping in
            let name = mapping.commodity.isEmpty ? "(none)" : mapping.commodity
            return "commodity \(name) → \(mapping.asset)"
        }
        let accounts = plan.accounts.filter { $0.name != $0.address }
            .map { "account \($0.name) → \($0.address)" }
        return commodities + accounts + plan.warnings.map { "warning: \($0)" }
    }
}
