// SPDX-License-Identifier: Apache-2.0
//
// Where bytes come from: a closure that the command line supplies, because a pure module opens no
// file; and the pure part of naming files, relative paths of includes. Standard library only;
// called by the session and by include directives.

/// Why a file could not be supplied, in the words of whoever tried to read it.
package struct SourceFault: Error, Hashable, Sendable {
    /// One line for people, without the path.
    package let reason: String

    /// Makes a fault.
    package init(reason: String) {
        self.reason = reason
    }
}

/// Supplies the whole content of a file by its path.
package struct SourceReader: Sendable {
    /// Returns all bytes of the file at a path.
    package let read: @Sendable (_ path: String) throws(SourceFault) -> [UInt8]

    /// Makes a reader from a closure.
    package init(read: @escaping @Sendable (_ path: String) throws(SourceFault) -> [UInt8]) {
        self.read = read
    }
}

/// Slash-separated paths, resolved by their text alone.
enum SourcePath {
    /// Returns the path that an include in a file names.
    static func resolve(_ path: String, includedBy file: String) -> String {
        if path.hasPrefix("/") { return normalised(path) }
        guard let slash = file.lastIndex(of: "/") else { return normalised(path) }
        return normalised(file[...slash] + path)
    }

    /// Returns the path without `.`, without `name/..` and without doubled slashes.
    static func normalised(_ path: String) -> String {
        var kept: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = kept.last, last != ".." {
                kept.removeLast()
            } else {
                kept.append(part)
            }
        }
        return (path.hasPrefix("/") ? "/" : "") + kept.joined(separator: "/")
    }

    /// Returns the part after the last dot of the file's name, in lower case.
    static func suffix(of path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: ".") else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }
}
