// SPDX-License-Identifier: Apache-2.0
//
// The protocol of the kernel under random interleavings, and the node-side mutants that must be
// seen. Mutants of the kernel itself are patches in Tests/Mutants, which runs the first test of
// this file.

import TestSupport
import Testing

@Suite("Protocol")
struct ProtocolTests {
    /// A part of the histories: parts run beside each other.
    struct Part: Sendable, CustomTestStringConvertible {
        let k: UInt64
        let seeds: Range<UInt64>
        let steps: Int

        var testDescription: String { "K = \(k), seeds \(seeds), \(steps) steps" }
    }

    static let parts: [Part] = [
        Part(k: 3, seeds: 1..<251, steps: 300), Part(k: 3, seeds: 251..<1_001, steps: 120),
        Part(k: 8, seeds: 1..<151, steps: 300), Part(k: 8, seeds: 151..<651, steps: 120),
        Part(k: 64, seeds: 1..<401, steps: 150),
    ]

    @Test("properties M, R, P, D, O and L hold", arguments: parts)
    func holds(_ part: Part) throws {
        let counts = try runHistories(Rules(k: part.k), seeds: part.seeds, steps: part.steps)
        print("\(part.testDescription): \(counts)")
        #expect(counts.replays > 0)
        #expect(counts.stale > 0)
        #expect(counts.flushes > 0)
        #expect(counts.crashes > counts.histories)
        #expect(counts.lossesFound > 0)
    }

    @Test("a broken sentence on the node's side turns the histories red", arguments: mutants)
    func isCaught(_ mutant: DriverMutant) async {
        await #expect(processExitsWith: .failure) { [mutant] in
            for seed in UInt64(1)..<600 {
                let rules = Rules(k: 3, mutant: mutant)
                _ = try runHistories(rules, seeds: seed..<(seed + 1), steps: 200)
            }
        }
    }

    static let mutants = DriverMutant.allCases
}
