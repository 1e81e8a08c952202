// SPDX-License-Identifier: Apache-2.0
//
// How many of a mirror's records a restore takes. A group commits or is refused as a whole, and the
// key of a batch answers for all of its transfers: so a restore never ends within one, but before
// it. Called by the restore.

import TallyCodec
import TallyProof
import TallyStore
package import TallyTypes

/// Until when a restore takes records.
package enum PointInTime: Hashable, Sendable {
    /// All of them.
    case end
    /// The record of this index is the last.
    case index(RecordIndex)
    /// The last is the newest whose time is not later.
    case time(Instant)
}

/// Looks for the end of a restore among the records of a mirror, before they are verified.
struct RestoreEnd {
    private let source: any MirrorSource
    private let size: UInt64
    private let isFull: (UInt64) -> Bool

    init(_ source: any MirrorSource, size: UInt64, isFull: @escaping (UInt64) -> Bool) {
        (self.source, self.size, self.isFull) = (source, size, isFull)
    }

    /// The number of records until a point in time, at the end of a group and of a batch.
    ///
    /// - Throws: ``NodeFault`` when the mirror has no record until then; or what reading throws.
    func count(until point: PointInTime) throws -> UInt64 {
        let wanted: UInt64
        switch point {
        case .end: return size
        case .index(let index):
            guard index.rawValue < size else {
                throw fault("has no record \(index): it holds \(size)")
            }
            wanted = index.rawValue + 1
        case .time(let time): wanted = try count(notAfter: time)
        }
        guard wanted > 0 else { throw fault("has no record that early") }
        let whole = try boundary(wanted)
        guard whole > 0 else { throw fault("has no whole group of records until then") }
        return whole
    }

    /// The number of records whose time is not later: times increase.
    private func count(notAfter time: Instant) throws -> UInt64 {
        var (low, high) = (UInt64(0), size)
        while low < high {
            let middle = low + (high - low) / 2
            if try record(middle).time <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func boundary(_ wanted: UInt64) throws -> UInt64 {
        guard wanted < size else { return size }
        var end = wanted
        let next = try record(end)
        while end > 0, let group = try record(end - 1).group, let after = next.group,
            group.count == after.count, group.position < after.position
        {
            end -= 1  // the group goes on: none of its records is taken
            guard end > 0, let before = try record(end - 1).group,
                before.count == group.count, before.position < group.position
            else { break }
        }
        // A batch is claimed at its first committed transfer; what is refused before that claims
        // nothing.
        var index = end
        let reach = UInt64(Limits.transfersPerBatchMax)
        while index > 0, end - index < reach {
            index -= 1
            guard let batch = try record(index).batch else { continue }
            let first = index - min(index, batch.position)
            return first + batch.count > end ? first : end
        }
        return end
    }

    private func record(_ index: UInt64) throws -> Record {
        let number = index / TilePath.width
        let wanted = min(TilePath.width, size - number * TilePath.width)
        let bundle = try MirrorBundle.read(source, number, wanted, isFull(number))
        let parsed = try RecordCodec.parse(bundle.records[Int(index % TilePath.width)])
        return try parsed.completed { reference throws(StoreFault) in
            try MirrorBundle.blob(source, reference)
        }
    }

    private func fault(_ reason: String) -> NodeFault {
        NodeFault(
            .directory,
            subject: source.place,
            reason: reason,
            nextStep: "name an earlier or a later place"
        )
    }
}

extension MirrorBundle {
    /// What stands beside a record, checked.
    static func blob(
        _ source: any MirrorSource,
        _ reference: BlobReference
    ) throws(StoreFault) -> [UInt8] {
        let name = MirrorLayout.blob(reference.digest)
        guard let bytes = try source.read(name, limit: Limits.blobBytesMax),
            reference.names(bytes)
        else {
            throw StoreFault(
                .corrupt,
                subject: source.place + "/" + name,
                reason: "does not hold the bytes that its record names"
            )
        }
        return bytes
    }
}
