// SPDX-License-Identifier: Apache-2.0
//
// The seam to the state store: rows by key, written in whole flushes. Imports TallyTypes.
// Conformers: `RocksStateStore` (the node's) and `FlatStateStore` (tests and simulation, on the
// Disk seam); both run the kit in TallySim/StateStoreConformance.swift.
//
// A flush is atomic and durable on return: after a crash the rows are those of the last flush that
// returned, or of the one that was under way, whole. Its marker says as of which log index.

internal import Glibc
internal import TallyTypes

/// One row as it stands in a store.
package struct StateRow: Hashable, Sendable {
    /// The canonical bytes of its key.
    package let key: [UInt8]
    /// The bytes of its value.
    package let value: [UInt8]

    /// Makes a row.
    package init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

/// What one flush writes: rows of the store's table of state, and the marker.
package struct FlushBatch: Sendable {
    /// Rows to put and to delete, strictly ascending by key.
    package var rows: FlushRows
    /// As of when, and what goes with the rows.
    package var marker: FlushMarker

    /// Makes a batch; the rows are sorted before it is given to a store.
    package init(rows: FlushRows, marker: FlushMarker) {
        self.rows = rows
        self.marker = marker
    }
}

/// The rows of one flush in one block of memory.
package struct FlushRows: Sendable {
    struct Row {
        let start: Int
        let keyCount: Int32
        /// Negative for a row that is deleted.
        let valueCount: Int32

        var key: Range<Int> { start..<start + Int(keyCount) }
        var value: Range<Int> {
            let valueStart = start + Int(keyCount)
            return valueStart..<valueStart + Int(max(0, valueCount))
        }
        var isDelete: Bool { valueCount < 0 }
    }

    private(set) var arena: [UInt8] = []
    private(set) var rows: [Row] = []

    /// Makes an empty block with room.
    package init(rowCapacity: Int = 0, byteCapacity: Int = 0) {
        rows.reserveCapacity(rowCapacity)
        arena.reserveCapacity(byteCapacity)
    }

    /// The number of rows.
    package var count: Int { rows.count }

    /// Adds a row that is written.
    package mutating func put(_ key: Span<UInt8>, _ value: Span<UInt8>) {
        let start = arena.count
        append(key)
        append(value)
        rows.append(
            Row(start: start, keyCount: Int32(key.count), valueCount: Int32(value.count))
        )
    }

    /// Adds a row that is deleted; deleting what is not there is no error.
    package mutating func delete(_ key: Span<UInt8>) {
        let start = arena.count
        append(key)
        rows.append(Row(start: start, keyCount: Int32(key.count), valueCount: -1))
    }

    /// Sorts the rows by key: an unsorted flush costs four times as much.
    package mutating func sort() {
        unsafe arena.withUnsafeBufferPointer { bytes in
            rows.sort { left, right in
                unsafe isBefore(bytes.extracting(left.key), bytes.extracting(right.key))
            }
        }
    }

    /// True when the keys ascend strictly.
    package var isSorted: Bool {
        unsafe arena.withUnsafeBufferPointer { bytes in
            for next in rows.indices.dropFirst() {
                let (left, right) = (rows[next - 1].key, rows[next].key)
                guard unsafe isBefore(bytes.extracting(left), bytes.extracting(right)) else {
                    return false
                }
            }
            return true
        }
    }

    private mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { unsafe arena.append(contentsOf: $0) }
    }
}

/// Reads rows in ascending order of their keys.
package protocol StateCursor: AnyObject {
    /// Returns the next row, or nil behind the last.
    ///
    /// - Throws: ``StoreFault`` when the engine finds a damaged block.
    func next() throws(StoreFault) -> StateRow?
}

/// The rows as of one flush, released with the last reference to it.
package protocol StateSnapshot: AnyObject, Sendable {
    /// The marker of that flush; nil before the first.
    var marker: FlushMarker? { get }

    /// Returns a cursor that begins at the first row whose key is at or behind `key`.
    ///
    /// - Throws: ``StoreFault``.
    func cursor(from key: [UInt8]) throws(StoreFault) -> any StateCursor
}

/// How a state store is opened.
package enum StateOpenMode: Hashable, Sendable {
    /// For the node: made when the folder holds none.
    case readWrite
    /// For the verifier, and for start-up while it looks: changes no byte.
    case readOnly
}

/// Rows by key: read from any thread, flushed from one.
package protocol StateStore: AnyObject, Sendable {
    /// Returns the marker of the last flush; nil before the first.
    ///
    /// - Throws: ``StoreFault``.
    func marker() throws(StoreFault) -> FlushMarker?

    /// Returns the value of each key.
    ///
    /// - Parameter keys: Strictly ascending (invariant 33): one sorted pass over the store.
    /// - Returns: A value for each key, nil where there is no row.
    /// - Throws: ``StoreFault``.
    func read(_ keys: [[UInt8]]) throws(StoreFault) -> [[UInt8]?]

    /// Returns the rows as of the last flush.
    ///
    /// - Throws: ``StoreFault``.
    func snapshot() throws(StoreFault) -> any StateSnapshot

    /// Writes all rows of a batch and its marker, at once or not at all; durable on return.
    ///
    /// - Parameter batch: Sorted (invariant 40).
    /// - Throws: ``StoreFault``; the store then refuses every later flush (invariant 41).
    func flush(_ batch: FlushBatch) throws(StoreFault)

    /// Removes every row whose key begins with some bytes; repeated, it changes nothing.
    ///
    /// Durable with the next flush only: until then a crash may bring the rows back. Snapshots keep
    /// them.
    ///
    /// - Parameter prefix: At least one byte below 255 is in it (invariant 44).
    /// - Throws: ``StoreFault``; the store then refuses every later flush (invariant 41).
    func removeRows(below prefix: [UInt8]) throws(StoreFault)

    /// Makes a copy of the store as of the last flush in a folder that does not exist yet.
    ///
    /// - Throws: ``StoreFault``.
    func checkpoint(to directory: String) throws(StoreFault)

    /// Closes the store; snapshots and cursors must be gone, and nothing is called afterwards.
    ///
    /// - Throws: ``StoreFault``.
    func close() throws(StoreFault)
}

func isBefore(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
    if let one = left.baseAddress, let two = right.baseAddress {
        let order = unsafe memcmp(one, two, min(left.count, right.count))
        if order != 0 { return order < 0 }
    }
    return left.count < right.count
}

/// The first bytes behind everything that begins with a prefix; nil when nothing is behind it.
func end(of prefix: [UInt8]) -> [UInt8]? {
    guard let last = prefix.lastIndex(where: { $0 < 255 }) else { return nil }
    return prefix[..<last] + [prefix[last] + 1]
}

/// True when the keys ascend strictly by their bytes.
func ascends(_ keys: [[UInt8]]) -> Bool {
    zip(keys, keys.dropFirst()).allSatisfy { left, right in
        left.lexicographicallyPrecedes(right)
    }
}
