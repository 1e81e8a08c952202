// SPDX-License-Identifier: Apache-2.0
//
// `tally bench`: the end-to-end measurement. A server process and this client on one machine;
// inputs are made before the clock starts, from a fixed seed; every transfer is durable and in the
// tree when it counts. docs/performance.md says what the figures were.

import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import TallyCodec
import TallyNode
import TallyTypes

struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure transfers per second, end to end.",
        discussion: """
            Starts a server process of its own on a free port and sends binary batches to it.
            Example:
              tally bench --transfers 2000000 --accounts 10000
              tally bench --smoke
            """
    )

    @Option(help: "Transfers to measure, beside those that fund the accounts.")
    var transfers = 2_000_000

    @Option(help: "Accounts, in one asset.")
    var accounts = 10_000

    @Option(help: "Transfers in a batch, at most 8189.")
    var batch = Limits.transfersPerBatchMax

    @Option(help: "Batches on the way at a time.")
    var inFlight = 4

    @Option(help: "Runs of each kind; the one in the middle is reported.")
    var runs = 3

    @Option(help: "off, on, or both one after the other.")
    var views = "both"

    @Flag(help: "A tiny run that only shows that everything still works.")
    var smoke = false

    @Flag(help: "Print one JSON object per run.")
    var json = false

    func validate() throws {
        guard (1...Limits.transfersPerBatchMax).contains(batch), (2...16_000).contains(accounts),
            transfers > 0, inFlight > 0, runs > 0
        else {
            throw ValidationError("--batch is 1 to 8189, --accounts 2 to 16000, others 1 or more")
        }
        guard ["off", "on", "both"].contains(views) else {
            throw ValidationError("--views is off, on or both")
        }
    }

    func run() async throws {
        let modes = views == "both" ? [false, true] : [views == "on"]
        let workload = BenchWorkload(
            transfers: smoke ? 20_000 : transfers,
            accounts: smoke ? 500 : accounts,
            batch: smoke ? 1_000 : batch
        )
        for mode in modes {
            let run = BenchRun(workload: workload, inFlight: inFlight, areViewsEnabled: mode)
            var results: [BenchResult] = []
            for _ in 0..<(smoke ? 1 : runs) { results.append(try await run.measure()) }
            Terminal.say(try Bench.report(results, json: json))
        }
    }

    /// The run in the middle, and the rates of all.
    private static func report(_ results: [BenchResult], json: Bool) throws -> String {
        let sorted = results.sorted { $0.perSecond < $1.perSecond }
        let median = sorted[sorted.count / 2]
        guard results.allSatisfy({ $0.hash == median.hash }) else {
            throw Failure("the runs ended with different balances: \(results.map(\.hash))")
        }
        if json { return median.json }
        let rates = results.map { String(Int($0.perSecond)) }.joined(separator: ", ")
        return median.text + (results.count > 1 ? "\n  runs          \(rates)" : "")
    }
}

/// The workload of a run, made before the clock starts.
struct BenchWorkload {
    static let book = "bench"
    let funding: [[UInt8]]
    let batches: [[UInt8]]
    let transfers: Int

    init(transfers: Int, accounts: Int, batch: Int) {
        let names = (0..<accounts).map { number in
            Array(
                "users:\(String(repeating: "0", count: 8 - String(number).count))\(number):main"
                    .utf8
            )
        }
        let assets = [Array("USD/2".utf8)]
        let world = names + [Array("world".utf8)]
        funding = stride(from: 0, to: accounts, by: batch).map { start in
            BatchBody.encode(
                assets: assets,
                accounts: world,
                items: (start..<min(start + batch, accounts)).map {
                    BatchBody.Item(
                        source: accounts,
                        destination: $0,
                        asset: 0,
                        amount: 1_000_000_000
                    )
                }
            )
        }
        var random = BenchRandom(state: 20_261_121)
        var batches: [[UInt8]] = []
        var left = transfers
        while left > 0 {
            let drawn = (0..<min(batch, left)).map { _ in
                BatchBody.Item(
                    source: random.below(accounts),
                    destination: random.below(accounts),
                    asset: 0,
                    amount: UInt128(random.below(10_000))
                )
            }
            left -= drawn.count
            batches.append(BenchWorkload.body(drawn, names, assets))
        }
        self.batches = batches
        self.transfers = transfers
    }

    /// A body whose table holds the accounts that its transfers name, and no others.
    private static func body(
        _ items: [BatchBody.Item],
        _ names: [[UInt8]],
        _ assets: [[UInt8]]
    ) -> [UInt8] {
        var places = [Int](repeating: -1, count: names.count)
        for item in items { (places[item.source], places[item.destination]) = (0, 0) }
        var table: [[UInt8]] = []
        for account in names.indices where places[account] == 0 {
            places[account] = table.count
            table.append(names[account])
        }
        return BatchBody.encode(
            assets: assets,
            accounts: table,
            items: items.map {
                BatchBody.Item(
                    source: places[$0.source],
                    destination: places[$0.destination],
                    asset: $0.asset,
                    amount: $0.amount
                )
            }
        )
    }
}

/// SplitMix64.
struct BenchRandom {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return Int((word ^ word >> 31) % UInt64(bound))
    }
}

