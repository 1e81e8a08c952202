// SPDX-License-Identifier: Apache-2.0
//
// Open-addressed index from key id to row handle: linear probing, deletion by backward shift, fixed
// capacity. Pure. Owned by the cache; specs/hot-path.md §4.1 has the layout and what it was
// measured at.
//
//     slot, 32 bytes: id low 8 | id high 8 | tag 8 | handle 4 | 4 unused
//
// The handle's field holds the handle + 1; 0 is an empty slot.

import TallyTypes

/// One place of the index.
struct IndexSlot {
    var low: UInt64
    var high: UInt64
    var tag: UInt64
    var handlePlusOne: UInt32
    var unused: UInt32
}

/// What a look-up finds.
enum Lookup: Equatable {
    /// No key with this id.
    case absent
    /// The row of this key.
    case found(RowHandle)
    /// A key with this id and another tag.
    case collision
}

/// The position of a row in the cache's dense table.
package struct RowHandle: Hashable, Sendable {
    /// The handle of a key without a row.
    static let none = RowHandle(.max)
    let position: UInt32

    init(_ position: UInt32) {
        self.position = position
    }
}

/// A fixed-capacity hash table of row handles; a constant over memory of its own, as RowTable is.
@safe
struct KeyIndex: ~Copyable {
    private let slots: UnsafeMutablePointer<IndexSlot>
    private let keys: UnsafeMutablePointer<Int>
    private let mask: Int

    /// Makes room for at least twice as many slots as keys.
    init(keysMax: Int) {
        var capacity = 64
        while capacity < keysMax * 2 {
            capacity *= 2
        }
        mask = capacity - 1
        unsafe slots = .allocate(capacity: capacity)
        unsafe slots.initialize(
            repeating: IndexSlot(low: 0, high: 0, tag: 0, handlePlusOne: 0, unused: 0),
            count: capacity
        )
        unsafe keys = .allocate(capacity: 1)
        unsafe keys.initialize(to: 0)
    }

    deinit {
        unsafe slots.deallocate()
        unsafe keys.deallocate()
    }

    /// Keys held.
    var count: Int { unsafe keys.pointee }

    /// Bytes of memory held.
    var bytes: Int { (mask + 1) * MemoryLayout<IndexSlot>.stride }

    /// The first slot a probe of this key will touch, to be prefetched.
    @inline(__always)
    func firstSlot(of hash: KeyHash) -> UnsafeRawPointer {
        unsafe UnsafeRawPointer(slots + (Int(truncatingIfNeeded: hash.low) & mask))
    }

    /// Finds the row of a key.
    @inline(__always)
    func find(_ hash: KeyHash) -> Lookup {
        var position = Int(truncatingIfNeeded: hash.low) & mask
        while true {
            let slot = unsafe slots[position]
            if slot.handlePlusOne == 0 { return .absent }
            if slot.low == hash.low, slot.high == hash.high {
                return slot.tag == hash.tag ? .found(RowHandle(slot.handlePlusOne - 1)) : .collision
            }
            position = (position &+ 1) & mask
        }
    }

    /// Adds a key that is not there.
    func insert(_ hash: KeyHash, handle: RowHandle) {
        invariant(.i9, count * 2 <= mask, "the key index is more than half full: \(count) keys")
        var position = Int(truncatingIfNeeded: hash.low) & mask
        while unsafe slots[position].handlePlusOne != 0 {
            position = (position &+ 1) & mask
        }
        unsafe slots[position] = IndexSlot(
            low: hash.low,
            high: hash.high,
            tag: hash.tag,
            handlePlusOne: handle.position + 1,
            unused: 0
        )
        unsafe keys.pointee += 1
    }

    /// Removes a key that is there; later keys of its run move back, so that no grave stays.
    func remove(_ hash: KeyHash) {
        var hole = Int(truncatingIfNeeded: hash.low) & mask
        while unsafe slots[hole].low != hash.low || slots[hole].high != hash.high
            || slots[hole].handlePlusOne == 0
        {
            let isEmpty = unsafe slots[hole].handlePlusOne == 0
            invariant(.i9, !isEmpty, "a key to remove is not in the index")
            hole = (hole &+ 1) & mask
        }
        var next = (hole &+ 1) & mask
        while unsafe slots[next].handlePlusOne != 0 {
            let home = unsafe Int(truncatingIfNeeded: slots[next].low) & mask
            if (next &- home) & mask >= (next &- hole) & mask {
                unsafe slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        unsafe slots[hole].handlePlusOne = 0
        unsafe keys.pointee -= 1
    }
}
