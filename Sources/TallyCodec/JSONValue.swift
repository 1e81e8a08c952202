// SPDX-License-Identifier: Apache-2.0
//
// A JSON text as a value: every digit of a number, every member in the order it was read, and
// where each value stood in the input. `==` compares what was written; `exactEquals` in
// JSONEquality.swift compares what it means. Imports TallyTypes; made by JSONReader, used by
// HTTP, kernel and views.

package import TallyTypes

/// A JSON value that has lost nothing of its text but white space and escapes.
///
/// `==` is lexical: `1` differs from `1.0`, and so do members in another order. Offsets never
/// count.
package enum JSONValue: Hashable, Sendable {
    /// The literal `null`.
    case null
    /// The literal `true` or `false`.
    case bool(Bool)
    /// A number with every digit it came with.
    case number(JSONNumber)
    /// A string with its escapes resolved.
    case string(Text)
    /// The values between brackets.
    case array(JSONArray)
    /// The members between braces.
    case object(JSONObject)

    /// What this is, for messages: `a number`, `an object`.
    package var noun: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// The elements of a JSON array, each with the offset at which it stood in the input.
package struct JSONArray: RandomAccessCollection, ExpressibleByArrayLiteral, Hashable, Sendable {
    struct Slot: Hashable, Sendable {
        let value: JSONValue
        let place: UInt32

        static func == (left: Slot, right: Slot) -> Bool { left.value == right.value }

        func hash(into hasher: inout Hasher) { hasher.combine(value) }
    }

    private let elements: [Slot]

    init(elements: [Slot]) {
        self.elements = elements
    }

    /// Makes an array of values that were not read from anywhere.
    package init(_ values: some Sequence<JSONValue>) {
        elements = values.map { Slot(value: $0, place: 0) }
    }

    /// Makes an array of values that were not read from anywhere.
    package init(arrayLiteral values: JSONValue...) {
        self.init(values)
    }

    /// The index of the first element: 0.
    package var startIndex: Int { 0 }

    /// The number of elements.
    package var endIndex: Int { elements.count }

    /// Returns one element.
    package subscript(position: Int) -> JSONValue { elements[position].value }

    /// Returns the byte offset at which an element began; 0 when it was not read.
    package func offset(at position: Int) -> Int { Int(elements[position].place) }
}

/// The members of a JSON object as read, each key once.
package struct JSONObject: Hashable, Sendable {
    /// One key with its value.
    package struct Member: Hashable, Sendable {
        /// The key, escapes resolved.
        package let key: Text
        /// The value.
        package let value: JSONValue
        let place: UInt32

        init(key: Text, value: JSONValue, place: UInt32) {
            self.key = key
            self.value = value
            self.place = place
        }

        /// Makes a member that was not read from anywhere.
        package init(key: Text, value: JSONValue) {
            self.init(key: key, value: value, place: 0)
        }

        /// The byte offset at which the value began; 0 when it was not read.
        package var offset: Int { Int(place) }

        /// Compares key and value, not where they stood.
        package static func == (left: Member, right: Member) -> Bool {
            left.key == right.key && left.value == right.value
        }

        /// Feeds key and value, not where they stood.
        package func hash(into hasher: inout Hasher) {
            hasher.combine(key)
            hasher.combine(value)
        }
    }

    /// An object without members.
    package static let empty = JSONObject(unique: [])
    /// The members in the order read.
    package let members: [Member]

    /// Takes members whose keys are known to differ.
    init(unique members: [Member]) {
        self.members = members
    }

    /// Makes an object from members in the order given; nil when a key occurs twice.
    package init?(_ members: [Member]) {
        let keys = members.map(\.key).sorted()
        for (left, right) in zip(keys, keys.dropFirst()) where left == right {
            return nil
        }
        self.members = members
    }

    /// Makes an object from a map, ascending by key.
    package init(_ metadata: Metadata) {
        members = metadata.pairs.map { Member(key: $0.key, value: .string($0.value)) }
    }

    /// Returns the value of a key; nil when there is no such member.
    package subscript(key: Text) -> JSONValue? {
        members.first { $0.key == key }?.value
    }

    /// Returns the member with a name; nil when there is none.
    package func member(named name: String) -> Member? {
        let wanted = name.utf8Span.span
        search: for member in members where member.key.utf8.count == wanted.count {
            for position in wanted.indices where member.key.utf8[position] != wanted[position] {
                continue search
            }
            return member
        }
        return nil
    }
}
