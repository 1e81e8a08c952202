// SPDX-License-Identifier: Apache-2.0
//
// An entry: a plan as it stands in the replicated log, the unit of ordering and durability. May
// import TallyTypes. The kernel makes and applies entries; the log carries their bytes
// (EntryCodec.swift).

package import TallyTypes

/// The canonical bytes of the keys that an entry covers, addressed by position.
package struct KeyTable: Hashable, Sendable {
    /// All keys, one after the other.
    package private(set) var bytes: [UInt8] = []
    /// Where each key ends in `bytes`.
    package private(set) var ends: [UInt32] = []

    /// Makes an empty table.
    package init() {}

    /// The number of keys.
    package var count: Int { ends.count }

    /// Makes room.
    package mutating func reserve(keys: Int, bytes count: Int) {
        ends.reserveCapacity(keys)
        bytes.reserveCapacity(count)
    }

    /// Adds a key and returns its position.
    @discardableResult
    package mutating func append(_ key: some Collection<UInt8>) -> UInt32 {
        bytes.append(contentsOf: key)
        ends.append(UInt32(bytes.count))
        return UInt32(ends.count - 1)
    }

    /// Adds keys that share a prefix: each is that, a length in two big-endian bytes, and so many
    /// bytes.
    package mutating func append(prefix: [UInt8], tails: [Range<Int>], of source: [UInt8]) {
        let total = tails.reduce(tails.count * (prefix.count + 2)) { $0 + $1.count }
        reserve(keys: count + tails.count, bytes: bytes.count + total)
        var end = UInt32(bytes.count)
        bytes += unsafe [UInt8](unsafeUninitializedCapacity: total) { buffer, written in
            var out = unsafe RawWriter(UnsafeMutableRawBufferPointer(buffer))
            unsafe source.withUnsafeBytes { source in
                for tail in tails {
                    out.append(prefix)
                    out.byte(UInt8(truncatingIfNeeded: tail.count >> 8))
                    out.byte(UInt8(truncatingIfNeeded: tail.count))
                    unsafe out.append(UnsafeRawBufferPointer(rebasing: source[tail]))
                    end += UInt32(prefix.count + 2 + tail.count)
                    ends.append(end)
                }
            }
            written = out.count
        }
    }

    /// Adds a key given in two pieces and returns its position.
    package mutating func append(
        prefix: ArraySlice<UInt8>,
        suffix: ArraySlice<UInt8>
    ) -> UInt32 {
        bytes.append(contentsOf: prefix)
        bytes.append(contentsOf: suffix)
        ends.append(UInt32(bytes.count))
        return UInt32(ends.count - 1)
    }

    /// The range of a key's bytes.
    package func range(_ position: Int) -> Range<Int> {
        (position == 0 ? 0 : Int(ends[position - 1]))..<Int(ends[position])
    }

    /// The bytes of a key.
    package subscript(position: Int) -> ArraySlice<UInt8> { bytes[range(position)] }
}

/// The value, or the absence, of a covered key that was not in the cache at admission.
package struct Seed: Hashable, Sendable {
    /// The key's position in the key table.
    package let key: UInt32
    /// The encoded value; nil is a known absence.
    package let value: [UInt8]?

    /// Makes a seed.
    package init(key: UInt32, value: [UInt8]?) {
        self.key = key
        self.value = value
    }
}

/// An immutable transaction that a plan carries for its own entry only.
package struct Witness: Hashable, Sendable {
    /// The book of the transaction.
    package let book: BookID
    /// The transaction.
    package let transaction: TransactionID
    /// The encoded record that made it; nil when there was none at admission.
    package let record: [UInt8]?

    /// Makes a witness.
    package init(book: BookID, transaction: TransactionID, record: [UInt8]?) {
        self.book = book
        self.transaction = transaction
        self.record = record
    }
}

