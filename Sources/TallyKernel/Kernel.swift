// SPDX-License-Identifier: Apache-2.0
//
// The kernel: a function of the log alone. Pure: no disk, no clock, no randomness, no environment.
// Owned by the node's engine, which drives it: admit → complete → (log) → apply, and capture for a
// flush. DESIGN.md §4 is the contract, specs/cache.md the cache's.

package import TallyCodec
package import TallyProof
package import TallyTypes

/// What one entry brought about.
package struct Applied: Sendable {
    /// The index of the entry.
    package let index: LogIndex
    /// Per submission; nil when the entry met another index or epoch: nothing happened but
    /// rotation.
    package let submissions: [AppliedSubmission]?
    /// The index of the first record that the entry made.
    package let firstRecord: RecordIndex
    /// The encoded records, one after the other, each behind its length in two big-endian bytes.
    package let framedRecords: [UInt8]
    /// What stands beside the records, because it is too large for them.
    package let blobs: [Blob]
    /// The leaf hashes of the records, in order.
    package let leaves: [Digest]
    /// The number of records that the entry made.
    package let recordCount: Int
    /// Where the transactions made here stand.
    package let positions: [TransactionPosition]
    /// The number of records after the entry.
    package let size: UInt64
    /// The root of the tree of that size.
    package let root: Digest
}

/// What a dry run of one group would bring about.
package struct DryRun: Sendable {
    /// The answers, with records that were never made.
    package let answers: [AppliedAnswer]
    /// The volumes that the group would leave, for every volume key it covers.
    package let volumes: [DryVolume]
}

