// SPDX-License-Identifier: Apache-2.0
//
// The replicated log of a single node: frames in preallocated, zero-filled, recycled segments, made
// durable by group commit. Imports TallyTypes. Layouts: FrameFormat.swift and SegmentHeader.swift.
// Driven by one thread; the pool of spares may be filled by another. Start-up is in
// EmbeddedLog+Recovery.swift.
//
// A full segment is synced before the next one comes into use, so unsynced frames are only ever in
// the last segment. Any fault of the disk stops this log for good (invariant 31).

package import TallyTypes

/// The sizes of an embedded log.
package struct EmbeddedLogConfiguration: Hashable, Sendable {
    /// Bytes of a segment that is made from now on; a multiple of 8.
    package let segmentBytes: Int
    /// Spare segments to keep ready.
    package let spareSegments: Int
    /// Keeps clients from planting frames; chosen at random when the log is made, later unused.
    package let salt: UInt64

    /// Makes a configuration.
    package init(
        segmentBytes: Int = Limits.segmentBytes,
        spareSegments: Int = 2,
        salt: UInt64
    ) {
        self.segmentBytes = segmentBytes
        self.spareSegments = spareSegments
        self.salt = salt
    }
}

/// One segment in use.
struct Segment {
    let sequence: UInt64
    let first: LogIndex
    let file: any DiskFile
    let path: String
    let size: Int
}

/// The log of one node in its own segmented files.
package final class EmbeddedLog: ReplicatedLog {
    let disk: any Disk
    let directory: String
    let configuration: EmbeddedLogConfiguration
    var segments: [Segment] = []
    var salt: UInt64
    var chain: UInt32 = 0
    var end = SegmentHeader.byteCount
    /// What start-up has looked at and not mended yet.
    var found: Found?
    /// True from the end of start-up on.
    var isReady = false
    /// True from the first fault of the disk on.
    package private(set) var isStopped = false
    /// The index of the last entry appended, durable or not.
    package internal(set) var last = LogIndex.zero
    /// The index up to which every entry is durable.
    package internal(set) var durable = LogIndex.zero
    /// The spare segments; its `prepare()` belongs on another thread.
    package let pool: SegmentPool

    /// Makes a log that has not looked at its files yet: start-up comes next, in
    /// EmbeddedLog+Recovery.swift.
    package init(disk: any Disk, directory: String, configuration: EmbeddedLogConfiguration) {
        self.disk = disk
        self.directory = directory
        self.configuration = configuration
        salt = configuration.salt
        pool = SegmentPool(
            disk: disk,
            directory: directory,
            segmentBytes: configuration.segmentBytes,
            target: configuration.spareSegments
        )
    }

    /// The index of the oldest entry still in the log; `last` + 1 when there is none.
    package var first: LogIndex { segments.first.map(\.first) ?? last.next }

    /// The largest entry that this log takes.
    package var entryBytesMax: Int {
        let room = configuration.segmentBytes - SegmentHeader.byteCount - FrameHeader.byteCount
        return min(Limits.entryBytesMax, room)
    }

    /// Writes an entry behind the last one, without waiting for the disk.
    ///
    /// - Parameters:
    ///   - entry: 1 byte to ``entryBytesMax``.
    ///   - index: The index that the entry was planned for: exactly `last` + 1 (invariant 30).
    /// - Throws: ``LogFault``; `tooLarge` leaves the log as it was, any other has stopped it.
    package func append(_ entry: Span<UInt8>, at index: LogIndex) throws(LogFault) {
        invariant(.i35, isReady, "entry \(index) appended to a log that was not mended")
        invariant(.i30, index == last.next, "entry \(index) appended behind entry \(last)")
        guard entry.count > 0, entry.count <= entryBytesMax else {
            let reason = "\(entry.count) bytes, where 1 to \(entryBytesMax) are taken"
            throw LogFault(.tooLarge, subject: "log entry \(index)", reason: reason)
        }
        try working { () throws(LogFault) in
            try makeRoom(for: entry.count)
            let header = FrameHeader(
                of: entry,
                at: index,
                synced: durable,
                after: chain,
                salt: salt
            )
            let file = try lastSegment().file
            try onDisk { () throws(DiskFault) in
                try file.write(header.bytes.span, at: end)
                try file.write(entry, at: end + FrameHeader.byteCount)
            }
            end += FrameHeader.frameBytes(entry: entry.count)
            chain = header.chain
            last = index
        }
    }

    /// Makes every appended entry durable; without any new one it does nothing.
    ///
    /// - Returns: The highest durable index.
    /// - Throws: ``LogFault``; the log has stopped.
    @discardableResult
    package func sync() throws(LogFault) -> LogIndex {
        try working { () throws(LogFault) in
            if durable < last {
                let file = try lastSegment().file
                try onDisk { () throws(DiskFault) in try file.sync() }
                durable = last
            }
            return durable
        }
    }

    /// Gives the segments that hold only entries below an index to the pool; the last one stays.
    ///
    /// - Parameter index: At most the highest durable index + 1 (invariant 32).
    /// - Throws: ``LogFault``; the log has stopped.
    package func release(below index: LogIndex) throws(LogFault) {
        invariant(.i32, index <= durable.next, "released below \(index), durable is \(durable)")
        try working { () throws(LogFault) in
            while segments.count > 1, segments[1].first <= index {
                let number = pool.newNumber()
                let path = directory + "/" + SegmentName.filling(number).text
                let old = segments[0].path
                try onDisk { () throws(DiskFault) in
                    try disk.rename(old, to: path)
                    try disk.syncDirectory(directory)
                }
                segments.removeFirst()
                pool.give(number)
            }
        }
    }

    /// Brings the next segment into use: header written and synced before the file has its name.
    func activate(sequence: UInt64, first: LogIndex) throws(LogFault) {
        let spare = directory + "/" + (try pool.take()).text
        let path = directory + "/" + SegmentName.segment(sequence).text
        let size = configuration.segmentBytes
        let header = SegmentHeader(
            sequence: sequence,
            first: first,
            salt: salt,
            chain: chain,
            size: UInt64(size)
        )
        let file = try onDisk { () throws(DiskFault) in
            let file = try disk.open(spare, .readWrite)
            try file.write(header.bytes.span, at: 0)
            try file.sync()
            try disk.rename(spare, to: path)
            try disk.syncDirectory(directory)
            return try disk.open(path, .readWrite)
        }
        segments.append(
            Segment(sequence: sequence, first: first, file: file, path: path, size: size)
        )
        end = SegmentHeader.byteCount
    }

    /// Runs work; any fault but a refusal of the entry stops the log.
    func working<Value>(_ body: () throws(LogFault) -> Value) throws(LogFault) -> Value {
        invariant(.i31, !isStopped, "the log was used after a fault")
        do {
            return try body()
        } catch {
            isStopped = true
            throw error
        }
    }

    func lastSegment() throws(LogFault) -> Segment {
        guard let segment = segments.last else {
            throw LogFault(.gap, subject: directory, reason: "was not recovered before use")
        }
        return segment
    }

    private func makeRoom(for entryBytes: Int) throws(LogFault) {
        let segment = try lastSegment()
        guard end + FrameHeader.frameBytes(entry: entryBytes) > segment.size else { return }
        try onDisk { () throws(DiskFault) in try segment.file.sync() }
        durable = last
        try activate(sequence: segment.sequence + 1, first: last.next)
    }
}

