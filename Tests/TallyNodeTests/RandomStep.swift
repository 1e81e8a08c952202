// SPDX-License-Identifier: Apache-2.0
//
// Submissions drawn by a seed over a few accounts and entities, small enough that they meet:
// payments, reverts, metadata, events, replays, batches. Called by the tests of this folder only.

import TallyTypes
import TestSupport

/// One step of a random history of a node.
enum RandomStep {
    /// A batch, or some groups; later steps have more keys to choose from.
    static func submission(_ random: inout SeededRandom, _ number: Int) -> Submission {
        if random.chance(1, in: 5) {
            let transfers = (0...random.below(4)).map { _ in
                TransferText(
                    "account:\(random.below(6))",
                    "account:\(6 + random.below(6))",
                    UInt128(random.below(200))
                )
            }
            let key: Text? = random.chance(1, in: 2) ? Text("batch:\(number)") : nil
            return .batch(transfers, key: key)
        }
        return .groups(
            (0...random.below(3)).map { _ in
                (0...random.below(2)).map { _ in request(&random, number) }
            }
        )
    }

    private static func request(_ random: inout SeededRandom, _ step: Int) -> Request {
        let name = "account:\(random.below(12))"
        let other = "account:\(random.below(12))"
        return switch random.below(7) {
        case 0: .pay("world", name, UInt128(random.below(500)))
        case 1:
            .pay(
                name,
                other,
                UInt128(random.below(300)),
                key: Text("key:\(random.below(step + 1))")
            )
        case 2:
            .pay(
                name,
                other,
                UInt128(random.below(90)),
                reference: Text("r:\(random.below(step + 1))")
            )
        case 3: .revert(UInt64(random.below(step + 2)) + 1, isForced: random.chance(1, in: 2))
        case 4: .describe(name, metadata(("seen", Text("\(step)"))))
        case 5:
            .event(
                Text("\(random.below(4))"),
                Text("field:\(random.below(3))"),
                Text("\(step)")
            )
        default: .pay("world", other, 1, key: Text("key:\(random.below(step + 1))"))
        }
    }
}
