// SPDX-License-Identifier: Apache-2.0
//
// The coverage of the orders of accounts books: the superset of the keys that each may touch,
// beside the rows that every order covers (system book, own book, name, idempotency). Pure. Called
// by admission; the rules that use the keys are in AccountsMachine.swift beside this file.

import TallyTypes

enum AccountsOrders {
    static func coverage(_ order: Order, _ context: CoverageContext) -> [StateKey] {
        let book = context.book
        switch order {
        case .createTransaction(let transaction):
            return coverage(transaction, book)
        case .revertTransaction(let revert):
            return [.transactionState(book, revert.transaction)] + volumes(of: context)
        case .setTransactionMetadata(let id, _), .deleteTransactionMetadata(let id, _):
            return [.transactionState(book, id)]
        case .setAccountMetadata(let account, let metadata):
            return metadata.pairs.map { .accountMetadata(book, account, key: $0.key) }
        case .deleteAccountMetadata(let account, let key):
            return [.accountMetadata(book, account, key: key)]
        case .createLedger, .createBook, .deleteBook, .setBookMetadata, .deleteBookMetadata,
            .setConfiguration, .changeLogKey, .sealLog, .succeedLog, .recordEvent:
            invariantFailure(.i8, "\(order.kind.word) is no order of an accounts book")
        }
    }

    private static func coverage(
        _ transaction: CreateTransaction,
        _ book: BookID
    ) -> [StateKey] {
        var keys = volumes(of: transaction.postings, book)
        if let reference = transaction.reference { keys.append(.reference(book, reference)) }
        for account in transaction.accountMetadata {
            keys += account.metadata.pairs.map {
                .accountMetadata(book, account.account, key: $0.key)
            }
        }
        return keys
    }

    /// The volumes of the body, or, while it is unknown, of all that the submission makes itself.
    private static func volumes(of context: CoverageContext) -> [StateKey] {
        if let body = context.body { return volumes(of: body.postings, context.book) }
        return volumes(of: context.making.postings[context.book, default: []], context.book)
    }

    private static func volumes(of postings: [Posting], _ book: BookID) -> [StateKey] {
        postings.flatMap { posting -> [StateKey] in
            [
                .volume(book, posting.asset, posting.source),
                .volume(book, posting.asset, posting.destination),
            ]
        }
    }
}
