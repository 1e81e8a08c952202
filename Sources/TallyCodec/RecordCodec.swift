// SPDX-License-Identifier: Apache-2.0
//
// The canonical bytes of records, which are the leaves of the tree: specs/evidence.md §1 and §11.
// Imports the data types only; called by the kernel, the checker, the store and everything that
// shows a record. docs/formats/record.md explains every field and has examples with their hashes.
//
// A record is an array of ten items, at most 65,535 bytes; what makes it larger stands beside it
// (RecordBlobs.swift):
//
// | item | what           | type                                                              |
// |------|----------------|-------------------------------------------------------------------|
// | 0    | format         | 1                                                                 |
// | 1    | index          | unsigned below 2⁶³                                                |
// | 2    | book           | 16 bytes                                                          |
// | 3    | sequence       | unsigned below 2⁶³                                                |
// | 4    | previous       | 32 bytes                                                          |
// | 5    | time           | unsigned below 2⁶³, microseconds since 1970 UTC                   |
// | 6    | idempotency    | 32 bytes, or null                                                 |
// | 7    | salt           | 16 bytes                                                          |
// | 8    | kind           | text, the word of an order kind                                   |
// | 9    | payload        | map: 0 order, 1 outcome, 3 actor, 4 [position, count] of a group, |
// |      |                | 5 digest of a batch, 6 [position, count] in it,                   |
// |      |                | 7 [length, digest] of the order, 8 [length, digest] of the outcome|
//
// Keys 3 to 6 are absent when there is nothing to say, 5 and 6 together; key 2 is reserved for
// sealed fields and refused. Keys 7 and 8 stand for keys 0 and 1 when those are blobs.
//
// Example, `tx` of 100 USD/2 from world to a, committed as transaction 1 with log 1:
//
//     8a 01 05 50 0198f2c47a1c7000b9d3a1f0c2d4e681 02 58 20 (32 bytes) 1b 000001a0c4506cfa f6
//     50 (16 bytes) 62 7478 a2
//       00 a1 00 81 84 65 776f726c64 61 61 65 5553442f32 18 64
//       01 82 00 a2 01 01 02 01

package import TallyTypes

/// Everything of a record but its payload.
package struct RecordEnvelope: Hashable, Sendable {
    /// The position among all records.
    package let index: RecordIndex
    /// The book it stands in.
    package let book: BookID
    /// The position in the book.
    package let sequence: BookSequence
    /// The leaf hash of the book's previous record, or the book's genesis hash.
    package let previous: Digest
    /// The leader's time.
    package let time: Instant
    /// The hash of the idempotency key that this record claims.
    package let idempotency: Digest?
    /// Sixteen bytes that make the leaf hash hiding.
    package let salt: Salt
    /// The word of the kind; not necessarily one that this program knows.
    package let kind: String
}

/// Encodes and decodes records.
package enum RecordCodec {
    /// The number that every record begins with.
    package static let format: UInt64 = FormatRegistry.record
    /// The most bytes before the kind: array, format, three numbers, two digests, book, salt.
    static let envelopeBytesMax = 2 + 3 * 9 + 2 * 34 + 2 * 17

    /// Returns the canonical bytes of a record, all in one piece.
    ///
    /// They are those of its leaf when they are at most 65,535; for any size, ``split(_:hash:)``.
    package static func encode(_ record: Record) -> [UInt8] {
        var writer = CBORWriter()
        writer.bytes.reserveCapacity(256)
        writer.record(record)
        return writer.bytes
    }

    /// Appends the canonical bytes of a record, all in one piece.
    package static func append(_ record: Record, to bytes: inout [UInt8]) {
        CBORWriter.append(to: &bytes) { $0.record(record) }
    }

    /// Reads the canonical bytes of a record that has no blobs; what it accepts, `encode` gives
    /// back.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``;
    ///   `blob-not-given` for a record that has blobs.
    package static func decode(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> Record {
        do throws(CBORError) {
            return try read(bytes, atMost: Limits.recordBytesMax).whole()
        } catch {
            throw error.malformed
        }
    }

    /// Reads the canonical bytes of a record that has no blobs; what it accepts, `encode` gives
    /// back.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``;
    ///   `blob-not-given` for a record that has blobs.
    package static func decode(_ bytes: [UInt8]) throws(Malformed) -> Record {
        try decode(bytes[...])
    }

    /// Reads what stands before the payload of a record, which is neither read nor checked.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decodeEnvelope(
        _ bytes: ArraySlice<UInt8>
    ) throws(Malformed) -> RecordEnvelope {
        do throws(CBORError) {
            var reader = CBORReader(bytes)
            try reader.expectLength(atMost: Limits.recordBytesMax)
            return try reader.readEnvelope()
        } catch {
            throw error.malformed
        }
    }
}
