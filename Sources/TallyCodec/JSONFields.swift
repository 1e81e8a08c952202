// SPDX-License-Identifier: Apache-2.0
//
// Typed access to JSON that was read: which member, of which shape, and an error that names field
// and offset when it is absent or something else. Unknown members are ignored, as the v2 API
// does. Imports TallyTypes; used by HTTP for request bodies and by the import. Typical use:
//
//     let posting = JSONShape<Posting>.object { (fields) throws(Malformed) in
//         Posting(source: try fields.required("source", .address), ...)
//     }
//     let postings = try JSONFields(value).required("postings", .array(of: posting))
//
// The closure must say `throws(Malformed)`: the compiler does not infer it.

package import TallyTypes

/// A shape that a JSON value must have, and the Swift value it then becomes.
package struct JSONShape<Value>: Sendable {
    /// Reads a value that began at an offset; errors name fields below it.
    package let read: @Sendable (_ value: JSONValue, _ offset: Int) throws(Malformed) -> Value

    /// Makes a shape from a function that reads it.
    package init(_ read: @escaping @Sendable (JSONValue, Int) throws(Malformed) -> Value) {
        self.read = read
    }

    /// This shape with its value taken further; nil is refused with the reason given.
    package func checked<Checked>(
        _ reason: String,
        _ check: @escaping @Sendable (Value) -> Checked?
    ) -> JSONShape<Checked> {
        JSONShape<Checked> { [read] (value, offset) throws(Malformed) in
            guard let checked = check(try read(value, offset)) else {
                throw Malformed(reason, offset: offset)
            }
            return checked
        }
    }
}

extension JSONShape where Value == JSONValue {
    /// Any value, also `null`.
    package static var any: JSONShape { JSONShape { value, _ in value } }
}

extension JSONShape where Value == Text {
    /// A string.
    package static var string: JSONShape {
        JSONShape { (value, offset) throws(Malformed) in
            guard case .string(let text) = value else {
                throw value.unexpected("a string", offset)
            }
            return text
        }
    }
}

extension JSONShape where Value == Bool {
    /// A boolean.
    package static var bool: JSONShape {
        JSONShape { (value, offset) throws(Malformed) in
            guard case .bool(let flag) = value else { throw value.unexpected("a boolean", offset) }
            return flag
        }
    }
}

extension JSONShape where Value == JSONNumber {
    /// A number of any form.
    package static var number: JSONShape {
        JSONShape { (value, offset) throws(Malformed) in
            guard case .number(let number) = value else {
                throw value.unexpected("a number", offset)
            }
            return number
        }
    }
}

extension JSONShape where Value == Amount {
    /// An integer from 0 to 2²⁵⁶ − 1, written without fraction and exponent.
    package static var amount: JSONShape {
        JSONShape { (value, offset) throws(Malformed) in
            let number = try JSONShape<JSONNumber>.number.read(value, offset)
            do throws(Malformed) {
                return try number.amount()
            } catch {
                throw Malformed(error.reason, offset: offset)
            }
        }
    }
}

extension JSONShape where Value == UInt64 {
    /// An integer from 0 to 2⁶⁴ − 1, written without fraction and exponent.
    package static var unsigned: JSONShape {
        JSONShape { (value, offset) throws(Malformed) in
            let number = try JSONShape<JSONNumber>.number.read(value, offset)
            do throws(Malformed) {
                return try number.unsigned()
            } catch {
                throw Malformed(error.reason, offset: offset)
            }
        }
    }
}

extension JSONShape where Value == BusinessTime {
    /// A string that is an RFC 3339 time.
    package static var time: JSONShape {
        JSONShape { (value, offset) throws(Malformed) in
            let text = try JSONShape<Text>.string.read(value, offset)
            do throws(Malformed) {
                return try TimeText.parse(text.utf8.span)
            } catch {
                throw Malformed(error.reason, offset: offset)
            }
        }
    }
}

