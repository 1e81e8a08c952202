// SPDX-License-Identifier: Apache-2.0
//
// The log's thread: frames, then records, in that order; and beside it a thread that syncs records
// and one that zeroes spares. May import Dispatch through SerialThread.
// The sequencer applies an entry, then hands over its bytes and its records; whatever waits is
// written together and synced once. Records go to their files only when the frame of their entry is
// durable, and only then is anybody answered.

package import TallyKernel
import TallyLog
import TallyProof
import TallyStore
package import TallyTypes

import Synchronization

/// Writes frames, records and the head, on one thread.
package final class LogKeeper: Sendable {
    /// What the keeper tells its owner; called on the log's thread, in order.
    package struct Events: Sendable {
        /// The frame of an entry is durable and its records are in their files.
        package let published: @Sendable (LedgerHead, ByteCount) -> Void
        /// Everything up to an index is synced; a flush as of it may start its writes.
        package let synced: @Sendable (LogIndex) -> Void
        /// The disk failed; nothing was acknowledged after this.
        package let failed: @Sendable (NodeFault) -> Void

        /// Makes the set.
        package init(
            published: @escaping @Sendable (LedgerHead, ByteCount) -> Void,
            synced: @escaping @Sendable (LogIndex) -> Void,
            failed: @escaping @Sendable (NodeFault) -> Void
        ) {
            self.published = published
            self.synced = synced
            self.failed = failed
        }
    }

    private enum Work: Sendable {
        case entry([UInt8])
        case publish(Applied)
        case sync(LogIndex)
        case checkpoint
        case release(LogIndex)
    }

    private struct Inbox {
        var work: [Work] = []
        var isScheduled = false
        /// One of the threads failed: the others do nothing more.
        var isFaulted = false
        var spares = SpareWork()
        var events: Events?
    }

    private let thread = SerialThread(name: "log")
    private let syncs = SerialThread(name: "syncs")
    private let spares = SerialThread(name: "spares")
    private let writer: LogWriter
    private let inbox = Mutex(Inbox())

    /// Takes over files that recovery left ready.
    package init(writer: consuming sending LogWriter) {
        self.writer = writer
    }

    /// Names who is told; called once, before anything is handed over.
    package func connect(_ events: Events) {
        inbox.withLock { $0.events = events }
        prepareSpares(wasReleased: true)
    }

    /// Hands over the bytes of the next entry.
    package func append(_ entry: [UInt8]) { hand(.entry(entry)) }

    /// Hands over what an entry brought about; published when its frame is durable.
    package func publish(_ applied: Applied) { hand(.publish(applied)) }

    /// Asks for everything up to an index, which was handed over before, to be synced.
    package func sync(upTo index: LogIndex) { hand(.sync(index)) }

    /// Asks for the record files to be synced and the head to be replaced, when they grew.
    package func checkpoint() { hand(.checkpoint) }

    /// Lets go of entries below an index, after a flush.
    package func release(below index: LogIndex) { hand(.release(index)) }

    /// Waits until everything handed over so far is done, syncs and the zeroing of spares included.
    package func drain() async throws {
        try await thread.run {}
        try await syncs.run {}
        try await spares.run {}
    }

    private func hand(_ work: Work) {
        let schedule = inbox.withLock { inbox in
            inbox.work.append(work)
            defer { inbox.isScheduled = true }
            return !inbox.isScheduled
        }
        if schedule { thread.post { self.work() } }
    }

    private func work() {
        while true {
            let (work, events) = inbox.withLock { inbox in
                defer { inbox.work = [] }
                if inbox.work.isEmpty { inbox.isScheduled = false }
                return (inbox.work, inbox.events)
            }
            if work.isEmpty { return }
            guard let events else {
                invariantFailure(.i17, "work was handed to a log keeper that nobody listens to")
            }
            do {
                try perform(work, events)
            } catch {
                fail(error, events)
                return
            }
        }
    }

    /// All frames first, one sync, then the rest in order.
    private func perform(_ work: [Work], _ events: Events) throws {
        for case .entry(let bytes) in work { try writer.append(bytes) }
        try writer.commit()
        if writer.pool.isShort { prepareSpares(wasReleased: false) }
        for item in work {
            switch item {
            case .entry: break
            case .publish(let applied):
                let head = try writer.publish(applied)
                events.published(head, ByteCount(applied.framedRecords.count))
            case .sync(let index):
                syncRecords(events) { events.synced(index) }
            case .checkpoint:
                syncRecords(events) {}
            case .release(let index):
                try writer.release(below: index)
                prepareSpares(wasReleased: true)
            }
        }
    }

    /// Syncs what was published so far on a thread of its own.
    ///
    /// A frame must not wait for the records of half a second.
    private func syncRecords(_ events: Events, _ finished: @escaping @Sendable () -> Void) {
        let grown = writer.headToSync()
        syncs.post { [self] in
            guard !inbox.withLock({ $0.isFaulted }) else { return }
            do {
                if let grown { try writer.syncRecords(upTo: grown) }
                finished()
            } catch {
                fail(error, events)
            }
        }
    }

    /// Adds the word of a witness to the published checkpoint; nothing once a thread failed.
    ///
    /// - Throws: ``StoreFault``; the node stops.
    func addCosignature(_ line: SignedNote.Line, to checkpoint: Checkpoint) async throws {
        try await syncs.run { [self] in
            guard !inbox.withLock({ $0.isFaulted }) else { return }
            try writer.add(line, to: checkpoint)
        }
    }

    private func fail(_ error: any Error, _ events: Events) {
        inbox.withLock { $0.isFaulted = true }
        events.failed(NodeFault(stopping: error))
    }

    /// Zero-fills spare segments on a thread of their own; a full disk is no reason to stop.
    ///
    /// - Parameter wasReleased: True when there are files to fill that were not there before.
    private func prepareSpares(wasReleased: Bool) {
        let begins = inbox.withLock { $0.spares.ask(wasReleased: wasReleased) }
        if begins { spares.post { [self] in fillSpares() } }
    }

    private func fillSpares() {
        while true {
            var isFull = false
            do throws(LogFault) {
                try writer.pool.prepare()
            } catch {
                isFull = error.cause?.code == .full
                if !isFull, let events = inbox.withLock({ $0.events }) { fail(error, events) }
            }
            guard inbox.withLock({ $0.spares.end(isFull: isFull) }) else { return }
        }
    }
}

/// Whether spares are being filled, and whether they are to be filled once more.
private struct SpareWork {
    private var isRunning = false
    private var isAskedAgain = false
    /// The disk was full: nothing is tried before something was released.
    private var isBlocked = false

    /// True when the work is to begin now.
    mutating func ask(wasReleased: Bool) -> Bool {
        if wasReleased { isBlocked = false }
        if isRunning, wasReleased { isAskedAgain = true }
        guard !isBlocked, !isRunning else { return false }
        isRunning = true
        return true
    }

    /// The work is done; true when it is to be done once more.
    mutating func end(isFull: Bool) -> Bool {
        isBlocked = isFull && !isAskedAgain
        isRunning = isAskedAgain
        isAskedAgain = false
        return isRunning
    }
}
