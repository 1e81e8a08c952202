// SPDX-License-Identifier: Apache-2.0
//
// What the files cost on the disk below the system's temporary folder: frames of the log with their
// sync, records of a batch, flushes and reads of the state store, the cache image. Run by
// `make bench`.

import Benchmark
import Foundation
import TallyLog
import TallyStore
import TallyTypes

let benchmarks: @Sendable () -> Void = {
    unsafe Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock],
        timeUnits: .microseconds,
        warmupIterations: 3,
        maxDuration: .seconds(4),
        maxIterations: 400
    )
    logBenchmarks()
    recordBenchmarks()
    stateBenchmarks()
}

@Sendable
private func logBenchmarks() {
    for size in [4 << 10, 64 << 10, 1 << 20] {
        let log = Shared { try Files.log() }
        Benchmark("log: append \(size >> 10) KiB and sync") { benchmark in
            let log = log.value
            let entry = [UInt8](repeating: 9, count: size)
            if log.pool.isShort { try log.pool.prepare() }
            benchmark.startMeasurement()
            try log.append(entry.span, at: log.last.next)
            blackHole(try log.sync())
            benchmark.stopMeasurement()
            try log.release(below: log.last)
        }
    }
}

@Sendable
private func recordBenchmarks() {
    let files = Shared { try Files.records() }
    Benchmark("records: append the 8,189 of a batch, with positions") { benchmark in
        let files = files.value
        let first = files.count
        let framed = Files.framed(8_189)
        let positions = (0..<UInt64(8_189)).map {
            RecordPosition(
                book: BookID(0, 1),
                transaction: TransactionID(first.rawValue + $0 + 1),
                record: RecordIndex(first.rawValue + $0)
            )
        }
        let leaves = [Digest](repeating: Digest(1, 2, 3, 4), count: 8_189)
        benchmark.startMeasurement()
        try files.append(framed.span, first: first, positions: positions, leaves: leaves)
        benchmark.stopMeasurement()
        if first.rawValue / 8_189 % 16 == 15 { try files.sync() }
    }
    Benchmark("records: sync after 16 batches") { benchmark in
        let files = files.value
        let framed = Files.framed(8_189)
        let leaves = [Digest](repeating: Digest(1, 2, 3, 4), count: 8_189)
        for _ in 0..<16 {
            try files.append(framed.span, first: files.count, positions: [], leaves: leaves)
        }
        benchmark.startMeasurement()
        try files.sync()
    }
}

@Sendable
private func stateBenchmarks() {
    for rows in [16_000, 128_000, 1_000_000] {
        let store = Shared { try Files.state() }
        let configuration = Benchmark.Configuration(
            metrics: [.wallClock],
            timeUnits: .milliseconds,
            maxDuration: .seconds(6),
            maxIterations: rows > 500_000 ? 4 : 40
        )
        Benchmark("state: flush \(rows) rows", configuration: configuration) { benchmark in
            let batch = Files.batch(rows, of: 1_000_000)
            benchmark.startMeasurement()
            try store.value.flush(batch)
        }
        let read = "state: read 16,000 of 1,000,000 keys, after \(rows)"
        Benchmark(read, configuration: configuration) { benchmark in
            let keys = Files.keys(16_000, of: 1_000_000)
            benchmark.startMeasurement()
            blackHole(try store.value.read(keys))
        }
    }
    let images = Shared { try Files.images() }
    Benchmark(
        "image: write 64 MiB",
        configuration: .init(
            metrics: [.wallClock],
            timeUnits: .milliseconds,
            maxDuration: .seconds(6),
            maxIterations: 20
        )
    ) { benchmark in
        let payload = [UInt8](repeating: 5, count: 64 << 20)
        benchmark.startMeasurement()
        blackHole(try images.value.write([payload], applied: LogIndex(1)))
    }
}

/// Files in a folder of their own, gone when the process ends.
private enum Files {
    private static let folder: String = {
        let path = NSTemporaryDirectory() + "tally-store-bench-\(getpid())"
        atexit {
            do {
                try FileManager.default.removeItem(atPath: Files.folder)
            } catch {
                FileHandle.standardError.write(Data("\(Files.folder) stays: \(error)\n".utf8))
            }
        }
        return path
    }()

    private static func make(_ name: String) throws -> String {
        let path = folder + "/" + name + "-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true
        )
        return path
    }

    static func log() throws -> EmbeddedLog {
        let log = EmbeddedLog(
            disk: RealDisk(),
            directory: try make("log"),
            configuration: EmbeddedLogConfiguration(salt: 1)
        )
        _ = try log.recover(flushedIndex: .zero)
        return log
    }

    static func records() throws -> RecordFiles {
        let replay = try RecordReplay(
            disk: RealDisk(),
            directory: try make("records"),
            flushed: .zero
        )
        return try replay.mend { (_, _) throws(StoreFault) in nil }
    }

    static func state() throws -> RocksStateStore { try RocksStateStore(path: make("state")) }

    static func images() throws -> CacheImages {
        CacheImages(disk: RealDisk(), directory: try make("image"))
    }

    /// Records of 174 bytes behind their lengths.
    static func framed(_ count: Int) -> [UInt8] {
        let one: [UInt8] = [0, 174] + [UInt8](repeating: 3, count: 174)
        return [[UInt8]](repeating: one, count: count).flatMap { $0 }
    }

    static func keys(_ count: Int, of total: Int) -> [[UInt8]] {
        let step = total / count
        return (0..<count).map { number in
            let name = String(number * step)
            let zeros = String(repeating: "0", count: 8 - name.count)
            return [1, 3] + BookID(0, 1).bytes + Array("USD/2users:\(zeros)\(name)".utf8)
        }
    }

    static func batch(_ count: Int, of total: Int) -> FlushBatch {
        var rows = FlushRows(rowCapacity: count, byteCapacity: count * 100)
        let value = [UInt8](repeating: 8, count: 24)
        for key in keys(count, of: total) { rows.put(key.span, value.span) }
        rows.sort()
        let marker = FlushMarker(
            applied: LogIndex(1),
            scalars: [],
            secrets: [],
            tree: [],
            image: nil
        )
        return FlushBatch(rows: rows, marker: marker)
    }
}

/// A value that is made on its first use and then kept; benchmarks run one after the other.
private final class Shared<Value>: @unchecked Sendable {
    // Confined: a benchmark process runs its benchmarks on one thread.
    private let make: () throws -> Value
    private(set) lazy var value: Value = {
        do {
            return try make()
        } catch {
            fatalError("\(error)")
        }
    }()

    init(_ make: @escaping () throws -> Value) { self.make = make }
}
