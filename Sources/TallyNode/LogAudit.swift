// SPDX-License-Identifier: Apache-2.0
//
// `tally audit`: looks at a log again and again, and holds each look to the one before. Fetches the
// newest checkpoint, a proof that it continues the last verified one, and the records behind that
// one; nothing is replayed. Called by the command line. specs: evidence §5.
//
// The state moves only behind a look at which nothing was refuted, and is durable before it is
// said. A note that contradicts it is kept beside it: the two convince others.

package import TallyChecker
import TallyCodec
import TallyProof
package import TallyStore
package import TallyTypes

/// What an auditor asks of the witnesses of a log.
package struct AuditPolicy {
    /// A witness's copies of logs, below a prefix.
    package struct Witness {
        /// Where it publishes what it cosigned.
        let source: any MirrorSource

        /// Names a place: the prefix below which the folders of logs are.
        package init(_ source: any MirrorSource) { self.source = source }
    }

    /// Public keys of the log and of witnesses, as text.
    package var keys: [String]
    /// Witnesses whose copies are compared with what the log shows.
    package var witnesses: [Witness]
    /// The most seconds that the newest cosignature may be old; nil when age does not matter.
    package var newestWithin: UInt64?

    /// Makes a policy.
    package init(keys: [String], witnesses: [Witness] = [], newestWithin: UInt64? = nil) {
        self.keys = keys
        self.witnesses = witnesses
        self.newestWithin = newestWithin
    }
}

