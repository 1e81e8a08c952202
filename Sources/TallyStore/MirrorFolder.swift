// SPDX-License-Identifier: Apache-2.0
//
// Adds files to a mirror directory so that a crash leaves the mirror of before: each is written
// under another name, synced, and renamed; folders are synced once for many files. Imports
// TallyTypes. Called by the writer of mirrors.

import TallyTypes

/// Files on their way into a mirror directory.
struct MirrorFolder {
    /// Files written and not yet renamed, at most.
    private static let pendingMax = 256

    private let disk: any Disk
    private let path: String
    private var pending: [(file: any DiskFile, path: String)] = []
    private var known: Set<String> = []
    private var changed: Set<String> = []

    init(disk: any Disk, path: String) {
        self.disk = disk
        self.path = path
    }

    /// Adds a file; durable, with its name, after ``finish()``.
    ///
    /// - Throws: ``StoreFault``.
    mutating func add(_ name: String, _ bytes: [UInt8]) throws(StoreFault) {
        let target = path + "/" + name
        do throws(DiskFault) {
            try makeFolder(disk.folder(of: target))
            let file = try disk.open(target + ".new", .createOrEmpty)
            try file.write(bytes.span, at: 0)
            try file.beginWriting(0..<bytes.count)
            pending.append((file, target))
            if pending.count >= MirrorFolder.pendingMax { try settle() }
        } catch {
            throw StoreFault(error)
        }
    }

    /// Makes everything that was added durable.
    ///
    /// - Throws: ``StoreFault``.
    mutating func finish() throws(StoreFault) {
        do throws(DiskFault) {
            try settle()
            for folder in changed.sorted() { try disk.syncDirectory(folder) }
            changed = []
        } catch {
            throw StoreFault(error)
        }
    }

    private mutating func settle() throws(DiskFault) {
        for (file, _) in pending { try file.sync() }
        for (_, target) in pending {
            try disk.rename(target + ".new", to: target)
            changed.insert(disk.folder(of: target))
        }
        pending = []
    }

    private mutating func makeFolder(_ folder: String) throws(DiskFault) {
        guard folder != path, !known.contains(folder) else { return }
        let outer = disk.folder(of: folder)
        try makeFolder(outer)
        do throws(DiskFault) {
            try disk.makeDirectory(folder)
        } catch {
            guard error.code == .exists else { throw error }
        }
        // Also when it was there: a try before this one may have ended before it was durable.
        changed.insert(outer)
        known.insert(folder)
    }
}
