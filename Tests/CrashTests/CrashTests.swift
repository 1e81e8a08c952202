// SPDX-License-Identifier: Apache-2.0
//
// kill -9 under load: rounds of start, batches, kill, in one data directory. No acknowledged
// transfer may be lost and none may be there twice. TALLY_CRASH_ROUNDS says how many rounds; every
// fifth of them ends with a clean stop and `tally verify`.

import Foundation
import Synchronization
import TestSupport
import Testing

/// A number from the environment.
func environmentNumber(_ name: String, default standard: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? standard
}

/// What the senders know of all batches.
private final class Book: Sendable {
    struct Pages {
        var next = 0
        var again: [SentBatch] = []
        var acknowledged: [AcknowledgedBatch] = []
        var thisRound = 0
        var replays = 0
        var isOver = false
    }

    let pages = Mutex(Pages())

    /// The next batch to send: first those whose fate is unknown.
    func take() -> SentBatch? {
        pages.withLock { pages in
            if pages.isOver { return nil }
            if let batch = pages.again.popLast() { return batch }
            pages.next += 1
            return SentBatch(number: pages.next - 1)
        }
    }

    /// A batch was answered.
    func acknowledge(_ batch: SentBatch, _ receipt: BatchReceipt) {
        pages.withLock { pages in
            pages.acknowledged.append(AcknowledgedBatch(batch: batch, receipt: receipt))
            pages.thisRound += 1
            if receipt.isReplay { pages.replays += 1 }
        }
    }

    /// The connection broke: nobody knows what became of a batch.
    func lose(_ batch: SentBatch) {
        pages.withLock { $0.again.append(batch) }
    }
}

/// The rounds on one data directory.
private struct CrashRounds: ~Copyable {
    private static let senders = 4
    private let directory: String
    private let book = Book()
    private var random: SeededRandom
    private var found = FoundTransfers()

    init(_ directory: String, seed: UInt64) {
        self.directory = directory
        random = SeededRandom(seed: seed)
    }

    /// Starts, sends until enough is acknowledged, kills while other batches are on their way.
    mutating func round() async throws {
        let server = try await ServerUnderTest(directory)
        let client = LedgerClient(url: server.url)
        if book.pages.withLock({ $0.next == 0 }) { try await createBook(client) }
        let wanted = 1 + random.below(20)
        let moment = Duration.microseconds(random.below(4_000))
        book.pages.withLock { pages in
            pages.thisRound = 0
            pages.isOver = false
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<CrashRounds.senders {
                group.addTask { [book] in try await CrashRounds.send(book, client) }
            }
            try await waitUntil("\(wanted) batches are acknowledged") { [book] in
                book.pages.withLock { $0.thisRound >= wanted }
            }
            let end = ContinuousClock.now + moment
            while ContinuousClock.now < end { await Task.yield() }
            try await server.kill()
            book.pages.withLock { $0.isOver = true }
            try await group.waitForAll()
        }
        let acknowledged = book.pages.withLock { $0.thisRound }
        #expect(acknowledged >= wanted, "a round without acknowledged writes")
    }

    /// Sends batch after batch until the server is gone.
    private static func send(_ book: Book, _ client: LedgerClient) async throws {
        while let batch = book.take() {
            do {
                let receipt = try await client.batch(batch.body, to: SentBatch.book, key: batch.key)
                book.acknowledge(batch, receipt)
            } catch let trouble as ProcessTrouble {
                throw trouble
            } catch {
                book.lose(batch)
                return
            }
        }
    }

    private func createBook(_ client: LedgerClient) async throws {
        try await client.expect(
            201,
            from: "POST",
            "/tally/v1/books",
            #"{"name":"\#(SentBatch.book)","kind":"accounts"}"#
        )
    }

    /// Right after a kill: nothing is refuted, and what is only known after a clean stop is named.
    func verifyUnstopped() async throws {
        let outcome = try await TallyProcess.run(["verify", directory])
        #expect([0, 2].contains(outcome.status), "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("the last stop was not clean"), "\(outcome.output)")
    }

