// SPDX-License-Identifier: Apache-2.0
//
// A sum of amounts that may need more than 256 bits, to be compared and never stored. Standard
// library and TallyTypes; called by the rule of reverts, which looks at all postings together.

import TallyTypes

/// An exact sum of up to 2⁶⁴ amounts.
struct WideSum: Comparable {
    static let zero = WideSum(.zero)
    /// What 256 bits hold of it.
    private(set) var low: Amount
    private var carries: UInt64 = 0

    init(_ amount: Amount) {
        low = amount
    }

    mutating func add(_ amount: Amount) {
        let (sum, overflow) = low.addingReportingOverflow(amount)
        low = sum
        carries += overflow ? 1 : 0
    }

    static func < (left: WideSum, right: WideSum) -> Bool {
        left.carries == right.carries ? left.low < right.low : left.carries < right.carries
    }
}
