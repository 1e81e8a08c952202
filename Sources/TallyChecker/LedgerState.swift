// SPDX-License-Identifier: Apache-2.0
//
// All state of a ledger in dictionaries, with an undo list instead of overlays: the dumbest form
// that can be right. Imports TallyTypes and TallyProof. The rules change it; the comparison with
// the state store reads it.

import TallyProof
import TallyTypes

/// An account and an asset in a book.
struct VolumeKey: Hashable {
    let book: BookID
    let asset: Asset
    let account: AccountAddress
}

/// What replay knows of one book.
struct BookState {
    let id: BookID
    let kind: BookKind
    let configuration: BookConfiguration
    var isDeleted = false
    var nextSequence = BookSequence(0)
    var head: Digest
    var nextTransaction = TransactionID(1)
    var nextLog = LogID(1)
    /// The body of transaction n at position n − 1.
    var bodies: [TransactionBody] = []
    /// True once a record of this book claimed an idempotency key.
    var hasClaims = false
    /// The record at which an outcome was wrong; nothing is replayed in this book after it.
    var brokenAt: RecordIndex?

    init(id: BookID, kind: BookKind, configuration: BookConfiguration, origin: Text) {
        self.id = id
        self.kind = kind
        self.configuration = configuration
        head = BookChain.genesis(origin: origin, book: id)
    }

    var row: BookRow {
        BookRow(
            kind: kind,
            configuration: configuration,
            isDeleted: isDeleted,
            nextSequence: nextSequence,
            head: head,
            nextTransaction: nextTransaction,
            nextLog: nextLog
        )
    }
}

/// All state of a ledger, and the way back to before an order.
struct LedgerState {
    /// One change, as it is taken back.
    private enum Undo {
        case volume(VolumeKey, Volume?)
        case row(StateKey, StateValue?)
        case entity(StateKey, EntityFields?)
        case counters(Int, isDeleted: Bool, TransactionID, LogID, bodies: Int)
        case created(BookName, BookID)
        case configuration(UInt64, Epoch)
        case origin(Text)
    }

    private(set) var books: [BookState] = []
    private var positions: [BookID: Int] = [:]
    private(set) var names: [BookName: BookID] = [:]
    private(set) var volumes: [VolumeKey: Volume] = [:]
    /// Metadata, transaction states, references; all other kinds of rows have a home of their own.
    private(set) var rows: [StateKey: StateValue] = [:]
    private(set) var entities: [StateKey: EntityFields] = [:]
    var scalars = LedgerScalars()
    private var undo: [Undo] = []

    // MARK: Books

    func position(of book: BookID) -> Int? { positions[book] }

    /// Founds the ledger: origin, K, the system book.
    mutating func found(_ order: CreateLedger) {
        scalars.origin = order.origin
        scalars.entriesPerGeneration = order.entriesPerGeneration
        let configuration = BookConfiguration(bucket: CreateBook.defaultBucket, features: .empty)
        append(
            BookState(
                id: .system,
                kind: .system,
                configuration: configuration,
                origin: order.origin
            )
        )
    }

    /// Creates a book under a name that is free.
    mutating func create(_ order: CreateBook, id: BookID) {
        undo.append(.created(order.name, id))
        names[order.name] = id
        let configuration = BookConfiguration(bucket: order.bucket, features: order.features)
        append(
            BookState(
                id: id,
                kind: order.kind,
                configuration: configuration,
                origin: scalars.origin
            )
        )
    }

    private mutating func append(_ book: BookState) {
        positions[book.id] = books.count
        books.append(book)
    }

    mutating func delete(_ book: Int) {
        saveCounters(book)
        books[book].isDeleted = true
    }

    /// Advances the chain of a book over a record; never taken back.
    mutating func advance(_ book: Int, past leaf: Digest, sequence: BookSequence) {
        books[book].head = leaf
        books[book].nextSequence = sequence.next
    }

    mutating func claim(in book: Int) {
        books[book].hasClaims = true
    }

    mutating func breakBook(_ book: Int, at index: RecordIndex) {
        if books[book].brokenAt == nil {
            books[book].brokenAt = index
        }
    }

    /// Takes the next log id.
    mutating func takeLogID(_ book: Int) -> LogID {
        saveCounters(book)
        let id = books[book].nextLog
        books[book].nextLog = id.next
        return id
    }

    /// Takes the next transaction id and log id, and keeps the body.
    mutating func takeTransaction(_ book: Int, _ body: TransactionBody) -> (TransactionID, LogID) {
        let log = takeLogID(book)
        let id = books[book].nextTransaction
        books[book].nextTransaction = id.next
        books[book].bodies.append(body)
        return (id, log)
    }

    /// The body of a transaction; nil for an id that the book never gave out.
    func body(_ book: Int, _ id: TransactionID) -> TransactionBody? {
        guard id.rawValue >= 1, id < books[book].nextTransaction else { return nil }
        return books[book].bodies[Int(id.rawValue - 1)]
    }

    // MARK: Rows

    func volume(_ key: VolumeKey) -> Volume {
        volumes[key] ?? .zero  // an account without a row has received and given nothing
    }

    mutating func set(_ key: VolumeKey, _ volume: Volume) {
        undo.append(.volume(key, volumes.updateValue(volume, forKey: key)))
    }

    func row(_ key: StateKey) -> StateValue? { rows[key] }

    /// Sets or, with nil, removes a row.
    mutating func set(_ key: StateKey, _ value: StateValue?) {
        undo.append(.row(key, rows[key]))
        rows[key] = value
    }

    /// Sets or, with nil, ends an entity.
    mutating func set(entity key: StateKey, _ fields: EntityFields?) {
        undo.append(.entity(key, entities[key]))
        entities[key] = fields
    }

    mutating func configure(entriesPerGeneration: UInt64) {
        undo.append(.configuration(scalars.entriesPerGeneration, scalars.epoch))
        scalars.entriesPerGeneration = entriesPerGeneration
        scalars.epoch = scalars.epoch.next
    }

    mutating func rename(_ origin: Text) {
        undo.append(.origin(scalars.origin))
        scalars.origin = origin
    }

    // MARK: The way back

    /// The point to which `rollBack` goes back.
    var mark: Int { undo.count }

    /// Forgets how to go back.
    mutating func settle() {
        undo.removeAll(keepingCapacity: true)
    }

    /// Takes back every change since a mark, newest first.
    mutating func rollBack(to mark: Int) {
        while undo.count > mark {
            switch undo.removeLast() {
            case .volume(let key, let old): volumes[key] = old
            case .row(let key, let old): rows[key] = old
            case .entity(let key, let old): entities[key] = old
            case .counters(let book, let isDeleted, let transaction, let log, let bodies):
                books[book].isDeleted = isDeleted
                books[book].nextTransaction = transaction
                books[book].nextLog = log
                books[book].bodies.removeLast(books[book].bodies.count - bodies)
            case .created(let name, let id):
                names[name] = nil
                positions[id] = nil
                books.removeLast()
            case .configuration(let entriesPerGeneration, let epoch):
                scalars.entriesPerGeneration = entriesPerGeneration
                scalars.epoch = epoch
            case .origin(let origin): scalars.origin = origin
            }
        }
    }

    private mutating func saveCounters(_ book: Int) {
        undo.append(
            .counters(
                book,
                isDeleted: books[book].isDeleted,
                books[book].nextTransaction,
                books[book].nextLog,
                bodies: books[book].bodies.count
            )
        )
    }
}
