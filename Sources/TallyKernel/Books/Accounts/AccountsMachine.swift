// SPDX-License-Identifier: Apache-2.0
//
// The rules of accounts books: transactions, reverts, metadata. Pure and total; specs/accounts.md
// §5.4 and §5.5 are the source. Called by the machine with a gate over the order's coverage, which
// AccountsOrders.swift beside this file declares. Transfers of a binary batch follow the same rule
// in Machine/BatchMachine.swift.

import TallyCodec
import TallyTypes

enum AccountsMachine {
    /// Judges one order of an accounts book.
    static func run(
        _ planned: PlannedContext,
        _ gate: inout Gate
    ) throws(RuleStop) -> Effects {
        switch planned.order {
        case .createTransaction(let order):
            return try create(order, planned, &gate)
        case .revertTransaction(let order):
            return try revert(order, planned, &gate)
        case .setTransactionMetadata(let id, let metadata):
            let current = try metadataOf(id, planned.book, gate)
            try write(current.merging(metadata), of: id, planned.book, &gate)
            return .logged(takeLog(planned.book, &gate))
        case .deleteTransactionMetadata(let id, let key):
            var current = try metadataOf(id, planned.book, gate)
            guard current[key] != nil else { throw .refused(.metadataNotFound(key: key)) }
            current[key] = nil
            try write(current, of: id, planned.book, &gate)
            return .logged(takeLog(planned.book, &gate))
        case .setAccountMetadata(let account, let metadata):
            merge(metadata, of: account, planned.book, &gate)
            return .logged(takeLog(planned.book, &gate))
        case .deleteAccountMetadata(let account, let key):
            gate.ensureAbsent(.accountMetadata(planned.book, account, key: key))
            return .logged(takeLog(planned.book, &gate))
        case .createLedger, .createBook, .deleteBook, .setBookMetadata, .deleteBookMetadata,
            .setConfiguration, .changeLogKey, .sealLog, .succeedLog, .recordEvent:
            invariantFailure(.i8, "\(planned.order.kind.word) is no order of an accounts book")
        }
    }

    // MARK: - Transactions

    private static func create(
        _ order: CreateTransaction,
        _ planned: PlannedContext,
        _ gate: inout Gate
    ) throws(RuleStop) -> Effects {
        let book = planned.book
        if let reference = order.reference {
            guard gate.get(.reference(book, reference)) == nil else {
                throw .refused(.referenceConflict(reference: reference))
            }
        }
        for posting in order.postings {
            try move(posting, isForced: order.isForced, book, &gate)
        }
        for account in order.accountMetadata {
            merge(account.metadata, of: account.account, book, &gate)
        }
        let effects = takeTransaction(book, &gate)
        if let reference = order.reference {
            gate.put(.reference(book, reference), .reference(effects.id))
        }
        gate.add(
            TransactionBody(
                postings: order.postings,
                timestamp: order.timestamp ?? BusinessTime(planned.time),
                metadata: order.metadata
            ),
            as: BodyKey(book: book, transaction: effects.id)
        )
        return .transaction(effects)
    }

    private static func revert(
        _ order: RevertTransaction,
        _ planned: PlannedContext,
        _ gate: inout Gate
    ) throws(RuleStop) -> Effects {
        let book = planned.book
        let body = try self.body(order.transaction, book, gate)
        let stateKey = StateKey.transactionState(book, order.transaction)
        var state = gate.transactionState(stateKey)
        guard state.revertedBy == nil else {
            throw .refused(.alreadyReverted(order.transaction))
        }
        let postings = body.postings.reversed().map(\.reversed)
        try requireCoverage(of: postings, order.transaction, book, gate)
        if !order.isForced { try requireFunds(for: postings, book, gate) }
        for posting in postings {
            try move(posting, isForced: true, book, &gate)
        }
        let plain = takeTransaction(book, &gate)
        state.revertedBy = plain.id
        gate.put(stateKey, .transactionState(state))
        let effects = TransactionEffects(
            id: plain.id,
            logID: plain.logID,
            postings: postings,
            timestamp: order.isAtEffectiveDate ? body.timestamp : nil
        )
        var metadata = order.metadata
        metadata[TransactionBody.revertsKey] = Text(order.transaction.description)
        gate.add(
            TransactionBody(
                postings: postings,
                timestamp: effects.timestamp ?? BusinessTime(planned.time),
                metadata: metadata
            ),
            as: BodyKey(book: book, transaction: plain.id)
        )
        return .transaction(effects)
    }

    /// Moves an amount: funds first, then the source's sum, then the destination's.
    private static func move(
        _ posting: Posting,
        isForced: Bool,
        _ book: BookID,
        _ gate: inout Gate
    ) throws(RuleStop) {
        let sourceKey = StateKey.volume(book, posting.asset, posting.source)
        var source = gate.volume(sourceKey)
        let available = source.balance.available
        guard isForced || posting.source.isWorld || posting.amount <= available else {
            throw .refused(
                .insufficientFunds(
                    account: posting.source,
                    asset: posting.asset,
                    needed: posting.amount,
                    available: available
                )
            )
        }
        source.output = try sum(source.output, posting.amount, posting.source, posting.asset)
        gate.put(sourceKey, .volume(source))
        let destinationKey = StateKey.volume(book, posting.asset, posting.destination)
        var destination = gate.volume(destinationKey)
        destination.input = try sum(
            destination.input,
            posting.amount,
            posting.destination,
            posting.asset
        )
        gate.put(destinationKey, .volume(destination))
    }

