// SPDX-License-Identifier: Apache-2.0
//
// A ledger as small as it can be: dictionaries, one rule after the other, no log and no hashes. The
// routes are tested against it, through the real views; the real kernel is tested elsewhere. Called
// by DumbNode only.

import TallyCodec
import TallyTypes

/// One book, in memory.
struct DumbBook {
    struct Key: Hashable {
        let account: AccountAddress
        let asset: Asset
    }

    let kind: BookKind
    var isDeleted = false
    var sequence: UInt64 = 0
    var logs: UInt64 = 0
    var volumes: [Key: Volume] = [:]
    var bodies: [TransactionBody] = []
    var reverted: Set<UInt64> = []
    var transactionMetadata: [UInt64: Metadata] = [:]
    var references: Set<Text> = []
    var fields: [[Text]: JSONText] = [:]
}

/// What a key was claimed for.
struct DumbClaim: Hashable {
    let book: BookID
    let key: Text
}

/// A ledger in memory.
struct DumbLedger {
    var records: [Record] = []
    var books: [BookID: DumbBook] = [.system: DumbBook(kind: .system)]
    var names: [BookName: BookID] = [:]
    var claims: [DumbClaim: (order: Order, place: GroupPosition?, record: Int)] = [:]

    /// The live book of a name.
    func liveBook(_ name: BookName) -> LiveBook? {
        guard let id = names[name], let book = books[id], !book.isDeleted else { return nil }
        return LiveBook(id: id, name: name, kind: book.kind)
    }

    /// Begins as every ledger begins.
    init() {
        write(
            .createLedger(CreateLedger(origin: "ledger.test", entriesPerGeneration: 8)),
            .system,
            .committed(.recorded),
            nil
        )
    }

    /// Judges a group: all of it commits, or each order gets a refused record.
    mutating func submit(_ group: [Request]) -> [Answer] {
        var attempt = self
        var answers: [Answer] = []
        for (position, request) in group.enumerated() {
            do throws(Refusal) {
                answers.append(
                    try attempt.judge(request, position: position, count: group.count)
                )
            } catch {
                return refuse(group, error, at: position)
            }
        }
        self = attempt
        return answers
    }

    private mutating func refuse(
        _ group: [Request],
        _ refusal: Refusal,
        at failed: Int
    ) -> [Answer] {
        group.enumerated().map { position, request in
            let outcome =
                position == failed ? refusal : .groupRolledBack(by: refusal.number)
            return .record(
                write(
                    request.order,
                    home(request) ?? .system,
                    .refused(outcome),
                    place(position, group.count)
                )
            )
        }
    }

    private func place(_ position: Int, _ count: Int) -> GroupPosition? {
        count > 1 ? GroupPosition(position: UInt64(position), count: UInt64(count)) : nil
    }

    private func home(_ request: Request) -> BookID? {
        request.book.flatMap { names[$0] }
    }

    private mutating func judge(
        _ request: Request,
        position: Int,
        count: Int
    ) throws(Refusal) -> Answer {
        var id = BookID.system
        if let name = request.book {
            guard let found = names[name] else { throw .bookNotFound(name: Text(name.text)) }
            guard books[found]?.isDeleted == false else { throw .bookDeleted }
            id = found
        }
        let claim = request.idempotencyKey.map { DumbClaim(book: id, key: $0) }
        if let claim, let earlier = claims[claim] {
            guard earlier.order == request.order,
                earlier.place == (request.isKeyJoint ? place(position, count) : nil)
            else { throw .idempotencyConflict }
            return .replay(of: records[earlier.record])
        }
        var book = books[id] ?? DumbBook(kind: .system)
        if let wanted = request.order.kind.bookKind, wanted != book.kind {
            throw .bookKind(expected: wanted, found: book.kind)
        }
        let effects = try apply(request.order, &book)
        books[id] = book
        let record = write(request.order, id, .committed(effects), place(position, count))
        let joint = request.isKeyJoint ? place(position, count) : nil
        if let claim { claims[claim] = (request.order, joint, records.count - 1) }
        return .record(record)
    }

    @discardableResult
    private mutating func write(
        _ order: Order,
        _ id: BookID,
        _ outcome: Outcome,
        _ group: GroupPosition?
    ) -> Record {
        let index = UInt64(records.count)
        let record = Record(
            index: RecordIndex(index),
            book: id,
            sequence: BookSequence(books[id]?.sequence ?? 0),
            previous: .zero,
            time: Instant(microseconds: 1_767_225_600_000_000 + index * 1_000),
            idempotency: nil,
            salt: Salt(index, index),
            order: order,
            outcome: outcome,
            group: group
        )
        records.append(record)
        books[id]?.sequence += 1
        return record
    }

