// SPDX-License-Identifier: Apache-2.0
//
// The canonical bytes of outcomes: item 1 of a record's payload. Imports the data types only;
// called by the record codec. docs/formats/record.md and refusals.md explain every field.
//
// | outcome             | bytes                                                       |
// |---------------------|-------------------------------------------------------------|
// | committed, recorded | [0]                                                         |
// | a book created      | [0, {0: book id}]                                           |
// | metadata logged     | [0, {1: log id}]                                            |
// | a transaction       | [0, {1: log id, 2: transaction id, 3: postings, 4: time}]   |
// | refused             | [1, number] or [1, number, {0: …, 1: …, …}]                 |
//
// Postings and time are there only when they are not the order's own. The details of a refusal have
// the keys 0, 1, … in the order of docs/formats/refusals.md, all of them, or there is no map.
//
// Example: transaction 7 with log 9 is 82 00 a2 01 09 02 07.

import TallyTypes

/// Encodes and decodes outcomes that stand beside their record.
enum OutcomeCodec {
    /// Returns the canonical bytes of an outcome; without anything around them.
    static func encode(_ outcome: Outcome) -> [UInt8] {
        var writer = CBORWriter()
        writer.outcome(outcome)
        return writer.bytes
    }

    /// Reads the canonical bytes of an outcome.
    ///
    /// - Throws: ``Malformed`` with the field, the byte offset and a reason of ``CBORRefusal``.
    static func decode(_ bytes: [UInt8]) throws(Malformed) -> Outcome {
        do throws(CBORError) {
            var reader = CBORReader(bytes)
            try reader.expectLength(atMost: Limits.blobBytesMax)
            let outcome = try reader.readOutcome()
            try reader.expectEnd()
            return outcome
        } catch {
            throw error.within("outcome").malformed
        }
    }
}

/// The first item of an outcome.
private enum Verdict {
    static let committed: UInt64 = 0
    static let refused: UInt64 = 1
}

extension CBORWriter {
    /// Appends the array of an outcome.
    mutating func outcome(_ outcome: Outcome) {
        switch outcome {
        case .committed(.recorded):
            arrayHeader(count: 1)
            unsigned(Verdict.committed)
        case .committed(.bookCreated(let book)):
            committed(fields: 1)
            unsigned(0)
            self.book(book)
        case .committed(.logged(let log)):
            committed(fields: 1)
            field(1, log.rawValue)
        case .committed(.transaction(let effects)):
            committed(
                fields: 2 + present(effects.postings != nil) + present(effects.timestamp != nil)
            )
            field(1, effects.logID.rawValue)
            field(2, effects.id.rawValue)
            if let postings = effects.postings {
                unsigned(3)
                self.postings(postings)
            }
            if let timestamp = effects.timestamp { field(4, timestamp) }
        case .refused(let refusal):
            self.refusal(refusal)
        }
    }

    private mutating func committed(fields: Int) {
        arrayHeader(count: 2)
        unsigned(Verdict.committed)
        mapHeader(count: fields)
    }

    private mutating func refused(_ refusal: Refusal, details: Int) {
        arrayHeader(count: details == 0 ? 2 : 3)
        unsigned(Verdict.refused)
        unsigned(refusal.number)
        if details > 0 { mapHeader(count: details) }
    }

    private mutating func refusal(_ refusal: Refusal) {
        switch refusal {
        case .bookDeleted, .idempotencyConflict, .oldValueMismatch, .ledgerExists,
            .entityNotObject:
            refused(refusal, details: 0)
        case .bookNotFound(let text), .bookExists(let text), .referenceConflict(let text),
            .metadataNotFound(let text):
            refused(refusal, details: 1)
            field(0, text)
        case .transactionNotFound(let id), .alreadyReverted(let id):
            refused(refusal, details: 1)
            field(0, id.rawValue)
        case .groupRolledBack(let number), .recordTooLarge(let number),
            .entityTooLarge(let number), .sealBeyondLedger(let number):
            refused(refusal, details: 1)
            field(0, number)
        case .bookKind(let expected, let found):
            refused(refusal, details: 2)
            field(0, UInt64(expected.rawValue))
            field(1, UInt64(found.rawValue))
        case .amountOverflow(let account, let asset):
            refused(refusal, details: 2)
            field(0, account)
            unsigned(1)
            ascii(asset.text)
        case .insufficientFunds(let account, let asset, let needed, let available):
            refused(refusal, details: 4)
            field(0, account)
            unsigned(1)
            ascii(asset.text)
            unsigned(2)
            amount(needed)
            unsigned(3)
            amount(available)
        }
    }
}

