// SPDX-License-Identifier: Apache-2.0
//
// The node's self-check while it runs: round after round over the record files, at a bounded rate,
// on a thread and with file handles of its own. What has rotted turns readiness red and stays so
// until a restart; nothing is stopped by it. May import TallyStore. Owned by Node.

import Synchronization
import TallyProof
import TallyStore

/// How much of the disk the self-check may take.
package struct ScrubRules: Hashable, Sendable {
    /// What `tally serve` checks in a second unless told otherwise.
    package static let bytesPerSecondDefault = 4 << 20
    /// No self-check.
    package static let off = ScrubRules(bytesPerSecond: 0)

    /// Bytes checked in a second, at most; 0 turns it off.
    package let bytesPerSecond: Int
    /// Between two rounds: a small ledger need not be read all the time.
    package let pause: Duration

    /// Makes rules.
    package init(bytesPerSecond: Int, pause: Duration = .seconds(60)) {
        self.bytesPerSecond = bytesPerSecond
        self.pause = pause
    }

    /// Bytes of one piece: about an eighth of a second, 4 to 256 KiB.
    package var pieceBytes: Int { max(1 << 12, min(1 << 18, bytesPerSecond >> 3)) }

    /// How long nothing is read after so many bytes.
    package func rest(after bytes: Int) -> Duration {
        .nanoseconds(Int64(bytes) * 1_000_000_000 / Int64(max(1, bytesPerSecond)))
    }
}

/// What the self-check has done and found since the start.
package struct ScrubProgress: Sendable {
    /// Rounds that ended without a finding.
    package fileprivate(set) var rounds: UInt64 = 0
    /// Bytes checked.
    package fileprivate(set) var bytes: UInt64 = 0
    /// How long the last such round took.
    package fileprivate(set) var lastRound: Duration = .zero
    /// What has rotted; the check ends with it.
    package fileprivate(set) var fault: NodeFault?
}

/// Checks the record files of a running node again and again.
package final class Scrubber: Sendable {
    private let rules: ScrubRules
    private let begin: @Sendable () throws(StoreFault) -> RecordScrub?
    private let thread = SerialThread(name: "scrub")
    private let state = Mutex(ScrubProgress())

    /// Makes a self-check that has not begun.
    ///
    /// - Parameters:
    ///   - rules: How much of the disk it may take.
    ///   - begin: Opens the files for a round; nil while there is nothing to check.
    init(_ rules: ScrubRules, begin: @escaping @Sendable () throws(StoreFault) -> RecordScrub?) {
        self.rules = rules
        self.begin = begin
    }

    /// What was done and found so far.
    package var progress: ScrubProgress { state.withLock { $0 } }

    /// Checks until the task is cancelled or something has rotted.
    package func run() async {
        guard rules.bytesPerSecond > 0 else { return }
        do {
            while true {
                try await round()
                try await Task.sleep(for: rules.pause)
            }
        } catch is CancellationError {
            return  // the node stops
        } catch {
            let fault = NodeFault(scrubbing: error)
            state.withLock { $0.fault = fault }
        }
    }

    private func round() async throws {
        let start = ContinuousClock.now
        guard var scrub = try await thread.run({ [begin] in try begin() }) else { return }
        while !scrub.isDone {
            try Task.checkCancellation()
            let (reached, bytes) = try await thread.run { [scrub, rules] in
                var next = scrub
                let bytes = try next.step(bytesMax: rules.pieceBytes)
                return (next, bytes)
            }
            scrub = reached
            state.withLock { $0.bytes += UInt64(bytes) }
            let rest = rules.rest(after: bytes)
            if rest > .zero { try await Task.sleep(for: rest) }
        }
        state.withLock { state in
            state.rounds += 1
            state.lastRound = ContinuousClock.now - start
        }
    }
}

extension NodeFault {
    /// What the self-check has found; the node goes on.
    fileprivate init(scrubbing error: any Error) {
        let finding = (error as? StoreFault)?.finding ?? "\(error)"  // any other says all itself
        self.init(
            .corrupt,
            subject: "self-check",
            reason: finding,
            nextStep: "stop the node, run `tally verify`, and restore a copy"
        )
    }
}

extension Node {
    /// The self-check of a node's files: below its head, and through its checkpoint.
    static func scrubber(
        _ rules: ScrubRules,
        _ directory: DataDirectory,
        _ signer: LogSigner
    ) -> Scrubber {
        Scrubber(rules) { () throws(StoreFault) in
            // In this order: the head is never behind what was signed before it was read.
            let signed = signer.published?.checkpoint
            guard let head = try directory.readHead() else { return nil }
            let mark = ScrubMark(size: head.size, root: head.root, name: "the head")
            let others = signed.map {
                ScrubMark(size: $0.size, root: $0.root, name: "the signed checkpoint")
            }
            return try RecordScrub(
                disk: directory.disk,
                directory: directory.records,
                mark: mark,
                others: others.map { [$0] } ?? []  // nothing was signed
            )
        }
    }
}
