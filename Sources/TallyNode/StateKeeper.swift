// SPDX-License-Identifier: Apache-2.0
//
// The state store's threads: one that flushes, one that reads, one that digests. The sequencer asks
// for missing keys, and hands over a capture when a flush is due. Order of a flush, DESIGN.md §6:
// records synced (the log's thread does that first), image written and synced, batch, old images
// removed.

import TallyCodec
package import TallyKernel
import TallyProof
package import TallyStore
package import TallyTypes

/// Reads and flushes the state store.
package final class StateKeeper: Sendable {
    /// The store.
    package let store: any StateStore
    private let images: CacheImages
    private let flushes = SerialThread(name: "flush")
    private let reads = SerialThread(name: "reads")
    private let digests = SerialThread(name: "digests")

    /// Uses an open store and the folder of images beside it.
    package init(store: any StateStore, images: CacheImages) {
        self.store = store
        self.images = images
    }

    /// Reads the values of keys in any order; nil where there is no row.
    package func read(_ keys: [[UInt8]]) async throws -> [[UInt8]?] {
        if keys.isEmpty { return [] }
        return try await reads.run { [store] in try StateKeeper.read(keys, from: store) }
    }

    /// Reads the values of keys in any order, blocking.
    package static func read(
        _ keys: [[UInt8]],
        from store: any StateStore
    ) throws(StoreFault) -> [[UInt8]?] {
        let order = keys.indices.sorted { keys[$0].lexicographicallyPrecedes(keys[$1]) }
        var sorted: [[UInt8]] = []
        var places: [Int] = []
        for position in order {
            if sorted.last != keys[position] { sorted.append(keys[position]) }
            places.append(sorted.count - 1)
        }
        let found = try store.read(sorted)
        var values = [[UInt8]?](repeating: nil, count: keys.count)
        for (position, place) in zip(order, places) { values[position] = found[place] }
        return values
    }

    /// Writes a capture on the flush thread and reports the end.
    package func flush(
        _ capture: FlushCapture,
        _ finished: @escaping @Sendable (Result<LogIndex, StoreFault>) -> Void
    ) {
        flushes.post { [self] in
            finished(
                Result { () throws(StoreFault) in
                    try write(capture)
                    return capture.applied
                }
            )
        }
    }

    /// Writes a capture, blocking: image, batch; then removes older images and deleted books' rows.
    package func write(_ capture: FlushCapture) throws(StoreFault) {
        let image = try images.write(capture.image, applied: capture.applied)
        var rows = FlushRows(rowCapacity: capture.dirtyCount, byteCapacity: 0)
        var books: [StateRow] = []
        capture.forEachRow {
            rows.put($0, $1)
            if Janitor.isBook($0) { books.append(StateRow(key: $0.array, value: $1.array)) }
        } delete: {
            rows.delete($0)
        }
        rows.sort()
        let marker = FlushMarker(
            applied: capture.applied,
            scalars: StateCodec.encodeScalars(capture.scalars),
            secrets: capture.secrets.words.bytes,
            tree: capture.tree.bytes,
            image: image
        )
        try store.flush(FlushBatch(rows: rows, marker: marker))
        try images.removeAll(but: image)
        try Janitor(store).reclaim(among: books)
    }

    /// Takes away, on the flush thread, the rows of books that were deleted before the start.
    package func reclaimDeleted(failed: @escaping @Sendable (StoreFault) -> Void) {
        flushes.post { [store] in
            do throws(StoreFault) {
                try Janitor(store).reclaimAll()
            } catch {
                failed(error)
            }
        }
    }

    /// The digest of all state as of the last flush, and where that stands; reads the whole store.
    func statement() async throws -> StateStatement {
        try await digests.run { [store] in try StateStatement.of(store) }
    }

    /// What a seal says as of the last flush, with its balances kept; reads the whole store.
    func seal(keeping files: SealFiles) async throws -> LogSeal {
        try await digests.run { [store] in try LogSeal.of(store, keeping: files) }
    }

    /// Waits until everything handed to the threads that flush and that digest is done.
    package func drain() async throws {
        try await flushes.run {}
        try await digests.run {}
    }

    /// Reads the kernel as of the last flush; nil before the first.
    package func restore(keysMax: Int) throws -> RestoredKernel? {
        guard let marker = try store.marker() else { return nil }
        let scalars = try StateCodec.decodeScalars(marker.scalars)
        guard let secrets = KeySecrets(marker.secrets), let reference = marker.image else {
            throw StoreFault(
                .corrupt,
                subject: "state store",
                reason: "its marker holds no secrets or no image"
            )
        }
        let image = try images.read(reference, applied: marker.applied)
        return RestoredKernel(
            applied: marker.applied,
            scalars: scalars,
            secrets: secrets,
            tree: marker.tree,
            image: image,
            keysMax: keysMax
        )
    }

    /// The book id that the row of a name holds.
    package static func bookID(_ value: [UInt8]) throws -> BookID {
        guard case .bookName(let book) = try StateCodec.decodeValue(kind: .bookName, value) else {
            throw StoreFault(
                .corrupt,
                subject: "state store",
                reason: "the row of a name holds no book id"
            )
        }
        return book
    }
}

/// What a flush left of a kernel.
package struct RestoredKernel: Sendable {
    /// The index of the flush.
    package let applied: LogIndex
    /// The scalars as of that index.
    package let scalars: LedgerScalars
    let secrets: KeySecrets
    let tree: [UInt8]
    let image: [UInt8]
    let keysMax: Int
}
