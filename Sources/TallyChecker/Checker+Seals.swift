// SPDX-License-Identifier: Apache-2.0
//
// The check of seals: what a `log.seal` record says of the state after so many records, replay
// computes on its own when it has come that far. Imports TallyTypes, TallyCodec, TallyProof.
//
// A seal stands behind the size that it speaks of, so who feeds the records says beforehand which
// sizes those are (``sealedSize(of:)``); a seal of another size is left unchecked, never passed.

import TallyCodec
import TallyProof
package import TallyTypes

extension Checker {
    /// The size that a record seals; nil for any other record.
    ///
    /// Cheap: looks no further than the book of a record that is not of the system book.
    package static func sealedSize(of record: [UInt8]) -> UInt64? {
        guard isOfSystemBook(record) else { return nil }
        do throws(Malformed) {
            guard case .whole(let record) = try RecordCodec.parse(record[...]),
                case .sealLog(let seal) = record.order, record.isCommitted
            else { return nil }
            return seal.size
        } catch {
            return nil  // the replay refutes what is no record
        }
    }

    /// Whether the bytes begin as a record of the system book does.
    private static func isOfSystemBook(_ record: [UInt8]) -> Bool {
        guard record.count > 28 else { return false }
        let indexBytes: Int =
            switch record[2] & 0x1F {
            case 24: 2
            case 25: 3
            case 26: 5
            case 27: 9
            default: 1
            }
        let book = 2 + indexBytes
        return record[book] == 0x50 && record[(book + 1)..<(book + 17)].allSatisfy { $0 == 0 }
    }

    /// Computes what a seal of the records fed so far must say.
    mutating func computeSeal() {
        if let group = openGroup, group.last + 1 != group.count {
            sealed[tree.size] = .some(nil)  // no snapshot lies within a group
            return
        }
        settleGroup()
        sealed[tree.size] = .some(seal())
    }

    /// What a seal of the records fed so far says; nil when the replay was wrong or ended early.
    package func seal() -> LogSeal? {
        guard stopped == nil, state.books.allSatisfy({ $0.brokenAt == nil }) else { return nil }
        var builder = SealBuilder(deleted: Set(state.books.filter(\.isDeleted).map(\.id)))
        forEachRow { key, bytes, value in
            builder.add(key: key, bytes, value: value)
        }
        return builder.finish(size: tree.size, scalars: StateCodec.encodeScalars(state.scalars))
    }

    /// Compares a seal that was rightly committed with what replay gave at its size.
    mutating func compareSeal(_ step: Step) {
        guard case .sealLog(let stated) = step.record.order, step.record.isCommitted else { return }
        guard let computed = sealed[stated.size] else {
            sealsVerdict = .unchecked(
                "record \(step.place.index) seals \(stated.size) records, "
                    + "which was not known when the replay passed there"
            )
            return
        }
        guard let computed else {
            sealsVerdict = .unchecked(
                "record \(step.place.index) seals \(stated.size) records, "
                    + "where the replay gives no state"
            )
            return
        }
        if sealsVerdict == nil { sealsVerdict = .ok }
        guard computed != stated else { return }
        refute(.seals, .seal, difference(stated, computed), step.place, book: .system)
    }

    private func difference(_ stated: LogSeal, _ computed: LogSeal) -> String {
        if stated.stateDigest != computed.stateDigest {
            return "state digest \(stated.stateDigest), replay gives \(computed.stateDigest)"
        }
        if stated.balances != computed.balances {
            return "\(stated.balances.count) balances under \(stated.balances.root), replay gives "
                + "\(computed.balances.count) under \(computed.balances.root)"
        }
        return "\(stated.heads.count) books under \(stated.heads.root), replay gives "
            + "\(computed.heads.count) under \(computed.heads.root)"
    }
}
