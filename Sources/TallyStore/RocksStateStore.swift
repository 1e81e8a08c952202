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
package import TallyTypes

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
    package init(path: String, mode: StateOpenMode = .readWrite) throws(StoreFault) {
        self.path = path
        let opened = try RocksEngine(path: path, mode: mode)
        engine = Mutex(opened)
        try checkFormat(opened, mode)
    }

    /// Opens the store in a folder without changing a byte; nil when none was made there yet.
    ///
    /// - Throws: ``StoreFault``: as opening does, and `missing` when tables are there without the
    ///   file that names them.
    package static func existing(
        path: String,
        disk: any Disk
    ) throws(StoreFault) -> RocksStateStore? {
        let names = try onDisk { () throws(DiskFault) in try disk.list(path).map(\.name) }
        if names.contains("CURRENT") { return try RocksStateStore(path: path, mode: .readOnly) }
        guard let table = names.first(where: { $0.hasSuffix(".sst") }) else { return nil }
        let reason = "is missing, and “\(table)” is there"
        throw StoreFault(.missing, subject: path + "/CURRENT", reason: reason)
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

    /// Removes every row whose key begins with some bytes.
    ///
    /// - Throws: ``StoreFault``.
    package func removeRows(below prefix: [UInt8]) throws(StoreFault) {
        invariant(.i44, end(of: prefix) != nil, "rows below \(prefix) have no end")
        isStopped.withLock { invariant(.i41, !$0, "the store was used after a fault") }
        do {
            try current().remove(below: [Self.table] + prefix)
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

    private func checkFormat(_ engine: RocksEngine, _ mode: StateOpenMode) throws(StoreFault) {
        guard let found = try unsafe engine.value(Self.formatKey, nil) else {
            guard try engine.isEmpty() else {
                throw StoreFault(.unknownFormat, subject: path, reason: "names no format")
            }
            if mode == .readWrite { try engine.writeFormat() }
            return
        }
        guard found == Self.format else {
            let reason = "has format “\(String(decoding: found, as: UTF8.self))”"
            throw StoreFault(.unknownFormat, subject: path, reason: reason)
        }
    }
}
