// SPDX-License-Identifier: Apache-2.0
//
// The body of a binary batch of transfers, as a client sends it: docs/formats/batch.md. May import
// TallyTypes. Read at the edge by HTTP (validation) and by the kernel's admission; written by
// clients (`tally bench`, `tally import`). Strict: every length is checked before use, every zero
// must be zero.
//
//     body     = format u8 (1) | flags u8 (bit 0: forced) | assets u16 | accounts u32
//              | transfers u32
//              | zero u32 | assets × { length u8, bytes } | accounts × { length u16, bytes }
//              | transfers × { source u16, destination u16, asset u16, zero u16, amount u128 }
//
// Integers are little-endian; a transfer takes 24 bytes. Assets and accounts are strictly ascending
// by their bytes, so that each stands once. One transfer of 7 USD/2 from `a` to `b`:
//
//     01 00 0100 02000000 01000000 00000000 | 05 5553442f32 | 0100 61 0100 62
//     | 0000 0100 0000 0000 07000000000000000000000000000000

package import TallyTypes

/// Reads and writes the bodies of binary batches.
package enum BatchBody {
    /// The number that every body begins with.
    package static let format: UInt8 = 1
    /// Bytes before the first asset.
    package static let headerBytes = 16
    /// The most assets in one body.
    package static let assetsMax = 256
    /// The most accounts in one body.
    package static let accountsMax = 16_384
    /// One transfer, by positions in the tables of its body.
    package typealias Item = TransferBatch.Item

    /// Reads a body.
    ///
    /// - Throws: ``Malformed`` with the field and the byte offset.
    package static func decode(_ bytes: [UInt8]) throws(Malformed) -> TransferBatch {
        var reader = LittleEndianReader(bytes)
        let format = try reader.byte("format")
        guard format == BatchBody.format else {
            throw Malformed("unknown batch format \(format)", field: "format")
        }
        let flags = try reader.byte("flags")
        guard flags & 0xfe == 0 else { throw Malformed("unknown flag", field: "flags", offset: 1) }
        let assetCount: UInt16 = try reader.integer("assets")
        let accountCount: UInt32 = try reader.integer("accounts")
        let transferCount: UInt32 = try reader.integer("transfers")
        guard try reader.integer("zero", as: UInt32.self) == 0 else {
            throw Malformed("not zero", field: "zero", offset: 12)
        }
        try check(Int(assetCount), 1...assetsMax, "assets", 2)
        try check(Int(accountCount), 1...accountsMax, "accounts", 4)
        try check(Int(transferCount), 1...Limits.transfersPerBatchMax, "transfers", 8)
        var tables = TableReader(bytes, at: headerBytes)
        let assets = try tables.read(Int(assetCount), "assets", lengthBytes: 1) {
            Asset.isLegal($0)
        }
        let accounts = try tables.read(Int(accountCount), "accounts", lengthBytes: 2) {
            AccountAddress.isLegal($0)
        }
        let batch = TransferBatch(
            checked: bytes,
            isForced: flags & 1 != 0,
            assets: assets,
            accounts: accounts,
            start: tables.offset,
            count: Int(transferCount)
        )
        try checkTransfers(of: batch)
        return batch
    }

    private static func check(
        _ count: Int,
        _ range: ClosedRange<Int>,
        _ field: String,
        _ offset: Int
    ) throws(Malformed) {
        guard range.contains(count) else {
            throw Malformed(
                "\(count) is not within \(range.lowerBound) to \(range.upperBound)",
                field: field,
                offset: offset
            )
        }
    }

    private static func checkTransfers(of batch: TransferBatch) throws(Malformed) {
        let remaining = batch.bytes.count - batch.start
        guard remaining == batch.count * TransferBatch.transferBytes else {
            throw Malformed(
                "\(remaining) bytes for \(batch.count) transfers",
                field: "transfers",
                offset: batch.start
            )
        }
        let bad = firstBadTransfer(of: batch)
        guard let bad else { return }
        throw Malformed(
            "no such account or asset, or a zero that is none",
            field: "transfers[\(bad)]",
            offset: batch.start + bad * TransferBatch.transferBytes
        )
    }

    /// The first transfer that names what is not in the tables, or whose zero is none.
    private static func firstBadTransfer(of batch: TransferBatch) -> Int? {
        let (accounts, assets) = (batch.accounts.count, batch.assets.count)
        return unsafe batch.bytes.withUnsafeBytes { bytes in
            for position in 0..<batch.count {
                let offset = batch.start + position * TransferBatch.transferBytes
                let source = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
                let destination = unsafe bytes.loadUnaligned(
                    fromByteOffset: offset + 2,
                    as: UInt16.self
                )
                let asset = unsafe bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt16.self)
                let zero = unsafe bytes.loadUnaligned(fromByteOffset: offset + 6, as: UInt16.self)
                guard Int(UInt16(littleEndian: source)) < accounts,
                    Int(UInt16(littleEndian: destination)) < accounts,
                    Int(UInt16(littleEndian: asset)) < assets, zero == 0
                else { return position }
            }
            return nil
        }
    }

    /// Writes a body from tables in ascending order.
    ///
    /// - Returns: Bytes that the initialiser above accepts.
    package static func encode(
        isForced: Bool = false,
        assets: [[UInt8]],
        accounts: [[UInt8]],
        items: [Item]
    ) -> [UInt8] {
        var out = LittleEndianWriter()
        out.byte(format)
        out.byte(isForced ? 1 : 0)
        out.integer(UInt16(assets.count))
        out.integer(UInt32(accounts.count))
        out.integer(UInt32(items.count))
        out.integer(UInt32(0))
        for asset in assets { out.shortBlob(asset) }
        for account in accounts {
            out.integer(UInt16(account.count))
            out.append(account)
        }
        for item in items {
            out.integer(UInt16(item.source))
            out.integer(UInt16(item.destination))
            out.integer(UInt16(item.asset))
            out.integer(UInt16(0))
            out.integer(item.amount)
        }
        return out.bytes
    }
}

/// Reads the tables of a body: names behind their lengths, strictly ascending.
private struct TableReader {
    private let source: [UInt8]
    private(set) var offset: Int

    init(_ source: [UInt8], at offset: Int) {
        self.source = source
        self.offset = offset
    }

    mutating func read(
        _ count: Int,
        _ field: String,
        lengthBytes: Int,
        isLegal: (Span<UInt8>) -> Bool
    ) throws(Malformed) -> [Range<Int>] {
        let source = source
        let bytes = source.span
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(count)
        var last: Range<Int>?
        for position in 0..<count {
            guard lengthBytes <= bytes.count - offset else {
                throw Malformed("truncated", field: "\(field).length", offset: offset)
            }
            var length = Int(bytes[offset])
            if lengthBytes == 2 { length |= Int(bytes[offset + 1]) << 8 }
            offset += lengthBytes
            guard length <= bytes.count - offset else {
                throw Malformed("truncated", field: "\(field)[\(position)]", offset: offset)
            }
            let range = offset..<offset + length
            let name = bytes.extracting(range)
            guard isLegal(name) else {
                throw Malformed("illegal", field: "\(field)[\(position)]", offset: offset)
            }
            if let last, !isBefore(bytes.extracting(last), name) {
                let reason = "not strictly ascending"
                throw Malformed(reason, field: "\(field)[\(position)]", offset: offset)
            }
            ranges.append(range)
            last = range
            offset += length
        }
        return ranges
    }

    private func isBefore(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        for position in 0..<min(left.count, right.count) where left[position] != right[position] {
            return left[position] < right[position]
        }
        return left.count < right.count
    }
}
