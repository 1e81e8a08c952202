// SPDX-License-Identifier: Apache-2.0
//
// Reads a whole log and says whether every byte is what it should be; writes nothing. Imports
// TallyTypes. Called by `tally verify`.

package import TallyTypes

/// What the verifier found in a log.
package struct LogReport: Hashable, Sendable {
    /// The first byte behind the log's end, or in a spare, that should be zero and is not.
    package struct Remnant: Hashable, Sendable, CustomStringConvertible {
        /// The file.
        package let path: String
        /// The byte's offset.
        package let offset: Int

        /// The file and the offset.
        package var description: String { "\(path), offset \(offset)" }
    }

    /// The first entry in the log; above `last` when there is none.
    package let first: LogIndex
    /// The last whole entry.
    package let last: LogIndex
    /// Segments in use.
    package let segmentCount: Int
    /// Bytes of headers and whole frames.
    package let usedBytes: Int
    /// After a clean stop nil; after a crash the torn tail that the next start will zero.
    package let tornTail: Remnant?
    /// After a clean stop nil; after a crash perhaps the header of a spare that never came into
    /// use.
    package let spareRemnant: Remnant?
    /// After a clean stop nil; after a crash a released segment that was not zeroed to its end.
    package let filling: String?
}

/// Checks a log's files without changing them.
package enum LogVerifier {
    /// Reads every segment and every spare.
    ///
    /// - Parameters:
    ///   - disk: Only read from.
    ///   - directory: The log's folder.
    ///   - flushedIndex: The index that the state store holds.
    /// - Returns: What was found; the two remnants are for the caller to judge.
    /// - Throws: ``LogFault`` at the first frame that is corrupt, a gap, or an unknown file.
    package static func verify(
        disk: any Disk,
        directory: String,
        flushedIndex: LogIndex
    ) throws(LogFault) -> LogReport {
        let names = try LogFolder(disk, directory)
        guard let first = names.segments.first else {
            throw LogFault(.gap, subject: directory, reason: "holds no segment")
        }
        let scan = try LogScan(disk, directory, names.segments, flushed: flushedIndex)
        let lastPath = scan.segments.last.map(\.path) ?? directory
        return LogReport(
            first: scan.segments.first.map(\.header.first) ?? LogIndex(first),
            last: scan.last,
            segmentCount: scan.segments.count,
            usedBytes: scan.segments.reduce(0) { $0 + $1.end },
            tornTail: scan.firstNonZeroBehindEnd.map {
                LogReport.Remnant(path: lastPath, offset: $0)
            },
            spareRemnant: try remnant(disk, directory, names.spares),
            filling: names.filling.first.map {
                directory + "/" + SegmentName.filling($0).text
            }
        )
    }

    private static func remnant(
        _ disk: any Disk,
        _ directory: String,
        _ spares: [UInt64]
    ) throws(LogFault) -> LogReport.Remnant? {
        for number in spares {
            let path = directory + "/" + SegmentName.spare(number).text
            let file = try onDisk { () throws(DiskFault) in try disk.open(path, .readOnly) }
            let size = try onDisk { () throws(DiskFault) in try file.size() }
            var reader = SegmentReader(file: file, path: path, size: size)
            if let offset = try reader.firstNonZero(from: 0) {
                return LogReport.Remnant(path: path, offset: offset)
            }
        }
        return nil
    }
}
