// SPDX-License-Identifier: Apache-2.0
//
// The fold of journal events against Tests/Vectors/journal: 200 events, and the state of each
// entity at the end as a program in another language computed it.

import TallyChecker
import TallyCodec
import TallyTypes
import TestSupport
import Testing

@Suite("Checker: the journal's fold")
struct JournalFoldTests {
    @Test("the state of every entity at the end")
    func stateAtTheEnd() throws {
        let events = try events()
        #expect(events.count == 200)
        let lines = events.map { Line(Books.notes, .recordEvent($0), .committed(.recorded)) }
        var checker = Checker(heads: [])
        let history = History([Books.makeNotes] + lines)
        #expect(history.blobs.count == 2, "two values are larger than a record")
        for record in history.bytes {
            checker.feed(record, offset: 0) { history.blobs[$0] }
        }
        #expect(checker.report().verdict("outcomes") == .ok)
        let rows = checker.rows()
        let answers = try expected()
        #expect(answers.count == 51)
        for answer in answers {
            let row = rows[.entity(Books.notes, type: answer.type, id: answer.id)]
            #expect(try value(row)?.exactEquals(answer.state) ?? (answer.state == .null))
        }
        #expect(rows.keys.count { $0.kind == .entity } == answers.count { $0.state != .null })
    }

    private func value(_ row: StateValue?) throws -> JSONValue? {
        guard case .entity(let state) = row else { return nil }
        let members = try state.fields.map {
            JSONObject.Member(key: $0.name, value: try $0.value.value())
        }
        return JSONObject(members).map { .object($0) }
    }

    private func events() throws -> [JournalEvent] {
        let text = try Vectors.bytes(of: "journal/events.jsonl")
        return try text.split(separator: UInt8(ascii: "\n")).map { line in
            guard case .object(let object) = try JSONReader.parse(Array(line)) else {
                throw Malformed("an object expected")
            }
            return try event(object)
        }
    }

    private func event(_ object: JSONObject) throws -> JournalEvent {
        let actions = JournalAction.allCases
        let word = try text(object, "action")
        return JournalEvent(
            entityType: try text(object, "entity_type"),
            entityID: try text(object, "entity_id"),
            field: try text(object, "field"),
            action: try #require(actions.first { Text($0.word) == word }),
            oldValue: object["old_value"].map { JSONText($0) },
            newValue: object["new_value"].map { JSONText($0) },
            actor: try text(object, "actor"),
            source: try text(object, "source")
        )
    }

    private func expected() throws -> [(type: Text, id: Text, state: JSONValue)] {
        let all = try JSONReader.parse(try Vectors.bytes(of: "journal/expected_queries.json"))
        guard case .array(let entries) = all else { throw Malformed("an array expected") }
        return try entries.compactMap { entry in
            guard case .object(let object) = entry,
                case .object(let query) = object["query"],
                case .object(let answer) = object["answer"],
                object["name"] == .string("state at the end")
            else { return nil }
            let state = try #require(answer["state"])
            return (try text(query, "entity_type"), try text(query, "entity_id"), state)
        }
    }

    private func text(_ object: JSONObject, _ key: Text) throws -> Text {
        guard case .string(let text) = object[key] else {
            throw Malformed("a text expected", field: key.string)
        }
        return text
    }
}
