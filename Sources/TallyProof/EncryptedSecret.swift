// SPDX-License-Identifier: Apache-2.0
//
// A secret text under a passphrase, for key files that may be copied with a disk:
//
//     ENCRYPTED+KEY+<base64 of the bytes below>
//
// | bytes | what |
// |---|---|
// | 1 | 01: scrypt with r = 8, p = 1, then ChaCha20-Poly1305 |
// | 1 | log2 of scrypt's N, 14 to 18 |
// | 16 | salt |
// | 12 | nonce |
// | n + 16 | the text, encrypted, with its tag; authenticated with it: the 30 bytes before |
//
// Imports CTally for scrypt and Crypto for the cipher. Read and written by the node only.

import CTally
import Crypto

/// A secret text under a passphrase.
package enum EncryptedSecret {
    private static let prefix = "ENCRYPTED+KEY+"
    private static let format: UInt8 = 1
    private static let costs: ClosedRange<UInt8> = 14...18
    private static let defaultCost: UInt8 = 15
    private static let saltBytes = 16
    private static let headBytes = 30

    /// True for a text of this form, whether or not it can be opened.
    package static func isEncrypted(_ text: String) -> Bool { text.hasPrefix(prefix) }

    /// Encrypts a text.
    ///
    /// - Parameters:
    ///   - text: The secret.
    ///   - passphrase: What opens it again; not empty.
    ///   - random: Twenty-eight random bytes or more, used for this text alone.
    /// - Returns: The encrypted text, without a line feed.
    /// - Throws: ``EvidenceRefusal`` `keyFormat`.
    package static func encrypt(
        _ text: String,
        passphrase: String,
        random: [UInt8]
    ) throws(EvidenceRefusal) -> String {
        guard random.count >= headBytes - 2, !passphrase.isEmpty else {
            throw EvidenceRefusal(.keyFormat, "no passphrase, or too few random bytes")
        }
        let head = [format, defaultCost] + random.prefix(headBytes - 2)
        do {
            let box = try ChaChaPoly.seal(
                Array(text.utf8),
                using: key(passphrase, head),
                nonce: ChaChaPoly.Nonce(data: head[(2 + saltBytes)...]),
                authenticating: head
            )
            let all = head + Array(box.ciphertext) + Array(box.tag)
            return prefix + String(decoding: Base64.encode(all), as: UTF8.self)
        } catch {
            throw EvidenceRefusal(.keyFormat, "cannot be encrypted: \(error)")
        }
    }

    /// Decrypts a text.
    ///
    /// - Throws: ``EvidenceRefusal`` `keyFormat`: no such form, or another passphrase.
    package static func decrypt(
        _ text: String,
        passphrase: String
    ) throws(EvidenceRefusal) -> String {
        guard text.hasPrefix(prefix),
            let bytes = Base64.decode(Array(text.utf8.dropFirst(prefix.utf8.count))[...]),
            bytes.count > headBytes + 16, bytes[0] == format, costs.contains(bytes[1])
        else { throw EvidenceRefusal(.keyFormat, "is no encrypted key of format 1") }
        let head = Array(bytes[..<headBytes])
        do {
            let box = try ChaChaPoly.SealedBox(
                nonce: ChaChaPoly.Nonce(data: head[(2 + saltBytes)...]),
                ciphertext: bytes[headBytes..<(bytes.count - 16)],
                tag: bytes[(bytes.count - 16)...]
            )
            let opened = try ChaChaPoly.open(
                box,
                using: key(passphrase, head),
                authenticating: head
            )
            return String(decoding: opened, as: UTF8.self)
        } catch {
            throw EvidenceRefusal(.keyFormat, "does not open with this passphrase")
        }
    }

    private static func key(
        _ passphrase: String,
        _ head: [UInt8]
    ) throws(EvidenceRefusal) -> SymmetricKey {
        let words = Array(passphrase.utf8)
        let salt = Array(head[2..<(2 + saltBytes)])
        var key = [UInt8](repeating: 0, count: 32)
        let isDone = unsafe tally_scrypt(
            words,
            words.count,
            salt,
            salt.count,
            1 << UInt64(head[1]),
            &key,
            key.count
        )
        guard isDone == 1 else { throw EvidenceRefusal(.keyFormat, "scrypt failed") }
        return SymmetricKey(data: key)
    }
}