extension JSONShape where Value == Metadata {
    /// An object whose values are all strings.
    package static var metadata: JSONShape {
        JSONShape { (value, offset) throws(Malformed) in
            let object = try JSONFields(value, offset: offset).object
            var pairs: [Metadata.Pair] = []
            for member in object.members {
                guard case .string(let text) = member.value else {
                    let error = member.value.unexpected("a string", member.offset)
                    throw error.within(JSONPath.segment(member.key))
                }
                pairs.append(Metadata.Pair(key: member.key, value: text))
            }
            guard let metadata = Metadata(unsorted: pairs) else {
                throw Malformed("a key occurs twice", offset: offset)
            }
            return metadata
        }
    }
}

extension JSONShape {
    /// An object, read by a function of its fields.
    package static func object(
        _ read: @escaping @Sendable (JSONFields) throws(Malformed) -> Value
    ) -> JSONShape {
        JSONShape { (value, offset) throws(Malformed) in
            try read(JSONFields(value, offset: offset))
        }
    }

    /// An array of one shape.
    package static func array<Element>(
        of shape: JSONShape<Element>
    ) -> JSONShape where Value == [Element] {
        JSONShape { (value, offset) throws(Malformed) in
            guard case .array(let array) = value else { throw value.unexpected("an array", offset) }
            var elements: [Element] = []
            elements.reserveCapacity(array.count)
            for (position, element) in array.enumerated() {
                do throws(Malformed) {
                    elements.append(try shape.read(element, array.offset(at: position)))
                } catch {
                    throw error.within(JSONPath.segment(position))
                }
            }
            return elements
        }
    }
}

/// The members of one object, taken out by name.
package struct JSONFields: Sendable {
    /// The object.
    package let object: JSONObject
    /// The byte offset of its opening brace; 0 when it was not read.
    package let offset: Int

    /// Takes a value that must be an object; `offset` is where it began.
    ///
    /// - Throws: ``Malformed`` when it is something else.
    package init(_ value: JSONValue, offset: Int = 0) throws(Malformed) {
        guard case .object(let object) = value else { throw value.unexpected("an object", offset) }
        self.object = object
        self.offset = offset
    }

    /// Takes a member that must be there.
    ///
    /// - Throws: ``Malformed`` naming the member when it is absent or of another shape.
    package func required<Value>(
        _ name: String,
        _ shape: JSONShape<Value>
    ) throws(Malformed) -> Value {
        guard let member = object.member(named: name) else {
            throw Malformed("is missing", field: name, offset: offset)
        }
        return try read(member, as: shape)
    }

    /// Takes a member that may be absent or `null`: both are nil.
    ///
    /// - Throws: ``Malformed`` naming the member when it is of another shape.
    package func optional<Value>(
        _ name: String,
        _ shape: JSONShape<Value>
    ) throws(Malformed) -> Value? {
        guard let member = object.member(named: name), member.value != .null else { return nil }
        return try read(member, as: shape)
    }

    /// Takes a member that may be absent; `null` is a value like any other.
    ///
    /// - Throws: ``Malformed`` naming the member when it is of another shape.
    package func present<Value>(
        _ name: String,
        _ shape: JSONShape<Value>
    ) throws(Malformed) -> Value? {
        guard let member = object.member(named: name) else { return nil }
        return try read(member, as: shape)
    }

    /// Makes the error of a rule that a member broke after it was read.
    package func malformed(_ reason: String, at name: String) -> Malformed {
        Malformed(reason, field: name, offset: object.member(named: name)?.offset ?? offset)
    }

    private func read<Value>(
        _ member: JSONObject.Member,
        as shape: JSONShape<Value>
    ) throws(Malformed) -> Value {
        do throws(Malformed) {
            return try shape.read(member.value, member.offset)
        } catch {
            throw error.within(JSONPath.segment(member.key))
        }
    }
}

extension JSONValue {
    /// Makes the error of a value that is not what was asked for.
    fileprivate func unexpected(_ expected: String, _ offset: Int) -> Malformed {
        Malformed("expected \(expected), found \(noun)", offset: offset)
    }
}
