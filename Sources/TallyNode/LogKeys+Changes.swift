// SPDX-License-Identifier: Apache-2.0
//
// Changes of the folder of keys: the key that is about to be introduced, the guard of a ledger
// whose guard was lost, and the keys of a new origin. Called by Node+Keys.swift.

import TallyProof
import TallyStore
import TallyTypes

extension LogKeys {
    private var nextPath: String { keyPath + ".next" }

    /// The key that is about to be introduced: made once, kept until it signs.
    func next(named name: NoteKeyName) throws -> (text: String, key: SignerKey) {
        if let waiting = try secrets(in: nextPath)?.first { return waiting }
        let text = try SignerKey.text(name: name, seed: seed().bytes)
        try write([text], to: nextPath)
        return (text, try SignerKey(text: text))
    }

    /// Removes the file of the key that signs by now.
    func removeNext() throws(StoreFault) {
        try storing { () throws(DiskFault) in
            guard try disk.exists(nextPath) else { return }
            try disk.remove(nextPath)
            try disk.syncDirectory(folder)
        }
    }

    /// What was signed last; nil when there is no guard.
    func guardHeld() throws -> LogGuard? {
        guard let bytes = try read(guardPath, limit: 4_096) else { return nil }
        do {
            return try LogGuard(bytes)
        } catch {
            throw broken(guardPath, error.reason)
        }
    }

    /// Replaces the guard; durable on return.
    func write(_ held: LogGuard) throws(StoreFault) {
        try storing { () throws(DiskFault) in try disk.replace(guardPath, with: held.bytes) }
    }

    /// Begins with a key of a new origin: old secrets are set aside, the guard starts at nothing.
    ///
    /// The guard comes first: with the old key beside it nothing is signed. A key that is of the
    /// new origin already is kept.
    func begin(_ name: NoteKeyName) throws -> VerifierKey {
        let held = try secrets()
        if let first = held?.first, first.key.verifier.id.name == name {
            return first.key.verifier
        }
        try storing { () throws(DiskFault) in
            let isThere = try disk.exists(folder)
            if !isThere { try disk.makeDirectory(folder) }
            try disk.syncDirectory(disk.folder(of: folder))
        }
        try write(LogGuard(origin: name.text, size: 0, root: CompactRange.emptyRoot))
        if let old = held?.first?.key.verifier {
            let aside = keyPath + ".ended-" + old.idText
            try storing { () throws(DiskFault) in
                try disk.rename(keyPath, to: aside)
                try disk.syncDirectory(folder)
            }
        }
        let text = try SignerKey.text(name: name, seed: seed().bytes)
        try write([text])
        return try SignerKey(text: text).verifier
    }
}
