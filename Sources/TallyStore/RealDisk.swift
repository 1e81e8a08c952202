// SPDX-License-Identifier: Apache-2.0
//
// The operating system's file system behind the `Disk` seam. Imports TallyTypes and the C library.
// The node makes one; every call may block and belongs on a thread of its own, never on the shared
// pool.
//
// A failed `fdatasync` or `fsync` is `syncFailed` and is never retried here or by any caller: see
// TallyTypes/Disk.swift. New files are readable and writable by their owner only.

internal import CTally
internal import Glibc
package import TallyTypes

/// The operating system's file system.
package struct RealDisk: Disk {
    /// Makes the disk; it holds no state.
    package init() {}

    /// Opens or makes a file.
    ///
    /// - Throws: `DiskFault`.
    package func open(_ path: String, _ mode: DiskOpenMode) throws(DiskFault) -> any DiskFile {
        let flags =
            switch mode {
            case .readOnly: O_RDONLY
            case .readWrite: O_RDWR
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            case .createOrEmpty: O_RDWR | O_CREAT | O_TRUNC
            }
        let descriptor = try openDescriptor(path, flags, .open)
        return RealFile(descriptor: descriptor, path: path)
    }

    /// Returns the names in a folder, ascending by their bytes.
    ///
    /// - Throws: `DiskFault`.
    package func list(_ directory: String) throws(DiskFault) -> [DiskEntry] {
        guard let stream = unsafe opendir(directory) else {
            throw systemFault(errno, .list, directory)
        }
        defer { _ = unsafe closedir(stream) }
        var entries: [DiskEntry] = []
        while true {
            errno = 0
            guard let found = unsafe readdir(stream) else { break }
            let name = unsafe withUnsafePointer(to: &found.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { start in
                    unsafe String(cString: start)
                }
            }
            guard name != ".", name != ".." else { continue }
            let type = unsafe Int32(found.pointee.d_type)
            entries.append(DiskEntry(name: name, kind: try kind(type, directory + "/" + name)))
        }
        guard errno == 0 else { throw systemFault(errno, .list, directory) }
        return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Makes a folder in an existing one.
    ///
    /// - Throws: `DiskFault`.
    package func makeDirectory(_ path: String) throws(DiskFault) {
        guard unsafe mkdir(path, 0o700) == 0 else { throw systemFault(errno, .makeDirectory, path) }
    }

    /// Gives a file another name, replacing what has that name.
    ///
    /// - Throws: `DiskFault`.
    package func rename(_ path: String, to newPath: String) throws(DiskFault) {
        guard unsafe Glibc.rename(path, newPath) == 0 else {
            throw systemFault(errno, .rename, path)
        }
    }

    /// Removes the name of a file.
    ///
    /// - Throws: `DiskFault`.
    package func remove(_ path: String) throws(DiskFault) {
        guard unsafe unlink(path) == 0 else { throw systemFault(errno, .remove, path) }
    }

    /// Makes the names in a folder durable.
    ///
    /// - Throws: `DiskFault` with `syncFailed`, never retried.
    package func syncDirectory(_ path: String) throws(DiskFault) {
        let descriptor = try openDescriptor(path, O_RDONLY | O_DIRECTORY, .syncDirectory)
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw DiskFault(.syncFailed, .syncDirectory, path: path, cause: systemText(errno))
        }
    }

    /// Takes the exclusive lock of a file; never waits.
    ///
    /// - Throws: `DiskFault`: `locked` when another holder has it.
    package func lock(_ path: String) throws(DiskFault) -> any DiskLock {
        try lock(path, O_RDWR | O_CREAT, LOCK_EX)
    }

    /// Takes a shared lock of an existing file; never waits, and needs no right to write.
    ///
    /// - Throws: `DiskFault`: `locked` when another holder has the exclusive one.
    package func lockShared(_ path: String) throws(DiskFault) -> any DiskLock {
        try lock(path, O_RDONLY, LOCK_SH)
    }

    private func lock(
        _ path: String,
        _ flags: Int32,
        _ kind: Int32
    ) throws(DiskFault) -> any DiskLock {
        let descriptor = try openDescriptor(path, flags, .lock)
        let held = RealLock(descriptor: descriptor, path: path)
        guard flock(descriptor, kind | LOCK_NB) == 0 else {
            let number = errno
            guard number == EWOULDBLOCK else { throw systemFault(number, .lock, path) }
            throw DiskFault(.locked, .lock, path: path, cause: "another process holds the lock")
        }
        return held
    }

    private func openDescriptor(
        _ path: String,
        _ flags: Int32,
        _ operation: DiskOperation
    ) throws(DiskFault) -> Int32 {
        while true {
            let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
            guard descriptor < 0 else { return descriptor }
            guard errno == EINTR else { throw systemFault(errno, operation, path) }
        }
    }

    private func kind(_ type: Int32, _ path: String) throws(DiskFault) -> DiskEntry.Kind {
        switch type {
        case Int32(DT_REG): return .file
        case Int32(DT_DIR): return .directory
        case Int32(DT_UNKNOWN):
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else { throw systemFault(errno, .list, path) }
            let format = status.st_mode & S_IFMT
            return format == S_IFREG ? .file : format == S_IFDIR ? .directory : .other
        default: return .other
        }
    }
}

