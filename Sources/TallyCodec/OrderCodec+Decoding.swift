// SPDX-License-Identifier: Apache-2.0
//
// Reads the canonical bytes of orders; the layout is in OrderCodec.swift. Imports the data types
// only; called by the order codec and the record codec. Each reader takes the keys of its map as
// they come, refuses those it does not have, and says which one is missing.

import TallyTypes

extension CBORReader {
    /// Reads the map of an order of a kind.
    mutating func readOrder(_ kind: OrderKind) throws(CBORError) -> Order {
        switch kind {
        case .createTransaction: .createTransaction(try readTransaction())
        case .recordEvent: .recordEvent(try readEvent())
        case .revertTransaction: .revertTransaction(try readRevert())
        case .createBook: .createBook(try readCreateBook())
        case .createLedger: .createLedger(try readCreateLedger())
        case .deleteBook: try readDeleteBook()
        case .setBookMetadata: .setBookMetadata(try readMetadataOrder())
        case .deleteBookMetadata: .deleteBookMetadata(key: try readKeyOrder())
        case .setConfiguration: try readSetConfiguration()
        case .changeLogKey: .changeLogKey(try readLogKeyChange())
        case .sealLog: .sealLog(try readLogSeal())
        case .succeedLog: .succeedLog(try readLogSuccession())
        case .setTransactionMetadata, .deleteTransactionMetadata:
            try readTransactionMetadataOrder(kind)
        case .setAccountMetadata, .deleteAccountMetadata:
            try readAccountMetadataOrder(kind)
        }
    }

    private mutating func readTransaction() throws(CBORError) -> CreateTransaction {
        let start = offset
        var map = try readMapHeader("")
        var postings: [Posting]?
        var reference: Text?
        var timestamp: BusinessTime?
        var metadata = Metadata.empty
        var accounts: [AccountMetadata] = []
        var isForced = false
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: postings = try readPostings("postings")
            case 1: reference = try readNonEmptyText("reference")
            case 2: timestamp = try readTime("timestamp")
            case 3: metadata = try readNonEmptyMetadata("metadata")
            case 4: accounts = try readAccountMetadata("accountMetadata")
            case 5: isForced = try readTrue("forced")
            default: throw unknownKey(map)
            }
        }
        return CreateTransaction(
            postings: try need(postings, "postings", at: start),
            reference: reference,
            timestamp: timestamp,
            metadata: metadata,
            accountMetadata: accounts,
            isForced: isForced
        )
    }

    private mutating func readAccountMetadata(
        _ field: String
    ) throws(CBORError) -> [AccountMetadata] {
        let start = offset
        let count = try readArrayHeader(field)
        guard count > 0 else { throw error(.empty, field, at: start) }
        var pairs: [AccountMetadata] = []
        for _ in 0..<count {
            let start = offset
            try readArrayHeader(count: 2, field)
            let account = try readName(field, AccountAddress.init)
            if let last = pairs.last, last.account >= account {
                throw error(.unsorted, field, at: start)
            }
            let metadata = try readNonEmptyMetadata(field)
            pairs.append(AccountMetadata(account: account, metadata: metadata))
        }
        return pairs
    }

    private mutating func readRevert() throws(CBORError) -> RevertTransaction {
        let start = offset
        var map = try readMapHeader("")
        var id: UInt64?
        var isForced = false
        var isAtEffectiveDate = false
        var metadata = Metadata.empty
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: id = try readUnsigned("id")
            case 1: isForced = try readTrue("forced")
            case 2: isAtEffectiveDate = try readTrue("atEffectiveDate")
            case 3: metadata = try readNonEmptyMetadata("metadata")
            default: throw unknownKey(map)
            }
        }
        return RevertTransaction(
            transaction: TransactionID(try need(id, "id", at: start)),
            isForced: isForced,
            isAtEffectiveDate: isAtEffectiveDate,
            metadata: metadata
        )
    }

    private mutating func readTransactionMetadataOrder(
        _ kind: OrderKind
    ) throws(CBORError) -> Order {
        let start = offset
        var map = try readMapHeader("")
        var id: UInt64?
        var name: Text?
        var metadata = Metadata.empty
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: id = try readUnsigned("id")
            case 1 where kind == .deleteTransactionMetadata: name = try readText("key")
            case 3 where kind == .setTransactionMetadata:
                metadata = try readNonEmptyMetadata("metadata")
            default: throw unknownKey(map)
            }
        }
        let transaction = TransactionID(try need(id, "id", at: start))
        guard kind == .deleteTransactionMetadata else {
            return .setTransactionMetadata(transaction, metadata)
        }
        return .deleteTransactionMetadata(transaction, key: try need(name, "key", at: start))
    }

    private mutating func readAccountMetadataOrder(
        _ kind: OrderKind
    ) throws(CBORError) -> Order {
        let start = offset
        var map = try readMapHeader("")
        var account: AccountAddress?
        var name: Text?
        var metadata = Metadata.empty
        while let key = try nextKey(&map, "") {
            switch key {
            case 0: account = try readName("address", AccountAddress.init)
            case 1 where kind == .deleteAccountMetadata: name = try readText("key")
            case 3 where kind == .setAccountMetadata:
                metadata = try readNonEmptyMetadata("metadata")
            default: throw unknownKey(map)
            }
        }
        let address = try need(account, "address", at: start)
        guard kind == .deleteAccountMetadata else {
            return .setAccountMetadata(address, metadata)
        }
        return .deleteAccountMetadata(address, key: try need(name, "key", at: start))
    }

    private mutating func readEvent() throws(CBORError) -> JournalEvent {
        let start = offset
        var map = try readMapHeader("")
        var texts = [Text?](repeating: nil, count: 9)
        var action: JournalAction?
        var occurredAt: BusinessTime?
        var expectsOld = false
        while let key = try nextKey(&map, "") {
            switch key {
            case 3: action = try readAction("action")
            case 0...8: texts[Int(key)] = try readText(eventFields[Int(key)])
            case 9: occurredAt = try readTime("occurredAt")
            case 10: expectsOld = try readTrue("expectsOld")
            default: throw unknownKey(map)
            }
        }
        return JournalEvent(
            entityType: try need(texts[0], eventFields[0], at: start),
            entityID: try need(texts[1], eventFields[1], at: start),
            field: try need(texts[2], eventFields[2], at: start),
            action: try need(action, eventFields[3], at: start),
            oldValue: texts[4].map(JSONText.init),
            newValue: texts[5].map(JSONText.init),
            actor: try need(texts[6], eventFields[6], at: start),
            source: try need(texts[7], eventFields[7], at: start),
            workspaceID: texts[8],
            occurredAt: occurredAt,
            expectsOld: expectsOld
        )
    }

    private mutating func readAction(_ field: String) throws(CBORError) -> JournalAction {
        let start = offset
        let number = try readUnsigned(field)
        guard let raw = UInt8(exactly: number), let action = JournalAction(rawValue: raw) else {
            throw error(.unknownKind, field, at: start)
        }
        return action
    }
}

/// The names of an event's fields by their keys, for errors.
private let eventFields = [
    "entityType", "entityID", "field", "action", "oldValue", "newValue", "actor", "source",
    "workspaceID",
]
