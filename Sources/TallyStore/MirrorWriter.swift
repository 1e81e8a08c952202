// SPDX-License-Identifier: Apache-2.0
//
// Writes a mirror directory from a data directory, whole the first time, what is new after:
// docs/formats/mirror.md. A node may have the data directory open; nothing is read beyond what its
// `checkpoint` and `head` say is durable. Imports TallyCodec and TallyProof. Called by
// `tally backup create`.
//
// Nothing is copied unseen: each record is compared with its leaf hash, each hash of a tile with
// the 256 below it, and the roots with `checkpoint` and `head`. What the mirror holds already is
// not read again; its verifier does that.

import TallyCodec
import TallyProof
package import TallyTypes

/// What a writer of a mirror did.
package struct MirrorOutcome: Hashable, Sendable {
    /// Records in the mirror.
    package let records: UInt64
    /// Records that were not in it before.
    package let added: UInt64
    /// Records that its checkpoint covers; nil when nothing was signed.
    package let signed: UInt64?
    /// The root over the records.
    package let root: Digest
    /// Blobs that were added.
    package let blobs: UInt64
}

/// Copies a ledger into a mirror directory.
package struct MirrorWriter {
    /// Where a ledger, or a mirror, stands.
    private struct Heads {
        var checkpoint: (note: [UInt8], Checkpoint)?
        var head: Head?

        var size: UInt64 { max(checkpoint?.1.size ?? 0, head?.size ?? 0) }
        var sizes: [UInt64] {
            Set([checkpoint?.1.size, head?.size].compactMap { $0 }).sorted()
        }
    }

    private let disk: any Disk
    private let data: DataDirectory
    private let path: String
    private let records: DurableRecords
    private let keyLines: [String]?
    private let keys: [VerifierKey]
    private let ledger: Heads
    private var folder: MirrorFolder
    private var blobNames: Set<String> = []
    private var blobsAdded: UInt64 = 0

    /// Brings a mirror directory up to what a ledger has made durable.
    ///
    /// - Parameters:
    ///   - data: The data directory; nothing of it is changed.
    ///   - path: The mirror; made when it is missing or empty.
    ///   - disk: The disk that both are on.
    ///   - progress: Told of records done and records in all, now and then.
    /// - Returns: What was done.
    /// - Throws: ``StoreFault``; the mirror is then what it was before: `otherLedger` and
    ///   `otherHistory` when it does not belong to this ledger, `corrupt` with the file when
    ///   something in the ledger is not what it should be.
    package static func run(
        from data: String,
        to path: String,
        disk: any Disk,
        progress: (UInt64, UInt64) -> Void = { _, _ in }
    ) throws(StoreFault) -> MirrorOutcome {
        var writer = try MirrorWriter(from: data, to: path, disk: disk)
        return try writer.write(progress)
    }

    private init(from data: String, to path: String, disk: any Disk) throws(StoreFault) {
        self.disk = disk
        self.path = path
        self.data = try DataDirectory(disk: disk, path: data, mode: .observe)
        keyLines = try self.data.readVerifierKeys()
        keys = try MirrorWriter.keys(keyLines ?? [], data + "/vkeys")  // never had a key
        var ledger = Heads()
        if let note = try self.data.readCheckpoint() {
            let subject = data + "/checkpoint"
            ledger.checkpoint = (note, try MirrorWriter.open(note, keys, subject))
        }
        // Read behind the checkpoint, so that it is the newer of the two.
        ledger.head = try self.data.readHead()
        self.ledger = ledger
        records = try DurableRecords(disk: disk, directory: self.data.records)
        folder = MirrorFolder(disk: disk, path: path)
    }

    private static func keys(
        _ lines: [String],
        _ subject: String
    ) throws(StoreFault) -> [VerifierKey] {
        do throws(EvidenceRefusal) {
            var keys: [VerifierKey] = []
            for line in lines { keys.append(try VerifierKey(text: line)) }
            return keys
        } catch {
            throw StoreFault(.corrupt, subject: subject, reason: error.description)
        }
    }

    private static func open(
        _ note: [UInt8],
        _ keys: [VerifierKey],
        _ subject: String
    ) throws(StoreFault) -> Checkpoint {
        do throws(EvidenceRefusal) {
            return try Checkpoint.open(try SignedNote(note), byAnyOf: keys)
        } catch {
            throw StoreFault(.corrupt, subject: subject, reason: error.description)
        }
    }

    // MARK: - Writing

    private mutating func write(
        _ progress: (UInt64, UInt64) -> Void
    ) throws(StoreFault) -> MirrorOutcome {
        try requireRoots(ledger, in: data.path)
        guard ledger.size > 0 else {
            throw StoreFault(.missing, subject: data.path, reason: "holds no durable record yet")
        }
        let names = try open()
        let lock = try onDisk { () throws(DiskFault) in try disk.lock(path + "/FORMAT") }
        defer { withExtendedLifetime(lock) {} }
        let held = try heads(names)
        try requireSameHistory(held)
        if names.contains("blob") {
            blobNames = Set(
                try onDisk { () throws(DiskFault) in try disk.list(path + "/blob").map(\.name) }
            )
        }
        try copyRecords(from: held.size, progress)
        try copyTiles(from: held.size)
        try folder.finish()
        try copySaved()
        try folder.finish()
        try removePartials(from: held.size)
        try publish(names)
        return MirrorOutcome(
            records: ledger.size,
            added: ledger.size - held.size,
            signed: ledger.checkpoint?.1.size,
            root: try records.tree.root(size: ledger.size),
            blobs: blobsAdded
        )
    }

    /// The ledger's own tiles give the roots that it names.
    private func requireRoots(_ heads: Heads, in place: String) throws(StoreFault) {
        let claims = [
            heads.checkpoint.map { ("checkpoint", $0.1.size, $0.1.root) },
            heads.head.map { ("head", $0.size, $0.root) },
        ].compactMap { $0 }
        for (name, size, root) in claims where try records.tree.root(size: size) != root {
            throw StoreFault(
                .corrupt,
                subject: "\(place)/\(name)",
                reason: "names another root of \(size) records than the tiles give"
            )
        }
    }

    /// Makes the mirror, or sees that it is one; returns the names in it.
    private func open() throws(StoreFault) -> [String] {
        var names: [String] = []
        do throws(DiskFault) {
            names = try disk.list(path).map(\.name)
        } catch {
            guard error.code == .notFound else { throw StoreFault(error) }
            try onDisk { () throws(DiskFault) in
                try disk.makeDirectory(path)
                try disk.syncDirectory(disk.folder(of: path))
            }
        }
        let file = path + "/FORMAT"
        guard names.contains("FORMAT") else {
            if let other = names.first(where: { $0 != "FORMAT.new" }) {
                let reason = "holds “\(other)” and no FORMAT"
                throw StoreFault(.notEmpty, subject: path, reason: reason)
            }
            try onDisk { () throws(DiskFault) in
                try disk.replace(file, with: MirrorLayout.format)
            }
            return names
        }
        try MirrorDirectory.checkFormat(disk, path)
        return names
    }

    /// What the mirror says of itself, signed by a key of this ledger.
    private func heads(_ names: [String]) throws(StoreFault) -> Heads {
        var held = Heads()
        let mirror = MirrorDirectory(disk: disk, path: path)
        if let note = try mirror.read("checkpoint", limit: MirrorLayout.noteBytesMax) {
            do throws(EvidenceRefusal) {
                held.checkpoint = (note, try Checkpoint.open(try SignedNote(note), byAnyOf: keys))
            } catch {
                let reason = "is not of this ledger: \(error)"
                throw StoreFault(.otherLedger, subject: path + "/checkpoint", reason: reason)
            }
        }
        if let bytes = try mirror.read("head", limit: MirrorLayout.smallBytesMax) {
            do throws(Malformed) {
                held.head = try Head(bytes)
            } catch {
                throw StoreFault(.corrupt, subject: path + "/head", reason: error.description)
            }
        }
        return held
    }

    /// The mirror holds the first records of this ledger, and no others.
    private func requireSameHistory(_ held: Heads) throws(StoreFault) {
        let claims = [
            held.checkpoint.map { ("checkpoint", $0.1.size, $0.1.root) },
            held.head.map { ("head", $0.size, $0.root) },
        ].compactMap { $0 }
        for (name, size, root) in claims {
            let subject = "\(path)/\(name)"
            guard size <= ledger.size else {
                let reason = "ROLLBACK: \(size) records, and the ledger has \(ledger.size)"
                throw StoreFault(.otherHistory, subject: subject, reason: reason)
            }
            guard try records.tree.root(size: size) == root else {
                let reason = "FORK: the first \(size) records of the ledger have another root"
                throw StoreFault(.otherHistory, subject: subject, reason: reason)
            }
        }
    }

    private mutating func copyRecords(
        from base: UInt64,
        _ progress: (UInt64, UInt64) -> Void
    ) throws(StoreFault) {
        guard base < ledger.size else { return }
        var number = base / TilePath.width
        var scanner = try records.scanner(bundle: number)
        while number * TilePath.width < ledger.size {
            let first = number * TilePath.width
            let end = min(ledger.size, first + TilePath.width)
            let leaves = try records.row(0, first..<end)
            var bundle: [UInt8] = []
            var ends: [UInt64: Int] = [:]
            for (position, leaf) in leaves.enumerated() {
                let record = try records.next(&scanner, leaf: leaf)
                bundle += [UInt8(record.count >> 8), UInt8(record.count & 255)] + record
                ends[first + UInt64(position) + 1] = bundle.count
                try copyBlobs(of: record, at: first + UInt64(position))
            }
            for (name, width) in names(.entries, number, from: first, to: end) {
                try folder.add(name, Array(bundle.prefix(ends[first + width] ?? bundle.count)))
            }
            number += 1
            progress(end, ledger.size)
        }
    }

    /// The names under which a tile must stand: full, or as long as each size asks for.
    private func names(
        _ kind: TilePath.Kind,
        _ number: UInt64,
        from first: UInt64,
        to end: UInt64
    ) -> [(name: String, width: UInt64)] {
        let shift: UInt64 = if case .hashes(let level) = kind { 8 * level } else { 0 }
        if end - first == TilePath.width {
            return [(MirrorLayout.name(kind, number), TilePath.width)]
        }
        let widths = Set(
            ledger.sizes.map { $0 >> shift }.filter { $0 > first && $0 <= end }.map { $0 - first }
        )
        return widths.sorted().map { (MirrorLayout.name(kind, number, width: $0), $0) }
    }

    private mutating func copyBlobs(of record: [UInt8], at index: UInt64) throws(StoreFault) {
        for reference in try records.references(of: record, at: index) {
            let bytes = try records.blobs.read(reference)
            guard blobNames.insert("\(reference.digest)").inserted else { continue }
            try folder.add(MirrorLayout.blob(reference.digest), bytes)
            blobsAdded += 1
        }
    }

    private mutating func copyTiles(from base: UInt64) throws(StoreFault) {
        for level in TileLevel.all(size: ledger.size).map(\.level) {
            let (held, count) = (base >> (8 * level), ledger.size >> (8 * level))
            var first = held / TilePath.width * TilePath.width
            while held < count, first < count {
                let end = min(count, first + TilePath.width)
                let hashes = try records.row(level, first..<end)
                if level > 0 { try requireRoots(hashes, level, from: first, new: held) }
                let kind = TilePath.Kind.hashes(level: level)
                for (name, width) in names(kind, first / TilePath.width, from: first, to: end) {
                    try folder.add(name, hashes.prefix(Int(width)).flatMap(\.bytes))
                }
                first = end
            }
        }
    }

    /// Each new hash of a level is the root of the 256 below it.
    private func requireRoots(
        _ hashes: [Digest],
        _ level: UInt64,
        from first: UInt64,
        new: UInt64
    ) throws(StoreFault) {
        for (position, hash) in hashes.enumerated() where first + UInt64(position) >= new {
            let below = (first + UInt64(position)) * TilePath.width
            let row = try records.row(level - 1, below..<below + TilePath.width)
            guard TileBuilder.root(row[...]) == hash else {
                throw StoreFault(
                    .corrupt,
                    subject: "\(RecordLayout.tiles(data.records))/\(level)",
                    reason: "hash \(first + UInt64(position)) is not that of the level below; "
                        + "remove the folder while no node runs, a start makes it again"
                )
            }
        }
    }

    private mutating func copySaved() throws(StoreFault) {
        let source = MirrorDirectory(disk: disk, path: data.path)
        let held = Set(try MirrorDirectory(disk: disk, path: path).saved())
        for size in try source.saved() where !held.contains(size) && size <= ledger.size {
            let name = MirrorLayout.saved(size)
            guard let note = try source.read(name, limit: MirrorLayout.noteBytesMax) else {
                continue  // the signer thinned it meanwhile; its successors are there
            }
            try folder.add(name, note)
        }
    }

    /// Removes the partial tiles whose full ones are there now.
    private func removePartials(from base: UInt64) throws(StoreFault) {
        guard base > 0 else { return }
        for level in TileLevel.all(size: base) where level.partialWidth > 0 {
            guard level.full < ledger.size >> (8 * level.level) / TilePath.width else { continue }
            try removePartials(MirrorLayout.name(.hashes(level: level.level), level.full))
            if level.level == 0 { try removePartials(MirrorLayout.name(.entries, level.full)) }
        }
    }

    private func removePartials(_ name: String) throws(StoreFault) {
        let folder = "\(path)/\(name).p"
        try onDisk { () throws(DiskFault) in
            guard try disk.exists(folder) else { return }
            for entry in try disk.list(folder) { try disk.remove(folder + "/" + entry.name) }
            try disk.syncDirectory(folder)
        }
    }

    /// Everything is there and durable: what says so comes last.
    private func publish(_ names: [String]) throws(StoreFault) {
        let mirror = MirrorDirectory(disk: disk, path: path)
        let signed = ledger.checkpoint?.1.size ?? 0  // nothing signed covers nothing
        var files: [(name: String, bytes: [UInt8])] = []
        if let keyLines { files.append(("vkeys", Array(keyLines.map { $0 + "\n" }.joined().utf8))) }
        if let head = ledger.head, head.size > signed { files.append(("head", head.bytes)) }
        if let note = ledger.checkpoint?.note { files.append(("checkpoint", note)) }
        for (name, bytes) in files
        where try mirror.read(name, limit: MirrorLayout.noteBytesMax) != bytes {
            try onDisk { () throws(DiskFault) in
                try disk.replace(path + "/" + name, with: bytes)
            }
        }
        if names.contains("head"), !files.contains(where: { $0.name == "head" }) {
            try onDisk { () throws(DiskFault) in
                try disk.remove(path + "/head")
                try disk.syncDirectory(path)
            }
        }
    }
}
