// SPDX-License-Identifier: Apache-2.0
//
// The rule of journals: an event is recorded, and folded into the state of its entity. Pure and
// total; specs/journal.md §1 and conformance/journal are the source. Called by the machine with a
// gate over the order's coverage, which JournalOrders.swift beside this file declares.

import TallyCodec
import TallyTypes

enum JournalMachine {
    /// The field that stands for the whole entity.
    static let wholeEntity: Text = "*"

    /// Judges one event.
    static func run(
        _ planned: PlannedContext,
        _ gate: inout Gate
    ) throws(RuleStop) -> Effects {
        guard case .recordEvent(let event) = planned.order else {
            invariantFailure(.i8, "\(planned.order.kind.word) is no order of a journal")
        }
        let key = StateKey.entity(planned.book, type: event.entityType, id: event.entityID)
        let state = gate.entity(key)
        let replacement = try wholeReplacement(event)
        if event.expectsOld, !holdsOld(event, state) { throw .refused(.oldValueMismatch) }
        guard event.action != .ingest else { return .recorded }
        guard let next = fold(event, into: state, replacement) else {
            gate.ensureAbsent(key)
            return .recorded
        }
        let value = StateValue.entity(next)
        let bytes = StateCodec.encodeValue(value).count
        guard bytes <= Limits.stateValueBytesMax else {
            throw .refused(.entityTooLarge(bytes: UInt64(bytes)))
        }
        gate.put(key, value)
        return .recorded
    }

    /// The fields of a whole-entity insert or update; nil for every other event.
    private static func wholeReplacement(
        _ event: JournalEvent
    ) throws(RuleStop) -> [EntityState.Field]? {
        guard event.field == wholeEntity, event.action == .insert || event.action == .update else {
            return nil
        }
        guard let text = event.newValue else { return [] }
        guard case .object(let object) = parsed(text) else { throw .refused(.entityNotObject) }
        return object.members.sorted { $0.key < $1.key }
            .map { EntityState.Field(name: $0.key, value: JSONText($0.value)) }
    }

    /// The state after an event; nil when the entity does not exist then.
    private static func fold(
        _ event: JournalEvent,
        into state: EntityState?,
        _ replacement: [EntityState.Field]?
    ) -> EntityState? {
        if let replacement { return EntityState(fields: replacement) }
        if event.field == wholeEntity { return nil }
        if event.action == .delete {
            guard var state else { return nil }
            state.fields.removeAll { $0.name == event.field }
            return state
        }
        var next = state ?? EntityState()
        next.fields.removeAll { $0.name == event.field }
        if let value = event.newValue {
            let position = next.fields.firstIndex { event.field < $0.name } ?? next.fields.count
            next.fields.insert(EntityState.Field(name: event.field, value: value), at: position)
        }
        return next
    }

    /// True when the event's old value is the current one; absent equals absent only.
    private static func holdsOld(_ event: JournalEvent, _ state: EntityState?) -> Bool {
        guard let state else { return event.oldValue == nil }
        let current: JSONValue?
        if event.field == wholeEntity {
            let members = state.fields.map {
                JSONObject.Member(key: $0.name, value: parsed($0.value))
            }
            guard let object = JSONObject(members) else {
                invariantFailure(.i8, "an entity holds a field twice")
            }
            current = .object(object)
        } else {
            current = state.fields.first { $0.name == event.field }.map { parsed($0.value) }
        }
        switch (current, event.oldValue) {
        case (nil, nil): return true
        case (let current?, let old?): return current.exactEquals(parsed(old))
        case (nil, _?), (_?, nil): return false
        }
    }

    /// A stored JSON text: it was accepted at the edge, so it parses.
    private static func parsed(_ text: JSONText) -> JSONValue {
        do {
            return try text.value()
        } catch {
            invariantFailure(.i11, "a stored JSON text does not parse: \(error)")
        }
    }
}
