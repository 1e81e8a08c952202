// SPDX-License-Identifier: Apache-2.0
//
// The coverage of the system book's orders: the superset of the keys that each may touch, beside
// the rows that every order covers (system book, own book, name, idempotency). Pure. Called by
// admission; the rules that use the keys are in SystemMachine.swift beside this file.

import TallyTypes

enum SystemOrders {
    static func coverage(_ order: Order, _ context: CoverageContext) -> [StateKey] {
        switch order {
        case .createLedger, .setConfiguration, .changeLogKey, .sealLog, .succeedLog, .deleteBook:
            return []
        case .createBook(let creation):
            guard let book = context.newBook else { return [] }
            return [.book(book)]
                + creation.metadata.pairs.map { .bookMetadata(book, key: $0.key) }
        case .setBookMetadata(let metadata):
            return metadata.pairs.map { .bookMetadata(context.book, key: $0.key) }
        case .deleteBookMetadata(let key):
            return [.bookMetadata(context.book, key: key)]
        case .createTransaction, .revertTransaction, .setTransactionMetadata,
            .deleteTransactionMetadata, .setAccountMetadata, .deleteAccountMetadata, .recordEvent:
            invariantFailure(.i8, "\(order.kind.word) is no order of the system book")
        }
    }
}
