// SPDX-License-Identifier: Apache-2.0
//
// Amounts in columns of type ANY: an INTEGER below 2^63, else a BLOB of 32 bytes, big-endian.
// SQLite orders every integer before every blob, and blobs by their bytes, so the column's order is
// the amounts' order and an index on it serves comparisons; ordinary amounts take 1 to 8 bytes and
// can be read with any SQLite shell. Imports own types only; folds bind, reads read.

import TallyTypes

extension PreparedStatement {
    /// Binds an amount.
    func bind(_ position: Int32, amount: Amount) throws {
        if amount.high == 0, let small = Int64(exactly: amount.low) {
            try bind(position, small)
        } else {
            let bytes = amount.bytes
            try bind(position, blob: [UInt8](repeating: 0, count: 32 - bytes.count) + bytes)
        }
    }

    /// The amount in a column of the current row.
    func amount(_ column: Int32) throws -> Amount {
        switch try cell(column) {
        case .integer(let value) where value >= 0:
            return Amount(UInt128(value))
        case .blob(let bytes):
            guard bytes.count == 32, let amount = Amount(bigEndian: bytes),
                amount > Amount(UInt128(Int64.max))
            else { throw corrupt(column, "not an amount") }
            return amount
        case .null, .integer, .text:
            throw corrupt(column, "not an amount")
        }
    }

    /// Binds a number that a ledger counts; above 2^63 − 1 none can be.
    func bind(_ position: Int32, number: UInt64) throws {
        guard let value = Int64(exactly: number) else {
            throw ViewFault(
                .contradiction,
                subject: "parameter \(position)",
                cause: "a number above 2^63 - 1"
            )
        }
        try bind(position, value)
    }

    /// The number in a column of the current row; negative is corrupt.
    func number(_ column: Int32) throws -> UInt64 {
        guard let value = UInt64(exactly: try integer(column)) else {
            throw corrupt(column, "a negative number")
        }
        return value
    }

    /// The text in a column of bytes.
    func textBlob(_ column: Int32) throws -> Text {
        guard let text = Text(utf8: try blob(column)) else { throw corrupt(column, "not UTF-8") }
        return text
    }

    /// The text in a column of text.
    func textValue(_ column: Int32) throws -> Text {
        guard let text = Text(utf8: try text(column)) else { throw corrupt(column, "not UTF-8") }
        return text
    }

    /// The account address in a column.
    func address(_ column: Int32) throws -> AccountAddress {
        guard let address = AccountAddress(try textValue(column).string) else {
            throw corrupt(column, "not an address")
        }
        return address
    }

    /// The asset in a column.
    func asset(_ column: Int32) throws -> Asset {
        guard let asset = Asset(try textValue(column).string) else {
            throw corrupt(column, "not an asset")
        }
        return asset
    }

    /// The metadata in a column.
    func metadata(_ column: Int32) throws -> Metadata {
        do {
            return try Metadata(blob: try blob(column))
        } catch let malformed as Malformed {
            throw corrupt(column, malformed.description)
        }
    }

    /// The point in time in a column.
    func instant(_ column: Int32) throws -> Instant {
        Instant(microseconds: try number(column))
    }
}
