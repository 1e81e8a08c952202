// SPDX-License-Identifier: Apache-2.0
//
// What the replicated log reports when the world failed it. Imports TallyTypes. Thrown by every
// call of the log; after any of them but `tooLarge` and `released` the node stops.

package import TallyTypes

/// The log could not do what was asked, or found its files in a state that it must not repair.
package struct LogFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure that callers tell apart.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// The disk failed; the cause says how.
        case disk
        /// Bytes that were durable are not what was written.
        case corrupt
        /// A segment, or a run of entries, is not there.
        case gap
        /// A file, or a frame, of a format that this program does not know.
        case unknownFormat
        /// The entry is larger than the log takes.
        case tooLarge
        /// The entry was released and is no longer in the log.
        case released
    }

    /// The kind of failure.
    package let code: Code
    /// The file, and the offset where there is one.
    package let subject: String
    /// What was found.
    package let reason: String
    /// The disk's fault, if that was the cause.
    package let cause: DiskFault?

    /// Makes a fault.
    package init(_ code: Code, subject: String, reason: String, cause: DiskFault? = nil) {
        self.code = code
        self.subject = subject
        self.reason = reason
        self.cause = cause
    }

    /// Makes a fault from the disk's.
    package init(_ cause: DiskFault) {
        self.init(.disk, subject: cause.path, reason: cause.description, cause: cause)
    }

    /// What was found, and where.
    package var finding: String { code == .disk ? reason : "\(subject): \(reason)" }

    /// What the operator can do, as the end of a line; empty when nothing general can be said.
    package var nextStep: String {
        switch code {
        case .disk: cause?.nextStep ?? ""
        case .corrupt, .gap: "; restore a backup, or a replica's log"
        case .unknownFormat: "; start the program version that wrote it"
        case .tooLarge, .released: ""
        }
    }

    /// One line: what, where, and the next step.
    package var description: String { finding + nextStep }
}

/// Runs disk work and turns its fault into the log's.
func onDisk<Value: ~Copyable>(
    _ body: () throws(DiskFault) -> Value
) throws(LogFault) -> Value {
    do {
        return try body()
    } catch {
        throw LogFault(error)
    }
}
