// SPDX-License-Identifier: Apache-2.0
//
// A kernel without a node around it, and the batches that it is measured with: one book, one asset,
// accounts of nineteen bytes, seeded. Every value that is not in the cache is absent: nothing is
// stored. Called by the benchmarks beside it.

import TallyCodec
import TallyKernel
import TallyTypes

/// A kernel that is driven from the outside.
final class KernelBench {
    static let transfersPerBatch = 8_189
    private static let book = "bench"

    private var kernel: Kernel
    private var random = Random(state: 20_261_127)
    private let accounts: [[UInt8]]
    private let name: BookName
    private var time: UInt64 = 1_790_000_000_000_000

    /// Makes a ledger with a book; K is so large that no generation ends unless it is asked for.
    init(accounts count: Int, entriesPerGeneration: UInt64 = 1 << 20) {
        guard let name = BookName(KernelBench.book) else { fatalError("no name") }
        self.name = name
        accounts = (0..<count).map { number in
            let digits = String(number)
            let zeros = String(repeating: "0", count: 8 - digits.count)
            return Array("users:\(zeros)\(digits):main".utf8)
        }
        kernel = Kernel(
            entriesPerGeneration: entriesPerGeneration,
            secrets: KeySecrets(Digest(1, 2, 3, 4)),
            keysMax: 1 << 21
        )
        let creation = CreateLedger(
            origin: "bench.example",
            entriesPerGeneration: entriesPerGeneration
        )
        apply(plan(.groups([[Request(book: nil, order: .createLedger(creation))]])))
        let book = Order.createBook(CreateBook(name: name, kind: .accounts))
        apply(plan(.groups([[Request(book: nil, order: book)]])))
    }

    /// A batch of random transfers between accounts, whose sources may go below zero.
    func batch() -> Submission {
        let pairs = (0..<KernelBench.transfersPerBatch).map { _ in
            (random.below(accounts.count), random.below(accounts.count))
        }
        // Accounts are numbered in the order of their names.
        let named = Set(pairs.flatMap { [$0.0, $0.1] }).sorted()
        let places = Dictionary(uniqueKeysWithValues: named.enumerated().map { ($1, $0) })
        let items = pairs.map { source, destination in
            BatchBody.Item(
                source: places[source] ?? 0,
                destination: places[destination] ?? 0,
                asset: 0,
                amount: UInt128(random.below(10_000))
            )
        }
        return submission(items, named.map { accounts[$0] })
    }

    /// Batches that name every account once.
    func touchAll() -> [Submission] {
        let step = KernelBench.transfersPerBatch
        return stride(from: 0, to: accounts.count, by: step).map { start in
            let part = Array(accounts[start..<min(start + step, accounts.count)])
            let items = part.indices.map {
                BatchBody.Item(source: $0, destination: $0, asset: 0, amount: 1)
            }
            return submission(items, part)
        }
    }

    private func submission(_ items: [BatchBody.Item], _ accounts: [[UInt8]]) -> Submission {
        let body = BatchBody.encode(
            isForced: true,
            assets: [Array("USD/2".utf8)],
            accounts: accounts,
            items: items
        )
        do {
            return .batch(BatchRequest(book: name, batch: try BatchBody.decode(body)))
        } catch {
            fatalError("\(error)")
        }
    }

    /// A transaction with one posting.
    func transaction() -> Submission {
        let order = CreateTransaction(
            postings: [
                Posting(
                    source: address(random.below(accounts.count)),
                    destination: address(random.below(accounts.count)),
                    asset: usd,
                    amount: Amount(7)
                )
            ],
            isForced: true
        )
        return .groups([[Request(book: name, order: .createTransaction(order))]])
    }

    private func address(_ number: Int) -> AccountAddress {
        let text = String(decoding: accounts[number], as: UTF8.self)
        guard let address = AccountAddress(text) else { fatalError("no address") }
        return address
    }

    private var usd: Asset {
        guard let asset = Asset("USD/2") else { fatalError("no asset") }
        return asset
    }

    /// Admits and completes; what the cache lacks is absent.
    func plan(_ submission: Submission) -> Plan {
        let index = kernel.applied.next
        var facts = AdmissionFacts()
        time += 10_000
        while true {
            switch kernel.admit([submission], at: index, facts: facts, newBookID: { BookID(7, 7) })
            {
            case .refused(let busy): fatalError("\(busy)")
            case .lacks(let names, _): for name in names { facts.names[name] = .some(nil) }
            case .needs(let draft):
                let completion = kernel.complete(
                    draft,
                    values: [[UInt8]?](repeating: nil, count: draft.missing.count),
                    at: index,
                    choices: PlanChoices(
                        time: Instant(microseconds: time),
                        saltSeed: Digest(time, 1, 2, 3)
                    )
                )
                if case .plan(let plan) = completion { return plan }
            }
        }
    }

    /// Applies the leader's way: with the rows that admission found.
    @discardableResult
    func apply(_ plan: Plan) -> Applied { kernel.apply(plan, at: plan.entry.predicted) }

    /// Applies a replica's way: from the bytes of the log.
    func apply(_ bytes: [UInt8]) throws -> Applied {
        let entry = try EntryCodec.decode(bytes)
        return kernel.apply(entry, at: entry.predicted)
    }

    /// Applies empty entries up to the last of the generation, as if all were flushed.
    func fillGeneration() {
        let generation = kernel.cache.current
        while kernel.cache.generation(of: kernel.applied.next) == generation {
            _ = kernel.skip(kernel.applied.next)
        }
        kernel.markFlushed(kernel.applied)
    }

    /// Applies one empty entry.
    func skip() -> Applied { kernel.skip(kernel.applied.next) }

    /// Begins a flush when none is under way.
    func beginFlush() {
        if !kernel.isCapturing { kernel.beginCapture() }
    }

    /// Copies rows of a flush; true when it is complete.
    func copyRows(_ count: Int) -> Bool {
        guard let capture = kernel.advanceCapture(rows: count) else { return false }
        kernel.markFlushed(capture.applied)
        return true
    }
}

/// SplitMix64.
struct Random {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return Int((word ^ word >> 31) % UInt64(bound))
    }
}
