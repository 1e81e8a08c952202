// SPDX-License-Identifier: Apache-2.0
//
// A dry run: the same evaluation as apply, over an overlay that is dropped. Pure. Called by
// Kernel.dryRun. No record, no id, no change of the cache; its answers carry records that were
// never made.

import TallyCodec
import TallyProof
import TallyTypes

extension Machine {
    /// Evaluates the one group of an entry and says what it would leave.
    func dryRun(_ entry: Entry) -> DryRun? {
        guard case .groups(let groups)? = entry.submissions.first, let group = groups.first else {
            invariantFailure(.i11, "a dry run is one group")
        }
        guard let evaluated = evaluate(group) else { return nil }
        let results =
            evaluated.refusal.map { rolledBack(evaluated.results, group.count, $0) }
            ?? evaluated.results
        let settled = evaluated.refusal == nil ? evaluated.settled : Overlay()
        return DryRun(
            answers: zip(group, results).map { answer($0, $1) },
            volumes: volumes(after: settled)
        )
    }

    private func answer(_ planned: PlannedOrder, _ result: OrderResult) -> AppliedAnswer {
        let outcome: Outcome
        switch result {
        case .replay(let index): return .replay(of: index)
        case .committed(let effects): outcome = .committed(effects)
        case .refused(let refusal): outcome = .refused(refusal)
        }
        return .record(
            Record(
                index: scalars.nextRecord,
                book: home(of: planned) ?? .system,
                sequence: BookSequence(0),
                previous: .zero,
                time: nextTime,
                idempotency: nil,
                salt: Salt(0, 0),
                order: planned.order,
                outcome: outcome
            )
        )
    }

    private func volumes(after settled: Overlay) -> [DryVolume] {
        scope.positions.compactMap { key, position -> (UInt32, DryVolume)? in
            guard case .volume(_, let asset, let account) = key else { return nil }
            let before = volume(scope.get(position))
            let after: Volume =
                switch settled.change(position) {
                case .value(let value)?: volume(value)
                case .tombstone?: .zero
                case nil: before
                }
            return (
                position,
                DryVolume(account: account, asset: asset, before: before, after: after)
            )
        }
        .sorted { $0.0 < $1.0 }
        .map(\.1)
    }

    private func volume(_ value: StateValue?) -> Volume {
        if case .volume(let volume)? = value { volume } else { .zero }
    }
}
