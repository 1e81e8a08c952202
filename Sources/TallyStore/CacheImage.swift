// SPDX-License-Identifier: Apache-2.0
//
// The kernel's cache as one flat file, docs/formats/store.md. Imports TallyTypes and Crypto.
// Written and synced before the flush that names it, removed only after a flush that does not.
// Little-endian:
//
//     offset size
//          0    8  "tallycac"
//          8    1  format    1
//          9    7  zero
//         16    8  applied   log index as of which the cache is
//         24    8  length    bytes of the payload
//         32    n  payload   the kernel's own layout
//
// Its name is `image-N`, N = applied; its digest, kept in the flush's marker, is the SHA-256 of the
// whole file.

internal import Crypto
package import TallyTypes

/// The files of a ledger's cache images.
package struct CacheImages: Sendable {
    private static let magic = Array("tallycac".utf8)
    private static let format: UInt8 = 1
    static let headerBytes = 32
    private let disk: any Disk
    private let directory: String

    /// Uses a folder that exists.
    package init(disk: any Disk, directory: String) {
        self.disk = disk
        self.directory = directory
    }

    /// Writes the image as of an index; durable on return.
    ///
    /// - Parameters:
    ///   - payload: The pieces of the kernel's bytes, in order.
    ///   - applied: The index of the coming flush.
    /// - Returns: What the flush's marker holds.
    /// - Throws: ``StoreFault``.
    package func write(
        _ payload: [[UInt8]],
        applied: LogIndex
    ) throws(StoreFault) -> ImageReference {
        let name = "image-\(applied)"
        let path = directory + "/" + name
        let header = Self.header(applied, payload.reduce(0) { $0 + $1.count })
        var hash = SHA256()
        var size = 0
        let file = try onDisk { () throws(DiskFault) in
            try disk.open(path + ".new", .createOrEmpty)
        }
        for piece in [header] + payload {
            hash.update(data: piece)
            try onDisk { () throws(DiskFault) in try file.write(piece.span, at: size) }
            size += piece.count
        }
        try onDisk { () throws(DiskFault) in
            try file.sync()
            try disk.rename(path + ".new", to: path)
            try disk.syncDirectory(directory)
        }
        return ImageReference(name: name, digest: digest(hash.finalize()), size: ByteCount(size))
    }

    /// Returns the payload of the image that a marker names.
    ///
    /// - Throws: ``StoreFault``: `corrupt` when a byte is not what was written, `missing` without
    ///   it.
    package func read(
        _ reference: ImageReference,
        applied: LogIndex
    ) throws(StoreFault) -> [UInt8] {
        let path = directory + "/" + reference.name
        guard try onDisk({ () throws(DiskFault) in try disk.exists(path) }) else {
            throw StoreFault(.missing, subject: path, reason: "is named by the state store")
        }
        let bytes = try onDisk { () throws(DiskFault) in
            let file = try disk.open(path, .readOnly)
            return try file.bytes(at: 0, count: try file.size())
        }
        guard bytes.count == reference.size.rawValue,
            digest(SHA256.hash(data: bytes)) == reference.digest
        else {
            let reason = "its SHA-256 is not the one in the state store"
            throw StoreFault(.corrupt, subject: path, reason: reason)
        }
        let payload = bytes.count - Self.headerBytes
        guard payload >= 0, Array(bytes.prefix(32)) == Self.header(applied, payload) else {
            throw StoreFault(.unknownFormat, subject: path, reason: "its header is another")
        }
        return Array(bytes.dropFirst(Self.headerBytes))
    }

    /// Removes every image but the one that the last flush names.
    ///
    /// - Throws: ``StoreFault``.
    package func removeAll(but kept: ImageReference?) throws(StoreFault) {
        try onDisk { () throws(DiskFault) in
            let names = try disk.list(directory).map(\.name)
            invariant(
                .i43,
                kept.map { names.contains($0.name) } ?? true,
                "the image \(kept?.name ?? "") that the flush names is not there"
            )
            let others = names.filter { $0 != kept?.name }
            for name in others {
                try disk.remove(directory + "/" + name)
            }
            if !others.isEmpty { try disk.syncDirectory(directory) }
        }
    }

    private static func header(_ applied: LogIndex, _ payloadBytes: Int) -> [UInt8] {
        var out = ByteWriter()
        out.append(contentsOf: magic)
        out.append(UInt64(format))
        out.append(applied.rawValue)
        out.append(UInt64(payloadBytes))
        return out.bytes
    }
}

/// A SHA-256 digest as four words.
func digest(_ hash: SHA256.Digest) -> TallyTypes.Digest {
    var words: [UInt64] = [0, 0, 0, 0]
    for (position, byte) in hash.enumerated() {
        words[position / 8] = words[position / 8] << 8 | UInt64(byte)
    }
    return TallyTypes.Digest(words[0], words[1], words[2], words[3])
}
