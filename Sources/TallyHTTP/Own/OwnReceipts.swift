// SPDX-License-Identifier: Apache-2.0
//
// Receipts: of a record by its index, of a transaction, of an event; and `?wait=receipt`, with
// which a write answers with the receipt of its record. May import TallyTypes and TallyViews; the
// route table names these functions.

import TallyTypes
import TallyViews

/// Answers that are receipts.
enum OwnReceipts {
    /// `GET /tally/v1/log/receipt/{index}`.
    static func get(_ call: Call) async throws -> Reply {
        let form = try form(call)
        return try await receipt(try number("index", call), form, call)
    }

    /// `GET /tally/v1/books/{book}/transactions/{id}/receipt`.
    static func transaction(_ call: Call) async throws -> Reply {
        let form = try form(call)
        let number = try number("id", call)
        let book = try await call.book(.accounts)
        guard number <= UInt64(Int64.max),
            let row = try await call.node.views.transaction(TransactionID(number), in: book.id)
        else { throw Problem.notFound("transaction \(number) not found") }
        return try await receipt(row.record.rawValue, form, call)
    }

    /// `GET /tally/v1/journals/{book}/events/{seq}/receipt`.
    static func event(_ call: Call) async throws -> Reply {
        let form = try form(call)
        let number = try number("seq", call)
        let book = try await call.book(.journal)
        guard number <= UInt64(Int64.max),
            let row = try await call.node.views.event(EventSequence(number), in: book.id)
        else { throw Problem.notFound("event \(number) not found") }
        return try await receipt(row.record.rawValue, form, call)
    }

    private static func form(_ call: Call) throws(Problem) -> LogPort.ReceiptForm {
        switch call.target.value("format") {
        case nil, "json": return .json
        case "tlog-proof": return .tlogProof
        case .some: throw .validation("format: json or tlog-proof")
        }
    }

    private static func number(_ name: String, _ call: Call) throws -> UInt64 {
        guard let number = Call.unsigned(try call.parameter(name)) else {
            throw Problem.validation("\(name): not an unsigned integer below 2^64")
        }
        return number
    }

    private static func receipt(
        _ index: UInt64,
        _ form: LogPort.ReceiptForm,
        _ call: Call
    ) async throws -> Reply {
        guard index < (await call.node.head()).size else {
            throw Problem.notFound("record \(index) not found")
        }
        guard let receipt = try await call.node.log.receipt(index, form) else {
            if let refusal = call.node.log.refusal() {
                throw Problem(503, .internalError, "nothing is signed: \(refusal)")
            }
            return Reply(
                202,
                headers: [
                    (.retryAfter, "1"), (.cacheControl, "no-store"),
                    (.tallyRecord, String(index)),
                ]
            )
        }
        let type = form == .json ? "application/json" : "text/plain; charset=utf-8"
        return Reply(
            200,
            headers: [(.contentType, type), (.tallyRecord, String(index))],
            body: receipt
        )
    }

    // MARK: - Writes that wait

    /// Makes a handler answer with the receipt when `wait=receipt` asks for it.
    ///
    /// The write is done before the waiting begins. Whatever then goes wrong, its own answer is
    /// given, with `Retry-After`: an error would say that nothing was written.
    static func waiting(_ handler: @escaping Route.Handler) -> Route.Handler {
        { call in
            let isAsked: Bool
            switch call.target.value("wait") {
            case nil: isAsked = false
            case "receipt": isAsked = true
            case .some: throw Problem.validation("wait: only receipt")
            }
            let answer = try await handler(call)
            guard isAsked, let record = answer.record else { return answer }
            guard let receipt = await receipt(covering: record, call.node.log) else {
                var late = answer
                late.headers.append((.retryAfter, "1"))
                return late
            }
            var reply = Reply(answer.status == 204 ? 200 : answer.status, body: receipt)
            reply.headers = answer.headers.filter { $0.name != .contentType }
            reply.headers.append((.contentType, "application/json"))
            return reply
        }
    }

    private static func receipt(covering record: UInt64, _ log: LogPort) async -> [UInt8]? {
        guard await log.covered(record) else { return nil }
        do {
            return try await log.receipt(record, .json)
        } catch {
            return nil  // whoever follows the link is told the error
        }
    }
}

extension Reply {
    /// The record that the answer rests on, as its header says.
    var record: UInt64? {
        headers.first { $0.name == .tallyRecord }.flatMap { UInt64($0.value) }
    }
}
