// SPDX-License-Identifier: Apache-2.0
//
// What a flush writes, captured as of one index: the dirty rows, the cache image, the scalars, the
// tree. Pure. Made by the kernel on its own thread, encoded and written by the node on the flush
// thread.
//
//     image = format u8 (1) | zero 7 | K u64 | applied u64 | rows u64
//           | rows × { id low u64 | id high u64 | tag u64 | generation u8 (0: gen0, 1: only gen1)
//           |          kind u8 | state u8 (1 tombstone, 2 volume, 3 value)
//           |          [input u128 | output u128] or [length u32, encoded value] }
//
// All integers are little-endian. The file around it carries the checksum (TallyStore).

import TallyCodec
package import TallyProof
package import TallyTypes

/// The state of a ledger as of one index, on its way to the store.
package struct FlushCapture: Sendable {
    /// Where a captured row's value is.
    enum Held: Sendable {
        case tombstone
        case volume(UInt128, UInt128)
        case value(StateValue)
    }

    struct DirtyRow: Sendable {
        let start: UInt32
        let end: UInt32
        let held: Held
    }

    struct ImageRow: Sendable {
        let hash: KeyHash
        let isOld: Bool
        let kind: UInt8
        let held: Held
    }

    /// The index of the last entry it holds.
    package let applied: LogIndex
    /// The scalars as of that index.
    package let scalars: LedgerScalars
    /// The secrets of the ledger's keys.
    package let secrets: KeySecrets
    /// The tree as of that index.
    package let tree: CompactRange
    let entriesPerGeneration: UInt64
    let keys: [UInt8]
    let dirty: [DirtyRow]
    let image: [ImageRow]

    /// The number of changed rows.
    package var dirtyCount: Int { dirty.count }
    /// The number of rows in the image.
    package var imageCount: Int { image.count }

    /// The changed rows in the order of their keys; a nil value removes the row.
    package func sortedRows() -> [(key: [UInt8], value: [UInt8]?)] {
        dirty
            .map { (Array(keys[Int($0.start)..<Int($0.end)]), encoded($0.held)) }
            .sorted { $0.0.lexicographicallyPrecedes($1.0) }
            .map { (key: $0.0, value: $0.1) }
    }

    private func encoded(_ held: Held) -> [UInt8]? {
        switch held {
        case .tombstone: nil
        case .volume(let input, let output):
            StateCodec.encodeValue(
                .volume(Volume(input: Amount(input), output: Amount(output)))
            )
        case .value(let value): StateCodec.encodeValue(value)
        }
    }

    /// The bytes of the cache image.
    package func imageBytes() -> [UInt8] {
        var out = LittleEndianWriter()
        out.bytes.reserveCapacity(image.count * 64 + 64)
        out.byte(CacheImageCodec.format)
        out.append([UInt8](repeating: 0, count: 7))
        out.integer(entriesPerGeneration)
        out.integer(applied.rawValue)
        out.integer(UInt64(image.count))
        for row in image { CacheImageCodec.append(row, to: &out) }
        return out.bytes
    }
}

extension Kernel {
    /// Captures everything that a flush as of the last applied index writes, and begins a new dirty
    /// set.
    package func capture() -> FlushCapture {
        let dirty = cache.dirty.take()
        return FlushCapture(
            applied: cache.applied,
            scalars: scalars,
            secrets: secrets,
            tree: tree,
            entriesPerGeneration: cache.entriesPerGeneration,
            keys: dirty.keys,
            dirty: dirty.items.map { item in
                FlushCapture.DirtyRow(
                    start: item.start,
                    end: item.end,
                    held: cache.held(item.handle)
                )
            },
            image: cache.imageRows()
        )
    }

    /// The number of rows that changed since the last capture.
    package var dirtyCount: Int { cache.dirty.items.count }

    /// Rebuilds the kernel as of a flush.
    ///
    /// - Throws: ``Malformed`` when the image does not decode, or is of another index.
    package static func restore(
        applied: LogIndex,
        scalars: LedgerScalars,
        secrets: KeySecrets,
        tree: CompactRange,
        image: [UInt8],
        keysMax: Int = Limits.cacheKeysDefault
    ) throws(Malformed) -> Kernel {
        let cache = try CacheImageCodec.decode(image, applied: applied, keysMax: keysMax)
        if cache.entriesPerGeneration != scalars.entriesPerGeneration {
            cache.reconfigure(entriesPerGeneration: scalars.entriesPerGeneration)
        }
        return Kernel(cache: cache, scalars: scalars, secrets: secrets, tree: tree)
    }
}

extension Cache {
    func held(_ handle: RowHandle) -> FlushCapture.Held {
        let row = rows[handle]
        switch row.state {
        case .tombstone: return .tombstone
        case .volume: return .volume(row.input, row.output)
        case .payload: return .value(payloads[row.payload])
        case .free: invariantFailure(.i13, "row \(handle.position) is on the free list")
        }
    }

