// SPDX-License-Identifier: Apache-2.0
//
// Keys of signed notes: the text of a verifier key, its id, and the making of signatures. Ed25519
// only (RFC 8032); other types are unknown keys, which a reader passes by. Imports Crypto for
// Ed25519; SignedNote.swift uses the keys.
//
// | value | definition |
// |---|---|
// | key id | first four bytes of SHA-256(name ‖ 0A ‖ type ‖ public key) |
// | verifier key | name `+` eight lower-case hex digits of the id `+` base64(type ‖ public key) |
// | type | 1: signature over the text. 4: cosignature, over header, time and text |

import enum Crypto.Curve25519
import TallyTypes

/// What kind of signature a key makes.
package enum NoteKeyType: UInt8, Hashable, Sendable {
    /// Of a log: Ed25519 over the text of the note.
    case log = 1
    /// Of a witness: Ed25519 over a header with the time, and the text.
    case witness = 4
}

/// A name under which notes are signed.
package struct NoteKeyName: Hashable, Sendable {
    /// The name: not empty, without white space and `+`.
    package let text: String

    /// Takes a name; nil when it is no name of a key.
    package init?(_ text: String) {
        let isLegal = text.unicodeScalars.allSatisfy { scalar in
            scalar != "+" && !scalar.properties.isWhitespace && scalar.value >= 0x20
        }
        guard !text.isEmpty, isLegal else { return nil }
        self.text = text
    }
}

/// What a key is told apart by in a line of a note.
package struct NoteKeyID: Hashable, Sendable {
    /// The name of the signer.
    package let name: NoteKeyName
    /// The four bytes before each signature, as a number.
    package let number: UInt32
}

/// The public half of a key.
package struct VerifierKey: Hashable, Sendable {
    /// The number of bytes of a public key.
    package static let keyBytes = 32
    /// Name and id.
    package let id: NoteKeyID
    /// What it signs.
    package let type: NoteKeyType
    /// The Ed25519 public key.
    package let publicKey: [UInt8]

    /// Makes the key of a name.
    ///
    /// - Throws: ``EvidenceRefusal`` `keyFormat` unless the public key has thirty-two bytes.
    package init(
        name: NoteKeyName,
        type: NoteKeyType,
        publicKey: [UInt8]
    ) throws(EvidenceRefusal) {
        guard publicKey.count == VerifierKey.keyBytes else {
            throw EvidenceRefusal(.keyFormat, "a public key of \(publicKey.count) bytes")
        }
        self.type = type
        self.publicKey = publicKey
        let named = Array(name.text.utf8) + [0x0A, type.rawValue] + publicKey
        let digest = Hashing.sha256(named).bytes
        id = NoteKeyID(
            name: name,
            number: digest[0..<4].reduce(0) { $0 << 8 | UInt32($1) }
        )
    }

    /// Reads the text of a key; base64 may hold `+`, so only the first two separate.
    ///
    /// - Throws: ``EvidenceRefusal`` `keyFormat` with what is wrong.
    package init(text: String) throws(EvidenceRefusal) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let name = NoteKeyName(String(parts[0])) else {
            throw EvidenceRefusal(.keyFormat, "not name+id+key")
        }
        guard let bytes = Base64.decode(Array(parts[2].utf8)[...]), let first = bytes.first else {
            throw EvidenceRefusal(.keyFormat, "the key is not canonical base64")
        }
        guard let type = NoteKeyType(rawValue: first) else {
            throw EvidenceRefusal(.keyFormat, "a key of type \(first)")
        }
        try self.init(name: name, type: type, publicKey: Array(bytes.dropFirst()))
        guard VerifierKey.hexadecimal(id.number) == parts[1] else {
            throw EvidenceRefusal(.keyFormat, "the id is not that of name and key")
        }
    }

    /// The text that is handed to verifiers.
    package var text: String {
        let key = Base64.encode([type.rawValue] + publicKey)
        return id.name.text + "+" + VerifierKey.hexadecimal(id.number) + "+"
            + String(decoding: key, as: UTF8.self)
    }

    /// The eight hexadecimal digits of the id.
    package var idText: String { VerifierKey.hexadecimal(id.number) }

    /// True when a signature over a message is this key's.
    package func verifies(_ signature: [UInt8], over message: [UInt8]) -> Bool {
        do {
            return try Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
                .isValidSignature(signature, for: message)
        } catch {
            return false  // not a point of the curve
        }
    }

    private static func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

/// The secret half of a key.
///
/// Never printed, never part of evidence.
package struct SignerKey: Sendable {
    /// The number of bytes of a seed.
    package static let seedBytes = 32
    /// The public half.
    package let verifier: VerifierKey
    private let key: Curve25519.Signing.PrivateKey

    /// Makes the key of a seed.
    ///
    /// - Throws: ``EvidenceRefusal`` `keyFormat` unless the seed has thirty-two bytes.
    package init(
        name: NoteKeyName,
        type: NoteKeyType,
        seed: [UInt8]
    ) throws(EvidenceRefusal) {
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        } catch {
            throw EvidenceRefusal(.keyFormat, "a seed of \(seed.count) bytes")
        }
        verifier = try VerifierKey(
            name: name,
            type: type,
            publicKey: [UInt8](key.publicKey.rawRepresentation)
        )
    }

    /// Signs a message.
    ///
    /// - Throws: ``EvidenceRefusal`` `signature` when the library cannot.
    func sign(_ message: [UInt8]) throws(EvidenceRefusal) -> [UInt8] {
        do {
            return try [UInt8](key.signature(for: message))
        } catch {
            throw EvidenceRefusal(.signature, "cannot be made: \(error)")
        }
    }
}
