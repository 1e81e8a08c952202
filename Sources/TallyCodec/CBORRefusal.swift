// SPDX-License-Identifier: Apache-2.0
//
// Why bytes are refused as CBOR of profile T1, or as a shape built from it. Imports the data types
// only; thrown by the reader and by every codec of this module, which turn it into `Malformed` at
// their edge.
//
// The raw values are stable: the first group is that of the published reject vectors, and a second
// decoder in another language must give the same names.

package import TallyTypes

/// The reasons for which bytes are refused; the words are stable and compared across decoders.
package enum CBORRefusal: String, CaseIterable, Sendable {
    // Profile T1: these can be seen without knowing what the bytes are meant to be.

    /// A number or a length is not in its shortest form.
    case nonShortest = "non-shortest"
    /// A string, an array or a map of indefinite length.
    case indefiniteLength = "indefinite-length"
    /// A break outside an item of indefinite length.
    case unexpectedBreak = "unexpected-break"
    /// Bytes after the end of the item.
    case trailingBytes = "trailing-bytes"
    /// The bytes end before the item does.
    case truncated = "truncated"
    /// A map key that stands twice.
    case duplicateKey = "duplicate-key"
    /// A map key whose encoded bytes are not above those of the key before it.
    case keyOrder = "key-order"
    /// A map key that is neither an unsigned integer nor text.
    case keyType = "key-type"
    /// A floating-point number.
    case float = "float"
    /// A simple value other than false, true and null.
    case simpleValue = "simple-value"
    /// A tag other than 2 and 3.
    case tag = "tag"
    /// An initial byte that the standard reserves.
    case reservedBits = "reserved-info"
    /// A big number that is too small, too large, padded, or no byte string.
    case bignum = "bignum"
    /// Text that is not UTF-8.
    case utf8 = "utf8"
    /// Text that is not in normalization form C; in a field also a code point not in Unicode 14.
    case notNormalized = "not-nfc"
    /// More than sixteen containers within one another.
    case depth = "depth"
    /// More bytes than a record may have.
    case tooLong = "too-long"

    // Shapes: the item is well-formed but not what stands in this place.

    /// An item of another type than the field has.
    case wrongType = "wrong-type"
    /// An array or a map with another number of items than the field has.
    case wrongCount = "wrong-count"
    /// A byte string or a key part of another length than the field has.
    case wrongLength = "wrong-length"
    /// A number that the field cannot hold.
    case outOfRange = "out-of-range"
    /// A map key that the format does not have.
    case unknownKey = "unknown-key"
    /// A map key, or a whole item, that the format asks for.
    case missingKey = "missing-key"
    /// A blob for an item that fits the record, or beside the item itself.
    case needlessBlob = "needless-blob"
    /// A blob that is needed to read the record was not given, or has other bytes than it names.
    case blobNotGiven = "blob-not-given"
    /// Key 2 of a payload, which is reserved for sealed fields and read by no version yet.
    case sealedFields = "sealed-fields"
    /// A default that is written, where its absence is the one encoding.
    case writtenDefault = "written-default"
    /// An empty list or text where the format has none.
    case empty = "empty"
    /// Pairs, accounts or fields that do not ascend.
    case unsorted = "unsorted"
    /// Text written as bytes although it qualifies as a text string.
    case textAsBytes = "text-as-bytes"
    /// A name that breaks the rule for books, accounts or assets.
    case illegalName = "illegal-name"
    /// A format number that this program does not know.
    case unknownFormat = "unknown-format"
    /// A kind, an action or a refusal that the registry does not have.
    case unknownKind = "unknown-kind"
}

/// A refusal with the place where it was found.
package struct CBORError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why.
    package let refusal: CBORRefusal
    /// The byte offset from the start of the input.
    package let offset: Int
    /// The field being read, as its path; empty for the whole input.
    package let field: String

    /// Makes the error.
    package init(_ refusal: CBORRefusal, at offset: Int, field: String = "") {
        self.refusal = refusal
        self.offset = offset
        self.field = field
    }

    /// Returns the same error seen from an enclosing field.
    package func within(_ outer: String) -> CBORError {
        CBORError(refusal, at: offset, field: malformed.within(outer).field)
    }

    /// The same error as every decoder of the system reports it.
    package var malformed: Malformed {
        Malformed(refusal.rawValue, field: field, offset: offset)
    }

    /// Field, offset and reason in one line.
    package var description: String { malformed.description }
}
