// SPDX-License-Identifier: Apache-2.0
//
// Which book a name leads to, from cache and state store: what the routes ask before they submit or
// read. No view is asked, so a lagging view delays no write. And which books an entry touches: what
// a read of one book waits for.

import TallyCodec
import TallyKernel
import TallyStore
package import TallyTypes

extension Sequencer {
    /// The live book of a name, as of every acknowledged write.
    ///
    /// - Throws: ``Busy`` `faulted` when the node has stopped, or the store cannot be read.
    package func book(named name: BookName) async throws(Busy) -> LiveBook? {
        if fault != nil { throw .faulted }
        do {
            guard case .bookName(let id)? = try await value(of: .bookName(name)) else { return nil }
            guard case .book(let row)? = try await value(of: .book(id)) else {
                invariantFailure(.i8, "book \(id) has a name and no row")
            }
            return row.isDeleted ? nil : LiveBook(id: id, name: name, kind: row.kind)
        } catch {
            fail(NodeFault(stopping: error))
            throw .faulted
        }
    }

    /// The value of a key as of the last applied entry.
    ///
    /// A key that leaves the cache during the read has been flushed; one that came in is newer than
    /// what was read. What was read counts only within one generation, where nothing leaves.
    private func value(of key: StateKey) async throws -> StateValue? {
        while true {
            if case .held(let value) = kernel.cached(key) { return value }
            let generation = kernel.cache.current
            let entries = kernel.cache.entriesPerGeneration
            let found = try await links.state.read([StateCodec.encodeKey(key)])
            if case .held(let value) = kernel.cached(key) { return value }
            if kernel.cache.current == generation,
                kernel.cache.entriesPerGeneration == entries
            {
                return try found[0].map { try StateCodec.decodeValue(kind: key.kind, $0) }
            }
        }
    }
}

extension Entry {
    /// The books that may get records or rows from this entry.
    var books: Set<BookID> {
        var books: Set<BookID> = []
        for submission in submissions {
            switch submission {
            case .batch(let batch): books.insert(batch.book ?? .system)
            case .groups(let groups):
                for order in groups.joined() {
                    books.insert(order.book ?? .system)
                    if order.order.kind.bookKind == .system { books.insert(.system) }
                }
            }
        }
        return books
    }
}