    private mutating func apply(
        _ order: Order,
        _ book: inout DumbBook
    ) throws(Refusal) -> Effects {
        switch order {
        case .createLedger: throw .ledgerExists
        case .createBook(let creation): return try create(creation)
        case .deleteBook:
            book.isDeleted = true
            return .recorded
        case .setBookMetadata, .deleteBookMetadata, .setConfiguration, .changeLogKey, .sealLog,
            .succeedLog:
            return .recorded
        case .createTransaction(let creation): return .transaction(try create(creation, &book))
        case .revertTransaction(let reversal): return .transaction(try revert(reversal, &book))
        case .setTransactionMetadata(let id, let metadata):
            let old = try metadataOf(id, book)
            book.transactionMetadata[id.rawValue] = old.merging(metadata)
        case .deleteTransactionMetadata(let id, let key):
            var metadata = try metadataOf(id, book)
            guard metadata[key] != nil else { throw .metadataNotFound(key: key) }
            metadata[key] = nil
            book.transactionMetadata[id.rawValue] = metadata
        case .setAccountMetadata, .deleteAccountMetadata: break
        case .recordEvent(let event):
            try record(event, &book)
            return .recorded
        }
        book.logs += 1
        return .logged(LogID(book.logs))
    }

    private mutating func create(_ creation: CreateBook) throws(Refusal) -> Effects {
        guard names[creation.name] == nil else {
            throw .bookExists(name: Text(creation.name.text))
        }
        let id = BookID(7, UInt64(books.count))
        names[creation.name] = id
        books[id] = DumbBook(kind: creation.kind)
        return .bookCreated(id)
    }

    private func metadataOf(
        _ id: TransactionID,
        _ book: DumbBook
    ) throws(Refusal) -> Metadata {
        guard let metadata = book.transactionMetadata[id.rawValue] else {
            throw .transactionNotFound(id)
        }
        return metadata
    }

    private func create(
        _ creation: CreateTransaction,
        _ book: inout DumbBook
    ) throws(Refusal) -> TransactionEffects {
        if let reference = creation.reference {
            guard book.references.insert(reference).inserted else {
                throw .referenceConflict(reference: reference)
            }
        }
        for posting in creation.postings {
            let volume = book.volumes[.init(account: posting.source, asset: posting.asset)]
            let available = (volume ?? .zero).balance.available
            guard creation.isForced || posting.source.isWorld || posting.amount <= available
            else {
                throw .insufficientFunds(
                    account: posting.source,
                    asset: posting.asset,
                    needed: posting.amount,
                    available: available
                )
            }
            try move(posting, &book)
        }
        let time = creation.timestamp ?? now
        return keep(creation.postings, time, creation.metadata, &book)
    }

    private func revert(
        _ reversal: RevertTransaction,
        _ book: inout DumbBook
    ) throws(Refusal) -> TransactionEffects {
        let id = reversal.transaction.rawValue
        guard id >= 1, id <= book.bodies.count else {
            throw .transactionNotFound(reversal.transaction)
        }
        guard book.reverted.insert(id).inserted else {
            throw .alreadyReverted(reversal.transaction)
        }
        let body = book.bodies[Int(id) - 1]
        let postings = Array(body.postings.reversed().map(\.reversed))
        for posting in postings { try move(posting, &book) }
        for posting in postings where !reversal.isForced && !posting.source.isWorld {
            let key = DumbBook.Key(account: posting.source, asset: posting.asset)
            guard let volume = book.volumes[key], !volume.balance.isNegative else {
                throw .insufficientFunds(
                    account: posting.source,
                    asset: posting.asset,
                    needed: posting.amount,
                    available: .zero
                )
            }
        }
        let time = reversal.isAtEffectiveDate ? body.timestamp : nil
        var effects = keep(postings, time ?? now, reversal.metadata, &book)
        effects = TransactionEffects(
            id: effects.id,
            logID: effects.logID,
            postings: postings,
            timestamp: time
        )
        return effects
    }

    private var now: BusinessTime {
        BusinessTime(microseconds: 1_767_225_600_000_000 + Int64(records.count) * 1_000)
    }

    private func move(_ posting: Posting, _ book: inout DumbBook) throws(Refusal) {
        let overflow = Refusal.amountOverflow(account: posting.source, asset: posting.asset)
        let from = DumbBook.Key(account: posting.source, asset: posting.asset)
        let to = DumbBook.Key(account: posting.destination, asset: posting.asset)
        let output = book.volumes[from, default: .zero].output.addingReportingOverflow(
            posting.amount
        )
        guard !output.overflow else { throw overflow }
        book.volumes[from, default: .zero].output = output.sum
        let input = book.volumes[to, default: .zero].input.addingReportingOverflow(posting.amount)
        guard !input.overflow else { throw overflow }
        book.volumes[to, default: .zero].input = input.sum
    }

    private func keep(
        _ postings: [Posting],
        _ time: BusinessTime,
        _ metadata: Metadata,
        _ book: inout DumbBook
    ) -> TransactionEffects {
        book.bodies.append(
            TransactionBody(postings: postings, timestamp: time, metadata: metadata)
        )
        book.logs += 1
        book.transactionMetadata[UInt64(book.bodies.count)] = metadata
        return TransactionEffects(
            id: TransactionID(UInt64(book.bodies.count)),
            logID: LogID(book.logs)
        )
    }

    private func record(_ event: JournalEvent, _ book: inout DumbBook) throws(Refusal) {
        let key = [event.entityType, event.entityID, event.field]
        if event.expectsOld, book.fields[key] != event.oldValue { throw .oldValueMismatch }
        book.fields[key] = event.newValue
    }
}