/// State, cache and tree of one ledger, changed only by applying entries.
package struct Kernel: ~Copyable, @unchecked Sendable {
    // Sound: the kernel is the only owner of its cache and cannot be copied.
    /// The two generations.
    package let cache: Cache
    /// What the ledger has beside its rows.
    package private(set) var scalars: LedgerScalars
    /// The secrets of its keys.
    package private(set) var secrets: KeySecrets
    /// The tree over all records.
    package private(set) var tree: CompactRange
    /// The flush whose rows are being copied.
    var beginning: FlushBeginning?

    /// Makes the kernel of an empty ledger.
    ///
    /// - Parameters:
    ///   - entriesPerGeneration: K, as the first order will set it.
    ///   - secrets: The secrets that the first entry carries.
    ///   - keysMax: The node's bound on cached keys.
    package init(
        entriesPerGeneration: UInt64,
        secrets: KeySecrets,
        keysMax: Int = Limits.cacheKeysDefault
    ) {
        cache = Cache(entriesPerGeneration: entriesPerGeneration, keysMax: keysMax)
        scalars = LedgerScalars(entriesPerGeneration: entriesPerGeneration)
        self.secrets = secrets
        tree = CompactRange()
    }

    init(cache: Cache, scalars: LedgerScalars, secrets: KeySecrets, tree: CompactRange) {
        self.cache = cache
        self.scalars = scalars
        self.secrets = secrets
        self.tree = tree
    }

    /// The index of the last applied entry.
    package var applied: LogIndex { cache.applied }

    /// True between an order that changed K and the flush after which the change takes effect.
    package var isReconfiguring: Bool {
        scalars.entriesPerGeneration != cache.entriesPerGeneration
    }

    /// True when the next entry may be applied; otherwise a flush must be finished first.
    package func mayEnter(_ index: LogIndex) -> Bool {
        !isReconfiguring && cache.mayEnter(index)
    }

    /// The store holds everything up to an index; a waiting change of K takes effect now.
    package mutating func markFlushed(_ index: LogIndex) {
        cache.markFlushed(index)
        if isReconfiguring, index == cache.applied {
            cache.reconfigure(entriesPerGeneration: scalars.entriesPerGeneration)
        }
    }

    /// Applies the entry at the next index.
    ///
    /// Total: refusals are records, broken contracts trap.
    ///
    /// - Parameters:
    ///   - entry: The entry.
    ///   - index: Its index in the log.
    ///   - known: Id and tag of each key when the producer still has them; made again otherwise.
    /// - Returns: What the entry brought about.
    package mutating func apply(
        _ entry: Entry,
        at index: LogIndex,
        hashes known: [KeyHash]? = nil
    ) -> Applied {
        apply(entry, at: index, hashes: known, rows: nil)
    }

    /// Applies a plan of this kernel at the next index, with what admission knows of its keys.
    package mutating func apply(_ plan: Plan, at index: LogIndex) -> Applied {
        apply(plan.entry, at: index, hashes: plan.hashes, rows: plan.rows)
    }

    private mutating func apply(
        _ entry: Entry,
        at index: LogIndex,
        hashes known: [KeyHash]?,
        rows: [RowHandle]?
    ) -> Applied {
        invariant(.i5, !isReconfiguring, "an entry is applied before a change of K took effect")
        cache.enter(index)
        guard entry.predicted == index, entry.epoch == scalars.epoch else {
            return applied(index, nil, RecordRun(), from: scalars.nextRecord)
        }
        if let carried = entry.secrets {
            invariant(.i11, index == LogIndex(1), "secrets in the entry at \(index)")
            secrets = KeySecrets(carried)
        }
        let first = scalars.nextRecord
        let hashes = known ?? hashes(of: entry.keys)
        let scope = EntryScope(
            cache: cache,
            entry: entry,
            handles: lay(entry, hashes, rows)
        )
        var machine = Machine(scope: scope, entry: entry, scalars: scalars, tree: tree)
        let submissions = entry.submissions.map { machine.apply($0) }
        scalars = machine.scalars
        tree = machine.tree
        cache.sweepDead(64 + entry.keys.count * 4)
        return applied(index, submissions, machine.run, from: first)
    }

    /// Applies a whole entry of another writer, or of no use: it rotates by its index and nothing
    /// else.
    package mutating func skip(_ index: LogIndex) -> Applied {
        invariant(.i5, !isReconfiguring, "an entry is applied before a change of K took effect")
        cache.enter(index)
        return applied(index, nil, RecordRun(), from: scalars.nextRecord)
    }

    private func applied(
        _ index: LogIndex,
        _ submissions: [AppliedSubmission]?,
        _ run: RecordRun,
        from first: RecordIndex
    ) -> Applied {
        Applied(
            index: index,
            submissions: submissions,
            firstRecord: first,
            framedRecords: run.framed,
            blobs: run.blobs,
            leaves: run.leaves,
            recordCount: run.count,
            positions: run.positions,
            size: tree.size,
            root: tree.root
        )
    }

    /// Frees every row that no generation holds any more.
    package mutating func sweepAll() {
        cache.sweepDead(.max)
    }

    // MARK: - Seeds

    private func hashes(of keys: KeyTable) -> [KeyHash] {
        unsafe keys.bytes.withUnsafeBytes { bytes in
            (0..<keys.count).map { position in
                unsafe KeyHash(
                    of: UnsafeRawBufferPointer(rebasing: bytes[keys.range(position)]),
                    under: secrets
                )
            }
        }
    }

    /// Validates all seeds, lays them, and finds the row of every covered key.
    private func lay(_ entry: Entry, _ hashes: [KeyHash], _ found: [RowHandle]?) -> [RowHandle] {
        let decoded = entry.seeds.map { DecodedSeed($0, entry.keys) }
        guard var rows = found else {
            for (seed, value) in zip(entry.seeds, decoded) {
                _ = cache.seed(hashes[Int(seed.key)], kind: value.kind, value.value)
            }
            return hashes.map { cache.locate($0) }
        }
        for (seed, value) in zip(entry.seeds, decoded) {
            let key = Int(seed.key)
            rows[key] = cache.seed(hashes[key], kind: value.kind, value.value)
        }
        // A row that was a hit is held at least until here, so no other key can have it.
        for (hash, row) in zip(hashes, rows) { cache.requireHeld(row, hash) }
        return rows
    }

    private struct DecodedSeed {
        let kind: StateKeyKind
        let value: StateValue?

        init(_ seed: Seed, _ keys: KeyTable) {
            let key = keys[Int(seed.key)]
            guard key.count >= 18, let kind = StateKeyKind(rawValue: key[key.startIndex + 1]) else {
                invariantFailure(.i11, "a key of an entry has no kind")
            }
            self.kind = kind
            do {
                value = try seed.value.map { bytes throws(Malformed) in
                    try StateCodec.decodeValue(kind: kind, bytes)
                }
            } catch {
                invariantFailure(.i11, "a seed does not decode: \(error)")
            }
        }
    }

    // MARK: - Dry run

    /// Runs one group over an overlay that is dropped: no entry, no record, no id.
    ///
    /// - Parameter plan: A completed plan with one submission of one group, for the next index.
    /// - Returns: Nil when the facts it was planned on no longer hold: plan it again.
    package func dryRun(_ plan: Plan) -> DryRun? {
        var floating: [UInt32: StateValue?] = [:]
        for seed in plan.entry.seeds {
            floating[seed.key] = .some(DecodedSeed(seed, plan.entry.keys).value)
        }
        let handles = plan.hashes.enumerated().map { position, hash in
            // What the cache holds by now is newer than any seed.
            if cache.holds(hash) { floating[UInt32(position)] = nil }
            return floating[UInt32(position)] == nil ? cache.locate(hash) : RowHandle(0)
        }
        let scope = EntryScope(
            cache: cache,
            entry: plan.entry,
            handles: handles,
            floating: floating
        )
        let machine = Machine(scope: scope, entry: plan.entry, scalars: scalars, tree: tree)
        return machine.dryRun(plan.entry)
    }
}
