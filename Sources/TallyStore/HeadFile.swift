// SPDX-License-Identifier: Apache-2.0
//
// The head: what the record files hold, as text of four lines, docs/formats/data-directory.md:
//
//     tallystick head 1
//     size 8189
//     root 64 lower-case hexadecimal digits
//     log 3 00c0ffee
//
// The last word is the CRC32C of everything before it, in eight lower-case hexadecimal digits.
// Imports TallyTypes and CTally. Replaced (write, sync, rename) after each sync of the record files
// and at clean stop, never ahead of them; at start-up a head above what the log yields is a lost
// entry.

package import TallyTypes

/// The size and root of the tree of all records, as last made durable.
package struct Head: Hashable, Sendable {
    /// The number of records.
    package let size: UInt64
    /// The root of the tree of that size.
    package let root: Digest
    /// The log index as of which the records are.
    package let log: LogIndex

    /// Makes a head.
    package init(size: UInt64, root: Digest, log: LogIndex) {
        self.size = size
        self.root = root
        self.log = log
    }

    /// The file's bytes.
    package var bytes: [UInt8] {
        let text = "tallystick head 1\nsize \(size)\nroot \(root)\nlog \(log) "
        return checksummed(text)
    }

    /// Reads the file's bytes.
    ///
    /// - Throws: `Malformed` for anything but exactly one head of the known format.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.count == 4, lines[0] == "tallystick head 1" else {
            throw Malformed("is no head of format 1")
        }
        let words = lines.flatMap { $0.split(separator: " ") }
        guard words.count == 10, let size = UInt64(words[4]), let log = UInt64(words[8]),
            let root = Digest(hexadecimal: words[6].utf8)
        else { throw Malformed("is no head of format 1") }
        self.init(size: size, root: root, log: LogIndex(log))
        guard self.bytes == bytes else { throw Malformed("its checksum does not match") }
    }
}
