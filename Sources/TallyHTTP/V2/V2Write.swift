// SPDX-License-Identifier: Apache-2.0
//
// The way of every write: one request, one group, through the node's one door; then the record, or
// the problem that its refusal is. Our own routes write the same way. May import TallyTypes.

import TallyTypes

/// What became of one write.
struct Written: Sendable {
    /// The record: a new one, or that of the first request with this key.
    let record: Record
    /// True when the key was used before by the same request.
    let isReplay: Bool

    /// Marks an answer with the record and, if it is one, as a replay.
    func mark(_ reply: Reply) -> Reply {
        var marked = reply
        marked.headers.append((.tallyRecord, record.index.description))
        if isReplay { marked.headers.append((.idempotencyHit, "true")) }
        return marked
    }
}

/// What a write would bring about.
struct DryRun: Sendable {
    /// The record that would be made; index, sequence and hash mean nothing.
    let written: Written
    /// The volumes that it would change.
    let volumes: [DryVolume]
}

extension Call {
    /// The request for an order, with the key of this call.
    func request(_ order: Order, _ book: BookName?) throws(Problem) -> Request {
        Request(book: book, order: order, idempotencyKey: try idempotencyKey())
    }

    /// Submits one order.
    ///
    /// - Throws: ``Problem`` for a refusal, with its record; ``Busy``; ``HTTPFault``.
    func submit(_ order: Order, to book: BookName?) async throws -> Written {
        let answer = try await node.submit(.groups([[try request(order, book)]]))
        guard case .groups(let groups) = answer, groups.count == 1, groups[0].count == 1 else {
            throw HTTPFault(.answerShape, "one order")
        }
        let written = Written(groups[0][0])
        try written.check(isRecorded: true)
        return written
    }

    /// Evaluates one order and drops what it would do.
    ///
    /// - Throws: As ``submit(_:to:)``.
    func dryRun(_ order: Order, _ book: BookName) async throws -> DryRun {
        let answer = try await node.dryRun([try request(order, book)])
        guard answer.answers.count == 1 else { throw HTTPFault(.answerShape, "one dry order") }
        let written = Written(answer.answers[0])
        try written.check(isRecorded: false)
        return DryRun(written: written, volumes: answer.volumes)
    }

    /// Submits an order, or only evaluates it when `dryRun` asks so, and answers without a body.
    func write(_ order: Order, to book: BookName) async throws -> Reply {
        guard flag("dryRun") else {
            return try await submit(order, to: book).mark(.noContent)
        }
        let dry = try await dryRun(order, book)
        return dry.written.isReplay ? dry.written.mark(.noContent) : .noContent
    }
}

extension Written {
    init(_ answer: Answer) {
        switch answer {
        case .record(let record):
            self.init(record: record, isReplay: false)
        case .replay(let record):
            self.init(record: record, isReplay: true)
        }
    }

    /// Throws the problem of a refusal.
    func check(isRecorded: Bool) throws(Problem) {
        guard case .refused(let refusal) = record.outcome else { return }
        let problem = Problem(refusal)
        throw isRecorded ? problem.recorded(at: record.index) : problem
    }
}
