// SPDX-License-Identifier: Apache-2.0
//
// Snapshots and cursors of the RocksDB store. Imports TallyTypes and CRocksDB. Used for the state
// digest and by the verifier, off the write path.

internal import CRocksDB
internal import TallyTypes

/// The rows as of one flush.
///
/// Unchecked: the handle is constant, and RocksDB's snapshots may be read from any thread.
@safe final class RocksSnapshot: StateSnapshot, @unchecked Sendable {
    let marker: FlushMarker?
    private let engine: RocksEngine
    private let snapshot: OpaquePointer

    init(_ engine: RocksEngine) throws(StoreFault) {
        let snapshot = try unsafe engine.makeSnapshot()
        do {
            marker = try unsafe engine.marker(snapshot)
        } catch {
            unsafe engine.release(snapshot)
            throw error
        }
        self.engine = engine
        unsafe self.snapshot = snapshot
    }

    deinit {
        unsafe engine.release(snapshot)
    }

    func cursor(from key: [UInt8]) throws(StoreFault) -> any StateCursor {
        try unsafe RocksCursor(
            engine,
            snapshot: self.snapshot,
            holding: self,
            from: [RocksStateStore.table] + key,
            prefix: RocksStateStore.table
        )
    }
}

/// Reads rows in order.
@safe final class RocksCursor: StateCursor {
    private let engine: RocksEngine
    private let holder: RocksSnapshot?
    private let reading: RocksReadOptions
    private let iterator: OpaquePointer
    private let prefix: UInt8?

    // Rows whose key does not begin with the prefix end the walk; the byte is left out of the key.
    init(
        _ engine: RocksEngine,
        snapshot: OpaquePointer?,
        holding holder: RocksSnapshot? = nil,
        from key: [UInt8],
        prefix: UInt8?
    ) throws(StoreFault) {
        self.engine = engine
        self.holder = holder
        self.prefix = prefix
        reading = unsafe RocksReadOptions(snapshot)
        unsafe iterator = try engine.iterator(reading)
        unsafe key.withUnsafeBytes { bytes in
            unsafe rocksdb_iter_seek(iterator, bytes.baseAddress, bytes.count)
        }
    }

    deinit {
        unsafe rocksdb_iter_destroy(iterator)
    }

    func next() throws(StoreFault) -> StateRow? {
        guard unsafe rocksdb_iter_valid(iterator) != 0 else {
            var error: UnsafeMutablePointer<CChar>?
            unsafe rocksdb_iter_get_error(iterator, &error)
            if unsafe error != nil { throw unsafe RocksEngine.fault(error, engine.path) }
            return nil
        }
        var count = 0
        let keyStart = unsafe rocksdb_iter_key(iterator, &count)
        var key = unsafe Array(UnsafeRawBufferPointer(start: keyStart, count: count))
        if let prefix {
            guard key.first == prefix else { return nil }
            key.removeFirst()
        }
        let valueStart = unsafe rocksdb_iter_value(iterator, &count)
        let value = unsafe Array(UnsafeRawBufferPointer(start: valueStart, count: count))
        unsafe rocksdb_iter_next(iterator)
        return StateRow(key: key, value: value)
    }
}
