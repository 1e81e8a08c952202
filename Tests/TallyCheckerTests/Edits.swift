// SPDX-License-Identifier: Apache-2.0
//
// Changes to records that an honest ledger would not make. Called by the tests of this folder only.

import TallyCodec
import TallyTypes

extension Record {
    /// This record with some of its envelope replaced.
    func with(
        index: UInt64? = nil,
        book: BookID? = nil,
        sequence: UInt64? = nil,
        previous: Digest? = nil,
        time: Instant? = nil,
        salt: Salt? = nil,
        batch: BatchClaim? = nil
    ) -> Record {
        Record(
            index: index.map(RecordIndex.init) ?? self.index,
            book: book ?? self.book,
            sequence: sequence.map(BookSequence.init) ?? self.sequence,
            previous: previous ?? self.previous,
            time: time ?? self.time,
            idempotency: idempotency,
            salt: salt ?? self.salt,
            order: order,
            outcome: outcome,
            actor: actor,
            group: group,
            batch: batch ?? self.batch
        )
    }
}

extension Stored {
    /// Replaces a record, and what is derived from its bytes alone: its leaf hash and the root.
    mutating func edit(_ index: Int, _ change: (Record) -> Record) throws {
        records[index] = RecordCodec.encode(change(try RecordCodec.decode(records[index])))
        rehash()
    }
}
