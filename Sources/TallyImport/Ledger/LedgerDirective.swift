// SPDX-License-Identifier: Apache-2.0
//
// The closed list of Ledger's and hledger's directives with their treatment. Standard library only;
// LedgerParser looks every word up here, and a word that is missing is an error.

/// Every directive word of the two dialects.
enum LedgerDirective: String, CaseIterable, Sendable {
    case account, alias, apply, bucket, comment, commodity, define, def, end, include, payee, tag
    case test, year
    case checkExpression = "check"
    case assertExpression = "assert"
    case decimalMark = "decimal-mark"
    case bucketLetter = "A"
    case conversion = "C"
    case defaultAmount = "D"
    case noMarket = "N"
    case price = "P"
    case yearLetter = "Y"
    case capture, eval, expr, value, python
    case pythonImport = "import"
    case clockIn = "i"
    case clockInUpper = "I"
    case clockOut = "o"
    case clockOutUpper = "O"
    case clockBudget = "b"
    case clockBudgetUpper = "B"
    case clockHours = "h"
    case clockHoursUpper = "H"

    /// What the importer does with it.
    func treatment(in dialect: Dialect) -> DirectiveTreatment {
        switch self {
        case .account, .alias, .apply, .comment, .commodity, .decimalMark, .defaultAmount, .end,
            .include, .test, .year, .yearLetter:
            return .handled
        case .bucket, .bucketLetter:
            return dialect == .ledger
                ? .handled : .harmless("hledger reads default accounts and ignores them")
        case .conversion:
            return dialect == .ledger
                ? .handled : .harmless("hledger reads commodity conversions and ignores them")
        case .payee: return .harmless("declares a payee's name")
        case .tag: return .harmless("declares a tag's name")
        case .noMarket: return .harmless("names a commodity without a market price")
        case .price: return .harmless("a market price changes no balance")
        case .define, .def:
            return .harmless("names a value expression; its use in an amount is refused")
        case .checkExpression: return .harmless("only warns when its expression is false")
        case .assertExpression: return .refused("value expressions are not evaluated")
        case .capture: return .refused("it moves postings to other accounts by patterns")
        case .eval, .expr, .value, .python, .pythonImport:
            return .refused("value expressions and scripts are not evaluated")
        case .clockIn, .clockInUpper, .clockOut, .clockOutUpper, .clockBudget, .clockBudgetUpper,
            .clockHours, .clockHoursUpper:
            return .refused("time clock entries are not supported")
        }
    }
}

/// The indented lines that may follow `account`, `commodity`, `payee` and `tag`.
enum LedgerSubdirective: String, CaseIterable, Sendable {
    case alias, note, format, nomarket, payee, uuid, check
    case isDefault = "default"
    case assertExpression = "assert"
    case eval, expr, value
}
