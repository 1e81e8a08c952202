// SPDX-License-Identifier: Apache-2.0
//
// Accounts of the v2 API: read, list, count, metadata. May import TallyCodec and TallyViews; the
// route table names these.

import TallyCodec
import TallyTypes
import TallyViews

/// Answers about accounts.
enum V2Accounts {
    /// `GET /v2/{ledger}/accounts/{address}`.
    static func get(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        try call.refuse(["oot"])
        let row = try await call.node.views.account(
            try address(call),
            in: book.id,
            expansion: try call.expansion(),
            pointInTime: try call.time("pit")
        )
        guard let row else { throw Problem.notFound("account not found") }
        return .data(call.goWriter) { $0.account(row) }
    }

    /// `GET /v2/{ledger}/accounts`.
    static func list(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        let rows = try await call.node.views.accounts(in: book.id, try page(call))
        return .cursor(call.goWriter, rows) { writer, row in writer.account(row) }
    }

    /// Which page is asked for.
    // Never inlined: Swift 6.3.1 -O crashes where this meets the coroutine of an async caller.
    @inline(never)
    private static func page(_ call: Call) throws -> PageRequest<AccountList> {
        try call.page {
            try call.refuseFilter()
            try call.refuse(["oot"])
            return AccountList(
                order: try sortOrder(call),
                pointInTime: try call.time("pit"),
                expansion: try call.expansion()
            )
        }
    }

    /// `HEAD /v2/{ledger}/accounts`.
    static func count(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        try call.refuseFilter()
        try call.refuse(["oot"])
        return .count(
            try await call.node.views.accountCount(
                in: book.id,
                pointInTime: try call.time("pit")
            )
        )
    }

    /// `POST /v2/{ledger}/accounts/{address}/metadata`.
    static func setMetadata(_ call: Call) async throws -> Reply {
        let book = try await call.ledgerToWrite()
        try call.refuse(["schemaVersion"])
        let address = try address(call)
        let metadata = try MetadataBody.read(call)
        return try await call.write(.setAccountMetadata(address, metadata), to: book.name)
    }

    /// `DELETE /v2/{ledger}/accounts/{address}/metadata/{key}`.
    static func deleteMetadata(_ call: Call) async throws -> Reply {
        let book = try await call.ledgerToWrite()
        try call.refuse(["schemaVersion"])
        let address = try address(call)
        let key = Text(try call.parameter("key"))
        return try await call.write(.deleteAccountMetadata(address, key: key), to: book.name)
    }

    private static func address(_ call: Call) throws -> AccountAddress {
        guard let address = AccountAddress(try call.parameter("address")) else {
            throw Problem.validation("address: is no account address")
        }
        return address
    }

    private static func sortOrder(_ call: Call) throws -> PageOrder {
        var order = PageOrder.ascending
        if let (field, direction) = try call.sort() {
            switch field {
            case "address": order = direction
            case "firstUsage", "first_usage", "insertionDate", "insertion_date", "updatedAt",
                "updated_at":
                throw Problem.unsupported("sort by \(field)")
            default: throw Problem.validation("sort: no such field, or none that pages")
            }
        }
        return call.flag("reverse") ? order.reversed : order
    }
}

extension JSONWriter {
    /// Writes an account.
    mutating func account(_ row: AccountRow) {
        beginObject()
        member("address", row.address.text)
        member("metadata", row.metadata)
        member("firstUsage", row.firstUsage)
        member("insertionDate", BusinessTime(row.insertionDate))
        member("updatedAt", BusinessTime(row.updatedAt))
        assets("volumes", row.volumes)
        assets("effectiveVolumes", row.effectiveVolumes)
        endObject()
    }

    /// Writes volumes by asset, which the rows are in order of.
    private mutating func assets(_ name: String, _ rows: [AssetVolume]?) {
        guard let rows else { return }
        key(name)
        beginObject()
        for row in rows {
            key(row.asset.text)
            volume(row.volume)
        }
        endObject()
    }
}
