// SPDX-License-Identifier: Apache-2.0
//
// Pins every number that stands in bytes. A difference here is a change of format: it needs a new
// number, a new golden vector and a line in the changelog, never a new meaning for an old number.

import Foundation
import TallyCodec
import TallyTypes
import Testing
import TestSupport

@Suite("Format registry")
struct RecordRegistryTests {
    @Test("formats")
    func formats() {
        #expect(FormatRegistry.record == 1)
        #expect(FormatRegistry.entry == 1)
        #expect(FormatRegistry.stateKey == 1)
        #expect(FormatRegistry.scalars == 1)
        #expect(FormatRegistry.logFrame == 1)
        #expect(FormatRegistry.recordFile == 1)
        #expect(FormatRegistry.cacheImage == 1)
        #expect(FormatRegistry.storeMarker == 1)
        #expect(FormatRegistry.batch == 1)
        #expect(
            StateKeyKind.allCases.map(FormatRegistry.stateValue) == [1, 1, 1, 1, 1, 1, 1, 1, 1]
        )
    }

    @Test("kinds of keys, books and actions")
    func kinds() {
        let keys = StateKeyKind.allCases.map { "\($0.rawValue) \($0)" }
        #expect(
            keys == [
                "1 book", "2 bookName", "3 volume", "4 accountMetadata", "5 transactionState",
                "6 reference", "7 idempotency", "8 bookMetadata", "9 entity",
            ]
        )
        #expect(
            BookKind.allCases.map { "\($0.rawValue) \($0)" } == [
                "0 system", "1 accounts", "2 journal",
            ]
        )
        #expect(
            JournalAction.allCases.map { "\($0.rawValue) \($0.word)" } == [
                "0 insert", "1 update", "2 delete", "3 ingest",
            ]
        )
    }

    @Test("kinds of orders")
    func orders() {
        #expect(
            FormatRegistry.orders.map { "\($0.number) \($0.word)" } == [
                "1 ledger.create", "2 book.create", "3 book.delete", "4 book.meta",
                "5 book.meta.del", "6 config.set", "7 log.key", "8 log.seal", "9 log.successor",
                "16 tx", "17 tx.revert", "18 tx.meta", "19 tx.meta.del", "20 acct.meta",
                "21 acct.meta.del", "32 event",
            ]
        )
    }

    @Test("refusals")
    func refusals() {
        let names = RecordSamples.refusals.map { refusal in
            "\(refusal.number) \("\(refusal)".prefix { $0 != "(" })"
        }
        #expect(
            names == [
                "1 bookNotFound", "2 bookDeleted", "3 bookExists", "4 bookKind",
                "5 idempotencyConflict", "6 insufficientFunds", "7 referenceConflict",
                "8 transactionNotFound", "9 alreadyReverted", "10 metadataNotFound",
                "11 amountOverflow", "12 groupRolledBack", "13 oldValueMismatch",
                "14 recordTooLarge", "15 entityTooLarge", "16 ledgerExists", "17 entityNotObject",
                "18 sealBeyondLedger",
            ]
        )
    }

    @Test("keys of a payload")
    func payloadKeys() {
        typealias Key = FormatRegistry.PayloadKey
        #expect(
            [
                Key.order, Key.outcome, Key.sealedFields, Key.actor, Key.group, Key.batch,
                Key.batchPosition, Key.orderBlob, Key.outcomeBlob,
            ] == [0, 1, 2, 3, 4, 5, 6, 7, 8]
        )
    }

    @Test("reasons of the decoders")
    func reasons() {
        #expect(
            CBORRefusal.allCases.map(\.rawValue) == [
                "non-shortest", "indefinite-length", "unexpected-break", "trailing-bytes",
                "truncated", "duplicate-key", "key-order", "key-type", "float", "simple-value",
                "tag", "reserved-info", "bignum", "utf8", "not-nfc", "depth", "too-long",
                "wrong-type", "wrong-count", "wrong-length", "out-of-range", "unknown-key",
                "missing-key", "needless-blob", "blob-not-given", "sealed-fields",
                "written-default", "empty", "unsorted",
                "text-as-bytes", "illegal-name", "unknown-format", "unknown-kind",
            ]
        )
    }

    @Test("docs/formats lists every number")
    func documents() throws {
        let registry = try document("registry")
        for order in FormatRegistry.orders {
            #expect(registry.contains("| \(order.number) | `\(order.word)` |"))
        }
        for kind in StateKeyKind.allCases {
            #expect(registry.contains("| \(kind.rawValue) | `\(kind)` |"))
        }
        let refusals = try document("refusals")
        for refusal in RecordSamples.refusals {
            let name = "\(refusal)".prefix { $0 != "(" }
            #expect(refusals.contains("| \(refusal.number) | `\(name)` |"))
        }
        for reason in CBORRefusal.allCases {
            #expect(try document("record").contains("| `\(reason.rawValue)` |"))
        }
    }

    private func document(_ name: String) throws -> String {
        try String(
            contentsOf: PackageRoot.url.appendingPathComponent("docs/formats/\(name).md"),
            encoding: .utf8
        )
    }
}
