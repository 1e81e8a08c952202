// SPDX-License-Identifier: Apache-2.0
//
// The judge of the kernel: the same orders over one dictionary that is copied before each group. No
// cache, no overlay, no coverage, no seeds, no log. It takes from a plan what a plan alone can know
// (ids of new books, key hashes, time, salts) and judges everything else on its own. Called by the
// tests of this folder only.

import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes

/// A rule said no.
struct No: Error {
    let refusal: Refusal
}

/// A ledger kept in dictionaries.
struct Twin {
    var rows: [StateKey: StateValue] = [:]
    var bodies: [BodyKey: TransactionBody] = [:]
    var scalars: LedgerScalars
    var records: [Record] = []
    var tree = CompactRange()
    private var salts: [Salt] = []
    private var saltsTaken = 0
    private var planTime = Instant(microseconds: 0)

    init(k: UInt64) {
        scalars = LedgerScalars(entriesPerGeneration: k)
    }

    /// Takes from an entry what its records will carry.
    mutating func begin(_ entry: Entry) {
        planTime = entry.time
        saltsTaken = 0
        guard let stream = SaltStream(seed: entry.saltSeed.bytes) else { fatalError("seed") }
        salts = stream.salts(entry.submissions.reduce(0) { $0 + $1.orderCount })
    }

    private enum Judged {
        case outcome(Outcome)
        case replay(RecordIndex)
    }

    /// Judges a group: all of it, or nothing.
    mutating func apply(_ group: [PlannedOrder]) -> [AppliedAnswer] {
        let before = (rows, bodies, scalars.origin)
        var judged: [Judged] = []
        var refused: (at: Int, Refusal)?
        for planned in group {
            let judgedBefore = judged.count
            let made = judged.count { if case .outcome = $0 { true } else { false } }
            let place = place(judged.count, group)
            do throws(No) {
                judged.append(try judge(planned, after: made, place))
            } catch {
                if judged.count > judgedBefore { judged.removeLast() }
                refused = (judged.count, error.refusal)
                break
            }
        }
        if let refused {
            (rows, bodies, scalars.origin) = before
            for position in group.indices {
                if position < refused.at, case .replay(let index) = judged[position],
                    index.rawValue < UInt64(records.count)
                {
                    continue
                }
                let reason: Refusal =
                    position == refused.at
                    ? refused.1 : .groupRolledBack(by: UInt64(refused.at))
                if position < judged.count {
                    judged[position] = .outcome(.refused(reason))
                } else {
                    judged.append(.outcome(.refused(reason)))
                }
            }
        }
        return zip(group, judged).enumerated().map { position, pair in
            switch pair.1 {
            case .replay(let index): return .replay(of: index)
            case .outcome(let outcome):
                let place = place(position, group)
                return .record(record(pair.0, outcome, place))
            }
        }
    }

    private func place(_ position: Int, _ group: [PlannedOrder]) -> GroupPosition? {
        if group.count == 1 { return nil }
        return GroupPosition(
            position: UInt64(position),
            count: UInt64(group.count),
            isKeyJoint: group[position].isKeyJoint
        )
    }

    // MARK: - One order

    private var nextTime: UInt64 {
        max(scalars.lastTime.microseconds + 1, planTime.microseconds)
    }

    private func home(_ planned: PlannedOrder) -> BookID? {
        if planned.order.kind.bookKind == .system { return .system }
        guard let name = planned.name else { return .system }
        if case .bookName(let id)? = rows[.bookName(name)] { return id }
        return nil
    }

    private func book(_ id: BookID) -> BookRow? {
        if case .book(let row)? = rows[.book(id)] { row } else { nil }
    }

    private mutating func judge(
        _ planned: PlannedOrder,
        after made: Int,
        _ place: GroupPosition?
    ) throws(No) -> Judged {
        if case .createLedger = planned.order, records.isEmpty {
            return .outcome(.committed(.recorded))
        }
        guard let id = home(planned), let row = book(id) else {
            throw No(refusal: .bookNotFound(name: Text(planned.name?.text ?? "")))
        }
        if row.isDeleted { throw No(refusal: .bookDeleted) }
        let digest = Hashing.sha256(
            OrderCodec.claimed(planned.order, at: place)
        )
        let key = planned.idempotency.map { StateKey.idempotency(id, $0) }
        if let key, case .idempotency(let claim)? = rows[key] {
            guard claim.digest == digest, claim.count == 1 else {
                throw No(refusal: .idempotencyConflict)
            }
            return .replay(claim.record)
        }
        if let kind = planned.order.kind.bookKind, kind != row.kind {
            throw No(refusal: .bookKind(expected: kind, found: row.kind))
        }
        let effects = try effects(
            planned,
            id,
            UInt64(records.count + made),
            Instant(microseconds: nextTime + UInt64(made))
        )
        if let key {
            let index = RecordIndex(UInt64(records.count + made))
            rows[key] = .idempotency(IdempotencyRow(digest: digest, record: index))
        }
        return .outcome(.committed(effects))
    }

