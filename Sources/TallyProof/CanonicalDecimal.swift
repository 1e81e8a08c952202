// SPDX-License-Identifier: Apache-2.0
//
// Decimal numbers as evidence writes them: one text for each. Imports nothing; checkpoints and
// receipts read their sizes and indexes here.

/// Decimal numbers without a second spelling.
package enum CanonicalDecimal {
    /// The number of ASCII digits without leading zeros; nil for anything else, and above 64 bits.
    package static func read(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            digits.count == 1 || digits.first != 0x30
        else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }
}
