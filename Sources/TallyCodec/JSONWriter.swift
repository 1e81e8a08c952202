// SPDX-License-Identifier: Apache-2.0
//
// The JSON writer: compact text appended to bytes, commas placed by itself. Two styles: `go`
// escapes what Go's encoder escapes, byte for byte, for the v2 API; `plain` escapes only what
// JSON demands, for stored journal values and everything of our own. Imports TallyTypes; used by
// HTTP, views, node.

package import TallyTypes

/// Which characters of a string are escaped beyond what JSON demands.
package enum JSONStyle: Hashable, Sendable {
    /// As Go's encoder: also `<`, `>`, `&`, U+2028 and U+2029.
    case go
    /// Nothing more.
    case plain
}

/// How amounts and balances are written.
package enum JSONAmountForm: Hashable, Sendable {
    /// As numbers of any length.
    case number
    /// As strings, for clients that would read numbers as floating point.
    case string
}

/// In which order the members of a value are written.
package enum JSONMemberOrder: Hashable, Sendable {
    /// As they stand in the value.
    case given
    /// Ascending by the bytes of their keys, as Go writes maps.
    case sorted
}

/// Compact JSON under construction; the caller opens, names and closes, the writer places commas.
package struct JSONWriter: Sendable {
    /// What has been written.
    package internal(set) var bytes: [UInt8] = []
    let style: JSONStyle
    let amounts: JSONAmountForm
    var needsComma = false

    /// Starts an empty text.
    package init(style: JSONStyle, amounts: JSONAmountForm = .number, capacity: Int = 256) {
        self.style = style
        self.amounts = amounts
        bytes.reserveCapacity(capacity)
    }

    /// Opens an object.
    package mutating func beginObject() {
        begin(UInt8(ascii: "{"))
    }

    /// Closes the object opened last.
    package mutating func endObject() {
        end(UInt8(ascii: "}"))
    }

    /// Opens an array.
    package mutating func beginArray() {
        begin(UInt8(ascii: "["))
    }

    /// Closes the array opened last.
    package mutating func endArray() {
        end(UInt8(ascii: "]"))
    }

    /// Writes an object whose members the closure writes.
    package mutating func object<E: Error>(
        _ members: (inout JSONWriter) throws(E) -> Void
    ) throws(E) {
        beginObject()
        try members(&self)
        endObject()
    }

    /// Writes an array whose elements the closure writes.
    package mutating func array<E: Error>(
        _ elements: (inout JSONWriter) throws(E) -> Void
    ) throws(E) {
        beginArray()
        try elements(&self)
        endArray()
    }

    /// Writes the key of the next value.
    package mutating func key(_ name: String) {
        separate()
        append(quoted: name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes the key of the next value.
    package mutating func key(_ name: Text) {
        separate()
        append(quoted: name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Ends the text with a line feed, as Go's encoder does; the next value begins anew.
    package mutating func newline() {
        bytes.append(0x0A)
        needsComma = false
    }

    /// Hands over what has been written and starts again, keeping nothing.
    package mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        needsComma = false
        return taken
    }

    private mutating func begin(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    /// Writes the comma that parts the next value from the one before.
    mutating func separate() {
        if needsComma {
            bytes.append(UInt8(ascii: ","))
        }
        needsComma = true
    }
}
