// SPDX-License-Identifier: Apache-2.0
//
// Compares two directories of views row by row: those of a node, and those that the verifier folded
// again from the record files. Also has SQLite check each file of the first, so that an index that
// disagrees with its table is found. Changes no byte. Imports GRDB by way of ViewDump; `tally
// verify` calls it.

import GRDB
import TallyTypes

/// The first difference between two directories of views.
package struct ViewDifference: Hashable, Sendable, CustomStringConvertible {
    /// The name of the file.
    package let file: String
    /// The table, when the difference is in one.
    package let table: String?
    /// The place of the row in the order of the table's key, from 1.
    package let row: Int?
    /// What is different, without payload values.
    package let what: String

    /// One line.
    package var description: String {
        [file, table.map { "table \($0)" }, row.map { "row \($0)" }, what]
            .compactMap(\.self).joined(separator: ": ")
    }
}

/// The comparison of two directories of views.
package enum ViewComparison {
    /// Returns the first difference between two directories; nil when every row is the same.
    ///
    /// A file of a book without records is the same as no file.
    /// - Throws: ``ViewFault`` when a file cannot be read at all; its cause names it.
    package static func compare(
        _ first: String,
        _ second: String
    ) throws -> ViewDifference? {
        let names = Set(try files(first) + files(second)).sorted()
        for name in names {
            if let difference = try compare(first + "/" + name, second + "/" + name, name) {
                return difference
            }
        }
        return nil
    }

    private static func files(_ directory: String) throws -> [String] {
        try ViewFiles.names(directory).filter { $0.hasSuffix(".sqlite") }
    }

    private static func compare(
        _ first: String,
        _ second: String,
        _ name: String
    ) throws -> ViewDifference? {
        func difference(_ what: String) -> ViewDifference {
            ViewDifference(file: name, table: nil, row: nil, what: what)
        }
        guard ViewFiles.exists(first) else {
            return try isUnused(second) ? nil : difference("only in the second")
        }
        guard ViewFiles.exists(second) else {
            return try isUnused(first) ? nil : difference("only in the first")
        }
        let (left, right) = (try ViewDump(path: first), try ViewDump(path: second))
        if let complaint = try left.read(integrity) { return difference(complaint) }
        guard left.tables == right.tables else { return difference("books of other kinds") }
        return try left.read { leftDatabase in
            try right.read { rightDatabase in
                for table in left.tables {
                    let found = try compare(leftDatabase, rightDatabase, table, name)
                    if let found { return found }
                }
                return nil
            }
        }
    }

    private static func compare(
        _ left: Database,
        _ right: Database,
        _ table: ViewSchema.Table,
        _ name: String
    ) throws -> ViewDifference? {
        let leftRows = try ViewDump.rows(left, table)
        let rightRows = try ViewDump.rows(right, table)
        var row = 0
        while true {
            row += 1
            let what: String
            switch (try leftRows.step(), try rightRows.step()) {
            case (false, false): return nil
            case (true, false): what = "only in the first"
            case (false, true): what = "only in the second"
            case (true, true):
                if try ViewDump.cells(leftRows) == ViewDump.cells(rightRows) { continue }
                what = "not the same"
            }
            return ViewDifference(file: name, table: table.name, row: row, what: what)
        }
    }

    private static func isUnused(_ path: String) throws -> Bool {
        try ViewDump(path: path).read(FoldPosition.read).nextSequence == BookSequence(0)
    }

    private static func integrity(_ database: Database) throws -> String? {
        let row = try PreparedStatement(database, "PRAGMA integrity_check(1)")
        guard try row.step() else { return "no answer from the integrity check" }
        let answer = try row.textValue(0)
        return answer == "ok" ? nil : "damaged: \(answer)"
    }
}
