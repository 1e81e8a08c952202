// SPDX-License-Identifier: Apache-2.0
//
// What an import did, for people and for programs. May import TallyImport. Made by Importer,
// printed by `tally import`.

import TallyCodec
package import TallyImport
package import TallyTypes

/// What an import did.
package struct ImportReport: Sendable {
    /// The ledger.
    package let ledger: BookName
    /// What was read: assets made of commodities, addresses made of accounts, what has no effect.
    package let plan: ImportPlan
    /// Transactions written now.
    package internal(set) var written: UInt64 = 0
    /// Transactions that an earlier import had written.
    package internal(set) var known: UInt64 = 0

    /// Lines for people; the last one counts.
    package var text: String {
        (notes + ["\(ledger): \(counts)"]).joined(separator: "\n")
    }

    private var counts: String {
        let submitted = "\(written) transactions written, \(known) known already"
        if plan.empty.isEmpty { return submitted }
        return submitted + ", \(plan.empty.count) without amounts not written"
    }

    private var notes: [String] {
        let commodities = plan.commodities.map { mapping in
            let name = mapping.commodity.isEmpty ? "(none)" : mapping.commodity
            return "commodity \(name) → \(mapping.asset)"
        }
        let accounts = plan.accounts.filter { $0.name != $0.address }
            .map { "account \($0.name) → \($0.address)" }
        let ignored = plan.ignored.map { "ignored \($0.count) × \($0.name): \($0.reason)" }
        let warnings = plan.warnings.map { "warning: \($0)" }
        let empty = plan.empty.map { "\($0): not written: it has no amounts, so nothing moves" }
        return commodities + accounts + ignored + warnings + empty
    }

    /// One JSON object.
    package var json: String {
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("ledger", ledger.text)
        writer.member("written", written)
        writer.member("known", known)
        writer.list("commodities", plan.commodities) { writer, mapping in
            writer.member("commodity", mapping.commodity)
            writer.member("asset", mapping.asset)
        }
        writer.list("accounts", plan.accounts) { writer, mapping in
            writer.member("account", mapping.name)
            writer.member("address", mapping.address)
        }
        writer.list("notWritten", plan.empty) { writer, position in writer.members(position) }
        writer.list("ignored", plan.ignored) { writer, directive in
            writer.member("directive", directive.name)
            writer.member("count", UInt64(directive.count))
            writer.member("reason", directive.reason)
        }
        writer.list("warnings", plan.warnings) { writer, warning in
            writer.members(warning.position)
            writer.member("message", warning.message)
        }
        writer.endObject()
        return String(decoding: writer.take(), as: UTF8.self)
    }
}

extension JSONWriter {
    /// Writes a list of objects.
    fileprivate mutating func list<Element>(
        _ name: String,
        _ elements: [Element],
        _ members: (inout JSONWriter, Element) -> Void
    ) {
        key(name)
        beginArray()
        for element in elements {
            beginObject()
            members(&self, element)
            endObject()
        }
        endArray()
    }

    fileprivate mutating func members(_ position: SourcePosition) {
        member("file", position.file)
        member("line", UInt64(position.line))
        member("column", UInt64(position.column))
    }
}