/// An auditor of one log.
package struct LogAudit {
    /// The largest answer to the question for a proof.
    private static let proofBytesMax = 16_384

    private let source: any MirrorSource
    private let policy: AuditPolicy
    private let disk: any Disk
    private let path: String
    private let now: () -> UInt64
    private let progress: (UInt64, UInt64) -> Void

    /// Makes an auditor.
    ///
    /// - Parameters:
    ///   - source: The log: a server, a static mirror.
    ///   - policy: What did not come from it.
    ///   - disk: Where the state is.
    ///   - path: The file of the state; made at the first look.
    ///   - now: Seconds since 1970 UTC.
    ///   - progress: Told of records done and records in all, now and then.
    package init(
        of source: any MirrorSource,
        _ policy: AuditPolicy,
        disk: any Disk,
        state path: String,
        now: @escaping () -> UInt64,
        progress: @escaping (UInt64, UInt64) -> Void = { _, _ in }
    ) {
        self.source = source
        self.policy = policy
        self.disk = disk
        self.path = path
        self.now = now
        self.progress = progress
    }

    /// The file that keeps a note which contradicts the state.
    package var contradictionPath: String { path + ".contradiction" }

    /// Looks once.
    ///
    /// - Returns: The report; its exit code is 0 verified, 1 refuted, 2 not verified.
    package func look() -> Report {
        var look = Look(checks: [], notes: [], state: AuditState())
        do {
            try run(&look)
        } catch {
            look.checks.append(Verification.check(look.step, failed: error))
        }
        return Report(
            records: look.state.tree.size,
            root: look.state.tree.root,
            checks: look.checks,
            notes: look.notes
        )
    }

    /// One look on its way.
    private struct Look {
        var checks: [Check]
        var notes: [String]
        var state: AuditState
        var step = "state"

        var isRefuted: Bool {
            checks.contains { check in
                if case .refuted = check.verdict { true } else { false }
            }
        }

        mutating func ok(then next: String) {
            checks.append(Check(name: step, verdict: .ok))
            step = next
        }
    }

    private func run(_ look: inout Look) throws {
        let heads = try SignedHeads(policy.keys, file: "the keys that were given")
        let before = try readState(heads)
        look.state = before.state
        look.ok(then: "checkpoint")
        guard let bytes = try source.read("checkpoint", limit: MirrorLayout.noteBytesMax) else {
            throw Unchecked("\(place("checkpoint")): the log shows no checkpoint")
        }
        let checkpoint = try heads.open(bytes, file: place("checkpoint"))
        let own = try cosignatures(heads, bytes, place("checkpoint"))
        look.ok(then: "history")
        try compare(checkpoint, bytes, with: before)
        try proveConsistency(checkpoint, bytes, before)
        look.ok(then: "records")
        let copies = witnessCopies(heads, checkpoint, before, &look)
        guard !look.isRefuted else {
            try keep(bytes)
            return
        }
        // The state of before stays in the report unless all of the look is right.
        var next = before.state
        do {
            try follow(&next, to: checkpoint.size, watching: copies)
        } catch let error as Refuted {
            try keep(bytes)
            throw error
        }
        guard next.tree.root == checkpoint.root else {
            try keep(bytes)
            let detail =
                "the records give \(next.tree.root), the checkpoint says \(checkpoint.root)"
            throw Refuted(.root, detail, file: place("checkpoint"))
        }
        look.ok(then: "state file")
        next.note = bytes
        if next != before.state { try write(path, next.bytes) }
        look.state = next
        if let limit = policy.newestWithin {
            look.step = "freshness"
            try judgeAge(own + copies.flatMap(\.cosignatures), limit)
            look.ok(then: "end")
        }
        let added = next.tree.size - before.state.tree.size
        look.notes.append("\(added) records since the last look, \(next.chains.count) books")
    }

    private func place(_ name: String) -> String { source.place + "/" + name }

    // MARK: - State

    private typealias Before = (state: AuditState, checkpoint: Checkpoint?)

    private func readState(_ heads: SignedHeads) throws -> Before {
        let bytes: [UInt8]
        do throws(DiskFault) {
            bytes = try disk.contents(of: path, limit: ByteCount(AuditState.bytesMax))
        } catch {
            guard error.code == .notFound else { throw StoreFault(error) }
            return (AuditState(), nil)
        }
        do {
            let state = try AuditState(bytes)
            let checkpoint = try heads.open(state.note, file: path)
            guard checkpoint.size == state.tree.size, checkpoint.root == state.tree.root else {
                throw Malformed("its tree is not that of its checkpoint", field: "tree")
            }
            return (state, checkpoint)
        } catch let error as Malformed {
            // The state says nothing of the log: it is not the log that is refuted.
            throw Unchecked("\(path): \(error); remove it to audit the log from its beginning")
        } catch let error as Refuted {
            throw Unchecked("\(path): \(error.finding.detail); give the keys of the log it is of")
        }
    }

    private func write(_ path: String, _ bytes: [UInt8]) throws(StoreFault) {
        do throws(DiskFault) {
            try disk.replace(path, with: bytes)
        } catch {
            throw StoreFault(error)
        }
    }

    /// Keeps a note that contradicts the state; the first one stays.
    private func keep(_ note: [UInt8]) throws(StoreFault) {
        do throws(DiskFault) {
            let isThere = try disk.exists(contradictionPath)
            if isThere { return }
        } catch {
            throw StoreFault(error)
        }
        try write(contradictionPath, note)
    }

    // MARK: - Checkpoints

    private func compare(
        _ checkpoint: Checkpoint,
        _ note: [UInt8],
        with before: Before
    ) throws {
        guard let last = before.checkpoint else { return }
        guard checkpoint.size >= last.size else {
            try keep(note)
            let detail = "\(last.size) records were signed, and the log shows \(checkpoint.size)"
            throw Refuted(.rollback, detail, file: place("checkpoint"))
        }
        guard checkpoint.size > last.size || checkpoint.root == last.root else {
            try keep(note)
            let detail =
                "root \(checkpoint.root) of \(last.size) records, and \(last.root) was signed "
                + "before: \(path) and \(contradictionPath) hold both notes"
            throw Refuted(.splitView, detail, file: place("checkpoint"))
        }
    }

    private func proveConsistency(
        _ checkpoint: Checkpoint,
        _ note: [UInt8],
        _ before: Before
    ) throws {
        guard let last = before.checkpoint,
            let holds = try consistency(from: last, to: checkpoint), !holds
        else { return }  // nothing to continue, or the records alone decide
        try keep(note)
        let detail =
            "the log's own proof does not lead from \(last.size) records with root \(last.root) "
            + "to \(checkpoint.size) with \(checkpoint.root)"
        throw Refuted(.consistencyProof, detail, file: place("checkpoint"))
    }

    /// Whether the log proves that a checkpoint continues another; nil when it makes no proofs.
    private func consistency(from old: Checkpoint, to new: Checkpoint) throws -> Bool? {
        guard old.size > 0, old.size < new.size else {
            return old.size == 0 || old.root == new.root
        }
        let name = "proof/consistency?from=\(old.size)&to=\(new.size)"
        guard let bytes = try source.read(name, limit: LogAudit.proofBytesMax) else { return nil }
        do throws(Malformed) {
            let fields = try JSONFields(try JSONReader.parse(bytes))
            let path = try fields.required("proof", .array(of: .hash))
            let proof = ConsistencyProof(oldSize: old.size, newSize: new.size, path: path)
            return proof.holds(oldRoot: old.root, newRoot: new.root)
        } catch {
            throw Refuted(.consistencyProof, error.description, file: place(name))
        }
    }

    // MARK: - Records

    /// Fetches the records between the state and a size, and takes them.
    private func follow(
        _ state: inout AuditState,
        to size: UInt64,
        watching copies: [WitnessCopy]
    ) throws {
        let roots = Dictionary(grouping: copies) { $0.checkpoint.size }
        while state.tree.size < size {
            let number = state.tree.size / TilePath.width
            let first = number * TilePath.width
            let wanted = min(TilePath.width, size - first)
            let bundle = try MirrorBundle.read(source, number, wanted, wanted == TilePath.width)
            for bytes in bundle.records.dropFirst(Int(state.tree.size - first)) {
                let leaf = unsafe Array(bytes).withUnsafeBytes { unsafe Hashing.leaf($0) }
                let record = try decoded(Array(bytes), RecordIndex(state.tree.size), bundle.file)
                try state.take(record, leaf: leaf, file: bundle.file)
                // No default: a size that no witness has is not watched.
                for copy in roots[state.tree.size] ?? [] { try copy.compare(state.tree.root) }
            }
            progress(state.tree.size, size)
        }
    }

    private func decoded(_ bytes: [UInt8], _ index: RecordIndex, _ file: String) throws -> Record {
        func refuted(_ reason: Reason, _ detail: String, _ file: String) -> Refuted {
            Refuted(Finding(reason, detail, index: index, file: file))
        }
        let record: Record
        do {
            record = try RecordCodec.parse(bytes[...]).completed { reference in
                let name = MirrorLayout.blob(reference.digest)
                let blob = try source.read(name, limit: Limits.blobBytesMax)
                guard let blob else {
                    throw refuted(.blobMissing, "the record needs it", place(name))
                }
                guard blob.count == reference.length, Hashing.sha256(blob) == reference.digest
                else { throw refuted(.blobHash, "other bytes than the record names", place(name)) }
                return blob
            }
        } catch let error as Malformed {
            throw refuted(.recordEncoding, "\(error.field): \(error.reason)", file)
        }
        guard RecordCodec.split(record).leaf == bytes else {
            throw refuted(.recordEncoding, "not the one encoding of its record", file)
        }
        return record
    }

    // MARK: - Witnesses

    /// What a witness holds of the log.
    private struct WitnessCopy {
        let checkpoint: Checkpoint
        let file: String
        let cosignatures: [Cosignature]

        func compare(_ root: Digest) throws(Refuted) {
            guard root == checkpoint.root else {
                let detail =
                    "the witness saw root \(checkpoint.root) of \(checkpoint.size) records, "
                    + "the log shows \(root)"
                throw Refuted(.splitView, detail, file: file)
            }
        }
    }

    private func witnessCopies(
        _ heads: SignedHeads,
        _ checkpoint: Checkpoint,
        _ before: Before,
        _ look: inout Look
    ) -> [WitnessCopy] {
        let folder = "\(Hashing.sha256(Array(checkpoint.origin.utf8)))"
        var copies: [WitnessCopy] = []
        for witness in policy.witnesses {
            let name = "witness \(witness.source.place)"
            do {
                let copy = try copy(witness.source, folder, heads)
                try judge(copy, checkpoint, before)
                copies.append(copy)
                look.checks.append(Check(name: name, verdict: .ok))
            } catch {
                look.checks.append(Verification.check(name, failed: error))
            }
        }
        return copies
    }

    private func copy(
        _ source: any MirrorSource,
        _ folder: String,
        _ heads: SignedHeads
    ) throws -> WitnessCopy {
        let file = "\(source.place)/\(folder)/checkpoint"
        let bytes = try source.read(folder + "/checkpoint", limit: MirrorLayout.noteBytesMax)
        guard let bytes else { throw Unchecked("it has no copy at \(file)") }
        let copy = WitnessCopy(
            checkpoint: try heads.open(bytes, file: file),
            file: file,
            cosignatures: try cosignatures(heads, bytes, file)
        )
        guard !copy.cosignatures.isEmpty else {
            throw Unchecked("no witness whose key was given cosigned \(file)")
        }
        return copy
    }

    /// Compares what can be compared before the records come.
    private func judge(
        _ copy: WitnessCopy,
        _ checkpoint: Checkpoint,
        _ before: Before
    ) throws {
        let seen = copy.checkpoint
        guard seen.size <= checkpoint.size else {
            // A log asks its witnesses before it publishes, so this may be so for a moment.
            throw Unchecked(
                "it has seen \(seen.size) records, and the log shows \(checkpoint.size)"
            )
        }
        if seen.size == checkpoint.size { return try copy.compare(checkpoint.root) }
        if seen.size == before.state.tree.size { return try copy.compare(before.state.tree.root) }
        switch try consistency(from: seen, to: checkpoint) {
        case true?: return
        case false?:
            let detail =
                "the witness saw root \(seen.root) of \(seen.size) records, which the log's "
                + "\(checkpoint.size) do not continue"
            throw Refuted(.splitView, detail, file: copy.file)
        case nil:
            // Where the log makes no proofs, the records that come decide.
            guard seen.size > before.state.tree.size else {
                throw Unchecked("it saw \(seen.size) records, and the log makes no proofs")
            }
        }
    }

    private func cosignatures(
        _ heads: SignedHeads,
        _ note: [UInt8],
        _ file: String
    ) throws(Refuted) -> [Cosignature] {
        do throws(EvidenceRefusal) {
            return try SignedNote(note).cosignatures(among: heads.keys)
        } catch {
            throw Refuted(error, file: file)
        }
    }

    private func judgeAge(_ cosignatures: [Cosignature], _ limit: UInt64) throws(Refuted) {
        guard let newest = cosignatures.map(\.seconds).max() else {
            throw Refuted(.stale, "no known witness cosigned it", file: place("checkpoint"))
        }
        let now = now()
        guard now <= newest || now - newest <= limit else {
            let detail = "the newest cosignature is \(now - newest) s old, at most \(limit) allowed"
            throw Refuted(.stale, detail, file: place("checkpoint"))
        }
    }
}

