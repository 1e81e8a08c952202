// SPDX-License-Identifier: Apache-2.0
//
// Reads of journals. Every question has an index that starts with what is asked for and ends with
// the sequence, so that a page costs its rows. Imports GRDB; ViewReader.swift calls it within one
// snapshot.

import GRDB
import TallyTypes

/// Reads of journals.
enum JournalReads {
    private static let columns = """
        seq, log_index, recorded_at, occurred_at, entity_type, entity_id, field, action, \
        old_value, new_value, actor, source, workspace_id
        """

    /// The events of one entity.
    static func history(_ database: Database, _ query: HistoryQuery) throws -> EventPage {
        var conditions = ["entity_type = ?", "entity_id = ?"]
        var arguments: [Cell] = [.text(query.entityType.utf8), .text(query.entityID.utf8)]
        if let field = query.field {
            conditions.append("field = ?")
            arguments.append(.text(field.utf8))
        }
        conditions.append("seq > ?")
        arguments.append(.integer(try query.after.map(sequence) ?? -1))
        if let from = query.from {
            conditions.append("recorded_at >= ?")
            arguments.append(.integer(Int64(clamping: from.microseconds)))
        }
        if let through = query.through {
            conditions.append("recorded_at <= ?")
            arguments.append(.integer(Int64(clamping: through.microseconds)))
        }
        return try fetch(database, conditions, "seq ASC", arguments, limit: query.limit)
    }

    /// The latest events.
    static func recent(_ database: Database, _ query: RecentQuery) throws -> EventPage {
        var conditions: [String] = []
        var arguments: [Cell] = []
        func match(_ column: String, _ cell: Cell?) {
            guard let cell else { return }
            conditions.append("\(column) = ?")
            arguments.append(cell)
        }
        match("entity_type", query.entityType.map { .text($0.utf8) })
        match("action", query.action.map { .integer(Int64($0.rawValue)) })
        match("actor", query.actor.map { .text($0.utf8) })
        match("source", query.source.map { .text($0.utf8) })
        switch query.workspace {
        case .named(let name): match("workspace_id", .text(name.utf8))
        case .some(.none): conditions.append("workspace_id IS NULL")
        case nil: break
        }
        conditions.append("seq < ?")
        arguments.append(.integer(try query.before.map(sequence) ?? .max))
        return try fetch(database, conditions, "seq DESC", arguments, limit: query.limit)
    }

    /// The event with a number in a unique column.
    static func event(
        _ database: Database,
        _ column: String,
        _ number: UInt64
    ) throws -> EventRow? {
        guard let value = Int64(exactly: number) else { return nil }
        let row = try PreparedStatement(
            database,
            "SELECT \(columns) FROM events WHERE \(column) = ?"
        )
        try row.bind(1, value)
        return try row.step() ? try decode(row) : nil
    }

    private static func sequence(_ sequence: EventSequence) throws -> Int64 {
        Int64(clamping: sequence.rawValue)
    }

    private static func fetch(
        _ database: Database,
        _ conditions: [String],
        _ order: String,
        _ arguments: [Cell],
        limit: Int
    ) throws -> EventPage {
        let rows = try PreparedStatement(
            database,
            """
            SELECT \(columns) FROM events WHERE \(conditions.joined(separator: " AND ")) \
            ORDER BY \(order) LIMIT ?
            """
        )
        let limit = max(0, limit)
        try rows.bind(arguments + [.integer(Int64(limit) + 1)])
        var events: [EventRow] = []
        while try rows.step() {
            guard events.count < limit else { return EventPage(events: events, more: true) }
            events.append(try decode(rows))
        }
        return EventPage(events: events, more: false)
    }

    private static func decode(_ row: borrowing PreparedStatement) throws -> EventRow {
        guard let action = JournalAction(rawValue: UInt8(clamping: try row.integer(7))) else {
            throw row.corrupt(7, "no such action")
        }
        let event = JournalEvent(
            entityType: try row.textValue(4),
            entityID: try row.textValue(5),
            field: try row.textValue(6),
            action: action,
            oldValue: row.isNull(8) ? nil : JSONText(try row.textValue(8)),
            newValue: row.isNull(9) ? nil : JSONText(try row.textValue(9)),
            actor: try row.textValue(10),
            source: try row.textValue(11),
            workspaceID: row.isNull(12) ? nil : try row.textValue(12),
            occurredAt: row.isNull(3) ? nil : BusinessTime(microseconds: try row.integer(3))
        )
        return EventRow(
            sequence: EventSequence(try row.number(0)),
            record: RecordIndex(try row.number(1)),
            recordedAt: try row.instant(2),
            event: event
        )
    }
}
