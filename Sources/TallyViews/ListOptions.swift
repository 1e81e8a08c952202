// SPDX-License-Identifier: Apache-2.0
//
// How each list is sorted, and its options in a cursor; the option bytes are listed at each one.
// Imports own types only; PageCursor.swift calls these.

package import TallyTypes

extension BookList: PagedList {
    /// 1.
    package static let tag: UInt8 = 1
    /// The number.
    package var key: [KeyPart] { [.integer] }
    /// Order, kind (255 for all), deleted too.
    package var options: [UInt8] {
        [order.rawValue, kind?.rawValue ?? .max, includesDeleted ? 1 : 0]
    }

    /// Reads order, kind and deleted too.
    package init(options reader: inout CursorReader) throws(Malformed) {
        let order = try reader.order()
        let word = try reader.blob.byte()
        let kind = BookKind(rawValue: word)
        guard kind != nil || word == .max else {
            throw Malformed("no such kind of book", offset: reader.blob.offset)
        }
        self.init(order: order, kind: kind, includesDeleted: try reader.flag())
    }
}

extension TransactionList: PagedList {
    /// 2.
    package static let tag: UInt8 = 2
    /// The number, or the business time and the number.
    package var key: [KeyPart] { sort == .id ? [.integer] : [.integer, .integer] }
    /// Order, sort, point in time, expansion.
    package var options: [UInt8] {
        [order.rawValue, sort.rawValue] + timeBytes(pointInTime) + [expansion.rawValue]
    }

    /// Reads order, sort, point in time and expansion.
    package init(options reader: inout CursorReader) throws(Malformed) {
        let order = try reader.order()
        guard let sort = TransactionSort(rawValue: try reader.blob.byte()) else {
            throw Malformed("no such sort", offset: reader.blob.offset)
        }
        self.init(
            sort: sort,
            order: order,
            pointInTime: try reader.time(),
            expansion: try reader.expansion()
        )
    }
}

extension AccountList: PagedList {
    /// 3.
    package static let tag: UInt8 = 3
    /// The address.
    package var key: [KeyPart] { [.text] }
    /// Order, point in time, expansion.
    package var options: [UInt8] {
        [order.rawValue] + timeBytes(pointInTime) + [expansion.rawValue]
    }

    /// Reads order, point in time and expansion.
    package init(options reader: inout CursorReader) throws(Malformed) {
        self.init(
            order: try reader.order(),
            pointInTime: try reader.time(),
            expansion: try reader.expansion()
        )
    }
}

extension VolumeList: PagedList {
    /// 4.
    package static let tag: UInt8 = 4
    /// The address and the asset.
    package var key: [KeyPart] { [.text, .text] }
    /// Order.
    package var options: [UInt8] { [order.rawValue] }

    /// Reads order.
    package init(options reader: inout CursorReader) throws(Malformed) {
        self.init(order: try reader.order())
    }
}

extension LogList: PagedList {
    /// 5.
    package static let tag: UInt8 = 5
    /// The number.
    package var key: [KeyPart] { [.integer] }
    /// Order.
    package var options: [UInt8] { [order.rawValue] }

    /// Reads order.
    package init(options reader: inout CursorReader) throws(Malformed) {
        self.init(order: try reader.order())
    }
}

extension CursorReader {
    /// Reads an expansion.
    mutating func expansion() throws(Malformed) -> Expansion {
        let bits = try blob.byte()
        guard bits <= 3 else { throw Malformed("no such expansion", offset: blob.offset) }
        return Expansion(rawValue: bits)
    }
}

private func timeBytes(_ time: BusinessTime?) -> [UInt8] {
    guard let time else { return [0] }
    return [1] + bigEndianBytes(UInt64(bitPattern: time.microseconds))
}
