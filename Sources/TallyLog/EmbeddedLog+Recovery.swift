// SPDX-License-Identifier: Apache-2.0
//
// What the embedded log does at start-up: finds its segments, checks every frame, finds the end,
// and zeroes a torn tail. Imports TallyTypes. The rule, DESIGN §6: a bad frame i is corruption
// exactly if i ≤ the flushed index, or a later whole frame (or a later segment, which is made only
// when all before it is durable) shows that i was durable; else the log ends at i − 1 and
// everything from i on is zeroed and synced before a new frame is written there.

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
    /// Finds the end of the log and makes it ready for use; the first call on a log.
    ///
    /// - Parameter flushedIndex: The index that the state store holds; 0 for a new ledger.
    /// - Returns: What was found and done. Everything up to `last` is durable on return.
    /// - Throws: ``LogFault``: `corrupt`, `gap`, `unknownFormat` or `disk`; then nothing was
    ///   changed but spare files.
    package func recover(flushedIndex: LogIndex) throws(LogFault) -> LogRecovery {
        try working { () throws(LogFault) in
            let names = try LogFolder(disk, directory)
            if names.segments.isEmpty {
                try begin(flushedIndex, names)
                return report(names, nil)
            }
            let scan = try LogScan(disk, directory, names.segments, flushed: flushedIndex)
            try adopt(scan)
            try clean(spares: names.spares)
            pool.adopt(ready: names.spares, filling: names.filling)
            let tornTail = try zeroTail(scan)
            try onDisk { () throws(DiskFault) in try disk.syncDirectory(directory) }
            durable = last
            return report(names, tornTail)
        }
    }

    private func begin(_ flushedIndex: LogIndex, _ names: LogFolder) throws(LogFault) {
        guard flushedIndex == .zero else {
            let reason = "holds no segment, and entry \(flushedIndex) was flushed"
            throw LogFault(.gap, subject: directory, reason: reason)
        }
        try clean(spares: names.spares)
        pool.adopt(ready: names.spares, filling: names.filling)
        try activate(sequence: 1, first: LogIndex(1))
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

    /// Zeroes what is behind the end; syncs the last segment in any case, since frames that
    /// survived the end of the process may not be durable yet.
    private func zeroTail(_ scan: LogScan) throws(LogFault) -> LogRecovery.TornTail? {
        let segment = try lastSegment()
        var torn: LogRecovery.TornTail?
        if let nonZero = scan.firstNonZeroBehindEnd {
            torn = LogRecovery.TornTail(path: segment.path, offset: scan.end, index: scan.last.next)
            try zero(segment, from: nonZero)
        }
        try onDisk { () throws(DiskFault) in try segment.file.sync() }
        return torn
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

    private func report(_ names: LogFolder, _ torn: LogRecovery.TornTail?) -> LogRecovery {
        LogRecovery(
            first: first,
            last: last,
            segmentCount: segments.count,
            spareCount: names.spares.count + names.filling.count,
            tornTail: torn
        )
    }
}