/// What a run measured.
struct BenchResult {
    let areViewsEnabled: Bool
    let transfers: Int
    let refused: Int
    let seconds: Double
    let p50: Double
    let p99: Double
    let warmBytes: UInt64
    let endBytes: UInt64
    let keys: UInt64
    let seeds: UInt64
    let lag: UInt64
    let catchUpSeconds: Double
    /// Processor time of the server from the first of the measured batches to the last.
    let serverSeconds: Double
    let usage: DiskUsage
    let hash: String

    var perSecond: Double { Double(transfers - refused) / seconds }
    var hitRate: Double { keys == 0 ? 0 : 1 - Double(seeds) / Double(keys) }

    var text: String {
        """
        views \(areViewsEnabled ? "on" : "off")
          accepted      \(number(perSecond)) transfers/s: \(transfers - refused) of \
        \(transfers) in \(decimal(seconds)) s
          server        \(decimal(serverSeconds * 1e6 / Double(transfers))) µs of CPU a transfer
          batch         p50 \(decimal(p50)) ms, p99 \(decimal(p99)) ms
          memory        \(mebi(warmBytes)) MiB after a quarter, \(mebi(endBytes)) MiB at the end
          disk          \(usage.text(transfers))
          cache         hit rate \(decimal(hitRate * 100)) %, \(seeds) seeds
          views         \(lag) records behind at the end, caught up in \(decimal(catchUpSeconds)) s
          result        \(hash)
        """
    }

    var json: String {
        "{\"views\":\(areViewsEnabled),\"transfers\":\(transfers),\"refused\":\(refused),"
            + "\"perSecond\":\(Int(perSecond)),\"p50ms\":\(decimal(p50)),\"p99ms\":\(decimal(p99)),"
            + "\"cpuMicroseconds\":\(decimal(serverSeconds * 1e6 / Double(transfers))),"
            + "\"residentBytes\":\(endBytes),\"hitRate\":\(decimal(hitRate)),"
            + "\"viewLag\":\(lag),\"disk\":\(usage.json),\"result\":\"\(hash)\"}"
    }

    private func number(_ value: Double) -> String { String(Int(value)) }
    private func decimal(_ value: Double) -> String { String(format: "%.2f", value) }
    private func mebi(_ bytes: UInt64) -> UInt64 { bytes >> 20 }
}

/// One run: a server process, the client, the clock.
struct BenchRun {
    let workload: BenchWorkload
    let inFlight: Int
    let areViewsEnabled: Bool

    func measure() async throws -> BenchResult {
        let directory = NSTemporaryDirectory() + "tally-bench-" + UUID().uuidString
        defer {
            removeTemporary(directory)
            removeTemporary(NodeConfiguration(directory: directory).keys)
        }
        try await makeBook(directory)
        let server = try ServerProcess(directory: directory, areViewsEnabled: areViewsEnabled)
        do {
            return try await measure(server, directory)
        } catch {
            server.kill()
            throw error
        }
    }

    private func measure(
        _ server: ServerProcess,
        _ directory: String
    ) async throws -> BenchResult {
        let client = BenchClient(url: server.url)
        for body in workload.funding { _ = try await client.send(body) }
        let cpu = try await client.metrics()["tally_cpu_microseconds_total"] ?? 0
        let clock = ContinuousClock()
        let bar = ProgressBar("sending")
        let begun = clock.now
        let sent = try await client.sendAll(workload.batches, inFlight: inFlight) {
            bar.show(UInt64($0), of: UInt64(workload.batches.count))
        }
        let seconds = (clock.now - begun) / .seconds(1)
        bar.finish()
        let metrics = try await client.metrics()
        let lag = metrics["tally_view_lag_records"] ?? 0
        let used = (metrics["tally_cpu_microseconds_total"] ?? 0) - cpu
        let caught = clock.now
        if areViewsEnabled { try await client.waitForViews() }
        let catchUp = (clock.now - caught) / .seconds(1)
        try await client.close()
        try server.stop()
        let sorted = sent.milliseconds.sorted()
        return BenchResult(
            areViewsEnabled: areViewsEnabled,
            transfers: workload.transfers,
            refused: sent.refused,
            seconds: seconds,
            p50: sorted[sorted.count / 2],
            p99: sorted[min(sorted.count - 1, sorted.count * 99 / 100)],
            warmBytes: sent.warmBytes,
            endBytes: metrics["tally_resident_bytes"] ?? 0,
            keys: metrics["tally_keys_total"] ?? 0,
            seeds: metrics["tally_seeds_total"] ?? 0,
            lag: lag,
            catchUpSeconds: catchUp,
            serverSeconds: Double(used) / 1e6,
            usage: try DiskUsage(directory),
            hash: try VolumeHash.of(directory).description
        )
    }

    /// Makes the book with views on: without them a server cannot find a new one by its name.
    private func makeBook(_ directory: String) async throws {
        guard let name = BookName(BenchWorkload.book) else { return }
        let node = try await startNode(NodeConfiguration(directory: directory))
        let order = Order.createBook(CreateBook(name: name, kind: .accounts))
        _ = try await node.sequencer.submit(.groups([[Request(book: nil, order: order)]]))
        try await node.stop()
    }

    private func removeTemporary(_ directory: String) {
        do {
            try FileManager.default.removeItem(atPath: directory)
        } catch {
            Terminal.warn("\(directory) stays: \(error)")
        }
    }
}
