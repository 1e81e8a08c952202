// SPDX-License-Identifier: Apache-2.0
//
// The fold of a journal's events into the current state of its entities. Imports TallyTypes and
// TallyCodec; called by `evaluate` alone. Values were parsed, and found to be compact JSON, before.

import TallyCodec
import TallyTypes

/// The values of an event, parsed; none for orders of other kinds.
struct EventValues {
    /// Before; nil when there was none.
    let old: JSONValue?
    /// After; nil when there is none.
    let new: JSONValue?

    /// Reads the values of an order.
    ///
    /// - Throws: ``Malformed`` when one is not the compact text of a JSON value.
    init(_ order: Order) throws(Malformed) {
        guard case .recordEvent(let event) = order else {
            (old, new) = (nil, nil)
            return
        }
        old = try EventValues.read(event.oldValue, "oldValue")
        new = try EventValues.read(event.newValue, "newValue")
    }

    private static func read(
        _ text: JSONText?,
        _ field: String
    ) throws(Malformed) -> JSONValue? {
        guard let text else { return nil }
        let value = try text.value()
        guard JSONText(value) == text else {
            throw Malformed("not the compact text of its value", field: field)
        }
        return value
    }
}

/// The current fields of an entity that exists.
typealias EntityFields = [Text: JSONValue]

extension LedgerState {
    /// The field name that stands for the whole entity.
    private static let wholeEntity: Text = "*"

    mutating func fold(
        _ event: JournalEvent,
        _ values: EventValues,
        _ book: BookID
    ) throws(Refusal) {
        let key = StateKey.entity(book, type: event.entityType, id: event.entityID)
        let current = entities[key]
        let isWhole = event.field == LedgerState.wholeEntity
        let isWrite = event.action == .insert || event.action == .update
        if isWhole, isWrite, let new = values.new {
            guard case .object = new else { throw .entityNotObject }
        }
        if event.expectsOld {
            let holds =
                isWhole
                ? isEqual(current, values.old) : isEqual(current?[event.field], values.old)
            guard holds else { throw .oldValueMismatch }
        }
        if event.action == .ingest { return }
        let next =
            isWhole
            ? whole(isWrite: isWrite, values.new)
            : field(event.field, isWrite: isWrite, values.new, of: current)
        if isWrite, let next {
            let bytes = StateCodec.encodeValue(.entity(entityState(next))).count
            guard bytes <= Limits.stateValueBytesMax else {
                throw .entityTooLarge(bytes: UInt64(bytes))
            }
        }
        set(entity: key, next)
    }

    /// The fields in ascending order, as a row holds them.
    func entityState(_ fields: EntityFields) -> EntityState {
        EntityState(
            fields: fields.keys.sorted().compactMap { name in
                fields[name].map { EntityState.Field(name: name, value: JSONText($0)) }
            }
        )
    }

    private func whole(isWrite: Bool, _ new: JSONValue?) -> EntityFields? {
        guard isWrite else { return nil }
        var fields: EntityFields = [:]
        if case .object(let object) = new {
            for member in object.members {
                fields[member.key] = member.value
            }
        }
        return fields
    }

    private func field(
        _ name: Text,
        isWrite: Bool,
        _ new: JSONValue?,
        of current: EntityFields?
    ) -> EntityFields? {
        if current == nil, !isWrite { return nil }
        var fields: EntityFields = [:]
        if let current { fields = current }
        fields[name] = isWrite ? new : nil
        return fields
    }

    private func isEqual(_ current: JSONValue?, _ old: JSONValue?) -> Bool {
        switch (current, old) {
        case (nil, nil): true
        case (let current?, let old?): current.exactEquals(old)
        case (nil, _?), (_?, nil): false
        }
    }

    private func isEqual(_ current: EntityFields?, _ old: JSONValue?) -> Bool {
        guard let current else { return old == nil }
        guard case .object(let object) = old, object.members.count == current.count else {
            return false
        }
        return object.members.allSatisfy { member in
            isEqual(current[member.key], member.value)
        }
    }
}
