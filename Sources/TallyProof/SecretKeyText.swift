// SPDX-License-Identifier: Apache-2.0
//
// The text of a secret key, as other programs for signed notes write it:
//
//     PRIVATE+KEY+<name>+<eight hexadecimal digits>+<base64 of the type and the 32-byte seed>
//
// The type is 01 for a log's key, 04 for a witness's. The digits are the key id, which ties the
// seed to its name. Imports TallyTypes. Read and written by the node only, in a file that nobody
// else may read.

extension SignerKey {
    private static let prefix = "PRIVATE+KEY+"

    /// Makes the text of a key.
    ///
    /// - Throws: ``EvidenceRefusal`` `keyFormat` unless the seed has thirty-two bytes.
    package static func text(
        name: NoteKeyName,
        type: NoteKeyType = .log,
        seed: [UInt8]
    ) throws(EvidenceRefusal) -> String {
        let key = try SignerKey(name: name, type: type, seed: seed)
        return prefix + VerifierKey.start(of: key.verifier)
            + String(decoding: Base64.encode([type.rawValue] + seed), as: UTF8.self)
    }

    /// Reads the text of a key of a type.
    ///
    /// - Throws: ``EvidenceRefusal`` `keyFormat`; the reason says nothing of the secret.
    package init(text: String, type: NoteKeyType = .log) throws(EvidenceRefusal) {
        let parts = text.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY",
            let name = NoteKeyName(String(parts[2])),
            let bytes = Base64.decode(Array(parts[4].utf8)[...]),
            bytes.first == type.rawValue
        else { throw EvidenceRefusal(.keyFormat, "is no secret key of a \(type)") }
        let key = try SignerKey(name: name, type: type, seed: Array(bytes.dropFirst()))
        guard text.hasPrefix(SignerKey.prefix + VerifierKey.start(of: key.verifier)) else {
            throw EvidenceRefusal(.keyFormat, "the key id is not that of name and seed")
        }
        self = key
    }
}

extension VerifierKey {
    /// The name, the id and the plus signs of a key's text.
    fileprivate static func start(of key: VerifierKey) -> String {
        let parts = key.text.split(separator: "+", maxSplits: 2)
        return "\(parts[0])+\(parts[1])+"
    }
}
