// SPDX-License-Identifier: Apache-2.0
//
// Runs protocol histories with fixed seeds and ends with 1 when one of them is broken.
// Tests/Mutants/run compiles it with the histories of Tests/TallyKernelTests against a kernel that
// a patch has changed.

let parts: [(k: UInt64, seeds: Range<UInt64>)] = [(3, 1..<201), (8, 1..<101), (3, 201..<801)]
var counts = HistoryCounts()
for part in parts {
    do {
        counts += try runHistories(Rules(k: part.k), seeds: part.seeds, steps: 160)
    } catch {
        print("\(error)".prefix(300))
        throw error
    }
}
print("\(counts)")
