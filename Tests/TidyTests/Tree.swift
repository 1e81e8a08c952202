// SPDX-License-Identifier: Apache-2.0
//
// The files of the repository as values, so that a rule is a function and its bad sample a tree of
// one or two files. Read once per test run; rules never touch the disk.

import Foundation
import TestSupport

/// One file: its path from the root, its bytes, and what the lexer made of it.
struct TreeFile: Sendable {
    enum Mode { case plain, executable, link }

    let path: String
    let bytes: [UInt8]
    let mode: Mode
    /// The lines without their line ends; empty for a file that is not text.
    let lines: [String]
    let tokens: [Token]
    let comments: [Comment]

    init(path: String, bytes: [UInt8], mode: Mode = .plain) {
        self.path = path
        self.bytes = bytes
        self.mode = mode
        isText = !bytes.contains(0) && String(validating: bytes, as: UTF8.self) != nil
        lines =
            isText
            ? bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            : []
        let isCode = path.hasSuffix(".swift") || path.hasSuffix(".c") || path.hasSuffix(".h")
        let lexed = SwiftTokens(isCode && isText ? bytes : [])
        tokens = lexed.tokens
        comments = lexed.comments
    }

    /// False when the file holds a zero byte or is not UTF-8.
    let isText: Bool

    var isSwift: Bool { path.hasSuffix(".swift") }
    var isMarkdown: Bool { path.hasSuffix(".md") }
    var isSource: Bool { path.hasPrefix("Sources/") }
    var isTest: Bool { path.hasPrefix("Tests/") }
    /// True for data that tests read: golden files and fuzzers' inputs.
    var isTestVector: Bool { path.hasPrefix("Tests/Vectors/") || path.contains("/corpus/") }
    /// The lines without the empty piece after the last line end.
    var lineCount: Int { lines.last == "" ? lines.count - 1 : lines.count }

    /// The module a source file belongs to.
    var module: String? {
        let parts = path.split(separator: "/")
        guard isSource, parts.count > 2 else { return nil }
        return String(parts[1])
    }

    /// True for the modules that must be deterministic and free of I/O.
    var isPure: Bool { module.map(ImportTable.pure.contains) ?? false }
}

/// A set of files, ordered by path.
struct Tree: Sendable {
    let files: [TreeFile]

    init(files: [TreeFile]) {
        self.files = files.sorted { $0.path < $1.path }
    }

    /// A small tree for a sample: path to text.
    init(_ texts: [String: String]) {
        self.init(files: texts.map { TreeFile(path: $0.key, bytes: Array($0.value.utf8)) })
    }

    /// A sample of one file.
    init(_ path: String, _ text: String) {
        self.init([path: text])
    }

    func file(_ path: String) -> TreeFile? {
        files.first { $0.path == path }
    }

    /// Every path of a file and of a folder.
    var paths: Set<String> {
        var all: Set<String> = []
        for file in files {
            var path = file.path
            while !path.isEmpty, all.insert(path).inserted {
                path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
            }
        }
        return all
    }
}

extension Tree {
    /// The repository this test was built from.
    static let repository: Result<Tree, any Error> = Result { try read(PackageRoot.url) }

    /// Reads the files that git tracks or would track; without git, all but build products.
    static func read(_ root: URL) throws -> Tree {
        let paths = try gitPaths(root) ?? walkedPaths(root)
        return Tree(files: try paths.compactMap { try readFile($0, below: root) })
    }

    private static func readFile(_ path: String, below root: URL) throws -> TreeFile? {
        let url = root.appendingPathComponent(path)
        // Deleted, but not yet from git's index.
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
        if attributes[.type] as? FileAttributeType == .typeSymbolicLink {
            return TreeFile(path: path, bytes: [], mode: .link)
        }
        let permissions = attributes[.posixPermissions] as? Int ?? 0
        return TreeFile(
            path: path,
            bytes: [UInt8](try Data(contentsOf: url)),
            mode: permissions & 0o111 == 0 ? .plain : .executable
        )
    }

    /// Returns nil where there is no git or no repository.
    private static func gitPaths(_ root: URL) throws -> [String]? {
        let marker = root.appendingPathComponent(".git").path
        guard FileManager.default.fileExists(atPath: marker) else { return nil }
        let git = Process()
        git.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        git.arguments = [
            "git", "-c", "safe.directory=*", "-C", root.path, "ls-files", "-z", "--cached",
            "--others",
            "--exclude-standard",
        ]
        let output = Pipe()
        git.standardOutput = output
        git.standardError = FileHandle.nullDevice
        try git.run()
        let listed = output.fileHandleForReading.readDataToEndOfFile()
        git.waitUntilExit()
        guard git.terminationStatus == 0 else { return nil }
        return listed.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func walkedPaths(_ root: URL) throws -> [String] {
        guard let walk = FileManager.default.enumerator(atPath: root.path) else { return [] }
        var paths: [String] = []
        for case let path as String in walk {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            if name == ".git" || name == "bin" || name.hasPrefix(".build") {
                walk.skipDescendants()
                continue
            }
            let attributes = try FileManager.default.attributesOfItem(
                atPath: root.appendingPathComponent(path).path
            )
            if attributes[.type] as? FileAttributeType != .typeDirectory { paths.append(path) }
        }
        return paths
    }
}
