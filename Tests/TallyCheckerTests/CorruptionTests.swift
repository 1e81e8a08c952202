// SPDX-License-Identifier: Apache-2.0
//
// Each kind of corruption of what is stored, and the reason that must name it.

import TallyChecker
import TallyCodec
import TallyProof
import TallyTypes
import TestSupport
import Testing

/// A change to what is stored, the check that must refute it, and why.
struct Corruption: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let check: String
    let reason: Reason
    let index: UInt64?
    let change: @Sendable (inout Stored) throws -> Void

    init(
        _ name: String,
        _ check: String,
        _ reason: Reason,
        at index: UInt64? = nil,
        _ change: @escaping @Sendable (inout Stored) throws -> Void
    ) {
        testDescription = name
        self.check = check
        self.reason = reason
        self.index = index
        self.change = change
    }
}

private let records: [Corruption] = [
    Corruption("a record cut short", "records", .recordEncoding, at: 9) {
        $0.records[9].removeLast()
    },
    Corruption("a byte after a record", "records", .recordEncoding, at: 9) {
        $0.records[9].append(0)
        $0.rehash()
    },
    Corruption("an empty record", "records", .recordEncoding, at: 9) {
        $0.records[9] = []
        $0.rehash()
    },
    Corruption("a number that is not in its shortest form", "records", .recordEncoding, at: 9) {
        $0.records[9].replaceSubrange(2..<3, with: [0x18, 0x09])
        $0.rehash()
    },
    Corruption("another format", "records", .recordEncoding, at: 9) {
        $0.records[9][1] = 2
        $0.rehash()
    },
    Corruption("records exchanged", "sequence", .recordIndex, at: 9) {
        $0.records.swapAt(9, 10)
        $0.rehash()
    },
    Corruption("a record taken out", "sequence", .recordIndex, at: 9) {
        $0.records.remove(at: 9)
        $0.rehash()
    },
    Corruption("a record twice", "chain", .chainSequence, at: 10) {
        $0.records.insert($0.records[9], at: 10)
        $0.rehash()
    },
    Corruption("another index", "sequence", .recordIndex, at: 9) {
        try $0.edit(9) { $0.with(index: 10) }
    },
    Corruption("a time that stands still", "sequence", .recordTime, at: 9) {
        try $0.edit(9) { $0.with(time: History.time(8)) }
    },
    Corruption("a sequence with a gap", "chain", .chainSequence, at: 9) {
        try $0.edit(9) { $0.with(sequence: 90) }
    },
    Corruption("another previous hash", "chain", .chainPrevious, at: 9) {
        try $0.edit(9) { $0.with(previous: .zero) }
    },
    Corruption("a first record without the genesis hash", "chain", .chainPrevious, at: 7) {
        try $0.edit(7) { $0.with(previous: .zero) }
    },
    Corruption("another salt, noticed by the next record", "chain", .chainPrevious, at: 10) {
        try $0.edit(9) { $0.with(salt: Salt(0, 0)) }
    },
    Corruption("a book that nobody created", "outcomes", .book, at: 9) {
        try $0.edit(9) { $0.with(book: BookID(8, 8)) }
    },
]

private let statements: [Corruption] = [
    Corruption("another leaf hash", "leaves", .leafHash, at: 9) { $0.leaves[9] = .zero },
    Corruption("another root", "tree", .root) {
        $0.head = TreeHead(size: $0.head.size, root: .zero, source: "head")
    },
    Corruption("the last record gone", "tree", .missing) { $0.records.removeLast() },
    Corruption("another state digest", "digest", .stateDigest) { $0.digest = .zero },
    Corruption("another last time", "rows", .projection) {
        $0.scalars.lastTime = Instant(microseconds: 1)
    },
    Corruption("another epoch", "rows", .projection) { $0.scalars.epoch = Epoch(7) },
    Corruption("another K", "rows", .projection) { $0.scalars.entriesPerGeneration = 7 },
    Corruption("another origin", "rows", .projection) { $0.scalars.origin = "other" },
    Corruption("fewer records than the rows are of", "rows", .missing) {
        $0.scalars.nextRecord = $0.scalars.nextRecord.next
    },
    Corruption("rows of fewer records", "rows", .projection) {
        $0.scalars.nextRecord = RecordIndex($0.scalars.nextRecord.rawValue - 1)
    },
    Corruption("rows out of order", "rows", .projection) { $0.rows.swapAt(1, 2) },
    Corruption("a row twice", "rows", .projection) { $0.rows.insert($0.rows[3], at: 3) },
    Corruption("a row that is no row", "rows", .projection) {
        $0.rows.append(StoredRow(key: [0xFF], value: []))
    },
    Corruption("a row of an account that never was", "rows", .projection) {
        let key = StateKey.volume(Books.money, asset("ZZZ"), account("zz"))
        $0.insert(
            StoredRow(
                key: StateCodec.encodeKey(key),
                value: StateCodec.encodeValue(.volume(.zero))
            )
        )
    },
]

extension Stored {
    mutating func insert(_ row: StoredRow) {
        rows.append(row)
        rows.sort { $0.key.lexicographicallyPrecedes($1.key) }
    }
}

/// Other claims for the batch of the sample, by somebody who made all hashes and rows anew.
private let claims: [Corruption] = [
    claim("a batch that begins too early", position: 2, count: 5, refutedAt: Sample.claimer),
    claim("a batch that ends too late", position: 1, count: 5, refutedAt: Sample.claimer + 3),
]

