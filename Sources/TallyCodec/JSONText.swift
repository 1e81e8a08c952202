// SPDX-License-Identifier: Apache-2.0
//
// Stored JSON: the compact plain text of a value, members in the order given, number lexemes
// verbatim. Imports TallyTypes, which has the type; the kernel compares such texts, journals
// store them.

package import TallyTypes

extension JSONText {
    /// Bounds of a text that was accepted before: only the stack is bounded again.
    private static let limits = JSONLimits(bytesMax: .max, valuesMax: .max)

    /// Takes a value as its compact plain text.
    package init(_ value: JSONValue) {
        var writer = JSONWriter(style: .plain)
        writer.value(value)
        self.init(Text(String(decoding: writer.bytes, as: UTF8.self)))
    }

    /// Reads the value back.
    ///
    /// - Throws: ``Malformed`` when the text did not come from the exact reader.
    package func value() throws(Malformed) -> JSONValue {
        try JSONReader.parse(text.utf8, limits: JSONText.limits)
    }

    /// Compares meaning: numbers by exact value, objects in any order.
    ///
    /// - Throws: ``Malformed`` when a text did not come from the exact reader.
    package func exactEquals(_ other: JSONText) throws(Malformed) -> Bool {
        if self == other { return true }
        return try value().exactEquals(try other.value())
    }
}
