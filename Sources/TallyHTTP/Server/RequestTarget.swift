// SPDX-License-Identifier: Apache-2.0
//
// The target of a request as text: path segments and query, split before they are percent-decoded,
// so that an encoded `/` stays within its segment. May import TallyTypes; the gateway makes one per
// request.

package import TallyTypes

/// The path and the query of a request, decoded.
package struct RequestTarget: Hashable, Sendable {
    /// One parameter of the query.
    package struct Parameter: Hashable, Sendable {
        /// Its name.
        package let name: String
        /// Its value; empty when it has none.
        package let value: String
    }

    /// The segments of the path; none for `/`.
    package let segments: [String]
    /// The parameters of the query, in the order given.
    package let query: [Parameter]

    /// Reads a target in origin form.
    ///
    /// - Throws: ``Malformed`` when a percent escape is broken or does not give UTF-8.
    package init(_ target: String) throws(Malformed) {
        let bytes = target.utf8.prefix { $0 != UInt8(ascii: "#") }
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        var segments: [String] = []
        let path = bytes[..<mark].dropFirst()
        if !path.isEmpty {
            for segment in path.split(
                separator: UInt8(ascii: "/"),
                omittingEmptySubsequences: false
            ) {
                segments.append(try PercentText.decode(segment, plus: .literal, field: "path"))
            }
        }
        var query: [Parameter] = []
        for pair in bytes[mark...].dropFirst().split(separator: UInt8(ascii: "&")) {
            query.append(try RequestTarget.parameter(pair))
        }
        self.segments = segments
        self.query = query
    }

    private static func parameter(
        _ pair: Substring.UTF8View
    ) throws(Malformed) -> Parameter {
        let sign = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
        return Parameter(
            name: try PercentText.decode(pair[..<sign], plus: .space, field: "query"),
            value: try PercentText.decode(pair[sign...].dropFirst(), plus: .space, field: "query")
        )
    }

    /// The first value of a parameter; nil when it is not given or empty.
    package func value(_ name: String) -> String? {
        query.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    /// Every value of a parameter, also those that commas part.
    package func values(_ name: String) -> [String] {
        query.filter { $0.name == name }
            .flatMap { $0.value.split(separator: ",").map(String.init) }
    }
}

/// Percent-encoding of RFC 3986 §2.1.
package enum PercentText {
    /// What a plus sign stands for.
    package enum Plus: Sendable {
        /// Itself, as in paths.
        case literal
        /// A space, as in queries.
        case space
    }

    /// Decodes text.
    ///
    /// - Throws: ``Malformed`` when an escape is broken or the bytes are not UTF-8.
    package static func decode(
        _ text: some Collection<UInt8>,
        plus: Plus,
        field: String
    ) throws(Malformed) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(digit),
                    let low = rest.popFirst().flatMap(digit)
                else { throw Malformed("a broken percent escape", field: field) }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plus == .space:
                bytes.append(UInt8(ascii: " "))
            default:
                bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw Malformed("not UTF-8", field: field)
        }
        return decoded
    }

    /// Encodes text for one segment of a path or one value of a query.
    package static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += "%" + hexadecimal([byte])
            }
        }
        return encoded
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
