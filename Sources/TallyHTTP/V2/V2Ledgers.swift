// SPDX-License-Identifier: Apache-2.0
//
// Ledgers of the v2 API: create, read, list, metadata, counts. Of the ledger itself a missing one
// is `NOT_FOUND`, below it `LEDGER_NOT_FOUND`. May import TallyCodec and TallyViews; the route
// table names these.

import TallyCodec
import TallyTypes
import TallyViews

/// Answers about ledgers.
enum V2Ledgers {
    /// `GET /v2`.
    static func list(_ call: Call) async throws -> Reply {
        let page = try call.page {
            try call.refuseFilter()
            return BookList(
                order: try sortOrder(call),
                kind: .accounts,
                includesDeleted: call.flag("includeDeleted")
            )
        }
        try await call.caughtUp(with: .system)
        return .cursor(call.goWriter, try await call.node.views.books(page)) { writer, book in
            writer.ledger(book)
        }
    }

    /// `POST /v2/{ledger}`.
    static func create(_ call: Call) async throws -> Reply {
        let name = try LedgerCreation.name(try call.parameter("ledger"))
        let creation = try LedgerCreation.read(try call.json(), name: name, kind: .accounts)
        return try await call.submit(.createBook(creation), to: nil).mark(.noContent)
    }

    /// `GET /v2/{ledger}`.
    static func get(_ call: Call) async throws -> Reply {
        let book = try await itself { try await call.ledger() }
        return .data(call.goWriter) { $0.ledger(book) }
    }

    /// `PUT /v2/{ledger}/metadata`.
    static func setMetadata(_ call: Call) async throws -> Reply {
        let metadata = try MetadataBody.read(call)
        let book = try await itself { try await call.ledgerToWrite() }
        return try await call.submit(.setBookMetadata(metadata), to: book.name).mark(.noContent)
    }

    /// `DELETE /v2/{ledger}/metadata/{key}`.
    static func deleteMetadata(_ call: Call) async throws -> Reply {
        let key = Text(try call.parameter("key"))
        let book = try await itself { try await call.ledgerToWrite() }
        return try await call.submit(.deleteBookMetadata(key: key), to: book.name)
            .mark(.noContent)
    }

    /// `GET /v2/{ledger}/_info`: an embedded store has no migrations.
    static func info(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        return .data(call.goWriter) { writer in
            writer.beginObject()
            writer.member("name", book.name.text)
            writer.key("storage")
            writer.beginObject()
            writer.key("migrations")
            writer.beginArray()
            writer.endArray()
            writer.endObject()
            writer.endObject()
        }
    }

    /// `GET /v2/{ledger}/stats`.
    static func stats(_ call: Call) async throws -> Reply {
        let stats = try await call.node.views.stats(of: try await call.ledger().id)
        return .data(call.goWriter) { writer in
            writer.beginObject()
            writer.member("transactions", stats.transactions)
            writer.member("accounts", stats.accounts)
            writer.endObject()
        }
    }

    private static func itself<Book>(_ find: () async throws -> Book) async throws -> Book {
        do {
            return try await find()
        } catch let problem as Problem where problem == .ledgerNotFound {
            throw Problem.notFound("ledger not found")
        }
    }

    private static func sortOrder(_ call: Call) throws -> PageOrder {
        guard let (field, order) = try call.sort() else { return .ascending }
        switch field {
        case "id", "addedAt", "added_at": return order
        case "name", "bucket": throw Problem.unsupported("sort by \(field)")
        default: throw Problem.validation("sort: no such field, or none that pages")
        }
    }
}

/// What a ledger is created with: `{bucket?, metadata?, features?}`.
enum LedgerCreation {
    /// Names that no ledger may have, for paths of the API do.
    private static let reserved: Set<String> = ["_", "_info", "_healthcheck"]

    /// Checks a name.
    ///
    /// - Throws: ``Problem`` for an illegal or reserved one.
    static func name(_ text: String) throws(Problem) -> BookName {
        guard let name = BookName(text) else {
            throw .validation("ledger name: 1 to 63 letters, digits, '_' or '-'")
        }
        guard !reserved.contains(text) else { throw .validation("ledger name: reserved") }
        return name
    }

    /// Reads a body; nothing is the defaults.
    ///
    /// - Throws: ``Malformed`` and ``Problem`` naming the field.
    static func read(
        _ body: JSONValue?,
        name: BookName,
        kind: BookKind
    ) throws -> CreateBook {
        guard let body, body != .null else { return CreateBook(name: name, kind: kind) }
        let fields = try JSONFields(body)
        // Upstream reads an empty bucket as one that was not given.
        let bucket = try fields.optional("bucket", .string).flatMap { $0 == "" ? nil : $0 }
        guard bucket.map({ BookName($0.string) != nil }) ?? true else {
            throw fields.malformed("1 to 63 letters, digits, '_' or '-'", at: "bucket")
        }
        let features = try fields.optional("features", .metadata) ?? .empty
        try LedgerFeature.check(features)
        return CreateBook(
            name: name,
            kind: kind,
            bucket: bucket ?? CreateBook.defaultBucket,
            metadata: try fields.optional("metadata", .metadata) ?? .empty,
            features: features
        )
    }
}

/// The features of the v2 API; each has its default only, for experimental ones are off.
enum LedgerFeature: String, CaseIterable {
    case accountMetadataHistory = "ACCOUNT_METADATA_HISTORY"
    case hashLogs = "HASH_LOGS"
    case movesHistory = "MOVES_HISTORY"
    case postCommitEffectiveVolumes = "MOVES_HISTORY_POST_COMMIT_EFFECTIVE_VOLUMES"
    case transactionMetadataHistory = "TRANSACTION_METADATA_HISTORY"

    /// The value that the feature has.
    var standard: Text {
        switch self {
        case .movesHistory: "ON"
        case .accountMetadataHistory, .hashLogs, .postCommitEffectiveVolumes,
            .transactionMetadataHistory:
            "SYNC"
        }
    }

    /// Refuses a feature that is unknown or asked to be another than its default.
    static func check(_ features: Metadata) throws(Problem) {
        for pair in features.pairs {
            guard let feature = LedgerFeature(rawValue: pair.key.string) else {
                throw .validation("features: no such feature")
            }
            guard pair.value == feature.standard else {
                throw .unsupported(
                    "feature \(feature.rawValue) other than \(feature.standard)"
                )
            }
        }
    }
}

extension JSONWriter {
    /// Writes a ledger as the v2 API shows it.
    mutating func ledger(_ book: BookSummary) {
        beginObject()
        member("bucket", book.bucket)
        member("metadata", book.metadata)
        key("features")
        beginObject()
        for feature in LedgerFeature.allCases {
            member(feature.rawValue, feature.standard)
        }
        endObject()
        member("id", book.number)
        member("name", book.name.text)
        member("addedAt", BusinessTime(book.addedAt))
        if let deletedAt = book.deletedAt { member("deletedAt", BusinessTime(deletedAt)) }
        endObject()
    }
}
