// SPDX-License-Identifier: Apache-2.0
//
// Hand-made histories: a test says book, order and outcome of each record, this file gives index,
// time, sequence, previous hash and salt, as an honest ledger would. Called by the tests of this
// folder only.

import TallyChecker
import TallyCodec
import TallyProof
import TallyTypes

/// What a test says of a record.
struct Line {
    var book: BookID
    var order: Order
    var outcome: Outcome
    var key: Text?
    var group: GroupPosition?
    var batch: BatchClaim?
    var actor: Text?

    init(
        _ book: BookID,
        _ order: Order,
        _ outcome: Outcome,
        key: Text? = nil,
        group: (UInt64, of: UInt64)? = nil,
        batch: BatchClaim? = nil,
        actor: Text? = nil
    ) {
        self.book = book
        self.order = order
        self.outcome = outcome
        self.key = key
        self.group = group.map { GroupPosition(position: $0.0, count: $0.of) }
        self.batch = batch
        self.actor = actor
    }
}

/// A sequence of records as an honest ledger would have written them.
struct History {
    static let origin: Text = "test.example/ledger"
    static let founding = Line(
        .system,
        .createLedger(CreateLedger(origin: origin, entriesPerGeneration: 8)),
        .committed(.recorded)
    )

    var lines: [Line]

    init(_ lines: [Line]) {
        self.lines = [History.founding] + lines
    }

    static func time(_ index: Int) -> Instant {
        Instant(microseconds: 1_790_000_000_000_000 + 250 * UInt64(index))
    }

    /// The records, chained and numbered.
    var records: [Record] {
        var chains: [BookID: (sequence: UInt64, head: Digest)] = [:]
        return lines.enumerated().map { index, line in
            let genesis = BookChain.genesis(origin: History.origin, book: line.book)
            let chain = chains[line.book, default: (0, genesis)]
            let record = Record(
                index: RecordIndex(UInt64(index)),
                book: line.book,
                sequence: BookSequence(chain.sequence),
                previous: chain.head,
                time: History.time(index),
                idempotency: line.key.map { IdempotencyHash.of(book: line.book, key: $0) },
                salt: Salt(UInt64(index), 7),
                order: line.order,
                outcome: line.outcome,
                actor: line.actor,
                group: line.group,
                batch: line.batch
            )
            chains[line.book] = (chain.sequence + 1, Hashing.leaf(RecordCodec.split(record).leaf))
            return record
        }
    }

    /// The encoded records.
    var bytes: [[UInt8]] { records.map { RecordCodec.split($0).leaf } }

    /// What stands beside them.
    var blobs: [BlobReference: [UInt8]] {
        var blobs: [BlobReference: [UInt8]] = [:]
        for blob in records.flatMap({ RecordCodec.split($0).blobs }) {
            blobs[blob.reference] = blob.bytes
        }
        return blobs
    }
}

/// Everything that a stored ledger says about itself.
struct Stored {
    var records: [[UInt8]]
    var leaves: [Digest]
    var head: TreeHead
    var scalars: LedgerScalars
    var rows: [StoredRow]
    var digest: Digest

    /// What an honest ledger of this history would have stored; the rows are the checker's own.
    init(_ history: History, batches: [StateKey: IdempotencyRow] = [:]) {
        records = history.bytes
        leaves = records.map { Hashing.leaf($0) }
        var tree = CompactRange()
        leaves.forEach { tree.append($0) }
        head = TreeHead(size: tree.size, root: tree.root, source: "head")
        var checker = Checker(heads: [])
        for record in records {
            checker.feed(record, offset: 0)
        }
        scalars = checker.scalars
        var values = checker.rows()
        for (key, row) in batches {
            values[key] = .idempotency(row)
        }
        rows = values.map { key, value in
            StoredRow(key: StateCodec.encodeKey(key), value: StateCodec.encodeValue(value))
        }
        .sorted { $0.key.lexicographicallyPrecedes($1.key) }
        digest = Stored.digest(of: rows, values, scalars)
    }

    private static func digest(
        of rows: [StoredRow],
        _ values: [StateKey: StateValue],
        _ scalars: LedgerScalars
    ) -> Digest {
        var deleted: Set<BookID> = []
        for case (.book(let id), .book(let row)) in values where row.isDeleted {
            deleted.insert(id)
        }
        var digest = StateDigest(deleted: deleted)
        for row in rows {
            let book = BookID(row.key[2..<18])
            digest.add(book: book ?? .system, key: row.key, value: row.value)
        }
        return digest.finish(scalars: StateCodec.encodeScalars(scalars))
    }

    /// Verifies all of it.
    func verified() -> Report {
        var checker = Checker(heads: [head], sealSizes: Sample.sealSizes)
        var offset: UInt64 = 0
        for (record, leaf) in zip(records, leaves) {
            checker.feed(record, offset: offset, leaf: leaf)
            offset += UInt64(record.count) + 2
        }
        var rest = rows[...]
        checker.compareRows(scalars) { rest.popFirst() }
        checker.compare(digest: digest, source: "stop mark")
        return checker.report()
    }
}

/// Verifies the records of a history alone, against its own root.
func verify(_ history: History) -> Report {
    let blobs = history.blobs
    return verify(history) { blobs[$0] }
}

/// Verifies the records of a history alone, with what is said to stand beside them.
func verify(_ history: History, blob: (BlobReference) -> [UInt8]?) -> Report {
    var tree = CompactRange()
    let records = history.bytes
    for record in records {
        tree.append(Hashing.leaf(record))
    }
    var checker = Checker(
        heads: [TreeHead(size: tree.size, root: tree.root, source: "head")],
        sealSizes: Sample.sealSizes
    )
    for record in records {
        checker.feed(record, offset: 0, blob: blob)
    }
    return checker.report()
}

extension Report {
    /// The verdict of one check; nil when it was not done.
    func verdict(_ name: String) -> Verdict? {
        checks.first { $0.name == name }?.verdict
    }

    /// The reason for which one check refutes; nil when it does not.
    func reason(_ name: String) -> Reason? {
        guard case .refuted(let finding) = verdict(name) else { return nil }
        return finding.reason
    }

    /// The first finding of one check.
    func finding(_ name: String) -> Finding? {
        guard case .refuted(let finding) = verdict(name) else { return nil }
        return finding
    }

    /// True when every check that records alone allow is ok.
    var recordsHold: Bool {
        ["records", "sequence", "chain", "idempotency", "outcomes", "tree"]
            .allSatisfy { verdict($0) == .ok }
    }
}

extension Stored {
    /// Makes leaf hashes and head anew, as somebody who holds the files could.
    mutating func rehash() {
        leaves = records.map { Hashing.leaf($0) }
        var tree = CompactRange()
        leaves.forEach { tree.append($0) }
        head = TreeHead(size: tree.size, root: tree.root, source: "head")
    }
}
