// SPDX-License-Identifier: Apache-2.0
//
// The invariants of the canonical codecs fire: what a decoder would refuse is never written.

import TallyCodec
import TallyTypes
import Testing
import TestSupport

@Suite("Codec invariants")
struct CBORInvariantTests {
    @Test("invariant 50 fires on map keys that do not ascend")
    func unsortedMap() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let pair = CBORItem.Pair(key: .unsigned(1), value: .null)
            _ = CBORItem.map([pair, pair]).encoded
        }
        expectInvariant(.i50, in: exit)
    }

    @Test("invariant 50 fires on a map key of another type")
    func keyType() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            _ = CBORItem.map([CBORItem.Pair(key: .null, value: .null)]).encoded
        }
        expectInvariant(.i50, in: exit)
    }

    @Test("invariant 50 fires on a big number that is not needed")
    func smallBignum() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            _ = CBORItem.bignum(isNegative: false, [1]).encoded
        }
        expectInvariant(.i50, in: exit)
    }

    @Test("invariant 50 fires on text that does not qualify as text")
    func decomposedText() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            _ = CBORItem.text("e\u{301}").encoded
        }
        expectInvariant(.i50, in: exit)
    }

    @Test("invariant 51 fires on a transaction without postings")
    func noPostings() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            _ = OrderCodec.encode(.createTransaction(CreateTransaction(postings: [])))
        }
        expectInvariant(.i51, in: exit)
    }

    @Test("invariant 51 fires on an empty reference")
    func emptyReference() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let order = CreateTransaction(postings: [RecordSamples.posting], reference: "")
            _ = OrderCodec.encode(.createTransaction(order))
        }
        expectInvariant(.i51, in: exit)
    }

    @Test("invariant 51 fires on accounts that do not ascend")
    func unsortedAccounts() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let metadata = RecordSamples.metadata(("a", "1"))
            let pair = AccountMetadata(account: .world, metadata: metadata)
            let order = CreateTransaction(
                postings: [RecordSamples.posting],
                accountMetadata: [pair, pair]
            )
            _ = OrderCodec.encode(.createTransaction(order))
        }
        expectInvariant(.i51, in: exit)
    }

    @Test("invariant 51 fires on a group of one")
    func groupOfOne() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let record = RecordSamples.record(
                .deleteBook,
                .committed(.recorded),
                group: GroupPosition(position: 0, count: 1)
            )
            _ = RecordCodec.encode(record)
        }
        expectInvariant(.i51, in: exit)
    }

    @Test(
        "invariant 51 fires on a claim that no batch has",
        arguments: [(0, 0), (1, 1), (0, 8_190)] as [(UInt64, UInt64)]
    )
    func claimOfNoBatch(position: UInt64, count: UInt64) async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) { [position = position as UInt64, count = count as UInt64] in
            let record = RecordSamples.record(
                .deleteBook,
                .committed(.recorded),
                batch: BatchClaim(digest: .zero, position: position, count: count)
            )
            _ = RecordCodec.encode(record)
        }
        expectInvariant(.i51, in: exit)
    }

    @Test("invariant 51 fires on a row that says nothing")
    func emptyTransactionState() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            _ = StateCodec.encodeValue(.transactionState(TransactionState()))
        }
        expectInvariant(.i51, in: exit)
    }

    @Test("invariant 52 fires on a key part that its length cannot say")
    func longPart() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let text = Text(String(repeating: "x", count: 65_536))
            _ = StateCodec.encodeKey(.reference(.system, text))
        }
        expectInvariant(.i52, in: exit)
    }
}
