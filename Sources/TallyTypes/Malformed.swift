// SPDX-License-Identifier: Apache-2.0
//
// The first of the four error kinds: bytes from outside do not parse. Never logged in the chain,
// always answered with where and why. Standard library only; thrown by every decoder.

/// Bytes, or a text, that cannot be read: which field, at which offset, and why.
public struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
    /// The field being read, as its path: `postings[2].amount`; empty for the whole input.
    public let field: String
    /// The byte offset in the input at which the trouble was seen.
    public let offset: Int
    /// What was expected or found, without any payload value.
    public let reason: String

    /// Makes the error.
    public init(_ reason: String, field: String = "", offset: Int = 0) {
        self.field = field
        self.offset = offset
        self.reason = reason
    }

    /// The same error seen from an enclosing field.
    public func within(_ outer: String) -> Malformed {
        let path = field.isEmpty || field.hasPrefix("[") ? outer + field : outer + "." + field
        return Malformed(reason, field: path, offset: offset)
    }

    /// Field, offset and reason in one line.
    public var description: String {
        field.isEmpty ? "at byte \(offset): \(reason)" : "\(field): \(reason) (at byte \(offset))"
    }
}
