// SPDX-License-Identifier: Apache-2.0
//
// Pages by key: one more row is fetched than shown; its key is where the next page starts
// (inclusive); the first row's key is where the page before ends (exclusive); no page goes back
// past the first row ever shown, so pages put together are the list, also while new rows arrive.
// Imports GRDB; the reads call it.

import GRDB
import TallyTypes

/// Where the rows of a list come from.
struct ListSource {
    /// The columns to fetch.
    var columns: String
    /// The tables, joined.
    var from: String
    /// The columns of the key, in the order the list sorts by.
    var keys: [String]
    /// Conditions that hold for every row of the list.
    var filters: [String] = []
    /// The values of the conditions' parameters.
    var arguments: [Cell] = []
}

/// The list and the size that a request asks for, and where to start.
struct PageStart<List: PagedList> {
    /// The list.
    var list: List
    /// The page size.
    var size: PageSize
    /// Where to walk from; nil for the first page.
    var cursor: PageCursor<List>?

    /// Reads the cursor, if the request is one.
    ///
    /// - Throws: ``Malformed`` for a text that is no cursor of this list.
    init(_ request: PageRequest<List>) throws(Malformed) {
        switch request {
        case .first(let list, let size):
            self.list = list
            self.size = size
            cursor = nil
        case .cursor(let token, let size):
            let cursor = try PageCursor<List>(token: token)
            list = cursor.list
            self.size = size ?? cursor.size
            self.cursor = cursor
        }
    }

    private var walk: PageCursor<List>.Walk {
        if let cursor { cursor.walk } else { .forward }
    }

    /// The statement that fetches one row more than the page, and its parameters.
    func statement(_ source: ListSource) -> (sql: String, arguments: [Cell]) {
        let direction = walk == .forward ? list.order : list.order.reversed
        var conditions = source.filters
        var arguments = source.arguments
        let comparison = (direction == .ascending ? ">" : "<") + (walk == .forward ? "=" : "")
        conditions.append(compare(source.keys, comparison))
        if let cursor {
            arguments += cursor.position.map(\.cell)
        } else {
            arguments += list.key.map { edge($0, direction) }
        }
        if let cursor, walk == .backward {
            conditions.append(compare(source.keys, list.order == .ascending ? ">=" : "<="))
            arguments += cursor.bottom.map(\.cell)
        }
        let word = direction == .ascending ? "ASC" : "DESC"
        let sorting = source.keys.map { "\($0) \(word)" }.joined(separator: ", ")
        arguments.append(.integer(Int64(size.rows + 1)))
        let sql = """
            SELECT \(source.columns) FROM \(source.from) \
            WHERE \(conditions.joined(separator: " AND ")) ORDER BY \(sorting) LIMIT ?
            """
        return (sql, arguments)
    }

    /// Cuts what was fetched to a page with its cursors.
    func page<Row>(_ fetched: [(row: Row, key: [KeyCell])]) -> Page<Row> {
        let shown = Array(fetched.prefix(size.rows))
        let rows = walk == .forward ? shown : shown.reversed()
        let extra = fetched.count > size.rows ? fetched[size.rows].key : nil
        guard let first = rows.first?.key else {
            return Page(rows: [], size: size, next: nil, previous: nil)
        }
        let bottom = if let cursor { cursor.bottom } else { first }
        let onward: [KeyCell]?
        if let cursor, walk == .backward {
            onward = cursor.position
        } else {
            onward = extra
        }
        return Page(
            rows: rows.map(\.row),
            size: size,
            next: onward.map { token(.forward, bottom, $0) },
            previous: first == bottom ? nil : token(.backward, bottom, first)
        )
    }

    private func token(
        _ walk: PageCursor<List>.Walk,
        _ bottom: [KeyCell],
        _ position: [KeyCell]
    ) -> String {
        PageCursor(list: list, size: size, walk: walk, bottom: bottom, position: position).token
    }

    private func compare(_ keys: [String], _ comparison: String) -> String {
        guard keys.count > 1 else { return keys.joined() + " \(comparison) ?" }
        let marks = keys.map { _ in "?" }.joined(separator: ", ")
        return "(\(keys.joined(separator: ", "))) \(comparison) (\(marks))"
    }

    // A bound on every list keeps the plan a search. Bytes are above every text in SQLite's order.
    private func edge(_ part: KeyPart, _ direction: PageOrder) -> Cell {
        switch (part, direction) {
        case (.integer, .ascending): .integer(.min)
        case (.integer, .descending): .integer(.max)
        case (.text, .ascending): .text([])
        case (.text, .descending): .blob([])
        }
    }
}

/// Fetches one page of a list.
///
/// - Throws: ``ViewFault``, or what `decode` threw.
func fetchPage<List: PagedList, Row: Sendable>(
    _ database: Database,
    _ start: PageStart<List>,
    _ source: ListSource,
    decode: (borrowing PreparedStatement) throws -> (row: Row, key: [KeyCell])
) throws -> Page<Row> {
    let (sql, arguments) = start.statement(source)
    let statement = try PreparedStatement(database, sql)
    try statement.bind(arguments)
    var fetched: [(row: Row, key: [KeyCell])] = []
    while try statement.step() {
        fetched.append(try decode(statement))
    }
    return start.page(fetched)
}
