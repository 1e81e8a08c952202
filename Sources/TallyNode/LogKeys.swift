// SPDX-License-Identifier: Apache-2.0
//
// Where a ledger's signing key is kept: a folder beside the data directory and never inside it, so
// that no backup of the data rewinds the guard. docs/formats/keys.md. Holds `log.key` (the secret,
// for its owner alone) and `guard` (what was signed last). The data directory carries the public
// half in `vkeys`. May import Foundation for the permissions of a file. Called by start-up.

import Foundation
import TallyProof
import TallyStore
package import TallyTypes

/// The folder of a ledger's keys.
package struct LogKeys: Sendable {
    /// What start-up found there.
    enum Found {
        /// The keys, what they signed last, and the lock that keeps others from signing with them.
        case keys([SignerKey], LogGuard, any DiskLock)
        /// Nothing is signed, because of this.
        case none(String)
    }

    let disk: any Disk
    let folder: String
    let seed: @Sendable () -> Digest
    private let passphrase: String?

    /// The keys in a folder.
    ///
    /// - Parameters:
    ///   - disk: The disk it is on.
    ///   - folder: The folder; made with a new key when the ledger never signed.
    ///   - passphrase: Decrypts an encrypted key file, and encrypts what is written.
    ///   - seed: Gives thirty-two random bytes.
    package init(
        disk: any Disk,
        folder: String,
        passphrase: String? = nil,
        seed: @escaping @Sendable () -> Digest
    ) {
        self.disk = disk
        self.passphrase = passphrase
        self.folder = LogKeys.absolute(folder)
        self.seed = seed
    }

    /// The folder of the keys of a data directory, when the operator names none.
    package static func folder(of directory: String) -> String {
        absolute(directory) + ".keys"
    }

    /// Refuses a folder of keys within the data: a backup would take the guard back with it.
    ///
    /// - Throws: ``NodeFault``.
    package static func requireApart(_ keys: String, from directory: String) throws {
        let (inner, outer) = (absolute(keys), absolute(directory))
        guard inner == outer || inner.hasPrefix(outer + "/") else { return }
        throw NodeFault(
            .directory,
            subject: keys,
            reason: "is within the data directory \(directory)",
            nextStep: "name a folder outside of it with --keys"
        )
    }

    /// The path without `.`, `..` and links, and without a slash at its end.
    private static func absolute(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }

    /// The passphrase of a key file: the first line of a file, else of the environment, else none.
    ///
    /// - Throws: ``NodeFault`` for a file that cannot be read or is empty.
    package static func passphrase(file: String?) throws -> String? {
        guard let file else {
            return ProcessInfo.processInfo.environment["TALLY_KEY_PASSPHRASE"]
        }
        guard let bytes = FileManager.default.contents(atPath: file),
            let line = String(decoding: bytes, as: UTF8.self)
                .split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first,
            !line.isEmpty
        else {
            throw NodeFault(
                .directory,
                subject: file,
                reason: "has no passphrase in its first line, or cannot be read",
                nextStep: "write the passphrase there, for its owner alone"
            )
        }
        return String(line)
    }

    /// Refuses a folder that holds no ledger, so that no command makes one by mistake.
    ///
    /// - Throws: ``NodeFault``.
    package static func requireLedger(_ directory: String) throws {
        guard FileManager.default.fileExists(atPath: directory + "/FORMAT") else {
            throw NodeFault(
                .directory,
                subject: directory,
                reason: "holds no ledger",
                nextStep: "name the data directory with --data"
            )
        }
    }

    /// The public keys that a data directory names, as text.
    ///
    /// - Throws: ``NodeFault`` when there is no ledger, or it never signed.
    package static func verifierKeys(of directory: String) throws -> [String] {
        let path = directory + "/vkeys"
        guard let text = FileManager.default.contents(atPath: path) else {
            throw NodeFault(
                .directory,
                subject: path,
                reason: "is not there: no ledger, or one that never signed",
                nextStep: "start the node once"
            )
        }
        return String(decoding: text, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }

    /// The guard's file.
    var guardPath: String { folder + "/guard" }
    /// The file of the secrets.
    var keyPath: String { folder + "/log.key" }

    /// Refuses a secret that others may read.
    ///
    /// - Throws: ``NodeFault`` naming the file and its mode.
    package func requirePrivate() throws {
        guard FileManager.default.fileExists(atPath: keyPath) else { return }
        try LogKeys.requirePrivate(keyPath)
    }

    /// Refuses a file of a secret that others may read.
    ///
    /// - Throws: ``NodeFault`` naming the file and its mode.
    static func requirePrivate(_ path: String) throws {
        // Of a link, what it leads to.
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let found = try FileManager.default.attributesOfItem(atPath: target)
        let mode = (found[.posixPermissions] as? Int ?? 0o777) & 0o777
        guard mode & 0o077 == 0 else {
            throw NodeFault(
                .directory,
                subject: path,
                reason: "may be read by others: its mode is \(String(mode, radix: 8))",
                nextStep: "run `chmod 600` on it, and consider whether it is still secret"
            )
        }
    }

    /// Reads key and guard, or makes them for a ledger that never signed.
    ///
    /// - Parameters:
    ///   - origin: The name of the ledger.
    ///   - directory: Its data, where the public keys stand.
    /// - Returns: The key, or why there is none to sign with.
    /// - Throws: ``StoreFault``, or ``NodeFault`` for a key of another ledger.
    func open(of origin: String, _ directory: DataDirectory) throws -> Found {
        guard let name = NoteKeyName(origin), !origin.contains("\n") else {
            return .none("the origin is not a name that a key can have")
        }
        let known = try directory.readVerifierKeys()
        guard let keys = try secrets()?.map(\.key) else {
            guard known == nil else {
                return .none("\(keyPath) is missing: bring it back from where it is kept")
            }
            return try make(name, directory)
        }
        if let foreign = keys.first(where: { $0.verifier.id.name != name }) {
            let other = foreign.verifier.id.name.text
            guard known?.contains(foreign.verifier.text) == true else {
                throw NodeFault(
                    .directory,
                    subject: keyPath,
                    reason: "is of the log \(other), the ledger is \(origin)",
                    nextStep: "name the folder of this ledger's keys with --keys"
                )
            }
            return .none(
                "\(keyPath) is of \(other), whose log has ended: "
                    + "run `tally recover --new-origin \(origin)` again"
            )
        }
        guard let bytes = try read(guardPath, limit: 4_096) else {
            return .none("\(guardPath) is missing: bring it back from where the key is kept")
        }
        let held: LogGuard
        do {
            held = try LogGuard(bytes)
        } catch {
            throw broken(guardPath, error.reason)
        }
        guard held.origin == origin else { throw broken(guardPath, "is of another log") }
        guard let lock = try lock() else {
            return .none("another process signs with the key in \(folder)")
        }
        if known == nil {
            try directory.writeVerifierKeys(keys.map(\.verifier.text))
        } else if !keys.allSatisfy({ known?.contains($0.verifier.text) == true }) {
            return .none("\(keyPath) is none of the keys that \(directory.path)/vkeys names")
        }
        return .keys(keys, held, lock)
    }

    /// The lock of the folder; nil when another process has it.
    func lock() throws(StoreFault) -> (any DiskLock)? {
        do throws(DiskFault) {
            return try disk.lock(folder + "/LOCK")
        } catch {
            guard error.code == .locked else { throw StoreFault(error) }
            return nil
        }
    }

    /// Guard first, then the key: a key without a guard never signs.
    private func make(_ name: NoteKeyName, _ directory: DataDirectory) throws -> Found {
        let held = LogGuard(origin: name.text, size: 0, root: CompactRange.emptyRoot)
        let secret = seed()
        let key = try SignerKey(name: name, type: .log, seed: secret.bytes)
        let text = try SignerKey.text(name: name, seed: secret.bytes)
        try storing { () throws(DiskFault) in
            let isThere = try disk.exists(folder)
            if !isThere { try disk.makeDirectory(folder) }
            try disk.syncDirectory(disk.folder(of: folder))
            try disk.replace(guardPath, with: held.bytes)
        }
        try write([text])
        guard let lock = try lock() else {
            return .none("another process signs with the key in \(folder)")
        }
        try directory.writeVerifierKeys([key.verifier.text])
        return .keys([key], held, lock)
    }

    func read(_ path: String, limit: Int) throws -> [UInt8]? {
        try storing { () throws(DiskFault) in
            guard try disk.exists(folder), try disk.exists(path) else { return nil }
            return try disk.contents(of: path, limit: ByteCount(limit))
        }
    }

    func storing<Value>(
        _ body: () throws(DiskFault) -> Value
    ) throws(StoreFault) -> Value {
        do throws(DiskFault) {
            return try body()
        } catch {
            throw StoreFault(error)
        }
    }

    func broken(_ path: String, _ reason: String) -> StoreFault {
        StoreFault(.corrupt, subject: path, reason: reason)
    }

    // MARK: - Secrets

    /// The most keys that sign at a time.
    static let keysMax = 8

    /// The keys that sign, and their texts; nil when there is no file.
    func secrets() throws -> [(text: String, key: SignerKey)]? {
        try secrets(in: keyPath)
    }

    /// The keys of a file of the folder, one a line.
    func secrets(in path: String) throws -> [(text: String, key: SignerKey)]? {
        guard let bytes = try read(path, limit: 8_192) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: true)
        guard (1...LogKeys.keysMax).contains(lines.count) else {
            throw broken(path, "holds \(lines.count) keys")
        }
        var secrets: [(text: String, key: SignerKey)] = []
        for line in lines {
            do {
                let text = try opened(String(line), path)
                secrets.append((text, try SignerKey(text: text)))
            } catch let refusal as EvidenceRefusal {
                throw broken(path, refusal.description)
            }
        }
        return secrets
    }

    private func opened(_ line: String, _ path: String) throws -> String {
        guard EncryptedSecret.isEncrypted(line) else { return line }
        guard let passphrase else {
            throw NodeFault(
                .directory,
                subject: path,
                reason: "is encrypted with a passphrase, and none was given",
                nextStep: "name its file with --passphrase-file, or set TALLY_KEY_PASSPHRASE"
            )
        }
        return try EncryptedSecret.decrypt(line, passphrase: passphrase)
    }

    /// Replaces the secrets, encrypted when there is a passphrase; durable on return.
    func write(_ texts: [String]) throws {
        try write(texts, to: keyPath)
    }

    /// Replaces a file of secrets; durable on return.
    func write(_ texts: [String], to path: String) throws {
        var lines = ""
        for text in texts {
            if let passphrase {
                let random = seed().bytes
                lines += try EncryptedSecret.encrypt(text, passphrase: passphrase, random: random)
            } else {
                lines += text
            }
            lines += "\n"
        }
        try storing { () throws(DiskFault) in try disk.replace(path, with: Array(lines.utf8)) }
    }
}
