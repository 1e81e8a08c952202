// SPDX-License-Identifier: Apache-2.0
//
// What the kernel costs: a batch of 8,189 transfers stage by stage, one transaction, a rotation, a
// step of a flush. Run by `make bench`; inputs are made before the clock runs, from a fixed seed.

import Benchmark
import TallyCodec
import TallyKernel
import TallyTypes

let benchmarks: @Sendable () -> Void = {
    unsafe Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock],
        timeUnits: .microseconds,
        warmupIterations: 3,
        maxDuration: .seconds(4),
        maxIterations: 200
    )
    batchBenchmarks()
    pauseBenchmarks()
}

@Sendable
private func batchBenchmarks() {
    Benchmark("batch: read 8,189 transfers of 10,000 accounts") { benchmark in
        guard case .batch(let request) = KernelBench(accounts: 10_000).batch() else { return }
        let bytes = request.batch.bytes
        benchmark.startMeasurement()
        blackHole(try BatchBody.decode(bytes))
    }
    for accounts in [10_000, 1_000_000] {
        let bench = Shared { Warm.bench(accounts) }
        Benchmark("batch: admit and complete, \(accounts) accounts") { benchmark in
            let bench = bench.value
            let batch = bench.batch()
            benchmark.startMeasurement()
            let plan = bench.plan(batch)
            benchmark.stopMeasurement()
            bench.apply(plan)
        }
        Benchmark("batch: encode the entry, \(accounts) accounts") { benchmark in
            let plan = bench.value.plan(bench.value.batch())
            benchmark.startMeasurement()
            blackHole(EntryCodec.encode(plan.entry))
        }
        Benchmark("batch: apply as leader, \(accounts) accounts") { benchmark in
            let plan = bench.value.plan(bench.value.batch())
            benchmark.startMeasurement()
            blackHole(bench.value.apply(plan))
        }
        Benchmark("batch: decode and apply as replica, \(accounts) accounts") { benchmark in
            let bytes = EntryCodec.encode(bench.value.plan(bench.value.batch()).entry)
            benchmark.startMeasurement()
            blackHole(try bench.value.apply(bytes))
        }
    }
    let bench = Shared { Warm.bench(10_000) }
    Benchmark("one transaction: admit, complete, encode, apply") { benchmark in
        let transaction = bench.value.transaction()
        benchmark.startMeasurement()
        let plan = bench.value.plan(transaction)
        blackHole(EntryCodec.encode(plan.entry))
        blackHole(bench.value.apply(plan))
    }
}

@Sendable
private func pauseBenchmarks() {
    let rotating = Shared { Warm.bench(1_000_000, entriesPerGeneration: 256) }
    Benchmark("pause: rotation with 1,000,000 keys") { benchmark in
        rotating.value.fillGeneration()
        benchmark.startMeasurement()
        blackHole(rotating.value.skip())
    }
    let flushing = Shared { Warm.bench(1_000_000) }
    Benchmark("pause: 8,192 rows of a flush of 1,000,000 keys") { benchmark in
        flushing.value.beginFlush()
        benchmark.startMeasurement()
        blackHole(flushing.value.copyRows(8_192))
    }
}

/// Kernels whose caches hold every account.
private enum Warm {
    static func bench(_ accounts: Int, entriesPerGeneration: UInt64 = 1 << 20) -> KernelBench {
        let bench = KernelBench(accounts: accounts, entriesPerGeneration: entriesPerGeneration)
        for batch in bench.touchAll() { bench.apply(bench.plan(batch)) }
        return bench
    }
}

/// A value that is made on its first use and then kept; benchmarks run one after the other.
private final class Shared: @unchecked Sendable {
    // Confined: a benchmark process runs its benchmarks on one thread.
    private let make: () -> KernelBench
    private(set) lazy var value = make()

    init(_ make: @escaping () -> KernelBench) { self.make = make }
}
