// SPDX-License-Identifier: Apache-2.0
//
// What the files of a data directory report when the world failed them. Imports TallyTypes. Thrown
// by everything in this module; the CLI prints the one line and ends with a code that is not zero.

package import TallyTypes

/// A part of the data directory could not do what was asked, or is not as it must be.
package struct StoreFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of failure that callers tell apart.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// The disk failed; the cause says how.
        case disk
        /// The engine of the state store failed; the reason holds its words.
        case engine
        /// Bytes that were durable are not what was written.
        case corrupt
        /// Something that must be there is not.
        case missing
        /// Written by a program that this one does not know.
        case unknownFormat
        /// Another process has the data directory.
        case locked
        /// A mirror is of another ledger.
        case otherLedger
        /// A mirror holds another history than the ledger, or more of it.
        case otherHistory
        /// The folder holds something else than a ledger.
        case notEmpty
        /// Records reach above what the log yields, or differ from it: an acknowledged entry was
        /// lost.
        case lostEntry
    }

    /// The kind of failure.
    package let code: Code
    /// The file or folder, and the record, row or offset where there is one.
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
        case .engine: ""
        case .corrupt: "; restore a backup, or run tally verify for more"
        case .missing: "; restore a backup"
        case .unknownFormat: "; start the program version that wrote it"
        case .locked: "; stop that process first"
        case .otherLedger, .otherHistory: "; nothing was changed; name another folder"
        case .notEmpty: "; name an empty folder"
        case .lostEntry: "; restore the log, nothing was cut"
        }
    }

    /// One line: what, where, and the next step.
    package var description: String { finding + nextStep }
}

/// Runs disk work and turns its fault into the store's.
func onDisk<Value: ~Copyable>(
    _ body: () throws(DiskFault) -> Value
) throws(StoreFault) -> Value {
    do {
        return try body()
    } catch {
        throw StoreFault(error)
    }
}
