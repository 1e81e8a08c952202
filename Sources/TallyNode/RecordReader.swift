// SPDX-License-Identifier: Apache-2.0
//
// Published records, read off the sequencer's thread: bodies for admission, first outcomes for
// replays, records for HTTP. May import TallyStore.

package import TallyCodec
import TallyKernel
package import TallyStore
package import TallyTypes

/// Reads published records on a thread of its own.
package final class RecordReader: Sendable {
    private let files: RecordFiles
    private let thread = SerialThread(name: "records")

    /// Reads from open record files.
    package init(files: RecordFiles) {
        self.files = files
    }

    /// The encoded record at an index; nil at or above the published size.
    package func record(_ index: RecordIndex) async throws -> EncodedRecord? {
        try await thread.run { [files] in
            try files.read(index).map { try files.blobs.encoded($0) }
        }
    }

    /// Reads the files on the thread of this reader.
    func onFiles<Value: Sendable>(
        _ read: @escaping @Sendable (RecordFiles) throws -> Value
    ) async throws -> Value {
        try await thread.run { [files] in try read(files) }
    }

    /// The record that made a transaction, in one piece; nil when no published one did.
    func body(_ key: BodyKey) async throws -> [UInt8]? {
        try await thread.run { [files] in
            guard let index = try files.record(of: key.transaction, in: key.book) else {
                return nil
            }
            return try files.read(index).map { try files.blobs.encoded($0).whole() }
        }
    }

    /// The record at a published index.
    func published(_ index: RecordIndex) async throws -> Record {
        try await thread.run { [self] in try decoded(index) }
    }

    /// Resolves replays into the records that hold their first outcome.
    func answer(
        _ groups: [[AppliedAnswer]],
        _ batch: AppliedBatch?,
        head: LedgerHead,
        _ finished: @escaping @Sendable (Result<SubmissionAnswer, NodeFault>) -> Void
    ) {
        thread.post { [self] in
            finished(
                Result { () throws(NodeFault) in
                    do {
                        if let batch { return .batch(try replayed(batch, head)) }
                        return .groups(try groups.map { try $0.map(resolved) })
                    } catch {
                        throw NodeFault(stopping: error)
                    }
                }
            )
        }
    }

    private func resolved(_ answer: AppliedAnswer) throws -> Answer {
        switch answer {
        case .record(let record): .record(record)
        case .replay(let index): .replay(of: try decoded(index))
        }
    }

    private func decoded(_ index: RecordIndex) throws -> Record {
        guard let bytes = try files.read(index) else {
            throw NodeFault(
                .lost,
                subject: "record \(index)",
                reason: "claimed an idempotency key and is not in the record files",
                nextStep: "run `tally verify` on the data directory"
            )
        }
        return try files.blobs.record(bytes)
    }

    private func replayed(_ batch: AppliedBatch, _ head: LedgerHead) throws -> BatchAnswer {
        let outcomes = try (0..<batch.count).map { offset in
            let record = try decoded(RecordIndex(batch.first.rawValue + UInt64(offset)))
            switch record.outcome {
            case .committed: return TransferOutcome(refusal: 0)
            case .refused(let refusal): return TransferOutcome(refusal: UInt8(refusal.number))
            }
        }
        return BatchAnswer(
            first: batch.first,
            size: head.size,
            root: head.root,
            isReplay: true,
            outcomes: outcomes
        )
    }
}

/// What became of a batch, as the kernel says it.
struct AppliedBatch: Sendable {
    let first: RecordIndex
    let outcomes: [TransferOutcome]
    let isReplay: Bool
    /// The number of transfers.
    let count: Int
}

/// Records one behind the other, each behind its length in two big-endian bytes, and what stands
/// beside them.
package struct FramedRecords: Sendable {
    private let bytes: [UInt8]
    private let blobs: [Blob]

    /// Reads a run of records.
    package init(_ bytes: [UInt8], blobs: [Blob] = []) {
        self.bytes = bytes
        self.blobs = blobs
    }

    /// The record at a position of the run; nil behind its end.
    package func record(at position: Int) throws(Malformed) -> EncodedRecord? {
        var start = 0
        var skipped = 0
        while start + 2 <= bytes.count {
            let end = start + 2 + (Int(bytes[start]) << 8 | Int(bytes[start + 1]))
            invariant(.i16, end <= bytes.count, "a run of records ends within one")
            if skipped == position { return try encoded(Array(bytes[(start + 2)..<end])) }
            start = end
            skipped += 1
        }
        return nil
    }

    private func encoded(_ leaf: [UInt8]) throws(Malformed) -> EncodedRecord {
        let references = try RecordCodec.parse(leaf[...]).references
        return EncodedRecord(
            leaf: leaf,
            blobs: references.map { reference in
                guard let blob = blobs.first(where: { $0.reference == reference }) else {
                    invariantFailure(.i16, "blob \(reference.digest) is not beside its run")
                }
                return blob
            }
        )
    }
}
