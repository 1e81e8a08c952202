// SPDX-License-Identifier: Apache-2.0
//
// The handles of one open RocksDB database, and every call into its C interface. Imports TallyTypes
// and CRocksDB. Used by RocksStateStore and its snapshots only; the database is closed when the
// last of them lets go.

internal import CRocksDB
internal import Synchronization
internal import TallyTypes

/// An open database.
///
/// Unchecked: the handles are constant, and RocksDB's calls on them may come from any thread.
@safe final class RocksEngine: @unchecked Sendable {
    let path: String
    private let database: OpaquePointer
    private let family: OpaquePointer
    private let options: RocksOptions
    private let snapshots = Mutex(0)

    init(path: String, mode: StateOpenMode) throws(StoreFault) {
        self.path = path
        let options = RocksOptions(creating: mode == .readWrite)
        self.options = options
        var error: UnsafeMutablePointer<CChar>?
        var family: OpaquePointer?
        let database = unsafe "default".withCString { name in
            var names: [UnsafePointer<CChar>?] = unsafe [name]
            var each: [OpaquePointer?] = unsafe [options.database]
            return switch mode {
            case .readWrite:
                unsafe rocksdb_open_column_families(
                    options.database,
                    path,
                    1,
                    &names,
                    &each,
                    &family,
                    &error
                )
            case .readOnly:
                unsafe rocksdb_open_for_read_only_column_families(
                    options.database,
                    path,
                    1,
                    &names,
                    &each,
                    &family,
                    0,
                    &error
                )
            }
        }
        guard let database = unsafe database, let family = unsafe family else {
            throw unsafe Self.fault(error, path)
        }
        unsafe (self.database, self.family) = (database, family)
    }

    deinit {
        unsafe rocksdb_cancel_all_background_work(database, 1)
        unsafe rocksdb_column_family_handle_destroy(family)
        unsafe rocksdb_close(database)
    }

    var openSnapshots: Int { snapshots.withLock { $0 } }

    /// The value under a key as it stands in the database, prefix and all.
    func value(_ key: [UInt8], _ snapshot: OpaquePointer?) throws(StoreFault) -> [UInt8]? {
        let reading = unsafe RocksReadOptions(snapshot)
        var error: UnsafeMutablePointer<CChar>?
        var count = 0
        let found = unsafe key.withUnsafeBytes { bytes in
            unsafe rocksdb_get(
                database,
                reading.pointer,
                bytes.baseAddress,
                bytes.count,
                &count,
                &error
            )
        }
        if unsafe error != nil { throw unsafe Self.fault(error, path) }
        guard let found = unsafe found else { return nil }
        defer { unsafe rocksdb_free(found) }
        return unsafe Array(UnsafeRawBufferPointer(start: found, count: count))
    }

    func marker(_ snapshot: OpaquePointer?) throws(StoreFault) -> FlushMarker? {
        guard let bytes = try unsafe value(RocksStateStore.markerKey, snapshot) else { return nil }
        do {
            return try FlushMarker(bytes)
        } catch {
            throw StoreFault(.corrupt, subject: path + ", marker", reason: error.description)
        }
    }

    func isEmpty() throws(StoreFault) -> Bool {
        try unsafe RocksCursor(self, snapshot: nil, from: [], prefix: nil).next() == nil
    }

    func writeFormat() throws(StoreFault) {
        let batch = RocksBatch()
        batch.put(RocksStateStore.formatKey, RocksStateStore.format)
        try write(batch)
    }

    func write(_ flush: FlushBatch) throws(StoreFault) {
        let batch = RocksBatch()
        batch.put(RocksStateStore.markerKey, flush.marker.bytes)
        batch.add(flush.rows)
        try write(batch)
    }

    /// Removes a range of keys by one mark; durable with the next flush.
    func remove(below prefix: [UInt8]) throws(StoreFault) {
        guard let end = end(of: prefix) else {
            invariantFailure(.i44, "rows below \(prefix) have no end")
        }
        var error: UnsafeMutablePointer<CChar>?
        unsafe prefix.withUnsafeBytes { start in
            unsafe end.withUnsafeBytes { end in
                unsafe rocksdb_delete_range_cf(
                    database,
                    options.write,
                    family,
                    start.baseAddress,
                    start.count,
                    end.baseAddress,
                    end.count,
                    &error
                )
            }
        }
        if unsafe error != nil { throw unsafe Self.fault(error, path) }
    }

