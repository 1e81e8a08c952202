// SPDX-License-Identifier: Apache-2.0
//
// Whether anything below a folder was touched: every name with its inode, size, and the times of
// its last change, of content and of attributes. A write that puts the same bytes back is seen too,
// because nobody can set the second time. May import Foundation.

import Foundation
import TestSupport

/// The names below a folder, and what would change with any of them.
struct Manifest: Hashable {
    private let lines: [String: String]

    /// Looks at a folder, or at one file.
    init(_ path: String) throws {
        var lines = ["": try Manifest.line(path)]
        if let names = FileManager.default.subpaths(atPath: path) {
            for name in names { lines[name] = try Manifest.line(path + "/" + name) }
        }
        self.lines = lines
    }

    /// The names that differ from an earlier look.
    func changes(since earlier: Manifest) -> [String] {
        Set(lines.keys).union(earlier.lines.keys)
            .filter { lines[$0] != earlier.lines[$0] }.sorted()
    }

    private static func line(_ path: String) throws -> String {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            throw ProcessTrouble("\(path): cannot be looked at, \(errno)")
        }
        let (content, attributes) = (status.st_mtim, status.st_ctim)
        return "\(status.st_ino) \(status.st_mode) \(status.st_size) \(content.tv_sec)."
            + "\(content.tv_nsec) \(attributes.tv_sec).\(attributes.tv_nsec)"
    }
}

/// One byte of a file, flipped and put back.
struct ByteOfFile: CustomStringConvertible {
    let path: String
    let offset: Int

    var description: String { "\(path) @ \(offset)" }

    /// Runs a test while the byte is another one.
    func flipped(by mask: UInt8, _ test: () async throws -> Void) async throws {
        let before = try change { $0 ^ mask }
        do {
            try await test()
        } catch {
            _ = try change { _ in before }
            throw error
        }
        _ = try change { _ in before }
    }

    private func change(_ transform: (UInt8) -> UInt8) throws -> UInt8 {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        defer { handle.closeFile() }
        try handle.seek(toOffset: UInt64(offset))
        guard let byte = try handle.read(upToCount: 1)?.first else {
            throw ProcessTrouble("\(self): the file is shorter")
        }
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([transform(byte)]))
        return byte
    }
}
