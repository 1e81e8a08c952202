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
    /// The index of the last entry it holds.
    package let applied: LogIndex
    /// The scalars as of that index.
    package let scalars: LedgerScalars
    /// The secrets of the ledger's keys.
    package let secrets: KeySecrets
    /// The tree as of that index.
    package let tree: CompactRange
    /// The bytes of the cache image, in two pieces.
    package let image: [[UInt8]]
    /// The number of rows in the image.
    package let imageCount: Int
    private let keys: [UInt8]
    private let dirty: [DirtySet.Item]
    /// By handle: where its copy begins in the image's second piece.
    private let places: [Int]

    fileprivate init(_ begun: FlushBeginning, _ copies: RowCopies) {
        (applied, scalars, secrets, tree) =
            (begun.applied, begun.scalars, begun.secrets, begun.tree)
        (keys, dirty) = (begun.dirty.keys, begun.dirty.items)
        places = copies.copied.places
        imageCount = Int(copies.copied.count)
        let head = CacheImageCodec.head(
            entriesPerGeneration: begun.entriesPerGeneration,
            applied: applied,
            count: UInt64(copies.copied.count)
        )
        image = [head, copies.copied.image.bytes]
    }

    /// The number of changed rows.
    package var dirtyCount: Int { dirty.count }

    /// Gives the changed rows, in no order.
    ///
    /// - Parameters:
    ///   - put: Gets a key and the value of its row.
    ///   - delete: Gets a key that has no row any more.
    package func forEachRow(
        put: (Span<UInt8>, Span<UInt8>) -> Void,
        delete: (Span<UInt8>) -> Void
    ) {
        let rows = image[1]
        let copies = rows.span
        let keyBytes = keys.span
        for item in dirty {
            let key = keyBytes.extracting(Int(item.start)..<Int(item.end))
            let place = places[Int(item.handle.position)]
            invariant(.i10, place >= 0, "a changed row is in neither generation")
            let at = place + RowCopies.stateOffset
            switch RowState(rawValue: copies[at]) {
            case .tombstone?: delete(key)
            case .volume?:
                let volume = Volume(
                    input: Amount(copies.number(at: at + 1)),
                    output: Amount(copies.number(at: at + 17))
                )
                let value = StateCodec.encodeValue(.volume(volume))
                put(key, value.span)
            case .payload?:
                let count = Int(copies.number(at: at + 1) as UInt32)
                put(key, copies.extracting(at + 5..<at + 5 + count))
            case .free?, nil: invariantFailure(.i13, "a row that was copied is free")
            }
        }
    }
}

extension Span where Element == UInt8 {
    fileprivate func number<Number: FixedWidthInteger & UnsignedInteger>(
        at offset: Int
    ) -> Number {
        var value: Number = 0
        for position in (0..<Number.bitWidth / 8).reversed() {
            value = value << 8 | Number(self[offset + position])
        }
        return value
    }
}

/// Everything of a flush but its rows, which follow a few at a time.
struct FlushBeginning {
    let applied: LogIndex
    let scalars: LedgerScalars
    let secrets: KeySecrets
    let tree: CompactRange
    let entriesPerGeneration: UInt64
    let dirty: DirtySet
}

extension Kernel {
    /// Begins a flush as of the last applied index, and a new dirty set.
    package mutating func beginCapture() {
        beginning = FlushBeginning(
            applied: cache.applied,
            scalars: scalars,
            secrets: secrets,
            tree: tree,
            entriesPerGeneration: cache.entriesPerGeneration,
            dirty: cache.beginCapture()
        )
    }

    /// Copies some rows of the flush that was begun.
    ///
    /// - Parameter rows: How many at most.
    /// - Returns: The flush, when all are copied.
    package mutating func advanceCapture(rows: Int) -> FlushCapture? {
        guard let copies = cache.advanceCapture(rows) else { return nil }
        guard let begun = beginning.take() else {
            invariantFailure(.i10, "the rows of a flush are copied that was not begun")
        }
        return FlushCapture(begun, copies)
    }

    /// True while the rows of a flush are being copied.
    package var isCapturing: Bool { cache.capturing != nil }

    /// The number of rows that changed since the last flush was begun.
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
    /// Puts a row of an image back.
    func restore(_ row: CacheImageCodec.Row) {
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

    /// What a row of an image holds.
    enum Held {
        case tombstone
        case volume(UInt128, UInt128)
        case value(StateValue)
    }

    /// One row of an image.
    struct Row {
        let hash: KeyHash
        let isOld: Bool
        let kind: UInt8
        let held: Held
    }

    /// The image of a cache that holds nothing: every key is then read from the state store.
    package static func empty(entriesPerGeneration: UInt64, applied: LogIndex) -> [UInt8] {
        head(entriesPerGeneration: entriesPerGeneration, applied: applied, count: 0)
    }

    /// What stands before the rows.
    static func head(
        entriesPerGeneration: UInt64,
        applied: LogIndex,
        count: UInt64
    ) -> [UInt8] {
        var head = LittleEndianWriter()
        head.byte(format)
        head.append([UInt8](repeating: 0, count: 7))
        head.integer(entriesPerGeneration)
        head.integer(applied.rawValue)
        head.integer(count)
        return head.bytes
    }

    /// Appends the row of a flush that began when the current generation had a stamp.
    @inline(__always)
    static func append(
        _ handle: RowHandle,
        of cache: Cache,
        flushing stamp: UInt32,
        to out: inout LittleEndianWriter
    ) {
        let hash = cache.rows.identity(handle)
        let state = cache.rows[handle].state
        unsafe withUnsafeTemporaryAllocation(byteCount: rowBytesMax, alignment: 16) { block in
            var row = unsafe RawWriter(block)
            row.integer(hash.low)
            row.integer(hash.high)
            row.integer(hash.tag)
            row.byte(cache.rows[handle].stamp == stamp ? 0 : 1)
            row.byte(cache.rows[handle].kind)
            row.byte(state.rawValue)
            if state == .volume {
                row.integer(cache.rows[handle].input)
                row.integer(cache.rows[handle].output)
            }
            let written = row.count
            unsafe out.bytes.append(
                contentsOf: UnsafeRawBufferPointer(start: block.baseAddress, count: written)
            )
        }
        guard state == .payload else { return }
        let value = StateCodec.encodeValue(cache.payloads[cache.rows[handle].payload])
        out.integer(UInt32(value.count))
        out.append(value)
    }

    /// Bytes of a row that holds no value of its own length.
    private static let rowBytesMax = 59

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
    ) throws(Malformed) -> Row {
        let low: UInt64 = try reader.integer("image.id")
        let high: UInt64 = try reader.integer("image.id")
        let tag: UInt64 = try reader.integer("image.tag")
        let generation = try reader.byte("image.generation")
        guard generation <= 1 else { throw reader.malformed("no generation", "image.generation") }
        guard let kind = StateKeyKind(rawValue: try reader.byte("image.kind")) else {
            throw reader.malformed("no key kind", "image.kind")
        }
        let held: Held
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
        return Row(
            hash: KeyHash(low: low, high: high, tag: tag),
            isOld: generation == 1,
            kind: kind.rawValue,
            held: held
        )
    }
}
