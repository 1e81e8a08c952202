// SPDX-License-Identifier: Apache-2.0
//
// Seals on the operator's schedule, or when asked for: a flush, a walk over a snapshot beside the
// writes, one `log.seal` order, and the files that let each balance be shown. One at a time.

import Synchronization
import TallyCodec
package import TallyHTTP
import TallyProof
import TallyStore
import TallyTypes

/// Makes the seals of a node.
package final class Sealing: Sendable {
    private struct State {
        var last: LogPort.Sealed?
        var problem: String?
    }

    private let files: SealFiles
    private let sequencer: Sequencer
    private let state = Mutex(State())

    init(_ files: SealFiles, _ sequencer: Sequencer) {
        self.files = files
        self.sequencer = sequencer
    }

    /// The newest seal that this process made.
    var last: LogPort.Sealed? { state.withLock { $0.last } }

    /// Why the newest seal of the schedule was not made; nil when it was.
    var problem: String? { state.withLock { $0.problem } }

    /// Seals the ledger as it is.
    ///
    /// - Returns: The seal and its record; the newest one again when nothing came after it.
    /// - Throws: ``Busy``, ``StoreFault``, or ``NodeFault`` for a seal that was refused.
    package func seal() async throws -> LogPort.Sealed {
        let size = await sequencer.currentHead().size
        if let last, last.record.rawValue + 1 == size { return last }
        let seal = try await sequencer.seal(keeping: files)
        let request = Request(book: nil, order: .sealLog(seal))
        let answer = try await sequencer.submit(.groups([[request]]))
        guard case .groups(let groups) = answer, case .record(let record)? = groups.first?.first,
            record.isCommitted
        else {
            throw NodeFault(
                .corrupt,
                subject: "seal of \(seal.size) records",
                reason: "was not committed",
                nextStep: "run `tally verify` on the data directory"
            )
        }
        try files.finish(size: seal.size, record: record.index)
        let sealed = LogPort.Sealed(seal: seal, record: record.index)
        state.withLock { $0 = State(last: sealed) }
        return sealed
    }

    /// Seals again and again until it is cancelled; a seal that cannot be made is said, and tried
    /// again at its next time.
    func run(every seconds: UInt64) async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(Int64(seconds)))
            } catch {
                return  // cancelled: the node stops
            }
            do {
                _ = try await seal()
            } catch {
                state.withLock { $0.problem = "\(error)" }
            }
        }
    }
}

extension RecordFiles {
    /// The receipt of a balance under the newest seal that a checkpoint covers; nil without one.
    func balance(
        _ key: StateKey,
        _ published: PublishedCheckpoint,
        _ origin: String,
        _ files: SealFiles
    ) throws -> [UInt8]? {
        let size = published.checkpoint.size
        guard let sealed = try files.newest(coveredBy: size) else { return nil }
        let index = sealed.record.rawValue
        guard let record = try read(sealed.record) else {
            throw NodeFault(
                .lost,
                subject: "record \(index)",
                reason: "is named by a seal and not in its file",
                nextStep: "run `tally verify` on the data directory"
            )
        }
        let bytes = StateCodec.encodeKey(key)
        let rows = try sealed.find(bytes).map {
            BalanceReceipt.Row(position: $0.position, key: $0.key, value: $0.value, path: $0.path)
        }
        let seal = Receipt(
            origin: origin,
            index: index,
            record: record,
            path: try tree.inclusion(of: index, size: size).path,
            checkpoint: published.note
        )
        return BalanceReceipt(key: bytes, rows: rows, seal: seal).json
    }
}
