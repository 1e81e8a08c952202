// SPDX-License-Identifier: Apache-2.0
//
// What the embedded log does at start-up, in two steps. `look` finds the segments, checks every
// frame, finds the end, and changes nothing. `mend`, called when everything else at start-up was
// found to be right, zeroes a torn tail and makes what was found durable. Imports TallyTypes. The
// rule, DESIGN §6: a bad frame i is corruption exactly if i ≤ the flushed index, or a later whole
// frame (or a later segment, which is made only when all before it is durable) shows that i was
// durable; else the log ends at i − 1 and everything from i on is zeroed and synced before a new
// frame is written there.
//
// A frame that can be read need not be durable: when a sync failed, the operating system may keep
// the bytes and call them clean. So `mend` writes every frame that is not known to be durable again
// before its first sync, and zeros behind the end over as much as was ever in flight together.

package import TallyTypes

/// What start-up found in the log and did to it.
package struct LogRecovery: Hashable, Sendable, CustomStringConvertible {
    /// A tail that a crash left behind, and that was zeroed.
    package struct TornTail: Hashable, Sendable {
        /// The segment's path.
        package let path: String
        /// The offset from which on everything was zeroed.
        package let offset: Int
        /// The index of the frame that was not whole.
        package let index: LogIndex
    }

    /// The first entry in the log; above `last` when there is none.
    package let first: LogIndex
    /// The last entry.
    package let last: LogIndex
    /// Segments in use.
    package let segmentCount: Int
    /// Spare files, ready or to be filled.
    package let spareCount: Int
    /// The torn tail, if there was one.
    package let tornTail: TornTail?

    /// One line for the start-up log.
    package var description: String {
        let entries = first > last ? "no entries" : "entries \(first) to \(last)"
        let found = "log: \(entries) in \(segmentCount) segments, \(spareCount) spare"
        guard let tornTail else { return found }
        return found + "; frame \(tornTail.index) was not whole: "
            + "\(tornTail.path) zeroed from offset \(tornTail.offset)"
    }
}

extension EmbeddedLog {
    /// What ``look(flushedIndex:durableIndex:)`` found and ``mend()`` acts on.
    struct Found {
        let names: LogFolder
        /// Nil for a log without segments.
        let scan: LogScan?
    }

    /// Finds the end of the log, and changes nothing; the first call on a log.
    ///
    /// - Parameters:
    ///   - flushedIndex: The index that the state store holds; 0 for a new ledger.
    ///   - durableIndex: An index up to which other files show the log to be durable.
    /// - Returns: What was found. What is above both indexes need not be durable.
    /// - Throws: ``LogFault``: `corrupt`, `gap`, `unknownFormat` or `disk`.
    package func look(
        flushedIndex: LogIndex,
        durableIndex: LogIndex = .zero
    ) throws(LogFault) -> LogRecovery {
        try working { () throws(LogFault) in
            let names = try LogFolder(disk, directory)
            guard !names.segments.isEmpty else {
                guard flushedIndex == .zero else {
                    let reason = "holds no segment, and entry \(flushedIndex) was flushed"
                    throw LogFault(.gap, subject: directory, reason: reason)
                }
                found = Found(names: names, scan: nil)
                return report(names, nil)
            }
            let scan = try LogScan(
                disk,
                directory,
                names.segments,
                flushed: flushedIndex,
                durable: durableIndex
            )
            try adopt(scan)
            found = Found(names: names, scan: scan)
            return report(names, scan)
        }
    }

    /// Returns a cursor over the entries that start-up found, durable or not.
    ///
    /// - Throws: ``LogFault``; `released` when the entry is no longer in the log.
    package func foundEntries(from index: LogIndex) throws(LogFault) -> any LogCursor {
        try cursor(from: index, to: last)
    }

    /// Makes the first segment of a log whose entries up to an index are in the state store alone.
    ///
    /// For a ledger that is restored from its records.
    ///
    /// - Throws: ``LogFault``: `gap` when the folder already holds a log.
    package func begin(after index: LogIndex) throws(LogFault) {
        try working { () throws(LogFault) in
            let names = try LogFolder(disk, directory)
            guard names.segments.isEmpty else {
                throw LogFault(.gap, subject: directory, reason: "holds a log already")
            }
            try activate(sequence: 1, first: index.next)
            (last, durable) = (index, index)
            try onDisk { () throws(DiskFault) in try disk.syncDirectory(directory) }
        }
    }

