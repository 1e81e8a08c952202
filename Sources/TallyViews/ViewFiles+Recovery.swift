// SPDX-License-Identifier: Apache-2.0
//
// Opening the views of a directory: what cannot be used is thrown away and named, never repaired
// and never trusted. Without a usable system view everything is folded again; a book's file that is
// missing, of another version, damaged or behind is folded again on its own, from the record that
// created the book or from where it stands. Imports Foundation for the directory; ViewStore.swift
// calls it.

import Foundation
import GRDB
import TallyTypes

extension ViewFiles {
    /// A book as the system view lists it.
    private struct Listed {
        let book: BookID
        let kind: BookKind
        let record: RecordIndex
        let nextSequence: BookSequence
    }

    /// Opens a directory, throwing away what cannot be used.
    static func recover(
        directory: String,
        openFilesMax: Int,
        trace: ViewFile.Trace?
    ) throws -> (files: ViewFiles, recovery: ViewRecovery) {
        try fileFault(directory) {
            try FileManager.default.createDirectory(
                atPath: directory,
                withIntermediateDirectories: true
            )
        }
        var losses: [ViewLoss] = []
        let files: ViewFiles
        do {
            files = try ViewFiles(
                directory: directory,
                openFilesMax: openFilesMax,
                trace: trace
            )
        } catch let fault as ViewFault where fault.code == .version || fault.code == .corrupt {
            try removeAll(directory)
            losses.append(ViewLoss(book: .system, reason: fault.cause, from: .zero))
            files = try ViewFiles(
                directory: directory,
                openFilesMax: openFilesMax,
                trace: trace
            )
        }
        return (files, try files.checkBooks(losses))
    }

    /// Lets go of and removes the files of all books.
    func removeBooks() throws {
        closeAll()
        forget()
        for name in try ViewFiles.names(directory) where !name.hasPrefix("system.sqlite") {
            try ViewFiles.remove(directory + "/" + name)
        }
    }

    private func checkBooks(_ systemLosses: [ViewLoss]) throws -> ViewRecovery {
        let (applied, listed) = try system.pool.read { database in
            (try FoldPosition.read(database), try ViewFiles.listed(database))
        }
        note(listed.map { ($0.book, $0.kind) })
        var losses = systemLosses
        var furthest = applied.nextRecord
        for book in listed {
            let (position, loss) = try check(book)
            furthest = max(furthest, position.nextRecord)
            if let loss { losses.append(loss) }
        }
        let resume = losses.map(\.from).reduce(applied.nextRecord, min)
        return ViewRecovery(resume: resume, furthest: furthest, losses: losses)
    }

    private func check(_ book: Listed) throws -> (AppliedPosition, ViewLoss?) {
        let path = ViewFiles.path(directory, book.book)
        if !ViewFiles.exists(path) {
            let start = AppliedPosition(nextRecord: .zero, nextSequence: BookSequence(0))
            guard book.nextSequence > BookSequence(0) else { return (start, nil) }
            return (start, ViewLoss(book: book.book, reason: "missing", from: book.record))
        }
        do {
            let position = try file(book.book, book.kind).pool.read(FoldPosition.read)
            guard position.nextSequence < book.nextSequence else { return (position, nil) }
            let from = max(position.nextRecord, book.record)
            return (position, ViewLoss(book: book.book, reason: "behind", from: from))
        } catch let fault as ViewFault where fault.code == .version || fault.code == .corrupt {
            for suffix in ["", "-wal", "-shm"] { try ViewFiles.remove(path + suffix) }
            let start = AppliedPosition(nextRecord: .zero, nextSequence: BookSequence(0))
            return (start, ViewLoss(book: book.book, reason: fault.cause, from: book.record))
        }
    }

    private static func listed(_ database: Database) throws -> [Listed] {
        let statement = try PreparedStatement(
            database,
            "SELECT id, kind, record, next_sequence FROM books ORDER BY number"
        )
        var listed: [Listed] = []
        while try statement.step() {
            guard let book = BookID(try statement.blob(0)),
                let kind = BookKind(rawValue: UInt8(clamping: try statement.integer(1)))
            else { throw statement.corrupt(0, "no book") }
            listed.append(
                Listed(
                    book: book,
                    kind: kind,
                    record: RecordIndex(try statement.number(2)),
                    nextSequence: BookSequence(try statement.number(3))
                )
            )
        }
        return listed
    }

    private static func removeAll(_ directory: String) throws {
        for name in try names(directory) { try remove(directory + "/" + name) }
    }

    /// The names of view files in a directory, with their write-ahead logs, in order.
    static func names(_ directory: String) throws -> [String] {
        try fileFault(directory) {
            try FileManager.default.contentsOfDirectory(atPath: directory)
        }
        .filter { $0.hasSuffix(".sqlite") || $0.contains(".sqlite-") }
        .sorted()
    }

    /// True when there is a file at a path.
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    private static func remove(_ path: String) throws {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch CocoaError.fileNoSuchFile {
            return  // its log was already carried into it
        } catch {
            throw ViewFault(.database, subject: path, cause: "\(error)")
        }
    }
}

/// Turns what the file system throws into a fault of this module.
func fileFault<Value>(_ subject: String, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as CocoaError {
        throw ViewFault(.database, subject: subject, cause: "\(error)")
    }
}
