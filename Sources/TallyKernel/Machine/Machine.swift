// SPDX-License-Identifier: Apache-2.0
//
// The machine: what becomes of the orders of one entry. Pure and total. Called by Kernel.apply. A
// group runs in an overlay, merged if all its orders commit; index, time, sequence and previous
// hash of its records are assigned after that. A stale order ends its submission's part of the
// entry.

import TallyCodec
import TallyProof
package import TallyTypes

/// What became of one order of an entry.
package enum AppliedAnswer: Hashable, Sendable {
    /// A new record.
    case record(Record)
    /// The key was claimed before by the same order, in the record at this index.
    case replay(of: RecordIndex)
}

/// What became of one submission of an entry.
package enum AppliedSubmission: Hashable, Sendable {
    /// Answers per group; groups from `staleFrom` on made no record and are rebuilt together.
    case groups(answers: [[AppliedAnswer]], staleFrom: Int?)
    /// A batch: its first record, one outcome per transfer.
    case batch(first: RecordIndex, outcomes: [TransferOutcome], isReplay: Bool)
    /// A batch that made no record and is rebuilt.
    case staleBatch
}

/// An order with what its rule may know beside the gate.
struct PlannedContext {
    let order: Order
    /// The book it is judged in.
    let book: BookID
    let newBook: BookID?
    let origin: Text
    /// The index that its record will get.
    let index: RecordIndex
    /// The time its record will get.
    let time: Instant

    /// Reached by a rule whose book has no row: the caller checked it.
    func missingRow() -> Effects {
        invariantFailure(.i8, "book \(book) has no row")
    }
}

/// The records that one entry makes, each behind its length in two big-endian bytes.
struct RecordRun {
    /// Bytes of a length.
    static let lengthBytes = 2
    private(set) var framed: [UInt8] = []
    /// What stands beside the records, in their order.
    private(set) var blobs: [Blob] = []
    private(set) var count = 0
    /// The leaf hashes, in order.
    var leaves: [Digest] = []
    var positions: [TransactionPosition] = []

    mutating func append(_ record: Record) -> Digest {
        let start = framed.count
        framed.append(contentsOf: [0, 0])
        RecordCodec.append(record, to: &framed)
        let length = framed.count - start - RecordRun.lengthBytes
        if length > Limits.recordBytesMax {
            framed.removeLast(length)
            let split = RecordCodec.split(record)
            framed += split.leaf
            blobs += split.blobs
        }
        writeLength(at: start)
        if case .committed(.transaction(let effects)) = record.outcome {
            positions.append(
                TransactionPosition(
                    book: record.book,
                    transaction: effects.id,
                    record: record.index
                )
            )
        }
        return unsafe framed.withUnsafeBytes {
            unsafe Hashing.leaf(
                UnsafeRawBufferPointer(rebasing: $0[(start + RecordRun.lengthBytes)...])
            )
        }
    }

    /// Appends bytes that are a length to be written over, then one record; gives its leaf hash.
    @inline(__always)
    mutating func append(prefixed: UnsafeRawBufferPointer) -> Digest {
        let start = framed.count
        unsafe framed.append(contentsOf: prefixed)
        writeLength(at: start)
        return unsafe Hashing.leaf(prefixed: UnsafeRawBufferPointer(rebasing: prefixed[1...]))
    }

    private mutating func writeLength(at start: Int) {
        let length = framed.count - start - RecordRun.lengthBytes
        invariant(
            .i16,
            length <= Limits.recordBytesMax,
            "a record of \(length) bytes was made"
        )
        framed[start] = UInt8(length >> 8)
        framed[start + 1] = UInt8(length & 255)
        count += 1
    }

    mutating func reserve(records: Int) {
        framed.reserveCapacity(framed.count + records * 192)
        positions.reserveCapacity(positions.count + records)
        leaves.reserveCapacity(leaves.count + records)
    }
}

/// Where a transaction's record stands.
package struct TransactionPosition: Hashable, Sendable {
    /// Its book.
    package let book: BookID
    /// Its number.
    package let transaction: TransactionID
    /// Its record.
    package let record: RecordIndex
}

/// One run of the machine over an entry.
struct Machine {
    let scope: EntryScope
    let planTime: Instant
    private let salts: [Salt]
    var scalars: LedgerScalars
    var tree: CompactRange
    var run = RecordRun()

    init(scope: EntryScope, entry: Entry, scalars: LedgerScalars, tree: CompactRange) {
        self.scope = scope
        planTime = entry.time
        self.scalars = scalars
        self.tree = tree
        guard let stream = SaltStream(seed: entry.saltSeed.bytes) else {
            invariantFailure(.i11, "a salt seed is not thirty-two bytes")
        }
        salts = stream.salts(entry.submissions.reduce(0) { $0 + $1.orderCount })
    }

    /// The salt of the next record.
    var nextSalt: Salt { salts[run.count] }

    /// The time of the next record.
    var nextTime: Instant {
        Instant(microseconds: max(scalars.lastTime.microseconds + 1, planTime.microseconds))
    }

