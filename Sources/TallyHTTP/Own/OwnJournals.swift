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
            .data(call.plainWriter, status: 201) { $0.recorded(written.record, rows?[0]) }
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
        _ book: LiveBook
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
            for (position, one) in written.enumerated() {
                writer.recorded(one.record, rows?[position])
            }
            writer.endArray()
        }
        let isReplay = written.allSatisfy(\.isReplay)
        return Written(record: written[0].record, isReplay: isReplay).mark(reply)
    }

    /// One request per event.
    ///
    /// The key of the call is that of the first; each further event gets one of its own, made with
    /// a character that no header can hold. They are claimed for the group as a whole, so that the
    /// same key with more or fewer events is a conflict.
    private static func requests(
        _ events: [JournalEvent],
        _ call: Call,
        _ book: LiveBook
    ) throws -> [Request] {
        let key = try call.idempotencyKey()
        return try events.enumerated().map { position, event in
            let own = key.map { position == 0 ? $0 : Text("\($0)\u{1F}\(position)") }
            guard own.map({ $0.utf8.count <= Limits.idempotencyKeyBytesMax }) ?? true else {
                throw Problem.validation("Idempotency-Key: too long for an array of events")
            }
            return Request(
                book: book.name,
                order: .recordEvent(event),
                idempotencyKey: own,
                isKeyJoint: events.count > 1
            )
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

    /// Where the events stand in the journal; nil when the views have not folded their records in
    /// time, for the write is done and an error would say otherwise.
    private static func rows(
        _ written: [Written],
        _ call: Call,
        _ book: LiveBook
    ) async throws -> [EventRow]? {
        guard await call.node.caughtUp(book.id) else { return nil }
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
    /// Writes where a recorded event stands: in the ledger, and in the journal if that is known.
    mutating func recorded(_ record: Record, _ row: EventRow?) {
        beginObject()
        if let row {
            position(row)
        } else {
            member("log_index", record.index.rawValue)
            member("recorded_at", TimeText.string(record.time, .fixed))
        }
        endObject()
    }
}
