// SPDX-License-Identifier: Apache-2.0
//
// `tally verify` of a mirror: a backup, an export, or a server's log. Streams the bundles through
// the checker, which replays every record, and compares each hash tile with the leaves. Called by
// the command line and by a restore, which takes the records on their way. specs: evidence §5.

package import TallyChecker
import TallyCodec
import TallyProof
package import TallyStore
import TallyTypes

/// Takes the records of a mirror while it is verified.
struct MirrorSink {
    /// So many records are taken; all that follow are verified and not taken.
    let count: UInt64
    /// Gets the records of a bundle, with their leaf hashes.
    let take: (_ records: [ArraySlice<UInt8>], _ leaves: [Digest]) throws -> Void
    /// Gets the checker when exactly ``count`` records were replayed.
    let settle: (Checker) throws -> Void
}

/// The taker of records failed, which says nothing of the mirror.
struct SinkFault: Error {
    let cause: any Error
}

/// Verifies one mirror.
package struct MirrorVerification {
    private let source: any MirrorSource
    private let trusted: TrustedEvidence
    private let progress: (UInt64, UInt64) -> Void
    private var checks: [Check] = []
    /// Of tiles and names: shown behind what is said of the records.
    private var fileChecks: [Check] = []
    private var others: [Finding] = []
    private var notes: [String] = []
    private var signed: SignedHeads?
    private var checkpoint: Checkpoint?
    /// The origin that the records give at the size of the checkpoint.
    private var recordedOrigin: String?
    private var heads: [TreeHead] = []
    /// The size that the newest checkpoint says, and that of the head.
    private var sizes: [UInt64] = []
    private var inventory = MirrorInventory(size: 0)
    private var tileFindings: [Finding] = []
    private var named: Set<Digest> = []

    /// Verifies a mirror.
    ///
    /// - Parameters:
    ///   - source: The mirror.
    ///   - trusted: Keys and an earlier checkpoint that did not come from it.
    ///   - progress: Told of records done and records in all, now and then.
    /// - Returns: The report; its exit code is 0 verified, 1 refuted, 2 not verified.
    package static func run(
        _ source: any MirrorSource,
        trusted: TrustedEvidence = TrustedEvidence(),
        progress: @escaping (UInt64, UInt64) -> Void = { _, _ in }
    ) -> Report {
        var verification = MirrorVerification(source, trusted, progress)
        verification.open()
        do {
            return try verification.verify(into: nil)
        } catch {
            verification.checks.append(Verification.check("mirror", failed: error))
            return verification.unread
        }
    }

    init(
        _ source: any MirrorSource,
        _ trusted: TrustedEvidence,
        _ progress: @escaping (UInt64, UInt64) -> Void
    ) {
        self.source = source
        self.trusted = trusted
        self.progress = progress
    }

    /// The report of a mirror whose records were not read.
    private var unread: Report {
        Report(records: 0, root: CompactRange.emptyRoot, checks: checks, notes: notes)
    }

    /// Reads what the mirror says of itself.
    mutating func open() {
        attempt("format") { this in try this.list() }
        attempt("checkpoint") { this in try this.openCheckpoint() }
        if trusted.since != nil { attempt("since") { this in try this.openSince() } }
    }

    /// The number of records that it says it holds.
    var size: UInt64 { sizes.max() ?? 0 }  // a mirror that says nothing holds nothing

    /// The first thing that is wrong, so far.
    var firstFinding: Finding? { unread.firstFinding }

    /// The sizes and names of its checkpoints.
    var checkpoints: [(size: UInt64, name: String)] {
        let newest = heads.first { $0.source == "checkpoint" }.map { ($0.size, "checkpoint") }
        return inventory.saved.map { ($0, MirrorLayout.saved($0)) } + [newest].compactMap { $0 }
    }

    /// True when it has a bundle as a full one.
    func isFull(_ number: UInt64) -> Bool {
        inventory.full.contains(MirrorInventory.Tile(kind: .entries, number: number))
    }

    /// Reads the records behind ``open()``, and hands them on.
    ///
    /// - Throws: ``SinkFault`` when the sink fails.
    mutating func verify(into sink: MirrorSink?) throws -> Report {
        let size = size
        if !source.isWhole { inventory = MirrorInventory(size: size) }
        let total = max(size, inventory.records)
        guard total > 0 else {
            checks.append(Check(name: "records", verdict: .unchecked("there is no record")))
            return unread
        }
        let sealSizes = sealSizes(among: total)
        var checker = Checker(heads: heads, sealSizes: sealSizes, hasStore: false)
        var builder = TileBuilder()
        var bundleEnd: Check?
        do {
            try stream(&checker, &builder, total, sink)
            bundleEnd = Check(name: "bundles", verdict: .ok)
        } catch let error as Refuted {
            bundleEnd = Check(name: "bundles", verdict: .refuted(error.finding))
        } catch let error as StoreFault {
            bundleEnd = Verification.check("bundles", failed: error)
        }
        if let bundleEnd { checks.append(bundleEnd) }
        finishTiles(builder, isWhole: bundleEnd?.verdict == .ok)
        attempt("blobs") { this in try this.verifyOtherBlobs(checker.isReplaying) }
        checkOrigin(checker)
        return report(&checker, covered: size)
    }

    private mutating func attempt(
        _ name: String,
        _ body: (inout MirrorVerification) throws -> Void
    ) {
        do {
            try body(&self)
            checks.append(Check(name: name, verdict: .ok))
        } catch let error as Refuted {
            checks.append(Check(name: name, verdict: .refuted(error.finding)))
        } catch let error as Unchecked {
            checks.append(Check(name: name, verdict: .unchecked(error.missing)))
        } catch {
            checks.append(Verification.check(name, failed: error))
        }
    }

    private func path(_ name: String) -> String { source.place + "/" + name }

    // MARK: - What it says of itself

    private mutating func list() throws {
        guard source.isWhole else { return }
        let file = path("FORMAT")
        let found = try source.read("FORMAT", limit: MirrorLayout.smallBytesMax)
        guard found == MirrorLayout.format else {
            throw Refuted(.file, "is not that of a mirror of format 1", file: file)
        }
        inventory = try MirrorInventory(listing: source)
        for name in inventory.leftovers.prefix(10) {
            notes.append("an interrupted write left \(path(name))")
        }
    }

    private mutating func openCheckpoint() throws {
        try readHead()
        let lines = try trusted.keys ?? keyLines()
        let note = try source.read("checkpoint", limit: MirrorLayout.noteBytesMax)
        guard let lines else {
            if let note { try readUnsigned(note) }
            guard source.isWhole, note == nil else {
                throw Unchecked("no key; give the public keys of the log with --key")
            }
            throw Unchecked("nothing was signed: the ledger has no key")
        }
        let signed = try SignedHeads(lines, file: trusted.keys == nil ? path("vkeys") : "--key")
        self.signed = signed
        if trusted.keys == nil {
            notes.append("key taken from the directory: " + lines.joined(separator: " "))
        }
        // Every one is looked at, also when one before it is refuted.
        var refuted: [Refuted] = []
        for size in inventory.saved {
            do throws(Refuted) {
                heads.append(try saved(size, signed))
            } catch {
                refuted.append(error)
            }
        }
        guard let note else {
            if let first = refuted.first { throw first }
            throw Unchecked("there is no checkpoint")
        }
        let checkpoint = try signed.open(note, file: path("checkpoint"))
        expect(checkpoint)
        if let first = refuted.first { throw first }
    }

    private func saved(_ size: UInt64, _ signed: SignedHeads) throws(Refuted) -> TreeHead {
        let name = MirrorLayout.saved(size)
        let note: [UInt8]?
        do throws(StoreFault) {
            note = try source.read(name, limit: MirrorLayout.noteBytesMax)
        } catch {
            throw Refuted(.file, error.description, file: path(name))
        }
        guard let note else { throw Refuted(.missing, "is missing", file: path(name)) }
        return try signed.saved(note, size: size, file: path(name))
    }

    /// The public keys that it names itself; nil when it names none.
    func keyLines() throws -> [String]? {
        guard source.isWhole else { return trusted.keys }
        guard let bytes = try source.read("vkeys", limit: MirrorLayout.keysBytesMax) else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }

    private mutating func expect(_ checkpoint: Checkpoint) {
        notes.append("checkpoint of \(checkpoint.size) records")
        self.checkpoint = checkpoint
        sizes.append(checkpoint.size)
        heads.append(
            TreeHead(
                size: checkpoint.size,
                root: checkpoint.root,
                source: "checkpoint",
                file: path("checkpoint")
            )
        )
    }

    /// The size and root of a note whose signature nobody checks.
    private mutating func readUnsigned(_ bytes: [UInt8]) throws {
        do throws(EvidenceRefusal) {
            let note = try SignedNote(bytes)
            let origin = note.text.prefix { $0 != 0x0A }
            expect(try Checkpoint(text: note.text, of: String(decoding: origin, as: UTF8.self)))
        } catch {
            throw Refuted(error, file: path("checkpoint"))
        }
    }

    private mutating func readHead() throws {
        guard source.isWhole,
            let bytes = try source.read("head", limit: MirrorLayout.smallBytesMax)
        else { return }
        do throws(Malformed) {
            let head = try Head(bytes)
            sizes.append(head.size)
            heads.append(
                TreeHead(size: head.size, root: head.root, source: "head", file: path("head"))
            )
        } catch {
            throw Refuted(.file, error.reason, file: path("head"))
        }
    }

    private mutating func openSince() throws {
        guard let note = trusted.since else { return }
        guard let signed else { throw Unchecked("no key to open the checkpoint of --since with") }
        if let head = try signed.since(note, heads: heads.filter { $0.reason == .root }) {
            heads.append(head)
        }
    }

    // MARK: - Records

    private mutating func stream(
        _ checker: inout Checker,
        _ builder: inout TileBuilder,
        _ total: UInt64,
        _ sink: MirrorSink?
    ) throws {
        var number: UInt64 = 0
        while number * TilePath.width < total {
            let first = number * TilePath.width
            let wanted = min(TilePath.width, total - first)
            let bundle = try bundle(number, wanted)
            var leaves: [Digest] = []
            for record in bundle.records {
                let leaf = try checker.feed(Array(record), offset: UInt64(record.startIndex)) {
                    reference throws(StoreFault) in
                    named.insert(reference.digest)
                    return try source.read(
                        MirrorLayout.blob(reference.digest),
                        limit: Limits.blobBytesMax + 1
                    )
                }
                leaves.append(leaf)
                if checker.size == checkpoint?.size {
                    recordedOrigin = checker.scalars.origin.string
                }
                for tile in builder.append(leaf) { try compare(tile) }
                if checker.size == sink?.count {
                    try hand(Array(bundle.records.prefix(leaves.count)), leaves, to: sink)
                    try settle(sink, checker)
                }
            }
            if let sink, checker.size < sink.count { try hand(bundle.records, leaves, to: sink) }
            number += 1
            progress(checker.size, total)
        }
    }

    /// The sizes that seals speak of; each stands behind the size, so they are looked for first.
    private func sealSizes(among total: UInt64) -> Set<UInt64> {
        var sizes: Set<UInt64> = []
        do {
            for number in 0..<(total + TilePath.width - 1) / TilePath.width {
                let wanted = min(TilePath.width, total - number * TilePath.width)
                let read = try MirrorBundle.read(source, number, wanted, isFull(number))
                for record in read.records {
                    if let size = Checker.sealedSize(of: Array(record)) { sizes.insert(size) }
                }
            }
        } catch {
            return sizes  // the verification meets the same bundle, and says what is wrong
        }
        return sizes
    }

    private func hand(
        _ records: [ArraySlice<UInt8>],
        _ leaves: [Digest],
        to sink: MirrorSink?
    ) throws(SinkFault) {
        do {
            try sink?.take(records, leaves)
        } catch {
            throw SinkFault(cause: error)
        }
    }

    private func settle(_ sink: MirrorSink?, _ checker: Checker) throws(SinkFault) {
        do {
            try sink?.settle(checker)
        } catch {
            throw SinkFault(cause: error)
        }
    }

    /// Reads a bundle, and compares shorter files of it.
    private mutating func bundle(
        _ number: UInt64,
        _ wanted: UInt64
    ) throws -> (records: [ArraySlice<UInt8>], file: String) {
        let held = inventory.take(MirrorInventory.Tile(kind: .entries, number: number))
        let read = try MirrorBundle.read(source, number, wanted, held.isFull)
        let records = read.records
        for width in held.widths where !(width == wanted && !held.isFull) {
            let name = MirrorLayout.name(.entries, number, width: width)
            let bytes = try source.read(name, limit: MirrorLayout.bundleBytesMax)
            let end = width <= UInt64(records.count) ? records[Int(width) - 1].endIndex : 0
            guard let bytes, bytes == Array(read.bytes.prefix(end)) else {
                throw Refuted(.bundle, "is not the first \(width) of the bundle", file: path(name))
            }
        }
        return (records, read.file)
    }

    // MARK: - Tiles

    private mutating func compare(_ tile: TileBuilder.Tile) throws {
        try compare(tile.level, tile.number, tile.hashes)
    }

    private mutating func compare(
        _ level: UInt64,
        _ number: UInt64,
        _ hashes: [Digest]
    ) throws {
        let kind = TilePath.Kind.hashes(level: level)
        let held = inventory.take(MirrorInventory.Tile(kind: kind, number: number))
        let first = number * TilePath.width
        var needed: Set<UInt64> = []
        for size in sizes {
            let count = size >> (8 * level)
            if count > first { needed.insert(min(TilePath.width, count - first)) }
        }
        var widths = held.widths
        if held.isFull {
            widths.append(TilePath.width)
        } else {
            for width in needed.sorted() where !held.widths.contains(width) {
                let name = MirrorLayout.name(kind, number, width: width)
                add(Finding(.missing, "the tile is missing", file: path(name)))
            }
        }
        for width in widths {
            try compare(kind, number, width, hashes)
        }
    }

    private mutating func compare(
        _ kind: TilePath.Kind,
        _ number: UInt64,
        _ width: UInt64,
        _ hashes: [Digest]
    ) throws(StoreFault) {
        var name = MirrorLayout.name(kind, number, width: width)
        let limit = 2 * Int(TilePath.width) * MirrorLayout.hashBytes
        var bytes = try source.read(name, limit: limit)
        if bytes == nil, !inventory.isListed, width < TilePath.width {
            // A mirror may have dropped a partial tile when it had the full one.
            name = MirrorLayout.name(kind, number)
            let full = try source.read(name, limit: limit)
            bytes = full.map { Array($0.prefix(Int(width) * MirrorLayout.hashBytes)) }
        }
        guard let bytes else {
            add(Finding(.missing, "the tile is missing", file: path(name)))
            return
        }
        guard bytes.count == Int(width) * MirrorLayout.hashBytes else {
            let detail = "\(bytes.count) bytes, expected \(Int(width) * MirrorLayout.hashBytes)"
            add(Finding(.tileLength, detail, file: path(name)))
            return
        }
        guard width <= UInt64(hashes.count) else {
            let detail = "\(width) hashes, and the records give \(hashes.count)"
            add(Finding(.surplus, detail, file: path(name)))
            return
        }
        for (position, hash) in hashes.prefix(Int(width)).enumerated() {
            let at = position * MirrorLayout.hashBytes
            let found = Digest(bytes[at..<at + MirrorLayout.hashBytes])
            guard found == hash else {
                add(
                    Finding(
                        .tileHash,
                        "hash \(position) is \(found.map { "\($0)" } ?? ""), expected \(hash)",
                        index: kind == .hashes(level: 0)
                            ? RecordIndex(number * TilePath.width + UInt64(position)) : nil,
                        offset: UInt64(at),
                        file: path(name)
                    )
                )
                return
            }
        }
    }

    private mutating func add(_ finding: Finding) {
        guard tileFindings.count < 100 else { return }
        tileFindings.append(finding)
    }

    /// Compares what is in no full tile, and names what nothing accounts for.
    private mutating func finishTiles(_ builder: TileBuilder, isWhole: Bool) {
        if isWhole {
            do {
                for level in TileLevel.all(size: builder.size) where level.partialWidth > 0 {
                    let hashes = builder.partial(level: level.level)
                    try compare(level.level, level.full, hashes)
                }
            } catch {
                fileChecks.append(Verification.check("tiles", failed: error))
                return
            }
        }
        guard let first = tileFindings.first else {
            let open = Verdict.unchecked("the bundles are not whole")
            fileChecks.append(Check(name: "tiles", verdict: isWhole ? .ok : open))
            if isWhole { checkSurplus() }
            return
        }
        fileChecks.append(Check(name: "tiles", verdict: .refuted(first)))
        others += tileFindings.dropFirst()
        if isWhole { checkSurplus() }
    }

    private mutating func checkSurplus() {
        guard inventory.isListed else { return }
        guard let name = inventory.surplus.first else {
            fileChecks.append(Check(name: "names", verdict: .ok))
            return
        }
        let finding = Finding(.surplus, "nothing accounts for it", file: path(name))
        fileChecks.append(Check(name: "names", verdict: .refuted(finding)))
    }

    // MARK: - The rest

    /// What is named by no record may be there after an interrupted write; its bytes must be right.
    private mutating func verifyOtherBlobs(_ isReplaying: Bool) throws {
        guard inventory.isListed, isReplaying else { return }
        for name in inventory.blobs.sorted() where !named.contains(where: { "\($0)" == name }) {
            let file = "blob/" + name
            let bytes = try source.read(file, limit: Limits.blobBytesMax + 1)
            guard let bytes, "\(Hashing.sha256(bytes))" == name else {
                throw Refuted(.blobHash, "other bytes than its name says", file: path(file))
            }
            notes.append("is named by no record: \(path(file))")
        }
    }

    private mutating func checkOrigin(_ checker: Checker) {
        guard let checkpoint, let recordedOrigin, checker.isReplaying,
            recordedOrigin != checkpoint.origin
        else { return }
        let detail = "the checkpoint is of \(checkpoint.origin), the records of \(recordedOrigin)"
        checks.append(
            Check(
                name: "origin",
                verdict: .refuted(Finding(.origin, detail, file: path("checkpoint")))
            )
        )
    }

    private func report(_ checker: inout Checker, covered: UInt64) -> Report {
        var notes = notes
        if let first = sizes.first, sizes.count == 2, let last = sizes.last, first > last {
            notes.append("unsealed tail: records \(last) to \(first - 1) are under no checkpoint")
        }
        if let digest = checker.stateDigest() { notes.append("state digest \(digest)") }
        let found = checker.report()
        let total = found.records
        // A changed record explains a changed hash, and that a changed root: the cause comes first.
        var judged = found.checks.map { check in
            guard case .refuted(let finding) = check.verdict else { return check }
            return Check(name: check.name, verdict: .refuted(placed(finding, total)))
        }
        let tree = judged.firstIndex { $0.name == "tree" } ?? judged.endIndex  // then at the end
        judged.insert(contentsOf: fileChecks, at: tree)
        return Report(
            records: total,
            root: found.root,
            checks: checks + judged,
            others: others + found.others.map { placed($0, total) },
            notes: notes + found.notes
        )
    }

    private func placed(_ finding: Finding, _ total: UInt64) -> Finding {
        if let file = finding.file {
            // The checker names blobs as data directories do.
            return file.hasPrefix("blobs/")
                ? finding.with(file: path("blob/" + file.dropFirst(6))) : finding
        }
        guard let index = finding.index?.rawValue else { return finding }
        let number = index / TilePath.width
        let isFull = (number + 1) * TilePath.width <= total
        let width = isFull ? TilePath.width : max(1, total - number * TilePath.width)
        return finding.with(file: path(MirrorLayout.name(.entries, number, width: width)))
    }
}

