// SPDX-License-Identifier: Apache-2.0
//
// The gate: the only accessor of state during apply. Pure. Built for each order from its coverage;
// a key that the order does not cover traps (invariant 2), for reads, writes and deletes alike. An
// order writes into its own overlay, merged into the group's when its rule says yes; the group's is
// merged into the cache when all its orders commit, and dropped otherwise.

import TallyCodec
import TallyProof
import TallyTypes

/// What an overlay holds of a key.
enum Change {
    case value(StateValue)
    case tombstone
}

/// Changes that are merged or dropped as a whole.
struct Overlay {
    private(set) var changes: [UInt32: Change] = [:]
    private(set) var order: [UInt32] = []
    var bodies: [BodyKey: TransactionBody] = [:]

    mutating func set(_ position: UInt32, _ change: Change) {
        if changes.updateValue(change, forKey: position) == nil { order.append(position) }
    }

    func change(_ position: UInt32) -> Change? { changes[position] }

    /// Lays this overlay over another.
    func merge(into below: inout Overlay) {
        for position in order {
            if let change = changes[position] { below.set(position, change) }
        }
        below.bodies.merge(bodies) { _, new in new }
    }
}

/// What one entry can see: the cache under its keys, and the bodies it carries or makes.
final class EntryScope {
    let cache: Cache
    let keys: KeyTable
    let handles: [RowHandle]
    private(set) lazy var positions = decodedPositions()
    /// The positions that some order or batch covers by its list; a batch's volumes are not among
    /// them.
    private let listed: [Bool]
    private var bodies: [BodyKey: TransactionBody?] = [:]
    private var carried: Set<BodyKey> = []
    /// Values of keys that are not in the cache, in a dry run only; an entry's seeds are in the
    /// cache.
    private let floating: [UInt32: StateValue?]

    init(
        cache: Cache,
        entry: Entry,
        handles: [RowHandle],
        floating: [UInt32: StateValue?] = [:]
    ) {
        self.cache = cache
        keys = entry.keys
        self.handles = handles
        self.floating = floating
        listed = EntryScope.listed(entry)
        for witness in entry.witnesses {
            let key = BodyKey(book: witness.book, transaction: witness.transaction)
            bodies[key] = .some(witness.record.map { TransactionBody(decodingWitness: $0) })
            if witness.record != nil { carried.insert(key) }
        }
    }

    private static func listed(_ entry: Entry) -> [Bool] {
        var listed = [Bool](repeating: false, count: entry.keys.count)
        for submission in entry.submissions {
            switch submission {
            case .batch(let batch):
                for position in batch.coverage { listed[Int(position)] = true }
            case .groups(let groups):
                for group in groups {
                    for planned in group {
                        for position in planned.coverage { listed[Int(position)] = true }
                    }
                }
            }
        }
        return listed
    }

    /// The position of each listed key.
    ///
    /// A batch names its volumes by position, so those of them
    /// that an order covers too stand twice, under one row; only the order's is looked up by key.
    private func decodedPositions() -> [StateKey: UInt32] {
        var positions: [StateKey: UInt32] = [:]
        for position in 0..<keys.count where listed[position] {
            do {
                let key = try StateCodec.decodeKey(Array(keys[position]))
                if positions[key] == nil { positions[key] = UInt32(position) }
            } catch {
                invariantFailure(.i11, "a key of an entry does not decode: \(error)")
            }
        }
        return positions
    }

    func get(_ position: UInt32) -> StateValue? {
        if let value = floating[position] { return value }
        return cache.value(handles[Int(position)])
    }

    func put(_ position: UInt32, _ value: StateValue) {
        cache.put(handles[Int(position)], value, key: keys[Int(position)])
    }

    /// Merge of a tombstone: a delete of a live key, nothing for a key made and deleted in one
    /// group.
    func ensureAbsent(_ position: UInt32) {
        let handle = handles[Int(position)]
        if cache.value(handle) != nil { cache.delete(handle, key: keys[Int(position)]) }
    }

    func merge(_ overlay: Overlay) {
        for position in overlay.order {
            switch overlay.change(position) {
            case .value(let value)?: put(position, value)
            case .tombstone?: ensureAbsent(position)
            case nil: break
            }
        }
        bodies.merge(overlay.bodies.mapValues { .some($0) }) { _, new in new }
    }

    func body(_ key: BodyKey) -> TransactionBody? { bodies[key] ?? nil }

