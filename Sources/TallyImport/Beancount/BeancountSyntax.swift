// SPDX-License-Identifier: Apache-2.0
//
// What a Beancount file says, parsed but not yet booked. Standard library only; made by
// BeancountParser, consumed by BeancountBook.

/// A number of a currency with the digits it was written with.
struct BeancountAmount: Sendable {
    let number: ExactDecimal
    let places: Int
    let currency: String
}

/// What is written between braces behind an amount.
struct CostSpec: Sendable {
    var perUnit: ExactDecimal?
    var total: ExactDecimal?
    var currency: String?
    var date: CivilDate?
    var label: String?
}

/// A price behind `@` or `@@`.
struct BeancountPrice: Sendable {
    let number: ExactDecimal
    let currency: String
    let isTotal: Bool
}

/// One posting as written.
struct BeancountPosting: Sendable {
    let account: String
    var flag = ""
    var units: BeancountAmount?
    var cost: CostSpec?
    var price: BeancountPrice?
    var annotations: [Annotation] = []
    var costText = ""
    var priceText = ""
    let position: SourcePosition
}

/// One transaction as written.
struct BeancountTransaction: Sendable {
    var flag = ""
    var payee = ""
    var narration = ""
    var tags: [String] = []
    var links: [String] = []
    var annotations: [Annotation] = []
    var postings: [BeancountPosting] = []
}

/// How reductions choose among lots.
enum BookingMethod: String, Sendable {
    case strict = "STRICT"
    case strictWithSize = "STRICT_WITH_SIZE"
    case fifo = "FIFO"
    case lifo = "LIFO"
    case hifo = "HIFO"
    case unchecked = "NONE"
}

/// A balance assertion.
struct BeancountClaim: Sendable {
    let account: String
    let amount: BeancountAmount
    let tolerance: ExactDecimal?
}

/// A dated entry that matters for balances.
struct BeancountEntry: Sendable {
    /// What the entry is.
    enum Kind: Sendable {
        case open(account: String, currencies: [String], method: BookingMethod?)
        case close(account: String)
        case pad(account: String, source: String)
        case balance(BeancountClaim)
        case transaction(BeancountTransaction)
    }

    let date: CivilDate
    var kind: Kind
    let position: SourcePosition

    /// Entries of a day are ordered by kind: accounts open first and close last.
    var rank: Int {
        switch kind {
        case .open: -2
        case .balance: -1
        case .pad, .transaction: 0
        case .close: 2
        }
    }
}

/// What options say about tolerances and booking.
struct BeancountOptions: Sendable {
    var method = BookingMethod.strict
    /// Half of the last written digit.
    var multiplier = ExactDecimal(isNegative: false, magnitude: Magnitude(5), scale: 1)
    /// By currency, `*` for all.
    var defaultTolerances: [String: ExactDecimal] = [:]
    /// The plugin that opens accounts on first use.
    var opensAccounts = false
}
