// SPDX-License-Identifier: Apache-2.0
//
// Takes the rows of deleted books out of the state store: their volumes, metadata, references,
// keys, entities; never the row of the book, nor that of its name. Outside the kernel, on the flush
// thread, after the flush that holds the delete: from then on no order reads such a row, since the
// book's row refuses it first. Neither the state digest nor the checker asks whether the rows are
// there. What a crash brings back is taken away by the next start.

import TallyCodec
import TallyStore
import TallyTypes

/// Removes what no order can reach any more.
struct Janitor {
    /// The kinds of rows that a book takes with it.
    static let kinds = StateKeyKind.allCases.filter { $0 != .book && $0 != .bookName }
    private let store: any StateStore

    init(_ store: any StateStore) {
        self.store = store
    }

    /// Removes the rows of the books that are deleted, among rows of books that were flushed.
    func reclaim(among books: [StateRow]) throws(StoreFault) {
        for row in books {
            guard let book = try Janitor.deletedBook(row), book != .system else { continue }
            for kind in Janitor.kinds {
                let prefix = [FormatRegistry.stateKey, kind.rawValue] + book.bytes
                if try hasRow(prefix) { try store.removeRows(below: prefix) }
            }
        }
    }

    /// Removes the rows of every book that the store knows as deleted.
    func reclaimAll() throws(StoreFault) {
        let prefix: [UInt8] = [FormatRegistry.stateKey, StateKeyKind.book.rawValue]
        let cursor = try store.snapshot().cursor(from: prefix)
        while let row = try cursor.next(), row.key.starts(with: prefix) {
            try reclaim(among: [row])
        }
    }

    /// True for the key of a book's row.
    static func isBook(_ key: Span<UInt8>) -> Bool {
        key.count > 1 && key[1] == StateKeyKind.book.rawValue
    }

    /// The book of a row, when it is deleted.
    private static func deletedBook(_ row: StateRow) throws(StoreFault) -> BookID? {
        do {
            guard case .book(let book) = try StateCodec.decodeValue(kind: .book, row.value) else {
                invariantFailure(.i8, "the row of a book holds another kind of value")
            }
            return book.isDeleted ? try StateCodec.decodeKey(row.key).book : nil
        } catch {
            let reason = "the row of a book does not decode: \(error)"
            throw StoreFault(.corrupt, subject: "state store", reason: reason)
        }
    }

    private func hasRow(_ prefix: [UInt8]) throws(StoreFault) -> Bool {
        try store.snapshot().cursor(from: prefix).next()?.key.starts(with: prefix) ?? false
    }
}

extension Span<UInt8> {
    /// A copy of the bytes.
    var array: [UInt8] { indices.map { self[$0] } }
}
