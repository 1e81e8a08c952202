// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints: the text of a note that says how large a log is and what its root is. Imports
// TallyTypes; written by the signer, read by every verifier.
//
//     origin LF
//     size, decimal without leading zeros LF
//     base64 of the root, 32 bytes LF
//     further lines, none empty: read past, never written
//
// Example, thirteen records:
//
//     ledger.example/tallystick
//     13
//     5leYoGKVHkp8pc8uPu0sqV7OE+ftAuuEwgxiUkqbxQg=

package import TallyTypes

/// What a log says of itself at one size.
package struct Checkpoint: Hashable, Sendable {
    /// The most records that a checkpoint may count.
    package static let sizeMax = UInt64(Int64.max)
    /// The name of the log.
    package let origin: String
    /// The number of records.
    package let size: UInt64
    /// The root over them.
    package let root: Digest

    /// Makes a checkpoint.
    package init(origin: String, size: UInt64, root: Digest) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// The text that is signed.
    package var text: [UInt8] {
        Array("\(origin)\n\(size)\n".utf8) + Base64.encode(root.bytes) + [0x0A]
    }

    /// Reads the text of a note.
    ///
    /// - Parameters:
    ///   - text: The text with its last line end.
    ///   - origin: The log that it must be of, byte for byte.
    /// - Throws: ``EvidenceRefusal`` `checkpointFormat`, or `origin` for another log.
    package init(text: [UInt8], of origin: String) throws(EvidenceRefusal) {
        guard text.last == 0x0A else { throw Checkpoint.malformed("the last line does not end") }
        let lines = text.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count >= 3, lines.allSatisfy({ !$0.isEmpty }) else {
            throw Checkpoint.malformed("fewer than three lines, or an empty one")
        }
        guard Array(lines[0]) == Array(origin.utf8) else {
            throw EvidenceRefusal(.origin, "of another log")
        }
        guard let size = CanonicalDecimal.read(lines[1]), size <= Checkpoint.sizeMax else {
            throw Checkpoint.malformed("the size is not a decimal number below 2^63")
        }
        guard let bytes = Base64.decode(lines[2]), let root = Digest(bytes) else {
            throw Checkpoint.malformed("the root is not 32 bytes in canonical base64")
        }
        guard size > 0 || root == CompactRange.emptyRoot else {
            throw Checkpoint.malformed("an empty log with another root than that of nothing")
        }
        self.init(origin: origin, size: size, root: root)
    }

    /// Opens a note: at least one of the keys signed it, none of them in vain.
    ///
    /// - Throws: ``EvidenceRefusal`` with the first check that said no.
    package static func open(
        _ note: SignedNote,
        of origin: String,
        keys: [VerifierKey]
    ) throws(EvidenceRefusal) -> Checkpoint {
        _ = try note.signers(among: keys)
        return try Checkpoint(text: note.text, of: origin)
    }

    /// Opens a note of the log that one of the keys is of: a ledger that ended one origin and goes
    /// on under another has keys of both names.
    ///
    /// - Throws: ``EvidenceRefusal`` with the first check that said no.
    package static func open(
        _ note: SignedNote,
        byAnyOf keys: [VerifierKey]
    ) throws(EvidenceRefusal) -> Checkpoint {
        let origin = Array(note.text.prefix { $0 != 0x0A })
        let own = keys.filter { $0.type == .log && Array($0.id.name.text.utf8) == origin }
        guard let name = own.first?.id.name.text else {
            throw EvidenceRefusal(.origin, "of a log that no key is of")
        }
        return try open(note, of: name, keys: own)
    }

    private static func malformed(_ reason: String) -> EvidenceRefusal {
        EvidenceRefusal(.checkpointFormat, reason)
    }
}
