// SPDX-License-Identifier: Apache-2.0
//
// The rules of double-entry money. Imports TallyTypes; called by `evaluate` alone.

import TallyCodec
import TallyTypes

/// A sum of amounts that may need more than 256 bits.
private struct WideSum: Comparable {
    var carry: UInt64 = 0
    var amount: Amount

    init(_ amount: Amount = .zero) {
        self.amount = amount
    }

    mutating func add(_ other: Amount) {
        let (sum, overflow) = amount.addingReportingOverflow(other)
        amount = sum
        carry += overflow ? 1 : 0
    }

    static func + (left: WideSum, right: WideSum) -> WideSum {
        var sum = left
        sum.add(right.amount)
        sum.carry += right.carry
        return sum
    }

    static func < (left: WideSum, right: WideSum) -> Bool {
        left.carry == right.carry ? left.amount < right.amount : left.carry < right.carry
    }
}

extension LedgerState {
    mutating func createTransaction(
        _ order: CreateTransaction,
        _ place: Place
    ) throws(Refusal) -> Effects {
        let book = books[place.book].id
        if let reference = order.reference, row(.reference(book, reference)) != nil {
            throw .referenceConflict(reference: reference)
        }
        for posting in order.postings {
            try move(posting, book, isForced: order.isForced)
        }
        let (id, log) = takeTransaction(
            place.book,
            TransactionBody(
                postings: order.postings,
                timestamp: order.timestamp ?? BusinessTime(place.time),
                metadata: order.metadata
            )
        )
        if let reference = order.reference {
            set(.reference(book, reference), .reference(id))
        }
        for pairs in order.accountMetadata {
            setMetadata(of: pairs.account, pairs.metadata, book)
        }
        return .transaction(TransactionEffects(id: id, logID: log))
    }

    /// Moves one posting: the source first, so that one account on both sides is seen twice.
    private mutating func move(
        _ posting: Posting,
        _ book: BookID,
        isForced: Bool
    ) throws(Refusal) {
        let (source, asset) = (posting.source, posting.asset)
        let giving = VolumeKey(book: book, asset: asset, account: source)
        var given = volume(giving)
        let available = given.balance.available
        if !isForced, !source.isWorld, posting.amount > available {
            throw .insufficientFunds(
                account: source,
                asset: asset,
                needed: posting.amount,
                available: available
            )
        }
        given.output = try sum(given.output, posting.amount, source, asset)
        set(giving, given)
        let receiving = VolumeKey(book: book, asset: asset, account: posting.destination)
        var received = volume(receiving)
        received.input = try sum(received.input, posting.amount, posting.destination, asset)
        set(receiving, received)
    }

    private func sum(
        _ left: Amount,
        _ right: Amount,
        _ account: AccountAddress,
        _ asset: Asset
    ) throws(Refusal) -> Amount {
        let (sum, overflow) = left.addingReportingOverflow(right)
        if overflow { throw .amountOverflow(account: account, asset: asset) }
        return sum
    }

    mutating func revertTransaction(
        _ order: RevertTransaction,
        _ place: Place
    ) throws(Refusal) -> Effects {
        let book = books[place.book].id
        guard let original = body(place.book, order.transaction) else {
            throw .transactionNotFound(order.transaction)
        }
        var state = transactionState(book, order.transaction)
        guard state.revertedBy == nil else { throw .alreadyReverted(order.transaction) }
        let postings = Array(original.postings.reversed().map(\.reversed))
        if !order.isForced {
            try checkNetEffect(of: postings, book)
        }
        for posting in postings {
            try move(posting, book, isForced: true)
        }
        let timestamp = order.isAtEffectiveDate ? original.timestamp : nil
        var metadata = order.metadata
        metadata[TransactionBody.revertsKey] = Text(String(order.transaction.rawValue))
        let (id, log) = takeTransaction(
            place.book,
            TransactionBody(
                postings: postings,
                timestamp: timestamp ?? BusinessTime(place.time),
                metadata: metadata
            )
        )
        state.revertedBy = id
        set(.transactionState(book, order.transaction), .transactionState(state))
        return .transaction(
            TransactionEffects(id: id, logID: log, postings: postings, timestamp: timestamp)
        )
    }

    /// Every source but `world` must end at or above zero once all postings have moved.
    private func checkNetEffect(of postings: [Posting], _ book: BookID) throws(Refusal) {
        var gives: [VolumeKey: WideSum] = [:]
        var gets: [VolumeKey: WideSum] = [:]
        for posting in postings {
            let giving = VolumeKey(book: book, asset: posting.asset, account: posting.source)
            let getting = VolumeKey(book: book, asset: posting.asset, account: posting.destination)
            gives[giving, default: WideSum()].add(posting.amount)
            gets[getting, default: WideSum()].add(posting.amount)
        }
        for posting in postings where !posting.source.isWorld {
            let key = VolumeKey(book: book, asset: posting.asset, account: posting.source)
            let before = volume(key)
            let give = gives[key, default: WideSum()]
            let input = WideSum(before.input) + gets[key, default: WideSum()]
            guard input < WideSum(before.output) + give else { continue }
            // `give` has no carry: the account received all of it in the original transaction.
            throw .insufficientFunds(
                account: posting.source,
                asset: posting.asset,
                needed: give.amount,
                available: before.balance.available
            )
        }
    }

    mutating func setMetadata(
        of id: TransactionID,
        _ pairs: Metadata,
        _ place: Place
    ) throws(Refusal) -> Effects {
        var (state, current) = try metadata(of: id, place)
        current = current.merging(pairs)
        state.metadata = current
        try set(state, of: id, place)
        return .logged(takeLogID(place.book))
    }

    mutating func deleteMetadata(
        of id: TransactionID,
        _ key: Text,
        _ place: Place
    ) throws(Refusal) -> Effects {
        var (state, current) = try metadata(of: id, place)
        guard current[key] != nil else { throw .metadataNotFound(key: key) }
        current[key] = nil
        state.metadata = current
        try set(state, of: id, place)
        return .logged(takeLogID(place.book))
    }

    private mutating func set(
        _ state: TransactionState,
        of id: TransactionID,
        _ place: Place
    ) throws(Refusal) {
        let bytes = StateCodec.encodeValue(.transactionState(state)).count
        guard bytes <= Limits.stateValueBytesMax else {
            throw .entityTooLarge(bytes: UInt64(bytes))
        }
        set(.transactionState(books[place.book].id, id), .transactionState(state))
    }

    private func metadata(
        of id: TransactionID,
        _ place: Place
    ) throws(Refusal) -> (TransactionState, Metadata) {
        guard let body = body(place.book, id) else { throw .transactionNotFound(id) }
        let state = transactionState(books[place.book].id, id)
        return (state, state.metadata ?? body.metadata)
    }

    private func transactionState(_ book: BookID, _ id: TransactionID) -> TransactionState {
        guard case .transactionState(let state) = row(.transactionState(book, id)) else {
            return TransactionState()
        }
        return state
    }
}
