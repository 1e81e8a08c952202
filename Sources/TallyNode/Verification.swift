// SPDX-License-Identifier: Apache-2.0
//
// `tally verify DIR`: opens a data directory without changing a byte of it, and lets the checker
// judge it. May import Foundation for copies in a temporary folder: the engines of state store and
// views write when they open, so they only ever open copies. Shares no rule with the kernel: the
// checker replays.

import Foundation
package import TallyChecker
import TallyCodec
import TallyKernel
import TallyLog
import TallyProof
import TallyStore
import TallyTypes
import TallyViews

/// Verifies one data directory.
package struct Verification: ~Copyable {
    private let directory: DataDirectory
    private let temporary: String
    private let trusted: TrustedEvidence
    private let progress: (UInt64, UInt64) -> Void
    private var checks: [Check] = []
    private var notes: [String] = []
    private var isClean = false
    private var checkpoint: Checkpoint?

    /// Verifies a data directory.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - trusted: Keys and an earlier checkpoint that did not come from it.
    ///   - progress: Told of records done and records in all, now and then.
    /// - Returns: The report; its exit code is 0 verified, 1 refuted, 2 not verified.
    package static func run(
        _ path: String,
        trusted: TrustedEvidence = TrustedEvidence(),
        progress: @escaping (UInt64, UInt64) -> Void = { _, _ in }
    ) -> Report {
        do {
            let directory = try DataDirectory(disk: RealDisk(), path: path, mode: .inspect)
            var verification = try Verification(directory, trusted, progress)
            return verification.verify()
        } catch let fault as StoreFault where fault.code == .missing || fault.code == .notEmpty {
            return Report(
                records: 0,
                root: CompactRange.emptyRoot,
                checks: [Check(name: "directory", verdict: .unchecked(fault.description))]
            )
        } catch {
            return Report(
                records: 0,
                root: CompactRange.emptyRoot,
                checks: [Verification.check("directory", failed: error)]
            )
        }
    }

    private init(
        _ directory: DataDirectory,
        _ trusted: TrustedEvidence,
        _ progress: @escaping (UInt64, UInt64) -> Void
    ) throws {
        self.directory = directory
        self.trusted = trusted
        self.progress = progress
        notes = [directory.lockNote].compactMap { $0 }
        temporary = NSTemporaryDirectory() + "tally-verify-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: temporary,
            withIntermediateDirectories: true
        )
    }

    deinit {
        do {
            try FileManager.default.removeItem(atPath: temporary)
        } catch {
            FileHandle.standardError.write(Data("tally: \(temporary) stays: \(error)\n".utf8))
        }
    }

    /// Ends a check by what was thrown: bytes that are wrong refute, a world that fails leaves
    /// open.
    static func check(_ name: String, failed error: any Error) -> Check {
        if let refuted = error as? Refuted {
            return Check(name: name, verdict: .refuted(refuted.finding))
        }
        if let open = error as? Unchecked {
            return Check(name: name, verdict: .unchecked(open.missing))
        }
        let refutes: Bool =
            switch error {
            case let fault as StoreFault:
                switch fault.code {
                case .corrupt, .missing, .unknownFormat, .lostEntry, .notEmpty, .engine,
                    .otherLedger, .otherHistory:
                    true
                case .disk, .locked: false
                }
            case let fault as LogFault:
                switch fault.code {
                case .corrupt, .gap, .unknownFormat: true
                default: false
                }
            case is Malformed, is ViewFault: true
            case let fault as NodeFault: fault.code == .corrupt || fault.code == .lost
            default: false
            }
        guard refutes else { return Check(name: name, verdict: .unchecked("\(error)")) }
        return Check(name: name, verdict: .refuted(Finding(.file, "\(error)")))
    }

    private mutating func attempt(_ name: String, _ body: (inout Verification) throws -> Void) {
        do {
            try body(&self)
            checks.append(Check(name: name, verdict: .ok))
        } catch {
            checks.append(Verification.check(name, failed: error))
        }
    }

    // MARK: - The checks

    private mutating func verify() -> Report {
        var head: Head?
        attempt("head") { this in head = try this.directory.readHead() }
        attempt("sums") { this in
            this.isClean = try this.directory.checkSums()
            if !this.isClean {
                this.notes.append(
                    "the last stop was not clean: in the state store every row is compared, "
                        + "and what holds no row is covered by the engine's own block checksums"
                )
            }
        }
        var store: StoreCopy?
        attempt("state") { this in store = try this.openState() }
        var heads = [head.map { TreeHead(size: $0.size, root: $0.root, source: "head") }]
            .compactMap { $0 }
        attempt("checkpoint") { this in
            try this.verifyCheckpoints(head, &heads)
        }
        var sealSizes: Set<UInt64> = []
        attempt("scan") { this in sealSizes = try this.sealSizes() }
        var checker = Checker(heads: heads, sealSizes: sealSizes)
        attempt("log") { this in try this.verifyLog(store?.marker, head) }
        attempt("image") { this in try this.verifyImage(store?.marker) }
        attempt("files") { this in try this.verifyRecords(&checker, store, head) }
        attempt("views") { this in try this.verifyViews(checker.size) }
        attempt("close") { _ in try store?.store.close() }
        if let digest = checker.stateDigest() { notes.append("state digest \(digest)") }
        var report = checker.report()
        for check in checks { report.add(check) }
        let places = FindingPlaces(
            recordFolder: directory.records,
            state: directory.state
        )
        return Report(
            records: report.records,
            root: report.root,
            checks: report.checks.map { Check(name: $0.name, verdict: places.place($0.verdict)) },
            others: report.others.map { places.place($0) },
            notes: report.notes + notes
        )
    }

    /// Every checkpoint is signed by a key that is given, or that the directory names; its root is
    /// the checker's to confirm.
    private mutating func verifyCheckpoints(
        _ head: Head?,
        _ heads: inout [TreeHead]
    ) throws {
        let (keyFile, noteFile) = (directory.path + "/vkeys", directory.path + "/checkpoint")
        let note = try directory.readCheckpoint()
        guard let lines = try trusted.keys ?? directory.readVerifierKeys() else {
            guard note == nil else { throw Refuted(.missing, "is missing", file: keyFile) }
            notes.append("nothing was signed: the ledger has no key")
            if trusted.since != nil { throw Unchecked("no key to open --since with") }
            return
        }
        let signed = try SignedHeads(lines, file: trusted.keys == nil ? keyFile : "--key")
        if let since = trusted.since, let kept = try signed.since(since, heads: heads) {
            heads.append(kept)
        }
        let folder = MirrorDirectory(disk: directory.disk, path: directory.path)
        let saved = try folder.saved()
        for size in saved {
            let file = MirrorLayout.saved(size)
            guard let kept = try folder.read(file, limit: MirrorLayout.noteBytesMax) else {
                throw Refuted(.missing, "is missing", file: directory.path + "/" + file)
            }
            heads.append(try signed.saved(kept, size: size, file: directory.path + "/" + file))
        }
        guard let note else {
            guard saved.isEmpty || !isClean else {
                let detail = "is missing, and checkpoints of \(saved.count) sizes are kept"
                throw Refuted(.missing, detail, file: noteFile)
            }
            guard head?.size ?? 0 == 0 || !isClean else {
                throw Unchecked("there is no checkpoint; an older copy that was restored has none")
            }
            notes.append("there is no checkpoint")
            return
        }
        let checkpoint = try signed.open(note, file: noteFile)
        self.checkpoint = checkpoint
        heads.append(
            TreeHead(
                size: checkpoint.size,
                root: checkpoint.root,
                source: "checkpoint",
                file: noteFile
            )
        )
        let place = trusted.keys == nil ? "key taken from the directory" : "key given"
        notes.append(
            "checkpoint of \(checkpoint.size) records, \(place): " + lines.joined(separator: " ")
        )
    }

    /// The state store, opened on a copy.
    private struct StoreCopy {
        let store: RocksStateStore
        let marker: FlushMarker
        let scalars: LedgerScalars
    }

    private mutating func openState() throws -> StoreCopy? {
        let copy = temporary + "/state"
        try Verification.copy(directory.state, to: copy)
        let store = try RocksStateStore(path: copy, mode: .readOnly)
        guard let marker = try store.marker() else {
            try store.close()
            throw NodeFault(
                .directory,
                subject: directory.state,
                reason: "was never flushed",
                nextStep: "start the node once and stop it, then verify again"
            )
        }
        return StoreCopy(
            store: store,
            marker: marker,
            scalars: try StateCodec.decodeScalars(marker.scalars)
        )
    }

    /// Copies a folder of files, writable also where the original is not.
    private static func copy(_ folder: String, to copy: String) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: copy, withIntermediateDirectories: false)
        for name in try files.contentsOfDirectory(atPath: folder) {
            let target = copy + "/" + name
            try files.copyItem(atPath: folder + "/" + name, toPath: target)
            try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: target)
        }
    }

    private mutating func verifyLog(_ marker: FlushMarker?, _ head: Head?) throws {
        let report = try LogVerifier.verify(
            disk: directory.disk,
            directory: directory.log,
            flushedIndex: marker?.applied ?? .zero
        )
        if let head, head.log > report.last {
            throw NodeFault(
                .lost,
                subject: directory.path + "/head",
                reason: "names entry \(head.log), the log ends at entry \(report.last)",
                nextStep: "an acknowledged entry was lost: restore a backup"
            )
        }
        for remnant in [report.tornTail, report.spareRemnant].compactMap({ $0 }) {
            guard !isClean else {
                throw LogFault(
                    .corrupt,
                    subject: remnant.description,
                    reason: "is not zero, after a clean stop"
                )
            }
            notes.append("not zero behind the end of the log: \(remnant)")
        }
        if let filling = report.filling {
            guard !isClean else {
                let reason = "is not zeroed to its end, after a clean stop"
                throw LogFault(.corrupt, subject: filling, reason: reason)
            }
            notes.append("carries nothing, and is zeroed before it is used: \(filling)")
        }
        if let marker, report.last > marker.applied {
            guard !isClean else {
                throw NodeFault(
                    .corrupt,
                    subject: directory.state,
                    reason: "is as of entry \(marker.applied), the log ends at \(report.last), "
                        + "after a clean stop",
                    nextStep: "restore a backup"
                )
            }
            notes.append(
                "entries \(marker.applied.next) to \(report.last) of the log are replayed "
                    + "at the next start"
            )
        }
    }

    private mutating func verifyImage(_ marker: FlushMarker?) throws {
        guard let marker else { return }
        guard let reference = marker.image else {
            throw StoreFault(
                .corrupt,
                subject: directory.image,
                reason: "the state store names no image"
            )
        }
        let images = CacheImages(disk: directory.disk, directory: directory.image)
        let bytes = try images.read(reference, applied: marker.applied)
        let scalars = try StateCodec.decodeScalars(marker.scalars)
        guard let secrets = KeySecrets(marker.secrets) else {
            throw StoreFault(.corrupt, subject: directory.state, reason: "holds no key secrets")
        }
        _ = try Kernel.restore(
            applied: marker.applied,
            scalars: scalars,
            secrets: secrets,
            tree: CompactRange(decoding: marker.tree),
            image: bytes
        )
        let others = try FileManager.default.contentsOfDirectory(atPath: directory.image)
            .filter { $0 != reference.name }
        guard isClean, let other = others.first else { return }
        throw StoreFault(
            .corrupt,
            subject: directory.image + "/" + other,
            reason: "is named by nothing, after a clean stop"
        )
    }

    /// The sizes that seals speak of; each stands behind the size, so they are looked for first.
    private func sealSizes() throws -> Set<UInt64> {
        var scanner = try RecordScanner(disk: directory.disk, directory: directory.records)
        var sizes: Set<UInt64> = []
        while let record = try scanner.next() {
            if let size = Checker.sealedSize(of: record.bytes) { sizes.insert(size) }
        }
        return sizes
    }

    private mutating func verifyRecords(
        _ checker: inout Checker,
        _ store: StoreCopy?,
        _ head: Head?
    ) throws {
        let total = max(head?.size ?? 0, store?.scalars.nextRecord.rawValue ?? 0)
        var verifier = RecordVerifier(disk: directory.disk, directory: directory.records)
        var compared = false
        let blobs = BlobFiles(disk: directory.disk, directory: directory.records)
        var named: Set<String> = []
        var signedOrigin: String?
        let report = try verifier.verify(durable: head?.size ?? 0) { record throws(StoreFault) in
            if let store, !compared, checker.size == store.scalars.nextRecord.rawValue {
                compared = true
                try compareRows(&checker, store)
            }
            try checker.feed(record.bytes, offset: UInt64(record.offset)) {
                reference throws(StoreFault) in
                try blobs.bytes(of: reference)
            }
            if checker.size == checkpoint?.size { signedOrigin = checker.scalars.origin.string }
            if checker.size % 65_536 == 0 { progress(checker.size, total) }
            return position(of: record, blobs, &named)
        }
        if let store, !compared, checker.size == store.scalars.nextRecord.rawValue {
            try compareRows(&checker, store)
        }
        try requireOrigin(signedOrigin, checker)
        if let head, report.count.rawValue < head.size {
            throw StoreFault(
                .missing,
                subject: directory.records,
                reason: "holds \(report.count) records, head names \(head.size)"
            )
        }
        if !report.hasTiles {
            notes.append("the tiles are not all there; the next start makes them")
        }
        try verifyNames(blobs, named)
        if let remnant = report.remnant {
            guard !isClean else {
                throw StoreFault(
                    .corrupt,
                    subject: "\(directory.records)/entries, offset \(remnant)",
                    reason: "is not zero behind the last record, after a clean stop"
                )
            }
            notes.append("an incomplete record behind record \(report.count) is cut at next start")
        }
    }

    /// The checkpoint is of the origin that the ledger had at its size.
    private func requireOrigin(_ found: String?, _ checker: Checker) throws(Refuted) {
        guard let checkpoint, let found, checker.isReplaying, found != checkpoint.origin else {
            return
        }
        let detail = "the checkpoint is of \(checkpoint.origin), the records of \(found)"
        throw Refuted(.origin, detail, file: directory.path + "/checkpoint")
    }

    /// Every file beside the records is one that a record names.
    private mutating func verifyNames(_ blobs: BlobFiles, _ named: Set<String>) throws {
        for name in try blobs.names() where !named.contains(name) {
            let path = "\(directory.records)/blobs/\(name)"
            guard !isClean else {
                throw StoreFault(
                    .corrupt,
                    subject: path,
                    reason: "is named by no record, after a clean stop"
                )
            }
            notes.append("is named by no record: \(path)")
        }
    }

    /// What a record says of its transaction's position; the checker judges the rest of it.
    private func position(
        of record: ScannedRecord,
        _ blobs: BlobFiles,
        _ named: inout Set<String>
    ) -> RecordPosition? {
        do {
            let parsed = try RecordCodec.parse(record.bytes[...])
            named.formUnion(parsed.references.map(\.digest.description))
            let decoded = try parsed.completed(with: blobs.read)
            guard case .committed(.transaction(let effects)) = decoded.outcome else { return nil }
            return RecordPosition(
                book: decoded.book,
                transaction: effects.id,
                record: record.index
            )
        } catch {
            return nil  // the checker was fed the same bytes and has refuted them
        }
    }

    private func compareRows(
        _ checker: inout Checker,
        _ store: StoreCopy
    ) throws(StoreFault) {
        let snapshot = try store.store.snapshot()
        let cursor = try snapshot.cursor(from: [])
        try checker.compareRows(store.scalars) { () throws(StoreFault) in
            try cursor.next().map { StoredRow(key: $0.key, value: $0.value) }
        }
        let tree = CompactRange.decoded(store.marker.tree)
        guard tree?.size == checker.size, tree?.root == checker.root else {
            throw StoreFault(
                .corrupt,
                subject: directory.state,
                reason: "its tree is not that of the first \(checker.size) records"
            )
        }
    }

    // MARK: - Views

    /// Folds the records again, as far as the views are, and compares row by row.
    private mutating func verifyViews(_ size: UInt64) throws {
        let copy = temporary + "/views"
        let again = temporary + "/views-again"
        try Verification.copy(directory.views, to: copy)
        var held = try ViewStore(directory: copy)
        if let loss = held.recovery.losses.first {
            throw ViewFault(.contradiction, subject: directory.views, cause: loss.description)
        }
        guard held.recovery.furthest.rawValue <= size else {
            throw ViewFault(
                .contradiction,
                subject: directory.views,
                cause: "a view holds \(held.recovery.furthest) records of \(size)"
            )
        }
        let resume = held.recovery.resume
        if resume.rawValue < size {
            notes.append("the views hold \(resume) of \(size) records and follow at next start")
        }
        var store = try ViewStore(directory: again)
        var scanner = try RecordScanner(disk: directory.disk, directory: directory.records)
        let blobs = BlobFiles(disk: directory.disk, directory: directory.records)
        var run: [Record] = []
        var bytes = 0
        while scanner.index.rawValue < size, let record = try scanner.next() {
            let parsed = try RecordCodec.parse(record.bytes[...])
            bytes += record.bytes.count + parsed.references.reduce(0) { $0 + $1.length }
            run.append(try parsed.completed(with: blobs.read))
            let isFull = run.count == 8_192 || bytes > 16 << 20
            guard isFull || scanner.index.rawValue == size else { continue }
            bytes = 0
            try store.fold(run[...])
            // What the views lack is folded into the copy too: a crash leaves their files at
            // different places, and everything in them must still be right.
            let behind = run.drop { $0.index < resume }
            try held.fold(behind)
            run = []
            progress(record.index.rawValue, size)
        }
        if let difference = try ViewComparison.compare(copy, again) {
            throw ViewFault(
                .contradiction,
                subject: directory.views + "/" + difference.file,
                cause: difference.description
            )
        }
    }
}

extension CompactRange {
    /// The tree of encoded peaks; nil when they do not decode.
    fileprivate static func decoded(_ bytes: [UInt8]) -> CompactRange? {
        do {
            return try CompactRange(decoding: bytes)
        } catch {
            return nil  // compared by the caller, which names the store
        }
    }
}

/// Where records and rows are kept: the checker knows which they are, not in which file.
private struct FindingPlaces {
    /// The folder of the records.
    let recordFolder: String
    let state: String

    func place(_ verdict: Verdict) -> Verdict {
        if case .refuted(let finding) = verdict { .refuted(place(finding)) } else { verdict }
    }

    func place(_ finding: Finding) -> Finding {
        if let file = finding.file, file.hasPrefix("blobs/") {
            return finding.with(file: "\(recordFolder)/\(file)")
        }
        guard finding.file == nil, finding.index != nil || finding.row != nil else {
            return finding
        }
        return finding.with(file: finding.row == nil ? "\(recordFolder)/entries" : state)
    }
}