    private mutating func effects(
        _ planned: PlannedOrder,
        _ book: BookID,
        _ index: UInt64,
        _ time: Instant
    ) throws(No) -> Effects {
        switch planned.order {
        case .createLedger: throw No(refusal: .ledgerExists)
        case .createBook(let creation): return try create(creation, planned.newBook)
        case .deleteBook:
            change(book) { $0.isDeleted = true }
            return .recorded
        case .setBookMetadata(let metadata):
            for pair in metadata.pairs {
                rows[.bookMetadata(book, key: pair.key)] = .text(pair.value)
            }
            return .recorded
        case .deleteBookMetadata(let key):
            rows[.bookMetadata(book, key: key)] = nil
            return .recorded
        case .setConfiguration, .changeLogKey: return .recorded
        case .sealLog(let seal):
            if seal.size > index { throw No(refusal: .sealBeyondLedger(size: seal.size)) }
            return .recorded
        case .succeedLog(let succession):
            if succession.origin == scalars.origin { throw No(refusal: .ledgerExists) }
            scalars.origin = succession.origin
            return .recorded
        case .createTransaction(let order): return try create(order, book, time)
        case .revertTransaction(let order): return try revert(order, book, time)
        case .setTransactionMetadata(let id, let metadata):
            let all = try metadataOf(id, book).merging(metadata)
            try keep(all, of: id, book)
            return .logged(takeLog(book))
        case .deleteTransactionMetadata(let id, let key):
            var all = try metadataOf(id, book)
            if all[key] == nil { throw No(refusal: .metadataNotFound(key: key)) }
            all[key] = nil
            try keep(all, of: id, book)
            return .logged(takeLog(book))
        case .setAccountMetadata(let account, let metadata):
            set(metadata, account, book)
            return .logged(takeLog(book))
        case .deleteAccountMetadata(let account, let key):
            rows[.accountMetadata(book, account, key: key)] = nil
            return .logged(takeLog(book))
        case .recordEvent(let event):
            try fold(event, book)
            return .recorded
        }
    }

    private mutating func create(_ creation: CreateBook, _ id: BookID?) throws(No) -> Effects {
        if rows[.bookName(creation.name)] != nil {
            throw No(refusal: .bookExists(name: Text(creation.name.text)))
        }
        guard let id else { fatalError("a plan without the id of its book") }
        rows[.bookName(creation.name)] = .bookName(id)
        rows[.book(id)] = .book(
            BookRow(
                kind: creation.kind,
                configuration: BookConfiguration(
                    bucket: creation.bucket,
                    features: creation.features
                ),
                head: BookChain.genesis(origin: scalars.origin, book: id)
            )
        )
        for pair in creation.metadata.pairs {
            rows[.bookMetadata(id, key: pair.key)] = .text(pair.value)
        }
        return .bookCreated(id)
    }

    // MARK: - Money

    private func volume(_ book: BookID, _ asset: Asset, _ account: AccountAddress) -> Volume {
        if case .volume(let volume)? = rows[.volume(book, asset, account)] { volume } else { .zero }
    }

    private mutating func create(
        _ order: CreateTransaction,
        _ book: BookID,
        _ time: Instant
    ) throws(No) -> Effects {
        if let reference = order.reference, rows[.reference(book, reference)] != nil {
            throw No(refusal: .referenceConflict(reference: reference))
        }
        for posting in order.postings {
            try move(posting, book, isFunded: order.isForced)
        }
        for extra in order.accountMetadata { set(extra.metadata, extra.account, book) }
        let (id, log) = takeTransaction(book)
        if let reference = order.reference { rows[.reference(book, reference)] = .reference(id) }
        bodies[BodyKey(book: book, transaction: id)] = TransactionBody(
            postings: order.postings,
            timestamp: order.timestamp ?? BusinessTime(time),
            metadata: order.metadata
        )
        return .transaction(TransactionEffects(id: id, logID: log))
    }

