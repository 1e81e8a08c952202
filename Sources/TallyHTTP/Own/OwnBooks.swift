// SPDX-License-Identifier: Apache-2.0
//
// Books of every kind: create, read, list, delete, metadata. May import TallyCodec and TallyViews;
// the route table names these functions.

import TallyCodec
import TallyTypes
import TallyViews

/// Answers about books.
enum OwnBooks {
    /// `GET /tally/v1/books`.
    static func list(_ call: Call) async throws -> Reply {
        let page = try call.page {
            BookList(kind: try kind(call), includesDeleted: call.flag("includeDeleted"))
        }
        try await call.awaitRecord()
        try await call.caughtUp(with: .system)
        return .cursor(call.plainWriter, try await call.node.views.books(page)) { writer, book in
            writer.book(book)
        }
    }

    /// `GET /tally/v1/books/{book}`.
    static func get(_ call: Call) async throws -> Reply {
        let book = try await call.book()
        return .data(call.plainWriter) { $0.book(book) }
    }

    /// `POST /tally/v1/books`.
    static func create(_ call: Call) async throws -> Reply {
        guard let body = try call.json() else {
            throw Malformed("expected an object, found nothing", field: "body")
        }
        let fields = try JSONFields(body)
        try fields.refuseUnknown(["name", "kind", "configuration"])
        let name = try LedgerCreation.name(try fields.required("name", .string).string)
        let kind = try fields.required(
            "kind",
            JSONShape<Text>.string.checked("neither accounts nor journal", kind(named:))
        )
        let creation = try configuration(fields, name: name, kind: kind)
        let written = try await call.submit(.createBook(creation), to: nil)
        guard case .committed(.bookCreated(let id)) = written.record.outcome else {
            throw HTTPFault(.answerShape, "a new book")
        }
        let reply = Reply.data(call.plainWriter, status: 201) { writer in
            writer.beginObject()
            writer.member("id", id.description)
            writer.member("name", name.text)
            writer.member("kind", kind.word)
            writer.member("record", written.record.index.rawValue)
            writer.endObject()
        }
        return written.mark(reply)
    }

    /// `DELETE /tally/v1/books/{book}`.
    static func delete(_ call: Call) async throws -> Reply {
        let book = try await call.bookToWrite()
        return try await call.submit(.deleteBook, to: book.name).mark(.noContent)
    }

    /// `PUT /tally/v1/books/{book}/metadata`.
    static func setMetadata(_ call: Call) async throws -> Reply {
        let book = try await call.bookToWrite()
        let metadata = try MetadataBody.read(call)
        return try await call.submit(.setBookMetadata(metadata), to: book.name).mark(.noContent)
    }

    /// `DELETE /tally/v1/books/{book}/metadata/{key}`.
    static func deleteMetadata(_ call: Call) async throws -> Reply {
        let book = try await call.bookToWrite()
        let key = Text(try call.parameter("key"))
        return try await call.submit(.deleteBookMetadata(key: key), to: book.name)
            .mark(.noContent)
    }

    private static func configuration(
        _ fields: JSONFields,
        name: BookName,
        kind: BookKind
    ) throws -> CreateBook {
        let configuration = try fields.optional("configuration", .any)
        guard let configuration else { return CreateBook(name: name, kind: kind) }
        let members = try JSONFields(configuration)
        try members.refuseUnknown(["bucket", "features", "metadata", "seal"])
        if let seal = try members.optional("seal", .array(of: .string)), !seal.isEmpty {
            throw Problem.unsupported("configuration.seal")
        }
        if kind == .journal, try members.optional("features", .metadata)?.isEmpty == false {
            throw Problem.validation("configuration.features: only accounts books have features")
        }
        return try LedgerCreation.read(configuration, name: name, kind: kind)
    }

    private static func kind(_ call: Call) throws(Problem) -> BookKind? {
        guard let word = call.target.value("kind") else { return nil }
        guard let kind = kind(named: Text(word)) else {
            throw .validation("kind: neither accounts nor journal")
        }
        return kind
    }

    private static func kind(named word: Text) -> BookKind? {
        [BookKind.accounts, .journal].first { $0.word == word.string }
    }
}

extension JSONWriter {
    /// Writes a book.
    mutating func book(_ book: BookSummary) {
        beginObject()
        member("number", book.number)
        member("id", book.id.description)
        member("name", book.name.text)
        member("kind", book.kind.word)
        member("bucket", book.bucket)
        member("features", book.features)
        member("metadata", book.metadata)
        member("addedAt", BusinessTime(book.addedAt))
        if let deletedAt = book.deletedAt { member("deletedAt", BusinessTime(deletedAt)) }
        member("record", book.record.rawValue)
        endObject()
    }
}
