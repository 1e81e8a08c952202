// SPDX-License-Identifier: Apache-2.0
//
// `tally compare`: whether two things that a log signed can both be true. Checkpoints, receipts,
// data directories, mirrors, servers; of the last three the tree is read where sizes differ. What
// contradicts becomes one file that convinces others. Called by the command line. specs: evidence
// §5.

import TallyChecker
import TallyCodec
import TallyProof
import TallyStore
import TallyTypes

/// What became of a comparison, or of the check of a fork report.
package struct Comparison: Sendable {
    /// What was found.
    package enum Outcome: String, Sendable {
        /// One size and one root.
        case same
        /// The larger continues the smaller, by the tree's own hashes.
        case consistent
        /// The log signed two histories.
        case fork
        /// A file that was to show a fork shows none.
        case refuted
        /// Cannot be told.
        case unresolved = "UNRESOLVED"
    }

    /// What was found.
    package let outcome: Outcome
    /// One line for people.
    package let line: String
    /// 0 nothing contradicts, or a fork report holds; 1 a fork, or the report does not; 2 not told.
    package let exitCode: Int32
    /// The file that convinces others; nil unless a fork was found.
    package let report: [UInt8]?

    private init(
        _ outcome: Outcome,
        _ line: String,
        exitCode: Int32,
        report: [UInt8]? = nil
    ) {
        self.outcome = outcome
        self.line = "\(outcome.rawValue): \(line)"
        self.exitCode = exitCode
        self.report = report
    }

    /// The verdict for programs: `exit`, `outcome` and `line`.
    package var json: [UInt8] {
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("exit", UInt64(exitCode))
        writer.member("outcome", outcome.rawValue)
        writer.member("line", line)
        writer.endObject()
        return writer.bytes
    }

    /// Why it cannot be told.
    private struct Unresolved: Error {
        let line: String
    }

    // MARK: - Two sides

    /// One of the two things that are compared.
    private struct Side {
        let place: String
        /// The signed note.
        let note: [UInt8]
        var receipt: Receipt?
        /// The keys that a directory names.
        var keys: [String]?
        /// The tree of the size that the note says.
        var tree: ((_ size: UInt64) throws -> StoredTree<StoreFault>)?
    }

    /// Compares two things.
    ///
    /// - Parameters:
    ///   - one: A file with a checkpoint or a receipt, a data directory, a mirror, or the prefix of
    ///     a server's log.
    ///   - other: The same.
    ///   - keys: Public keys of the log, as text; nil takes those that a directory names.
    ///   - fetch: Gives the bytes at a URL; nil for a 404.
    /// - Returns: What was found, with the fork report if it is one.
    package static func run(
        _ one: String,
        _ other: String,
        keys: [String]?,
        fetch: @escaping (_ url: String, _ limit: Int) throws(FetchFault) -> [UInt8]?
    ) -> Comparison {
        do {
            let sides = (try side(one, fetch), try side(other, fetch))
            let named = sides.0.keys ?? sides.1.keys
            guard let lines = keys ?? named else {
                throw Unresolved(line: "no key; give the log's public keys with --key")
            }
            let heads = try SignedHeads(lines, file: "the keys")
            let found = try compare(sides.0, sides.1, heads)
            guard keys == nil else { return found }
            return Comparison(
                found.outcome,
                "key taken from the directory: "
                    + found.line.dropFirst(found.outcome.rawValue.count + 2),
                exitCode: found.exitCode,
                report: found.report
            )
        } catch let error as Unresolved {
            return Comparison(.unresolved, error.line, exitCode: 2)
        } catch let error as Refuted {
            let finding = error.finding
            let file = finding.file.map { "\($0): " } ?? ""
            let line = "\(file)\(finding.reason.rawValue): \(finding.detail)"
            return Comparison(.unresolved, line, exitCode: 2)
        } catch {
            return Comparison(.unresolved, "\(error)", exitCode: 2)
        }
    }

    private static func compare(_ a: Side, _ b: Side, _ heads: SignedHeads) throws -> Comparison {
        let (one, other) = (try open(a, heads), try open(b, heads))
        guard one.origin == other.origin else {
            throw Unresolved(line: "two logs, \(one.origin) and \(other.origin)")
        }
        if let first = a.receipt, let second = b.receipt, first.index == second.index,
            first.record != second.record
        {
            return try fork(one.origin, .receipts(first, second), heads)
        }
        if one.size == other.size {
            guard one.root == other.root else {
                return try fork(one.origin, .oneSize(a.note, b.note), heads)
            }
            let line = "\(one.size) records of \(one.origin), root \(one.root)"
            return Comparison(.same, line, exitCode: 0)
        }
        return one.size < other.size
            ? try compare(a, one, smallerThan: b, other, heads)
            : try compare(b, other, smallerThan: a, one, heads)
    }

    private static func compare(
        _ a: Side,
        _ small: Checkpoint,
        smallerThan b: Side,
        _ large: Checkpoint,
        _ heads: SignedHeads
    ) throws -> Comparison {
        guard let tree = try b.tree?(large.size) else {
            throw Unresolved(
                line: "\(small.size) and \(large.size) records, and \(b.place) has no tree; give a "
                    + "directory or a server in its place"
            )
        }
        let root = try tree.root(size: small.size)
        let proof = try tree.consistency(from: small.size, to: large.size)
        guard proof.holds(oldRoot: root, newRoot: large.root) else {
            throw Unresolved(
                line: "the tree of \(b.place) is not the one that its checkpoint signs"
            )
        }
        guard root == small.root else {
            let sides = ForkReport.Sides.twoSizes(a.note, b.note, root: root, path: proof.path)
            return try fork(small.origin, sides, heads)
        }
        let line =
            "\(large.size) records of \(small.origin) continue \(small.size), "
            + "by a proof of \(proof.path.count) hashes"
        return Comparison(.consistent, line, exitCode: 0)
    }

    /// A fork is said only when its report convinces us too.
    private static func fork(
        _ origin: String,
        _ sides: ForkReport.Sides,
        _ heads: SignedHeads
    ) throws -> Comparison {
        let report = ForkReport(origin: origin, sides: sides)
        do throws(EvidenceRefusal) {
            let words = try ForkReport(json: report.json).check(heads.keys)
            return Comparison(.fork, words, exitCode: 1, report: report.json)
        } catch {
            throw Unresolved(line: "\(error)")
        }
    }

    private static func open(_ side: Side, _ heads: SignedHeads) throws -> Checkpoint {
        let checkpoint = try heads.open(side.note, file: side.place)
        guard let receipt = side.receipt else { return checkpoint }
        do throws(EvidenceRefusal) {
            let own = heads.keys.filter { $0.id.name.text == receipt.origin }
            return try receipt.check(ReceiptPolicy(logKeys: own)).checkpoint
        } catch {
            throw Refuted(error, file: side.place)
        }
    }

    // MARK: - Where they come from

    private static func side(
        _ place: String,
        _ fetch: @escaping (_ url: String, _ limit: Int) throws(FetchFault) -> [UInt8]?
    ) throws -> Side {
        if place.hasPrefix("http://") || place.hasPrefix("https://") {
            return try published(FetchedMirror(place: place, fetch: fetch))
        }
        let disk = RealDisk()
        let folder = MirrorDirectory(disk: disk, path: place)
        guard isFolder(disk, place) else { return try file(disk, place) }
        var side = try published(folder)
        let keys = try folder.read("vkeys", limit: MirrorLayout.keysBytesMax)
        side.keys = keys.map {
            String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init)
        }
        let isMirror = try MirrorDirectory.isMirror(disk: disk, path: place)
        if !isMirror {
            side.tree = { _ in
                try DurableRecords(disk: disk, directory: place + "/records").tree
            }
        }
        return side
    }

    private static func isFolder(_ disk: RealDisk, _ path: String) -> Bool {
        do throws(DiskFault) {
            _ = try disk.list(path)
            return true
        } catch {
            return false  // what cannot be read as a file either is named there
        }
    }

    /// A log that shows its checkpoint and its tiles.
    private static func published(_ source: any MirrorSource) throws -> Side {
        let note = try source.read("checkpoint", limit: MirrorLayout.noteBytesMax)
        guard let note else { throw Unresolved(line: "\(source.place): has no checkpoint") }
        var side = Side(place: source.place, note: note)
        side.tree = { size in
            StoredTree { level, row throws(StoreFault) in
                try hashes(source, size, level, row)
            }
        }
        return side
    }

    private static func file(_ disk: RealDisk, _ path: String) throws -> Side {
        let bytes: [UInt8]
        do throws(DiskFault) {
            bytes = try disk.contents(of: path, limit: ByteCount(Receipt.bytesMax))
        } catch {
            throw Unresolved(
                line: "\(path): neither a ledger nor a file that can be read: \(error)"
            )
        }
        guard bytes.first == UInt8(ascii: "{") else { return Side(place: path, note: bytes) }
        do throws(EvidenceRefusal) {
            let receipt = try Receipt(json: bytes)
            return Side(place: path, note: receipt.checkpoint, receipt: receipt)
        } catch {
            throw Refuted(error, file: path)
        }
    }

    /// Neighbouring hashes of one tile of a log of a size.
    private static func hashes(
        _ source: any MirrorSource,
        _ size: UInt64,
        _ level: UInt64,
        _ row: Range<UInt64>
    ) throws(StoreFault) -> [Digest] {
        let number = row.lowerBound / TilePath.width
        let first = number * TilePath.width
        let width = min(TilePath.width, (size >> (8 * level)) - first)
        var names = [MirrorLayout.name(.hashes(level: level), number)]
        if width < TilePath.width {
            names.insert(MirrorLayout.name(.hashes(level: level), number, width: width), at: 0)
        }
        let limit = Int(TilePath.width) * MirrorLayout.hashBytes
        for name in names {
            guard let bytes = try source.read(name, limit: limit) else {
                continue  // the full one stands for the partial one
            }
            let start = Int(row.lowerBound - first) * MirrorLayout.hashBytes
            let wanted = bytes.dropFirst(start).prefix(row.count * MirrorLayout.hashBytes)
            let hashes = stride(from: wanted.startIndex, to: wanted.endIndex, by: 32)
                .compactMap { Digest(Array(wanted[$0..<min($0 + 32, wanted.endIndex)])) }
            guard hashes.count == row.count else {
                let subject = source.place + "/" + name
                throw StoreFault(.corrupt, subject: subject, reason: "is too short")
            }
            return hashes
        }
        let subject = source.place + "/" + (names.first ?? "")  // there is always one
        throw StoreFault(.missing, subject: subject, reason: "is missing")
    }

    // MARK: - Fork reports

    /// Checks a fork report with the log's public keys and nothing else.
    ///
    /// - Parameters:
    ///   - json: The bytes of the report, from anywhere.
    ///   - keys: Public keys of the log, as text.
    /// - Returns: `fork` with exit code 0 when the file convinces, `refuted` with 1 when it does
    ///   not, `unresolved` with 2 when no key of the log was given.
    package static func verify(report json: [UInt8], keys: [String]) -> Comparison {
        var trusted: [VerifierKey] = []
        do throws(EvidenceRefusal) {
            for key in keys { trusted.append(try VerifierKey(text: key)) }
        } catch {
            return Comparison(.unresolved, "a key: \(error)", exitCode: 2)
        }
        do throws(EvidenceRefusal) {
            let report = try ForkReport(json: json)
            guard trusted.contains(where: { $0.id.name.text == report.origin }) else {
                let line = "no key of the log that the report names was given"
                return Comparison(.unresolved, line, exitCode: 2)
            }
            return Comparison(.fork, try report.check(trusted), exitCode: 0)
        } catch {
            return Comparison(.refuted, "\(error)", exitCode: 1)
        }
    }
}
