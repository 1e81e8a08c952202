// SPDX-License-Identifier: Apache-2.0
//
// Equality by meaning: numbers by exact value, objects regardless of order. What the journal's
// "expect the old value" and the rules' FieldEquals ask for; `==` on these types is lexical
// instead. Imports TallyTypes; pure.

extension JSONValue {
    /// Compares meaning: numbers by exact value, strings byte for byte, objects in any order.
    package func exactEquals(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left.exactEquals(right)
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)): left.exactEquals(right)
        case (.object(let left), .object(let right)): left.exactEquals(right)
        case (.null, _), (.bool, _), (.number, _), (.string, _), (.array, _), (.object, _): false
        }
    }
}

extension JSONArray {
    /// Compares meaning, element by element in order.
    package func exactEquals(_ other: JSONArray) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.exactEquals($1) }
    }
}

extension JSONObject {
    /// Compares meaning, member by member in any order.
    package func exactEquals(_ other: JSONObject) -> Bool {
        guard members.count == other.members.count else { return false }
        let left = members.sorted { $0.key < $1.key }
        let right = other.members.sorted { $0.key < $1.key }
        return zip(left, right).allSatisfy { $0.key == $1.key && $0.value.exactEquals($1.value) }
    }
}

extension JSONNumber {
    /// Compares exact values: 1 equals 1.0 and 1e0.
    ///
    /// A number whose exponent is beyond ±9,999 is never evaluated and equals only its own lexeme.
    package func exactEquals(_ other: JSONNumber) -> Bool {
        if self == other { return true }
        if word != nil, other.word != nil { return false }
        guard let left = JSONDecimal(self), let right = JSONDecimal(other) else { return false }
        return left == right
    }

    /// Compares exact values; nil when an exponent is beyond ±9,999.
    package func exactLess(than other: JSONNumber) -> Bool? {
        if let left = word, let right = other.word { return left < right }
        guard let left = JSONDecimal(self), let right = JSONDecimal(other) else { return nil }
        return left < right
    }
}
