// SPDX-License-Identifier: Apache-2.0
//
// Faults of the node: the world failed in a way that stops it, or keeps it from starting. Standard
// library only. Rendered by the command line as one line with the next step.

/// Why a node cannot start, or must stop.
package struct NodeFault: Error, Sendable, CustomStringConvertible {
    /// What failed.
    package enum Code: String, Sendable {
        /// The log, the record files or the state store.
        case storage
        /// An acknowledged frame or record is gone.
        case lost
        /// What start-up found does not fit together.
        case corrupt
        /// The server could not listen, or ended.
        case server
        /// A view could not be folded.
        case views
        /// The directory already holds something else, or nothing where something is needed.
        case directory
    }

    /// What failed.
    package let code: Code
    /// The file or part concerned.
    package let subject: String
    /// What was found.
    package let reason: String
    /// What the operator can do.
    package let nextStep: String

    /// Makes a fault.
    package init(_ code: Code, subject: String, reason: String, nextStep: String) {
        self.code = code
        self.subject = subject
        self.reason = reason
        self.nextStep = nextStep
    }

    /// Subject, reason and next step in one line.
    package var description: String { "\(subject): \(reason); \(nextStep)" }
}
