// SPDX-License-Identifier: Apache-2.0
//
// The view files that are open: at most a given number of books beside the system view, the least
// recently used one let go first. A file let go closes when its last reader is done. Opening
// happens outside the lock. Imports GRDB by way of ViewFile; the store and the reader share one of
// these.

import Dispatch
import Synchronization
import TallyTypes

/// The open view files of one directory, and the kinds of all books.
final class ViewFiles: Sendable {
    private struct Open {
        var file: ViewFile
        var lastUse: UInt64
    }

    private struct State {
        var open: [BookID: Open] = [:]
        var kinds: [BookID: BookKind] = [:]
        var uses: UInt64 = 0
    }

    /// The directory that holds the files.
    let directory: String
    /// The file of the system view; always open.
    let system: ViewFile
    private let openFilesMax: Int
    private let trace: ViewFile.Trace?
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "tallystick.views.open")

    /// Opens the system view in an existing directory.
    init(directory: String, openFilesMax: Int, trace: ViewFile.Trace?) throws {
        self.directory = directory
        self.openFilesMax = max(1, openFilesMax)
        self.trace = trace
        system = try ViewFile(
            path: ViewFiles.path(directory, .system),
            book: .system,
            kind: .system,
            trace: trace
        )
    }

    /// Where a book's file is.
    static func path(_ directory: String, _ book: BookID) -> String {
        directory + "/" + ViewFile.name(of: book)
    }

    /// The number of book files open at this moment.
    var openCount: Int { state.withLock { $0.open.count } }

    /// The kind of a book; nil when no such book was folded.
    func kind(of book: BookID) -> BookKind? {
        book == .system ? .system : state.withLock { $0.kinds[book] }
    }

    /// Notes books that were folded.
    func note(_ kinds: [(BookID, BookKind)]) {
        state.withLock { state in
            for (book, kind) in kinds { state.kinds[book] = kind }
        }
    }

    /// The open file of a book, opened now if it is not; blocks.
    func file(_ book: BookID, _ kind: BookKind) throws -> ViewFile {
        if book == .system { return system }
        if let file = use(book) { return file }
        let opened = try ViewFile(
            path: ViewFiles.path(directory, book),
            book: book,
            kind: kind,
            trace: trace
        )
        return keep(opened)
    }

    /// The open file of a book of a kind, opened on a thread of its own if it is not.
    ///
    /// - Throws: ``ViewRefusal`` when there is no such book, or it is of another kind.
    func reading(_ book: BookID, _ kind: BookKind) async throws -> ViewFile {
        guard let found = self.kind(of: book) else { throw ViewRefusal.bookNotFound(book) }
        guard found == kind else { throw ViewRefusal.bookKind(expected: kind, found: found) }
        if book == .system { return system }
        if let file = use(book) { return file }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                continuation.resume(with: Result { try file(book, kind) })
            }
        }
    }

    /// Lets go of every book's file.
    func closeAll() {
        let closing = state.withLock { state in
            defer { state.open = [:] }
            return state.open
        }
        withExtendedLifetime(closing) {}
    }

    /// Forgets every book.
    func forget() {
        state.withLock { $0.kinds = [:] }
    }

    private func use(_ book: BookID) -> ViewFile? {
        state.withLock { state in
            state.uses += 1
            state.open[book]?.lastUse = state.uses
            return state.open[book]?.file
        }
    }

    // What is let go leaves the lock before it closes: closing writes to the disk.
    private func keep(_ opened: ViewFile) -> ViewFile {
        let (kept, closing) = state.withLock { state -> (ViewFile, [ViewFile]) in
            state.uses += 1
            if let open = state.open[opened.book] { return (open.file, [opened]) }
            var closing: [ViewFile] = []
            while state.open.count >= openFilesMax,
                let oldest = state.open.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                closing.append(oldest.value.file)
                state.open[oldest.key] = nil
            }
            state.open[opened.book] = Open(file: opened, lastUse: state.uses)
            return (opened, closing)
        }
        withExtendedLifetime(closing) {}
        return kept
    }
}