extension LogAudit {
    /// Makes an auditor of what a URL or a path names, with its state on the system's disk.
    ///
    /// - Parameters:
    ///   - place: The prefix of a server's log, or a mirror directory.
    ///   - keys: Public keys of the log and of witnesses, as text.
    ///   - witnesses: The prefixes of witnesses.
    ///   - newestWithin: The most seconds that the newest cosignature may be old.
    ///   - state: The file of the state.
    ///   - fetch: Gives the bytes at a URL; nil for a 404.
    ///   - progress: Told of records done and records in all, now and then.
    package init(
        _ place: String,
        keys: [String],
        witnesses: [String],
        newestWithin: UInt64?,
        state: String,
        fetch: @escaping (_ url: String, _ limit: Int) throws(FetchFault) -> [UInt8]?,
        progress: @escaping (UInt64, UInt64) -> Void
    ) {
        let disk = RealDisk()
        let clock = RealClock()
        func source(_ place: String) -> any MirrorSource {
            place.hasPrefix("http://") || place.hasPrefix("https://")
                ? FetchedMirror(place: place, fetch: fetch)
                : MirrorDirectory(disk: disk, path: place)
        }
        self.init(
            of: source(place),
            AuditPolicy(
                keys: keys,
                witnesses: witnesses.map { AuditPolicy.Witness(source($0)) },
                newestWithin: newestWithin
            ),
            disk: disk,
            state: state,
            now: { clock.now().microseconds / 1_000_000 },
            progress: progress
        )
    }
}
