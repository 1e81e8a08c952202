// SPDX-License-Identifier: Apache-2.0
//
// The views' thread: folds published records, in order, from the record files. May import
// TallyViews. The sequencer only says how far the ledger is; a view that lags, or that start-up
// found missing, is folded from the files in the same loop. Nothing here decides a write.

import TallyCodec
package import TallyStore
package import TallyTypes
package import TallyViews

import Synchronization

/// Folds published records into the views.
package final class ViewKeeper: Sendable {
    /// The most records decoded and folded in one transaction.
    private static let runMax = 8_192
    /// The bytes after which a run ends, blobs among them.
    private static let runBytesMax = 16 << 20
    /// Books remembered, at the least, before those that are folded are forgotten.
    private static let touchedMin = 4_096

    /// A caller that waits for the views to reach a size.
    private struct Waiter {
        let number: UInt64
        let size: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct Progress {
        var published: UInt64
        var folded: UInt64
        /// The size at the start; before it, nobody knows which book's records are missing.
        var recovered: UInt64
        /// By book: the size after the last entry that touched it; only sizes above `folded`.
        var touched: [BookID: UInt64] = [:]
        /// The number of books at which those that are folded are forgotten.
        var touchedMax = ViewKeeper.touchedMin
        var isScheduled = false
        var isEnabled = true
        var isStopping = false
        var waiting: [Waiter] = []
        var nextNumber: UInt64 = 0

        /// Where the views must be for a read of a book to show all of its records.
        func target(of book: BookID) -> UInt64 {
            max(recovered, touched[.system] ?? 0, touched[book] ?? 0)
        }

        mutating func touch(_ books: Set<BookID>) {
            for book in books { touched[book] = published }
            guard touched.count > touchedMax else { return }
            touched = touched.filter { $1 > folded }
            // Twice what is left, so that looking at all of them stays rare.
            touchedMax = max(ViewKeeper.touchedMin, 2 * touched.count)
        }

        /// Takes out the waiters that a test picks.
        mutating func take(where picks: (Waiter) -> Bool) -> [Waiter] {
            let taken = waiting.filter(picks)
            waiting.removeAll(where: picks)
            return taken
        }
    }

    /// The reads.
    package let reader: ViewReader
    private let thread = SerialThread(name: "views")
    private let records: RecordFiles
    private let folder: ViewFolder
    private let progress: Mutex<Progress>
    private let failed: @Sendable (NodeFault) -> Void

    /// Takes over the views of a directory.
    ///
    /// - Parameters:
    ///   - store: The open views.
    ///   - records: The record files to fold from.
    ///   - isEnabled: False while a benchmark measures the node without views.
    ///   - failed: Told when a view cannot be folded; the node stops.
    package init(
        store: consuming sending ViewStore,
        records: RecordFiles,
        isEnabled: Bool = true,
        failed: @escaping @Sendable (NodeFault) -> Void
    ) {
        reader = store.reader
        self.records = records
        self.failed = failed
        let next = store.recovery.resume.rawValue
        progress = Mutex(
            Progress(published: next, folded: next, recovered: next, isEnabled: isEnabled)
        )
        folder = ViewFolder(store)
    }

    /// Records that the views have folded.
    package var folded: UInt64 { progress.withLock { $0.folded } }

    /// Records published and not yet folded.
    package var lag: UInt64 {
        progress.withLock { $0.published > $0.folded ? $0.published - $0.folded : 0 }
    }

    /// Start-up found the ledger at a size; what is not folded yet may be of any book.
    package func recovered(_ size: UInt64) {
        progress.withLock { $0.recovered = size }
        published(size, touching: [])
    }

    /// The ledger has grown to a size by an entry that touched some books.
    package func published(_ size: UInt64, touching books: Set<BookID>) {
        let schedule = progress.withLock { progress in
            progress.published = max(progress.published, size)
            progress.touch(books)
            guard progress.isEnabled, !progress.isScheduled,
                progress.folded < progress.published
            else { return false }
            progress.isScheduled = true
            return true
        }
        if schedule { thread.post { self.work() } }
    }

    /// Waits until the views have folded everything published before the call.
    ///
    /// - Returns: False after five seconds.
    package func caughtUp() async -> Bool {
        let target = progress.withLock { $0.published }
        return await reached(target)
    }

    /// Waits until the views have folded every record of a book, and of the system book, that was
    /// published before the call.
    ///
    /// - Returns: False after five seconds.
    package func caughtUp(with book: BookID) async -> Bool {
        let target = progress.withLock { $0.target(of: book) }
        return await reached(target)
    }

    /// Waits until the views have folded a number of records, at most five seconds; views that fold
    /// nothing are not waited for.
    package func reached(_ size: UInt64) async -> Bool {
        let (number, isHopeless) = progress.withLock { progress in
            progress.nextNumber += 1
            return (progress.nextNumber, !progress.isEnabled && progress.folded < size)
        }
        if isHopeless { return false }
        let timeout = Task {
            do {
                try await Task.sleep(for: .seconds(5))
            } catch {
                return  // cancelled: the views were faster
            }
            self.resume(with: false) { $0.number == number }
        }
        defer { timeout.cancel() }
        return await withCheckedContinuation { continuation in
            let isThere = progress.withLock { progress in
                if progress.folded >= size { return true }
                progress.waiting.append(
                    Waiter(number: number, size: size, continuation: continuation)
                )
                return false
            }
            if isThere { continuation.resume(returning: true) }
        }
    }

    private func resume(with isReached: Bool, where picks: (Waiter) -> Bool) {
        let ready = progress.withLock { $0.take(where: picks) }
        for waiter in ready { waiter.continuation.resume(returning: isReached) }
    }

    private func work() {
        while true {
            let (from, to) = progress.withLock { progress in
                if progress.folded < progress.published, !progress.isStopping {
                    return (progress.folded, progress.published)
                }
                progress.isScheduled = false
                return (progress.folded, progress.folded)
            }
            guard from < to else { return }
            do {
                let next = try fold(from, Int(min(to - from, UInt64(ViewKeeper.runMax))))
                progress.withLock { $0.folded = next }
                resume(with: true) { $0.size <= next }
            } catch {
                failed(NodeFault(folding: error))
                return
            }
        }
    }

    private func fold(_ from: UInt64, _ count: Int) throws -> UInt64 {
        let encoded = try records.records(from: RecordIndex(from), count: count)
        guard !encoded.isEmpty else {
            throw NodeFault(
                .lost,
                subject: "record \(from)",
                reason: "was published and is not in its file",
                nextStep: "run `tally verify` on the data directory"
            )
        }
        var decoded: [Record] = []
        var bytes = 0
        for leaf in encoded where bytes < ViewKeeper.runBytesMax {
            let parsed = try RecordCodec.parse(leaf[...])
            bytes += leaf.count + parsed.references.reduce(0) { $0 + $1.length }
            decoded.append(try parsed.completed(with: records.blobs.read))
        }
        try folder.fold(decoded)
        return from + UInt64(decoded.count)
    }

    /// Ends the folding at a clean stop: after five seconds at the latest, and the run under way.
    ///
    /// What is left is folded after the next start.
    package func stop() async throws {
        if progress.withLock({ $0.isEnabled }) { _ = await caughtUp() }
        progress.withLock { $0.isStopping = true }
        try await thread.run {}
    }
}

/// The writer of the views, confined to the views' thread.
private final class ViewFolder: @unchecked Sendable {
    // Confined: ViewKeeper calls it from its one thread only.
    private var store: ViewStore

    init(_ store: consuming sending ViewStore) {
        self.store = store
    }

    func fold(_ records: [Record]) throws {
        try store.fold(records[...])
    }
}
