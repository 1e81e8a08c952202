// SPDX-License-Identifier: Apache-2.0
//
// The parameters that v2 routes share: page, sort, expansion, point in time, filter. What the API
// has and this build has not is refused by its name, never dropped (specs/accounts.md §5.1). May
// import TallyCodec and TallyViews.

import TallyCodec
import TallyTypes
import TallyViews

extension Call {
    /// Refuses parameters of the query that are given and not supported.
    ///
    /// - Throws: ``Problem`` naming the first of them.
    func refuse(_ names: [String]) throws(Problem) {
        for name in names where target.value(name) != nil {
            throw .unsupported("parameter \(name)")
        }
    }

    /// Refuses a filter, in the body or in `query`; `{}`, `null` and nothing are none.
    ///
    /// - Throws: ``Malformed`` when it is no JSON object, ``Problem`` when it is a filter.
    func refuseFilter() throws {
        try refuseFilter(in: try json())
        if let query = target.value("query") {
            let value: JSONValue
            do throws(Malformed) {
                value = try JSONReader.parse(Array(query.utf8))
            } catch {
                throw error.within("query")
            }
            try refuseFilter(in: value)
        }
    }

    private func refuseFilter(in value: JSONValue?) throws {
        switch value {
        case nil, .null: return
        case .object(let object):
            guard let first = object.members.first else { return }
            throw V2Filter.problem(first)
        case .bool, .number, .string, .array:
            throw Malformed(
                "expected an object, found \(value?.noun ?? "nothing")",
                field: "filter"
            )
        }
    }

    /// The page that is asked for; with a cursor, everything else but the size is in it.
    ///
    /// - Throws: ``Malformed`` for a size that is no number; what `list` throws.
    func page<List: PagedList>(_ list: () throws -> List) throws -> PageRequest<List> {
        let size = try unsigned("pageSize").map(PageSize.init(clamping:))
        if let cursor = target.value("cursor") { return .cursor(cursor, size: size) }
        return .first(try list(), size: size ?? .standard)
    }

    /// The sort that is asked for, by field and direction; nil when none is.
    ///
    /// - Throws: ``Problem`` for a direction that is none.
    func sort() throws(Problem) -> (field: String, order: PageOrder)? {
        guard let text = target.value("sort") else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch parts.count == 2 ? parts[1].lowercased() : "asc" {
        case "asc": return (String(parts[0]), .ascending)
        case "desc": return (String(parts[0]), .descending)
        default: throw .validation("sort: the direction is neither asc nor desc")
        }
    }

    /// The volumes that are asked for.
    ///
    /// - Throws: ``Problem`` for anything else.
    func expansion() throws(Problem) -> Expansion {
        var expansion = Expansion.none
        for word in target.values("expand") {
            switch word {
            case "volumes": expansion.insert(.volumes)
            case "effectiveVolumes": expansion.insert(.effectiveVolumes)
            default: throw .validation("expand: neither volumes nor effectiveVolumes")
            }
        }
        return expansion
    }
}

/// What is said of filters, which the next issue brings.
enum V2Filter {
    private static let operators: Set<String> = [
        "$and", "$or", "$not", "$match", "$like", "$in", "$lt", "$lte", "$gt", "$gte", "$exists",
    ]

    /// The refusal of a filter that begins with this member.
    static func problem(_ member: JSONObject.Member) -> Problem {
        let name = member.key.string
        guard operators.contains(name) else {
            return .validation("filter: no such operator (at byte \(member.offset))")
        }
        guard case .object(let inner) = member.value, let field = inner.members.first else {
            return .unsupported("filter \(name)")
        }
        return .unsupported("filter \(name) on \(V2Filter.safe(field.key.string))")
    }

    // Field names hold account metadata keys in brackets; those are payload.
    private static func safe(_ field: String) -> String {
        let name = field.prefix { $0 != "[" }
        let isWord = name.utf8.allSatisfy {
            $0 == 0x5F || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A
        }
        return isWord ? String(name.prefix(32)) : "a field"
    }
}