    /// Starts, sends what is unknown again, stops cleanly, verifies, judges.
    mutating func settle() async throws {
        let server = try await ServerUnderTest(directory)
        let client = LedgerClient(url: server.url)
        for batch in book.pages.withLock({ $0.again }) {
            let receipt = try await client.batch(batch.body, to: SentBatch.book, key: batch.key)
            book.acknowledge(batch, receipt)
        }
        book.pages.withLock { $0.again = [] }
        try await server.stop()
        let outcome = try await TallyProcess.run(["verify", directory])
        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.hasPrefix("verified "))
        try found.follow(directory)
        let acknowledged = book.pages.withLock { $0.acknowledged }
        #expect(CrashJudge.complaints(found.all, acknowledged: acknowledged) == [])
        #expect(found.all.count == acknowledged.count * SentBatch.transfers)
    }

    /// One line about the run.
    func summary() -> String {
        book.pages.withLock {
            "\($0.acknowledged.count) batches acknowledged, \($0.replays) of them by a replay"
        }
    }

    /// Reads all records once more, from the first.
    func judgeAll() throws {
        var all = FoundTransfers()
        try all.follow(directory)
        #expect(all.all == found.all, "a record changed after it was acknowledged")
    }
}

@Suite("kill -9 under load")
struct CrashTests {
    @Test("no acknowledged transfer is lost and none is there twice")
    func rounds() async throws {
        let count = environmentNumber("TALLY_CRASH_ROUNDS", default: 10)
        let seed: UInt64 = 20_261_121
        let folder = try TemporaryDirectory("crash")
        var rounds = CrashRounds(folder.file("ledger").path, seed: seed)
        let begun = ContinuousClock.now
        let fifth = max(1, count / 5)
        for number in 1...count {
            try await rounds.round()
            if number % fifth == 2 % fifth { try await rounds.verifyUnstopped() }
            if number % fifth == 0 || number == count { try await rounds.settle() }
        }
        try rounds.judgeAll()
        print("\(count) rounds, seed \(seed): \(rounds.summary()), \(ContinuousClock.now - begun)")
    }

    private static func transfers(of batch: SentBatch, from first: UInt64) -> [FoundTransfer] {
        batch.amounts.enumerated().map { position, amount in
            FoundTransfer(
                index: first + UInt64(position),
                amount: amount,
                refusal: SentBatch.outcomes[position]
            )
        }
    }

    @Test("the judge finds a batch that is not there, a record twice, a record elsewhere")
    func canary() {
        let (one, two) = (SentBatch(number: 0), SentBatch(number: 1))
        let ledger = CrashTests.transfers(of: one, from: 3)
        let entry = AcknowledgedBatch(batch: one, receipt: BatchReceipt(first: 3))
        #expect(CrashJudge.complaints(ledger, acknowledged: [entry]) == [])
        #expect(CrashJudge.complaints(ledger, acknowledged: [], unknown: [one, two]) == [])

        let fabricated = AcknowledgedBatch(batch: two, receipt: BatchReceipt(first: 28))
        #expect(
            CrashJudge.complaints(ledger, acknowledged: [entry, fabricated])
                == ["batch-1: transfer 26 of record 28: nowhere"]
        )
        let again = FoundTransfer(index: 40, amount: 7, refusal: 0)
        #expect(
            CrashJudge.complaints(ledger + [again], acknowledged: [], unknown: [one]).first
                == "transfer 7 twice: records 9, 40"
        )
        let elsewhere = CrashTests.transfers(of: one, from: 4)
        #expect(CrashJudge.complaints(elsewhere, acknowledged: [entry]).count == 1)
        #expect(CrashJudge.complaints(ledger.dropLast(), acknowledged: [entry]).count == 1)
        #expect(CrashJudge.complaints(ledger, acknowledged: []).count == 1)
        let half = Array(ledger.prefix(9))
        #expect(CrashJudge.complaints(half, acknowledged: [], unknown: [one]).count == 1)
        let refused = AcknowledgedBatch(
            batch: one,
            receipt: BatchReceipt(first: 3, outcomes: [UInt8](repeating: 0, count: 25))
        )
        #expect(CrashJudge.complaints(ledger, acknowledged: [refused]).count == 1)
    }
}

extension CrashJudge {
    fileprivate static func complaints(
        _ found: ArraySlice<FoundTransfer>,
        acknowledged: [AcknowledgedBatch]
    ) -> [String] {
        complaints(Array(found), acknowledged: acknowledged)
    }
}
