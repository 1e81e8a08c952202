// SPDX-License-Identifier: Apache-2.0
//
// The node's state store: RocksDB 7.8 through its C interface, one column family, its own
// write-ahead log off (the replicated log replays what was not flushed). Imports TallyTypes and
// CRocksDB. Keys of rows have the prefix byte 1, the marker and the format stand under 0,
// docs/formats/store.md.
//
// Every call may block. Handles are destroyed before the database is closed, in this order:
// cursors, snapshots, column family, database; Debian's library aborts the process otherwise.

internal import CRocksDB
internal import Synchronization
internal import TallyTypes

/// How a RocksDB store is opened.
package enum RocksOpenMode: Hashable, Sendable {
    /// For the node: made when the folder holds none.
    case readWrite
    /// For the verifier: changes no byte.
    case readOnly
}

/// Rows in RocksDB.
package final class RocksStateStore: StateStore {
    static let table: UInt8 = 1
    static let markerKey: [UInt8] = [0, 1]
    static let formatKey: [UInt8] = [0, 0]
    static let format = Array("tallystick state 1".utf8)

    private let engine: Mutex<RocksEngine?>
    private let isStopped = Mutex(false)
    private let path: String

    /// Opens the store in a folder, or makes it there.
    ///
    /// - Throws: ``StoreFault``: `unknownFormat`, `corrupt`, `missing`, `engine`.
    package init(path: String, mode: RocksOpenMode = .readWrite) throws(StoreFault) {
        self.path = path
        let opened = try RocksEngine(path: path, mode: mode)
        engine = Mutex(opened)
        try checkFormat(opened, mode)
    }

    /// Returns the marker of the last flush.
    ///
    /// - Throws: ``StoreFault``.
    package func marker() throws(StoreFault) -> FlushMarker? {
        try unsafe current().marker(nil)
    }

    /// Returns the value of each key, nil where there is no row.
    ///
    /// - Throws: ``StoreFault``.
    package func read(_ keys: [[UInt8]]) throws(StoreFault) -> [[UInt8]?] {
        invariant(.i33, ascends(keys), "keys of a read do not ascend")
        guard !keys.isEmpty else { return [] }
        return try current().values(keys)
    }

    /// Returns the rows as of the last flush.
    ///
    /// - Throws: ``StoreFault``.
    package func snapshot() throws(StoreFault) -> any StateSnapshot {
        try RocksSnapshot(current())
    }

    /// Writes all rows of a batch and its marker, at once; durable on return.
    ///
    /// - Throws: ``StoreFault``.
    package func flush(_ batch: FlushBatch) throws(StoreFault) {
        invariant(.i40, batch.rows.isSorted, "rows of a flush do not ascend")
        isStopped.withLock { invariant(.i41, !$0, "the store was used after a fault") }
        do {
            try current().write(batch)
        } catch {
            isStopped.withLock { $0 = true }
            throw error
        }
    }

    /// Copies the store by hard links into a folder that does not exist yet.
    ///
    /// - Throws: ``StoreFault``.
    package func checkpoint(to directory: String) throws(StoreFault) {
        try current().checkpoint(to: directory)
    }

    /// Closes the database.
    ///
    /// - Throws: ``StoreFault`` while a snapshot or a cursor is still there.
    package func close() throws(StoreFault) {
        let open = try current().openSnapshots
        guard open == 0 else {
            throw StoreFault(.engine, subject: path, reason: "\(open) snapshots are still open")
        }
        engine.withLock { $0 = nil }
    }

    private func current() throws(StoreFault) -> RocksEngine {
        guard let engine = engine.withLock({ $0 }) else {
            throw StoreFault(.engine, subject: path, reason: "the store is closed")
        }
        return engine
    }

    private func checkFormat(_ engine: RocksEngine, _ mode: RocksOpenMode) throws(StoreFault) {
        guard let found = try unsafe engine.value(Self.formatKey, nil) else {
            guard mode == .readWrite, try engine.isEmpty() else {
                throw StoreFault(.unknownFormat, subject: path, reason: "names no format")
            }
            try engine.writeFormat()
            return
        }
        guard found == Self.format else {
            let reason = "has format “\(String(decoding: found, as: UTF8.self))”"
            throw StoreFault(.unknownFormat, subject: path, reason: reason)
        }
    }
}