    private mutating func move(_ posting: Posting, _ book: BookID, isFunded: Bool) throws(No) {
        var source = volume(book, posting.asset, posting.source)
        let available = source.input.subtracting(source.output) ?? .zero
        if !isFunded, posting.source.text != "world", available < posting.amount {
            throw No(
                refusal: .insufficientFunds(
                    account: posting.source,
                    asset: posting.asset,
                    needed: posting.amount,
                    available: available
                )
            )
        }
        source.output = try add(source.output, posting.amount, posting.source, posting.asset)
        rows[.volume(book, posting.asset, posting.source)] = .volume(source)
        var target = volume(book, posting.asset, posting.destination)
        target.input = try add(target.input, posting.amount, posting.destination, posting.asset)
        rows[.volume(book, posting.asset, posting.destination)] = .volume(target)
    }

    private func add(
        _ left: Amount,
        _ right: Amount,
        _ account: AccountAddress,
        _ asset: Asset
    ) throws(No) -> Amount {
        let (sum, overflow) = left.addingReportingOverflow(right)
        if overflow { throw No(refusal: .amountOverflow(account: account, asset: asset)) }
        return sum
    }

    private func body(_ id: TransactionID, _ book: BookID) throws(No) -> TransactionBody {
        guard let body = bodies[BodyKey(book: book, transaction: id)] else {
            throw No(refusal: .transactionNotFound(id))
        }
        return body
    }

    private mutating func revert(
        _ order: RevertTransaction,
        _ book: BookID,
        _ time: Instant
    ) throws(No) -> Effects {
        let body = try body(order.transaction, book)
        var state = self.state(order.transaction, book)
        if state.revertedBy != nil { throw No(refusal: .alreadyReverted(order.transaction)) }
        let postings = body.postings.reversed().map {
            Posting(
                source: $0.destination,
                destination: $0.source,
                asset: $0.asset,
                amount: $0.amount
            )
        }
        if !order.isForced { try requireFunds(postings, book) }
        for posting in postings { try move(posting, book, isFunded: true) }
        let (id, log) = takeTransaction(book)
        state.revertedBy = id
        rows[.transactionState(book, order.transaction)] = .transactionState(state)
        let dated = order.isAtEffectiveDate ? body.timestamp : nil
        var metadata = order.metadata
        metadata["com.formance.spec/state/reverts"] = Text("\(order.transaction.rawValue)")
        bodies[BodyKey(book: book, transaction: id)] = TransactionBody(
            postings: postings,
            timestamp: dated ?? BusinessTime(time),
            metadata: metadata
        )
        return .transaction(
            TransactionEffects(id: id, logID: log, postings: postings, timestamp: dated)
        )
    }

    /// Counts every sum as a number of any length, and looks at the sources afterwards.
    private func requireFunds(_ postings: [Posting], _ book: BookID) throws(No) {
        for posting in postings where posting.source.text != "world" {
            let before = volume(book, posting.asset, posting.source)
            let ofAsset = postings.filter { $0.asset == posting.asset }
            let gives = ofAsset.filter { $0.source == posting.source }.map(\.amount)
            let gets = ofAsset.filter { $0.destination == posting.source }.map(\.amount)
            let given = limbs([before.output] + gives)
            if limbs([before.input] + gets).lexicographicallyPrecedes(given) {
                throw No(
                    refusal: .insufficientFunds(
                        account: posting.source,
                        asset: posting.asset,
                        needed: gives.reduce(.zero) { $0.addingReportingOverflow($1).sum },
                        available: before.input.subtracting(before.output) ?? .zero
                    )
                )
            }
        }
    }

    /// A sum in digits of 64 bits, the highest first.
    private func limbs(_ amounts: [Amount]) -> [UInt64] {
        var sum = [UInt64](repeating: 0, count: 5)
        for amount in amounts {
            let words = [
                0, UInt64(truncatingIfNeeded: amount.high >> 64),
                UInt64(truncatingIfNeeded: amount.high),
                UInt64(truncatingIfNeeded: amount.low >> 64),
                UInt64(truncatingIfNeeded: amount.low),
            ]
            var carry: UInt128 = 0
            for digit in sum.indices.reversed() {
                carry += UInt128(sum[digit]) + UInt128(words[digit])
                sum[digit] = UInt64(truncatingIfNeeded: carry)
                carry >>= 64
            }
        }
        return sum
    }

    // MARK: - Metadata and numbers

    private func state(_ id: TransactionID, _ book: BookID) -> TransactionState {
        if case .transactionState(let state)? = rows[.transactionState(book, id)] { return state }
        return TransactionState()
    }

    private func metadataOf(_ id: TransactionID, _ book: BookID) throws(No) -> Metadata {
        let born = try body(id, book).metadata
        return state(id, book).metadata ?? born
    }

