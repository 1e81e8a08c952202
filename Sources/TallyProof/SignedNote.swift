// SPDX-License-Identifier: Apache-2.0
//
// Signed notes: text, a blank line, lines of signatures. Written and read here, for checkpoints and
// for anything else that is signed. Imports nothing; Checkpoint.swift reads the text.
//
//     text LF … LF
//     LF
//     — name base64(id u32 ‖ signature) LF        (em dash U+2014), one or more
//
// A signature of a log (type 1, 64 bytes) is over the text with its last LF. A cosignature of a
// witness (type 4) is a time, u64 seconds, and 64 bytes over `cosignature/v1` LF `time <decimal>`
// LF and the text. Integers are big-endian.
//
// Stricter than some readers: only canonical base64, so that nobody can make a second text of one
// note.

/// A note that was read, and what known keys say of it.
package struct SignedNote: Hashable, Sendable {
    /// The most bytes of a note.
    package static let bytesMax = 1_000_000
    /// The most lines of signatures.
    package static let signaturesMax = 100

    /// A line of a note: who signed, and what stands behind the id.
    package struct Line: Hashable, Sendable {
        /// Name and id of the key.
        package let id: NoteKeyID
        /// The bytes behind the id.
        package let signature: [UInt8]

        /// Makes a line; nothing is checked.
        package init(id: NoteKeyID, signature: [UInt8]) {
            self.id = id
            self.signature = signature
        }

        /// The line with its end.
        package var bytes: [UInt8] {
            Array("— \(id.name.text) ".utf8)
                + Base64.encode(bigEndian(id.number) + signature) + [0x0A]
        }
    }

    /// The text that is signed, with its last line end.
    package let text: [UInt8]
    /// All lines of signatures, in order.
    package let lines: [Line]

    /// Reads a note; no signature is checked.
    ///
    /// - Throws: ``EvidenceRefusal`` `noteFormat`.
    package init(_ bytes: [UInt8]) throws(EvidenceRefusal) {
        guard bytes.count <= SignedNote.bytesMax else {
            throw SignedNote.malformed("larger than \(SignedNote.bytesMax) bytes")
        }
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw SignedNote.malformed("not UTF-8")
        }
        guard string.unicodeScalars.allSatisfy({ $0.value >= 0x20 || $0 == "\n" }) else {
            throw SignedNote.malformed("a control character")
        }
        guard let end = SignedNote.endOfText(bytes) else {
            throw SignedNote.malformed("no blank line before the signatures")
        }
        text = Array(bytes[...end])
        lines = try SignedNote.lines(bytes[(end + 2)...])
    }

    /// Makes a note of lines that were made for its text.
    package init(text: [UInt8], lines: [Line]) {
        self.text = text
        self.lines = lines
    }

    /// The bytes of the note.
    package var bytes: [UInt8] {
        lines.reduce(text + [0x0A]) { $0 + $1.bytes }
    }

    /// The keys of logs that signed the text, in the order of the lines.
    ///
    /// Lines of unknown keys are passed by. One that fails under a known key refuses the note,
    /// whatever others say.
    /// - Throws: ``EvidenceRefusal`` `signature`, also when no known key signed.
    package func signers(among keys: [VerifierKey]) throws(EvidenceRefusal) -> [VerifierKey] {
        var signers: [VerifierKey] = []
        for line in lines {
            for key in keys where key.type == .log && key.id == line.id {
                guard key.verifies(line.signature, over: text) else {
                    throw EvidenceRefusal(.signature, "that of \(line.id.name.text) fails")
                }
                if !signers.contains(key) { signers.append(key) }
            }
        }
        guard !signers.isEmpty else {
            throw EvidenceRefusal(.signature, "by no known key")
        }
        return signers
    }

    /// The witnesses that cosigned the text, with their times.
    ///
    /// - Throws: ``EvidenceRefusal`` `cosignature` when that of a known witness fails.
    package func cosignatures(
        among keys: [VerifierKey]
    ) throws(EvidenceRefusal) -> [Cosignature] {
        var found: [Cosignature] = []
        for line in lines {
            for key in keys where key.type == .witness && key.id == line.id {
                guard let cosignature = Cosignature(key, line.signature, over: text) else {
                    throw EvidenceRefusal(.cosignature, "that of \(line.id.name.text) fails")
                }
                if !found.contains(where: { $0.witness == key }) { found.append(cosignature) }
            }
        }
        return found
    }

    /// The line by which a log signs a text.
    package static func line(
        signing text: [UInt8],
        by key: SignerKey
    ) throws(EvidenceRefusal) -> Line {
        Line(id: key.verifier.id, signature: try key.sign(text))
    }

    // MARK: - Reading

    /// The line end before the last blank line.
    private static func endOfText(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 2 else { return nil }
        return bytes.indices.dropLast().last { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A }
    }

    /// Reads lines of signatures, each with its end: those of a note, or what a witness answers.
    ///
    /// - Throws: ``EvidenceRefusal`` `noteFormat`.
    package static func lines(_ bytes: ArraySlice<UInt8>) throws(EvidenceRefusal) -> [Line] {
        guard let last = bytes.last else { throw malformed("no signature") }
        guard last == 0x0A else { throw malformed("the last line does not end") }
        let texts = bytes.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard texts.count <= signaturesMax else {
            throw malformed("more than \(signaturesMax) signatures")
        }
        var lines: [Line] = []
        for text in texts { lines.append(try line(text)) }
        return lines
    }

    private static func line(_ bytes: ArraySlice<UInt8>) throws(EvidenceRefusal) -> Line {
        let dash = Array("— ".utf8)
        guard bytes.starts(with: dash) else { throw malformed("a line without its dash") }
        let parts = bytes.dropFirst(dash.count)
            .split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2,
            let name = NoteKeyName(String(decoding: parts[0], as: UTF8.self))
        else { throw malformed("a line that is not name and signature") }
        guard let held = Base64.decode(parts[1]) else {
            throw malformed("a signature that is not canonical base64")
        }
        guard held.count > 4 else { throw malformed("no signature behind the key id") }
        return Line(
            id: NoteKeyID(name: name, number: held[0..<4].reduce(0) { $0 << 8 | UInt32($1) }),
            signature: Array(held[4...])
        )
    }

    private static func malformed(_ reason: String) -> EvidenceRefusal {
        EvidenceRefusal(.noteFormat, reason)
    }
}

