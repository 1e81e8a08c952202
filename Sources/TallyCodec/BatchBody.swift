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

/// A validated batch body: positions into its bytes.
package struct BatchBody: Sendable {
    /// The number that every body begins with.
    package static let format: UInt8 = 1
    /// Bytes before the first asset.
    package static let headerBytes = 16
    /// Bytes of one transfer.
    package static let transferBytes = 24
    /// The most assets in one body.
    package static let assetsMax = 256
    /// The most accounts in one body.
    package static let accountsMax = 16_384

    /// One transfer, by positions in the tables of its body.
    package struct Item: Hashable, Sendable {
        /// The account that gives.
        package let source: Int
        /// The account that receives.
        package let destination: Int
        /// The asset.
        package let asset: Int
        /// How much moves.
        package let amount: UInt128

        /// Makes an item.
        package init(source: Int, destination: Int, asset: Int, amount: UInt128) {
            self.source = source
            self.destination = destination
            self.asset = asset
            self.amount = amount
        }
    }

    /// The body as received.
    package let bytes: [UInt8]
    /// True when sources may go below zero.
    package let isForced: Bool
    /// Where each asset stands.
    package let assets: [Range<Int>]
    /// Where each account stands.
    package let accounts: [Range<Int>]
    /// The transfers, in order.
    package let items: [Item]

    /// Reads a body.
    ///
    /// - Throws: ``Malformed`` with the field and the byte offset.
    package init(_ bytes: [UInt8]) throws(Malformed) {
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
        try BatchBody.check(Int(assetCount), 1...BatchBody.assetsMax, "assets", 2)
        try BatchBody.check(Int(accountCount), 1...BatchBody.accountsMax, "accounts", 4)
        try BatchBody.check(
            Int(transferCount),
            1...Limits.transfersPerBatchMax,
            "transfers",
            8
        )
        self.bytes = bytes
        isForced = flags & 1 != 0
        assets = try BatchBody.table(&reader, Int(assetCount), "assets", bytes) {
            reader throws(Malformed) in
            Int(try reader.byte("assets.length"))
        } isLegal: {
            Asset.isLegal($0)
        }
        accounts = try BatchBody.table(&reader, Int(accountCount), "accounts", bytes) {
            reader throws(Malformed) in
            Int(try reader.integer("accounts.length", as: UInt16.self))
        } isLegal: {
            AccountAddress.isLegal($0)
        }
        items = try BatchBody.transfers(
            &reader,
            Int(transferCount),
            assets: assets.count,
            accounts: accounts.count
        )
        try reader.expectEnd()
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

    private static func table(
        _ reader: inout LittleEndianReader,
        _ count: Int,
        _ field: String,
        _ bytes: [UInt8],
        length: (inout LittleEndianReader) throws(Malformed) -> Int,
        isLegal: (ArraySlice<UInt8>) -> Bool
    ) throws(Malformed) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(count)
        for position in 0..<count {
            let item = try reader.slice(try length(&reader), "\(field)[\(position)]")
            guard isLegal(item) else {
                throw Malformed(
                    "illegal",
                    field: "\(field)[\(position)]",
                    offset: item.startIndex
                )
            }
            if let last = ranges.last, !bytes[last].lexicographicallyPrecedes(item) {
                throw Malformed(
                    "not strictly ascending",
                    field: "\(field)[\(position)]",
                    offset: item.startIndex
                )
            }
            ranges.append(item.startIndex..<item.endIndex)
        }
        return ranges
    }

    private static func transfers(
        _ reader: inout LittleEndianReader,
        _ count: Int,
        assets: Int,
        accounts: Int
    ) throws(Malformed) -> [Item] {
        guard reader.remaining == count * transferBytes else {
            throw reader.malformed(
                "\(reader.remaining) bytes for \(count) transfers",
                "transfers"
            )
        }
        var items: [Item] = []
        items.reserveCapacity(count)
        for position in 0..<count {
            let source = Int(try reader.integer("source", as: UInt16.self))
            let destination = Int(try reader.integer("destination", as: UInt16.self))
            let asset = Int(try reader.integer("asset", as: UInt16.self))
            let zero: UInt16 = try reader.integer("zero")
            guard source < accounts, destination < accounts, asset < assets, zero == 0 else {
                throw reader.malformed(
                    "no such account or asset, or a zero that is none",
                    "transfers[\(position)]"
                )
            }
            let amount: UInt128 = try reader.integer("amount")
            items.append(
                Item(source: source, destination: destination, asset: asset, amount: amount)
            )
        }
        return items
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