    /// Reads sorted keys in one pass.
    func values(_ keys: [[UInt8]]) throws(StoreFault) -> [[UInt8]?] {
        var arena: [UInt8] = []
        arena.reserveCapacity(keys.reduce(0) { $0 + $1.count + 1 })
        var sizes: [Int] = []
        for key in keys {
            arena.append(RocksStateStore.table)
            arena.append(contentsOf: key)
            sizes.append(key.count + 1)
        }
        var slices = unsafe [OpaquePointer?](repeating: nil, count: keys.count)
        var errors = unsafe [UnsafeMutablePointer<CChar>?](repeating: nil, count: keys.count)
        let reading = unsafe RocksReadOptions(nil)
        unsafe arena.withUnsafeBytes { bytes in
            var starts: [UnsafePointer<CChar>?] = unsafe []
            var at = 0
            for size in sizes {
                unsafe starts.append(
                    bytes.baseAddress?.advanced(by: at).assumingMemoryBound(to: CChar.self)
                )
                at += size
            }
            unsafe rocksdb_batched_multi_get_cf(
                database,
                reading.pointer,
                family,
                keys.count,
                &starts,
                &sizes,
                &slices,
                &errors,
                true
            )
        }
        return try unsafe collect(slices, errors)
    }

    func checkpoint(to directory: String) throws(StoreFault) {
        var error: UnsafeMutablePointer<CChar>?
        let handle = unsafe rocksdb_checkpoint_object_create(database, &error)
        guard let handle = unsafe handle else { throw unsafe Self.fault(error, path) }
        defer { unsafe rocksdb_checkpoint_object_destroy(handle) }
        unsafe rocksdb_checkpoint_create(handle, directory, 0, &error)
        if unsafe error != nil { throw unsafe Self.fault(error, directory) }
    }

    func makeSnapshot() throws(StoreFault) -> OpaquePointer {
        guard let snapshot = unsafe rocksdb_create_snapshot(database) else {
            throw StoreFault(.engine, subject: path, reason: "gave no snapshot")
        }
        snapshots.withLock { $0 += 1 }
        return unsafe snapshot
    }

    func release(_ snapshot: OpaquePointer) {
        unsafe rocksdb_release_snapshot(database, snapshot)
        snapshots.withLock { $0 -= 1 }
    }

    func iterator(_ reading: RocksReadOptions) throws(StoreFault) -> OpaquePointer {
        guard let iterator = unsafe rocksdb_create_iterator(database, reading.pointer) else {
            throw StoreFault(.engine, subject: path, reason: "gave no cursor")
        }
        return unsafe iterator
    }

    /// Writes a batch without RocksDB's own log, and makes it durable by a flush to a table file.
    private func write(_ batch: RocksBatch) throws(StoreFault) {
        var error: UnsafeMutablePointer<CChar>?
        unsafe rocksdb_write(database, options.write, batch.pointer, &error)
        if unsafe error != nil { throw unsafe Self.fault(error, path) }
        unsafe rocksdb_flush(database, options.flush, &error)
        if unsafe error != nil { throw unsafe Self.fault(error, path) }
    }

    private func collect(
        _ slices: [OpaquePointer?],
        _ errors: [UnsafeMutablePointer<CChar>?]
    ) throws(StoreFault) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        unsafe values.reserveCapacity(slices.count)
        var fault: StoreFault?
        for position in unsafe slices.indices {
            if let error = unsafe errors[position] {
                fault = unsafe Self.fault(error, path)
            }
            guard let slice = unsafe slices[position] else {
                values.append(nil)
                continue
            }
            var count = 0
            let start = unsafe rocksdb_pinnableslice_value(slice, &count)
            unsafe values.append(Array(UnsafeRawBufferPointer(start: start, count: count)))
            unsafe rocksdb_pinnableslice_destroy(slice)
        }
        if let fault { throw fault }
        return values
    }

    /// A fault from the engine's words, which are freed.
    static func fault(_ error: UnsafeMutablePointer<CChar>?, _ path: String) -> StoreFault {
        guard let error = unsafe error else {
            return StoreFault(.engine, subject: path, reason: "failed without a word")
        }
        defer { unsafe rocksdb_free(error) }
        return StoreFault(engine: unsafe String(cString: error), at: path)
    }
}

extension StoreFault {
    /// The fault that the words of the state store's engine are about.
    package init(engine words: String, at path: String) {
        let isFull = ["No space left on device", "Disk quota exceeded", "File too large"]
            .contains { words.contains($0) }
        if isFull {
            self.init(DiskFault(.full, .write, path: path, cause: words))
        } else if words.hasPrefix("Corruption") {
            self.init(.corrupt, subject: path, reason: words)
        } else if words.contains("lock") {
            self.init(.locked, subject: path, reason: words)
        } else if words.contains("does not exist") || words.contains("No such file") {
            self.init(.missing, subject: path, reason: words)
        } else {
            self.init(.engine, subject: path, reason: words)
        }
    }
}

/// The options that a store is opened and written with, docs/formats/store.md.
@safe final class RocksOptions {
    let database: OpaquePointer
    let write: OpaquePointer
    let flush: OpaquePointer
    private let table: OpaquePointer
    private let cache: OpaquePointer

