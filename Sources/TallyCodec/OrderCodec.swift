// SPDX-License-Identifier: Apache-2.0
//
// The canonical bytes of orders: item 0 of a record's payload, and what an idempotency key is bound
// to (SHA-256 of these bytes). Imports the data types only; called by the record codec, by entries
// and by admission. docs/formats/record.md explains every field and has examples.
//
// An order is a map with small unsigned keys. A field with its default value is absent; written, it
// is refused. Numbers are never reused.
//
// | kind          | keys                                                                          |
// |---------------|-------------------------------------------------------------------------------|
// | ledger.create | 0 origin, 1 K                                                                 |
// | book.create   | 0 name, 1 kind, 2 bucket (not `_default`), 3 metadata, 4 features             |
// | book.delete   | none                                                                          |
// | book.meta     | 3 metadata                                                                    |
// | book.meta.del | 1 key                                                                         |
// | config.set    | 0 K                                                                           |
// | log.key       | 0 action, 1 public key                                                        |
// | log.seal      | 0 size, 1 state digest, 2 balances, 3 heads, each [count, root]               |
// | log.successor | 0 origin, 1 last size, 2 last root, 3 last note                               |
// | tx            | 0 postings, 1 reference, 2 timestamp, 3 metadata, 4 account metadata, 5 forced|
// | tx.revert     | 0 id, 1 forced, 2 at effective date, 3 metadata                               |
// | tx.meta       | 0 id, 3 metadata                                                              |
// | tx.meta.del   | 0 id, 1 key                                                                   |
// | acct.meta     | 0 address, 3 metadata                                                         |
// | acct.meta.del | 0 address, 1 key                                                              |
// | event         | 0 type, 1 id, 2 field, 3 action, 4 old, 5 new, 6 actor, 7 source, 8 workspace,|
// |               | 9 occurred at, 10 expects old                                                 |
//
// Example: a `tx` of 100 USD/2 from world to a is
// a1 00 81 84 65 776f726c64 61 61 65 5553442f32 18 64.

package import TallyTypes

/// Encodes and decodes orders.
package enum OrderCodec {
    /// Returns the canonical bytes of an order; without anything around them.
    ///
    /// Invariant 51: the order keeps what its type promises in words only.
    package static func encode(_ order: Order) -> [UInt8] {
        var writer = CBORWriter()
        writer.order(order)
        return writer.bytes
    }

    /// Returns what a key is claimed for; SHA-256 of it is the digest in the key's row.
    ///
    /// The bytes of the order and, when the key is for its group as a whole, those of its place.
    package static func claimed(_ order: Order, at place: GroupPosition?) -> [UInt8] {
        var writer = CBORWriter()
        writer.order(order)
        if let place, place.isKeyJoint { writer.place(place) }
        return writer.bytes
    }

    /// Reads the canonical bytes of an order of a kind.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decode(
        kind: OrderKind,
        _ bytes: ArraySlice<UInt8>
    ) throws(Malformed) -> Order {
        do throws(CBORError) {
            var reader = CBORReader(bytes)
            try reader.expectLength(atMost: Limits.blobBytesMax)
            let order = try reader.readOrder(kind)
            try reader.expectEnd()
            return order
        } catch {
            throw error.malformed
        }
    }

    /// Reads the canonical bytes of an order of a kind.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    package static func decode(
        kind: OrderKind,
        _ bytes: [UInt8]
    ) throws(Malformed) -> Order {
        try decode(kind: kind, bytes[...])
    }
}

/// The key of metadata in every order that has some.
let metadataKey: UInt64 = 3

extension CBORWriter {
    /// Appends the map of an order.
    mutating func order(_ order: Order) {
        switch order {
        case .createTransaction(let order): transaction(order)
        case .recordEvent(let event): self.event(event)
        case .revertTransaction(let order): revert(order)
        case .createBook(let order): createBook(order)
        case .createLedger(let order):
            mapHeader(count: 2)
            field(0, order.origin)
            unsigned(1)
            self.entriesPerGeneration(order.entriesPerGeneration)
        case .deleteBook:
            mapHeader(count: 0)
        case .setBookMetadata(let metadata):
            mapHeader(count: metadata.isEmpty ? 0 : 1)
            field(metadata)
        case .deleteBookMetadata(let key):
            mapHeader(count: 1)
            field(1, key)
        case .setConfiguration(let entriesPerGeneration):
            mapHeader(count: 1)
            unsigned(0)
            self.entriesPerGeneration(entriesPerGeneration)
        case .changeLogKey(let change):
            mapHeader(count: 2)
            field(0, UInt64(change.action.rawValue))
            field(1, change.publicKey)
        case .sealLog(let seal): self.seal(seal)
        case .succeedLog(let succession):
            mapHeader(count: 3 + present(succession.lastNote != nil))
            field(0, succession.origin)
            field(1, succession.lastSize)
            field(2, succession.lastRoot)
            if let note = succession.lastNote { field(3, note) }
        case .setTransactionMetadata(let id, let metadata):
            mapHeader(count: metadata.isEmpty ? 1 : 2)
            field(0, id.rawValue)
            field(metadata)
        case .deleteTransactionMetadata(let id, let key):
            mapHeader(count: 2)
            field(0, id.rawValue)
            field(1, key)
        case .setAccountMetadata(let account, let metadata):
            mapHeader(count: metadata.isEmpty ? 1 : 2)
            field(0, account)
            field(metadata)
        case .deleteAccountMetadata(let account, let key):
            mapHeader(count: 2)
            field(0, account)
            field(1, key)
        }
    }