    /// Makes the log ready for use, and everything that was found in it durable.
    ///
    /// - Throws: ``LogFault``.
    package func mend() throws(LogFault) {
        guard let found else {
            throw LogFault(.gap, subject: directory, reason: "is mended and was not looked at")
        }
        try working { () throws(LogFault) in
            try clean(spares: found.names.spares)
            pool.adopt(ready: found.names.spares, filling: found.names.filling)
            if let scan = found.scan {
                try mend(scan)
            } else {
                try activate(sequence: 1, first: LogIndex(1))
            }
            try onDisk { () throws(DiskFault) in try disk.syncDirectory(directory) }
            durable = last
            isReady = true
        }
        self.found = nil
    }

    /// Looks and mends at once, for a log that stands alone.
    ///
    /// - Throws: ``LogFault``.
    package func recover(flushedIndex: LogIndex) throws(LogFault) -> LogRecovery {
        let recovery = try look(flushedIndex: flushedIndex)
        try mend()
        return recovery
    }

    private func adopt(_ scan: LogScan) throws(LogFault) {
        for found in scan.segments {
            let path = directory + "/" + SegmentName.segment(found.header.sequence).text
            let file = try onDisk { () throws(DiskFault) in try disk.open(path, .readWrite) }
            let size = Int(found.header.size)
            segments.append(
                Segment(
                    sequence: found.header.sequence,
                    first: found.header.first,
                    file: file,
                    path: path,
                    size: size
                )
            )
        }
        (salt, chain, end, last) = (scan.salt, scan.chain, scan.end, scan.last)
    }

    /// Zeroes the header of a spare whose use was begun and not ended.
    private func clean(spares: [UInt64]) throws(LogFault) {
        for number in spares {
            let path = directory + "/" + SegmentName.spare(number).text
            try onDisk { () throws(DiskFault) in
                let file = try disk.open(path, .readWrite)
                try file.truncate(to: configuration.segmentBytes)
                try file.preallocate(to: configuration.segmentBytes)
                try file.writeZeros(at: 0, count: SegmentHeader.byteCount)
                try file.sync()
            }
        }
    }

    /// Writes again the frames that are not known to be durable, zeroes what is behind, and syncs.
    ///
    /// All of it is in the last segment: those before it were synced when they were full.
    private func mend(_ scan: LogScan) throws(LogFault) {
        let segment = try lastSegment()
        try onDisk { () throws(DiskFault) in
            try segment.file.writeAgain(scan.unproven..<scan.end)
            let room = min(EmbeddedLog.inFlightBytesMax, segment.size - scan.end)
            try segment.file.writeZeros(at: scan.end, count: room)
        }
        if let nonZero = scan.firstNonZeroBehindEnd { try zero(segment, from: nonZero) }
        try onDisk { () throws(DiskFault) in try segment.file.sync() }
    }

    /// The most bytes that frames not yet durable can take.
    private static var inFlightBytesMax: Int {
        Limits.entriesInFlightMax * FrameHeader.frameBytes(entry: Limits.entryBytesMax)
    }

    private func zero(_ segment: Segment, from nonZero: Int) throws(LogFault) {
        var reader = SegmentReader(file: segment.file, path: segment.path, size: segment.size)
        var at: Int? = nonZero
        while let offset = at {
            let count = min(segment.size - offset, 1 << 16)
            try onDisk { () throws(DiskFault) in
                try segment.file.writeZeros(at: offset, count: count)
            }
            at = try reader.firstNonZero(from: offset + count)
        }
    }

    private func report(_ names: LogFolder, _ scan: LogScan?) -> LogRecovery {
        var torn: LogRecovery.TornTail?
        if let scan, scan.firstNonZeroBehindEnd != nil, let path = scan.segments.last?.path {
            torn = LogRecovery.TornTail(path: path, offset: scan.end, index: scan.last.next)
        }
        return LogRecovery(
            first: first,
            last: last,
            segmentCount: max(1, segments.count),
            spareCount: names.spares.count + names.filling.count,
            tornTail: torn
        )
    }
}
