// SPDX-License-Identifier: Apache-2.0
//
// The volumes that a dry run answers with: those in order of insertion come from the node, those in
// order of business time are the views' sums up to that time with the postings added. May import
// TallyViews.

import TallyTypes
import TallyViews

extension TransactionAnswer {
    /// This answer with the volumes that a dry run would leave.
    func dry(_ volumes: [DryVolume], _ call: Call, _ book: LiveBook) async throws -> Self {
        var answer = self
        let touched = MovedVolumes(postings)
        let rows = volumes.filter { touched[$0.account, $0.asset] != nil }
            .sorted { ($0.account, $0.asset) < ($1.account, $1.asset) }
        answer.volumes = CommitVolumes(
            post: rows.map { row($0, $0.after) },
            pre: rows.map { row($0, $0.before) }
        )
        answer.effectiveVolumes = try await effective(touched, call, book)
        return answer
    }

    private func row(_ volume: DryVolume, _ sums: Volume) -> AccountVolume {
        AccountVolume(account: volume.account, asset: volume.asset, volume: sums)
    }

    private func effective(
        _ moved: MovedVolumes,
        _ call: Call,
        _ book: LiveBook
    ) async throws -> CommitVolumes? {
        var pre: [AccountVolume] = []
        var post: [AccountVolume] = []
        for account in moved.accounts {
            let row = try await call.node.views.account(
                account,
                in: book.id,
                expansion: .effectiveVolumes,
                pointInTime: timestamp
            )
            for (asset, change) in moved.changes(of: account) {
                let before = row?.effectiveVolumes?.first { $0.asset == asset }?.volume ?? .zero
                guard let after = before.adding(change) else { return nil }
                pre.append(AccountVolume(account: account, asset: asset, volume: before))
                post.append(AccountVolume(account: account, asset: asset, volume: after))
            }
        }
        return CommitVolumes(post: post, pre: pre)
    }
}

/// What postings move, summed by account and asset.
private struct MovedVolumes {
    private var sums: [AccountAddress: [Asset: Volume]] = [:]

    /// Sums postings; what would reach 2²⁵⁶ is left at its old sum, for such a run is refused.
    init(_ postings: [Posting]) {
        for posting in postings {
            add(posting.source, posting.asset, Volume(input: .zero, output: posting.amount))
            add(posting.destination, posting.asset, Volume(input: posting.amount, output: .zero))
        }
    }

    subscript(account: AccountAddress, asset: Asset) -> Volume? {
        sums[account]?[asset]
    }

    /// The accounts in the order of their bytes.
    var accounts: [AccountAddress] { sums.keys.sorted() }

    /// What an account's volumes change by, in the order of the assets' bytes.
    func changes(of account: AccountAddress) -> [(asset: Asset, change: Volume)] {
        // An account that no posting moves changes by nothing.
        sums[account, default: [:]].map { (asset: $0.key, change: $0.value) }
            .sorted { $0.asset < $1.asset }
    }

    private mutating func add(_ account: AccountAddress, _ asset: Asset, _ change: Volume) {
        let sum = sums[account]?[asset] ?? .zero
        sums[account, default: [:]][asset] = sum.adding(change) ?? sum
    }
}

extension Volume {
    /// The sum of two volumes; nil at 2²⁵⁶ and more.
    fileprivate func adding(_ other: Volume) -> Volume? {
        let input = input.addingReportingOverflow(other.input)
        let output = output.addingReportingOverflow(other.output)
        guard !input.overflow, !output.overflow else { return nil }
        return Volume(input: input.sum, output: output.sum)
    }
}
