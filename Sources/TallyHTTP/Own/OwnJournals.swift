// SPDX-License-Identifier: Apache-2.0
//
// Journals: record one event or several, the history of an entity, the latest events. Several
// events are one group: all of them are recorded or none. May import TallyCodec and TallyViews; the
// route table names these.

import TallyCodec
import TallyTypes
import TallyViews

/// Answers about journals.
enum OwnJournals {
    /// `POST /tally/v1/journals/{book}/events`.
    static func record(_ call: Call) async throws -> Reply {
        let book = try await call.bookToWrite(.journal)
        guard let body = try call.json() else {
            throw Malformed("expected an event or an array of events", field: "body")
        }
        if case .array(let array) = body {
            guard !array.isEmpty else { throw Malformed("no events", field: "body") }
            let events = try JSONShape.array(of: JournalEvent.shape).read(body, 0)
            return try await record(events, call, book)
        }
        let event = try JournalEvent.shape.read(body, 0)
        let written = try await call.submit(.recordEvent(event), to: book.name)
        let rows = try await rows([written], call, book)
        return written.mark(
            .data(call.plainWriter, status: 201) { writer in
                writer.recorded(rows[0])
            }
        )
    }

    /// `GET /tally/v1/journals/{book}/history/{type}/{id}`.
    static func history(_ call: Call) async throws -> Reply {
        let book = try await call.book(.journal)
        let query = HistoryQuery(
            entityType: Text(try call.parameter("type")),
            entityID: Text(try call.parameter("id")),
            field: call.target.query.first { $0.name == "field" }.map { Text($0.value) },
            from: try call.instant("from"),
            through: try call.instant("to"),
            after: try call.unsigned("after").map(EventSequence.init),
            limit: try call.limit()
        )
        return reply(try await call.node.views.history(in: book.id, query), call)
    }

    /// `GET /tally/v1/journals/{book}/recent`.
    static func recent(_ call: Call) async throws -> Reply {
        let book = try await call.book(.journal)
        let query = RecentQuery(
            limit: try call.limit(),
            before: try call.unsigned("before").map(EventSequence.init)
        )
        return reply(try await call.node.views.recent(in: book.id, query), call)
    }

    private static func reply(_ page: EventPage, _ call: Call) -> Reply {
        .data(call.plainWriter) { writer in
            writer.beginObject()
            writer.key("events")
            writer.beginArray()
            for row in page.events {
                writer.event(row)
            }
            writer.endArray()
            writer.member("more", page.more)
            writer.endObject()
        }
    }

    private static func record(
        _ events: [JournalEvent],
        _ call: Call,
        _ book: BookSummary
    ) async throws -> Reply {
        let answer = try await call.node.submit(.groups([try requests(events, call, book)]))
        guard case .groups(let groups) = answer, groups.count == 1,
            groups[0].count == events.count
        else { throw HTTPFault(.answerShape, "a group of events") }
        let written = groups[0].map(Written.init)
        try check(written)
        let rows = try await rows(written, call, book)
        let reply = Reply.data(call.plainWriter, status: 201) { writer in
            writer.beginArray()
            for row in rows {
                writer.recorded(row)
            }
            writer.endArray()
        }
        let isReplay = written.allSatisfy(\.isReplay)
        return Written(record: written[0].record, isReplay: isReplay).mark(reply)
    }

    /// One request per event; the key of the call is that of the group, so each event gets one of
    /// its own.
    private static func requests(
        _ events: [JournalEvent],
        _ call: Call,
        _ book: BookSummary
    ) throws -> [Request] {
        let key = try call.idempotencyKey()
        return try events.enumerated().map { position, event in
            let own = key.map { Text("\($0)/\(position)") }
            guard own.map({ $0.utf8.count <= Limits.idempotencyKeyBytesMax }) ?? true else {
                throw Problem.validation("Idempotency-Key: too long for an array of events")
            }
            return Request(book: book.name, order: .recordEvent(event), idempotencyKey: own)
        }
    }

    /// Throws the problem of the event that the group was refused for.
    private static func check(_ written: [Written]) throws(Problem) {
        for (position, one) in written.enumerated() {
            guard case .refused(let refusal) = one.record.outcome else { continue }
            if case .groupRolledBack = refusal { continue }
            let problem = Problem(refusal)
            throw Problem(
                problem.status,
                problem.code,
                "event \(position): \(problem.message)",
                record: one.record.index
            )
        }
    }

    /// Where the events stand, once the views have folded their records.
    private static func rows(
        _ written: [Written],
        _ call: Call,
        _ book: BookSummary
    ) async throws -> [EventRow] {
        guard await call.node.caughtUp() else {
            // Done, but its place in the journal is not known yet: the record is, and a retry with
            // the key.
            let problem = Problem.viewsBehind
            throw written.first.map { problem.recorded(at: $0.record.index) } ?? problem
        }
        var rows: [EventRow] = []
        for one in written {
            let row = try await call.node.views.event(of: one.record.index, in: book.id)
            guard let row else { throw HTTPFault(.missingRow, "event of \(one.record.index)") }
            rows.append(row)
        }
        return rows
    }
}

extension JSONWriter {
    /// Writes where a recorded event stands.
    mutating func recorded(_ row: EventRow) {
        beginObject()
        position(row)
        endObject()
    }
}