extension CBORReader {
    /// Reads the array of an outcome.
    mutating func readOutcome() throws(CBORError) -> Outcome {
        let start = offset
        let count = try readArrayHeader("")
        guard (1...3).contains(count) else { throw error(.wrongCount, "", at: start) }
        let verdictStart = offset
        switch try readUnsigned("verdict") {
        case Verdict.committed:
            guard count <= 2 else { throw error(.wrongCount, "", at: start) }
            return .committed(count == 1 ? .recorded : try readEffects())
        case Verdict.refused:
            guard count >= 2 else { throw error(.wrongCount, "", at: start) }
            return .refused(try readRefusal(hasDetails: count == 3))
        default:
            throw error(.unknownKind, "verdict", at: verdictStart)
        }
    }

    private mutating func readEffects() throws(CBORError) -> Effects {
        let start = offset
        var map = try readMapHeader("effects")
        var book: BookID?
        var log: LogID?
        var transaction: TransactionID?
        var postings: [Posting]?
        var timestamp: BusinessTime?
        while let key = try nextKey(&map, "effects") {
            switch key {
            case 0: book = try readBook("book")
            case 1 where book == nil: log = LogID(try readUnsigned("log"))
            case 2 where log != nil: transaction = TransactionID(try readUnsigned("transaction"))
            case 3 where transaction != nil: postings = try readPostings("postings")
            case 4 where transaction != nil: timestamp = try readTime("timestamp")
            default: throw unknownKey(map, "effects")
            }
        }
        if let book { return .bookCreated(book) }
        let logID = try need(log, "log", at: start)
        guard let transaction else { return .logged(logID) }
        return .transaction(
            TransactionEffects(
                id: transaction,
                logID: logID,
                postings: postings,
                timestamp: timestamp
            )
        )
    }

    private mutating func readRefusal(hasDetails: Bool) throws(CBORError) -> Refusal {
        let start = offset
        let number = try readUnsigned("refusal")
        guard let details = detailCount(number) else {
            throw error(.unknownKind, "refusal", at: start)
        }
        guard hasDetails == (details > 0) else { throw error(.wrongCount, "refusal", at: start) }
        guard hasDetails else { return try readPlainRefusal(number, at: start) }
        let mapStart = offset
        var map = try readMapHeader("details")
        guard map.remaining == details else { throw error(.wrongCount, "details", at: mapStart) }
        return try readDetailedRefusal(number, &map)
    }

    private func readPlainRefusal(
        _ number: UInt64,
        at start: Int
    ) throws(CBORError) -> Refusal {
        switch number {
        case 2: .bookDeleted
        case 5: .idempotencyConflict
        case 13: .oldValueMismatch
        case 16: .ledgerExists
        case 17: .entityNotObject
        default: throw error(.unknownKind, "refusal", at: start)
        }
    }

    private mutating func readDetailedRefusal(
        _ number: UInt64,
        _ map: inout CBORMapCursor
    ) throws(CBORError) -> Refusal {
        try expectKey(0, &map)
        switch number {
        case 1: return .bookNotFound(name: try readText("name"))
        case 3: return .bookExists(name: try readText("name"))
        case 4:
            let expected = try readBookKind("expected")
            try expectKey(1, &map)
            return .bookKind(expected: expected, found: try readBookKind("found"))
        case 6: return try readInsufficientFunds(&map)
        case 7: return .referenceConflict(reference: try readText("reference"))
        case 8: return .transactionNotFound(TransactionID(try readUnsigned("transaction")))
        case 9: return .alreadyReverted(TransactionID(try readUnsigned("transaction")))
        case 10: return .metadataNotFound(key: try readText("key"))
        case 11:
            let account = try readName("account", AccountAddress.init)
            try expectKey(1, &map)
            return .amountOverflow(
                account: account,
                asset: try readName("asset", Asset.init)
            )
        case 12: return .groupRolledBack(by: try readUnsigned("by"))
        case 14: return .recordTooLarge(bytes: try readUnsigned("bytes"))
        case 15: return .entityTooLarge(bytes: try readUnsigned("bytes"))
        case 18: return .sealBeyondLedger(size: try readUnsigned("size"))
        default: throw unknownKey(map, "details")
        }
    }

    private mutating func readInsufficientFunds(
        _ map: inout CBORMapCursor
    ) throws(CBORError) -> Refusal {
        let account = try readName("account", AccountAddress.init)
        try expectKey(1, &map)
        let asset = try readName("asset", Asset.init)
        try expectKey(2, &map)
        let needed = try readAmount("needed")
        try expectKey(3, &map)
        return .insufficientFunds(
            account: account,
            asset: asset,
            needed: needed,
            available: try readAmount("available")
        )
    }

    private mutating func expectKey(
        _ key: UInt64,
        _ map: inout CBORMapCursor
    ) throws(CBORError) {
        guard try nextKey(&map, "details") == key else { throw unknownKey(map, "details") }
    }

    /// The number of details of a refusal; nil for a number of no refusal.
    private func detailCount(_ number: UInt64) -> Int? {
        switch number {
        case 2, 5, 13, 16, 17: 0
        case 1, 3, 7, 8, 9, 10, 12, 14, 15, 18: 1
        case 4, 11: 2
        case 6: 4
        default: nil
        }
    }
}
