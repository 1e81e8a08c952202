// SPDX-License-Identifier: Apache-2.0
//
// Distinct types for positions, counts and instants, so that no signature says a bare integer where
// a name exists. Standard library only; every module uses them.

/// The position of an entry in the replicated log; the first entry is 1, 0 means "none yet".
public struct LogIndex: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The index before the first entry.
    public static let zero = LogIndex(0)
    /// The number itself.
    public let rawValue: UInt64

    /// Makes an index from its number.
    @inlinable
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The index that follows this one.
    @inlinable
    public var next: LogIndex { LogIndex(rawValue + 1) }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Orders by position.
    @inlinable
    public static func < (left: LogIndex, right: LogIndex) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The position of a record among all records of a ledger, from 0: its leaf in the tree.
public struct RecordIndex: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The position of the first record.
    public static let zero = RecordIndex(0)
    /// The number itself.
    public let rawValue: UInt64

    /// Makes an index from its number.
    @inlinable
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The index that follows this one.
    @inlinable
    public var next: RecordIndex { RecordIndex(rawValue + 1) }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Orders by position.
    @inlinable
    public static func < (left: RecordIndex, right: RecordIndex) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Names bytes that stand beside the record that needs them, because they are too large for it.
public struct BlobReference: Hashable, Sendable {
    /// The number of bytes; at least one.
    public let length: Int
    /// The SHA-256 of the bytes, which is also the name of their file.
    public let digest: Digest

    /// Makes a reference.
    public init(length: Int, digest: Digest) {
        self.length = length
        self.digest = digest
    }
}

/// The position of a record within its book, from 0, without gaps.
public struct BookSequence: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself.
    public let rawValue: UInt64

    /// Makes a sequence from its number.
    @inlinable
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The sequence that follows this one.
    @inlinable
    public var next: BookSequence { BookSequence(rawValue + 1) }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Orders by position.
    @inlinable
    public static func < (left: BookSequence, right: BookSequence) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The number of a transaction within its book, from 1.
public struct TransactionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself.
    public let rawValue: UInt64

    /// Makes an id from its number.
    @inlinable
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The id that follows this one.
    @inlinable
    public var next: TransactionID { TransactionID(rawValue + 1) }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Orders by number.
    @inlinable
    public static func < (left: TransactionID, right: TransactionID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The number of a log of the v2 API within its book, from 1.
public struct LogID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself.
    public let rawValue: UInt64

    /// Makes an id from its number.
    @inlinable
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The id that follows this one.
    @inlinable
    public var next: LogID { LogID(rawValue + 1) }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Orders by number.
    @inlinable
    public static func < (left: LogID, right: LogID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The configuration a plan was made under; changed only by an applied system order.
public struct Epoch: Hashable, Sendable, CustomStringConvertible {
    /// The number itself.
    public let rawValue: UInt64

    /// Makes an epoch from its number.
    @inlinable
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The epoch that follows this one.
    @inlinable
    public var next: Epoch { Epoch(rawValue + 1) }

    /// The number in decimal.
    public var description: String { String(rawValue) }
}

/// A generation of the cache: a function of a log index and K alone.
public struct Generation: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself.
    public let rawValue: UInt64

    /// Makes a generation from its number.
    @inlinable
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Orders by number.
    @inlinable
    public static func < (left: Generation, right: Generation) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A point in time: microseconds since 1970-01-01T00:00:00Z, never negative.
public struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Microseconds since the start of 1970 UTC.
    public let microseconds: UInt64

    /// Makes an instant from microseconds since the start of 1970 UTC.
    @inlinable
    public init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    /// The microseconds in decimal.
    public var description: String { "\(microseconds) µs" }

    /// Orders by time.
    @inlinable
    public static func < (left: Instant, right: Instant) -> Bool {
        left.microseconds < right.microseconds
    }
}

/// A business time given by a caller: microseconds since 1970 UTC, negative before.
public struct BusinessTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The first microsecond of year 1.
    public static let min = BusinessTime(microseconds: -62_135_596_800_000_000)
    /// The last microsecond of year 9999.
    public static let max = BusinessTime(microseconds: 253_402_300_799_999_999)
    /// Microseconds since the start of 1970 UTC.
    public let microseconds: Int64

    /// Makes a time from microseconds since the start of 1970 UTC.
    @inlinable
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The instant as a business time.
    @inlinable
    public init(_ instant: Instant) {
        self.microseconds = Int64(clamping: instant.microseconds)
    }

    /// The microseconds in decimal.
    public var description: String { "\(microseconds) µs" }

    /// Orders by time.
    @inlinable
    public static func < (left: BusinessTime, right: BusinessTime) -> Bool {
        left.microseconds < right.microseconds
    }
}

/// A number of bytes.
public struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The number itself.
    public let rawValue: Int

    /// Makes a count from its number.
    @inlinable
    public init(_ rawValue: Int) {
        self.rawValue = rawValue
    }

    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Orders by size.
    @inlinable
    public static func < (left: ByteCount, right: ByteCount) -> Bool {
        left.rawValue < right.rawValue
    }
}
