// SPDX-License-Identifier: Apache-2.0
//
// What the JSON writer can write: scalars of TallyTypes, times, whole values, maps in Go's order.
// Each value comes alone or, as `member`, with its key. Imports TallyTypes; part of JSONWriter.

package import TallyTypes

extension JSONWriter {
    /// Writes `null`.
    package mutating func null() {
        separate()
        append(ascii: "null")
    }

    /// Writes `true` or `false`.
    package mutating func bool(_ value: Bool) {
        separate()
        append(ascii: value ? "true" : "false")
    }

    /// Writes a string.
    package mutating func string(_ value: String) {
        separate()
        append(quoted: value)
    }

    /// Writes a string.
    package mutating func string(_ value: Text) {
        separate()
        append(quoted: value)
    }

    /// Writes an unsigned number, always as a number.
    package mutating func unsigned(_ value: UInt64) {
        separate()
        append(decimal: value)
    }

    /// Writes a number with every digit it came with.
    package mutating func number(_ value: JSONNumber) {
        separate()
        if let word = value.word {
            if word < 0 {
                bytes.append(UInt8(ascii: "-"))
            }
            append(decimal: word.magnitude)
        } else {
            bytes.append(contentsOf: value.lexeme)
        }
    }

    /// Writes an amount as a number or, when asked for, as a string.
    package mutating func amount(_ value: Amount) {
        balance(Balance(isNegative: false, magnitude: value))
    }

    /// Writes a balance as a number or, when asked for, as a string.
    package mutating func balance(_ value: Balance) {
        separate()
        if amounts == .string {
            bytes.append(UInt8(ascii: "\""))
        }
        if value.isNegative {
            bytes.append(UInt8(ascii: "-"))
        }
        append(decimal: value.magnitude)
        if amounts == .string {
            bytes.append(UInt8(ascii: "\""))
        }
    }

    /// Writes a time as a string: UTC, fraction without trailing zeros.
    package mutating func time(_ value: BusinessTime) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        TimeText.append(value, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes a whole value; its numbers keep their digits whatever the form of amounts is.
    package mutating func value(_ value: JSONValue, order: JSONMemberOrder = .given) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value): number(value)
        case .string(let value): string(value)
        case .array(let values):
            beginArray()
            for element in values {
                self.value(element, order: order)
            }
            endArray()
        case .object(let object):
            beginObject()
            let members = object.members
            for member in order == .given ? members : members.sorted(by: { $0.key < $1.key }) {
                key(member.key)
                self.value(member.value, order: order)
            }
            endObject()
        }
    }

    /// Writes a value that is text already, as it is.
    package mutating func text(_ value: JSONText) {
        separate()
        bytes.append(contentsOf: value.text.utf8)
    }

    /// Writes a map of text to text, ascending by key.
    package mutating func metadata(_ value: Metadata) {
        beginObject()
        for pair in value.pairs {
            key(pair.key)
            string(pair.value)
        }
        endObject()
    }

    /// Writes an object from entries in any order, ascending by the bytes of their keys.
    ///
    /// - Parameters:
    ///   - entries: The entries; the caller sees to it that no key occurs twice.
    ///   - key: The key of an entry.
    ///   - write: Writes exactly one value for an entry.
    package mutating func map<Entry>(
        _ entries: some Sequence<Entry>,
        key: (Entry) -> Text,
        write: (inout JSONWriter, Entry) -> Void
    ) {
        beginObject()
        let keyed = entries.map { (key: key($0), entry: $0) }
        for pair in keyed.sorted(by: { $0.key < $1.key }) {
            self.key(pair.key)
            write(&self, pair.entry)
        }
        endObject()
    }
}

extension JSONWriter {
    /// Writes a key and a string.
    package mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    /// Writes a key and a string.
    package mutating func member(_ name: String, _ value: Text) {
        key(name)
        string(value)
    }

    /// Writes a key and a boolean.
    package mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bool(value)
    }

    /// Writes a key and an unsigned number.
    package mutating func member(_ name: String, _ value: UInt64) {
        key(name)
        unsigned(value)
    }

    /// Writes a key and an amount.
    package mutating func member(_ name: String, _ value: Amount) {
        key(name)
        amount(value)
    }

    /// Writes a key and a balance.
    package mutating func member(_ name: String, _ value: Balance) {
        key(name)
        balance(value)
    }

    /// Writes a key and a time.
    package mutating func member(_ name: String, _ value: BusinessTime) {
        key(name)
        time(value)
    }

    /// Writes a key and a map of text to text.
    package mutating func member(_ name: String, _ value: Metadata) {
        key(name)
        metadata(value)
    }

    /// Writes a key and a whole value, members as given.
    package mutating func member(_ name: String, _ value: JSONValue) {
        key(name)
        self.value(value)
    }
}
