// SPDX-License-Identifier: Apache-2.0
//
// A snapshot of every bound and every stable number: a change shows here first.

import TallyTypes
import Testing

@Suite("Limits and stable numbers")
struct LimitsTests {
    @Test("the bounds are what they were")
    func bounds() {
        #expect(Limits.entryBytesMax == 1_048_576)
        #expect(Limits.ordersPerEntryMax == 8_192)
        #expect(Limits.keysPerEntryMax == 16_384)
        #expect(Limits.transfersPerBatchMax == 8_189)
        #expect(Limits.entriesInFlightMax == 8)
        #expect(Limits.rebuildsMax == 5)
        #expect(Limits.recordBytesMax == 65_535)
        #expect(Limits.blobBytesMax == 524_288)
        #expect(Limits.orderBytesMax == 520_000)
        #expect(Limits.keyTextBytesMax == 60_000)
        #expect(Limits.actorBytesMax == 1_024)
        #expect(Limits.recordDepthMax == 16)
        #expect(Limits.stateValueBytesMax == 262_144)
        #expect(Limits.idempotencyKeyBytesMax == 256)
        #expect(Limits.entriesPerGenerationDefault == 1_024)
        #expect(Limits.entriesPerGenerationMax == 1_048_576)
        #expect(Limits.cacheKeysDefault == 4_194_304)
        #expect(Limits.segmentBytes == 67_108_864)
        #expect(Limits.recordFileStepBytes == 67_108_864)
        #expect(Limits.recordsPerBundle == 256)
        #expect(Limits.requestBodyBytesMax == 4_194_304)
        #expect(Limits.jsonDepthMax == 64)
        #expect(Limits.submissionsWaitingMax == 4_096)
    }

    @Test("the bounds fit each other")
    func relations() {
        // Two volume keys for each transfer, and the four keys that every batch covers.
        #expect(Limits.transfersPerBatchMax * 2 + 4 <= Limits.keysPerEntryMax)
        #expect(Limits.transfersPerBatchMax <= Limits.ordersPerEntryMax)
        // A refusal's details stand beside the order: two addresses, an asset, two amounts.
        #expect(Limits.orderBytesMax + 2 * AccountAddress.bytesMax + 512 <= Limits.blobBytesMax)
        #expect(Limits.actorBytesMax + 512 <= Limits.recordBytesMax)
        #expect(Limits.keyTextBytesMax + 512 <= Int(UInt16.max))
        let seedOfLargest = Limits.orderBytesMax + Limits.stateValueBytesMax
        #expect(seedOfLargest + Limits.keyTextBytesMax + 4_096 <= Limits.entryBytesMax)
        #expect(Limits.recordBytesMax < Limits.entryBytesMax)
        #expect(Limits.entriesPerGenerationDefault <= Limits.entriesPerGenerationMax)
        #expect(Limits.entryBytesMax < Limits.segmentBytes)
    }

    @Test("kinds of orders, books and keys keep their numbers and words")
    func numbers() {
        #expect(
            OrderKind.allCases.map { "\($0.rawValue) \($0.word)" } == [
                "1 ledger.create", "2 book.create", "3 book.delete", "4 book.meta",
                "5 book.meta.del", "6 config.set", "7 log.key", "8 log.seal", "9 log.successor",
                "16 tx", "17 tx.revert", "18 tx.meta", "19 tx.meta.del", "20 acct.meta",
                "21 acct.meta.del", "32 event",
            ]
        )
        #expect(OrderKind.allCases.allSatisfy { OrderKind(word: $0.word) == $0 })
        #expect(OrderKind(word: "tx ") == nil)
        #expect(BookKind.allCases.map(\.rawValue) == [0, 1, 2])
        #expect(StateKeyKind.allCases.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 8, 9])
        #expect(JournalAction.allCases.map(\.word) == ["insert", "update", "delete", "ingest"])
    }
}