extension EmbeddedLog {
    /// The same as ``durable``: on one node an entry is committed when it is durable.
    package var committed: LogIndex { durable }
    /// Always this node.
    package var leadership: Leadership { .here }

    /// Appends at the next index.
    ///
    /// - Throws: ``LogFault``.
    package func propose(_ entry: Span<UInt8>) throws(LogFault) -> LogIndex {
        let index = last.next
        try append(entry, at: index)
        return index
    }

    /// The same as ``sync()``.
    ///
    /// - Throws: ``LogFault``.
    package func commit() throws(LogFault) -> LogIndex { try sync() }

    /// Returns a cursor over the durable entries from an index on.
    ///
    /// - Throws: ``LogFault``; `released` when the entry is no longer in the log.
    package func cursor(from index: LogIndex) throws(LogFault) -> any LogCursor {
        try cursor(from: index, to: durable)
    }

    func cursor(from index: LogIndex, to last: LogIndex) throws(LogFault) -> any LogCursor {
        guard index >= first else {
            let reason = "entry \(index) was released; the log begins at \(first)"
            throw LogFault(.released, subject: directory, reason: reason)
        }
        return SegmentCursor(disk: disk, paths: segments.map(\.path), from: index, to: last)
    }
}

/// Reads entries through the segments that a log had when the cursor was made.
final class SegmentCursor: LogCursor {
    private let disk: any Disk
    private var paths: ArraySlice<String>
    private let start: LogIndex
    private let last: LogIndex
    private var reader: SegmentReader?
    private var salt: UInt64 = 0
    private var chain: UInt32 = 0
    private var offset = 0
    private var index = LogIndex.zero

    init(disk: any Disk, paths: [String], from start: LogIndex, to last: LogIndex) {
        self.disk = disk
        self.paths = paths[...]
        self.start = start
        self.last = last
    }

    func next() throws(LogFault) -> LogEntry? {
        while start <= last {
            guard var current = reader else {
                guard try openNext() else { return nil }
                continue
            }
            guard index <= last else { return nil }
            let found = try current.frame(at: offset, index: index, after: chain, salt: salt)
            guard let found else {
                reader = nil
                continue
            }
            let bytes = index >= start ? try current.entry(found) : []
            reader = current
            (chain, offset, index) = (found.header.chain, found.end, index.next)
            if found.header.index >= start {
                return LogEntry(index: found.header.index, bytes: bytes)
            }
        }
        return nil
    }

    private func openNext() throws(LogFault) -> Bool {
        guard let path = paths.popFirst() else {
            guard index > last else {
                let reason = "entry \(index) is no longer whole"
                throw LogFault(.corrupt, subject: "log", reason: reason)
            }
            return false
        }
        let (opened, header) = try SegmentReader.open(disk, path)
        guard index == .zero || header.first == index else {
            let reason = "begins at entry \(header.first), and entry \(index) is no longer whole"
            throw LogFault(.corrupt, subject: path, reason: reason)
        }
        (reader, salt, chain) = (opened, header.salt, header.chain)
        (offset, index) = (SegmentHeader.byteCount, header.first)
        return true
    }
}
