// SPDX-License-Identifier: Apache-2.0
//
// The two-generation cache in its stamped form: specs/cache.md §2 and §6. Pure. Owned by the
// kernel; apply reaches rows only through a gate, admission only reads. One table holds the latest
// value of each key and the generation it was last live in: in gen0 ⇔ stamp = current, only in gen1
// ⇔ stamp = current − 1, else dead. gen0 shadows gen1 in every row of the protocol, so this answers
// everything that two maps would; Tests/TallyKernelTests judges it against two dictionaries.

package import TallyTypes

/// What the cache says of a key at a predicted index; specs/cache.md §3.
package enum Reach: Equatable, Sendable {
    /// It will still be there.
    case hit(RowHandle)
    /// It is only in gen1 and will be gone: its seed must come from this row, not from the store.
    case fading(RowHandle)
    /// It is in neither generation: its seed must come from the store.
    case miss
    /// Another key has its id.
    case collision
}

/// All state touched recently.
package final class Cache {
    /// The index of the last applied entry.
    package private(set) var applied: LogIndex
    /// K: entries per generation.
    package private(set) var entriesPerGeneration: UInt64
    /// The generation of the last applied entry.
    package private(set) var current: Generation
    /// Everything up to here is in the state store; a rotation checks it.
    package private(set) var flushed: LogIndex
    /// The node's bound on keys, from `--cache-keys`.
    package let keysMax: Int

    let index: KeyIndex
    let rows: RowTable
    var payloads = PayloadTable()
    var dirty = DirtySet()
    /// The flush that copies its rows out, a few at a time.
    private(set) var capturing: RowCopies?
    private var sweep = 0

    /// Makes an empty cache as of an index.
    package init(
        entriesPerGeneration: UInt64,
        applied: LogIndex = .zero,
        keysMax: Int = Limits.cacheKeysDefault
    ) {
        self.entriesPerGeneration = entriesPerGeneration
        self.applied = applied
        self.flushed = applied
        self.keysMax = keysMax
        current = Cache.generation(
            of: LogIndex(max(applied.rawValue, 1)),
            per: entriesPerGeneration
        )
        index = KeyIndex(keysMax: keysMax)
        rows = RowTable(capacity: keysMax)
    }

    /// The generation of an index: (index − 1) / K.
    package static func generation(of index: LogIndex, per entries: UInt64) -> Generation {
        Generation((index.rawValue - 1) / entries)
    }

    /// The generation of an index under the current K.
    package func generation(of index: LogIndex) -> Generation {
        Cache.generation(of: index, per: entriesPerGeneration)
    }

    /// Keys held, dead ones not yet swept included.
    package var count: Int { rows.count }

    /// Bytes of memory held by rows and index.
    package var bytes: Int { rows.bytes + index.bytes }

    var stamp: UInt32 { UInt32(current.rawValue + 1) }

    // MARK: - Admission

    /// What the cache says of a key for an entry at a distance of 0 or 1 generations.
    package func reach(_ hash: KeyHash, distance: UInt64) -> Reach {
        switch index.find(hash) {
        case .absent: .miss
        case .collision: .collision
        case .found(let handle):
            reach(handle, distance: distance)
        }
    }

    /// The same for a key whose row was found.
    @inline(__always)
    func reach(_ handle: RowHandle, distance: UInt64) -> Reach {
        let held = rows[handle].stamp
        if held == stamp { return .hit(handle) }
        if held + 1 == stamp { return distance == 0 ? .hit(handle) : .fading(handle) }
        return .miss
    }

    /// True when the key is in one of the generations now.
    package func holds(_ hash: KeyHash) -> Bool {
        if case .found(let handle) = index.find(hash) { return rows[handle].stamp + 1 >= stamp }
        return false
    }

    /// The value under a handle, or nil for a tombstone.
    package func value(_ handle: RowHandle) -> StateValue? {
        let row = rows[handle]
        switch row.state {
        case .tombstone: return nil
        case .volume:
            return .volume(Volume(input: Amount(row.input), output: Amount(row.output)))
        case .payload: return payloads[row.payload]
        case .free: invariantFailure(.i13, "row \(handle.position) is on the free list")
        }
    }

    // MARK: - Apply

    /// First act of every apply, stale entries included: rotates when the index begins a
    /// generation.
    func enter(_ next: LogIndex) {
        invariant(.i4, next == applied.next, "entry \(next) applied after \(applied)")
        applied = next
        let generation = generation(of: next)
        guard generation != current else { return }
        let needed = generation.rawValue < 2 ? 0 : (generation.rawValue - 1) * entriesPerGeneration
        invariant(
            .i5,
            flushed.rawValue >= needed,
            "generation \(generation) begins at \(next), but only \(flushed) is flushed"
        )
        current = generation
    }

    /// True when an entry may be applied without dropping what the store does not hold.
    package func mayEnter(_ next: LogIndex) -> Bool {
        let generation = generation(of: next)
        guard generation != current, generation.rawValue >= 2 else { return true }
        return flushed.rawValue >= (generation.rawValue - 1) * entriesPerGeneration
    }

    /// Changes K: everything must be flushed; both generations end.
    func reconfigure(entriesPerGeneration entries: UInt64) {
        invariant(
            .i5,
            flushed == applied,
            "K changes at \(applied), but only \(flushed) is flushed"
        )
        clear()
        entriesPerGeneration = entries
        current = Cache.generation(of: LogIndex(max(applied.rawValue, 1)), per: entries)
    }

    private func clear() {
        for position in 0..<rows.end {
            let handle = RowHandle(UInt32(position))
            if rows[handle].state != .free { drop(handle) }
        }
    }

    /// Lays a seed under the cache: it is older than anything cached, and never dirty.
    ///
    /// - Returns: The handle of the key's row, which from now on is in gen0, or a tombstone of
    ///   gen1.
    func seed(_ hash: KeyHash, kind: StateKeyKind, _ value: StateValue?) -> RowHandle {
        switch index.find(hash) {
        case .collision:
            invariantFailure(.i6, "a seeded key has the id of another key")
        case .found(let handle):
            let row = rows[handle]
            if row.stamp == stamp { return handle }
            copyOut(handle)
            if row.stamp + 1 == stamp {
                if row.state != .tombstone { rows[handle].stamp = stamp }
                return handle
            }
            write(handle, value)
            return handle
        case .absent:
            let handle = rows.take(hash)
            capturing?.skip(handle)
            index.insert(hash, handle: handle)
            rows[handle].state = .tombstone
            rows[handle].kind = kind.rawValue
            write(handle, value)
            return handle
        }
    }

    /// The row of a covered key at apply: it must be in a generation.
    func locate(_ hash: KeyHash) -> RowHandle {
        switch index.find(hash) {
        case .found(let handle):
            invariant(
                .i1,
                rows[handle].stamp + 1 >= stamp,
                "a covered key is in neither generation"
            )
            return handle
        case .absent: invariantFailure(.i1, "a covered key was declared but not seeded")
        case .collision: invariantFailure(.i6, "a covered key has the id of another key")
        }
    }

    /// The same for a key whose row admission found.
    @inline(__always)
    func requireHeld(_ handle: RowHandle, _ hash: KeyHash) {
        invariant(.i13, rows.identity(handle) == hash, "the row of a key is another key's")
        invariant(
            .i1,
            rows[handle].stamp + 1 >= stamp,
            "a covered key is in neither generation"
        )
    }

    /// Writes a value into gen0; `key` gives the canonical bytes when the row becomes dirty.
    func put(_ handle: RowHandle, _ value: StateValue, key: ArraySlice<UInt8>) {
        markDirty(handle, key: key)
        write(handle, value)
    }

    /// Writes a tombstone into gen0, and nowhere else; the key must be live.
    func delete(_ handle: RowHandle, key: ArraySlice<UInt8>) {
        invariant(.i1, rows[handle].state != .tombstone, "delete of a key that is absent")
        markDirty(handle, key: key)
        write(handle, nil)
    }

    private func markDirty(_ handle: RowHandle, key: ArraySlice<UInt8>) {
        if rows[handle].round != dirty.round { becomeDirty(handle, key: key) }
    }

    /// The first change of a row after the last flush was begun.
    func becomeDirty(_ handle: RowHandle, key: ArraySlice<UInt8>) {
        copyOut(handle)
        rows[handle].round = dirty.round
        dirty.add(handle, key: key)
    }

    private func write(_ handle: RowHandle, _ value: StateValue?) {
        let old = rows[handle]
        rows[handle].stamp = stamp
        if case .volume(let volume)? = value, volume.input.high == 0, volume.output.high == 0 {
            if old.state == .payload { payloads.release(old.payload) }
            rows[handle].state = .volume
            rows[handle].input = volume.input.low
            rows[handle].output = volume.output.low
        } else if let value {
            if old.state == .payload {
                payloads.replace(old.payload, with: value)
            } else {
                rows[handle].payload = payloads.add(value)
                rows[handle].state = .payload
            }
        } else {
            if old.state == .payload { payloads.release(old.payload) }
            rows[handle].state = .tombstone
        }
    }

    // MARK: - Sweep

    /// Frees dead rows, a few at a time, in the order of their handles.
    func sweepDead(_ steps: Int) {
        for _ in 0..<min(steps, rows.end) {
            sweep = sweep + 1 < rows.end ? sweep + 1 : 0
            let handle = RowHandle(UInt32(sweep))
            if rows[handle].state != .free, rows[handle].stamp + 1 < stamp { drop(handle) }
        }
    }

    private func drop(_ handle: RowHandle) {
        copyOut(handle)
        if rows[handle].state == .payload { payloads.release(rows[handle].payload) }
        index.remove(rows.identity(handle))
        rows.release(handle)
    }

    // MARK: - Flush

    /// Begins to copy the rows of a flush out: everything as of now, whatever happens before the
    /// copying has come to it.
    func beginCapture() -> DirtySet {
        invariant(.i10, capturing == nil, "a flush is captured while another one is")
        capturing = RowCopies(rows: rows.end, stamp: stamp)
        return dirty.take()
    }

    /// Copies some more rows out.
    ///
    /// - Returns: The copies, when they are complete.
    func advanceCapture(_ steps: Int) -> RowCopies? {
        guard let copies = capturing else {
            invariantFailure(.i10, "a flush is captured that was not begun")
        }
        copies.copyNext(steps, from: self)
        guard copies.isComplete else { return nil }
        capturing = nil
        return copies
    }

    /// A row is about to change: a flush that has not come to it copies it now.
    @inline(__always)
    private func copyOut(_ handle: RowHandle) {
        capturing?.copy(handle, from: self)
    }

    /// The store now holds everything up to an index.
    package func markFlushed(_ index: LogIndex) {
        invariant(.i10, index >= flushed, "flushed \(index) after \(flushed)")
        invariant(.i10, index <= applied, "flushed \(index) above the applied \(applied)")
        flushed = index
    }
}

/// Rows that changed since the last capture, with their keys' canonical bytes.
struct DirtySet {
    /// One changed row.
    struct Item {
        let handle: RowHandle
        let start: UInt32
        let end: UInt32
    }

    /// The number of the flush that will take these; rows marked with another are clean.
    private(set) var round: UInt32 = 1
    private(set) var items: [Item] = []
    private(set) var keys: [UInt8] = []

    @inline(__always)
    mutating func add(_ handle: RowHandle, key: ArraySlice<UInt8>) {
        let start = UInt32(keys.count)
        keys.append(contentsOf: key)
        items.append(Item(handle: handle, start: start, end: UInt32(keys.count)))
    }

    /// Takes the set and begins the next round.
    mutating func take() -> DirtySet {
        let taken = self
        round += 1
        items = []
        keys = []
        items.reserveCapacity(taken.items.count)
        keys.reserveCapacity(taken.keys.count)
        return taken
    }
}