/// Nothing was found wrong, and something could not be looked at.
struct Unchecked: Error {
    let missing: String

    init(_ missing: String) { self.missing = missing }
}

/// Reads bundles of a mirror.
enum MirrorBundle {
    /// The first records of a bundle.
    ///
    /// - Throws: ``Refuted`` or ``StoreFault``.
    static func read(
        _ source: any MirrorSource,
        _ number: UInt64,
        _ wanted: UInt64,
        _ isFull: Bool
    ) throws -> (records: [ArraySlice<UInt8>], bytes: [UInt8], file: String) {
        let names =
            isFull
            ? [MirrorLayout.name(.entries, number)]
            : [
                MirrorLayout.name(.entries, number, width: wanted),
                MirrorLayout.name(.entries, number),
            ]
        for name in names {
            guard let bytes = try source.read(name, limit: MirrorLayout.bundleBytesMax) else {
                continue  // the full one stands for the partial one
            }
            let isWhole = name == MirrorLayout.name(.entries, number)
            let file = source.place + "/" + name
            do throws(EvidenceRefusal) {
                let width = isWhole ? TilePath.width : wanted
                let records = try EntryBundle.records(bytes, width: width)
                return (Array(records.prefix(Int(wanted))), bytes, file)
            } catch {
                throw Refuted(error, file: file)
            }
        }
        let file = source.place + "/" + (names.first ?? "tile/entries")
        throw Refuted(.missing, "the bundle is missing", file: file)
    }
}