    private static func sum(
        _ left: Amount,
        _ right: Amount,
        _ account: AccountAddress,
        _ asset: Asset
    ) throws(RuleStop) -> Amount {
        let (sum, overflow) = left.addingReportingOverflow(right)
        guard !overflow else { throw .refused(.amountOverflow(account: account, asset: asset)) }
        return sum
    }

    // MARK: - Reverts

    /// The net effect of all postings must leave every source at zero or above, world excepted.
    ///
    /// Sums are exact here; one that the account cannot hold is refused when it moves.
    private static func requireFunds(
        for postings: [Posting],
        _ book: BookID,
        _ gate: Gate
    ) throws(RuleStop) {
        var moved: [StateKey: (given: WideSum, received: WideSum)] = [:]
        for posting in postings {
            moved[.volume(book, posting.asset, posting.source), default: (.zero, .zero)]
                .given.add(posting.amount)
            moved[.volume(book, posting.asset, posting.destination), default: (.zero, .zero)]
                .received.add(posting.amount)
        }
        for posting in postings where !posting.source.isWorld {
            let key = StateKey.volume(book, posting.asset, posting.source)
            let volume = gate.volume(key)
            // Never above 256 bits: the account received all of it in the original transaction.
            let needed = moved[key]?.given ?? .zero
            var (given, received) = moved[key] ?? (.zero, .zero)
            given.add(volume.output)
            received.add(volume.input)
            guard given <= received else {
                throw .refused(
                    .insufficientFunds(
                        account: posting.source,
                        asset: posting.asset,
                        needed: needed.low,
                        available: volume.balance.available
                    )
                )
            }
        }
    }

    /// A body that this entry made itself may ask for keys that admission could not know.
    private static func requireCoverage(
        of postings: [Posting],
        _ id: TransactionID,
        _ book: BookID,
        _ gate: Gate
    ) throws(RuleStop) {
        guard !gate.scope.carries(BodyKey(book: book, transaction: id)) else { return }
        for posting in postings {
            guard gate.covers(.volume(book, posting.asset, posting.source)),
                gate.covers(.volume(book, posting.asset, posting.destination))
            else { throw .stale }
        }
    }

    // MARK: - Bodies and metadata

    /// The body of a transaction: absent below the book's next id is stale, never "not found".
    private static func body(
        _ id: TransactionID,
        _ book: BookID,
        _ gate: Gate
    ) throws(RuleStop) -> TransactionBody {
        guard let row = gate.book(book), id < row.nextTransaction, id.rawValue > 0 else {
            throw .refused(.transactionNotFound(id))
        }
        guard let body = gate.body(BodyKey(book: book, transaction: id)) else { throw .stale }
        return body
    }

    private static func metadataOf(
        _ id: TransactionID,
        _ book: BookID,
        _ gate: Gate
    ) throws(RuleStop) -> Metadata {
        let body = try body(id, book, gate)
        return gate.transactionState(.transactionState(book, id)).metadata ?? body.metadata
    }

    private static func write(
        _ metadata: Metadata,
        of id: TransactionID,
        _ book: BookID,
        _ gate: inout Gate
    ) throws(RuleStop) {
        let key = StateKey.transactionState(book, id)
        var state = gate.transactionState(key)
        state.metadata = metadata
        let value = StateValue.transactionState(state)
        let bytes = StateCodec.encodeValue(value).count
        guard bytes <= Limits.stateValueBytesMax else {
            throw .refused(.entityTooLarge(bytes: UInt64(bytes)))
        }
        gate.put(key, value)
    }

    private static func merge(
        _ metadata: Metadata,
        of account: AccountAddress,
        _ book: BookID,
        _ gate: inout Gate
    ) {
        for pair in metadata.pairs {
            gate.put(.accountMetadata(book, account, key: pair.key), .text(pair.value))
        }
    }

    // MARK: - Numbers

    private static func takeTransaction(_ book: BookID, _ gate: inout Gate) -> TransactionEffects {
        guard var row = gate.book(book) else {
            invariantFailure(.i8, "an order of a book without a row")
        }
        let effects = TransactionEffects(id: row.nextTransaction, logID: row.nextLog)
        row.nextTransaction = row.nextTransaction.next
        row.nextLog = row.nextLog.next
        gate.put(.book(book), .book(row))
        return effects
    }

    private static func takeLog(_ book: BookID, _ gate: inout Gate) -> LogID {
        guard var row = gate.book(book) else {
            invariantFailure(.i8, "an order of a book without a row")
        }
        let log = row.nextLog
        row.nextLog = log.next
        gate.put(.book(book), .book(row))
        return log
    }
}
