// SPDX-License-Identifier: Apache-2.0
//
// Volumes and balances over all accounts of a ledger. Windows of time and groups are refused by
// name until the views have indexes for them. May import TallyCodec and TallyViews; the route table
// names these.

import TallyCodec
import TallyTypes
import TallyViews

/// Answers about volumes.
enum V2Volumes {
    private static let windows = ["pit", "oot", "endTime", "startTime", "groupBy"]

    /// `GET /v2/{ledger}/volumes`.
    static func list(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        let page = try call.page {
            try call.refuseFilter()
            try call.refuse(windows)
            return VolumeList(order: try sortOrder(call))
        }
        let rows = try await call.node.views.volumes(in: book.id, page)
        return .cursor(call.goWriter, rows) { writer, row in
            writer.beginObject()
            writer.member("account", row.account.text)
            writer.member("asset", row.asset.text)
            writer.member("input", row.volume.input)
            writer.member("output", row.volume.output)
            writer.member("balance", row.volume.balance)
            writer.endObject()
        }
    }

    /// `GET /v2/{ledger}/aggregate/balances`.
    static func balances(_ call: Call) async throws -> Reply {
        let book = try await call.ledger()
        try call.refuseFilter()
        try call.refuse(["oot"])
        let pointInTime = try call.time("pit")
        if pointInTime != nil, call.flag("useInsertionDate") || call.flag("use_insertion_date") {
            throw Problem.unsupported("parameter useInsertionDate with pit")
        }
        let rows = try await call.node.views.balances(in: book.id, pointInTime: pointInTime)
        return .data(call.goWriter) { writer in
            writer.beginObject()
            for row in rows {
                writer.member(row.asset.text, row.balance)
            }
            writer.endObject()
        }
    }

    private static func sortOrder(_ call: Call) throws -> PageOrder {
        guard let (field, order) = try call.sort() else { return .ascending }
        guard field == "account" else {
            throw Problem.validation("sort: no such field, or none that pages")
        }
        return order
    }
}
