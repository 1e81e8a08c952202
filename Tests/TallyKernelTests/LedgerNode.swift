// SPDX-License-Identifier: Apache-2.0
//
// A node in miniature around a real kernel: a state store that is a dictionary with an atomic
// batch, record files that are an array, a flush in steps, crash and restore. Called by the bench,
// which does one thing at a time, and by the protocol histories, which do them in any order.

import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes

/// A property that does not hold; the letters are those of specs/cache.md §5.
struct Broken: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

func require(_ holds: Bool, _ text: @autoclosure () -> String) throws {
    if !holds { throw Broken(text()) }
}

/// A sentence of the protocol on the node's side of the kernel that a run breaks on purpose.
enum DriverMutant: String, CaseIterable, Sendable, Codable {
    case flushBeforeDurable, flushIndexAtEnd, batchBeforeRecordsSynced, recycleBeforeBatch
    case publishBeforeDurable, anyLaterFrameIsCorruption, cutRecordAboveLog
    case rebuildAfterTimeout, noInFlightLimit, fadingSeedFromStore
}

/// What a history is run under.
struct Rules: Sendable {
    var k: UInt64
    var keysMax = 512
    var mutant: DriverMutant?
    /// True prints every step, for a history that ends in a trap.
    var isLoud = false

    func breaks(_ mutant: DriverMutant) -> Bool { self.mutant == mutant }
}

/// What a flush wrote: rows by their canonical keys, and everything that a restart needs.
struct StoreModel {
    struct Marker {
        let applied: LogIndex
        let scalars: [UInt8]
        let secrets: [UInt8]
        let tree: [UInt8]
        let image: [UInt8]
    }

    private(set) var rows: [[UInt8]: [UInt8]] = [:]
    private(set) var marker: Marker?

    var applied: LogIndex { marker?.applied ?? .zero }

    /// One atomic batch.
    mutating func write(_ capture: FlushCapture, as applied: LogIndex) throws {
        var seen: Set<[UInt8]> = []
        capture.forEachRow { key, value in
            rows[key.array] = value.array
            seen.insert(key.array)
        } delete: { key in
            rows[key.array] = nil
            seen.insert(key.array)
        }
        try require(seen.count == capture.dirtyCount, "M: a row stands in a flush twice")
        marker = Marker(
            applied: applied,
            scalars: StateCodec.encodeScalars(capture.scalars),
            secrets: capture.secrets.words.bytes,
            tree: capture.tree.bytes,
            image: capture.image.flatMap { $0 }
        )
    }

    func scalars() throws -> LedgerScalars {
        guard let marker else { return LedgerScalars() }
        return try StateCodec.decodeScalars(marker.scalars)
    }

    /// The kernel as of the last flush; an empty one before the first.
    func restored(_ rules: Rules) throws -> Kernel {
        guard let marker else { return LedgerNode.emptyKernel(rules) }
        return try StoreModel.restored(marker, rules)
    }

    static func restored(_ marker: Marker, _ rules: Rules) throws -> Kernel {
        guard let secrets = KeySecrets(marker.secrets) else { throw Broken("no secrets") }
        return try Kernel.restore(
            applied: marker.applied,
            scalars: try StateCodec.decodeScalars(marker.scalars),
            secrets: secrets,
            tree: try CompactRange(decoding: marker.tree),
            image: marker.image,
            keysMax: rules.keysMax
        )
    }
}

extension Span<UInt8> {
    /// A copy of the bytes.
    var array: [UInt8] { indices.map { self[$0] } }
}

/// What the cache says of one key, in either generation.
struct CachedRow: Equatable {
    let isOld: Bool
    let value: StateValue?
}

extension Kernel {
    /// What the cache holds of each of some keys.
    borrowing func view(of keys: [KeyHash]) throws -> [CachedRow?] {
        try keys.map { hash in
            switch cache.reach(hash, distance: 1) {
            case .hit(let handle): CachedRow(isOld: false, value: cache.value(handle))
            case .fading(let handle): CachedRow(isOld: true, value: cache.value(handle))
            case .miss: nil
            case .collision: throw Broken("two keys have one id")
            }
        }
    }
}