    func imageRows() -> [FlushCapture.ImageRow] {
        var image: [FlushCapture.ImageRow] = []
        image.reserveCapacity(rows.count)
        for position in 0..<rows.end {
            let handle = RowHandle(UInt32(position))
            let row = rows[handle]
            guard row.state != .free, row.stamp + 1 >= stamp else { continue }
            image.append(
                FlushCapture.ImageRow(
                    hash: rows.identity(handle),
                    isOld: row.stamp != stamp,
                    kind: row.kind,
                    held: held(handle)
                )
            )
        }
        return image
    }

    /// Puts a row of an image back.
    func restore(_ row: FlushCapture.ImageRow) {
        let handle = rows.take(row.hash)
        index.insert(row.hash, handle: handle)
        rows[handle].kind = row.kind
        rows[handle].stamp = row.isOld ? stamp - 1 : stamp
        switch row.held {
        case .tombstone: rows[handle].state = .tombstone
        case .volume(let input, let output):
            rows[handle].state = .volume
            rows[handle].input = input
            rows[handle].output = output
        case .value(let value):
            rows[handle].state = .payload
            rows[handle].payload = payloads.add(value)
        }
    }
}

/// Reads and writes the rows of a cache image.
package enum CacheImageCodec {
    /// The number that every image begins with.
    package static let format: UInt8 = 1

    static func append(_ row: FlushCapture.ImageRow, to out: inout LittleEndianWriter) {
        out.integer(row.hash.low)
        out.integer(row.hash.high)
        out.integer(row.hash.tag)
        out.byte(row.isOld ? 1 : 0)
        out.byte(row.kind)
        switch row.held {
        case .tombstone: out.byte(RowState.tombstone.rawValue)
        case .volume(let input, let output):
            out.byte(RowState.volume.rawValue)
            out.integer(input)
            out.integer(output)
        case .value(let value):
            out.byte(RowState.payload.rawValue)
            let bytes = StateCodec.encodeValue(value)
            out.integer(UInt32(bytes.count))
            out.append(bytes)
        }
    }

    static func decode(
        _ bytes: [UInt8],
        applied: LogIndex,
        keysMax: Int
    ) throws(Malformed) -> Cache {
        var reader = LittleEndianReader(bytes)
        guard try reader.byte("image.format") == format else {
            throw reader.malformed("unknown image format", "image.format")
        }
        guard try reader.slice(7, "image.zero").allSatisfy({ $0 == 0 }) else {
            throw reader.malformed("not zero", "image.zero")
        }
        let entries: UInt64 = try reader.integer("image.K")
        guard entries > 0, entries <= Limits.entriesPerGenerationMax else {
            throw reader.malformed("no legal K", "image.K")
        }
        let index: UInt64 = try reader.integer("image.applied")
        guard index == applied.rawValue else {
            throw reader.malformed("image of \(index), expected \(applied)", "image.applied")
        }
        let count: UInt64 = try reader.integer("image.rows")
        guard count <= UInt64(keysMax) else {
            throw reader.malformed("\(count) rows, the cache holds \(keysMax)", "image.rows")
        }
        let cache = Cache(entriesPerGeneration: entries, applied: applied, keysMax: keysMax)
        for _ in 0..<count {
            let row = try row(&reader)
            guard case .absent = cache.index.find(row.hash) else {
                throw reader.malformed("a key stands twice", "image.id")
            }
            cache.restore(row)
        }
        try reader.expectEnd()
        return cache
    }

    private static func row(
        _ reader: inout LittleEndianReader
    ) throws(Malformed) -> FlushCapture.ImageRow {
        let low: UInt64 = try reader.integer("image.id")
        let high: UInt64 = try reader.integer("image.id")
        let tag: UInt64 = try reader.integer("image.tag")
        let generation = try reader.byte("image.generation")
        guard generation <= 1 else { throw reader.malformed("no generation", "image.generation") }
        guard let kind = StateKeyKind(rawValue: try reader.byte("image.kind")) else {
            throw reader.malformed("no key kind", "image.kind")
        }
        let held: FlushCapture.Held
        switch RowState(rawValue: try reader.byte("image.state")) {
        case .tombstone?: held = .tombstone
        case .volume?:
            let input: UInt128 = try reader.integer("image.input")
            held = .volume(input, try reader.integer("image.output"))
        case .payload?:
            let count = try reader.count("image.value", of: 1)
            let value = Array(try reader.slice(count, "image.value"))
            held = .value(try StateCodec.decodeValue(kind: kind, value))
        case .free?, nil: throw reader.malformed("no row state", "image.state")
        }
        return FlushCapture.ImageRow(
            hash: KeyHash(low: low, high: high, tag: tag),
            isOld: generation == 1,
            kind: kind.rawValue,
            held: held
        )
    }
}
