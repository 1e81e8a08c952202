// SPDX-License-Identifier: Apache-2.0
//
// When the state is flushed, and the sequencer's part in it. A flush is due when a generation
// ended, or when the log has grown by as much as a restart may replay in time. It captures
// everything as of one index on the sequencer's thread; its writes begin when that index is durable
// and its records are synced.

import TallyKernel
import TallyTypes

/// What decides when the next flush begins.
struct FlushSchedule {
    /// Log bytes after which a flush is due: a restart replays at most about twice as much.
    static let logBytesMax = 192 << 20

    private(set) var isRunning = false
    private var bytesSince = 0
    private var isGenerationOver = false
    private var capture: FlushCapture?

    var isDue: Bool { !isRunning && (isGenerationOver || bytesSince >= FlushSchedule.logBytesMax) }

    mutating func note(entryBytes: Int, at index: LogIndex, _ cache: borrowing Cache) {
        bytesSince += entryBytes
        if cache.generation(of: index) != cache.generation(of: index.next) {
            isGenerationOver = true
        }
    }

    mutating func begin(_ capture: FlushCapture) {
        self.capture = capture
        isRunning = true
        isGenerationOver = false
        bytesSince = 0
    }

    mutating func takeCapture(_ index: LogIndex) -> FlushCapture {
        guard let capture, capture.applied == index else {
            invariantFailure(.i10, "a flush as of \(index) was synced and never captured")
        }
        self.capture = nil
        return capture
    }

    mutating func end() {
        isRunning = false
    }
}

extension Sequencer {
    /// Captures the state and has everything up to it synced.
    func startFlush() {
        guard !flush.isRunning, kernel.applied > kernel.cache.flushed else { return }
        let capture = kernel.capture()
        flush.begin(capture)
        links.log.sync(upTo: capture.applied)
    }

    /// The log's thread has synced frames and records: the flush may write.
    func flushIsSynced(_ index: LogIndex) {
        guard fault == nil else { return }
        let capture = flush.takeCapture(index)
        links.state.flush(capture) { [weak self] result in
            self?.onThread { $0.flushEnded(result.map { $0 }.mapError { NodeFault(stopping: $0) }) }
        }
    }

    private func flushEnded(_ result: Result<LogIndex, NodeFault>) {
        flush.end()
        guard fault == nil else { return }
        switch result {
        case .failure(let fault): fail(fault)
        case .success(let index):
            statistics.flushes += 1
            kernel.markFlushed(index)
            links.log.release(below: index.next)
            if flush.isDue { startFlush() }
            wake()
        }
    }

    /// Flushes everything applied; called at a clean stop, when nothing is in flight.
    package func flushAll() async {
        while fault == nil, kernel.applied > kernel.cache.flushed || flush.isRunning {
            startFlush()
            await waitForEvent()
        }
    }
}