/// The keys that a history ever covered, in the order of their first use.
struct Universe {
    private(set) var keys: [[UInt8]] = []
    private(set) var decoded: [StateKey] = []
    private(set) var hashes: [KeyHash] = []
    private var known: Set<[UInt8]> = []

    mutating func add(_ entry: Entry, _ all: [KeyHash]) throws {
        for position in 0..<entry.keys.count {
            let key = Array(entry.keys[position])
            guard known.insert(key).inserted else { continue }
            keys.append(key)
            decoded.append(try StateCodec.decodeKey(key))
            hashes.append(all[position])
        }
    }
}

/// One replica.
final class LedgerNode {
    static let secrets = KeySecrets(Digest(1, 2, 3, 4))

    /// A flush under way: everything as of one index, and the steps that remain.
    struct Flush {
        enum Step { case copyRows, syncRecords, writeBatch, recycleLog }

        let applied: LogIndex
        /// Complete when all rows are copied.
        var capture: FlushCapture?
        let records: Int
        var steps: [Step]
        /// Keys, and what the cache held of each when the flush was begun; its image must say so,
        /// but when K changes: a restore takes the new K at once, and then holds nothing.
        let watched: [KeyHash]
        let held: [CachedRow?]
        let isReconfiguring: Bool
    }

    let rules: Rules
    var kernel: Kernel
    var store = StoreModel()
    var flush: Flush?
    /// Every record applied since the start, whether or not it is in the files.
    private(set) var records: [[UInt8]] = []
    /// What stands beside the records.
    private(set) var blobs: [BlobReference: [UInt8]] = [:]
    /// Records in the files.
    private(set) var published = 0
    private(set) var recordsSynced = 0
    private(set) var recycled: UInt64 = 0
    private var unpublished: [(index: UInt64, count: Int)] = []
    private var positions: [BodyKey: Int] = [:]

    init(_ rules: Rules) {
        self.rules = rules
        kernel = LedgerNode.emptyKernel(rules)
    }

    static func emptyKernel(_ rules: Rules) -> Kernel {
        Kernel(entriesPerGeneration: rules.k, secrets: secrets, keysMax: rules.keysMax)
    }

    var applied: UInt64 { kernel.applied.rawValue }
    var scalars: LedgerScalars { kernel.scalars }
    var root: Digest { kernel.tree.root }
    var isReconfiguring: Bool { kernel.isReconfiguring }
    var kernelDirtyCount: Int { kernel.dirtyCount }
    var generation: Generation { kernel.cache.current }

    func reach(_ hash: KeyHash, distance: UInt64) -> Reach {
        kernel.cache.reach(hash, distance: distance)
    }
    func value(_ handle: RowHandle) -> StateValue? { kernel.cache.value(handle) }
    func mayEnter(_ index: UInt64) -> Bool { kernel.mayEnter(LogIndex(index)) }

    /// A flush whose rows are copied at once.
    func capture() -> FlushCapture {
        kernel.beginCapture()
        guard let capture = kernel.advanceCapture(rows: .max) else { fatalError("rows are left") }
        return capture
    }

    /// Admits with every name read and no body known.
    func admit(_ submissions: [Submission], at index: UInt64) -> Admission {
        var facts = AdmissionFacts()
        for name in [Book.money, Book.other, Book.events, Book.absent] {
            facts.names[name] = .some(nil)
        }
        return kernel.admit(
            submissions,
            at: LogIndex(index),
            facts: facts,
            newBookID: { BookID(6, 6) }
        )
    }

    /// Completes with what the store holds now; nil when the draft comes too late.
    func complete(_ draft: Draft, at index: UInt64) -> Plan? {
        let values = draft.missingKeys.map(stored)
        let choices = PlanChoices(time: Instant(microseconds: index), saltSeed: .zero)
        switch kernel.complete(draft, values: values, at: LogIndex(index), choices: choices) {
        case .plan(let plan): return plan
        case .admitAgain: return nil
        }
    }

    func dryRun(_ plan: Plan) -> DryRun? { kernel.dryRun(plan) }

    /// What the cache holds of each of some keys.
    func view(of keys: [KeyHash]) throws -> [CachedRow?] { try kernel.view(of: keys) }

