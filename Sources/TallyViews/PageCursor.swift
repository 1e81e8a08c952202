// SPDX-License-Identifier: Apache-2.0
//
// The cursor of a list: base64url without padding of
//
//     1 byte   format: 1
//     1 byte   list: 1 books, 2 transactions, 3 accounts, 4 volumes, 5 logs
//     …        the list's own options
//     1 byte   page size
//     1 byte   0 forward from the position, inclusive; 1 backward from it, exclusive
//     key      bottom: the first row that page one showed
//     key      position
//
// where a key is, per part, either the 8 bytes of an integer or a length and the bytes of a text,
// as the list says. Opaque to clients; whoever forges one gets another page of the same list or a
// 400. Imports own types only; ListPage.swift makes and follows cursors.

package import TallyTypes

/// What a list's key is made of, in the order it sorts by.
package enum KeyPart: Hashable, Sendable {
    /// A signed 64-bit column.
    case integer
    /// A text column, compared by its bytes.
    case text
}

/// One part of a row's key.
enum KeyCell: Hashable, Sendable {
    /// The value of an integer column.
    case integer(Int64)
    /// The bytes of a text column.
    case text([UInt8])

    /// The value as it is bound.
    var cell: Cell {
        switch self {
        case .integer(let value): .integer(value)
        case .text(let bytes): .text(bytes)
        }
    }
}

/// A list that can be read page by page; its options travel in the cursor.
package protocol PagedList: Hashable, Sendable {
    /// The number of the list in a cursor.
    static var tag: UInt8 { get }
    /// The parts of the key that the rows are sorted by; unique per row as a whole.
    var key: [KeyPart] { get }
    /// The direction.
    var order: PageOrder { get }
    /// The options as bytes.
    var options: [UInt8] { get }
    /// Reads the options from the bytes of a cursor.
    init(options reader: inout CursorReader) throws(Malformed)
}

/// A place in a list: page direction, first row ever shown, and where to go on.
struct PageCursor<List: PagedList>: Hashable, Sendable {
    /// Which way to walk from the position.
    enum Walk: UInt8, Hashable, Sendable {
        /// In the list's order, from the position on.
        case forward = 0
        /// Against the list's order, from before the position, and never past the bottom.
        case backward = 1
    }

    /// The list.
    var list: List
    /// The page size.
    var size: PageSize
    /// Which way to walk.
    var walk: Walk
    /// The key of the first row that page one showed.
    var bottom: [KeyCell]
    /// The key to walk from.
    var position: [KeyCell]

    /// The cursor as a token.
    var token: String {
        var writer = BlobWriter()
        writer.append(byte: 1)
        writer.append(byte: List.tag)
        list.options.forEach { writer.append(byte: $0) }
        writer.append(byte: UInt8(size.rows))
        writer.append(byte: walk.rawValue)
        for cell in bottom + position {
            switch cell {
            case .integer(let value): writer.append(word: UInt64(bitPattern: value))
            case .text(let bytes): writer.append(bytes: bytes)
            }
        }
        return Base64URL.encode(writer.bytes)
    }
}

extension PageCursor {
    /// Reads a token of this kind of list.
    ///
    /// - Throws: ``Malformed`` with the field `cursor` for anything that ``token`` does not write.
    init(token: String) throws(Malformed) {
        do throws(Malformed) {
            var reader = CursorReader(try Base64URL.decode(token))
            self = try PageCursor.read(&reader)
        } catch {
            throw error.within("cursor")
        }
    }

    private static func read(_ reader: inout CursorReader) throws(Malformed) -> PageCursor {
        try reader.expect(1, "not a cursor")
        try reader.expect(List.tag, "a cursor of another list")
        let list = try List(options: &reader)
        let size = try reader.blob.byte()
        guard size >= 1, size <= PageSize.max, let walk = Walk(rawValue: try reader.blob.byte())
        else { throw Malformed("not a cursor", offset: reader.blob.offset) }
        let bottom = try reader.key(list.key)
        let position = try reader.key(list.key)
        guard reader.blob.isAtEnd else {
            throw Malformed("more than a cursor", offset: reader.blob.offset)
        }
        return PageCursor(
            list: list,
            size: PageSize(clamping: UInt64(size)),
            walk: walk,
            bottom: bottom,
            position: position
        )
    }
}

/// The bytes of a cursor, read from the front.
package struct CursorReader {
    /// What is left.
    var blob: BlobReader

    /// Starts at the first byte.
    init(_ bytes: [UInt8]) {
        blob = BlobReader(bytes)
    }

    /// Reads a byte that must have this value.
    mutating func expect(_ value: UInt8, _ reason: String) throws(Malformed) {
        let offset = blob.offset
        guard try blob.byte() == value else { throw Malformed(reason, offset: offset) }
    }

    /// Reads a direction.
    mutating func order() throws(Malformed) -> PageOrder {
        guard let order = PageOrder(rawValue: try blob.byte()) else {
            throw Malformed("no such order", offset: blob.offset)
        }
        return order
    }

    /// Reads an optional business time.
    mutating func time() throws(Malformed) -> BusinessTime? {
        guard try flag() else { return nil }
        return BusinessTime(microseconds: Int64(bitPattern: try blob.word()))
    }

    /// Reads a byte that is 0 or 1.
    mutating func flag() throws(Malformed) -> Bool {
        let value = try blob.byte()
        guard value <= 1 else { throw Malformed("neither yes nor no", offset: blob.offset) }
        return value == 1
    }

    /// Reads a key of this shape.
    mutating func key(_ parts: [KeyPart]) throws(Malformed) -> [KeyCell] {
        var cells: [KeyCell] = []
        for part in parts {
            switch part {
            case .integer: cells.append(.integer(Int64(bitPattern: try blob.word())))
            case .text: cells.append(.text(try blob.sizedBytes()))
            }
        }
        return cells
    }
}
