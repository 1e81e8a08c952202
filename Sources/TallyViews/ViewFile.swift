// SPDX-License-Identifier: Apache-2.0
//
// One view file: a SQLite database in WAL mode with one writer and a few readers. `synchronous` is
// NORMAL, not OFF: no commit waits for the disk either way, only a checkpoint does, and with NORMAL
// a power cut leaves an older but whole file, which recovery notices and folds on; with OFF it
// could leave a damaged one that answers wrongly. Imports GRDB; ViewFiles.swift opens these.

import GRDB
import TallyTypes

/// An open view file of one book.
final class ViewFile: Sendable {
    /// Called with each statement that a connection runs, for diagnosis and for tests of query
    /// plans.
    typealias Trace = @Sendable (String) -> Void

    /// The book.
    let book: BookID
    /// The kind of the book, and so of the tables.
    let kind: BookKind
    /// The connections.
    let pool: DatabasePool

    /// Opens the file, making its tables when there are none.
    ///
    /// - Throws: ``ViewFault`` with `version` when another version of the views wrote it.
    init(path: String, book: BookID, kind: BookKind, trace: Trace?) throws {
        self.book = book
        self.kind = kind
        pool = try databaseFault(path) {
            try DatabasePool(path: path, configuration: ViewFile.configuration(trace))
        }
        try databaseFault(path) {
            try pool.write { database in
                try ViewFile.prepare(database, kind: kind, path: path)
            }
        }
    }

    /// Runs reads in one snapshot, off the caller's thread.
    func read<Value: Sendable>(
        _ body: @Sendable @escaping (Database) throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError {
            throw ViewFault(error, subject: ViewFile.name(of: book))
        }
    }

    /// Runs a fold in one transaction, on the caller's time.
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try databaseFault(ViewFile.name(of: book)) { try pool.write(body) }
    }

    /// The name of a book's file.
    static func name(of book: BookID) -> String {
        book == .system ? "system.sqlite" : "\(book).sqlite"
    }

    /// Pages of 4 KiB that a write-ahead log may grow to before it is carried into the file: 16
    /// MiB.
    private static let checkpointPages = 4096

    private static func configuration(_ trace: Trace?) -> Configuration {
        var configuration = Configuration()
        configuration.label = "tallystick.views"
        configuration.maximumReaderCount = 3
        configuration.busyMode = .timeout(10)
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA cache_size = -32768")
            try database.execute(sql: "PRAGMA secure_delete = OFF")
            try database.execute(sql: "PRAGMA wal_autocheckpoint = \(checkpointPages)")
            if let trace {
                database.trace(options: .statement) { event in
                    trace("\(event)")
                }
            }
        }
        return configuration
    }

    private static func prepare(_ database: Database, kind: BookKind, path: String) throws {
        let version = try scalar(database, "PRAGMA user_version")
        let tables = try scalar(database, "SELECT count(*) FROM sqlite_schema")
        guard version == 0, tables == 0 else {
            return try check(database, kind: kind, path: path)
        }
        for table in ViewSchema.tables(kind) {
            for statement in table.statements {
                try database.execute(sql: statement)
            }
        }
        try database.execute(sql: firstState(kind))
        try database.execute(sql: "PRAGMA user_version = \(ViewSchema.version)")
    }

    /// Checks that a file is of this version and has its tables.
    ///
    /// - Throws: ``ViewFault`` with `version` or `corrupt`.
    static func check(_ database: Database, kind: BookKind, path: String) throws {
        let version = try scalar(database, "PRAGMA user_version")
        guard version == ViewSchema.version else {
            throw ViewFault(
                .version,
                subject: path,
                cause: "version \(version), not \(ViewSchema.version)"
            )
        }
        let statement = try PreparedStatement(
            database,
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
        )
        var found: [[UInt8]] = []
        while try statement.step() {
            found.append(try statement.text(0))
        }
        let expected = ViewSchema.tables(kind).flatMap(\.statements).map { Array($0.utf8) }
        guard found == expected else {
            throw ViewFault(
                .corrupt,
                subject: path,
                cause: "the tables are not those of its version"
            )
        }
    }

    /// The statement that makes the one row of a new file's state.
    static func firstState(_ kind: BookKind) -> String {
        switch kind {
        case .system: "INSERT INTO state VALUES (1, 0, 0, 0, x'', 0, x'')"
        case .accounts: "INSERT INTO state VALUES (1, 0, 0, 0, 0, 0, 0)"
        case .journal: "INSERT INTO state VALUES (1, 0, 0, 0)"
        }
    }
}

/// The one integer that a statement returns.
func scalar(_ database: Database, _ sql: String) throws -> Int64 {
    let statement = try PreparedStatement(database, sql)
    guard try statement.step() else {
        throw ViewFault(.corrupt, subject: sql, cause: "no row")
    }
    return try statement.integer(0)
}

/// Turns what GRDB throws into a fault of this module; lets everything else through.
func databaseFault<Value>(_ subject: String, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as DatabaseError {
        throw ViewFault(error, subject: subject)
    }
}

extension ViewFault {
    /// The fault for what GRDB threw.
    fileprivate init(_ error: DatabaseError, subject: String) {
        self.init(
            Code(sqlite: error.extendedResultCode.rawValue),
            subject: subject,
            cause: "\(error)"
        )
    }
}
