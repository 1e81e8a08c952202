// SPDX-License-Identifier: Apache-2.0
//
// Refusal → status and code, in this one file, by an exhaustive switch: a new refusal does not
// compile until it is decided here what a client sees. May import TallyTypes. Called wherever an
// answer is a refusal.

package import TallyTypes

extension Problem {
    /// What a client sees of a refusal; the record that holds it is added by the caller.
    package init(_ refusal: Refusal) {
        switch refusal {
        case .bookNotFound, .bookDeleted:
            self = .ledgerNotFound
        case .bookExists:
            self.init(400, .ledgerAlreadyExists, "the name of the ledger is taken")
        case .bookKind(let expected, let found):
            self = .validation("the book is of kind \(found.word), not \(expected.word)")
        case .idempotencyConflict:
            self = .validation("the idempotency key was used before for another request")
        case .insufficientFunds(let account, let asset, let needed, let available):
            self.init(
                400,
                .insufficientFund,
                "insufficient funds: account \(account), asset \(asset), needed \(needed), "
                    + "available \(available)"
            )
        case .referenceConflict:
            self.init(409, .conflict, "a transaction with this reference exists")
        case .transactionNotFound(let id):
            self = .notFound("transaction \(id) not found")
        case .alreadyReverted(let id):
            self.init(400, .alreadyRevert, "transaction \(id) was reverted before")
        case .metadataNotFound:
            self = .notFound("the metadata has no such key")
        case .amountOverflow(let account, let asset):
            self = .validation("account \(account) would reach 2^256 of \(asset)")
        case .groupRolledBack(let number):
            self = .validation("undone with its group, refused for reason \(number)")
        case .oldValueMismatch:
            self.init(409, .conflict, "old_value is not the current value")
        case .recordTooLarge(let bytes):
            self.init(413, .validation, "the record would be too large: \(bytes) bytes")
        case .entityTooLarge(let bytes):
            self.init(413, .validation, "the entity would be too large: \(bytes) bytes")
        case .ledgerExists:
            self.init(409, .conflict, "the ledger was created before")
        case .sealBeyondLedger(let size):
            self.init(409, .conflict, "the seal speaks of \(size) records, the ledger has fewer")
        case .entityNotObject:
            self = .validation("the entity is not an object, so it has no fields")
        }
    }

    /// What a client sees of a batch that was refused as a whole, by the number in each outcome.
    ///
    /// - Returns: Nil when the number is one that each transfer gets on its own.
    package init?(wholeBatch number: UInt8) {
        switch UInt64(number) {
        case Refusal.bookDeleted.number, Refusal.bookNotFound(name: "").number:
            self = .ledgerNotFound
        case Refusal.bookKind(expected: .accounts, found: .journal).number:
            self = .validation("the book is not of kind accounts")
        case Refusal.idempotencyConflict.number:
            self.init(Refusal.idempotencyConflict)
        default:
            return nil
        }
    }
}

extension BookKind {
    /// The word of the kind on the wire.
    var word: String {
        switch self {
        case .system: "system"
        case .accounts: "accounts"
        case .journal: "journal"
        }
    }
}