    // MARK: - Apply

    /// Applies what the log holds at the next index; nil is another writer's entry.
    func apply(
        _ index: UInt64,
        _ bytes: [UInt8]?,
        hashes: [KeyHash]? = nil,
        plan: (Digest) -> Plan? = { _ in nil }
    ) throws -> (Entry?, Applied) {
        guard let bytes else {
            let applied = kernel.skip(LogIndex(index))
            try take(applied)
            return (nil, applied)
        }
        let entry = try EntryCodec.decode(bytes)
        // A leader applies its own plans with what admission knew of their keys.
        let applied =
            if let plan = plan(entry.saltSeed) {
                kernel.apply(plan, at: LogIndex(index))
            } else {
                kernel.apply(entry, at: LogIndex(index), hashes: hashes)
            }
        try take(applied)
        return (entry, applied)
    }

    private func take(_ applied: Applied) throws {
        let made = try LedgerNode.split(applied.framedRecords)
        try require(
            applied.firstRecord.rawValue == UInt64(records.count)
                && made.count == applied.recordCount
                && applied.size == UInt64(records.count + made.count),
            "P: the counts of an entry are wrong"
        )
        records += made
        for blob in applied.blobs { blobs[blob.reference] = blob.bytes }
        unpublished.append((applied.index.rawValue, made.count))
        for position in applied.positions {
            let key = BodyKey(book: position.book, transaction: position.transaction)
            positions[key] = Int(position.record.rawValue)
        }
    }

    /// Takes the records of an entry apart: each stands behind its length in two bytes.
    static func split(_ framed: [UInt8]) throws -> [[UInt8]] {
        var records: [[UInt8]] = []
        var offset = 0
        while offset < framed.count {
            try require(offset + 2 <= framed.count, "a length is cut")
            let end = offset + 2 + Int(framed[offset]) << 8 + Int(framed[offset + 1])
            try require(end <= framed.count, "a record is cut")
            records.append(Array(framed[(offset + 2)..<end]))
            offset = end
        }
        return records
    }

    /// Records, views, reads and answers see an entry only when its frame is durable.
    func publish(_ durable: UInt64) {
        while let first = unpublished.first,
            first.index <= durable || rules.breaks(.publishBeforeDurable)
        {
            published += first.count
            unpublished.removeFirst()
        }
    }

    // MARK: - Reads

    /// A row as admission reads it from the store.
    func stored(_ key: [UInt8]) -> [UInt8]? { store.rows[key] }

    /// A row as a reader sees it: the cache, else the store.
    func row(_ key: [UInt8], _ decoded: StateKey, _ hash: KeyHash) throws -> StateValue? {
        switch kernel.cache.reach(hash, distance: 0) {
        case .hit(let handle), .fading(let handle): return kernel.cache.value(handle)
        case .collision: throw Broken("two keys have one id")
        case .miss:
            return try store.rows[key].map {
                try StateCodec.decodeValue(kind: decoded.kind, $0)
            }
        }
    }

    func bookID(_ name: BookName) throws -> BookID? {
        let key = StateKey.bookName(name)
        let bytes = StateCodec.encodeKey(key)
        switch try row(bytes, key, KeyHash(of: bytes, under: kernel.secrets)) {
        case .bookName(let id)?: return id
        case nil: return nil
        default: throw Broken("the row of a name holds something else")
        }
    }

    func body(_ key: BodyKey) throws -> [UInt8]? {
        try positions[key].map { RecordCodec.encode(try record($0)) }
    }

    /// The record at a position, with what stands beside it.
    func record(_ position: Int) throws -> Record {
        try RecordCodec.decode(records[position]) { reference in
            guard let bytes = blobs[reference] else { throw Broken("a blob is missing") }
            return bytes
        }
    }

    // MARK: - Flush

