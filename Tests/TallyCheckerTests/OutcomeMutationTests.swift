// SPDX-License-Identifier: Apache-2.0
//
// Every record of the sample with every other outcome, chained and hashed anew by somebody who
// holds all the files: replay alone must refute each.

import TallyChecker
import TallyTypes
import Testing

@Suite("Checker: every other outcome")
struct OutcomeMutationTests {
    private static let refusals: [Refusal] = [
        .bookNotFound(name: "money"), .bookDeleted, .bookExists(name: "money"),
        .bookExists(name: "free"), .bookKind(expected: .journal, found: .accounts),
        .bookKind(expected: .accounts, found: .journal),
        .insufficientFunds(
            account: account("alice"),
            asset: usd,
            needed: Amount(71),
            available: Amount(69)
        ),
        .insufficientFunds(
            account: account("bob"),
            asset: usd,
            needed: Amount(1),
            available: Amount(0)
        ),
        .referenceConflict(reference: "r1"), .referenceConflict(reference: "r2"),
        .transactionNotFound(TransactionID(1)), .transactionNotFound(TransactionID(99)),
        .alreadyReverted(TransactionID(2)), .alreadyReverted(TransactionID(1)),
        .metadataNotFound(key: "k"), .metadataNotFound(key: "other"),
        .amountOverflow(account: .world, asset: asset("GOLD")),
        .amountOverflow(account: account("bob"), asset: asset("GOLD")),
        .groupRolledBack(by: 0), .groupRolledBack(by: 1), .groupRolledBack(by: 2),
        .oldValueMismatch, .recordTooLarge(bytes: 65_536), .entityTooLarge(bytes: 60_001),
        .ledgerExists, .entityNotObject, .sealBeyondLedger(size: 7),
    ]

    private static let effects: [Effects] = [
        .recorded, .bookCreated(BookID(5, 5)), .bookCreated(Books.money), .bookCreated(.system),
        .logged(LogID(1)), .logged(LogID(8)), .logged(LogID(99)),
        .transaction(TransactionEffects(id: TransactionID(1), logID: LogID(2))),
        .transaction(TransactionEffects(id: TransactionID(2), logID: LogID(1))),
        .transaction(
            TransactionEffects(
                id: TransactionID(5),
                logID: LogID(5),
                postings: [posting("carol", "bob", 30)]
            )
        ),
        .transaction(
            TransactionEffects(
                id: TransactionID(6),
                logID: LogID(6),
                postings: [posting("alice", "world", 100)],
                timestamp: BusinessTime(microseconds: 1_235)
            )
        ),
        .transaction(
            TransactionEffects(
                id: TransactionID(6),
                logID: LogID(6),
                postings: [posting("alice", "world", 100)]
            )
        ),
    ]

    @Test("no other outcome passes", arguments: Sample.history.lines.indices)
    func everyOther(index: Int) {
        let pool =
            OutcomeMutationTests.refusals.map { Outcome.refused($0) }
            + OutcomeMutationTests.effects.map { Outcome.committed($0) }
        var tried = 0
        for outcome in pool where outcome != Sample.history.lines[index].outcome {
            var history = Sample.history
            history.lines[index].outcome = outcome
            if case .refused = outcome {
                history.lines[index].key = nil
                history.lines[index].batch = nil
            }
            guard !isEquivalent(outcome, at: index) else { continue }
            tried += 1
            let report = verify(history)
            #expect(report.exitCode == 1, "\(outcome)")
            #expect(report.verdict("chain") == (index == 0 ? report.verdict("chain") : .ok))
        }
        #expect(tried >= pool.count - 4)
    }

    /// A new book may have any id that is free; nothing else can tell the two apart.
    private func isEquivalent(_ outcome: Outcome, at index: Int) -> Bool {
        guard case .committed(.bookCreated(let id)) = outcome,
            case .committed(.bookCreated) = Sample.history.lines[index].outcome
        else { return false }
        return id == BookID(5, 5)
    }

    @Test("a conflict of keys is believed only where a key was claimed")
    func conflict() {
        let line = pay([posting("world", "a", 1)], .refused(.idempotencyConflict))
        #expect(verify(History([Books.makeMoney, line])).reason("outcomes") == .outcome)
        let claimed = pay([posting("world", "a", 1)], transaction(1, log: 1), key: "k")
        #expect(verify(History([Books.makeMoney, claimed, line])).recordsHold)
    }
}
