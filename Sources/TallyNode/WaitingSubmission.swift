// SPDX-License-Identifier: Apache-2.0
//
// A caller that waits: what it asked for, what of it is applied, and its answer. Used by the
// sequencer alone, on its thread.

import TallyCodec
import TallyKernel
import TallyTypes

/// A caller that waits for its answer.
final class WaitingSubmission {
    let submission: Submission
    private let continuation: CheckedContinuation<Result<SubmissionAnswer, Busy>, Never>
    private var answered: [[AppliedAnswer]] = []
    private var batch: AppliedBatch?
    /// How often a plan of it was stale.
    private(set) var rebuilds = 0

    init(
        _ submission: Submission,
        _ continuation: CheckedContinuation<Result<SubmissionAnswer, Busy>, Never>
    ) {
        self.submission = submission
        self.continuation = continuation
    }

    /// What of the submission is not applied yet, at most a number of groups of it.
    func rest(atMost groups: Int) -> Submission {
        switch submission {
        case .batch: submission
        case .groups(let all): .groups(Array(all.dropFirst(answered.count).prefix(groups)))
        }
    }

    /// Groups that are not applied yet; a batch counts as one.
    var restCount: Int {
        switch submission {
        case .batch: batch == nil ? 1 : 0
        case .groups(let all): all.count - answered.count
        }
    }

    /// Takes what an entry brought about.
    func take(_ result: AppliedSubmission) {
        switch result {
        case .groups(let answers, let staleFrom):
            answered += answers
            if staleFrom != nil { rebuilds += 1 }
        case .batch(let first, let outcomes, let isReplay):
            guard case .batch(let request) = submission else {
                invariantFailure(.i12, "groups were answered as a batch")
            }
            batch = AppliedBatch(
                first: first,
                outcomes: outcomes,
                isReplay: isReplay,
                count: request.batch.count
            )
        case .staleBatch: rebuilds += 1
        }
    }

    func refuse(_ busy: Busy) {
        continuation.resume(returning: .failure(busy))
    }

    /// Answers; records that hold first outcomes are read elsewhere first.
    func answer(
        at head: LedgerHead,
        _ records: RecordReader,
        failed: @escaping @Sendable (NodeFault) -> Void
    ) {
        let replays = answered.contains {
            $0.contains { if case .replay = $0 { true } else { false } }
        }
        if !replays, !(batch?.isReplay ?? false) {
            continuation.resume(returning: .success(plain(at: head)))
            return
        }
        records.answer(answered, batch, head: head) { [continuation] result in
            switch result {
            case .success(let answer): continuation.resume(returning: .success(answer))
            case .failure(let fault):
                continuation.resume(returning: .failure(.faulted))
                failed(fault)
            }
        }
    }

    private func plain(at head: LedgerHead) -> SubmissionAnswer {
        if let batch {
            return .batch(
                BatchAnswer(
                    first: batch.first,
                    size: head.size,
                    root: head.root,
                    isReplay: false,
                    outcomes: batch.outcomes
                )
            )
        }
        return .groups(
            answered.map { group in
                group.map { answer in
                    guard case .record(let record) = answer else {
                        invariantFailure(.i12, "a replay was answered without its record")
                    }
                    return .record(record)
                }
            }
        )
    }
}

/// Bytes and orders that a submission will take in an entry, by a quick upper guess.
enum SizeEstimate {
    static func of(_ submission: Submission) -> (bytes: Int, orders: Int) {
        switch submission {
        case .batch(let request):
            (request.batch.bytes.count + 4096, request.batch.count)
        case .groups(let groups):
            groups.reduce(into: (bytes: 0, orders: 0)) { sum, group in
                for request in group {
                    sum.bytes += 512 + 3 * OrderCodec.encode(request.order).count
                    sum.orders += 1
                }
            }
        }
    }
}

extension Busy {
    /// True when a smaller entry may help.
    var isAboutSize: Bool {
        switch self {
        case .tooLarge, .cacheFull: true
        case .queueFull, .staleTooOften, .keyCollision, .stopping, .faulted: false
        }
    }
}