    private mutating func seal(_ seal: LogSeal) {
        mapHeader(count: 4)
        field(0, seal.size)
        field(1, seal.stateDigest)
        for (key, rows) in [(UInt64(2), seal.balances), (3, seal.heads)] {
            unsigned(key)
            arrayHeader(count: 2)
            unsigned(rows.count)
            digest(rows.root)
        }
    }

    private mutating func createBook(_ order: CreateBook) {
        let hasBucket = order.bucket != CreateBook.defaultBucket
        mapHeader(
            count: 2 + present(hasBucket) + present(!order.metadata.isEmpty)
                + present(!order.features.isEmpty)
        )
        unsigned(0)
        ascii(order.name.text)
        field(1, UInt64(order.kind.rawValue))
        if hasBucket { field(2, order.bucket) }
        field(order.metadata)
        if !order.features.isEmpty {
            unsigned(4)
            metadata(order.features)
        }
    }

    private mutating func entriesPerGeneration(_ entries: UInt64) {
        invariant(
            .i51,
            (1...Limits.entriesPerGenerationMax).contains(entries),
            "\(entries) entries per generation"
        )
        unsigned(entries)
    }

    private mutating func transaction(_ order: CreateTransaction) {
        invariant(.i51, order.reference != "", "a transaction has an empty reference")
        mapHeader(
            count: 1 + present(order.reference != nil) + present(order.timestamp != nil)
                + present(!order.metadata.isEmpty) + present(!order.accountMetadata.isEmpty)
                + present(order.isForced)
        )
        unsigned(0)
        postings(order.postings)
        if let reference = order.reference { field(1, reference) }
        if let timestamp = order.timestamp { field(2, timestamp) }
        field(order.metadata)
        if !order.accountMetadata.isEmpty {
            unsigned(4)
            accountMetadata(order.accountMetadata)
        }
        if order.isForced { flag(5) }
    }

    private mutating func accountMetadata(_ pairs: [AccountMetadata]) {
        arrayHeader(count: pairs.count)
        var last: AccountAddress?
        for pair in pairs {
            if let last {
                invariant(.i51, last < pair.account, "accounts with metadata do not ascend")
            }
            invariant(.i51, !pair.metadata.isEmpty, "an account has empty metadata")
            last = pair.account
            arrayHeader(count: 2)
            ascii(pair.account.text)
            metadata(pair.metadata)
        }
    }

    private mutating func revert(_ order: RevertTransaction) {
        mapHeader(
            count: 1 + present(order.isForced) + present(order.isAtEffectiveDate)
                + present(!order.metadata.isEmpty)
        )
        field(0, order.transaction.rawValue)
        if order.isForced { flag(1) }
        if order.isAtEffectiveDate { flag(2) }
        field(order.metadata)
    }

    private mutating func event(_ event: JournalEvent) {
        mapHeader(
            count: 6 + present(event.oldValue != nil) + present(event.newValue != nil)
                + present(event.workspaceID != nil) + present(event.occurredAt != nil)
                + present(event.expectsOld)
        )
        field(0, event.entityType)
        field(1, event.entityID)
        field(2, event.field)
        field(3, UInt64(event.action.rawValue))
        if let value = event.oldValue { field(4, value.text) }
        if let value = event.newValue { field(5, value.text) }
        field(6, event.actor)
        field(7, event.source)
        if let workspace = event.workspaceID { field(8, workspace) }
        if let time = event.occurredAt { field(9, time) }
        if event.expectsOld { flag(10) }
    }
}

// What orders, outcomes and state rows have in common.
extension CBORWriter {
    /// Appends postings, each as [source, destination, asset, amount].
    mutating func postings(_ postings: [Posting]) {
        invariant(.i51, !postings.isEmpty, "a transaction has no postings")
        arrayHeader(count: postings.count)
        for posting in postings {
            arrayHeader(count: 4)
            ascii(posting.source.text)
            ascii(posting.destination.text)
            ascii(posting.asset.text)
            amount(posting.amount)
        }
    }

    /// Appends metadata as an array of [key, value], ascending by the bytes of the keys.
    mutating func metadata(_ metadata: Metadata) {
        arrayHeader(count: metadata.pairs.count)
        for pair in metadata.pairs {
            arrayHeader(count: 2)
            text(pair.key)
            text(pair.value)
        }
    }

    /// Appends a key and free text.
    mutating func field(_ key: UInt64, _ value: Text) {
        unsigned(key)
        text(value)
    }

    /// Appends a key and an address.
    mutating func field(_ key: UInt64, _ value: AccountAddress) {
        unsigned(key)
        ascii(value.text)
    }

    /// Appends a key and an unsigned integer.
    mutating func field(_ key: UInt64, _ value: UInt64) {
        unsigned(key)
        unsigned(value)
    }

    /// Appends a key and thirty-two bytes.
    mutating func field(_ key: UInt64, _ value: Digest) {
        unsigned(key)
        digest(value)
    }

    /// Appends a key and a business time.
    mutating func field(_ key: UInt64, _ value: BusinessTime) {
        unsigned(key)
        signed(value.microseconds)
    }

    /// Appends a key and true.
    mutating func flag(_ key: UInt64) {
        unsigned(key)
        bool(true)
    }

    /// Appends the metadata of an order under its key, unless there is none.
    mutating func field(_ value: Metadata) {
        guard !value.isEmpty else { return }
        unsigned(metadataKey)
        metadata(value)
    }

    /// One when a field is written, else zero.
    func present(_ isPresent: Bool) -> Int { isPresent ? 1 : 0 }
}
