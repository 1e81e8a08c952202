// SPDX-License-Identifier: Apache-2.0
//
// Every row of a view file in a fixed order: the basis of digests and of comparisons. Files are
// opened here without changing a byte: as immutable when everything is in the file itself, else
// from a copy of the file and its write-ahead log in a temporary directory. Imports GRDB, Crypto,
// and Foundation for files; the store, the verifier and tests call it.

import struct Crypto.SHA256
import Foundation
import GRDB
package import TallyTypes

/// A view file opened for reading alone.
package struct ViewDump {
    private let database: DatabaseQueue
    private let copy: TemporaryCopy?
    let tables: [ViewSchema.Table]

    /// Opens a view file; neither it nor its log is changed.
    ///
    /// - Throws: ``ViewFault`` when it is no view file, of another version, or damaged.
    package init(path: String) throws {
        let log = path + "-wal"
        copy = try ViewDump.isEmpty(log) ? nil : TemporaryCopy(of: [path, log])
        let name = if let copy { copy.path } else { ViewDump.immutable(path) }
        var configuration = Configuration()
        configuration.readonly = copy == nil
        let database = try databaseFault(path) {
            try DatabaseQueue(path: name, configuration: configuration)
        }
        tables = try databaseFault(path) {
            try database.read { try ViewDump.tables($0, path) }
        }
        self.database = database
    }

    /// The SHA-256 of every row of every table, with names and kinds of values.
    package func digest() throws -> Digest {
        try read { try ViewDump.digest($0, tables) }
    }

    /// Hands over every row: tables in the order of the format, rows in the order of their keys.
    package func rows(_ body: (_ table: String, _ cells: [Cell]) throws -> Void) throws {
        try read { database in
            for table in tables {
                let rows = try ViewDump.rows(database, table)
                while try rows.step() { try body(table.name, try ViewDump.cells(rows)) }
            }
        }
    }

    /// Runs a read in a snapshot of the file.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try databaseFault("view") { try database.read(body) }
    }

    /// The digest of the rows of some tables.
    static func digest(_ database: Database, _ tables: [ViewSchema.Table]) throws -> Digest {
        var hash = SHA256()
        for table in tables {
            var name = BlobWriter()
            name.append(bytes: Array(table.name.utf8))
            hash.update(data: name.bytes)
            let rows = try rows(database, table)
            while try rows.step() { hash.update(data: bytes(try cells(rows))) }
        }
        guard let digest = Digest(Array(hash.finalize())) else {
            throw ViewFault(.corrupt, subject: "digest", cause: "not 32 bytes")
        }
        return digest
    }

    /// A statement over the rows of a table in the order of its key.
    static func rows(
        _ database: Database,
        _ table: ViewSchema.Table
    ) throws -> PreparedStatement {
        try PreparedStatement(database, "SELECT * FROM \(table.name) ORDER BY \(table.key)")
    }

    /// The values of the current row.
    static func cells(_ row: borrowing PreparedStatement) throws -> [Cell] {
        var cells: [Cell] = []
        for column in 0..<row.columnCount { cells.append(try row.cell(column)) }
        return cells
    }

    private static func tables(
        _ database: Database,
        _ path: String
    ) throws -> [ViewSchema.Table] {
        let row = try PreparedStatement(
            database,
            """
            SELECT name FROM sqlite_schema
            WHERE name IN ('books', 'transactions', 'events') AND type = 'table'
            """
        )
        let kind: BookKind
        switch try row.step() ? try row.textValue(0) : "" {
        case "books": kind = .system
        case "transactions": kind = .accounts
        case "events": kind = .journal
        default: throw ViewFault(.corrupt, subject: path, cause: "not a view file")
        }
        try ViewFile.check(database, kind: kind, path: path)
        return ViewSchema.tables(kind)
    }

    private static func bytes(_ cells: [Cell]) -> [UInt8] {
        var writer = BlobWriter()
        writer.append(number: UInt64(cells.count))
        for cell in cells {
            switch cell {
            case .null:
                writer.append(byte: 0)
            case .integer(let value):
                writer.append(byte: 1)
                writer.append(word: UInt64(bitPattern: value))
            case .text(let bytes):
                writer.append(byte: 2)
                writer.append(bytes: bytes)
            case .blob(let bytes):
                writer.append(byte: 3)
                writer.append(bytes: bytes)
            }
        }
        return writer.bytes
    }

    private static func isEmpty(_ path: String) throws -> Bool {
        guard FileManager.default.fileExists(atPath: path) else { return true }
        let attributes = try fileFault(path) {
            try FileManager.default.attributesOfItem(atPath: path)
        }
        return (attributes[.size] as? NSNumber)?.intValue == 0
    }

    // An address of the kind `file:`, in which only unreserved letters stand for themselves.
    private static func immutable(_ path: String) -> String {
        var address = "file:"
        for byte in URL(fileURLWithPath: path).path.utf8 {
            let letter = Character(UnicodeScalar(byte))
            let isPlain =
                byte < 0x80 && (letter.isLetter || letter.isNumber || "/._-".contains(letter))
            address += isPlain ? String(letter) : "%" + hexadecimal([byte])
        }
        return address + "?immutable=1"
    }
}

/// A copy of files in a temporary directory, removed with the value.
private final class TemporaryCopy {
    private let directory: URL
    /// The copy of the first file.
    let path: String

    init(of paths: [String]) throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("tallystick-view-\(UUID().uuidString)")
        self.directory = directory
        path = directory.appendingPathComponent("view.sqlite").path
        try fileFault(directory.path) {
            try FileManager.default.createDirectory(
                at: directory,
                withIntermediateDirectories: true
            )
        }
        for (source, name) in zip(paths, ["view.sqlite", "view.sqlite-wal"]) {
            let target = directory.appendingPathComponent(name).path
            try fileFault(source) {
                try FileManager.default.copyItem(atPath: source, toPath: target)
            }
        }
    }

    deinit {
        do {
            try FileManager.default.removeItem(at: directory)
        } catch {
            let line = "temporary folder \(directory.path) stays: \(error)\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
    }
}
