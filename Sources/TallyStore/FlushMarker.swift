// SPDX-License-Identifier: Apache-2.0
//
// The marker row of a flush, docs/formats/store.md. Numbers are little-endian; a blob is its length
// in four bytes and then its bytes:
//
//     size
//        1  format        1
//        8  applied       log index as of which everything in the flush is
//     blob  scalars       the kernel's scalars (TallyCodec's bytes)
//     blob  secrets       the SipHash secrets; never part of a digest
//     blob  tree          the compact range of the tree of all records
//     blob  image name    UTF-8; empty without an image
//       32  image digest  SHA-256 of the image's file; zero without an image
//        8  image size    bytes of the image's file; zero without an image
//        4  checksum      CRC32C of everything before
//
// Imports TallyTypes and CTally. Written by the state stores, read by start-up and the verifier.

internal import CTally
package import TallyTypes

/// The cache image that a flush names.
package struct ImageReference: Hashable, Sendable {
    /// The file's name within the folder of images.
    package let name: String
    /// SHA-256 of the whole file.
    package let digest: Digest
    /// The file's length.
    package let size: ByteCount

    /// Makes a reference.
    package init(name: String, digest: Digest, size: ByteCount) {
        self.name = name
        self.digest = digest
        self.size = size
    }
}

/// As of when a flush is, and what is flushed beside the rows.
package struct FlushMarker: Hashable, Sendable {
    static let format: UInt8 = 1

    /// The log index as of which everything in the flush is.
    package let applied: LogIndex
    /// The kernel's scalars, next record index among them, as TallyCodec writes them.
    package let scalars: [UInt8]
    /// The SipHash secrets.
    package let secrets: [UInt8]
    /// The compact range of the tree of all records.
    package let tree: [UInt8]
    /// The cache image; nil when none was written.
    package let image: ImageReference?

    /// Makes a marker.
    package init(
        applied: LogIndex,
        scalars: [UInt8],
        secrets: [UInt8],
        tree: [UInt8],
        image: ImageReference?
    ) {
        self.applied = applied
        self.scalars = scalars
        self.secrets = secrets
        self.tree = tree
        self.image = image
    }

    /// The row's bytes.
    package var bytes: [UInt8] {
        var out = ByteWriter()
        out.append(Self.format)
        out.append(applied.rawValue)
        for blob in [scalars, secrets, tree, Array((image?.name ?? "").utf8)] {
            out.append(blob: blob)
        }
        out.append(contentsOf: (image?.digest ?? .zero).bytes)
        out.append(UInt64(image?.size.rawValue ?? 0))
        out.append(crc32c(out.bytes.span))
        return out.bytes
    }

    /// Reads a row.
    ///
    /// - Throws: `Malformed` for anything but exactly one marker of a known format.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        var input = ByteReader(bytes)
        let format = try input.number(UInt8.self, "format")
        guard format == Self.format else {
            throw Malformed("unknown format \(format)", field: "format", offset: 0)
        }
        applied = LogIndex(try input.number("applied"))
        scalars = try input.blob("scalars")
        secrets = try input.blob("secrets")
        tree = try input.blob("tree")
        let nameOffset = input.offset
        guard let name = Text(utf8: try input.blob("image name")) else {
            throw Malformed("is not UTF-8", field: "image name", offset: nameOffset)
        }
        guard let digest = Digest(try input.bytes(32, "image digest")) else {
            throw Malformed("is not 32 bytes", field: "image digest", offset: input.offset)
        }
        let size = try input.number(UInt64.self, "image size")
        try input.end(checksumField: "checksum")
        guard name.utf8.isEmpty == (size == 0), size <= UInt64(Int.max) else {
            throw Malformed("has a name or a size, not both", field: "image name")
        }
        image =
            name.utf8.isEmpty
            ? nil : ImageReference(name: name.string, digest: digest, size: ByteCount(Int(size)))
    }
}
