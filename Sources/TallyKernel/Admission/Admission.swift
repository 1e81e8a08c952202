// SPDX-License-Identifier: Apache-2.0
//
// Admission: from requests to a draft. Pure; reads the cache, changes nothing. Called by the
// sequencer. It resolves names, declares the coverage of every order (Books/*/*Orders.swift),
// checks each covered key at the predicted index (specs/cache.md §3), and lists what the store must
// supply.

import TallyCodec
import TallyProof
package import TallyTypes

extension Kernel {
    /// Makes a draft for submissions at a predicted index.
    ///
    /// - Parameters:
    ///   - submissions: What was asked for, in order.
    ///   - index: The index that the entry is expected to get; at most one generation ahead.
    ///   - facts: What earlier attempts read.
    ///   - newBookID: Gives a fresh id for each book that may be made.
    /// - Returns: A draft, what must be read before there can be one, or why there is none.
    package func admit(
        _ submissions: [Submission],
        at index: LogIndex,
        facts: AdmissionFacts,
        newBookID: () -> BookID
    ) -> Admission {
        let distance = distance(to: index)
        var builder = DraftBuilder(kernel: self, distance: distance, facts: facts)
        for submission in submissions {
            builder.add(submission, newBookID: newBookID)
        }
        let orders = builder.entry.submissions.reduce(0) { $0 + $1.orderCount }
        guard orders <= Limits.ordersPerEntryMax else {
            return .refused(
                .tooLarge(
                    limit: "orders per entry",
                    size: UInt64(orders),
                    max: Limits.ordersPerEntryMax
                )
            )
        }
        if !builder.lackingNames.isEmpty || !builder.lackingBodies.isEmpty {
            return .lacks(names: builder.lackingNames, bodies: builder.lackingBodies)
        }
        if let busy = builder.busy { return .refused(busy) }
        guard builder.entry.keys.count <= Limits.keysPerEntryMax else {
            return .refused(
                .tooLarge(
                    limit: "keys per entry",
                    size: UInt64(builder.entry.keys.count),
                    max: Limits.keysPerEntryMax
                )
            )
        }
        return .needs(
            Draft(
                submissions: submissions,
                upto: cache.generation(of: index),
                epoch: scalars.epoch,
                missing: builder.missing,
                entriesPerGeneration: cache.entriesPerGeneration,
                entry: builder.entry,
                hashes: builder.hashes,
                rows: builder.rows
            )
        )
    }

    /// Makes the plan for an index, in proposal order.
    ///
    /// - Parameters:
    ///   - draft: What `admit` gave.
    ///   - values: The store's value of each missing key, nil for an absent one, in their order.
    ///   - index: The index that the entry will get.
    ///   - choices: Time and randomness of the leader.
    /// - Returns: The plan, or that the draft came too late.
    package func complete(
        _ draft: Draft,
        values: [[UInt8]?],
        at index: LogIndex,
        choices: PlanChoices
    ) -> Completion {
        guard draft.epoch == scalars.epoch,
            draft.entriesPerGeneration == cache.entriesPerGeneration,
            cache.generation(of: index) <= draft.upto
        else {
            return .admitAgain
        }
        invariant(
            .i8,
            values.count == draft.missing.count,
            "\(values.count) values for \(draft.missing.count) missing keys"
        )
        var entry = draft.entry
        entry.predicted = index
        entry.time = choices.time
        entry.saltSeed = choices.saltSeed
        if index == LogIndex(1) { entry.secrets = secrets.words }
        for (key, value) in zip(draft.missing, values) {
            entry.seeds.append(Seed(key: key, value: value))
        }
        return .plan(Plan(entry: entry, hashes: draft.hashes, rows: draft.rows))
    }

