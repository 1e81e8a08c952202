// SPDX-License-Identifier: Apache-2.0
//
// Reads of journals, against the answers that conformance/journal/oracle.py computed over its
// events (Tests/Vectors/journal, written for this project).

import Foundation
import TestSupport
import TallyTypes
import TallyViews
import Testing

@Suite("Reads of journals")
struct JournalTests {
    private struct Query: Decodable {
        var kind: String
        var entity_type: String?
        var entity_id: String?
        var field: String?
        var after_seq: UInt64?
        var before: UInt64?
        var limit: Int?
        var actor: String?
        var action: String?
        var source: String?
        var workspace: WorkspaceFilter?

        private enum Key: String, CodingKey {
            case kind, entity_type, entity_id, field, after_seq, before, limit, actor, action
            case source, workspace_id
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Key.self)
            kind = try values.decode(String.self, forKey: .kind)
            entity_type = try values.decodeIfPresent(String.self, forKey: .entity_type)
            entity_id = try values.decodeIfPresent(String.self, forKey: .entity_id)
            field = try values.decodeIfPresent(String.self, forKey: .field)
            after_seq = try values.decodeIfPresent(UInt64.self, forKey: .after_seq)
            before = try values.decodeIfPresent(UInt64.self, forKey: .before)
            limit = try values.decodeIfPresent(Int.self, forKey: .limit)
            actor = try values.decodeIfPresent(String.self, forKey: .actor)
            action = try values.decodeIfPresent(String.self, forKey: .action)
            source = try values.decodeIfPresent(String.self, forKey: .source)
            if values.contains(.workspace_id) {
                let name = try values.decode(String?.self, forKey: .workspace_id)
                workspace = name.map { .named(Text($0)) } ?? WorkspaceFilter.none
            }
        }
    }

    private struct Answer: Decodable {
        var seqs: [UInt64]
        var more: Bool
    }

    private struct Case: Decodable {
        var name: String
        var query: Query
        var answer: Answer?

        private enum Key: String, CodingKey {
            case name, query, answer
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Key.self)
            name = try values.decode(String.self, forKey: .name)
            query = try values.decode(Query.self, forKey: .query)
            let isOurs = query.kind == "history" || query.kind == "recent"
            answer = isOurs ? try values.decode(Answer.self, forKey: .answer) : nil
        }
    }

    private let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory("views")
    }

    @Test("Every history and recent answer of the oracle")
    func oracle() async throws {
        let (reader, book, scribe) = try vectors()
        let cases = try JSONDecoder().decode(
            [Case].self,
            from: Data(Vectors.bytes(of: "journal/expected_queries.json"))
        )
        var asked = 0
        for item in cases {
            guard let answer = item.answer else { continue }
            asked += 1
            let page = try await ask(reader, book, item.query)
            #expect(page.events.map(\.sequence.rawValue) == answer.seqs, "\(item.name)")
            #expect(page.more == answer.more, "\(item.name)")
            for row in page.events {
                let expected = try #require(scribe.books[book]?.events[Int(row.sequence.rawValue)])
                #expect(row.event == expected.event)
                #expect(row.record == expected.record && row.recordedAt == expected.time)
            }
        }
        #expect(asked == 73)
    }

    private func ask(
        _ reader: ViewReader,
        _ book: BookID,
        _ query: Query
    ) async throws -> EventPage {
        if query.kind == "recent" {
            return try await reader.recent(
                in: book,
                RecentQuery(
                    limit: try #require(query.limit),
                    before: query.before.map { EventSequence($0) },
                    entityType: query.entity_type.map { Text($0) },
                    action: JournalAction.allCases.first { $0.word == query.action },
                    actor: query.actor.map { Text($0) },
                    source: query.source.map { Text($0) },
                    workspace: query.workspace
                )
            )
        }
        return try await reader.history(
            in: book,
            HistoryQuery(
                entityType: Text(try #require(query.entity_type)),
                entityID: Text(try #require(query.entity_id)),
                field: query.field.map { Text($0) },
                after: query.after_seq.map { EventSequence($0) },
                limit: query.limit ?? .max - 1
            )
        )
    }

    @Test("Refused events take no sequence; an event is found by sequence and by record")
    func sequences() async throws {
        var scribe = Scribe()
        let book = try scribe.makeBook("j", .journal)
        let event = JournalEvent(
            entityType: "t\u{0}",
            entityID: "",
            field: "*",
            action: .insert,
            newValue: JSONText("\"\""),
            actor: "a",
            source: "s",
            workspaceID: "",
            occurredAt: .min
        )
        scribe.record(book, event)
        scribe.write(book, .recordEvent(event), .refused(.oldValueMismatch))
        scribe.record(book, event)
        var store = try ViewStore(directory: folder.path)
        try store.fold(scribe.records[...])
        let reader = store.reader
        #expect(try await reader.eventCount(in: book) == 2)
        let second = try #require(try await reader.event(EventSequence(1), in: book))
        #expect(second.record == RecordIndex(4) && second.eventID == "journal:1")
        #expect(second.event == event)
        #expect(try await reader.event(of: RecordIndex(4), in: book) == second)
        #expect(try await reader.event(of: RecordIndex(3), in: book) == nil)
        #expect(try await reader.event(EventSequence(2), in: book) == nil)
        #expect(try await reader.event(EventSequence(.max), in: book) == nil)
    }

    @Test("A history between two instants includes both")
    func between() async throws {
        let (reader, book, scribe) = try vectors()
        let times = try #require(scribe.books[book]?.events.map(\.time))
        let query = HistoryQuery(
            entityType: "candidate",
            entityID: "CAND-00342",
            from: times[2],
            through: times[5],
            limit: 100
        )
        let page = try await reader.history(in: book, query)
        #expect(page.events.map(\.sequence.rawValue) == [2, 3, 4, 5])
    }

    private func vectors() throws -> (ViewReader, BookID, Scribe) {
        var scribe = Scribe()
        let book = try scribe.makeBook("j", .journal)
        for line in try Vectors.text(of: "journal/events.jsonl").split(separator: "\n") {
            scribe.record(book, try event(String(line)))
            scribe.write(.system, .setConfiguration(entriesPerGeneration: 8), .committed(.recorded))
        }
        var store = try ViewStore(directory: folder.path)
        try store.fold(scribe.records[...])
        return (store.reader, book, scribe)
    }

    // Values stay what Foundation makes of them: the reads under test compare none.
    private func event(_ line: String) throws -> JournalEvent {
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        )
        func text(_ name: String) throws -> Text { Text(try #require(object[name] as? String)) }
        func value(_ name: String) throws -> JSONText? {
            guard let value = object[name] else { return nil }
            let data = try JSONSerialization.data(
                withJSONObject: value,
                options: [.fragmentsAllowed, .sortedKeys]
            )
            return JSONText(try #require(Text(utf8: [UInt8](data))))
        }
        let action = try text("action").string
        return JournalEvent(
            entityType: try text("entity_type"),
            entityID: try text("entity_id"),
            field: try text("field"),
            action: try #require(JournalAction.allCases.first { $0.word == action }),
            oldValue: try value("old_value"),
            newValue: try value("new_value"),
            actor: try text("actor"),
            source: try text("source"),
            workspaceID: (object["workspace_id"] as? String).map { Text($0) }
        )
    }
}
