// SPDX-License-Identifier: Apache-2.0
//
// The bytes of an entry. May import TallyTypes. Written by the leader, read by every replica and at
// replay; strict: unknown flags, missing or trailing bytes, positions outside the table are errors.
// All integers are little-endian.
//
//     entry      = format u8 (1) | flags u8 (bit 0: secrets) | zero u16 | epoch u64 | predicted u64
//                | time u64 | salt seed 32 | [secrets 32]
//                | prefixes u16 × { length u16, bytes }
//                | keys u32 × { prefix u16, length u16, bytes }
//                | seeds u32 × { key u32, tag u8 (0 absent, 1 value), [length u32, bytes] }
//                | witnesses u16 × { book 16, transaction u64, tag u8, [length u32, record] }
//                | submissions u16 × { kind u8 (0 groups, 1 batch), … }
//     groups     = count u16 × { orders u16 × order }
//     order      = kind u8 | flags u8 (1 name, 2 book, 4 new book, 8 idempotency, 16 actor,
//                  32 the key is for the group as a whole)
//                | [length u8, name] | [book 16] | [new book 16] | [idempotency 32]
//                | [length u16, actor] | coverage u32 × { key u32 } | length u32, canonical order
//     batch      = flags u8 (2 book, 8 idempotency, 32 forced) | length u8, name | [book 16]
//                | [idempotency 32] | digest 32 | coverage u32 × { key u32 }
//                | transfers u32 × { source u16, destination u16, amount u128 } (20 bytes)

package import TallyTypes

