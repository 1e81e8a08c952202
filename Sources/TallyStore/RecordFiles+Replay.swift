// SPDX-License-Identifier: Apache-2.0
//
// The record files while the log is replayed: what they hold behind the flushed records is compared
// with what the replay yields. Imports TallyTypes.
//
// After a loss of power, any sector that was not synced may still be as it was before it was
// written: zero from some byte on. So in each sector the files may hold the replay's bytes up to a
// point and zeros behind it, and such a sector is written again. Anything else differs from the
// log.

package import TallyTypes

/// What the end of the replay did to the record files.
package struct RecordFilesRepair: Hashable, Sendable, CustomStringConvertible {
    /// Sectors that a loss of power had left unwritten and that the replay wrote again.
    package let repairedSectors: Int
    /// The index of the incomplete last record that was cut, and its offset.
    package let cut: Cut?

    /// One incomplete record.
    package struct Cut: Hashable, Sendable {
        /// Its index.
        package let index: RecordIndex
        /// The offset at which it began.
        package let offset: Int
    }

    /// One line for the start-up log.
    package var description: String {
        let repaired = "records: \(repairedSectors) sectors written again"
        guard let cut else { return repaired }
        return repaired + ", incomplete record \(cut.index) cut at offset \(cut.offset)"
    }
}

extension RecordFiles {
    /// Ends the replay: nothing but an incomplete last record may lie behind the records it
    /// yielded.
    ///
    /// - Parameter isWhole: True when bytes are a whole, valid record of the next index.
    /// - Returns: What was repaired and cut; durable on return.
    /// - Throws: ``StoreFault``: `lostEntry` when a whole record, or more than one incomplete
    ///   record, is there: an acknowledged entry was lost, and nothing was changed.
    package func finishReplay(
        isWhole: ([UInt8]) -> Bool
    ) throws(StoreFault) -> RecordFilesRepair {
        var tail = takeTail()
        var cut: RecordFilesRepair.Cut?
        do {
            if try holdsMore(tail) {
                try checkSurplus(tail, isWhole)
                try erase(tail)
                cut = RecordFilesRepair.Cut(index: tail.count, offset: tail.end)
            }
            tail.heldEnd = tail.end
            try sync()
        } catch {
            stop()
            throw error
        }
        publish(tail, [])
        return RecordFilesRepair(repairedSectors: tail.repairedSectors, cut: cut)
    }

    /// Compares a batch with what the file holds, and writes it where sectors are missing.
    func compareAndWrite(
        _ framed: Span<UInt8>,
        at offset: Int,
        _ first: RecordIndex,
        _ tail: inout Tail
    ) throws(StoreFault) {
        let file = tail.entries.file
        let held = try onDisk { () throws(DiskFault) in
            let available = min(framed.count, max(0, try file.size() - offset))
            return try file.bytes(at: offset, count: available)
        }
        guard !isEqual(framed, held.span) else { return }
        var torn = 0
        for sector in Self.sectors(offset, framed.count) {
            switch Self.compare(framed, held.span, sector) {
            case .same: continue
            case .torn: torn += 1
            case .other(let position):
                throw differs(framed, offset, position, first)
            }
        }
        guard torn > 0 else { return }
        tail.repairedSectors += torn
        try write(framed, at: offset, &tail)
    }

    private enum Comparison {
        case same
        case torn
        case other(at: Int)
    }

    /// The parts of a batch that lie in one sector each, as positions in the batch.
    private static func sectors(_ offset: Int, _ count: Int) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var at = 0
        while at < count {
            let next = min(count, at + sectorBytes - (offset + at) % sectorBytes)
            parts.append(at..<next)
            at = next
        }
        return parts
    }

    private static var sectorBytes: Int { RecordLayout.sectorBytes }

    private static func compare(
        _ wanted: Span<UInt8>,
        _ held: Span<UInt8>,
        _ part: Range<Int>
    ) -> Comparison {
        var at = part.lowerBound
        while at < part.upperBound, at < held.count, held[at] == wanted[at] {
            at += 1
        }
        guard at < part.upperBound else { return .same }
        while at < part.upperBound, at < held.count {
            guard held[at] == 0 else { return .other(at: at) }
            at += 1
        }
        return .torn
    }

    private func differs(
        _ framed: Span<UInt8>,
        _ offset: Int,
        _ position: Int,
        _ first: RecordIndex
    ) -> StoreFault {
        var (at, index) = (0, first.rawValue)
        while true {
            let next = at + RecordLayout.prefixBytes + (Int(framed[at]) << 8 | Int(framed[at + 1]))
            guard next <= position else { break }
            (at, index) = (next, index + 1)
        }
        let subject = "\(RecordLayout.entries(directory)), record \(index)"
        let reason = "differs at offset \(offset + position) from what the log yields"
        return StoreFault(.lostEntry, subject: subject, reason: reason)
    }

    /// Zeroes what lies behind the last record, and the offset of a bundle that it began.
    private func erase(_ tail: Tail) throws(StoreFault) {
        let row = tail.bundleCount * RecordLayout.rowBytes
        try onDisk { () throws(DiskFault) in
            try tail.entries.file.writeZeros(at: tail.end, count: tail.heldEnd - tail.end)
            if tail.offsetsFile.size > row {
                let count = tail.offsetsFile.size - row
                try tail.offsetsFile.file.writeZeros(at: row, count: count)
            }
        }
    }

    private func holdsMore(_ tail: Tail) throws(StoreFault) -> Bool {
        guard tail.heldEnd > tail.end else { return false }
        var scanner = try RecordScanner(
            file: tail.entries.file,
            index: tail.count,
            offset: tail.end
        )
        return try scanner.firstNonZero(from: tail.end) != nil
    }

    private func checkSurplus(
        _ tail: Tail,
        _ isWhole: ([UInt8]) -> Bool
    ) throws(StoreFault) {
        var scanner = try RecordScanner(
            file: tail.entries.file,
            index: tail.count,
            offset: tail.end
        )
        let subject = "\(RecordLayout.entries(directory)), record \(tail.count)"
        let length = try scanner.length() ?? 0
        if let record = try scanner.next(), isWhole(record.bytes) {
            let reason = "is whole, and the log ends before it"
            throw StoreFault(.lostEntry, subject: subject, reason: reason)
        }
        let reach = length > 0 ? length : Limits.recordBytesMax
        let after = tail.end + RecordLayout.prefixBytes + reach
        if let offset = try scanner.firstNonZero(from: after) {
            let reason = "the log ends before it, and more follows at offset \(offset)"
            throw StoreFault(.lostEntry, subject: subject, reason: reason)
        }
    }
}