    private mutating func keep(
        _ metadata: Metadata,
        of id: TransactionID,
        _ book: BookID
    ) throws(No) {
        var state = state(id, book)
        state.metadata = metadata
        let bytes = StateCodec.encodeValue(.transactionState(state)).count
        if bytes > 262_144 { throw No(refusal: .entityTooLarge(bytes: UInt64(bytes))) }
        rows[.transactionState(book, id)] = .transactionState(state)
    }

    private mutating func set(_ metadata: Metadata, _ account: AccountAddress, _ book: BookID) {
        for pair in metadata.pairs {
            rows[.accountMetadata(book, account, key: pair.key)] = .text(pair.value)
        }
    }

    private mutating func change(_ id: BookID, _ edit: (inout BookRow) -> Void) {
        guard var row = book(id) else { fatalError("no book \(id)") }
        edit(&row)
        rows[.book(id)] = .book(row)
    }

    private mutating func takeLog(_ id: BookID) -> LogID {
        var log = LogID(0)
        change(id) {
            log = $0.nextLog
            $0.nextLog = LogID(log.rawValue + 1)
        }
        return log
    }

    private mutating func takeTransaction(_ id: BookID) -> (TransactionID, LogID) {
        var transaction = TransactionID(0)
        change(id) {
            transaction = $0.nextTransaction
            $0.nextTransaction = TransactionID(transaction.rawValue + 1)
        }
        return (transaction, takeLog(id))
    }
}

// MARK: - Journals

extension Twin {
    /// Folds an event as conformance/journal says.
    private mutating func fold(_ event: JournalEvent, _ book: BookID) throws(No) {
        let key = StateKey.entity(book, type: event.entityType, id: event.entityID)
        var fields: [Text: JSONText]?
        if case .entity(let state)? = rows[key] {
            fields = Dictionary(uniqueKeysWithValues: state.fields.map { ($0.name, $0.value) })
        }
        let isWhole = event.field == "*"
        let isWrite = event.action == .insert || event.action == .update
        var whole: [Text: JSONText] = [:]
        if isWhole, isWrite, let text = event.newValue {
            guard case .object(let object) = value(text) else {
                throw No(refusal: .entityNotObject)
            }
            for member in object.members { whole[member.key] = JSONText(member.value) }
        }
        if event.expectsOld, !matches(event.oldValue, isWhole, event.field, fields) {
            throw No(refusal: .oldValueMismatch)
        }
        if event.action == .ingest { return }
        if isWhole {
            fields = isWrite ? whole : nil
        } else if isWrite {
            fields = fields ?? [:]
            fields?[event.field] = event.newValue
        } else {
            fields?[event.field] = nil
        }
        let state = fields.map { fields in
            EntityState(
                fields: fields.sorted { $0.key < $1.key }
                    .map { EntityState.Field(name: $0.key, value: $0.value) }
            )
        }
        if let state {
            let bytes = StateCodec.encodeValue(.entity(state)).count
            if bytes > 262_144 { throw No(refusal: .entityTooLarge(bytes: UInt64(bytes))) }
        }
        rows[key] = state.map(StateValue.entity)
    }

    private func matches(
        _ old: JSONText?,
        _ isWhole: Bool,
        _ field: Text,
        _ fields: [Text: JSONText]?
    ) -> Bool {
        guard let fields else { return old == nil }
        guard isWhole else {
            guard let old, let current = fields[field] else { return old == fields[field] }
            return value(current).exactEquals(value(old))
        }
        guard let old, case .object(let object) = value(old) else { return false }
        guard object.members.count == fields.count else { return false }
        return object.members.allSatisfy { member in
            guard let current = fields[member.key] else { return false }
            return value(current).exactEquals(member.value)
        }
    }

    private func value(_ text: JSONText) -> JSONValue {
        do { return try text.value() } catch { fatalError("\(error)") }
    }
}

// MARK: - Batches