/// An open file of the operating system.
private final class RealFile: DiskFile {
    let path: String
    private let descriptor: Int32

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        // A close after the last sync has nothing left to report.
        _ = close(descriptor)
    }

    func read(into bytes: inout MutableSpan<UInt8>, at offset: Int) throws(DiskFault) -> Int {
        let wanted = bytes.count
        var done = 0
        while done < wanted {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    descriptor,
                    buffer.baseAddress?.advanced(by: done),
                    wanted - done,
                    offset + done
                )
            }
            if count == 0 { break }
            if count > 0 {
                done += count
            } else if errno != EINTR {
                throw systemFault(errno, .read, path)
            }
        }
        return done
    }

    func write(_ bytes: Span<UInt8>, at offset: Int) throws(DiskFault) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(
                    descriptor,
                    buffer.baseAddress?.advanced(by: done),
                    buffer.count - done,
                    offset + done
                )
            }
            if count > 0 {
                done += count
            } else if count == 0 || errno != EINTR {
                throw systemFault(count == 0 ? ENOSPC : errno, .write, path)
            }
        }
    }

    func sync() throws(DiskFault) {
        guard fdatasync(descriptor) == 0 else {
            throw DiskFault(.syncFailed, .sync, path: path, cause: systemText(errno))
        }
    }

    func beginWriting(_ range: Range<Int>) throws(DiskFault) {
        let begun = tally_begin_writing(
            descriptor,
            Int64(range.lowerBound),
            Int64(range.count)
        )
        guard begun == 0 else { throw systemFault(begun, .write, path) }
    }

    func letGo(_ range: Range<Int>) throws(DiskFault) {
        let number = posix_fadvise(
            descriptor,
            range.lowerBound,
            range.count,
            POSIX_FADV_DONTNEED
        )
        guard number == 0 else { throw systemFault(number, .sync, path) }
    }

    func preallocate(to size: Int) throws(DiskFault) {
        guard size > 0 else { return }
        while true {
            let number = posix_fallocate(descriptor, 0, size)
            guard number != 0 else { return }
            guard number == EINTR else { throw systemFault(number, .preallocate, path) }
        }
    }

    func truncate(to size: Int) throws(DiskFault) {
        guard ftruncate(descriptor, size) == 0 else { throw systemFault(errno, .truncate, path) }
    }

    func size() throws(DiskFault) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw systemFault(errno, .size, path)
        }
        return Int(status.st_size)
    }
}

/// A lock that the operating system holds for an open file.
private final class RealLock: DiskLock {
    let path: String
    private let descriptor: Int32

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        _ = close(descriptor)
    }
}

private func systemText(_ number: Int32) -> String {
    guard let text = unsafe strerror(number) else { return "error \(number)" }
    return unsafe String(cString: text)
}

/// A fault from the system's error number.
private func systemFault(
    _ number: Int32,
    _ operation: DiskOperation,
    _ path: String
) -> DiskFault {
    let code: DiskFault.Code =
        switch number {
        case ENOENT, ENOTDIR: .notFound
        case EEXIST, ENOTEMPTY, EISDIR: .exists
        case ENOSPC, EDQUOT, EFBIG: .full
        case EROFS: .readOnly
        case EBADF: operation == .write ? .readOnly : .io
        case EACCES, EPERM: .permission
        default: .io
        }
    return DiskFault(code, operation, path: path, cause: systemText(number))
}
