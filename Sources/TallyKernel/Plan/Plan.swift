// SPDX-License-Identifier: Apache-2.0
//
// What admission makes: a draft that still lacks values, and a plan that lacks nothing. Pure. The
// node fetches what a draft needs, completes it, encodes the plan's entry into the log, and applies
// it.

package import TallyCodec
package import TallyTypes

/// A plan: an entry, and what admission knows of its keys, which never travels.
package struct Plan: Sendable {
    /// What goes into the log.
    package let entry: Entry
    /// Id and tag of each key of the entry's table.
    package let hashes: [KeyHash]
    /// The row of each key, or none where its seed will get one.
    let rows: [RowHandle]

    /// Makes the plan of an entry without keys.
    package init(empty entry: Entry) {
        self.entry = entry
        hashes = []
        rows = []
    }

    init(entry: Entry, hashes: [KeyHash], rows: [RowHandle]) {
        self.entry = entry
        self.hashes = hashes
        self.rows = rows
    }
}

/// Facts that admission read from the store or from record files, across its attempts.
package struct AdmissionFacts: Sendable {
    /// The id of each name that is not in the cache; nil is a name without a book.
    package var names: [BookName: BookID?] = [:]
    /// The record of each transaction that a submission needs; nil is none at the time.
    package var bodies: [BodyKey: [UInt8]?] = [:]

    /// Knows nothing.
    package init() {}
}

/// A transaction, named across books.
package struct BodyKey: Hashable, Sendable {
    /// The book.
    package let book: BookID
    /// The transaction.
    package let transaction: TransactionID

    /// Names a transaction.
    package init(book: BookID, transaction: TransactionID) {
        self.book = book
        self.transaction = transaction
    }
}

/// A plan that waits for values of the store.
package struct Draft: Sendable {
    /// What was submitted, to be admitted again when the draft comes too late.
    package let submissions: [Submission]
    /// The generation of the index assumed at admission: the draft holds up to its end.
    package let upto: Generation
    /// The epoch at admission.
    package let epoch: Epoch
    /// Positions, in the entry's key table, of the keys whose values must come from the store.
    package let missing: [UInt32]
    /// K at admission: when it changes, both generations end, and with them every hit.
    let entriesPerGeneration: UInt64
    var entry: Entry
    var hashes: [KeyHash]
    let rows: [RowHandle]

    /// The canonical bytes of the missing keys, in the order of `missing`.
    package var missingKeys: [[UInt8]] { missing.map { Array(entry.keys[Int($0)]) } }
}

/// What a leader adds to a draft: everything apply may not choose.
package struct PlanChoices: Sendable {
    /// The leader's clock.
    package let time: Instant
    /// Thirty-two random bytes.
    package let saltSeed: Digest

    /// Makes the choices.
    package init(time: Instant, saltSeed: Digest) {
        self.time = time
        self.saltSeed = saltSeed
    }
}

/// The first answer of admission.
package enum Admission: Sendable {
    /// Names or bodies must be read first; admit again with them among the facts.
    case lacks(names: [BookName], bodies: [BodyKey])
    /// Values of keys must be read; complete the draft with them. Often there are none.
    case needs(Draft)
    /// Refused for capacity, size or a key collision; nothing is recorded.
    case refused(Busy)
}

/// The second answer of admission.
package enum Completion: Sendable {
    /// The plan, for exactly the index given.
    case plan(Plan)
    /// The index is in a later generation, or the epoch changed: admit again.
    case admitAgain
}
