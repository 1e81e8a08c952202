// SPDX-License-Identifier: Apache-2.0
//
// All balances of a ledger, page by page, for the command line. May import TallyViews.

package import TallyTypes
import TallyViews

/// What an account has of an asset.
package struct LedgerBalance: Hashable, Sendable {
    /// The account.
    package let account: AccountAddress
    /// The asset.
    package let asset: Asset
    /// Received minus given.
    package let balance: Balance
}

extension Node {
    /// The balances of every account of a ledger, by account and asset.
    ///
    /// - Parameter ledger: Its name.
    /// - Returns: The rows, ascending; everything acknowledged before the call is in them.
    /// - Throws: ``NodeFault`` when there is no such ledger, or the views do not follow.
    package func balances(of ledger: BookName) async throws -> [LedgerBalance] {
        guard await views.caughtUp(), let book = try await views.reader.book(named: ledger) else {
            throw NodeFault(
                .views,
                subject: ledger.text,
                reason: "is not in the views",
                nextStep: "wait for the views, or create the ledger"
            )
        }
        let size = PageSize(clamping: UInt64(PageSize.max))
        var rows: [LedgerBalance] = []
        var request = PageRequest<VolumeList>.first(VolumeList(), size: size)
        while true {
            let page = try await views.reader.volumes(in: book.id, request)
            rows += page.rows.map {
                LedgerBalance(
                    account: $0.account,
                    asset: $0.asset,
                    balance: $0.volume.balance
                )
            }
            guard let next = page.next else { return rows }
            request = .cursor(next, size: size)
        }
    }
}
