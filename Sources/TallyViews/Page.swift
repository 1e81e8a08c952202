// SPDX-License-Identifier: Apache-2.0
//
// Pages of lists: sizes, orders, requests and what comes back (specs/accounts.md §5.1). Imports own
// types only; HTTP makes requests from queries and renders pages as the v2 cursor envelope.

package import TallyTypes

/// The number of rows of a page: 1 to 100.
package struct PageSize: Hashable, Sendable {
    /// The size when none, or 0, is asked for.
    package static let standard = PageSize(clamping: 0)
    /// The most rows of a page; more are silently cut to this.
    package static let max = 100
    /// The number itself.
    package let rows: Int

    /// Takes what was asked for: 0 becomes 15, more than 100 becomes 100.
    package init(clamping requested: UInt64) {
        rows = requested == 0 ? 15 : Int(Swift.min(requested, UInt64(PageSize.max)))
    }
}

/// The direction of a list.
package enum PageOrder: UInt8, Hashable, Sendable {
    /// Smallest first.
    case ascending = 0
    /// Largest first.
    case descending = 1

    /// The other direction, for `reverse=true`.
    package var reversed: PageOrder { self == .ascending ? .descending : .ascending }
}

/// Which page of a list is wanted.
package enum PageRequest<List: PagedList>: Hashable, Sendable {
    /// The first page of a list.
    case first(List, size: PageSize)
    /// The page that a cursor names; everything but the size is in the cursor.
    case cursor(String, size: PageSize?)
}

/// One page of a list.
package struct Page<Row: Sendable>: Sendable {
    /// The rows in the list's order.
    package let rows: [Row]
    /// The page size that was applied.
    package let size: PageSize
    /// The cursor of the page after this one; nil on the last.
    package let next: String?
    /// The cursor of the page before this one; nil on the first.
    package let previous: String?

    /// Makes a page.
    package init(rows: [Row], size: PageSize, next: String?, previous: String?) {
        self.rows = rows
        self.size = size
        self.next = next
        self.previous = previous
    }

    /// True when there is a page after this one.
    package var hasMore: Bool { next != nil }

    /// The page with other rows in the places of these.
    func map<Other>(_ transform: (Row) throws -> Other) rethrows -> Page<Other> {
        Page<Other>(rows: try rows.map(transform), size: size, next: next, previous: previous)
    }
}

extension Page: Equatable where Row: Equatable {}
extension Page: Hashable where Row: Hashable {}

/// The list of books, in order of creation.
package struct BookList: Hashable, Sendable {
    /// Oldest or newest first.
    package var order: PageOrder
    /// Only books of this kind; nil for all.
    package var kind: BookKind?
    /// True when deleted books are listed too.
    package var includesDeleted: Bool

    /// Makes the list; oldest first, every kind, live books.
    package init(
        order: PageOrder = .ascending,
        kind: BookKind? = nil,
        includesDeleted: Bool = false
    ) {
        self.order = order
        self.kind = kind
        self.includesDeleted = includesDeleted
    }
}

/// The column a list of transactions is sorted by.
package enum TransactionSort: UInt8, Hashable, Sendable {
    /// By number, which is also the order of insertion.
    case id = 0
    /// By business time, then number (`order=effective`).
    case timestamp = 1
}

/// Which volumes a read computes beside the row itself.
package struct Expansion: OptionSet, Hashable, Sendable {
    /// Nothing.
    package static let none: Expansion = []
    /// Volumes in order of insertion.
    package static let volumes = Expansion(rawValue: 1)
    /// Volumes in order of business time.
    package static let effectiveVolumes = Expansion(rawValue: 2)
    /// The bits.
    package let rawValue: UInt8

    /// Takes the bits.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }
}

/// The list of transactions of a book.
package struct TransactionList: Hashable, Sendable {
    /// The column it is sorted by.
    package var sort: TransactionSort
    /// The direction.
    package var order: PageOrder
    /// Only transactions up to this business time, as they were then.
    package var pointInTime: BusinessTime?
    /// The volumes wanted with each row.
    package var expansion: Expansion

    /// Makes the list; newest number first, without volumes.
    package init(
        sort: TransactionSort = .id,
        order: PageOrder = .descending,
        pointInTime: BusinessTime? = nil,
        expansion: Expansion = .none
    ) {
        self.sort = sort
        self.order = order
        self.pointInTime = pointInTime
        self.expansion = expansion
    }
}

/// The list of accounts of a book, by the bytes of the address.
package struct AccountList: Hashable, Sendable {
    /// The direction.
    package var order: PageOrder
    /// Only accounts first used up to this business time, as they were then.
    package var pointInTime: BusinessTime?
    /// The volumes wanted with each row.
    package var expansion: Expansion

    /// Makes the list; ascending, without volumes.
    package init(
        order: PageOrder = .ascending,
        pointInTime: BusinessTime? = nil,
        expansion: Expansion = .none
    ) {
        self.order = order
        self.pointInTime = pointInTime
        self.expansion = expansion
    }
}

/// The list of volumes of a book, by the bytes of account and asset.
package struct VolumeList: Hashable, Sendable {
    /// The direction.
    package var order: PageOrder

    /// Makes the list; ascending.
    package init(order: PageOrder = .ascending) {
        self.order = order
    }
}

/// The list of v2 logs of a book, by number.
package struct LogList: Hashable, Sendable {
    /// The direction.
    package var order: PageOrder

    /// Makes the list; newest first.
    package init(order: PageOrder = .descending) {
        self.order = order
    }
}
