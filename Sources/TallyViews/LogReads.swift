// SPDX-License-Identifier: Apache-2.0
//
// Reads of v2 logs: where each one's record is; its content is rendered from the record. Imports
// GRDB; ViewReader.swift calls it within one snapshot.

import GRDB
import TallyTypes

/// Reads of v2 logs.
enum LogReads {
    /// One page of the list of logs.
    static func list(_ database: Database, _ start: PageStart<LogList>) throws -> Page<LogRow> {
        let source = ListSource(
            columns: "id, record, kind, date, idempotency",
            from: "logs",
            keys: ["id"]
        )
        return try fetchPage(database, start, source) { row in
            (try decode(row), [.integer(try row.integer(0))])
        }
    }

    private static func decode(_ row: borrowing PreparedStatement) throws -> LogRow {
        guard let kind = LogKind(rawValue: UInt8(clamping: try row.integer(2))) else {
            throw row.corrupt(2, "no such kind of log")
        }
        var idempotency: Digest?
        if !row.isNull(4) {
            guard let digest = Digest(try row.blob(4)) else {
                throw row.corrupt(4, "no digest")
            }
            idempotency = digest
        }
        return LogRow(
            id: LogID(try row.number(0)),
            record: RecordIndex(try row.number(1)),
            kind: kind,
            date: try row.instant(3),
            idempotency: idempotency
        )
    }
}
