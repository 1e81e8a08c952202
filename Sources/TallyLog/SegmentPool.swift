// SPDX-License-Identifier: Apache-2.0
//
// Spare segments, zero-filled ahead of need: overwriting blocks that were written before makes a
// sync several times cheaper than growing a file, and zeros mean that no old frame can ever be met.
// Imports TallyTypes. The log takes spares and hands back what it released; `prepare()` does the
// slow work and belongs on another thread than the log's.

internal import TallyTypes

internal import Synchronization

/// The spare segments of one log; safe to use from two threads, the log's and one that prepares.
package final class SegmentPool: Sendable {
    private struct State {
        var ready: [UInt64] = []
        var filling: [UInt64] = []
        var next: UInt64 = 1
    }

    /// Bytes zeroed between two syncs.
    private static let pieceBytes = 4 << 20

    private let disk: any Disk
    private let directory: String
    private let segmentBytes: Int
    private let target: Int
    private let state = Mutex(State())

    init(disk: any Disk, directory: String, segmentBytes: Int, target: Int) {
        self.disk = disk
        self.directory = directory
        self.segmentBytes = segmentBytes
        self.target = target
    }

    /// The number of spares that are ready.
    package var readyCount: Int { state.withLock { $0.ready.count } }

    /// True when fewer spares are ready than configured.
    package var isShort: Bool { readyCount < target }

    /// Zero-fills what was released and makes new spares, until as many as configured are ready.
    ///
    /// - Returns: The number of files that were filled.
    /// - Throws: ``LogFault``; `full` as its cause is no reason to stop, any other is.
    @discardableResult
    package func prepare() throws(LogFault) -> Int {
        var filled = 0
        while let number = nextToFill() {
            do throws(LogFault) {
                try onDisk { () throws(DiskFault) in try fill(number) }
            } catch {
                if error.cause?.code == .full { try discard(number) }
                throw error
            }
            state.withLock { state in
                state.filling.removeAll { $0 == number }
                state.ready.append(number)
            }
            filled += 1
        }
        try removeSurplus()
        return filled
    }

    /// Takes a ready spare out of the pool; makes one now when there is none.
    func take() throws(LogFault) -> SegmentName {
        if let number = state.withLock({ $0.ready.isEmpty ? nil : $0.ready.removeFirst() }) {
            return .spare(number)
        }
        let number = newNumber()
        try onDisk { () throws(DiskFault) in try fill(number) }
        return .spare(number)
    }

    /// Takes over files found at start-up.
    func adopt(ready: [UInt64], filling: [UInt64]) {
        state.withLock { state in
            state.ready = ready
            state.filling = filling
            state.next = (ready + filling).reduce(0, max) + 1
        }
    }

    /// A number no spare has; the file with it as `filling` belongs to the caller until
    /// ``give(_:)``.
    func newNumber() -> UInt64 {
        state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
    }

    /// Takes a released segment, already renamed to `filling`.
    func give(_ number: UInt64) {
        state.withLock { $0.filling.append(number) }
    }

    private func nextToFill() -> UInt64? {
        state.withLock { state in
            guard state.ready.count < target else { return nil }
            if let number = state.filling.first {
                return number
            }
            defer { state.next += 1 }
            state.filling.append(state.next)
            return state.next
        }
    }

    /// Leaves the file `number` zero from end to end, durable, and named as a spare.
    private func fill(_ number: UInt64) throws(DiskFault) {
        let path = directory + "/" + SegmentName.filling(number).text
        let exists = try disk.exists(path)
        let file = try disk.open(path, exists ? .readWrite : .createNew)
        try file.truncate(to: segmentBytes)
        try file.preallocate(to: segmentBytes)
        // Synced in pieces, so that a frame on the same disk never waits behind a whole segment.
        for start in stride(from: 0, to: segmentBytes, by: SegmentPool.pieceBytes) {
            let count = min(SegmentPool.pieceBytes, segmentBytes - start)
            try file.writeZeros(at: start, count: count)
            try file.sync()
        }
        try disk.rename(path, to: directory + "/" + SegmentName.spare(number).text)
        try disk.syncDirectory(directory)
    }

    private func removeSurplus() throws(LogFault) {
        while let number = state.withLock({ $0.filling.last }) { try discard(number) }
    }

    /// Removes a file that is not, or cannot be, zeroed; its room is given back.
    private func discard(_ number: UInt64) throws(LogFault) {
        let path = directory + "/" + SegmentName.filling(number).text
        try onDisk { () throws(DiskFault) in if try disk.exists(path) { try disk.remove(path) } }
        state.withLock { $0.filling.removeAll { $0 == number } }
    }
}