private func claim(
    _ name: String,
    position: UInt64,
    count: UInt64,
    refutedAt index: Int
) -> Corruption {
    Corruption(name, "idempotency", .idempotency, at: UInt64(index)) {
        try $0.edit(Sample.claimer) { record in
            record.with(
                batch: BatchClaim(digest: Sample.batchDigest, position: position, count: count)
            )
        }
    }
}

@Suite("Checker: corruption")
struct CorruptionTests {
    @Test("each corruption is refuted for its reason", arguments: records + statements + claims)
    func corruption(_ corruption: Corruption) throws {
        var stored = Sample.stored
        try corruption.change(&stored)
        let report = stored.verified()
        #expect(report.exitCode == 1)
        #expect(report.reason(corruption.check) == corruption.reason, "\(report.lines)")
        if let index = corruption.index {
            #expect(report.finding(corruption.check)?.index == RecordIndex(index))
        }
    }

    @Test("a row that is missing or changed is named, each of them")
    func everyRow() {
        let stored = Sample.stored
        for at in stored.rows.indices {
            let isGone = stored.rows[at].key[2..<18] == Books.gone.bytes[...]
            var missing = stored
            missing.rows.remove(at: at)
            let mayGo = isGone && stored.rows[at].key[1] != StateKeyKind.book.rawValue
            let report = missing.verified()
            #expect(report.reason("rows") == (mayGo ? nil : .projection), "row \(at)")
            var changed = stored
            let row = stored.rows[at]
            changed.rows[at] = StoredRow(key: row.key, value: row.value + [0])
            #expect(changed.verified().reason("rows") == .projection, "row \(at)")
        }
    }

    @Test("any changed byte of any record is refuted, and the record is named")
    func anyByte() {
        var random = SeededRandom(seed: 20_261_121)
        let stored = Sample.stored
        for round in 0..<100 {
            var broken = stored
            let index = random.below(broken.records.count)
            let offset = random.below(broken.records[index].count)
            broken.records[index][offset] ^= UInt8(1 + random.below(255))
            let report = broken.verified()
            let found = report.finding("leaves")
            #expect(found?.index == RecordIndex(UInt64(index)), "seed \(random.seed) \(round)")
            #expect(report.reason("tree") == .root)
        }
    }

    @Test("a changed byte is refuted by replay alone, whoever holds leaf hashes, roots and rows")
    func anyByteRehashed() throws {
        var random = SeededRandom(seed: 77)
        let stored = Sample.stored
        let books = Sample.history.lines.map(\.book)
        let followed = books.indices.filter { books[($0 + 1)...].contains(books[$0]) }
        for round in 0..<100 {
            var broken = stored
            let index = followed[random.below(followed.count)]
            let offset = random.below(broken.records[index].count)
            broken.records[index][offset] ^= UInt8(1 + random.below(255))
            broken.rehash()
            let report = broken.verified()
            let names = ["records", "sequence", "chain", "idempotency", "outcomes"]
            let found = names.compactMap { report.finding($0)?.index }
            #expect(!found.isEmpty, "seed \(random.seed) round \(round)")
            let position = Sample.history.lines[index].group?.position ?? 0
            #expect(found.allSatisfy { $0 >= RecordIndex(UInt64(index) - position) })
            #expect(report.verdict("leaves") == .ok)
        }
    }

    @Test("any changed byte of any row is refuted, and the row is named")
    func anyRowByte() {
        var random = SeededRandom(seed: 3)
        let stored = Sample.stored
        for round in 0..<100 {
            var broken = stored
            let at = random.below(broken.rows.count)
            var (key, value) = (broken.rows[at].key, broken.rows[at].value)
            let offset = random.below(key.count + value.count)
            let flip = UInt8(1 + random.below(255))
            if offset < key.count {
                key[offset] ^= flip
            } else {
                value[offset - key.count] ^= flip
            }
            broken.rows[at] = StoredRow(key: key, value: value)
            let report = broken.verified()
            #expect(report.reason("rows") == .projection, "seed \(random.seed) round \(round)")
            #expect(report.finding("rows")?.row != nil)
        }
    }

    @Test("after an undecodable record the root is still judged, and the rest is unchecked")
    func undecodable() {
        var stored = Sample.stored
        stored.records[9] = [0xFF]
        let report = stored.verified()
        #expect(report.reason("tree") == .root)
        #expect(report.verdict("outcomes") == .unchecked("the replay ended at record 9"))
        #expect(report.verdict("rows") == .unchecked("the replay ended at record 9"))
        #expect(report.exitCode == 1)
    }

    @Test("a wrong outcome in one book leaves the others judged")
    func otherBooks() throws {
        var history = Sample.history
        let first = try #require(history.lines.firstIndex { $0.book == Books.money })
        history.lines[first].outcome = .refused(.bookDeleted)
        history.lines[first].key = nil
        let last = try #require(history.lines.lastIndex { $0.book == Books.notes })
        history.lines[last].outcome = .refused(.oldValueMismatch)
        let report = verify(history)
        #expect(report.finding("outcomes")?.index == RecordIndex(UInt64(first)))
        #expect(report.others.contains { $0.index == RecordIndex(UInt64(last)) })
        #expect(report.verdict("chain") == .ok)
    }
}
