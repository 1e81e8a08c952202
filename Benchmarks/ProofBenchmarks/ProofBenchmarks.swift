// SPDX-License-Identifier: Apache-2.0
//
// What proofs cost: leaf and node hashes, also as swift-crypto would compute them, the tree, salts,
// inclusion proofs, the state digest. Run by `make bench`.

import Benchmark
import struct Crypto.SHA256
import TallyProof
import TallyTypes

let benchmarks: @Sendable () -> Void = {
    unsafe Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock],
        timeUnits: .nanoseconds,
        warmupIterations: 3,
        scalingFactor: .kilo,
        maxDuration: .seconds(2),
        maxIterations: 2_000
    )
    let record = [UInt8](repeating: 7, count: 176)
    let prefixed: [UInt8] = [0] + record
    let (left, right) = (Hashing.leaf(record), Hashing.sha256(record))
    let sides: [UInt8] = [1] + left.bytes + right.bytes

    Benchmark("leaf of 176 bytes") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(Hashing.leaf(record)) }
    }
    Benchmark("leaf of 176 bytes, swift-crypto") { benchmark in
        for _ in benchmark.scaledIterations {
            var hash = SHA256()
            unsafe prefixed.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
            blackHole(hash.finalize())
        }
    }
    Benchmark("node") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(Hashing.node(left, right)) }
    }
    Benchmark("node, swift-crypto") { benchmark in
        for _ in benchmark.scaledIterations {
            var hash = SHA256()
            unsafe sides.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
            blackHole(hash.finalize())
        }
    }
    Benchmark("append a leaf to the tree") { benchmark in
        var tree = CompactRange()
        for _ in benchmark.scaledIterations { tree.append(left) }
        blackHole(tree.root)
    }
    Benchmark("salt of a record, of 8,189") { benchmark in
        for _ in 0..<benchmark.scaledIterations.count / 1_000 {
            blackHole(SaltStream(seed: left).salts(1_000))
        }
    }
    Benchmark("row of a state digest") { benchmark in
        var digest = StateDigest(deleted: [])
        for number in benchmark.scaledIterations {
            let key = [1, 3] + BookID(0, 1).bytes + bigEndian(number)
            digest.add(book: BookID(0, 1), key: key, value: record)
        }
        blackHole(digest.finish(scalars: []))
    }
    let leaves = (0..<4_096).map { Hashing.leaf(bigEndian($0)) }
    let proof = InclusionProof(index: 1_234, leaves: leaves[...])
    let root = leaves.reduce(into: CompactRange()) { $0.append($1) }.root
    Benchmark("check an inclusion proof of twelve hashes") { benchmark in
        for _ in benchmark.scaledIterations {
            blackHole(proof.holds(leaf: leaves[1_234], root: root))
        }
    }
}

@Sendable
private func bigEndian(_ number: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
}
