// SPDX-License-Identifier: Apache-2.0
//
// The coverage of the orders of journals: the superset of the keys that each may touch, beside the
// rows that every order covers (system book, own book, name, idempotency). Pure. Called by
// admission; the rules that use the keys are in JournalMachine.swift beside this file.

import TallyTypes

enum JournalOrders {
    static func coverage(_ order: Order, _ context: CoverageContext) -> [StateKey] {
        switch order {
        case .recordEvent(let event):
            return [.entity(context.book, type: event.entityType, id: event.entityID)]
        case .createLedger, .createBook, .deleteBook, .setBookMetadata, .deleteBookMetadata,
            .setConfiguration, .changeLogKey, .sealLog, .succeedLog, .createTransaction,
            .revertTransaction, .setTransactionMetadata,
            .deleteTransactionMetadata, .setAccountMetadata, .deleteAccountMetadata:
            invariantFailure(.i8, "\(order.kind.word) is no order of a journal")
        }
    }
}