/// An order as it stands in a plan: with the facts admission found, and the keys it may touch.
package struct PlannedOrder: Hashable, Sendable {
    /// The name by which the order addresses its book, or that it gives to a new one.
    package let name: BookName?
    /// The id that admission found for the name, or that an earlier order of the submission makes.
    package let book: BookID?
    /// The id that a `book.create` gives.
    package let newBook: BookID?
    /// The hash of the idempotency key.
    package let idempotency: Digest?
    /// True when that key is for the group as a whole.
    package let isKeyJoint: Bool
    /// Who asks.
    package let actor: Text?
    /// What is asked for.
    package let order: Order
    /// Positions of the keys it may touch, ascending.
    package let coverage: [UInt32]

    /// Makes a planned order.
    package init(
        name: BookName?,
        book: BookID?,
        newBook: BookID?,
        idempotency: Digest?,
        isKeyJoint: Bool = false,
        actor: Text?,
        order: Order,
        coverage: [UInt32]
    ) {
        self.name = name
        self.book = book
        self.newBook = newBook
        self.idempotency = idempotency
        self.isKeyJoint = isKeyJoint
        self.actor = actor
        self.order = order
        self.coverage = coverage
    }
}

/// One transfer of a batch; its asset is that of its keys.
package struct Transfer: Hashable, Sendable {
    /// The position of the source's volume key.
    package let source: UInt16
    /// The position of the destination's volume key.
    package let destination: UInt16
    /// How much moves.
    package let amount: UInt128

    /// Makes a transfer.
    @inlinable
    package init(source: UInt16, destination: UInt16, amount: UInt128) {
        self.source = source
        self.destination = destination
        self.amount = amount
    }
}

/// A binary batch as it stands in a plan.
package struct PlannedBatch: Hashable, Sendable {
    /// The name by which the batch addresses its book.
    package let name: BookName
    /// The id that admission found for the name.
    package let book: BookID?
    /// The hash of the idempotency key.
    package let idempotency: Digest?
    /// SHA-256 of the batch's bytes.
    package let digest: Digest
    /// True when sources may go below zero.
    package let isForced: Bool
    /// Positions of the keys it may touch beside the volumes of its transfers, ascending.
    package let coverage: [UInt32]
    /// The transfers, in order.
    package let transfers: [Transfer]

    /// Makes a planned batch.
    package init(
        name: BookName,
        book: BookID?,
        idempotency: Digest?,
        digest: Digest,
        isForced: Bool,
        coverage: [UInt32],
        transfers: [Transfer]
    ) {
        self.name = name
        self.book = book
        self.idempotency = idempotency
        self.digest = digest
        self.isForced = isForced
        self.coverage = coverage
        self.transfers = transfers
    }
}

/// One submission, or a run of its groups, as it stands in a plan.
package enum PlannedSubmission: Hashable, Sendable {
    /// Groups of orders.
    case groups([[PlannedOrder]])
    /// A binary batch.
    case batch(PlannedBatch)

    /// The number of orders.
    package var orderCount: Int {
        switch self {
        case .groups(let groups): groups.reduce(0) { $0 + $1.count }
        case .batch(let batch): batch.transfers.count
        }
    }
}

/// A plan as it stands in the replicated log.
package struct Entry: Hashable, Sendable {
    /// The configuration it was planned under.
    package var epoch: Epoch
    /// The index it was planned for; at any other it is stale.
    package var predicted: LogIndex
    /// The leader's time.
    package var time: Instant
    /// The thirty-two random bytes that the salts of its records are made from.
    package var saltSeed: Digest
    /// The secrets of the ledger's keys; only in the entry that creates the ledger.
    package var secrets: Digest?
    /// The keys that it covers.
    package var keys: KeyTable
    /// What the cache lacked of them.
    package var seeds: [Seed]
    /// Transactions that its orders need.
    package var witnesses: [Witness]
    /// What is to be done.
    package var submissions: [PlannedSubmission]

    /// Makes an entry.
    package init(
        epoch: Epoch,
        predicted: LogIndex,
        time: Instant,
        saltSeed: Digest,
        secrets: Digest? = nil,
        keys: KeyTable = KeyTable(),
        seeds: [Seed] = [],
        witnesses: [Witness] = [],
        submissions: [PlannedSubmission] = []
    ) {
        self.epoch = epoch
        self.predicted = predicted
        self.time = time
        self.saltSeed = saltSeed
        self.secrets = secrets
        self.keys = keys
        self.seeds = seeds
        self.witnesses = witnesses
        self.submissions = submissions
    }
}
