// SPDX-License-Identifier: Apache-2.0
//
// Writes the record of a committed transfer: the bytes that RecordCodec would give, in one pass
// over a fixed buffer. Pure. Called by the batch machine; a test compares it with RecordCodec byte
// for byte.
//
//     00 00 (the run's length, whose second byte is the leaf prefix while hashing)
//     8a 01 index 50 book 01.. seq 5820 prev time (f6 | 5820 idem) 50 salt 62 "tx"
//     payload: a2 | a4   00 order   01 outcome   [05 5820 batch digest   06 82 position count]
//     order:   a1 | a2   00 81 84 source destination asset amount   [05 f5]
//     outcome: 82 00 a2 01 log 02 id

import TallyCodec
import TallyProof
import TallyTypes

@safe
struct TransferRecordWriter: ~Copyable {
    /// What the machine assigns to a record.
    struct Place {
        let index: RecordIndex
        let sequence: BookSequence
        let previous: Digest
        let time: Instant
        let salt: Salt
        let log: LogID
        let id: TransactionID
    }

    /// Two addresses, an asset, and less than 400 bytes of everything else.
    private static let capacity = 2 * AccountAddress.bytesMax + Asset.bytesMax + 512

    private let buffer: UnsafeMutableRawPointer
    private let book: BookID
    private let isForced: Bool
    private var count = 0

    init(book: BookID, isForced: Bool) {
        unsafe buffer = .allocate(byteCount: TransferRecordWriter.capacity, alignment: 16)
        self.book = book
        self.isForced = isForced
    }

    deinit {
        unsafe buffer.deallocate()
    }

    /// Appends the record to a run and returns its leaf hash.
    @inline(__always)
    mutating func write(
        _ transfer: Transfer,
        _ names: borrowing BatchNames,
        _ place: Place,
        claim: (key: Digest, batch: BatchClaim)?,
        to run: inout RecordRun
    ) -> Digest {
        count = 0
        byte(0)
        byte(0)
        byte(0x8a)
        byte(0x01)
        unsigned(place.index.rawValue)
        byte(0x50)
        word(book.high)
        word(book.low)
        unsigned(place.sequence.rawValue)
        digest(place.previous)
        unsigned(place.time.microseconds)
        if let claim { digest(claim.key) } else { byte(0xf6) }
        byte(0x50)
        word(place.salt.high)
        word(place.salt.low)
        byte(0x62)
        byte(UInt8(ascii: "t"))
        byte(UInt8(ascii: "x"))
        byte(claim == nil ? 0xa2 : 0xa4)
        byte(0x00)
        order(transfer, names)
        byte(0x01)
        byte(0x82)
        byte(0x00)
        byte(0xa2)
        byte(0x01)
        unsigned(place.log.rawValue)
        byte(0x02)
        unsigned(place.id.rawValue)
        if let claim {
            byte(0x05)
            digest(claim.batch.digest)
            byte(0x06)
            byte(0x82)
            unsigned(claim.batch.position)
            unsigned(claim.batch.count)
        }
        return unsafe run.append(prefixed: UnsafeRawBufferPointer(start: buffer, count: count))
    }

    @inline(__always)
    private mutating func order(_ transfer: Transfer, _ names: borrowing BatchNames) {
        byte(isForced ? 0xa2 : 0xa1)
        byte(0x00)
        byte(0x81)
        byte(0x84)
        text(names, names.accountRange(Int(transfer.source)))
        text(names, names.accountRange(Int(transfer.destination)))
        text(names, names.assetRange(Int(transfer.source)))
        if transfer.amount <= UInt128(UInt64.max) {
            unsigned(UInt64(truncatingIfNeeded: transfer.amount))
        } else {
            bignum(transfer.amount)
        }
        if isForced {
            byte(0x05)
            byte(0xf5)
        }
    }

    @inline(__always)
    private mutating func byte(_ value: UInt8) {
        unsafe buffer.storeBytes(of: value, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    @inline(__always)
    private mutating func word(_ value: UInt64) {
        unsafe buffer.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt64.self)
        count += 8
    }

    @inline(__always)
    private mutating func digest(_ value: Digest) {
        byte(0x58)
        byte(0x20)
        word(value.word0)
        word(value.word1)
        word(value.word2)
        word(value.word3)
    }

    @inline(__always)
    private mutating func head(_ major: UInt8, _ value: UInt64) {
        if value < 24 {
            byte(major | UInt8(value))
        } else if value <= 0xff {
            byte(major | 24)
            byte(UInt8(value))
        } else if value <= 0xffff {
            byte(major | 25)
            unsafe buffer.storeBytes(
                of: UInt16(value).bigEndian,
                toByteOffset: count,
                as: UInt16.self
            )
            count += 2
        } else if value <= 0xffff_ffff {
            byte(major | 26)
            unsafe buffer.storeBytes(
                of: UInt32(value).bigEndian,
                toByteOffset: count,
                as: UInt32.self
            )
            count += 4
        } else {
            byte(major | 27)
            word(value)
        }
    }

    @inline(__always)
    private mutating func unsigned(_ value: UInt64) {
        head(0, value)
    }

    @inline(__always)
    private mutating func text(_ names: borrowing BatchNames, _ range: Range<Int>) {
        head(0x60, UInt64(range.count))
        let target = unsafe buffer + count
        unsafe names.bytes.withUnsafeBytes { source in
            if let base = source.baseAddress {
                unsafe target.copyMemory(from: base + range.lowerBound, byteCount: range.count)
            }
        }
        count += range.count
    }

    private mutating func bignum(_ value: UInt128) {
        let bytes = Amount(value).bytes
        byte(0xc2)
        head(0x40, UInt64(bytes.count))
        for item in bytes { byte(item) }
    }
}
