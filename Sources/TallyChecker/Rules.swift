// SPDX-License-Identifier: Apache-2.0
//
// The rules of every order, written a second time and without the kernel: what must become of an
// order, given all state. Imports TallyTypes. The replay calls `evaluate` and compares.

import TallyTypes

/// Where and when an order is evaluated.
struct Place {
    /// The position of the book among the books of the state.
    let book: Int
    /// The time of its record.
    let time: Instant
    /// The index of its record.
    let index: RecordIndex
    /// The id that a new book gets.
    let newBook: BookID
    /// The values of an event, parsed.
    let event: EventValues
}

extension LedgerState {
    /// What becomes of an order; changes the state only when it commits.
    ///
    /// The rules in order: the book lives, its kind is right, the rule of the order itself. That
    /// the book exists and that its key is free is judged by the caller, who sees the record.
    mutating func evaluate(_ order: Order, _ place: Place) -> Outcome {
        if books[place.book].isDeleted { return .refused(.bookDeleted) }
        let found = books[place.book].kind
        if let expected = order.kind.bookKind, expected != found {
            return .refused(.bookKind(expected: expected, found: found))
        }
        let before = mark
        do throws(Refusal) {
            return .committed(try effects(order, place))
        } catch {
            rollBack(to: before)
            return .refused(error)
        }
    }

    private mutating func effects(_ order: Order, _ place: Place) throws(Refusal) -> Effects {
        let book = books[place.book].id
        switch order {
        case .createLedger: throw .ledgerExists
        case .createBook(let order): return try createBook(order, place)
        case .deleteBook:
            delete(place.book)
            return .recorded
        case .setBookMetadata(let pairs):
            for pair in pairs.pairs {
                set(.bookMetadata(book, key: pair.key), .text(pair.value))
            }
            return .recorded
        case .deleteBookMetadata(let key):
            set(.bookMetadata(book, key: key), nil)
            return .recorded
        case .setConfiguration(let entriesPerGeneration):
            configure(entriesPerGeneration: entriesPerGeneration)
            return .recorded
        case .changeLogKey: return .recorded
        case .sealLog(let seal):
            guard seal.size <= place.index.rawValue else {
                throw .sealBeyondLedger(size: seal.size)
            }
            return .recorded
        case .succeedLog(let succession):
            guard succession.origin != scalars.origin else { throw .ledgerExists }
            rename(succession.origin)
            return .recorded
        case .createTransaction(let order): return try createTransaction(order, place)
        case .revertTransaction(let order): return try revertTransaction(order, place)
        case .setTransactionMetadata(let id, let pairs):
            return try setMetadata(of: id, pairs, place)
        case .deleteTransactionMetadata(let id, let key):
            return try deleteMetadata(of: id, key, place)
        case .setAccountMetadata(let account, let pairs):
            setMetadata(of: account, pairs, book)
            return .logged(takeLogID(place.book))
        case .deleteAccountMetadata(let account, let key):
            set(.accountMetadata(book, account, key: key), nil)
            return .logged(takeLogID(place.book))
        case .recordEvent(let event):
            try fold(event, place.event, book)
            return .recorded
        }
    }

    private mutating func createBook(
        _ order: CreateBook,
        _ place: Place
    ) throws(Refusal) -> Effects {
        guard names[order.name] == nil else {
            throw .bookExists(name: Text(order.name.text))
        }
        create(order, id: place.newBook)
        for pair in order.metadata.pairs {
            set(.bookMetadata(place.newBook, key: pair.key), .text(pair.value))
        }
        return .bookCreated(place.newBook)
    }

    mutating func setMetadata(of account: AccountAddress, _ pairs: Metadata, _ book: BookID) {
        for pair in pairs.pairs {
            set(.accountMetadata(book, account, key: pair.key), .text(pair.value))
        }
    }
}
