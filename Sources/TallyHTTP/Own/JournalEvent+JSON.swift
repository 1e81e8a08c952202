// SPDX-License-Identifier: Apache-2.0
//
// An event of a journal from and to JSON (specs/journal.md §1). Values keep every digit; a value
// that is not there and one that is null are two things. May import TallyCodec and TallyViews.

import TallyCodec
import TallyTypes
import TallyViews

extension JournalEvent {
    private static let members: Set<String> = [
        "entity_type", "entity_id", "field", "action", "old_value", "new_value", "actor",
        "source", "workspace_id", "occurred_at", "expect_old",
    ]

    /// The shape of an event in a request; `source` is `api` unless said otherwise.
    static let shape: JSONShape<JournalEvent> = .object { (fields) throws(Malformed) in
        try fields.refuseUnknown(members)
        return JournalEvent(
            entityType: try fields.required("entity_type", .string),
            entityID: try fields.required("entity_id", .string),
            field: try fields.required("field", .string),
            action: try fields.required("action", action),
            oldValue: try fields.present("old_value", .any).map { JSONText($0) },
            newValue: try fields.present("new_value", .any).map { JSONText($0) },
            actor: try fields.required("actor", .string),
            source: try fields.optional("source", .string) ?? "api",
            workspaceID: try fields.optional("workspace_id", .string),
            occurredAt: try fields.optional("occurred_at", .time),
            expectsOld: try fields.optional("expect_old", .bool) ?? false
        )
    }

    private static let action: JSONShape<JournalAction> = JSONShape<Text>.string.checked(
        "none of insert, update, delete, ingest"
    ) { word in
        JournalAction.allCases.first { $0.word == word.string }
    }
}

extension JSONWriter {
    /// Writes an event with its position.
    mutating func event(_ row: EventRow) {
        beginObject()
        position(row)
        let event = row.event
        if let occurredAt = event.occurredAt {
            member("occurred_at", TimeText.string(occurredAt, .fixed))
        } else {
            key("occurred_at")
            null()
        }
        eventMembers(event)
        endObject()
    }

    /// Writes the members that say where an event stands.
    mutating func position(_ row: EventRow) {
        member("seq", row.sequence.rawValue)
        member("event_id", row.eventID)
        member("log_index", row.record.rawValue)
        member("recorded_at", TimeText.string(row.recordedAt, .fixed))
    }

    /// Writes what an event says, but for its time.
    mutating func eventMembers(_ event: JournalEvent) {
        member("entity_type", event.entityType)
        member("entity_id", event.entityID)
        member("field", event.field)
        member("action", event.action.word)
        if let value = event.oldValue {
            key("old_value")
            text(value)
        }
        if let value = event.newValue {
            key("new_value")
            text(value)
        }
        member("actor", event.actor)
        member("source", event.source)
        key("workspace_id")
        if let workspace = event.workspaceID {
            string(workspace)
        } else {
            null()
        }
    }
}
