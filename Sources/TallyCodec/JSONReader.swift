// SPDX-License-Identifier: Apache-2.0
//
// The exact JSON reader: strict RFC 8259 over UTF-8, nothing repaired, nothing rounded, every error
// with its byte offset and field path. Imports TallyTypes; called by HTTP on request bodies, by the
// import, and by the kernel on journal values. The grammar itself is in JSONScanner.swift.

package import TallyTypes

/// The bounds of one JSON text.
package struct JSONLimits: Hashable, Sendable {
    /// Bounds of a request body.
    package static let request = JSONLimits()
    /// The longest text in bytes.
    package let bytesMax: Int
    /// Containers within containers; also bounds the stack.
    package let depthMax: Int
    /// The most values, so that a small text of tiny values cannot ask for much memory.
    package let valuesMax: Int

    /// Makes bounds; offsets are held in 32 bits, so no text is longer than 2³² − 1 bytes.
    package init(
        bytesMax: Int = Limits.requestBodyBytesMax,
        depthMax: Int = Limits.jsonDepthMax,
        valuesMax: Int = 1 << 20
    ) {
        self.bytesMax = min(bytesMax, Int(UInt32.max))
        self.depthMax = depthMax
        self.valuesMax = valuesMax
    }
}

/// The exact JSON reader.
package enum JSONReader {
    /// Reads one JSON text that fills the bytes.
    ///
    /// - Throws: ``Malformed`` with the offset and the path of the value that broke a rule:
    ///   grammar, UTF-8, a lone surrogate, a byte order mark, a key that occurs twice, bytes after
    ///   the value, or a bound.
    /// - Source: RFC 8259; duplicate names refused as RFC 7493 §2.3 asks.
    package static func parse(
        _ bytes: [UInt8],
        limits: JSONLimits = .request
    ) throws(Malformed) -> JSONValue {
        guard bytes.count <= limits.bytesMax else {
            throw Malformed("longer than \(limits.bytesMax) bytes", offset: limits.bytesMax)
        }
        var scanner = JSONScanner(limits: limits)
        try scanner.refuseByteOrderMark(bytes)
        scanner.skipWhitespace(bytes)
        let value = try scanner.value(bytes, depth: 0)
        scanner.skipWhitespace(bytes)
        guard scanner.position == bytes.count else {
            throw Malformed("unexpected byte after the value", offset: scanner.position)
        }
        return value
    }
}

/// A cursor over JSON texts that follow one another in one buffer, with or without white space.
package struct JSONStream: Sendable {
    /// Where the next value is looked for.
    package private(set) var offset = 0
    private let limits: JSONLimits

    /// Starts at the first byte; the bounds hold for each value.
    package init(limits: JSONLimits = .request) {
        self.limits = limits
    }

    /// Reads the next value; nil when only white space is left.
    ///
    /// - Throws: ``Malformed`` as ``JSONReader`` does, also for a number or word that runs into the
    ///   next value. The cursor then stays where it was.
    package mutating func next(in bytes: [UInt8]) throws(Malformed) -> JSONValue? {
        var scanner = JSONScanner(limits: limits, position: offset)
        try scanner.refuseByteOrderMark(bytes)
        scanner.skipWhitespace(bytes)
        let start = scanner.position
        guard start < bytes.count else { return nil }
        guard bytes.count <= Int(UInt32.max) else { throw Malformed("buffer over 4 GiB") }
        let value = try scanner.value(bytes, depth: 0)
        let end = scanner.position
        guard end - start <= limits.bytesMax else {
            throw Malformed("longer than \(limits.bytesMax) bytes", offset: start + limits.bytesMax)
        }
        scanner.skipWhitespace(bytes)
        if scanner.position == end, end < bytes.count, !value.endsItself {
            throw Malformed("unexpected byte after the value", offset: end)
        }
        offset = scanner.position
        return value
    }
}

extension JSONValue {
    /// True when the text of the value ends with a byte that nothing can follow within it.
    fileprivate var endsItself: Bool {
        switch self {
        case .null, .bool, .number: false
        case .string, .array, .object: true
        }
    }
}
