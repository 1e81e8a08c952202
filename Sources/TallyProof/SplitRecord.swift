// SPDX-License-Identifier: Apache-2.0
//
// The leaf of a record with its blobs named by their SHA-256: the codec has no hash of its own.
// Imports TallyTypes and TallyCodec; called by everything that writes records or compares them.

package import TallyCodec
package import TallyTypes

extension RecordCodec {
    /// Returns the bytes of a record's leaf, and the blobs beside it.
    package static func split(_ record: Record) -> EncodedRecord {
        split(record, hash: Hashing.sha256)
    }
}

extension BlobReference {
    /// True when bytes are those that the reference names.
    package func names(_ bytes: [UInt8]) -> Bool {
        bytes.count == length && Hashing.sha256(bytes) == digest
    }
}