    func beginFlush(_ durable: UInt64, watching keys: [KeyHash] = []) throws {
        guard flush == nil, applied > store.applied.rawValue else { return }
        guard applied <= durable || rules.breaks(.flushBeforeDurable) else { return }
        publish(durable)
        var steps: [Flush.Step] = [.copyRows, .syncRecords, .writeBatch, .recycleLog]
        if rules.breaks(.batchBeforeRecordsSynced) { steps.swapAt(1, 2) }
        if rules.breaks(.recycleBeforeBatch) { steps.swapAt(2, 3) }
        kernel.beginCapture()
        flush = Flush(
            applied: kernel.applied,
            records: records.count,
            steps: steps,
            watched: keys,
            held: try kernel.view(of: keys),
            isReconfiguring: kernel.isReconfiguring
        )
    }

    /// M: the image holds, for every key of both generations, exactly its row.
    private func checkImage(_ flush: Flush, _ capture: FlushCapture) throws {
        var store = StoreModel()
        try store.write(capture, as: capture.applied)
        guard !flush.isReconfiguring else { return }
        try require(
            try store.restored(rules).view(of: flush.watched) == flush.held,
            "M: the image differs from the cache as of the flushed index"
        )
    }

    /// Rows copied in one step: few, so that entries come between.
    private static var rowsPerStep: Int { 5 }

    func stepFlush() throws {
        guard var current = flush else { return }
        switch current.steps.removeFirst() {
        case .copyRows:
            current.capture = kernel.advanceCapture(rows: LedgerNode.rowsPerStep)
            if let capture = current.capture {
                try checkImage(current, capture)
            } else {
                current.steps.insert(.copyRows, at: 0)
            }
        case .syncRecords: recordsSynced = min(current.records, published)
        case .recycleLog: recycled = current.applied.rawValue
        case .writeBatch:
            guard let capture = current.capture else { throw Broken("M: rows are not copied") }
            try require(capture.applied == current.applied, "M: a flush as of another index")
            let index = rules.breaks(.flushIndexAtEnd) ? kernel.applied : current.applied
            try store.write(capture, as: index)
            kernel.markFlushed(current.applied)
            if current.isReconfiguring, !kernel.isReconfiguring {
                let held = try kernel.view(of: current.watched)
                try require(held.allSatisfy { $0 == nil }, "M: a change of K keeps rows")
            }
        }
        flush = current.steps.isEmpty ? nil : current
    }

    func finishFlush(_ durable: UInt64) throws {
        try beginFlush(durable)
        while flush != nil { try stepFlush() }
    }

    // MARK: - Crash

    /// Of the records written since the last sync any prefix is on disk; a torn last one is cut.
    func loseMemory(keeping count: (ClosedRange<Int>) -> Int) {
        let low = min(recordsSynced, published)
        published = count(low...published)
    }

    /// Restores the cache from its image, replays the log, compares the records byte for byte.
    func restart(_ frames: [[UInt8]?]) throws {
        let held = records[..<published]
        let end = UInt64(frames.count)
        try require(store.applied.rawValue <= end, "L: the store is above the end of the log")
        let kept = Int(try store.scalars().nextRecord.rawValue)
        try require(kept <= held.count, "R: flushed records are missing from the files")
        kernel = try store.restored(rules)
        (records, published, unpublished, flush) = (Array(held[..<kept]), kept, [], nil)
        positions = positions.filter { $0.value < kept }
        var index = store.applied.rawValue
        while index < end {
            index += 1
            try require(index > recycled, "R: an entry above the flushed index is recycled")
            try applyInOrder(index, frames[Int(index) - 1])
        }
        let common = min(held.count, records.count)
        try require(
            held[..<common] == records[..<common],
            "R: the replay made other records than before"
        )
        try require(
            held.count <= records.count || rules.breaks(.cutRecordAboveLog),
            "L: a whole record is above the end of the log"
        )
    }

    /// Replay and follow: entries are durable; a rotation that finds the flush unfinished waits.
    @discardableResult
    func applyInOrder(_ index: UInt64, _ bytes: [UInt8]?) throws -> (Entry?, Applied) {
        if !kernel.mayEnter(LogIndex(index)) {
            try finishFlush(index - 1)  // a flush under way may be an older one
            try finishFlush(index - 1)
        }
        let result = try apply(index, bytes)
        publish(index)
        return result
    }
}

extension LedgerNode: CustomReflectable {
    /// Nothing: a failing expectation would print every row.
    var customMirror: Mirror { Mirror(self, children: []) }
}
