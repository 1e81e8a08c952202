// SPDX-License-Identifier: Apache-2.0
//
// The rules of orders about books: create, delete, metadata, configuration. Pure and total. Called
// by the machine with a gate over the order's coverage, which SystemOrders.swift beside this file
// declares.

import TallyProof
import TallyTypes

enum SystemMachine {
    /// Judges one order about books.
    static func run(
        _ planned: PlannedContext,
        _ gate: inout Gate
    ) throws(RuleStop) -> Effects {
        switch planned.order {
        case .createLedger:
            throw .refused(.ledgerExists)
        case .createBook(let creation):
            return try create(creation, planned, &gate)
        case .deleteBook:
            guard var row = gate.book(planned.book) else { return planned.missingRow() }
            row.isDeleted = true
            gate.put(.book(planned.book), .book(row))
            return .recorded
        case .setBookMetadata(let metadata):
            for pair in metadata.pairs {
                gate.put(.bookMetadata(planned.book, key: pair.key), .text(pair.value))
            }
            return .recorded
        case .deleteBookMetadata(let key):
            gate.ensureAbsent(.bookMetadata(planned.book, key: key))
            return .recorded
        case .setConfiguration, .changeLogKey:
            return .recorded
        case .sealLog(let seal):
            guard seal.size <= planned.index.rawValue else {
                throw .refused(.sealBeyondLedger(size: seal.size))
            }
            return .recorded
        case .succeedLog(let succession):
            guard succession.origin != planned.origin else { throw .refused(.ledgerExists) }
            return .recorded
        case .createTransaction, .revertTransaction, .setTransactionMetadata,
            .deleteTransactionMetadata, .setAccountMetadata, .deleteAccountMetadata, .recordEvent:
            invariantFailure(.i8, "\(planned.order.kind.word) is no order of the system book")
        }
    }

    private static func create(
        _ creation: CreateBook,
        _ planned: PlannedContext,
        _ gate: inout Gate
    ) throws(RuleStop) -> Effects {
        guard gate.bookID(named: creation.name) == nil else {
            throw .refused(.bookExists(name: Text(creation.name.text)))
        }
        guard let id = planned.newBook else {
            invariantFailure(.i8, "a plan makes a book and carries no id for it")
        }
        gate.put(.bookName(creation.name), .bookName(id))
        gate.put(
            .book(id),
            .book(
                BookRow(
                    kind: creation.kind,
                    configuration: BookConfiguration(
                        bucket: creation.bucket,
                        features: creation.features
                    ),
                    head: BookChain.genesis(origin: planned.origin, book: id)
                )
            )
        )
        for pair in creation.metadata.pairs {
            gate.put(.bookMetadata(id, key: pair.key), .text(pair.value))
        }
        return .bookCreated(id)
    }
}
