// SPDX-License-Identifier: Apache-2.0
//
// Everything a plan may choose: time, book ids, salt seeds. The leader draws them once, here; apply
// finds them in the entry. Uses the system's random number generator.

package import TallyKernel
package import TallyTypes

/// The leader's clock and randomness.
package struct ChoiceSource: Sendable {
    private let clock: any Clock
    private let random: @Sendable () -> UInt64

    /// Uses a clock and the system's random number generator.
    package init(clock: any Clock) {
        self.init(clock: clock) {
            var generator = SystemRandomNumberGenerator()
            return generator.next()
        }
    }

    /// Uses a clock and a source of random words.
    package init(clock: any Clock, random: @escaping @Sendable () -> UInt64) {
        self.clock = clock
        self.random = random
    }

    /// A fresh book id.
    package func bookID() -> BookID { BookID(random(), random()) }

    /// Thirty-two random bytes.
    package func secret() -> Digest { Digest(random(), random(), random(), random()) }

    /// Time and salt seed of a plan.
    package func choices() -> PlanChoices {
        PlanChoices(time: clock.now(), saltSeed: secret())
    }
}
