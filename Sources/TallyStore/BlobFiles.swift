// SPDX-License-Identifier: Apache-2.0
//
// What stands beside records because it is too large for them, docs/formats/record-files.md: in the
// folder `records/blobs` one file for each, named by the SHA-256 of its bytes in 64 hexadecimal
// digits, and nothing else in it. Imports TallyTypes, TallyCodec and TallyProof. Written by
// RecordFiles on the log's thread before the record that needs it, read from any thread. A file may
// be the blob of several records.

package import TallyCodec
import TallyProof
package import TallyTypes

/// The folder of all blobs.
package struct BlobFiles: Sendable {
    /// What a file holds, compared with what it should.
    enum Held {
        case same
        /// Nothing is there.
        case nothing
        /// Something else is there.
        case other
    }

    private let disk: any Disk
    /// The folder.
    let folder: String

    /// Blobs of the record files in a folder.
    package init(disk: any Disk, directory: String) {
        self.disk = disk
        folder = RecordLayout.blobs(directory)
    }

    /// Returns the bytes that a record names.
    ///
    /// - Throws: ``StoreFault``: `missing` or `corrupt` with the file, or that of the disk.
    package func read(_ reference: BlobReference) throws(StoreFault) -> [UInt8] {
        let path = path(of: reference)
        guard let bytes = try bytes(of: reference) else {
            let reason = "is missing, and a record needs it"
            throw StoreFault(.missing, subject: path, reason: reason)
        }
        guard reference.names(bytes) else {
            let reason = "does not hold the bytes that its record names"
            throw StoreFault(.corrupt, subject: path, reason: reason)
        }
        return bytes
    }

    /// Returns what the file of a reference holds, at most one byte more than the largest blob;
    /// nil when there is no file.
    ///
    /// - Throws: ``StoreFault`` when the disk fails.
    package func bytes(of reference: BlobReference) throws(StoreFault) -> [UInt8]? {
        try bytes(of: reference.digest)
    }

    /// Returns what the file of a digest holds, unchecked, at most one byte more than the largest
    /// blob; nil when there is no file.
    ///
    /// - Throws: ``StoreFault`` when the disk fails.
    package func bytes(of digest: Digest) throws(StoreFault) -> [UInt8]? {
        do throws(DiskFault) {
            let file = try disk.open(path(of: digest), .readOnly)
            let size = min(try file.size(), Limits.blobBytesMax + 1)
            return try file.bytes(at: 0, count: size)
        } catch {
            guard error.code == .notFound else { throw StoreFault(error) }
            return nil
        }
    }

    /// Reads the bytes of a leaf, and what stands beside it.
    ///
    /// - Throws: ``StoreFault`` or ``Malformed``.
    package func record(_ leaf: [UInt8]) throws -> Record {
        try RecordCodec.decode(leaf, blob: read)
    }

    /// Returns a leaf with what stands beside it.
    ///
    /// - Throws: ``StoreFault`` or ``Malformed``.
    package func encoded(_ leaf: [UInt8]) throws -> EncodedRecord {
        let references = try RecordCodec.parse(leaf[...]).references
        return EncodedRecord(
            leaf: leaf,
            blobs: try references.map { Blob(try read($0), digest: $0.digest) }
        )
    }

    /// The names in the folder; none when there is no folder.
    ///
    /// - Throws: ``StoreFault`` when the disk fails.
    package func names() throws(StoreFault) -> [String] {
        do throws(DiskFault) {
            return try disk.list(folder).map(\.name)
        } catch {
            guard error.code == .notFound else { throw StoreFault(error) }
            return []
        }
    }

    /// Compares the file of a blob with the blob.
    func compare(_ blob: Blob) throws(StoreFault) -> Held {
        guard let held = try bytes(of: blob.reference) else { return .nothing }
        return isEqual(held.span, blob.bytes.span) ? .same : .other
    }

    /// Writes a blob, over itself when it is there already; not durable before file and folder are
    /// synced.
    ///
    /// A file that is the blob of an older record is never emptied: until it was written again, a
    /// crash would lose it.
    ///
    /// - Returns: The file, to be synced.
    func write(_ blob: Blob) throws(DiskFault) -> any DiskFile {
        let path = path(of: blob.reference)
        let file: any DiskFile
        do throws(DiskFault) {
            file = try disk.open(path, .readWrite)
        } catch {
            guard error.code == .notFound else { throw error }
            file = try disk.open(path, .createNew)
        }
        try file.write(blob.bytes.span, at: 0)
        if try file.size() > blob.bytes.count { try file.truncate(to: blob.bytes.count) }
        return file
    }

    /// Makes files and the names in the folder durable.
    func sync(_ files: [any DiskFile]) throws(DiskFault) {
        guard !files.isEmpty else { return }
        for file in files { try file.sync() }
        try disk.syncDirectory(folder)
    }

    func path(of reference: BlobReference) -> String { path(of: reference.digest) }

    private func path(of digest: Digest) -> String { folder + "/\(digest)" }
}