    /// True when the plan itself carries the body, so that admission declared its keys.
    func carries(_ key: BodyKey) -> Bool { carried.contains(key) }
}

/// Why a rule ended without effects.
enum RuleStop: Error {
    /// A rule said no.
    case refused(Refusal)
    /// The order was planned on facts that no longer hold.
    case stale
}

/// The state as one order may see and change it.
struct Gate {
    let scope: EntryScope
    private(set) var settled: Overlay
    private let covered: [UInt32]
    private(set) var own = Overlay()

    init(scope: EntryScope, settled: Overlay, covered: [UInt32]) {
        self.scope = scope
        self.settled = settled
        self.covered = covered
    }

    /// Lays what the order wrote over what was settled before it, and hands that back.
    ///
    /// Nobody else may hold what was settled, or all of it is copied for each order of a group.
    mutating func settle() -> Overlay {
        var result = Overlay()
        swap(&result, &settled)
        own.merge(into: &result)
        return result
    }

    /// True when the order covers a key.
    func covers(_ key: StateKey) -> Bool {
        scope.positions[key].map(isCovered) ?? false
    }

    private func isCovered(_ position: UInt32) -> Bool {
        var low = 0
        var high = covered.count
        while low < high {
            let middle = (low + high) / 2
            if covered[middle] == position { return true }
            if covered[middle] < position { low = middle + 1 } else { high = middle }
        }
        return false
    }

    private func position(_ key: StateKey) -> UInt32 {
        guard let position = scope.positions[key], isCovered(position) else {
            invariantFailure(.i2, "the order does not cover the \(key.kind) key that it touches")
        }
        return position
    }

    /// The value of a key; nil when it is absent.
    func get(_ key: StateKey) -> StateValue? {
        let position = position(key)
        switch own.change(position) ?? settled.change(position) {
        case .value(let value)?: return value
        case .tombstone?: return nil
        case nil: return scope.get(position)
        }
    }

    /// Writes a key.
    mutating func put(_ key: StateKey, _ value: StateValue) {
        own.set(position(key), .value(value))
    }

    /// Removes a key; absent is fine.
    mutating func ensureAbsent(_ key: StateKey) {
        own.set(position(key), .tombstone)
    }

    /// The body of a transaction that the plan carries or that this entry made.
    func body(_ key: BodyKey) -> TransactionBody? {
        own.bodies[key] ?? settled.bodies[key] ?? scope.body(key)
    }

    /// Makes a body visible to the rest of the entry.
    mutating func add(_ body: TransactionBody, as key: BodyKey) {
        own.bodies[key] = body
    }
}

extension Gate {
    func book(_ id: BookID) -> BookRow? {
        switch get(.book(id)) {
        case .book(let row)?: row
        case nil: nil
        case .bookName, .volume, .text, .transactionState, .reference, .idempotency, .entity:
            invariantFailure(.i8, "the row of a book holds another kind of value")
        }
    }

    func bookID(named name: BookName) -> BookID? {
        switch get(.bookName(name)) {
        case .bookName(let id)?: id
        case nil: nil
        case .book, .volume, .text, .transactionState, .reference, .idempotency, .entity:
            invariantFailure(.i8, "the row of a name holds another kind of value")
        }
    }

    func volume(_ key: StateKey) -> Volume {
        switch get(key) {
        case .volume(let volume)?: volume
        case nil: .zero
        case .book, .bookName, .text, .transactionState, .reference, .idempotency, .entity:
            invariantFailure(.i8, "the row of a volume holds another kind of value")
        }
    }

    func transactionState(_ key: StateKey) -> TransactionState {
        switch get(key) {
        case .transactionState(let state)?: state
        case nil: TransactionState()
        case .book, .bookName, .volume, .text, .reference, .idempotency, .entity:
            invariantFailure(.i8, "the row of a transaction holds another kind of value")
        }
    }

    func idempotency(_ key: StateKey) -> IdempotencyRow? {
        switch get(key) {
        case .idempotency(let row)?: row
        case nil: nil
        case .book, .bookName, .volume, .text, .transactionState, .reference, .entity:
            invariantFailure(.i8, "the row of an idempotency key holds another kind of value")
        }
    }

    func entity(_ key: StateKey) -> EntityState? {
        switch get(key) {
        case .entity(let state)?: state
        case nil: nil
        case .book, .bookName, .volume, .text, .transactionState, .reference, .idempotency:
            invariantFailure(.i8, "the row of an entity holds another kind of value")
        }
    }
}
