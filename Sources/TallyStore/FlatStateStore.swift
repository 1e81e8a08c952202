// SPDX-License-Identifier: Apache-2.0
//
// The second conformer of the state-store seam: all rows in memory, and each flush writes them
// whole into one checksummed file beside the old one, which it then replaces by a rename. Imports
// TallyTypes. For tests and simulation, on any Disk. Layout of the file `flat`, little-endian,
// docs/formats/store.md:
//
//     size
//        8  "tallyrow"
//        1  format        1
//     blob  marker        FlushMarker's bytes; empty before the first flush
//        8  rows          how many
//           per row: blob key, blob value, ascending by key
//        4  checksum      CRC32C of everything before
//
// (a blob is its length in four bytes and then its bytes)

internal import Synchronization
package import TallyTypes

/// Rows in memory, and in one file.
package final class FlatStateStore: StateStore {
    private struct State {
        var rows: [StateRow] = []
        var marker: FlushMarker?
        var isStopped = false
    }

    private static let magic = Array("tallyrow".utf8)
    private static let format: UInt8 = 1
    private static let sizeMax = ByteCount(1 << 32)
    private let disk: any Disk
    private let path: String
    private let state: Mutex<State>

    /// Opens the store in a folder; without a file there, it is empty.
    ///
    /// - Throws: ``StoreFault``.
    package init(
        disk: any Disk,
        directory: String,
        mode: StateOpenMode = .readWrite
    ) throws(StoreFault) {
        self.disk = disk
        path = directory + "/flat"
        let path = path
        let exists = try onDisk { () throws(DiskFault) in try disk.exists(path) }
        guard exists else {
            state = Mutex(State())
            return
        }
        let bytes = try onDisk { () throws(DiskFault) in
            // The rename of an earlier process may not be durable yet.
            if mode == .readWrite { try disk.syncDirectory(directory) }
            return try disk.contents(of: path, limit: Self.sizeMax)
        }
        do {
            state = Mutex(try Self.decode(bytes))
        } catch {
            let code: StoreFault.Code = error.field == "format" ? .unknownFormat : .corrupt
            throw StoreFault(code, subject: path, reason: error.description)
        }
    }

    /// Returns the marker of the last flush.
    package func marker() throws(StoreFault) -> FlushMarker? { state.withLock { $0.marker } }

    /// Returns the value of each key, nil where there is no row.
    package func read(_ keys: [[UInt8]]) throws(StoreFault) -> [[UInt8]?] {
        invariant(.i33, ascends(keys), "keys of a read do not ascend")
        let rows = state.withLock { $0.rows }
        return keys.map { key in
            let position = Self.position(of: key, in: rows)
            return position < rows.count && rows[position].key == key ? rows[position].value : nil
        }
    }

    /// Returns the rows as of the last flush.
    package func snapshot() throws(StoreFault) -> any StateSnapshot {
        state.withLock { FlatSnapshot(rows: $0.rows, marker: $0.marker) }
    }

    /// Writes all rows of a batch and its marker, at once; durable on return.
    ///
    /// - Throws: ``StoreFault``.
    package func flush(_ batch: FlushBatch) throws(StoreFault) {
        invariant(.i40, batch.rows.isSorted, "rows of a flush do not ascend")
        var next = state.withLock { state in
            invariant(.i41, !state.isStopped, "the store was used after a fault")
            return state
        }
        next.rows = Self.merge(next.rows, batch.rows)
        next.marker = batch.marker
        let bytes = Self.encode(next)
        do {
            try onDisk { () throws(DiskFault) in try disk.replace(path, with: bytes) }
        } catch {
            state.withLock { $0.isStopped = true }
            throw error
        }
        let flushed = next
        state.withLock { $0 = flushed }
    }

    /// Removes every row whose key begins with some bytes.
    ///
    /// - Throws: ``StoreFault``.
    package func removeRows(below prefix: [UInt8]) throws(StoreFault) {
        invariant(.i44, end(of: prefix) != nil, "rows below \(prefix) have no end")
        state.withLock { state in
            invariant(.i41, !state.isStopped, "the store was used after a fault")
            state.rows.removeAll { $0.key.starts(with: prefix) }
        }
    }

    /// Copies the store's file into a folder that does not exist yet.
    ///
    /// - Throws: ``StoreFault``.
    package func checkpoint(to directory: String) throws(StoreFault) {
        let bytes = state.withLock { Self.encode($0) }
        try onDisk { () throws(DiskFault) in
            try disk.makeDirectory(directory)
            try disk.syncDirectory(disk.folder(of: directory))
            try disk.replace(directory + "/flat", with: bytes)
        }
    }

    /// Does nothing: everything flushed is durable.
    package func close() throws(StoreFault) {}

    private static func merge(_ old: [StateRow], _ changes: FlushRows) -> [StateRow] {
        var merged: [StateRow] = []
        var rest = old[...]
        for row in changes.rows {
            let key = Array(changes.arena[row.key])
            while let first = rest.first, first.key.lexicographicallyPrecedes(key) {
                merged.append(first)
                rest.removeFirst()
            }
            if rest.first?.key == key { rest.removeFirst() }
            if !row.isDelete {
                merged.append(StateRow(key: key, value: Array(changes.arena[row.value])))
            }
        }
        return merged + rest
    }

    fileprivate static func position(of key: [UInt8], in rows: [StateRow]) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].key.lexicographicallyPrecedes(key) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    private static func encode(_ state: State) -> [UInt8] {
        var out = ByteWriter()
        out.append(contentsOf: magic)
        out.append(format)
        out.append(blob: state.marker?.bytes ?? [])
        out.append(UInt64(state.rows.count))
        for row in state.rows {
            out.append(blob: row.key)
            out.append(blob: row.value)
        }
        out.append(crc32c(out.bytes.span))
        return out.bytes
    }

    private static func decode(_ bytes: [UInt8]) throws(Malformed) -> State {
        var input = ByteReader(bytes)
        guard try input.bytes(8, "magic") == magic else {
            throw Malformed("is no state file", field: "magic", offset: 0)
        }
        let found = try input.number(UInt8.self, "format")
        guard found == format else {
            throw Malformed("unknown format \(found)", field: "format", offset: 8)
        }
        var state = State()
        let marker = try input.blob("marker")
        state.marker = marker.isEmpty ? nil : try FlushMarker(marker)
        for number in 0..<(try input.number(UInt64.self, "rows")) {
            let row = StateRow(key: try input.blob("key"), value: try input.blob("value"))
            if let last = state.rows.last, !last.key.lexicographicallyPrecedes(row.key) {
                throw Malformed("row \(number) does not ascend", field: "key", offset: input.offset)
            }
            state.rows.append(row)
        }
        try input.end(checksumField: "checksum")
        return state
    }
}

private final class FlatSnapshot: StateSnapshot {
    let rows: [StateRow]
    let marker: FlushMarker?

    init(rows: [StateRow], marker: FlushMarker?) {
        self.rows = rows
        self.marker = marker
    }

    func cursor(from key: [UInt8]) throws(StoreFault) -> any StateCursor {
        FlatCursor(rows[FlatStateStore.position(of: key, in: rows)...])
    }
}

private final class FlatCursor: StateCursor {
    private var rest: ArraySlice<StateRow>

    init(_ rows: ArraySlice<StateRow>) {
        rest = rows
    }

    func next() throws(StoreFault) -> StateRow? { rest.popFirst() }
}
