// SPDX-License-Identifier: Apache-2.0
//
// Seals and what is shown by them: `POST /tally/v1/log/seals` seals the ledger as it is,
// `GET /tally/v1/log/balances/…` gives the receipt of a balance under the newest seal. May import
// TallyTypes and TallyCodec; the route table names these functions.

import TallyCodec
import TallyTypes

/// Answers about seals.
enum OwnSeals {
    /// `POST /tally/v1/log/seals`: answers when the seal is durable.
    static func seal(_ call: Call) async throws -> Reply {
        let sealed = try await call.node.log.seal()
        var reply = Reply.data(call.plainWriter) { writer in
            writer.beginObject()
            writer.member("record", sealed.record.rawValue)
            writer.key("seal")
            writer.beginObject()
            writer.sealMembers(sealed.seal)
            writer.endObject()
            writer.endObject()
        }
        reply.headers.append((.tallyRecord, sealed.record.description))
        return reply
    }

    /// `GET /tally/v1/log/balances/{book}/{account}?asset=`: a balance, or that there is none.
    static func balance(_ call: Call) async throws -> Reply {
        guard let account = AccountAddress(try call.parameter("account")) else {
            throw Problem.validation("account: no address of an account")
        }
        guard let text = call.target.value("asset"), let asset = Asset(text) else {
            throw Problem.validation("asset: missing, or no name of an asset")
        }
        let name = try call.parameter("book")
        guard let bookName = BookName(name), let book = try await call.node.book(bookName) else {
            throw Problem.ledgerNotFound
        }
        guard let receipt = try await call.node.log.balance(.volume(book.id, asset, account)) else {
            throw Problem.notFound("no seal under a checkpoint yet: POST /tally/v1/log/seals")
        }
        return Reply(
            200,
            headers: [(.contentType, "application/json"), (.cacheControl, "no-store")],
            body: receipt
        )
    }
}