    init(creating: Bool) {
        unsafe database = rocksdb_options_create()
        unsafe write = rocksdb_writeoptions_create()
        unsafe flush = rocksdb_flushoptions_create()
        unsafe table = rocksdb_block_based_options_create()
        unsafe cache = rocksdb_cache_create_lru(128 << 20)
        unsafe rocksdb_options_set_create_if_missing(database, creating ? 1 : 0)
        unsafe rocksdb_options_set_paranoid_checks(database, 1)
        setBuffers()
        setTable()
        unsafe rocksdb_writeoptions_disable_WAL(write, 1)
        unsafe rocksdb_flushoptions_set_wait(flush, 1)
    }

    deinit {
        unsafe rocksdb_flushoptions_destroy(flush)
        unsafe rocksdb_writeoptions_destroy(write)
        unsafe rocksdb_block_based_options_destroy(table)
        unsafe rocksdb_options_destroy(database)
        unsafe rocksdb_cache_destroy(cache)
    }

    private func setBuffers() {
        unsafe rocksdb_options_set_write_buffer_size(database, 64 << 20)
        unsafe rocksdb_options_set_max_write_buffer_number(database, 2)
        unsafe rocksdb_options_set_max_background_jobs(database, 2)
        unsafe rocksdb_options_set_max_subcompactions(database, 2)
        unsafe rocksdb_options_set_bytes_per_sync(database, 1 << 20)
        unsafe rocksdb_options_set_level_compaction_dynamic_level_bytes(database, 1)
        unsafe rocksdb_options_set_compression(database, Int32(rocksdb_lz4_compression))
        // With the defaults a flush once waited 7.4 s for compaction of level 0.
        unsafe rocksdb_options_set_level0_slowdown_writes_trigger(database, 64)
        unsafe rocksdb_options_set_level0_stop_writes_trigger(database, 128)
        unsafe rocksdb_options_set_soft_pending_compaction_bytes_limit(database, 0)
        unsafe rocksdb_options_set_hard_pending_compaction_bytes_limit(database, 0)
        unsafe rocksdb_options_set_keep_log_file_num(database, 4)
        unsafe rocksdb_options_set_max_log_file_size(database, 8 << 20)
    }

    private func setTable() {
        unsafe rocksdb_block_based_options_set_block_size(table, 4096)
        unsafe rocksdb_block_based_options_set_format_version(table, 5)
        unsafe rocksdb_block_based_options_set_data_block_index_type(
            table,
            Int32(rocksdb_block_based_table_data_block_index_type_binary_search_and_hash)
        )
        unsafe rocksdb_block_based_options_set_filter_policy(
            table,
            rocksdb_filterpolicy_create_bloom_full(10)
        )
        unsafe rocksdb_block_based_options_set_block_cache(table, cache)
        unsafe rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
        unsafe rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(
            table,
            1
        )
        unsafe rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1)
        unsafe rocksdb_options_set_block_based_table_factory(database, table)
    }
}

/// The options of one read.
@safe final class RocksReadOptions {
    let pointer: OpaquePointer

    init(_ snapshot: OpaquePointer?) {
        unsafe pointer = rocksdb_readoptions_create()
        unsafe rocksdb_readoptions_set_verify_checksums(pointer, 1)
        if let snapshot = unsafe snapshot {
            unsafe rocksdb_readoptions_set_snapshot(pointer, snapshot)
        }
    }

    deinit {
        unsafe rocksdb_readoptions_destroy(pointer)
    }
}

/// One atomic batch.
@safe final class RocksBatch {
    let pointer: OpaquePointer

    init() {
        unsafe pointer = rocksdb_writebatch_create()
    }

    deinit {
        unsafe rocksdb_writebatch_destroy(pointer)
    }

    func put(_ key: [UInt8], _ value: [UInt8]) {
        unsafe key.withUnsafeBytes { key in
            unsafe value.withUnsafeBytes { value in
                unsafe rocksdb_writebatch_put(
                    pointer,
                    key.baseAddress,
                    key.count,
                    value.baseAddress,
                    value.count
                )
            }
        }
    }

    /// Adds rows of the table of state; the key's prefix byte is given as a part of its own.
    func add(_ rows: FlushRows) {
        var prefix = CChar(RocksStateStore.table)
        unsafe rows.arena.withUnsafeBytes { bytes in
            unsafe withUnsafePointer(to: &prefix) { prefix in
                for row in rows.rows {
                    unsafe add(row, prefix, bytes)
                }
            }
        }
    }

    private func add(
        _ row: FlushRows.Row,
        _ prefix: UnsafePointer<CChar>,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let start = unsafe bytes.baseAddress?.advanced(by: row.start)
        let key = unsafe start?.assumingMemoryBound(to: CChar.self)
        let value = unsafe key?.advanced(by: Int(row.keyCount))
        let keys = unsafe [prefix, key]
        let keySizes = [1, Int(row.keyCount)]
        guard !row.isDelete else {
            unsafe rocksdb_writebatch_deletev(pointer, 2, keys, keySizes)
            return
        }
        let values = unsafe [value]
        let valueSizes = [Int(row.valueCount)]
        unsafe rocksdb_writebatch_putv(pointer, 2, keys, keySizes, 1, values, valueSizes)
    }
}
