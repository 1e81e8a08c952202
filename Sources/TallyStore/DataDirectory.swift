// SPDX-License-Identifier: Apache-2.0
//
// The data directory, docs/formats/data-directory.md: where everything of a ledger lies, who may
// open it, and whether this program knows its format. Imports TallyTypes.
//
//     DIR/FORMAT    the text "tallystick data 1" and a line feed; written last when DIR is made
//     DIR/LOCK      empty; locked while a process has DIR open
//     DIR/log/      the embedded log          DIR/records/  the record files
//     DIR/state/    the state store           DIR/image/    the cache image
//     DIR/views/    disposable projections
//     DIR/head      size, root and log index of the records (HeadFile.swift)
//     DIR/sums      after a clean stop: SHA-256 of each file of the state store (StateSums.swift)
//
// A refusal changes nothing: no file is made in a folder that holds something else, or whose format
// is another, or that is locked.

internal import Synchronization
package import TallyTypes

/// How a data directory is opened.
package enum DataDirectoryMode: Hashable, Sendable {
    /// For a node; an empty folder becomes a new ledger.
    case createOrOpen
    /// For a node or a tool on an existing ledger.
    case open
    /// For the verifier: nothing is changed, and no right to write is needed.
    case inspect
    /// For a restore: an empty folder becomes a ledger when ``DataDirectory/publish()`` is called.
    case restore
    /// For a copy beside a running node: takes no lock, so only what is durable may be read.
    case observe
}

