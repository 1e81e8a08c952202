// SPDX-License-Identifier: Apache-2.0
//
// The signer's guard, docs/formats/keys.md: the largest size that a log was signed at, with its
// root, kept beside the key and apart from the data. As text of four lines:
//
//     tallystick guard 1
//     origin ledger.example/tallystick
//     size 8189
//     root 64 lower-case hexadecimal digits 00c0ffee
//
// The last word is the CRC32C of everything before it, in eight lower-case hexadecimal digits.
// Imports TallyTypes. Replaced (write, sync, rename) before each signature.

package import TallyTypes

/// What was signed last.
package struct LogGuard: Hashable, Sendable {
    /// The name of the log.
    package let origin: String
    /// The number of records.
    package let size: UInt64
    /// The root over them.
    package let root: Digest

    /// Makes a guard.
    package init(origin: String, size: UInt64, root: Digest) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// The file's bytes.
    package var bytes: [UInt8] {
        let text = "tallystick guard 1\norigin \(origin)\nsize \(size)\nroot \(root) "
        return checksummed(text)
    }

    /// Reads the file's bytes.
    ///
    /// - Throws: ``Malformed`` for anything but exactly one guard of the known format.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 5, lines[0] == "tallystick guard 1",
            lines[1].hasPrefix("origin "), lines[2].hasPrefix("size "),
            let size = UInt64(lines[2].dropFirst(5)),
            let root = LogGuard.root(lines[3])
        else { throw Malformed("is no guard of format 1") }
        self.init(origin: String(lines[1].dropFirst(7)), size: size, root: root)
        guard self.bytes == bytes else { throw Malformed("its checksum does not match") }
    }

    private static func root(_ line: Substring) -> Digest? {
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == "root" else { return nil }
        return Digest(hexadecimal: words[1].utf8)
    }
}
