// SPDX-License-Identifier: Apache-2.0
//
// What can go wrong with views: faults (the world, or a view file, failed) and refusals (a read
// that these views do not answer). Imports own types only; every file here throws them, Node and
// HTTP see them.

package import TallyTypes

/// The world failed, or a view file is not what it should be; views are disposable, so rebuild
/// them.
package struct ViewFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: String, Hashable, Sendable {
        /// Records are missing between what was folded and what came.
        case gap
        /// A record contradicts what was folded before it.
        case contradiction
        /// The file holds something that this code never writes.
        case corrupt
        /// The file was written by another version of the views.
        case version
        /// The disk has no room.
        case full
        /// SQLite, or the file system, reported another error.
        case database
    }

    /// What kind of failure it is.
    package let code: Code
    /// The file, table or record concerned.
    package let subject: String
    /// What was found, without payload values.
    package let cause: String
    /// The source file that noticed.
    package let file: String
    /// The line that noticed.
    package let line: UInt

    /// Makes a fault.
    package init(
        _ code: Code,
        subject: String,
        cause: String,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.code = code
        self.subject = subject
        self.cause = cause
        self.file = "\(file)"
        self.line = line
    }

    /// What the operator can do; views can be made again, room cannot.
    package var nextStep: String {
        code == .full
            ? "make room, then start again"
            : "empty the views folder and start again: it is rebuilt"
    }

    /// One line for the log.
    package var description: String {
        "views: \(code.rawValue): \(subject): \(cause) (\(file):\(line))"
    }
}

/// A read that these views refuse, by name; never a silent scan and never a wrong answer.
package enum ViewRefusal: Error, Hashable, Sendable {
    /// No view holds a book with this id.
    case bookNotFound(BookID)
    /// The book is of another kind than the read is for.
    case bookKind(expected: BookKind, found: BookKind)
    /// No index serves this read; the text names it.
    case unsupported(String)
}

/// A record of the ledger: GRDB has a type of the same name.
typealias Record = TallyTypes.Record
