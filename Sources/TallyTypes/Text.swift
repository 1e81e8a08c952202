// SPDX-License-Identifier: Apache-2.0
//
// Free text compared byte for byte, and maps of it. Swift's String equality is canonical
// equivalence, under which composed and decomposed letters collide; nothing in a ledger may
// collide. Standard library only.

/// Valid UTF-8, equal and ordered by its bytes.
public struct Text: Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    /// The bytes; always valid UTF-8.
    public let utf8: [UInt8]

    /// Takes the bytes of a string.
    public init(_ string: String) {
        self.utf8 = Array(string.utf8)
    }

    /// Takes the bytes of a literal.
    public init(stringLiteral value: String) {
        self.init(value)
    }

    /// Takes bytes that are valid UTF-8; nil for any others.
    public init?(utf8 bytes: some Collection<UInt8>) {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        self.utf8 = Array(bytes)
    }

    /// Takes bytes that the caller has checked to be valid UTF-8.
    @inlinable
    public init(validated bytes: [UInt8]) {
        utf8 = bytes
    }

    /// The text as a string.
    public var string: String { String(decoding: utf8, as: UTF8.self) }

    /// The text as a string.
    public var description: String { string }

    /// Orders by the bytes.
    public static func < (left: Text, right: Text) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

/// A map from text to text in the order of its keys' bytes, each key once.
public struct Metadata: Hashable, Sendable {
    /// One key with its value.
    public struct Pair: Hashable, Sendable {
        /// The key.
        public let key: Text
        /// The value.
        public let value: Text

        /// Makes a pair.
        public init(key: Text, value: Text) {
            self.key = key
            self.value = value
        }
    }

    /// No pairs.
    public static let empty = Metadata()
    /// The pairs, ascending by key.
    public private(set) var pairs: [Pair]

    /// Makes an empty map.
    public init() {
        pairs = []
    }

    /// Sorts the pairs; nil when a key occurs twice.
    public init?(unsorted: [Pair]) {
        let sorted = unsorted.sorted { $0.key < $1.key }
        for (left, right) in zip(sorted, sorted.dropFirst()) where left.key == right.key {
            return nil
        }
        pairs = sorted
    }

    /// True without pairs.
    public var isEmpty: Bool { pairs.isEmpty }

    /// The value of a key, set or removed in place.
    public subscript(key: Text) -> Text? {
        get {
            let position = lowerBound(key)
            return position < pairs.count && pairs[position].key == key
                ? pairs[position].value : nil
        }
        set {
            let position = lowerBound(key)
            let isPresent = position < pairs.count && pairs[position].key == key
            switch (newValue, isPresent) {
            case (let value?, true): pairs[position] = Pair(key: key, value: value)
            case (let value?, false): pairs.insert(Pair(key: key, value: value), at: position)
            case (nil, true): pairs.remove(at: position)
            case (nil, false): break
            }
        }
    }

    /// This map with the pairs of another laid over it.
    public func merging(_ other: Metadata) -> Metadata {
        var merged = self
        for pair in other.pairs {
            merged[pair.key] = pair.value
        }
        return merged
    }

    private func lowerBound(_ key: Text) -> Int {
        var low = 0
        var high = pairs.count
        while low < high {
            let middle = (low + high) / 2
            if pairs[middle].key < key {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}

/// A JSON value kept as its compact text, numbers with every digit they came with.
public struct JSONText: Hashable, Sendable {
    /// The compact JSON text, as the exact writer gives it.
    public let text: Text

    /// Takes text that the exact JSON reader has accepted.
    public init(_ text: Text) {
        self.text = text
    }
}
