// SPDX-License-Identifier: Apache-2.0
//
// One row of the cache, 48 bytes, and the identity that stands beside it. Pure. A volume below 2¹²⁸
// on both sides lives in the row itself; every other value, and wider volumes, in the payload
// table.

import TallyTypes

/// What a row's bytes mean.
enum RowState: UInt8 {
    /// The handle is on the free list.
    case free = 0
    /// The key is known to be absent.
    case tombstone = 1
    /// A volume in the row's own words.
    case volume = 2
    /// A value in the payload table.
    case payload = 3
}

/// The latest value of a key, and when it was last live.
struct CacheRow {
    /// What the account received, when `state` is `.volume`.
    var input: UInt128 = 0
    /// What the account gave, when `state` is `.volume`.
    var output: UInt128 = 0
    /// Generation + 1: in gen0 when equal to the current one's, only in gen1 when one less; older
    /// is dead.
    var stamp: UInt32 = 0
    /// The flush round in which the row last became dirty; 0 for never.
    var round: UInt32 = 0
    /// The position in the payload table, when `state` is `.payload`.
    var payload: UInt32 = 0
    /// What the words above mean.
    var state: RowState = .free
    /// The kind of the key, for the image.
    var kind: UInt8 = 0
}

/// A fixed table of rows, handed out by handle.
///
/// A constant over memory of its own: whoever holds it reads and writes rows without asking the
/// runtime whether somebody else has the table.
@safe
struct RowTable: ~Copyable {
    /// What changes when rows are handed out and given back.
    private struct Use {
        /// One past the highest handle ever handed out.
        var end = 0
        var free: [UInt32] = []
    }

    private let rows: UnsafeMutablePointer<CacheRow>
    private let identities: UnsafeMutablePointer<KeyHash>
    private let use: UnsafeMutablePointer<Use>
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        unsafe rows = .allocate(capacity: capacity)
        unsafe identities = .allocate(capacity: capacity)
        unsafe use = .allocate(capacity: 1)
        unsafe use.initialize(to: Use())
    }

    deinit {
        unsafe rows.deallocate()
        unsafe identities.deallocate()
        unsafe use.deinitialize(count: 1)
        unsafe use.deallocate()
    }

    /// One past the highest handle ever handed out.
    var end: Int { unsafe use.pointee.end }

    /// Rows in use.
    var count: Int { unsafe use.pointee.end - use.pointee.free.count }

    /// Bytes of memory touched so far.
    var bytes: Int { end * (MemoryLayout<CacheRow>.stride + MemoryLayout<KeyHash>.stride) }

    /// Where a row is, to be prefetched.
    @inline(__always)
    func address(_ handle: RowHandle) -> UnsafeRawPointer {
        unsafe UnsafeRawPointer(rows + Int(handle.position))
    }

    @inline(__always)
    subscript(handle: RowHandle) -> CacheRow {
        unsafeAddress {
            invariant(.i13, Int(handle.position) < end, "row \(handle.position) of \(end)")
            return unsafe UnsafePointer(rows + Int(handle.position))
        }
        nonmutating unsafeMutableAddress {
            invariant(.i13, Int(handle.position) < end, "row \(handle.position) of \(end)")
            return unsafe rows + Int(handle.position)
        }
    }

    func identity(_ handle: RowHandle) -> KeyHash {
        unsafe identities[Int(handle.position)]
    }

    /// Takes a row for a new key.
    func take(_ hash: KeyHash) -> RowHandle {
        if let position = unsafe use.pointee.free.popLast() {
            unsafe rows[Int(position)] = CacheRow()
            unsafe identities[Int(position)] = hash
            return RowHandle(position)
        }
        let end = end
        invariant(.i9, end < capacity, "the cache holds \(capacity) keys and is asked for one more")
        unsafe (rows + end).initialize(to: CacheRow())
        unsafe (identities + end).initialize(to: hash)
        unsafe use.pointee.end += 1
        return RowHandle(UInt32(end))
    }

    /// Gives a row back.
    func release(_ handle: RowHandle) {
        self[handle].state = .free
        unsafe use.pointee.free.append(handle.position)
    }
}

/// Values that do not fit a row's own words.
struct PayloadTable {
    private var values: [StateValue?] = []
    private var free: [UInt32] = []

    subscript(position: UInt32) -> StateValue {
        guard let value = values[Int(position)] else {
            invariantFailure(.i13, "payload \(position) was released")
        }
        return value
    }

    mutating func add(_ value: StateValue) -> UInt32 {
        if let position = free.popLast() {
            values[Int(position)] = value
            return position
        }
        values.append(value)
        return UInt32(values.count - 1)
    }

    mutating func replace(_ position: UInt32, with value: StateValue) {
        values[Int(position)] = value
    }

    mutating func release(_ position: UInt32) {
        values[Int(position)] = nil
        free.append(position)
    }
}
