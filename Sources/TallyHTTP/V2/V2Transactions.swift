// SPDX-License-Identifier: Apache-2.0
//
// Transactions of the v2 API: create, read, list, count, metadata, revert. A write answers with
// what its record says and with volumes that the view gives once it has folded that record. May
// import TallyCodec and TallyViews; the route table names these.

import TallyCodec
import TallyTypes
import TallyViews

/// Answers about transactions.
enum V2Transactions {
    /// `POST /v2/{ledger}/transactions`.
    static func create(_ call: Call) async throws -> Reply {
        let book = try await call.ledgerToWrite()
        try call.refuse(["schemaVersion"])
        let order = try TransactionRequest.read(try call.json(), isForced: call.flag("force"))
        return try await write(.createTransaction(order), call, book, status: 200)
    }

    /// `POST /v2/{ledger}/transactions/{id}/revert`.
    static func revert(_ call: Call) async throws -> Reply {
        let book = try await call.ledgerToWrite()
        try call.refuse(["schemaVersion"])
        let id = try identifier(call)
        var metadata = Metadata.empty
        if let body = try call.json(), body != .null {
            metadata = try JSONFields(body).optional("metadata", .metadata) ?? .empty
        }
        let order = RevertTransaction(
            transaction: id,
            isForced: call.flag("force"),
            isAtEffectiveDate: call.flag("atEffectiveDate"),
            metadata: metadata
        )
        return try await write(.revertTransaction(order), call, book, status: 201)
    }

    /// `GET /v2/{ledger}/transactions/{id}`.
    static func get(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        try call.refuse(["oot"])
        let id = try identifier(call)
        let row = try await call.node.views.transaction(
            id,
            in: book.id,
            expansion: try call.expansion(),
            pointInTime: try call.time("pit")
        )
        guard let row else { throw Problem.notFound("transaction \(id) not found") }
        return .data(call.goWriter) { $0.transaction(TransactionAnswer(row)) }
    }

    /// `GET /v2/{ledger}/transactions`.
    static func list(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        let page = try call.page {
            try call.refuseFilter()
            try call.refuse(["oot"])
            return try list(call)
        }
        let rows = try await call.node.views.transactions(in: book.id, page)
        return .cursor(call.goWriter, rows) { writer, row in
            writer.transaction(TransactionAnswer(row))
        }
    }

    /// `HEAD /v2/{ledger}/transactions`.
    static func count(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        try call.refuseFilter()
        try call.refuse(["oot"])
        return .count(
            try await call.node.views.transactionCount(
                in: book.id,
                pointInTime: try call.time("pit")
            )
        )
    }

    /// `POST /v2/{ledger}/transactions/{id}/metadata`.
    static func setMetadata(_ call: Call) async throws -> Reply {
        let book = try await call.ledgerToWrite()
        try call.refuse(["schemaVersion"])
        let id = try identifier(call)
        let metadata = try MetadataBody.read(call)
        return try await call.write(.setTransactionMetadata(id, metadata), to: book.name)
    }

    /// `DELETE /v2/{ledger}/transactions/{id}/metadata/{key}`.
    static func deleteMetadata(_ call: Call) async throws -> Reply {
        let book = try await call.ledgerToWrite()
        try call.refuse(["schemaVersion"])
        let id = try identifier(call)
        let key = Text(try call.parameter("key"))
        return try await call.write(.deleteTransactionMetadata(id, key: key), to: book.name)
    }

    private static func list(_ call: Call) throws -> TransactionList {
        var list = TransactionList(
            pointInTime: try call.time("pit"),
            expansion: try call.expansion()
        )
        switch call.target.value("order") {
        case nil: break
        case "effective": list.sort = .timestamp
        default: throw Problem.validation("order: only effective")
        }
        if let (field, order) = try call.sort() {
            list.order = order
            switch field {
            case "id", "insertedAt", "inserted_at": list.sort = .id
            case "timestamp": list.sort = .timestamp
            case "updatedAt", "updated_at", "revertedAt", "reverted_at":
                throw Problem.unsupported("sort by \(field)")
            default: throw Problem.validation("sort: no such field, or none that pages")
            }
        }
        if call.flag("reverse") { list.order = list.order.reversed }
        return list
    }

    /// The number in the path.
    ///
    /// Above 2⁶³ − 1 no transaction is, and no record could name it.
    private static func identifier(_ call: Call) throws -> TransactionID {
        guard let number = Call.unsigned(try call.parameter("id")) else {
            throw Problem.validation("id: not an unsigned integer below 2^64")
        }
        guard number <= UInt64(Int64.max) else {
            throw Problem.notFound("transaction \(number) not found")
        }
        return TransactionID(number)
    }

    private static func write(
        _ order: Order,
        _ call: Call,
        _ book: LiveBook,
        status: Int
    ) async throws -> Reply {
        guard call.flag("dryRun") else {
            let written = try await call.submit(order, to: book.name)
            let answer = try await answer(written.record, call, book)
            return written.mark(reply(answer, call, status))
        }
        let dry = try await call.dryRun(order, book.name)
        guard !dry.written.isReplay else {
            let answer = try await answer(dry.written.record, call, book)
            return dry.written.mark(reply(answer, call, status))
        }
        guard let made = TransactionAnswer(dry.written.record) else {
            throw HTTPFault(.answerShape, "a dry transaction")
        }
        return reply(try await made.dry(dry.volumes, call, book), call, status)
    }

    private static func reply(_ answer: TransactionAnswer, _ call: Call, _ status: Int) -> Reply {
        .data(call.goWriter, status: status) { $0.transaction(answer) }
    }

    /// The transaction as its record made it; without volumes when the views cannot give them in
    /// time, for the write is done and an error would say otherwise.
    private static func answer(
        _ record: Record,
        _ call: Call,
        _ book: LiveBook
    ) async throws -> TransactionAnswer {
        guard var answer = TransactionAnswer(record) else {
            throw HTTPFault(.answerShape, "a transaction")
        }
        guard await call.node.caughtUp(book.id) else { return answer }
        let row = try await call.node.views.transaction(
            answer.id,
            in: book.id,
            expansion: [.volumes, .effectiveVolumes]
        )
        guard let row else { throw HTTPFault(.missingRow, "transaction \(answer.id)") }
        answer.volumes = row.volumes
        answer.effectiveVolumes = row.effectiveVolumes
        return answer
    }
}