    /// Generations between the current one and that of an index: 0 or 1.
    func distance(to index: LogIndex) -> UInt64 {
        let there = cache.generation(of: index)
        invariant(.i7, there >= cache.current, "an entry for \(index) is admitted too late")
        let distance = there.rawValue - cache.current.rawValue
        invariant(.i7, distance <= 1, "an entry for \(index) is \(distance) generations ahead")
        return distance
    }
}

/// The draft in the making.
struct DraftBuilder {
    let cache: Cache
    let distance: UInt64
    let secrets: KeySecrets
    let facts: AdmissionFacts
    var entry: Entry
    var hashes: [KeyHash] = []
    /// By key: its row, or none.
    var rows: [RowHandle] = []
    var missing: [UInt32] = []
    var lackingNames: [BookName] = []
    var lackingBodies: [BodyKey] = []
    var busy: Busy?
    private var positions: [StateKey: UInt32] = [:]
    private var carried: Set<BodyKey> = []
    private var ownBooks: Set<BookID> = []

    init(kernel: borrowing Kernel, distance: UInt64, facts: AdmissionFacts) {
        cache = kernel.cache
        self.distance = distance
        secrets = kernel.secrets
        self.facts = facts
        entry = Entry(
            epoch: kernel.scalars.epoch,
            predicted: .zero,
            time: Instant(microseconds: 0),
            saltSeed: .zero
        )
    }

    mutating func add(_ submission: Submission, newBookID: () -> BookID) {
        switch submission {
        case .groups(let groups):
            var making = MakingNames()
            var planned: [[PlannedOrder]] = []
            for group in groups {
                planned.append(group.map { plan($0, &making, newBookID) })
            }
            entry.submissions.append(.groups(planned))
        case .batch(let request):
            addBatch(request)
        }
    }

    // MARK: - Orders

    private mutating func plan(
        _ request: Request,
        _ making: inout MakingNames,
        _ newBookID: () -> BookID
    ) -> PlannedOrder {
        let creation: CreateBook? =
            if case .createBook(let order) = request.order { order } else { nil }
        let name = creation?.name ?? request.book
        invariant(
            .i14,
            name != nil || request.order.kind.bookKind == .system,
            "a \(request.order.kind.word) order names no book"
        )
        let book = name.map { resolve($0, making) } ?? .system
        let newBook = creation == nil ? nil : newBookID()
        if let newBook { ownBooks.insert(newBook) }
        if let creation, book == nil, let newBook { making.books[creation.name] = newBook }
        let home = request.order.kind.bookKind == .system ? BookID.system : book
        let idempotency = request.idempotencyKey.flatMap { key in
            home.map { IdempotencyHash.of(book: $0, key: key) }
        }
        var keys = baseKeys(name: name, home: home, idempotency: idempotency)
        if let home {
            // Not kept: a second reference would copy all postings for each order.
            keys += self.keys(
                of: request.order,
                CoverageContext(book: home, newBook: newBook, body: nil, making: making)
            )
            making.postings[home, default: []] += postings(of: request.order, in: home)
        }
        return PlannedOrder(
            name: name,
            book: name == nil ? nil : book,
            newBook: newBook,
            idempotency: idempotency,
            isKeyJoint: request.isKeyJoint,
            actor: request.actor,
            order: request.order,
            coverage: fits(request, keys) ? cover(keys) : []
        )
    }

    private func baseKeys(name: BookName?, home: BookID?, idempotency: Digest?) -> [StateKey] {
        var keys: [StateKey] = [.book(.system)]
        if let name { keys.append(.bookName(name)) }
        if let home {
            if home != .system { keys.append(.book(home)) }
            if let idempotency { keys.append(.idempotency(home, idempotency)) }
        }
        return keys
    }

