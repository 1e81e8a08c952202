// SPDX-License-Identifier: Apache-2.0
//
// Which checkpoints a ledger keeps: few, all the newest, and old ones ever further apart. Called by
// `swift test`.

import TallyStore
import TestSupport
import Testing

@Suite("saved checkpoints")
struct SavedCheckpointTests {
    /// What stays when sizes are saved one after the other.
    private func kept(_ sizes: [UInt64]) -> (kept: [UInt64], most: Int) {
        var kept: [UInt64] = []
        var most = 0
        for size in sizes {
            kept.append(size)
            let surplus = Set(SavedCheckpoints.surplus(kept))
            kept.removeAll { surplus.contains($0) }
            most = max(most, kept.count)
        }
        return (kept, most)
    }

    @Test("the newest all stay, older ones ever further apart, and never more than the bound")
    func thinning() {
        let sizes = (1...5_000).map { UInt64($0 * 3) }
        let (kept, most) = kept(sizes)
        #expect(Array(kept.suffix(SavedCheckpoints.newest)) == Array(sizes.suffix(128)))
        #expect(kept.first == 3, "the first stays")
        #expect(kept.count < 200, "\(kept.count) of 5000")
        #expect(most <= SavedCheckpoints.countMax)
        for (older, younger) in zip(kept, kept.dropFirst()) {
            let distance = 15_000 - older
            #expect(younger - older <= max(6, distance / 2), "a hole at \(older)")
        }
        #expect(SavedCheckpoints.surplus(kept).isEmpty, "what stays stays")
        #expect(SavedCheckpoints.surplus([]).isEmpty)
        #expect(SavedCheckpoints.surplus(Array(1...128)).isEmpty)
    }

    @Test("sizes of every magnitude stay within the bound")
    func magnitudes() {
        var random = SeededRandom(seed: 20_261_128)
        var sizes: Set<UInt64> = [0, UInt64(Int64.max)]
        for shift in 0..<63 as Range<UInt64> {
            for _ in 0..<300 {
                sizes.insert(UInt64.random(in: 0...(1 << 63 - 1) >> shift, using: &random))
            }
            for _ in 0..<300 {
                sizes.insert(
                    UInt64(Int64.max)
                        - UInt64.random(in: 0...(1 << 63 - 1) >> shift, using: &random)
                )
            }
        }
        let all = sizes.sorted()
        let surplus = SavedCheckpoints.surplus(all)
        #expect(all.count > 10_000 && surplus.count > 9_000)
        #expect(all.count - surplus.count <= SavedCheckpoints.countMax)
        #expect(all.count - surplus.count > 400)
    }
}
