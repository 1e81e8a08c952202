// SPDX-License-Identifier: Apache-2.0
//
// Where the files of a mirror come from: a directory, or a server. Imports TallyTypes. Conformers:
// `MirrorDirectory` here, and the one over HTTP in the command line, which alone has a client.
// Every read is bounded by its caller, since what is read may be hostile.

package import TallyTypes

/// The files of a mirror, by name.
package protocol MirrorSource {
    /// Where it is, for messages: a path or a URL, without a slash at its end.
    var place: String { get }
    /// True when it holds FORMAT, keys and head too, and its names can be listed.
    var isWhole: Bool { get }

    /// Returns the bytes of a file; nil when there is none.
    ///
    /// - Parameters:
    ///   - name: The name within the mirror.
    ///   - limit: The most bytes it may have.
    /// - Returns: The bytes, or nil.
    /// - Throws: ``StoreFault``: `disk`, or `corrupt` for a larger file.
    func read(_ name: String, limit: Int) throws(StoreFault) -> [UInt8]?

    /// Tells of every name, folders left out, in no order that matters; of none unless it is whole.
    ///
    /// - Throws: ``StoreFault``.
    func forEachName(_ visit: (String) -> Void) throws(StoreFault)
}

/// A mirror in a folder; nothing of it is changed.
package struct MirrorDirectory: MirrorSource {
    /// Folders within folders of a mirror, at most: a tile of a number of 64 bits.
    private static let depthMax = 10

    private let disk: any Disk
    /// The folder.
    package let place: String
    /// Always: it is a folder.
    package let isWhole = true

    /// Names a folder; it is looked at when something is read.
    package init(disk: any Disk, path: String) {
        self.disk = disk
        place = path
    }

    /// True when a folder says that it is a mirror, of whatever version.
    ///
    /// - Throws: ``StoreFault`` when the disk fails.
    package static func isMirror(disk: any Disk, path: String) throws(StoreFault) -> Bool {
        let bytes = try MirrorDirectory(disk: disk, path: path)
            .read("FORMAT", limit: MirrorLayout.smallBytesMax)
        return bytes?.starts(with: Array("tallystick mirror ".utf8)) == true
    }

    /// Refuses a folder that is no mirror of this version.
    ///
    /// - Throws: ``StoreFault``: `unknownFormat` or `missing`.
    package static func checkFormat(_ disk: any Disk, _ path: String) throws(StoreFault) {
        let file = path + "/FORMAT"
        let found = try MirrorDirectory(disk: disk, path: path)
            .read("FORMAT", limit: MirrorLayout.smallBytesMax)
        guard let found else { throw StoreFault(.missing, subject: file, reason: "is missing") }
        guard found == MirrorLayout.format else {
            let line = String(decoding: found.prefix(40).filter { $0 != 10 }, as: UTF8.self)
            throw StoreFault(.unknownFormat, subject: file, reason: "holds “\(line)”")
        }
    }

    /// Returns the bytes of a file; nil when there is none.
    ///
    /// - Throws: ``StoreFault``.
    package func read(_ name: String, limit: Int) throws(StoreFault) -> [UInt8]? {
        let path = place + "/" + name
        let file: any DiskFile
        do throws(DiskFault) {
            file = try disk.open(path, .readOnly)
        } catch {
            guard error.code == .notFound else { throw StoreFault(error) }
            return nil
        }
        let size = try onDisk { () throws(DiskFault) in try file.size() }
        guard size <= limit else {
            let reason = "has \(size) bytes, where at most \(limit) are expected"
            throw StoreFault(.corrupt, subject: path, reason: reason)
        }
        return try onDisk { () throws(DiskFault) in try file.bytes(at: 0, count: size) }
    }

    /// Tells of every name.
    ///
    /// - Throws: ``StoreFault``: `corrupt` for what is neither file nor folder.
    package func forEachName(_ visit: (String) -> Void) throws(StoreFault) {
        try walk("", depth: 0, visit)
    }

    private func walk(
        _ folder: String,
        depth: Int,
        _ visit: (String) -> Void
    ) throws(StoreFault) {
        let path = folder.isEmpty ? place : place + "/" + folder
        guard depth <= MirrorDirectory.depthMax else {
            throw StoreFault(.corrupt, subject: path, reason: "no mirror has so many folders")
        }
        let entries = try onDisk { () throws(DiskFault) in try disk.list(path) }
        for entry in entries {
            let name = folder.isEmpty ? entry.name : folder + "/" + entry.name
            switch entry.kind {
            case .file: visit(name)
            case .directory: try walk(name, depth: depth + 1, visit)
            case .other:
                let subject = place + "/" + name
                throw StoreFault(.corrupt, subject: subject, reason: "is neither file nor folder")
            }
        }
    }

    /// The sizes of the saved checkpoints, ascending; names that are none are left out.
    ///
    /// - Throws: ``StoreFault``.
    package func saved() throws(StoreFault) -> [UInt64] {
        do throws(DiskFault) {
            return try disk.list(place + "/checkpoints").compactMap {
                MirrorLayout.savedSize($0.name)
            }
            .sorted()
        } catch {
            guard error.code == .notFound else { throw StoreFault(error) }
            return []
        }
    }
}
