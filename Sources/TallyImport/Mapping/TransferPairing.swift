// SPDX-License-Identifier: Apache-2.0
//
// From signed amounts per account to transfers with a source and a destination. Standard library
// and the ledger's Amount only; called by the import stream. The pairing is greedy in the journal's
// order: the first giver pays the first taker until one of them is done, so a transaction of n
// postings becomes at most n − 1 transfers per asset, the same ones every time. Amounts of zero
// move nothing and are left out; their accounts are still part of the plan.

package import TallyTypes

/// One movement of one asset.
package struct ImportedPosting: Hashable, Sendable {
    /// The address that gives.
    package let source: String
    /// The address that receives.
    package let destination: String
    /// The asset with its scale.
    package let asset: String
    /// How much, in the asset's smallest unit; never zero.
    package let amount: Amount
}

/// What an account gains (or loses) of one commodity in a transaction.
struct SignedLeg: Sendable {
    let account: String
    let quantity: ExactDecimal
    let position: SourcePosition
}

/// Pairs givers with takers.
enum TransferPairing {
    /// Returns the transfers of legs that sum to zero.
    ///
    /// - Throws: `amountTooLarge` where an amount does not fit the asset.
    static func transfers(
        of legs: [SignedLeg],
        asset: String,
        scale: Int
    ) throws(ImportError) -> [ImportedPosting] {
        let givers = legs.filter { $0.quantity.isNegative }
        let takers = legs.filter { !$0.quantity.isNegative && !$0.quantity.isZero }
        var transfers: [ImportedPosting] = []
        var giver = 0
        var taker = 0
        var given = try amount(givers.first, scale)
        var wanted = try amount(takers.first, scale)
        while giver < givers.count, taker < takers.count {
            let moved = min(given, wanted)
            transfers.append(
                ImportedPosting(
                    source: givers[giver].account,
                    destination: takers[taker].account,
                    asset: asset,
                    amount: moved
                )
            )
            if moved == given {
                giver += 1
            }
            if moved == wanted {
                taker += 1
            }
            let rest = (given.subtracting(moved), wanted.subtracting(moved))
            given = try moved == given ? amount(givers, giver, scale) : rest.0 ?? .zero
            wanted = try moved == wanted ? amount(takers, taker, scale) : rest.1 ?? .zero
        }
        return transfers
    }

    private static func amount(
        _ legs: [SignedLeg],
        _ index: Int,
        _ scale: Int
    ) throws(ImportError) -> Amount {
        try amount(index < legs.count ? legs[index] : nil, scale)
    }

    private static func amount(_ leg: SignedLeg?, _ scale: Int) throws(ImportError) -> Amount {
        guard let leg else { return .zero }
        let amount = try calculating("the amount", at: leg.position) {
            () throws(ArithmeticFailure) in try leg.quantity.absolute.amount(scale: scale)
        }
        guard let amount else {
            throw ImportError(
                .amountTooLarge,
                at: leg.position,
                "expected an amount below 2^256 at \(scale) decimals, found \(leg.quantity)"
            )
        }
        return amount
    }
}