    private mutating func keys(of order: Order, _ context: CoverageContext) -> [StateKey] {
        switch order {
        case .createLedger, .createBook, .deleteBook, .setBookMetadata, .deleteBookMetadata,
            .setConfiguration, .changeLogKey, .sealLog, .succeedLog:
            return SystemOrders.coverage(order, context)
        case .createTransaction, .setAccountMetadata, .deleteAccountMetadata:
            return AccountsOrders.coverage(order, context)
        case .revertTransaction(let revert):
            let body = witness(context.book, revert.transaction)
            return AccountsOrders.coverage(order, context.with(body: body))
        case .setTransactionMetadata(let id, _), .deleteTransactionMetadata(let id, _):
            let body = witness(context.book, id)
            return AccountsOrders.coverage(order, context.with(body: body))
        case .recordEvent:
            return JournalOrders.coverage(order, context)
        }
    }

    /// The postings that an order will make, as far as they are known now.
    private mutating func postings(of order: Order, in book: BookID) -> [Posting] {
        switch order {
        case .createTransaction(let transaction): transaction.postings
        case .revertTransaction(let revert): witness(book, revert.transaction)?.postings ?? []
        case .createLedger, .createBook, .deleteBook, .setBookMetadata, .deleteBookMetadata,
            .setConfiguration, .changeLogKey, .sealLog, .succeedLog, .setTransactionMetadata,
            .deleteTransactionMetadata,
            .setAccountMetadata, .deleteAccountMetadata, .recordEvent:
            []
        }
    }

    /// True when order, keys and rows are within bounds; otherwise the entry is refused.
    private mutating func fits(_ request: Request, _ keys: [StateKey]) -> Bool {
        let sizes: [(limit: Text, size: Int, max: Int)] = [
            ("order", OrderCodec.encode(request.order).count, Limits.orderBytesMax),
            ("actor", request.actor?.utf8.count ?? 0, Limits.actorBytesMax),
            ("key", keys.map(\.textBytes).max() ?? 0, Limits.keyTextBytesMax),
            ("value", rowBytes(request.order), Limits.stateValueBytesMax),
        ]
        for (limit, size, max) in sizes where size > max {
            busy = .tooLarge(limit: limit, size: UInt64(size), max: max)
            return false
        }
        return true
    }

    /// The largest row that the order alone makes; no rule looks at the size of these.
    private func rowBytes(_ order: Order) -> Int {
        switch order {
        case .createBook(let creation):
            let row = creation.bucket.utf8.count + creation.features.textBytes
            return max(row, creation.metadata.valueBytesMax)
        case .setBookMetadata(let metadata), .setAccountMetadata(_, let metadata):
            return metadata.valueBytesMax
        case .createTransaction(let transaction):
            return transaction.accountMetadata.map(\.metadata.valueBytesMax).max() ?? 0
        case .createLedger, .deleteBook, .deleteBookMetadata, .setConfiguration, .changeLogKey,
            .sealLog, .succeedLog,
            .revertTransaction, .setTransactionMetadata, .deleteTransactionMetadata,
            .deleteAccountMetadata, .recordEvent:
            return 0
        }
    }

    // MARK: - Names and bodies

    mutating func resolve(_ name: BookName, _ making: MakingNames) -> BookID? {
        if let made = making.books[name] { return made }
        let hash = hash(of: StateCodec.encodeKey(.bookName(name)))
        if case .hit(let handle) = cache.reach(hash, distance: 0) {
            switch cache.value(handle) {
            case .bookName(let book)?: return book
            case nil: return nil
            case .book, .volume, .text, .transactionState, .reference, .idempotency, .entity:
                invariantFailure(.i8, "the row of a name holds another kind of value")
            }
        }
        guard let known = facts.names[name] else {
            if !lackingNames.contains(name) { lackingNames.append(name) }
            return nil
        }
        return known
    }

    /// The body of a transaction as it is known now; the entry carries it, or its absence.
    private mutating func witness(_ book: BookID, _ id: TransactionID) -> TransactionBody? {
        // Nobody else knows a book that this plan makes; each admission gives it another id.
        if ownBooks.contains(book) { return nil }
        let key = BodyKey(book: book, transaction: id)
        guard let known = facts.bodies[key] else {
            if !lackingBodies.contains(key) { lackingBodies.append(key) }
            return nil
        }
        if carried.insert(key).inserted {
            entry.witnesses.append(Witness(book: book, transaction: id, record: known))
        }
        return known.map { TransactionBody(decodingWitness: $0) }
    }

