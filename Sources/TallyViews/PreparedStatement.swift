// SPDX-License-Identifier: Apache-2.0
//
// One prepared SQLite statement, bound and stepped directly: GRDB opens and pools the connections
// and caches the statements, but its rows cut texts at a NUL and its arguments allocate. The only
// file of this module with unsafe code. Imports GRDB and the C library under it; folds and reads
// call it.

import GRDB
import GRDBSQLite
import TallyTypes

/// A value in a column; views never hold floating-point numbers.
package enum Cell: Hashable, Sendable {
    /// No value.
    case null
    /// A 64-bit integer.
    case integer(Int64)
    /// UTF-8 text, compared by its bytes.
    case text([UInt8])
    /// Bytes; above every text in SQLite's order.
    case blob([UInt8])
}

/// A statement of one connection, usable only inside the access that made it.
///
/// Safe to use: the handle lives as long as the statement that it keeps, and SQLite copies what is
/// bound.
@safe
struct PreparedStatement: ~Copyable {
    private let statement: Statement
    private let handle: OpaquePointer
    private let connection: OpaquePointer?

    /// Takes the statement from the connection's cache, compiling it the first time.
    init(_ database: Database, _ sql: String) throws {
        statement = try database.cachedStatement(sql: sql)
        unsafe handle = statement.sqliteStatement
        unsafe connection = database.sqliteConnection
    }

    deinit {
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
    }

    /// Binds an integer; positions start at 1.
    func bind(_ position: Int32, _ value: Int64) throws {
        try check(unsafe sqlite3_bind_int64(handle, position, value))
    }

    /// Binds no value.
    func bindNull(_ position: Int32) throws {
        try check(unsafe sqlite3_bind_null(handle, position))
    }

    /// Binds the UTF-8 bytes of a text.
    func bind(_ position: Int32, text: [UInt8]) throws {
        guard !text.isEmpty else { return try bindEmptyText(position) }
        let code = unsafe text.withUnsafeBytes { bytes in
            unsafe sqlite3_bind_text(
                handle,
                position,
                bytes.assumingMemoryBound(to: CChar.self).baseAddress,
                Int32(bytes.count),
                transient
            )
        }
        try check(code)
    }

    /// Binds a string as text.
    func bind(_ position: Int32, text: String) throws {
        guard !text.isEmpty else { return try bindEmptyText(position) }
        var text = text
        let code = text.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            return unsafe sqlite3_bind_text(
                handle,
                position,
                raw.assumingMemoryBound(to: CChar.self).baseAddress,
                Int32(bytes.count),
                transient
            )
        }
        try check(code)
    }

    // A null pointer would bind NULL, which is another value than the empty text.
    private func bindEmptyText(_ position: Int32) throws {
        try check(unsafe sqlite3_bind_text(handle, position, "", 0, transient))
    }

    /// Binds bytes.
    func bind(_ position: Int32, blob: [UInt8]) throws {
        guard !blob.isEmpty else {
            return try check(unsafe sqlite3_bind_zeroblob(handle, position, 0))
        }
        let code = unsafe blob.withUnsafeBytes { bytes in
            unsafe sqlite3_bind_blob(
                handle,
                position,
                bytes.baseAddress,
                Int32(bytes.count),
                transient
            )
        }
        try check(code)
    }

    /// Binds a value of any kind.
    func bind(_ position: Int32, _ cell: Cell) throws {
        switch cell {
        case .null: try bindNull(position)
        case .integer(let value): try bind(position, value)
        case .text(let bytes): try bind(position, text: bytes)
        case .blob(let bytes): try bind(position, blob: bytes)
        }
    }

    /// Binds values to the positions from 1 on.
    func bind(_ cells: [Cell]) throws {
        for (offset, cell) in cells.enumerated() {
            try bind(Int32(offset + 1), cell)
        }
    }

    /// Moves to the next row; false after the last.
    func step() throws -> Bool {
        let code = unsafe sqlite3_step(handle)
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            try check(code)
            return false
        }
    }

    /// Runs a statement that returns no row, and makes it ready to be bound again.
    func run() throws {
        let code = unsafe sqlite3_step(handle)
        unsafe sqlite3_reset(handle)
        guard code == SQLITE_DONE else { return try check(code) }
    }

    /// The number of rows that the last ``run()`` on the connection changed.
    var changes: Int32 { unsafe sqlite3_changes(connection) }

    /// Makes the statement ready to be bound again.
    func reset() {
        unsafe sqlite3_reset(handle)
    }

    /// The number of columns of a row.
    var columnCount: Int32 { unsafe sqlite3_column_count(handle) }

    /// True when the column of the current row holds no value.
    func isNull(_ column: Int32) -> Bool {
        unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    /// The integer in a column of the current row.
    func integer(_ column: Int32) throws -> Int64 {
        try expect(SQLITE_INTEGER, at: column)
        return unsafe sqlite3_column_int64(handle, column)
    }

    /// The text in a column of the current row.
    func text(_ column: Int32) throws -> [UInt8] {
        try expect(SQLITE_TEXT, at: column)
        return rawBytes(column)
    }

    /// The bytes in a column of the current row.
    func blob(_ column: Int32) throws -> [UInt8] {
        try expect(SQLITE_BLOB, at: column)
        return rawBytes(column)
    }

    /// The value in a column of the current row, of whatever kind it is.
    func cell(_ column: Int32) throws -> Cell {
        switch unsafe sqlite3_column_type(handle, column) {
        case SQLITE_NULL: .null
        case SQLITE_INTEGER: .integer(unsafe sqlite3_column_int64(handle, column))
        case SQLITE_TEXT: .text(rawBytes(column))
        case SQLITE_BLOB: .blob(rawBytes(column))
        default: throw corrupt(column, "a floating-point number")
        }
    }

    /// The fault of a column that holds what this code never writes.
    func corrupt(_ column: Int32, _ cause: String) -> ViewFault {
        ViewFault(.corrupt, subject: "column \(column) of \(statement.sql)", cause: cause)
    }

    private func rawBytes(_ column: Int32) -> [UInt8] {
        guard let bytes = unsafe sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    private func expect(_ type: Int32, at column: Int32) throws {
        guard unsafe sqlite3_column_type(handle, column) == type else {
            throw corrupt(column, "a value of another kind")
        }
    }

    private func check(_ code: Int32) throws {
        guard code != SQLITE_OK else { return }
        let message =
            if let text = unsafe sqlite3_errmsg(connection) {
                unsafe String(cString: text)
            } else {
                "no message"
            }
        throw ViewFault(
            ViewFault.Code(sqlite: code),
            subject: statement.sql,
            cause: "\(message) (code \(code))"
        )
    }
}

extension ViewFault.Code {
    /// The code for an error of SQLite: damage, no room, or any other failure.
    package init(sqlite code: Int32) {
        switch code & 0xFF {
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt
        case SQLITE_FULL: self = .full
        case SQLITE_IOERR where code == SQLITE_IOERR | 19 << 8: self = .full  // SHMSIZE
        default: self = .database
        }
    }
}

/// Tells SQLite to copy what is bound before the call returns.
private var transient: sqlite3_destructor_type {
    unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
