// SPDX-License-Identifier: Apache-2.0
//
// Reads a log's folder from end to end without changing a byte: which files there are, whether
// every frame is whole and in its place, and where the log ends. Imports TallyTypes. Recovery acts
// on what it finds; the verifier only reports it.

internal import TallyTypes

/// The files of a log's folder, by kind.
struct LogFolder {
    /// Sequences of the segments in use, ascending, without gaps.
    private(set) var segments: [UInt64] = []
    private(set) var spares: [UInt64] = []
    private(set) var filling: [UInt64] = []

    init(_ disk: any Disk, _ directory: String) throws(LogFault) {
        for entry in try onDisk({ () throws(DiskFault) in try disk.list(directory) }) {
            guard entry.kind == .file, let name = SegmentName(entry.name) else {
                let subject = directory + "/" + entry.name
                throw LogFault(.unknownFormat, subject: subject, reason: "is no file of a log")
            }
            switch name {
            case .segment(let sequence): segments.append(sequence)
            case .spare(let number): spares.append(number)
            case .filling(let number): filling.append(number)
            }
        }
        for (before, after) in zip(segments, segments.dropFirst()) where after != before + 1 {
            let missing = SegmentName.segment(before + 1).text
            throw LogFault(.gap, subject: directory + "/" + missing, reason: "is missing")
        }
    }
}

/// What is in the segments of a log.
struct LogScan {
    /// One segment with where its frames end.
    struct Found {
        let header: SegmentHeader
        let path: String
        let end: Int
        let last: LogIndex
    }

    private(set) var segments: [Found] = []
    private(set) var salt: UInt64 = 0
    /// The chain behind the last whole frame.
    private(set) var chain: UInt32 = 0
    /// Where the next frame goes, in the last segment.
    private(set) var end = SegmentHeader.byteCount
    /// The last entry.
    private(set) var last = LogIndex.zero
    /// In the last segment, the first byte behind the end that is not zero.
    private(set) var firstNonZeroBehindEnd: Int?
    /// In the last segment, where the first frame begins that is not known to be durable; the end
    /// without one.
    private(set) var unproven = SegmentHeader.byteCount

    private let disk: any Disk
    private let directory: String
    private let flushed: LogIndex
    private let durable: LogIndex

    init(
        _ disk: any Disk,
        _ directory: String,
        _ sequences: [UInt64],
        flushed: LogIndex,
        durable: LogIndex = .zero
    ) throws(LogFault) {
        self.disk = disk
        self.directory = directory
        self.flushed = flushed
        self.durable = max(flushed, durable)
        for sequence in sequences {
            try read(sequence, isLast: sequence == sequences.last)
        }
    }

    private mutating func read(_ sequence: UInt64, isLast: Bool) throws(LogFault) {
        let path = directory + "/" + SegmentName.segment(sequence).text
        var (reader, header) = try SegmentReader.open(disk, path)
        try checkStart(header, sequence, path)
        (salt, chain, end) = (header.salt, header.chain, SegmentHeader.byteCount)
        (last, unproven) = (LogIndex(header.first.rawValue - 1), end)
        while let found = try reader.frame(at: end, index: last.next, after: chain, salt: salt) {
            (chain, end, last) = (found.header.chain, found.end, found.header.index)
            if last <= durable { unproven = end }
        }
        segments.append(Found(header: header, path: path, end: end, last: last))
        let nonZero = try reader.firstNonZero(from: end)
        if isLast {
            try checkEnd(&reader, nonZero)
            firstNonZeroBehindEnd = nonZero
        } else if let nonZero {
            let reason = "frame \(last.next) is not what was written (byte \(nonZero))"
            throw LogFault(.corrupt, subject: "\(path), offset \(end)", reason: reason)
        }
    }

    /// A segment must begin where the one before ended.
    private func checkStart(
        _ header: SegmentHeader,
        _ sequence: UInt64,
        _ path: String
    ) throws(LogFault) {
        guard header.sequence == sequence, header.first > .zero else {
            let reason = "is segment \(header.sequence) by its header"
            throw LogFault(.corrupt, subject: path, reason: reason)
        }
        guard let before = segments.last else {
            guard header.first <= flushed.next else {
                let reason = "begins at entry \(header.first), and only \(flushed) is flushed"
                throw LogFault(.gap, subject: path, reason: reason)
            }
            return
        }
        guard header.first == last.next else {
            let reason =
                "frame \(last.next) is not whole, and segment \(sequence) shows that it was"
            throw LogFault(.corrupt, subject: "\(before.path), offset \(end)", reason: reason)
        }
        guard header.chain == chain, header.salt == salt else {
            let reason = "does not continue the segment before"
            throw LogFault(.corrupt, subject: path, reason: reason)
        }
    }

    /// The rule of the torn tail.
    private func checkEnd(_ reader: inout SegmentReader, _ nonZero: Int?) throws(LogFault) {
        let bad = last.next
        let subject = "\(reader.path), offset \(end)"
        guard bad > flushed else {
            let reason = "frame \(bad) is not whole, and entry \(flushed) was flushed"
            throw LogFault(.corrupt, subject: subject, reason: reason)
        }
        guard nonZero != nil else { return }
        if let proof = try reader.proof(of: bad, behind: end, salt: salt) {
            let later = proof.header.index
            let reason = "frame \(bad) is not whole, and frame \(later) shows that it was durable"
            throw LogFault(.corrupt, subject: subject, reason: reason)
        }
    }
}
