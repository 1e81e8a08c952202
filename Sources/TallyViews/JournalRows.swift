// SPDX-License-Identifier: Apache-2.0
//
// What reads of journal books ask and return (specs/journal.md §1). Imports own types only; HTTP
// makes the queries and renders the rows.

package import TallyTypes

/// The position of an event among the committed events of its book, from 0, without gaps.
package struct EventSequence: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself.
    package let rawValue: UInt64

    /// Makes a sequence from its number.
    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The number in decimal.
    package var description: String { String(rawValue) }

    /// Orders by position.
    package static func < (left: EventSequence, right: EventSequence) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// An event of a journal with its position.
package struct EventRow: Hashable, Sendable {
    /// The position among the book's events.
    package let sequence: EventSequence
    /// The record that holds it.
    package let record: RecordIndex
    /// The leader's time.
    package let recordedAt: Instant
    /// The event itself; `expectsOld` is false, for it says nothing about the past.
    package let event: JournalEvent

    /// The derived id: `journal:<sequence>`.
    package var eventID: String { "journal:\(sequence)" }
}

/// The events of one entity, oldest first.
package struct HistoryQuery: Hashable, Sendable {
    /// The type of the entity, compared byte for byte.
    package var entityType: Text
    /// The id of the entity, compared byte for byte.
    package var entityID: Text
    /// Only events of the field with this literal name.
    package var field: Text?
    /// Only events recorded at this instant or later.
    package var from: Instant?
    /// Only events recorded at this instant or earlier.
    package var through: Instant?
    /// Only events after this one.
    package var after: EventSequence?
    /// At most this many.
    package var limit: Int

    /// Makes the query.
    package init(
        entityType: Text,
        entityID: Text,
        field: Text? = nil,
        from: Instant? = nil,
        through: Instant? = nil,
        after: EventSequence? = nil,
        limit: Int
    ) {
        self.entityType = entityType
        self.entityID = entityID
        self.field = field
        self.from = from
        self.through = through
        self.after = after
        self.limit = limit
    }
}

/// A condition on a workspace: none is another value than the empty text.
package enum WorkspaceFilter: Hashable, Sendable {
    /// Events without a workspace.
    case none
    /// Events of the workspace with this name.
    case named(Text)
}

/// The latest events of a journal, newest first.
package struct RecentQuery: Hashable, Sendable {
    /// At most this many.
    package var limit: Int
    /// Only events before this one.
    package var before: EventSequence?
    /// Only events of entities of this type.
    package var entityType: Text?
    /// Only events with this action.
    package var action: JournalAction?
    /// Only events by this actor.
    package var actor: Text?
    /// Only events through this source.
    package var source: Text?
    /// Only events of this workspace, or of none.
    package var workspace: WorkspaceFilter?

    /// Makes the query.
    package init(
        limit: Int,
        before: EventSequence? = nil,
        entityType: Text? = nil,
        action: JournalAction? = nil,
        actor: Text? = nil,
        source: Text? = nil,
        workspace: WorkspaceFilter? = nil
    ) {
        self.limit = limit
        self.before = before
        self.entityType = entityType
        self.action = action
        self.actor = actor
        self.source = source
        self.workspace = workspace
    }
}

/// Some events, and whether the limit cut others.
package struct EventPage: Hashable, Sendable {
    /// The events in the order of the query.
    package let events: [EventRow]
    /// True when there are more beyond the limit.
    package let more: Bool
}