    mutating func apply(_ submission: PlannedSubmission) -> AppliedSubmission {
        switch submission {
        case .batch(let batch): return apply(batch)
        case .groups(let groups):
            var answers: [[AppliedAnswer]] = []
            for (position, group) in groups.enumerated() {
                guard let settled = apply(group) else {
                    return .groups(answers: answers, staleFrom: position)
                }
                answers.append(settled)
            }
            return .groups(answers: answers, staleFrom: nil)
        }
    }

    // MARK: - Groups

    /// The answers of a group, or nil when it is stale.
    private mutating func apply(_ group: [PlannedOrder]) -> [AppliedAnswer]? {
        if scalars.nextRecord == .zero {
            invariant(.i8, group.count == 1, "a group of \(group.count) creates the ledger")
        }
        guard let evaluated = evaluate(group) else { return nil }
        guard let refusal = evaluated.refusal else {
            scope.merge(evaluated.settled)
            return answers(of: group, evaluated.results)
        }
        return answers(of: group, rolledBack(evaluated.results, group.count, refusal))
    }

    /// Runs a group in an overlay, up to its first refusal; nil when it is stale.
    func evaluate(
        _ group: [PlannedOrder]
    ) -> (settled: Overlay, results: [OrderResult], refusal: Refusal?)? {
        guard namesHold(of: group) else { return nil }
        var settled = Overlay()
        var results: [OrderResult] = []
        var refusal: Refusal?
        var origin = scalars.origin
        for planned in group {
            let made = results.count { $0.makesRecord }
            let claim = RecordIndex(scalars.nextRecord.rawValue + UInt64(made))
            var gate = Gate(scope: scope, settled: settled, covered: planned.coverage)
            settled = Overlay()  // only the gate holds it, see Gate.settle
            do throws(RuleStop) {
                let place = place(results.count, of: group)
                let result = try run(
                    planned,
                    &gate,
                    under: origin,
                    claiming: claim,
                    after: made,
                    at: place
                )
                if case .succeedLog(let succession) = planned.order, case .committed = result {
                    origin = succession.origin
                }
                results.append(result)
                settled = gate.settle()
            } catch {
                switch error {
                case .stale: return nil
                case .refused(let reason): (settled, refusal) = (gate.settled, reason)
                }
            }
            if refusal != nil { break }
        }
        return (settled, results, refusal)
    }

    /// Where an order stands in a group of several.
    private func place(_ position: Int, of group: [PlannedOrder]) -> GroupPosition? {
        guard group.count > 1 else { return nil }
        return GroupPosition(
            position: UInt64(position),
            count: UInt64(group.count),
            isKeyJoint: group[position].isKeyJoint
        )
    }

    func rolledBack(
        _ results: [OrderResult],
        _ count: Int,
        _ refusal: Refusal
    ) -> [OrderResult] {
        let refusedAt = results.count
        return (0..<count).map { position in
            if position < refusedAt, case .replay(let index) = results[position],
                index < scalars.nextRecord
            {
                return results[position]
            }
            return position == refusedAt
                ? .refused(refusal) : .refused(.groupRolledBack(by: UInt64(refusedAt)))
        }
    }

    /// Names of the whole group first: an order that is not run has a record too, in the book it
    /// names.
    private func namesHold(of group: [PlannedOrder]) -> Bool {
        var made: [BookName: BookID] = [:]
        for planned in group {
            guard let name = planned.name else { continue }
            let gate = Gate(scope: scope, settled: Overlay(), covered: planned.coverage)
            let found = made[name] ?? gate.bookID(named: name)
            guard found == planned.book else { return false }
            if case .createBook = planned.order, found == nil { made[name] = planned.newBook }
        }
        return true
    }

    // MARK: - One order

    enum OrderResult {
        case committed(Effects)
        case refused(Refusal)
        case replay(of: RecordIndex)

        var makesRecord: Bool {
            if case .replay = self { false } else { true }
        }
    }

    /// The book whose rules judge an order, or nil when the name it gives has none.
    func home(of planned: PlannedOrder) -> BookID? {
        planned.order.kind.bookKind == .system || planned.name == nil ? .system : planned.book
    }

