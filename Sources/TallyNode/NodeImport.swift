// SPDX-License-Identifier: Apache-2.0
//
// The door of a node in this process for an import. Whoever imports is the only writer of such a
// node: it listens on no port. So a dry run of many transactions tells, without a record, whether
// all of them will be booked; only where one will not, they go one after the other, and nothing
// behind it is submitted. Called by `tally import` and `tally demo`.

import TallyHTTP
import TallyTypes

extension Node {
    /// The door of this node, for its only writer.
    package var importDoor: ImportDoor {
        ImportDoor(
            createLedger: { [self] name in try await createLedger(name) },
            submit: { [self] name, batch in
                try await submit(
                    batch.map {
                        Request(
                            book: name,
                            order: .createTransaction($0.order),
                            idempotencyKey: $0.key
                        )
                    }[...]
                )
            }
        )
    }

    /// Asks by a dry run first, which needs no views: a refused creation would be a record.
    private func createLedger(_ name: BookName) async throws {
        let order = Order.createBook(CreateBook(name: name, kind: .accounts))
        let request = Request(book: nil, order: order)
        let answers = try await sequencer.dryRun([request]).answers
        invariant(.i12, answers.count == 1, "\(answers.count) answers to one request")
        switch answers[0].refusal {
        case .bookExists: return
        case nil: break
        case let refusal?:
            throw NodeFault(
                .directory,
                subject: name.text,
                reason: "cannot be made: \(refusal.words)",
                nextStep: "choose another --ledger"
            )
        }
        _ = try await sequencer.submit(.groups([[request]]))
    }

    /// One outcome for each request, or for those up to the first that was not booked.
    private func submit(_ requests: ArraySlice<Request>) async throws -> [ImportOutcome] {
        if requests.count > 1, !(await willAllBeBooked(requests)) {
            let middle = requests.startIndex + requests.count / 2
            let outcomes = try await submit(requests[..<middle])
            guard outcomes.last?.isBooked == true else { return outcomes }
            return outcomes + (try await submit(requests[middle...]))
        }
        do {
            let submission = Submission.groups(requests.map { [$0] })
            guard case .groups(let groups) = try await sequencer.submit(submission) else {
                invariantFailure(.i12, "groups were answered as a batch")
            }
            return groups.flatMap { $0 }.map(ImportOutcome.init)
        } catch {
            return [.notTaken(error.words)]
        }
    }

    /// What a dry run cannot take as a whole may still be taken in parts.
    private func willAllBeBooked(_ requests: ArraySlice<Request>) async -> Bool {
        do {
            return try await sequencer.dryRun(Array(requests)).answers
                .allSatisfy { $0.refusal == nil }
        } catch {
            return false  // whoever asks then goes on with less, down to one, and names it
        }
    }
}

extension ImportOutcome {
    fileprivate init(_ answer: Answer) {
        switch answer {
        case .replay: self = .known
        case .record: self = answer.refusal.map { .refused($0.words) } ?? .written
        }
    }

    /// True when the transaction is in the ledger.
    var isBooked: Bool {
        switch self {
        case .written, .known: true
        case .refused, .notTaken: false
        }
    }
}

extension Answer {
    /// The rule that said no, now; a replay stands for what was committed before.
    fileprivate var refusal: Refusal? {
        guard case .record(let record) = self, case .refused(let refusal) = record.outcome else {
            return nil
        }
        return refusal
    }
}

extension Refusal {
    /// What an import says of it.
    fileprivate var words: String {
        switch self {
        case .bookDeleted: "the ledger was deleted"
        case .idempotencyConflict:
            "an earlier import has this transaction with another note, tag, state or asset"
        case .bookNotFound, .bookExists, .bookKind, .insufficientFunds, .referenceConflict,
            .transactionNotFound, .alreadyReverted, .metadataNotFound, .amountOverflow,
            .groupRolledBack, .oldValueMismatch, .recordTooLarge, .entityTooLarge, .ledgerExists,
            .entityNotObject, .sealBeyondLedger:
            Problem(self).message
        }
    }
}

extension Busy {
    /// What an import says of it.
    fileprivate var words: String {
        switch self {
        case .queueFull: "too many submissions wait"
        case .cacheFull: "the cache cannot hold its accounts; raise --cache-keys"
        case .staleTooOften: "what it rests on kept changing"
        case .tooLarge(let limit, let size, let max): "\(limit): \(size), at most \(max)"
        case .keyCollision: "two keys of the ledger's state have the same short form"
        case .stopping: "the node is stopping"
        case .faulted:
            "the node has stopped on a fault, and whether it was recorded is not known"
        }
    }
}