/// A witness's word that it saw a checkpoint at a time, and none before that contradicts it.
package struct Cosignature: Hashable, Sendable {
    /// The most seconds that a time may have.
    package static let secondsMax = UInt64(Int64.max)
    /// The witness.
    package let witness: VerifierKey
    /// Seconds since 1970 UTC by the witness's clock.
    package let seconds: UInt64

    /// Checks what stands behind the id of a line; nil when it is not the witness's.
    fileprivate init?(_ key: VerifierKey, _ bytes: [UInt8], over text: [UInt8]) {
        guard bytes.count == 8 + 64 else { return nil }
        let seconds = bytes[0..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard seconds <= Cosignature.secondsMax,
            key.verifies(Array(bytes[8...]), over: Cosignature.message(seconds, text))
        else { return nil }
        witness = key
        self.seconds = seconds
    }

    /// The line by which a witness cosigns a text.
    ///
    /// - Throws: ``EvidenceRefusal`` `cosignature` for a time that cannot be written.
    package static func line(
        signing text: [UInt8],
        at seconds: UInt64,
        by key: SignerKey
    ) throws(EvidenceRefusal) -> SignedNote.Line {
        guard seconds <= secondsMax else {
            throw EvidenceRefusal(.cosignature, "a time above 2^63 - 1")
        }
        let signature = try key.sign(message(seconds, text))
        return SignedNote.Line(id: key.verifier.id, signature: bigEndian(seconds) + signature)
    }

    private static func message(_ seconds: UInt64, _ text: [UInt8]) -> [UInt8] {
        Array("cosignature/v1\ntime \(seconds)\n".utf8) + text
    }
}

private func bigEndian<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) -> [UInt8] {
    (0..<Number.bitWidth / 8).reversed().map {
        UInt8(truncatingIfNeeded: number >> Number(8 * $0))
    }
}