/// An open data directory, locked while a reference to it lives.
package final class DataDirectory: Sendable {
    /// What FORMAT holds.
    package static let format = Array("tallystick data 1\n".utf8)
    static let folders = ["image", "log", "records", "state", "views"]

    /// The disk it is on.
    package let disk: any Disk
    /// The folder.
    package let path: String
    /// True when this call has made the ledger.
    package let isNew: Bool
    /// Why an inspected directory may be in use by a node unseen; nil when it is locked.
    package let lockNote: String?
    private let held: Mutex<(any DiskLock)?>

    /// Opens a data directory, or makes one in an empty folder.
    ///
    /// - Throws: ``StoreFault``: `locked`, `notEmpty`, `unknownFormat`, `missing`, `disk`.
    package init(
        disk: any Disk,
        path: String,
        mode: DataDirectoryMode
    ) throws(StoreFault) {
        self.disk = disk
        self.path = path
        let names = try Self.names(disk, path, mode)
        guard let names, names.contains("FORMAT") else {
            guard mode == .createOrOpen || mode == .restore else {
                throw StoreFault(.missing, subject: path, reason: "holds no ledger")
            }
            held = Mutex(try Self.create(disk, path, names, isReady: mode == .createOrOpen))
            lockNote = nil
            isNew = true
            return
        }
        guard mode != .restore else {
            throw StoreFault(.notEmpty, subject: path, reason: "holds a ledger")
        }
        try Self.checkFormat(disk, path)
        let lock = mode == .observe ? (held: nil, note: nil) : try Self.lock(disk, path, mode)
        held = Mutex(lock.held)
        lockNote = lock.note
        isNew = false
        if mode != .inspect, mode != .observe {
            // Names that an earlier process made or removed may not be durable yet.
            try onDisk { () throws(DiskFault) in try disk.syncDirectory(path) }
        }
        for folder in Self.folders where !names.contains(folder) {
            let subject = path + "/" + folder
            throw StoreFault(.missing, subject: subject, reason: "is missing")
        }
    }

    /// What a start needs beside what it has: the engines write when they open.
    static let roomBytes = 4 << 20

    /// Looks for room by taking it for a moment.
    ///
    /// A state store that opens on a full disk ends the process, and says nothing of the disk.
    ///
    /// - Throws: ``StoreFault``: `disk`, full, naming the folder.
    package func requireRoom() throws(StoreFault) {
        let probe = path + "/room.new"
        do {
            let file = try disk.open(probe, .createOrEmpty)
            let taken = Result { () throws(DiskFault) in
                try file.preallocate(to: Self.roomBytes)
            }
            try disk.remove(probe)
            try taken.get()
        } catch {
            guard error.code == .full else { throw StoreFault(error) }
            throw StoreFault(
                .disk,
                subject: path,
                reason: "\(path): a start needs \(Self.roomBytes >> 20) MiB: \(error.cause)",
                cause: error
            )
        }
    }

    /// Gives the lock back; nothing of the directory is used afterwards.
    package func unlock() {
        held.withLock { $0 = nil }
    }

    /// The folder of the embedded log.
    package var log: String { path + "/log" }
    /// The folder of the record files.
    package var records: String { path + "/records" }
    /// The folder of the state store.
    package var state: String { path + "/state" }
    /// The folder of the cache image.
    package var image: String { path + "/image" }
    /// The folder of the views.
    package var views: String { path + "/views" }

    /// Returns the head, or nil before the first.
    ///
    /// - Throws: ``StoreFault``: `corrupt` when a byte of it is wrong.
    package func readHead() throws(StoreFault) -> Head? {
        let file = path + "/head"
        guard try onDisk({ () throws(DiskFault) in try disk.exists(file) }) else { return nil }
        let bytes = try onDisk { () throws(DiskFault) in
            try disk.contents(of: file, limit: ByteCount(4096))
        }
        do {
            return try Head(bytes)
        } catch {
            throw StoreFault(.corrupt, subject: file, reason: error.description)
        }
    }

    /// Replaces the head; durable on return.
    ///
    /// - Throws: ``StoreFault``.
    package func write(_ head: Head) throws(StoreFault) {
        try onDisk { () throws(DiskFault) in try disk.replace(path + "/head", with: head.bytes) }
    }

    /// The verifier keys of the ledger, one line each; nil when it never had a key.
    ///
    /// - Throws: ``StoreFault``.
    package func readVerifierKeys() throws(StoreFault) -> [String]? {
        guard let bytes = try read("vkeys", limit: 65_536) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }

    /// Replaces the verifier keys; durable on return.
    ///
    /// - Throws: ``StoreFault``.
    package func writeVerifierKeys(_ keys: [String]) throws(StoreFault) {
        let bytes = Array(keys.map { $0 + "\n" }.joined().utf8)
        try onDisk { () throws(DiskFault) in try disk.replace(path + "/vkeys", with: bytes) }
    }

    /// The newest signed checkpoint, as bytes; nil before the first.
    ///
    /// - Throws: ``StoreFault``.
    package func readCheckpoint() throws(StoreFault) -> [UInt8]? {
        try read("checkpoint", limit: 1_000_000)
    }

    /// Replaces the newest checkpoint; durable on return.
    ///
    /// - Throws: ``StoreFault``.
    package func writeCheckpoint(_ note: [UInt8]) throws(StoreFault) {
        try onDisk { () throws(DiskFault) in try disk.replace(path + "/checkpoint", with: note) }
    }

    private func read(_ name: String, limit: Int) throws(StoreFault) -> [UInt8]? {
        let file = path + "/" + name
        return try onDisk { () throws(DiskFault) in
            guard try disk.exists(file) else { return nil }
            return try disk.contents(of: file, limit: ByteCount(limit))
        }
    }

    /// The names in the folder; nil when there is no folder.
    private static func names(
        _ disk: any Disk,
        _ path: String,
        _ mode: DataDirectoryMode
    ) throws(StoreFault) -> [String]? {
        do {
            return try disk.list(path).map(\.name)
        } catch {
            let mayMake = mode == .createOrOpen || mode == .restore
            guard error.code == .notFound, mayMake else { throw StoreFault(error) }
            return nil
        }
    }

    private static func checkFormat(_ disk: any Disk, _ path: String) throws(StoreFault) {
        let file = path + "/FORMAT"
        let found = try onDisk { () throws(DiskFault) in
            try disk.contents(of: file, limit: ByteCount(4096))
        }
        guard found == format else {
            let line = String(decoding: found.prefix(40).filter { $0 != 10 }, as: UTF8.self)
            throw StoreFault(.unknownFormat, subject: file, reason: "holds “\(line)”")
        }
    }

    private static func lock(
        _ disk: any Disk,
        _ path: String,
        _ mode: DataDirectoryMode
    ) throws(StoreFault) -> (held: (any DiskLock)?, note: String?) {
        let file = path + "/LOCK"
        do {
            if mode == .inspect { return (try disk.lockShared(file), nil) }
            return (try disk.lock(file), nil)
        } catch {
            switch (error.code, mode) {
            case (.locked, _):
                throw StoreFault(.locked, subject: path, reason: "is open in another process")
            case (.notFound, .inspect), (.permission, .inspect), (.readOnly, .inspect):
                return (nil, "not locked, so a node may have it open: \(error)")
            default: throw StoreFault(error)
            }
        }
    }

    /// Makes a ledger's folders; also goes on where an earlier call was interrupted.
    private static func create(
        _ disk: any Disk,
        _ path: String,
        _ names: [String]?,
        isReady: Bool
    ) throws(StoreFault) -> (any DiskLock)? {
        try checkEmpty(disk, path, names ?? [])
        try onDisk { () throws(DiskFault) in
            if names == nil { try disk.makeDirectory(path) }
            try disk.syncDirectory(disk.folder(of: path))
        }
        let lock = try lock(disk, path, .createOrOpen).held
        try onDisk { () throws(DiskFault) in
            for folder in folders where !(names ?? []).contains(folder) {
                try disk.makeDirectory(path + "/" + folder)
            }
            try disk.syncDirectory(path)
            if isReady { try disk.replace(path + "/FORMAT", with: format) }
        }
        return lock
    }

    /// Makes a restored folder a ledger: everything else in it is there, and durable.
    ///
    /// - Throws: ``StoreFault``.
    package func publish() throws(StoreFault) {
        try onDisk { () throws(DiskFault) in
            try disk.syncDirectory(path)
            try disk.replace(path + "/FORMAT", with: Self.format)
        }
    }

    private static func checkEmpty(
        _ disk: any Disk,
        _ path: String,
        _ names: [String]
    ) throws(StoreFault) {
        let own = folders + ["LOCK", "FORMAT.new"]
        if let foreign = names.first(where: { !own.contains($0) }) {
            throw StoreFault(.notEmpty, subject: path, reason: "holds “\(foreign)” and no FORMAT")
        }
        for folder in folders where names.contains(folder) {
            let inside = try onDisk { () throws(DiskFault) in
                try disk.list(path + "/" + folder)
            }
            guard let first = inside.first else { continue }
            let reason = "holds “\(folder)/\(first.name)” and no FORMAT"
            throw StoreFault(.notEmpty, subject: path, reason: reason)
        }
    }
}
