// SPDX-License-Identifier: Apache-2.0
//
// When the state is flushed, and the sequencer's part in it. A flush is due when a generation
// ended, or when the log has grown by as much as a restart may replay in time. It holds everything
// as of one index; its rows are copied out a few at a time between entries, and its writes begin
// when they are all copied, that index is durable and its records are synced.

import TallyKernel
import TallyTypes

/// What decides when the next flush begins.
struct FlushSchedule {
    /// Log bytes after which a flush is due: a restart replays at most about twice as much.
    static let logBytesMax = 192 << 20

    /// Rows copied at a time, so that no entry waits longer than a millisecond for them.
    static let rowsPerStep = 8_192

    private(set) var isRunning = false
    private var bytesSince = 0
    private var isGenerationOver = false
    private var applied = LogIndex.zero
    private var isSynced = false
    private var capture: FlushCapture?

    var isDue: Bool { !isRunning && (isGenerationOver || bytesSince >= FlushSchedule.logBytesMax) }

    mutating func note(entryBytes: Int, at index: LogIndex, _ cache: borrowing Cache) {
        bytesSince += entryBytes
        if cache.generation(of: index) != cache.generation(of: index.next) {
            isGenerationOver = true
        }
    }

    mutating func begin(_ index: LogIndex) {
        applied = index
        isRunning = true
        isSynced = false
        isGenerationOver = false
        bytesSince = 0
    }

    /// The rows are copied; gives the flush when it may be written.
    mutating func copied(_ copied: FlushCapture) -> FlushCapture? {
        capture = copied
        return ready()
    }

    /// Frames and records are synced; gives the flush when it may be written.
    mutating func synced(_ index: LogIndex) -> FlushCapture? {
        invariant(
            .i10,
            isRunning && index == applied,
            "a flush as of \(index) was synced and never begun"
        )
        isSynced = true
        return ready()
    }

    private mutating func ready() -> FlushCapture? { isSynced ? capture.take() : nil }

    mutating func end() {
        isRunning = false
    }
}

extension Sequencer {
    /// Begins a flush as of the last applied index, and has everything up to it synced.
    func startFlush() {
        guard !flush.isRunning, kernel.applied > kernel.cache.flushed else { return }
        kernel.beginCapture()
        flush.begin(kernel.applied)
        links.log.sync(upTo: kernel.applied)
    }

    /// Copies some rows of the flush that was begun.
    func copyRows() {
        guard kernel.isCapturing, fault == nil,
            let copied = kernel.advanceCapture(rows: FlushSchedule.rowsPerStep),
            let ready = flush.copied(copied)
        else { return }
        write(ready)
    }

    /// The log's thread has synced frames and records.
    func flushIsSynced(_ index: LogIndex) {
        guard fault == nil, let ready = flush.synced(index) else { return }
        write(ready)
    }

    private func write(_ capture: FlushCapture) {
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
            releaseFlushWaiters()
            if flush.isDue { startFlush() }
            wake()
        }
    }

    /// Flushes everything applied; called at a clean stop, when nothing is in flight.
    package func flushAll() async {
        while fault == nil, kernel.applied > kernel.cache.flushed || flush.isRunning {
            startFlush()
            while kernel.isCapturing, fault == nil { copyRows() }
            await waitForEvent()
        }
    }
}