    /// Book state, then idempotency, then the kind of book, then the rule.
    private func run(
        _ planned: PlannedOrder,
        _ gate: inout Gate,
        under origin: Text,
        claiming record: RecordIndex,
        after made: Int,
        at place: GroupPosition?
    ) throws(RuleStop) -> OrderResult {
        if case .createLedger = planned.order, scalars.origin.utf8.isEmpty {
            return .committed(.recorded)
        }
        guard let book = home(of: planned) else {
            throw .refused(.bookNotFound(name: Text(planned.name?.text ?? "")))
        }
        guard let row = gate.book(book) else {
            invariantFailure(.i8, "book \(book) has a name and no row")
        }
        guard !row.isDeleted else { throw .refused(.bookDeleted) }
        if let replay = try claimed(planned, book, gate, at: place) { return .replay(of: replay) }
        if let kind = planned.order.kind.bookKind, kind != row.kind {
            throw .refused(.bookKind(expected: kind, found: row.kind))
        }
        let context = PlannedContext(
            order: planned.order,
            book: book,
            newBook: planned.newBook,
            origin: origin,
            index: record,
            time: Instant(microseconds: nextTime.microseconds + UInt64(made))
        )
        let effects: Effects
        switch planned.order.kind.bookKind {
        case .system, nil: effects = try SystemMachine.run(context, &gate)
        case .accounts: effects = try AccountsMachine.run(context, &gate)
        case .journal: effects = try JournalMachine.run(context, &gate)
        }
        if let hash = planned.idempotency {
            gate.put(
                .idempotency(book, hash),
                .idempotency(IdempotencyRow(digest: digest(planned, place), record: record))
            )
        }
        return .committed(effects)
    }

    /// What tells a request from another with the same key.
    private func digest(_ planned: PlannedOrder, _ place: GroupPosition?) -> Digest {
        Hashing.sha256(OrderCodec.claimed(planned.order, at: place))
    }

    /// The record that claimed the order's key; refused when that was for another request.
    private func claimed(
        _ planned: PlannedOrder,
        _ book: BookID,
        _ gate: Gate,
        at place: GroupPosition?
    ) throws(RuleStop) -> RecordIndex? {
        guard let hash = planned.idempotency,
            let row = gate.idempotency(.idempotency(book, hash))
        else { return nil }
        guard row.digest == digest(planned, place), row.count == 1 else {
            throw .refused(.idempotencyConflict)
        }
        return row.record
    }

    // MARK: - Records

    private mutating func answers(
        of group: [PlannedOrder],
        _ results: [OrderResult]
    ) -> [AppliedAnswer] {
        var answers: [AppliedAnswer] = []
        for (position, result) in results.enumerated() {
            let place = place(position, of: group)
            switch result {
            case .replay(let index): answers.append(.replay(of: index))
            case .committed(let effects):
                answers.append(.record(record(group[position], .committed(effects), place)))
            case .refused(let refusal):
                answers.append(.record(record(group[position], .refused(refusal), place)))
            }
        }
        return answers
    }

    /// Writes one record: index, time, sequence and previous hash are assigned here.
    private mutating func record(
        _ planned: PlannedOrder,
        _ outcome: Outcome,
        _ place: GroupPosition?
    ) -> Record {
        if case .committed = outcome { takeEffect(planned.order) }
        var gate = Gate(scope: scope, settled: Overlay(), covered: planned.coverage)
        var home = home(of: planned) ?? .system
        if home != .system, gate.book(home) == nil { home = .system }
        var row = gate.book(home) ?? newSystemRow(home)
        let isCommitted = if case .committed = outcome { true } else { false }
        let record = Record(
            index: scalars.nextRecord,
            book: home,
            sequence: row.nextSequence,
            previous: row.head,
            time: nextTime,
            idempotency: isCommitted ? planned.idempotency : nil,
            salt: nextSalt,
            order: planned.order,
            outcome: outcome,
            actor: planned.actor,
            group: place
        )
        let leaf = run.append(record)
        advance(to: record.time, leaf: leaf)
        row.nextSequence = row.nextSequence.next
        row.head = leaf
        gate.put(.book(home), .book(row))
        scope.merge(gate.own)
        return record
    }

    /// Counts one record whose bytes were appended.
    mutating func advance(to time: Instant, leaf: Digest) {
        tree.append(leaf)
        run.leaves.append(leaf)
        scalars.lastTime = time
        scalars.nextRecord = scalars.nextRecord.next
    }

    /// Scalars that an order changes; they hold from the next entry on.
    private mutating func takeEffect(_ order: Order) {
        switch order {
        case .createLedger(let creation):
            scalars.origin = creation.origin
            scalars.entriesPerGeneration = creation.entriesPerGeneration
        case .setConfiguration(let entries):
            scalars.entriesPerGeneration = entries
            scalars.epoch = scalars.epoch.next
        case .succeedLog(let succession):
            scalars.origin = succession.origin
        case .changeLogKey, .sealLog, .createBook, .deleteBook, .setBookMetadata,
            .deleteBookMetadata, .createTransaction,
            .revertTransaction, .setTransactionMetadata, .deleteTransactionMetadata,
            .setAccountMetadata, .deleteAccountMetadata, .recordEvent:
            break
        }
    }

    /// The row of the system book before its first record.
    private func newSystemRow(_ book: BookID) -> BookRow {
        invariant(.i8, book == .system, "book \(book) has no row")
        invariant(.i8, scalars.nextRecord == .zero, "the system book lost its row")
        return BookRow(
            kind: .system,
            configuration: BookConfiguration(
                bucket: CreateBook.defaultBucket,
                features: .empty
            ),
            head: BookChain.genesis(origin: scalars.origin, book: .system)
        )
    }
}