    // MARK: - Keys

    /// Adds keys to the table and returns their positions, ascending, each once.
    mutating func cover(_ keys: [StateKey]) -> [UInt32] {
        var covered: [UInt32] = []
        covered.reserveCapacity(keys.count)
        for key in keys {
            if let known = positions[key] {
                covered.append(known)
            } else {
                let bytes = StateCodec.encodeKey(key)
                let position = entry.keys.append(bytes)
                positions[key] = position
                covered.append(position)
                admit(hash(of: bytes), at: position)
            }
        }
        covered.sort()
        return covered.indices.filter { $0 == 0 || covered[$0] != covered[$0 - 1] }
            .map { covered[$0] }
    }

    func hash(of key: [UInt8]) -> KeyHash { KeyHash(of: key, under: secrets) }

    /// Decides where the value of a key must come from.
    mutating func admit(_ hash: KeyHash, at position: UInt32) {
        hashes.append(hash)
        switch cache.index.find(hash) {
        case .found(let handle):
            rows.append(handle)
            source(handle, at: position)
        case .absent:
            missing.append(position)
            rows.append(.none)
        case .collision:
            busy = .keyCollision
            rows.append(.none)
        }
    }

    /// The same for a key whose row was found.
    @inline(__always)
    mutating func source(_ handle: RowHandle, at position: UInt32) {
        switch cache.reach(handle, distance: distance) {
        case .hit: break
        case .fading(let handle):
            let value = cache.value(handle).map(StateCodec.encodeValue)
            entry.seeds.append(Seed(key: position, value: value))
        case .miss: missing.append(position)
        case .collision: busy = .keyCollision
        }
    }
}

/// What earlier orders of one submission will have made.
struct MakingNames {
    /// Books, by name.
    var books: [BookName: BookID] = [:]
    /// Postings of the transactions, by book.
    var postings: [BookID: [Posting]] = [:]
}

/// What the coverage of an order depends on, beside the order.
struct CoverageContext {
    /// The book that the order is for; the system book for orders about books.
    let book: BookID
    /// The id of the book it may make.
    let newBook: BookID?
    /// The body of the transaction it names, when that is known.
    let body: TransactionBody?
    /// What earlier orders of the submission will have made.
    let making: MakingNames

    func with(body: TransactionBody?) -> CoverageContext {
        CoverageContext(book: book, newBook: newBook, body: body, making: making)
    }
}

extension StateKey {
    /// Bytes of the key's free text, which nothing else bounds.
    fileprivate var textBytes: Int {
        switch self {
        case .accountMetadata(_, _, let key), .bookMetadata(_, let key): key.utf8.count
        case .reference(_, let reference): reference.utf8.count
        case .entity(_, let type, let id): type.utf8.count + id.utf8.count
        case .book, .bookName, .volume, .transactionState, .idempotency: 0
        }
    }
}

extension Metadata {
    /// The bytes of the longest value.
    fileprivate var valueBytesMax: Int { pairs.map(\.value.utf8.count).max() ?? 0 }

    /// The bytes of all keys and values.
    fileprivate var textBytes: Int {
        pairs.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }
}

extension TransactionBody {
    /// Reads the body out of a record of our own; anything else is our fault.
    init(decodingWitness bytes: [UInt8]) {
        do {
            let record = try RecordCodec.decodeWhole(bytes)
            guard let body = TransactionBody(record) else {
                invariantFailure(.i11, "a witness is the record of no transaction")
            }
            self = body
        } catch {
            invariantFailure(.i11, "a witness does not decode: \(error)")
        }
    }
}
