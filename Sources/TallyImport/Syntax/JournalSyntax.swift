// SPDX-License-Identifier: Apache-2.0
//
// What a Ledger or hledger journal says, parsed but not yet judged: amounts, costs, claims,
// postings, transactions, rules. Standard library only; made by LedgerParser, consumed by the
// books.

/// Which program's rules a journal follows.
package enum Dialect: String, CaseIterable, Sendable {
    /// Ledger 3: source order, lots weigh at cost, automated transactions apply.
    case ledger
    /// hledger: date order for assertions, lots are notes, automated transactions stay off.
    case hledger
    /// Beancount: date order, inventories, pads, tolerances.
    case beancount
}

/// A quantity of a commodity as written, with its lot if it names one.
struct JournalAmount: Sendable {
    var quantity: ExactDecimal
    /// Digits written after the decimal mark, trailing zeros included.
    var places: Int
    /// The commodity's symbol after aliases; empty for a bare number.
    var commodity: String
    var lot: LotAnnotation?
    let position: SourcePosition
}

/// Price, date and note that tell lots of one commodity apart; a class, because few amounts have
/// one.
final class LotAnnotation: Sendable {
    /// The lot's price and whether it is for one unit or for all.
    struct Price: Sendable {
        let quantity: ExactDecimal
        let commodity: String
        let isTotal: Bool
    }

    let price: Price?
    let date: CivilDate?
    let note: String?

    init(price: Price?, date: CivilDate?, note: String?) {
        self.price = price
        self.date = date
        self.note = note
    }

    /// A text that is equal for equal lots.
    var key: String {
        let price = price.map { "{\($0.isTotal ? "total " : "")\($0.quantity) \($0.commodity)}" }
        return "\(price ?? "")[\(date?.description ?? "")](\(note ?? ""))"
    }
}

/// What a posting's amount was exchanged for.
struct JournalCost: Sendable {
    let quantity: ExactDecimal
    let commodity: String
    let isTotal: Bool
}

/// A balance assertion, or an assignment where the posting has no amount; few postings have one.
final class BalanceClaim: Sendable {
    /// Which commodities the claim speaks about.
    enum Scope: Sendable {
        /// Only the commodity of its amount.
        case oneCommodity
        /// All: the account holds nothing else.
        case soleCommodity
    }

    /// Which accounts the claim speaks about.
    enum Reach: Sendable {
        case account
        case subtree
    }

    let amount: JournalAmount
    let scope: Scope
    let reach: Reach
    let position: SourcePosition

    init(amount: JournalAmount, scope: Scope, reach: Reach, position: SourcePosition) {
        self.amount = amount
        self.scope = scope
        self.reach = reach
        self.position = position
    }
}

/// How a posting takes part in its transaction's balance.
enum PostingKind: Sendable {
    case real
    /// In brackets: virtual, and balanced.
    case balancedVirtual
    /// In parentheses: virtual, balanced by nothing.
    case unbalancedVirtual
}

/// A remark on a transaction or a posting.
enum Annotation: Hashable, Sendable {
    case note(String)
    case tag(String)
    case value(key: String, text: String)
}

/// One posting as written.
struct JournalPosting: Sendable {
    var account: String
    var kind = PostingKind.real
    /// `*`, `!` or nothing.
    var state = ""
    var amount: JournalAmount?
    var cost: JournalCost?
    var claim: BalanceClaim?
    var date: CivilDate?
    var date2: CivilDate?
    var annotations: [Annotation] = []
    /// Lot and cost as written, kept as metadata.
    var lotText = ""
    var costText = ""
    let position: SourcePosition
}

/// One transaction as written.
struct JournalTransaction: Sendable {
    let date: CivilDate
    var date2: CivilDate?
    var state = ""
    var code = ""
    var payee = ""
    var annotations: [Annotation] = []
    var postings: [JournalPosting] = []
    /// The account of the other side when there is a single posting.
    var bucket: String?
    let position: SourcePosition
}

/// What the Ledger parser yields, in source order.
enum JournalEntry: Sendable {
    case transaction(JournalTransaction)
    case automated(AutomatedRule)
}
