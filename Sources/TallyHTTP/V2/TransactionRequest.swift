// SPDX-License-Identifier: Apache-2.0
//
// The body of a new transaction, from JSON to an order: every rule of form, each error with field
// and offset (specs/accounts.md §5.2, §5.4). Fields that the API does not have are ignored, as
// upstream ignores them. May import TallyCodec; POST transactions calls it.

import TallyCodec
import TallyTypes

/// Reads bodies of new transactions.
enum TransactionRequest {
    /// What Go's zero time looks like on the wire; clients that leave the time out may send it.
    private static let zeroTime = BusinessTime.min

    /// Reads a body.
    ///
    /// - Parameters:
    ///   - body: The JSON value; nil when there is no body.
    ///   - isForced: True when the query asks for force; the body may as well.
    /// - Returns: The order.
    /// - Throws: ``Malformed`` with field and offset; ``Problem`` `NO_POSTINGS` and for scripts.
    static func read(_ body: JSONValue?, isForced: Bool) throws -> CreateTransaction {
        guard let body else { throw Malformed("expected an object, found nothing", field: "body") }
        let fields = try JSONFields(body)
        // As upstream reads them, members that are absent or null are empty; no postings and no
        // script is an error below.
        let postings = try fields.optional("postings", .array(of: posting)) ?? []  // see above
        try refuseScript(fields, hasPostings: !postings.isEmpty)
        guard !postings.isEmpty else {
            throw Problem(
                400,
                .noPostings,
                "one of postings, script.plain and script.template is needed"
            )
        }
        let reference = try fields.optional("reference", .string)
        let timestamp = try fields.optional("timestamp", .time)
        return CreateTransaction(
            postings: postings,
            reference: reference == "" ? nil : reference,
            timestamp: timestamp == zeroTime ? nil : timestamp,
            metadata: try fields.optional("metadata", .metadata) ?? .empty,
            accountMetadata: try fields.optional("accountMetadata", accountMetadata)
                ?? [],  // absent is for no account
            isForced: try fields.optional("force", .bool) ?? false || isForced
        )
    }

    private static func refuseScript(_ fields: JSONFields, hasPostings: Bool) throws {
        let script: [String: Bool]? = try fields.optional(
            "script",
            .object { (script) throws(Malformed) in
                [
                    "plain": try script.hasText("plain"),
                    "template": try script.hasText("template"),
                ]
            }
        )
        for name in ["plain", "template"] where script?[name] == true {
            guard !hasPostings else {
                throw Problem.validation(
                    "only one of postings, script.plain and script.template may be given"
                )
            }
            throw Problem.unsupported("script.\(name): scripts are not supported yet")
        }
    }

    private static let posting: JSONShape<Posting> = .object { (fields) throws(Malformed) in
        Posting(
            source: try fields.required("source", address),
            destination: try fields.required("destination", address),
            asset: try fields.required("asset", asset),
            amount: try fields.required("amount", .amount)
        )
    }

    private static let address: JSONShape<AccountAddress> = JSONShape<Text>.string.checked(
        "is no account address"
    ) {
        AccountAddress($0.string)
    }

    private static let asset: JSONShape<Asset> = JSONShape<Text>.string.checked("is no asset") {
        Asset($0.string)
    }

    /// Accounts in the order of their bytes; an empty map of an account merges nothing and is left
    /// out.
    private static let accountMetadata = JSONShape<[AccountMetadata]> {
        (value, offset) throws(Malformed) in
        let object = try JSONFields(value, offset: offset).object
        var entries: [AccountMetadata] = []
        for member in object.members {
            guard let account = AccountAddress(member.key.string) else {
                throw Malformed("a key is no account address", offset: member.offset)
            }
            do throws(Malformed) {
                let metadata = try JSONShape<Metadata>.metadata.read(member.value, member.offset)
                guard !metadata.isEmpty else { continue }
                entries.append(AccountMetadata(account: account, metadata: metadata))
            } catch {
                throw error.within(account.text)
            }
        }
        return entries.sorted { $0.account < $1.account }
    }
}

extension JSONFields {
    /// True when a member is a text that is not empty; absent, null and empty are one upstream.
    fileprivate func hasText(_ name: String) throws(Malformed) -> Bool {
        guard let text = try optional(name, .string) else { return false }
        return text != ""
    }
}
