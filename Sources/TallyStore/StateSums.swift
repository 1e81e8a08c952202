// SPDX-License-Identifier: Apache-2.0
//
// The sums of a clean stop: SHA-256 of each file of the state store but the engine's text log.
// Imports TallyTypes and Crypto. Text, docs/formats/data-directory.md:
//
//     tallystick sums 1
//     <64 hexadecimal digits> <name>        ascending by name
//
// Written when the store is closed; the verifier compares before it opens the store; the next start
// removes it before it changes anything else.

internal import Crypto
internal import TallyTypes

/// The engine's files that carry nothing: its text log, and the empty file it locks.
private func carriesNothing(_ name: String) -> Bool {
    name == "LOG" || name.hasPrefix("LOG.old.") || name == "LOCK"
}

extension DataDirectory {
    private var sumsPath: String { path + "/sums" }

    /// Writes the sums of the closed state store; durable on return.
    ///
    /// - Throws: ``StoreFault``.
    package func writeSums() throws(StoreFault) {
        let text = try currentSums()
        try onDisk { () throws(DiskFault) in
            try disk.replace(sumsPath, with: Array(text.utf8))
        }
    }

    /// Removes the sums, durably; the first change of a start.
    ///
    /// - Throws: ``StoreFault``.
    package func removeSums() throws(StoreFault) {
        try onDisk { () throws(DiskFault) in
            guard try disk.exists(sumsPath) else { return }
            try disk.remove(sumsPath)
            try disk.syncDirectory(path)
        }
    }

    /// Compares the state store's files with the sums of the last clean stop.
    ///
    /// - Returns: False when there are no sums: the last stop was not clean.
    /// - Throws: ``StoreFault``: `corrupt` names the first file that differs, `missing` one that is
    ///   gone.
    package func checkSums() throws(StoreFault) -> Bool {
        guard try onDisk({ () throws(DiskFault) in try disk.exists(sumsPath) }) else {
            return false
        }
        let bytes = try onDisk { () throws(DiskFault) in
            try disk.contents(of: sumsPath, limit: ByteCount(64 << 20))
        }
        let expected = String(decoding: bytes, as: UTF8.self)
        let found = try currentSums()
        guard expected != found else { return true }
        throw difference(expected, found)
    }

    private func currentSums() throws(StoreFault) -> String {
        var text = "tallystick sums 1\n"
        let entries = try onDisk { () throws(DiskFault) in try disk.list(state) }
        for entry in entries where !carriesNothing(entry.name) {
            guard entry.kind == .file else {
                let subject = state + "/" + entry.name
                throw StoreFault(.corrupt, subject: subject, reason: "is no file")
            }
            text += "\(try sum(of: state + "/" + entry.name)) \(entry.name)\n"
        }
        return text
    }

    private func sum(of path: String) throws(StoreFault) -> TallyTypes.Digest {
        let file = try onDisk { () throws(DiskFault) in try disk.open(path, .readOnly) }
        let size = try onDisk { () throws(DiskFault) in try file.size() }
        var hash = SHA256()
        var at = 0
        while at < size {
            let count = min(size - at, 1 << 20)
            let from = at
            hash.update(
                data: try onDisk { () throws(DiskFault) in
                    try file.bytes(at: from, count: count)
                }
            )
            at += count
        }
        return digest(hash.finalize())
    }

    private func difference(_ expected: String, _ found: String) -> StoreFault {
        let (old, new) = (expected.split(separator: "\n"), found.split(separator: "\n"))
        for line in old where !new.contains(line) {
            let words = line.split(separator: " ")
            let name = words.count == 2 ? String(words[1]) : ""
            if words.count == 2, new.contains(where: { $0.hasSuffix(" " + name) }) {
                let reason = "its SHA-256 is not that of the last clean stop"
                return StoreFault(.corrupt, subject: state + "/" + name, reason: reason)
            }
            let reason = "names “\(line.prefix(120))”, and that is not there"
            return StoreFault(.corrupt, subject: sumsPath, reason: reason)
        }
        for line in new where !old.contains(line) {
            let name = line.split(separator: " ").last.map(String.init) ?? ""
            let reason = "was not there at the last clean stop"
            return StoreFault(.corrupt, subject: state + "/" + name, reason: reason)
        }
        return StoreFault(.corrupt, subject: sumsPath, reason: "its lines are not in order")
    }
}