extension Twin {
    /// Judges a batch as so many orders, with one key for all.
    mutating func apply(_ batch: PlannedBatch, _ keys: KeyTable) -> AppliedSubmission {
        let first = RecordIndex(UInt64(records.count))
        var reason: Refusal?
        var claim: StateKey?
        if case .bookName(let id)? = rows[.bookName(batch.name)], let row = book(id) {
            claim = batch.idempotency.map { .idempotency(id, $0) }
            if row.isDeleted {
                reason = .bookDeleted
            } else if let claim, case .idempotency(let known)? = rows[claim] {
                if known.digest == batch.digest {
                    return .batch(first: known.record, outcomes: [], isReplay: true)
                }
                reason = .idempotencyConflict
            } else if row.kind != .accounts {
                reason = .bookKind(expected: .accounts, found: row.kind)
            }
        } else {
            reason = .bookNotFound(name: Text(batch.name.text))
        }
        var outcomes: [TransferOutcome] = []
        for (position, transfer) in batch.transfers.enumerated() {
            let (planned, order) = single(transfer, batch, keys)
            let before = (rows, bodies, scalars.origin)
            var outcome: Outcome
            do throws(No) {
                if let reason { throw No(refusal: reason) }
                let id = home(planned) ?? .system
                outcome = .committed(
                    try create(order, id, Instant(microseconds: nextTime))
                )
            } catch {
                (rows, bodies, scalars.origin) = before
                outcome = .refused(error.refusal)
            }
            var claimed: BatchClaim?
            if case .committed = outcome, let key = claim {
                claimed = BatchClaim(
                    digest: batch.digest,
                    position: UInt64(position),
                    count: UInt64(batch.transfers.count)
                )
                rows[key] = .idempotency(
                    IdempotencyRow(
                        digest: batch.digest,
                        record: first,
                        count: UInt64(batch.transfers.count)
                    )
                )
                claim = nil
            }
            let made = record(planned, outcome, nil, batch: claimed, hidesKey: claimed == nil)
            if case .refused(let refusal) = made.outcome {
                outcomes.append(TransferOutcome(refusal: UInt8(refusal.number)))
            } else {
                outcomes.append(TransferOutcome(refusal: 0))
            }
        }
        return .batch(first: first, outcomes: outcomes, isReplay: false)
    }

    private func single(
        _ transfer: Transfer,
        _ batch: PlannedBatch,
        _ keys: KeyTable
    ) -> (PlannedOrder, CreateTransaction) {
        let source = key(keys[Int(transfer.source)])
        let destination = key(keys[Int(transfer.destination)])
        guard case .volume(_, let asset, let from) = source,
            case .volume(_, _, let to) = destination
        else { fatalError("a transfer between no volumes") }
        let order = CreateTransaction(
            postings: [
                Posting(
                    source: from,
                    destination: to,
                    asset: asset,
                    amount: Amount(transfer.amount)
                )
            ],
            isForced: batch.isForced
        )
        return (
            PlannedOrder(
                name: batch.name,
                book: batch.book,
                newBook: nil,
                idempotency: batch.idempotency,
                actor: nil,
                order: .createTransaction(order),
                coverage: []
            ),
            order
        )
    }

    private func key(_ bytes: ArraySlice<UInt8>) -> StateKey {
        do { return try StateCodec.decodeKey(bytes) } catch { fatalError("\(error)") }
    }
}

// MARK: - Records

extension Twin {
    @discardableResult
    private mutating func record(
        _ planned: PlannedOrder,
        _ outcome: Outcome,
        _ place: GroupPosition?,
        batch: BatchClaim? = nil,
        hidesKey: Bool = false
    ) -> Record {
        let isCommitted = if case .committed = outcome { true } else { false }
        if isCommitted {
            if case .createLedger(let creation) = planned.order {
                scalars.origin = creation.origin
                scalars.entriesPerGeneration = creation.entriesPerGeneration
                rows[.book(.system)] = .book(
                    BookRow(
                        kind: .system,
                        configuration: BookConfiguration(
                            bucket: "_default",
                            features: .empty
                        ),
                        head: BookChain.genesis(origin: creation.origin, book: .system)
                    )
                )
            }
            if case .setConfiguration(let k) = planned.order {
                scalars.entriesPerGeneration = k
                scalars.epoch = scalars.epoch.next
            }
        }
        let id = home(planned) ?? .system
        guard let row = book(id) else { fatalError("no book to record in") }
        let record = Record(
            index: RecordIndex(UInt64(records.count)),
            book: id,
            sequence: row.nextSequence,
            previous: row.head,
            time: Instant(microseconds: nextTime),
            idempotency: isCommitted && !hidesKey ? planned.idempotency : nil,
            salt: salts[saltsTaken],
            order: planned.order,
            outcome: outcome,
            actor: planned.actor,
            group: place,
            batch: batch
        )
        let leaf = Hashing.leaf(RecordCodec.split(record).leaf)
        change(id) {
            $0.nextSequence = BookSequence(row.nextSequence.rawValue + 1)
            $0.head = leaf
        }
        tree.append(leaf)
        scalars.nextRecord = RecordIndex(UInt64(records.count + 1))
        scalars.lastTime = record.time
        records.append(record)
        saltsTaken += 1
        return record
    }
}
