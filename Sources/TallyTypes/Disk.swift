// SPDX-License-Identifier: Apache-2.0
//
// The seam to the disk: everything that the log and the stores ask of a file system, and nothing
// else. Standard library only. Conformers: `RealDisk` (TallyStore) and `FaultDisk` (TallySim); both
// run the kit in TallySim/DiskConformance.swift.
//
// Durability, in the words of this seam: bytes written and sizes changed are durable after the
// file's `sync`; names made, changed and removed are durable after `syncDirectory` of each folder
// concerned; nothing is durable earlier, and before that any part of it may be found after a loss
// of power.
//
// A failed sync is `syncFailed` and final. The kernel of the operating system may have dropped the
// pages and marked them clean, so that a second sync would report success for bytes that are gone.
// Whoever meets it stops the node: the log and the stores refuse every later call (invariants 31
// and 41), and the composition root ends the process.

/// What a disk was asked to do; part of every fault's text.
public enum DiskOperation: String, Hashable, Sendable, CaseIterable {
    /// Opening a file, or making one.
    case open
    /// Reading bytes.
    case read
    /// Writing bytes.
    case write
    /// Making a file's bytes durable.
    case sync
    /// Reserving zero bytes.
    case preallocate
    /// Changing a file's size.
    case truncate
    /// Asking a file's size.
    case size
    /// Listing a folder.
    case list
    /// Making a folder.
    case makeDirectory
    /// Giving a file another name.
    case rename
    /// Removing a file.
    case remove
    /// Making a folder's names durable.
    case syncDirectory
    /// Taking a lock.
    case lock
}

/// The disk did not do what was asked.
public struct DiskFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure that callers tell apart.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// There is no such file or folder.
        case notFound
        /// The name is taken.
        case exists
        /// No space, no quota, or over the largest file size.
        case full
        /// The file system is mounted read-only, or the file was opened for reading.
        case readOnly
        /// The user may not.
        case permission
        /// Another process, or another holder in this one, has the lock.
        case locked
        /// The device or the file system failed, or did something unforeseen.
        case io
        /// Bytes could not be made durable; never retried, the node stops.
        case syncFailed
        /// The simulated machine has lost its power; every later operation says so.
        case crashed
    }

    /// The kind of failure.
    public let code: Code
    /// What was asked.
    public let operation: DiskOperation
    /// The file or folder.
    public let path: String
    /// The operating system's words, or the simulator's.
    public let cause: String

    /// Makes a fault.
    public init(_ code: Code, _ operation: DiskOperation, path: String, cause: String) {
        self.code = code
        self.operation = operation
        self.path = path
        self.cause = cause
    }

    /// What the operator can do, as the end of a line; empty when nothing general can be said.
    public var nextStep: String {
        switch code {
        case .full: "; make room, then start again"
        case .readOnly: "; mount it writable"
        case .permission: "; give this user access"
        case .syncFailed: "; check the device, then start again"
        case .notFound, .exists, .locked, .io, .crashed: ""
        }
    }

    /// Path, operation and cause in one line.
    public var description: String { "\(path): \(operation.rawValue): \(cause)" }
}

/// How a file is opened.
public enum DiskOpenMode: Hashable, Sendable {
    /// An existing file, for reading.
    case readOnly
    /// An existing file, for reading and writing.
    case readWrite
    /// A new file; `exists` when the name is taken.
    case createNew
    /// A new file, or an existing one emptied.
    case createOrEmpty
}

/// One name in a folder.
public struct DiskEntry: Hashable, Sendable {
    /// What a name stands for.
    public enum Kind: Hashable, Sendable {
        /// A file.
        case file
        /// A folder.
        case directory
        /// Anything else: a link, a socket, a device.
        case other
    }

    /// The name, without the folder.
    public let name: String
    /// What it stands for.
    public let kind: Kind

    /// Makes an entry.
    public init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

/// An open file, closed when the last reference to it goes; safe to use from several threads.
public protocol DiskFile: AnyObject, Sendable {
    /// The path it was opened under; a later rename does not change it.
    var path: String { get }

    /// Reads as many bytes as the span holds, or fewer where the file ends.
    ///
    /// - Parameters:
    ///   - bytes: Where to; the whole span is asked for.
    ///   - offset: The first byte's offset in the file.
    /// - Returns: The number of bytes read; less than asked for only at the end of the file.
    /// - Throws: ``DiskFault``.
    func read(into bytes: inout MutableSpan<UInt8>, at offset: Int) throws(DiskFault) -> Int

    /// Writes all the bytes; the file grows when they end behind its end.
    ///
    /// - Throws: ``DiskFault``; then any part of the bytes may have been written.
    func write(_ bytes: Span<UInt8>, at offset: Int) throws(DiskFault)

    /// Makes the file's bytes and its size durable.
    ///
    /// - Throws: ``DiskFault`` with `syncFailed` (never retried) or `crashed`.
    func sync() throws(DiskFault)

    /// Makes the file at least this long, with room reserved; new bytes are zero.
    ///
    /// - Throws: ``DiskFault``; `full` when there is no room, then the size may have grown.
    func preallocate(to size: Int) throws(DiskFault)

    /// Makes the file exactly this long; new bytes are zero.
    ///
    /// - Throws: ``DiskFault``.
    func truncate(to size: Int) throws(DiskFault)

    /// Begins to carry a range of bytes to the disk, and does not wait; nothing is durable by it.
    ///
    /// A later ``sync()`` then has less to do, and others less to wait for it.
    ///
    /// - Throws: ``DiskFault``.
    func beginWriting(_ range: Range<Int>) throws(DiskFault)

