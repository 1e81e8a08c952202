// SPDX-License-Identifier: Apache-2.0
//
// A record in words: every field of its envelope, its order and its outcome, by exhaustive
// switches, and the canonical bytes that the tree holds. May import TallyCodec; the record route
// renders it.

import TallyCodec
import TallyTypes

extension JSONWriter {
    /// Writes a record with the bytes of its leaf, and names what stands beside it.
    mutating func record(_ record: Record, _ encoded: EncodedRecord) {
        beginObject()
        envelope(record)
        key("order")
        order(record.order)
        key("outcome")
        outcome(record.outcome)
        member("bytes", hexadecimal(encoded.leaf))
        if !encoded.blobs.isEmpty { blobs(encoded.blobs.map(\.reference)) }
        endObject()
    }

    private mutating func blobs(_ references: [BlobReference]) {
        key("blobs")
        beginArray()
        for reference in references {
            beginObject()
            member("length", UInt64(reference.length))
            member("sha256", reference.digest.description)
            endObject()
        }
        endArray()
    }

    private mutating func envelope(_ record: Record) {
        member("index", record.index.rawValue)
        member("book", record.book.description)
        member("seq", record.sequence.rawValue)
        member("time", TimeText.string(record.time, .fixed))
        member("kind", record.order.kind.word)
        member("previous", record.previous.description)
        member("salt", record.salt.description)
        if let digest = record.idempotency { member("idempotency", digest.description) }
        if let actor = record.actor { member("actor", actor) }
        if let group = record.group {
            key("group")
            beginObject()
            member("position", group.position)
            member("count", group.count)
            endObject()
        }
        if let batch = record.batch {
            key("batch")
            beginObject()
            member("digest", batch.digest.description)
            member("position", batch.position)
            member("count", batch.count)
            endObject()
        }
    }

    private mutating func order(_ order: Order) {
        beginObject()
        switch order {
        case .createLedger(let creation):
            member("origin", creation.origin)
            member("entriesPerGeneration", creation.entriesPerGeneration)
        case .createBook(let creation): self.creation(creation)
        case .deleteBook: break
        case .setBookMetadata(let metadata): member("metadata", metadata)
        case .deleteBookMetadata(let key): member("key", key)
        case .setConfiguration(let entries): member("entriesPerGeneration", entries)
        case .changeLogKey(let change):
            member("action", change.action.word)
            member("publicKey", change.publicKey.description)
        case .sealLog(let seal): sealMembers(seal)
        case .succeedLog(let succession): self.succession(succession)
        case .createTransaction(let creation): self.creation(creation)
        case .revertTransaction(let reversal): self.reversal(reversal)
        case .setTransactionMetadata(let id, let metadata):
            member("transaction", id.rawValue)
            member("metadata", metadata)
        case .deleteTransactionMetadata(let id, let key):
            member("transaction", id.rawValue)
            member("key", key)
        case .setAccountMetadata(let address, let metadata):
            member("account", address.text)
            member("metadata", metadata)
        case .deleteAccountMetadata(let address, let key):
            member("account", address.text)
            member("key", key)
        case .recordEvent(let event): self.event(event)
        }
        endObject()
    }

    /// Writes the members of a seal.
    mutating func sealMembers(_ seal: LogSeal) {
        member("size", seal.size)
        member("stateDigest", seal.stateDigest.description)
        for (name, rows) in [("balances", seal.balances), ("heads", seal.heads)] {
            key(name)
            beginObject()
            member("count", rows.count)
            member("root", rows.root.description)
            endObject()
        }
    }

    private mutating func succession(_ succession: LogSuccession) {
        member("origin", succession.origin)
        member("lastSize", succession.lastSize)
        member("lastRoot", succession.lastRoot.description)
        if let note = succession.lastNote { member("lastNote", note) }
    }

    private mutating func creation(_ creation: CreateBook) {
        member("name", creation.name.text)
        member("kind", creation.kind.word)
        member("bucket", creation.bucket)
        member("metadata", creation.metadata)
        member("features", creation.features)
    }

    private mutating func creation(_ creation: CreateTransaction) {
        key("postings")
        postings(creation.postings)
        if let reference = creation.reference { member("reference", reference) }
        if let timestamp = creation.timestamp { member("timestamp", timestamp) }
        member("metadata", creation.metadata)
        key("accountMetadata")
        beginObject()
        for entry in creation.accountMetadata {
            member(entry.account.text, entry.metadata)
        }
        endObject()
        member("force", creation.isForced)
    }

    private mutating func reversal(_ reversal: RevertTransaction) {
        member("transaction", reversal.transaction.rawValue)
        member("force", reversal.isForced)
        member("atEffectiveDate", reversal.isAtEffectiveDate)
        member("metadata", reversal.metadata)
    }

    private mutating func event(_ event: JournalEvent) {
        if let time = event.occurredAt { member("occurred_at", TimeText.string(time, .fixed)) }
        eventMembers(event)
        member("expect_old", event.expectsOld)
    }

    private mutating func postings(_ postings: [Posting]) {
        beginArray()
        for posting in postings {
            self.posting(posting)
        }
        endArray()
    }

    private mutating func outcome(_ outcome: Outcome) {
        beginObject()
        switch outcome {
        case .committed(let effects):
            member("committed", true)
            self.effects(effects)
        case .refused(let refusal):
            member("committed", false)
            member("refusal", refusal.number)
            member("reason", Problem(refusal).message)
        }
        endObject()
    }

    private mutating func effects(_ effects: Effects) {
        switch effects {
        case .recorded: break
        case .bookCreated(let id): member("book", id.description)
        case .logged(let log): member("log", log.rawValue)
        case .transaction(let transaction):
            member("transaction", transaction.id.rawValue)
            member("log", transaction.logID.rawValue)
            if let postings = transaction.postings {
                key("postings")
                self.postings(postings)
            }
            if let timestamp = transaction.timestamp { member("timestamp", timestamp) }
        }
    }
}