/// Encodes and decodes entries.
package enum EntryCodec {
    /// The number that every entry begins with.
    package static let format = FormatRegistry.entry

    private enum Flag {
        static let name: UInt8 = 1
        static let book: UInt8 = 2
        static let newBook: UInt8 = 4
        static let idempotency: UInt8 = 8
        static let actor: UInt8 = 16
        static let forced: UInt8 = 32
        static let jointKey: UInt8 = 32
        static let secrets: UInt8 = 1
    }

    // MARK: - Encoding

    /// The bytes of an entry.
    package static func encode(_ entry: Entry) -> [UInt8] {
        var out = LittleEndianWriter()
        out.bytes.reserveCapacity(entry.keys.bytes.count + 1024)
        out.byte(format)
        out.byte(entry.secrets == nil ? 0 : Flag.secrets)
        out.integer(UInt16(0))
        out.integer(entry.epoch.rawValue)
        out.integer(entry.predicted.rawValue)
        out.integer(entry.time.microseconds)
        out.append(entry.saltSeed.bytes)
        if let secrets = entry.secrets { out.append(secrets.bytes) }
        encodeKeys(entry.keys, to: &out)
        out.integer(UInt32(entry.seeds.count))
        for seed in entry.seeds {
            out.integer(seed.key)
            out.optionalBlob(seed.value)
        }
        out.integer(UInt16(entry.witnesses.count))
        for witness in entry.witnesses {
            out.append(witness.book.bytes)
            out.integer(witness.transaction.rawValue)
            out.optionalBlob(witness.record)
        }
        out.integer(UInt16(entry.submissions.count))
        for submission in entry.submissions { encode(submission, to: &out) }
        return out.bytes
    }

    /// The bytes of a key that stand in the prefix table: format, kind, book, and a volume's asset.
    @inline(__always)
    private static func prefixCount(of key: UnsafeRawBufferPointer) -> Int {
        guard key.count > 20, unsafe key[1] == StateKeyKind.volume.rawValue else {
            return min(key.count, 18)
        }
        return min(key.count, 20 + Int(unsafe key[18]) << 8 + Int(unsafe key[19]))
    }

    private static func encodeKeys(_ keys: KeyTable, to out: inout LittleEndianWriter) {
        var prefixes = KeyPrefixes()
        var references: [UInt16] = []
        references.reserveCapacity(keys.count)
        var suffixBytes = 0
        unsafe keys.bytes.withUnsafeBytes { bytes in
            for position in 0..<keys.count {
                let range = keys.range(position)
                let key = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
                let count = unsafe prefixCount(of: key)
                let prefix = range.lowerBound..<range.lowerBound + count
                unsafe references.append(prefixes.reference(to: prefix, bytes))
                suffixBytes += range.count - count
            }
        }
        out.integer(UInt16(prefixes.all.count))
        for prefix in prefixes.all {
            out.integer(UInt16(prefix.count))
            out.append(keys.bytes[prefix])
        }
        out.integer(UInt32(keys.count))
        let size = 4 * keys.count + suffixBytes
        out.bytes += unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, written in
            var raw = unsafe RawWriter(UnsafeMutableRawBufferPointer(buffer))
            unsafe keys.bytes.withUnsafeBytes { bytes in
                for position in 0..<keys.count {
                    let range = keys.range(position)
                    let prefix = prefixes.all[Int(references[position])].count
                    let suffix = range.lowerBound + prefix..<range.upperBound
                    raw.integer(references[position])
                    raw.integer(UInt16(truncatingIfNeeded: suffix.count))
                    unsafe raw.append(UnsafeRawBufferPointer(rebasing: bytes[suffix]))
                }
            }
            written = raw.count
        }
    }

    /// The prefixes of an entry's keys, in the order of their first use.
    private struct KeyPrefixes {
        private(set) var all: [Range<Int>] = []
        private var known: [ArraySlice<UInt8>: UInt16] = [:]
        private var last: UInt16 = 0

        mutating func reference(
            to prefix: Range<Int>,
            _ bytes: UnsafeRawBufferPointer
        ) -> UInt16 {
            let wanted = unsafe bytes[prefix]
            if !all.isEmpty, unsafe isSame(bytes[all[Int(last)]], wanted) { return last }
            let key = unsafe Array(wanted)[...]
            if let reference = known[key] {
                last = reference
            } else {
                last = UInt16(all.count)
                known[key] = last
                all.append(prefix)
            }
            return last
        }

        @inline(__always)
        private func isSame(
            _ left: Slice<UnsafeRawBufferPointer>,
            _ right: Slice<UnsafeRawBufferPointer>
        ) -> Bool {
            guard unsafe left.count == right.count else { return false }
            let left = unsafe UnsafeRawBufferPointer(rebasing: left)
            let right = unsafe UnsafeRawBufferPointer(rebasing: right)
            var at = 0
            while at + 8 <= left.count {
                let one = unsafe left.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                let two = unsafe right.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                guard one == two else { return false }
                at += 8
            }
            while at < left.count {
                guard unsafe left[at] == right[at] else { return false }
                at += 1
            }
            return true
        }
    }

    private static func encode(
        _ submission: PlannedSubmission,
        to out: inout LittleEndianWriter
    ) {
        switch submission {
        case .groups(let groups):
            out.byte(0)
            out.integer(UInt16(groups.count))
            for group in groups {
                out.integer(UInt16(group.count))
                for order in group { encode(order, to: &out) }
            }
        case .batch(let batch):
            out.byte(1)
            encode(batch, to: &out)
        }
    }

    private static func encode(_ planned: PlannedOrder, to out: inout LittleEndianWriter) {
        var flags: UInt8 = 0
        if planned.name != nil { flags |= Flag.name }
        if planned.book != nil { flags |= Flag.book }
        if planned.newBook != nil { flags |= Flag.newBook }
        if planned.idempotency != nil { flags |= Flag.idempotency }
        if planned.actor != nil { flags |= Flag.actor }
        if planned.isKeyJoint { flags |= Flag.jointKey }
        out.byte(planned.order.kind.rawValue)
        out.byte(flags)
        if let name = planned.name { out.shortBlob(Array(name.text.utf8)) }
        if let book = planned.book { out.append(book.bytes) }
        if let newBook = planned.newBook { out.append(newBook.bytes) }
        if let idempotency = planned.idempotency { out.append(idempotency.bytes) }
        if let actor = planned.actor {
            out.integer(UInt16(actor.utf8.count))
            out.append(actor.utf8)
        }
        out.positions(planned.coverage)
        let order = OrderCodec.encode(planned.order)
        out.integer(UInt32(order.count))
        out.append(order)
    }

    private static func encode(_ batch: PlannedBatch, to out: inout LittleEndianWriter) {
        var flags: UInt8 = batch.isForced ? Flag.forced : 0
        if batch.book != nil { flags |= Flag.book }
        if batch.idempotency != nil { flags |= Flag.idempotency }
        out.byte(flags)
        out.shortBlob(Array(batch.name.text.utf8))
        if let book = batch.book { out.append(book.bytes) }
        if let idempotency = batch.idempotency { out.append(idempotency.bytes) }
        out.append(batch.digest.bytes)
        out.positions(batch.coverage)
        out.integer(UInt32(batch.transfers.count))
        out.transfers(batch.transfers)
    }

    // MARK: - Decoding

    /// Reads an entry.
    ///
    /// - Throws: ``Malformed`` with the field and the byte offset.
    package static func decode(_ bytes: [UInt8]) throws(Malformed) -> Entry {
        var reader = LittleEndianReader(bytes)
        let found = try reader.byte("format")
        guard found == format else {
            throw reader.malformed("unknown entry format \(found)", "format")
        }
        let flags = try reader.byte("flags")
        guard flags & ~Flag.secrets == 0 else { throw reader.malformed("unknown flag", "flags") }
        guard try reader.integer("zero", as: UInt16.self) == 0 else {
            throw reader.malformed("not zero", "zero")
        }
        var entry = Entry(
            epoch: Epoch(try reader.integer("epoch")),
            predicted: LogIndex(try reader.integer("predicted")),
            time: Instant(microseconds: try reader.integer("time")),
            saltSeed: try reader.digest("saltSeed")
        )
        if flags & Flag.secrets != 0 { entry.secrets = try reader.digest("secrets") }
        entry.keys = try decodeKeys(&reader)
        let keyCount = UInt32(entry.keys.count)
        for _ in 0..<(try reader.count("seeds", of: 5)) {
            let key = try reader.position("seeds.key", below: keyCount)
            entry.seeds.append(Seed(key: key, value: try reader.optionalBlob("seeds.value")))
        }
        for _ in 0..<(try reader.integer("witnesses", as: UInt16.self)) {
            entry.witnesses.append(
                Witness(
                    book: try reader.book("witnesses.book"),
                    transaction: TransactionID(try reader.integer("witnesses.transaction")),
                    record: try reader.optionalBlob("witnesses.record")
                )
            )
        }
        for _ in 0..<(try reader.integer("submissions", as: UInt16.self)) {
            entry.submissions.append(try decodeSubmission(&reader, keyCount))
        }
        try reader.expectEnd()
        return entry
    }

    private static func prefixCount(of keys: KeyTable, _ position: Int) -> Int {
        unsafe keys.bytes.withUnsafeBytes { bytes in
            unsafe prefixCount(of: UnsafeRawBufferPointer(rebasing: bytes[keys.range(position)]))
        }
    }

    private static func decodeKeys(
        _ reader: inout LittleEndianReader
    ) throws(Malformed) -> KeyTable {
        var prefixes: [ArraySlice<UInt8>] = []
        var distinct: Set<ArraySlice<UInt8>> = []
        for _ in 0..<(try reader.integer("prefixes", as: UInt16.self)) {
            let count = Int(try reader.integer("prefixes.length", as: UInt16.self))
            let prefix = try reader.slice(count, "prefixes.bytes")
            guard distinct.insert(prefix).inserted else {
                throw reader.malformed("a prefix stands twice", "prefixes.bytes")
            }
            prefixes.append(prefix)
        }
        var keys = KeyTable()
        let count = try reader.count("keys", of: 4)
        var used = 0
        keys.reserve(keys: count, bytes: count * 48)
        for _ in 0..<count {
            let prefix = Int(try reader.integer("keys.prefix", as: UInt16.self))
            guard prefix < prefixes.count, prefix <= used else {
                throw reader.malformed("no such prefix, or not in order of use", "keys.prefix")
            }
            used = max(used, prefix + 1)
            let length = Int(try reader.integer("keys.length", as: UInt16.self))
            let suffix = try reader.slice(length, "keys.bytes")
            let position = Int(keys.append(prefix: prefixes[prefix], suffix: suffix))
            guard prefixCount(of: keys, position) == prefixes[prefix].count else {
                throw reader.malformed("a key is not cut where its prefix ends", "keys.bytes")
            }
        }
        guard used == prefixes.count else {
            throw reader.malformed("a prefix without a key", "prefixes")
        }
        return keys
    }

    private static func decodeSubmission(
        _ reader: inout LittleEndianReader,
        _ keyCount: UInt32
    ) throws(Malformed) -> PlannedSubmission {
        switch try reader.byte("submission.kind") {
        case 0:
            var groups: [[PlannedOrder]] = []
            for _ in 0..<(try reader.integer("groups", as: UInt16.self)) {
                var group: [PlannedOrder] = []
                for _ in 0..<(try reader.integer("orders", as: UInt16.self)) {
                    group.append(try decodeOrder(&reader, keyCount))
                }
                groups.append(group)
            }
            return .groups(groups)
        case 1: return .batch(try decodeBatch(&reader, keyCount))
        default: throw reader.malformed("unknown kind of submission", "submission.kind")
        }
    }

    private static func decodeOrder(
        _ reader: inout LittleEndianReader,
        _ keyCount: UInt32
    ) throws(Malformed) -> PlannedOrder {
        guard let kind = OrderKind(rawValue: try reader.byte("order.kind")) else {
            throw reader.malformed("unknown kind of order", "order.kind")
        }
        let flags = try reader.byte("order.flags")
        guard flags & 0xc0 == 0 else { throw reader.malformed("unknown flag", "order.flags") }
        let name = flags & Flag.name != 0 ? try reader.bookName("order.name") : nil
        let book = flags & Flag.book != 0 ? try reader.book("order.book") : nil
        let newBook = flags & Flag.newBook != 0 ? try reader.book("order.newBook") : nil
        let idempotency =
            flags & Flag.idempotency != 0 ? try reader.digest("order.idempotency") : nil
        let actor = flags & Flag.actor != 0 ? try reader.text("order.actor") : nil
        let coverage = try reader.positions("order.coverage", below: keyCount)
        let length = try reader.count("order.bytes", of: 1)
        let bytes = try reader.slice(length, "order.bytes")
        let order = try OrderCodec.decode(kind: kind, bytes)
        return PlannedOrder(
            name: name,
            book: book,
            newBook: newBook,
            idempotency: idempotency,
            isKeyJoint: flags & Flag.jointKey != 0,
            actor: actor,
            order: order,
            coverage: coverage
        )
    }

    private static func decodeBatch(
        _ reader: inout LittleEndianReader,
        _ keyCount: UInt32
    ) throws(Malformed) -> PlannedBatch {
        let flags = try reader.byte("batch.flags")
        guard flags & ~(Flag.book | Flag.idempotency | Flag.forced) == 0 else {
            throw reader.malformed("unknown flag", "batch.flags")
        }
        let name = try reader.bookName("batch.name")
        let book = flags & Flag.book != 0 ? try reader.book("batch.book") : nil
        let idempotency =
            flags & Flag.idempotency != 0 ? try reader.digest("batch.idempotency") : nil
        let digest = try reader.digest("batch.digest")
        let coverage = try reader.positions("batch.coverage", below: keyCount)
        let count = try reader.count("batch.transfers", of: 20)
        let transfers = try reader.transfers(count, below: keyCount)
        return PlannedBatch(
            name: name,
            book: book,
            idempotency: idempotency,
            digest: digest,
            isForced: flags & Flag.forced != 0,
            coverage: coverage,
            transfers: transfers
        )
    }
}