    /// Lets go of memory that holds copies of a range; what can be read stays the same.
    ///
    /// - Throws: ``DiskFault``.
    func letGo(_ range: Range<Int>) throws(DiskFault)

    /// Returns the file's length in bytes.
    ///
    /// - Throws: ``DiskFault``.
    func size() throws(DiskFault) -> Int
}

/// A lock, held while a reference to it lives; the end of the process releases it too.
public protocol DiskLock: AnyObject, Sendable {
    /// The file that is locked.
    var path: String { get }
}

/// A file system whose paths use `/`; safe to use from several threads.
public protocol Disk: Sendable {
    /// Opens or makes a file.
    ///
    /// - Throws: ``DiskFault``: `notFound`, `exists`, `permission`, `readOnly`, `full`, `io`.
    func open(_ path: String, _ mode: DiskOpenMode) throws(DiskFault) -> any DiskFile

    /// Returns the names in a folder, ascending by their bytes.
    ///
    /// - Throws: ``DiskFault``: `notFound` when there is no such folder.
    func list(_ directory: String) throws(DiskFault) -> [DiskEntry]

    /// Makes a folder in an existing one.
    ///
    /// - Throws: ``DiskFault``: `exists` when the name is taken, `notFound` without the outer
    ///   folder.
    func makeDirectory(_ path: String) throws(DiskFault)

    /// Gives a file another name, replacing what has that name, at once or not at all.
    ///
    /// - Throws: ``DiskFault``.
    func rename(_ path: String, to newPath: String) throws(DiskFault)

    /// Removes the name of a file; whoever has it open keeps it.
    ///
    /// - Throws: ``DiskFault``: `notFound` when there is no such file.
    func remove(_ path: String) throws(DiskFault)

    /// Makes the names in a folder durable.
    ///
    /// - Throws: ``DiskFault`` with `syncFailed`, never retried, or `crashed`.
    func syncDirectory(_ path: String) throws(DiskFault)

    /// Takes the exclusive lock of a file, which is made when it is not there; never waits.
    ///
    /// - Throws: ``DiskFault``: `locked` when another holder has it.
    func lock(_ path: String) throws(DiskFault) -> any DiskLock

    /// Takes a shared lock of an existing file through a handle for reading; never waits.
    ///
    /// - Throws: ``DiskFault``: `locked` when somebody has the exclusive one, `notFound`.
    func lockShared(_ path: String) throws(DiskFault) -> any DiskLock
}

extension Disk {
    /// Returns all bytes of a file.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - limit: The most bytes it may have.
    /// - Returns: The bytes.
    /// - Throws: ``DiskFault``; `io` when the file is longer than the limit or ends early.
    public func contents(of path: String, limit: ByteCount) throws(DiskFault) -> [UInt8] {
        let file = try open(path, .readOnly)
        let size = try file.size()
        guard size <= limit.rawValue else {
            let cause = "\(size) bytes where at most \(limit) are expected"
            throw DiskFault(.io, .read, path: path, cause: cause)
        }
        return try file.bytes(at: 0, count: size)
    }

    /// Replaces a small file by new bytes, so that either the old or the new is found after a
    /// crash.
    ///
    /// Writes `path.new`, syncs it, renames it and syncs the folder: durable on return.
    ///
    /// - Throws: ``DiskFault``.
    public func replace(_ path: String, with bytes: [UInt8]) throws(DiskFault) {
        let new = path + ".new"
        let file = try open(new, .createOrEmpty)
        try file.write(bytes.span, at: 0)
        try file.sync()
        try rename(new, to: path)
        try syncDirectory(folder(of: path))
    }

    /// True when a file or folder of this name is in its folder.
    ///
    /// - Throws: ``DiskFault`` when the folder cannot be listed.
    public func exists(_ path: String) throws(DiskFault) -> Bool {
        let name = path.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init)
        return try list(folder(of: path)).contains { $0.name == name }
    }

    /// The folder of a path: `a` for `a/b`, `.` for `b`, `/` for `/b`.
    public func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

extension DiskFile {
    /// Returns exactly `count` bytes.
    ///
    /// - Throws: ``DiskFault``; `io` when the file ends before.
    public func bytes(at offset: Int, count: Int) throws(DiskFault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        let read = try read(into: &span, at: offset)
        guard read == count else {
            let cause = "ends at \(offset + read) where \(offset + count) was expected"
            throw DiskFault(.io, .read, path: path, cause: cause)
        }
        return bytes
    }

    /// Writes zeros over a range, in pieces of at most 1 MiB.
    ///
    /// - Throws: ``DiskFault``.
    public func writeZeros(at offset: Int, count: Int) throws(DiskFault) {
        let zeros = [UInt8](repeating: 0, count: Swift.min(count, 1 << 20))
        var done = 0
        while done < count {
            let step = Swift.min(zeros.count, count - done)
            try write(zeros.span.extracting(first: step), at: offset + done)
            done += step
        }
    }

    /// Writes a range of bytes over itself, so that the next sync has to make them durable.
    ///
    /// After a sync failed, bytes may be readable and never become durable: the system keeps them
    /// and calls them clean.
    ///
    /// - Throws: ``DiskFault``.
    public func writeAgain(_ range: Range<Int>) throws(DiskFault) {
        var at = range.lowerBound
        while at < range.upperBound {
            let part = try bytes(at: at, count: Swift.min(1 << 20, range.upperBound - at))
            try write(part.span, at: at)
            at += part.count
        }
    }
}
