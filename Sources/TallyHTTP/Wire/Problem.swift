// SPDX-License-Identifier: Apache-2.0
//
// What a request is answered with when it is not done: status, code and one line. The only error
// that handlers throw on purpose; everything else that reaches the gateway is mapped by
// ErrorStatus.swift. May import TallyTypes. No text here carries a payload value.

package import TallyTypes

/// An error answer: status, code of the closed set, and one line for a person.
package struct Problem: Error, Hashable, Sendable {
    /// The status of the response.
    package let status: Int
    /// The code that programs read.
    package let code: ErrorCode
    /// One line for a person, without payload values.
    package let message: String
    /// After how many seconds another try makes sense; nil when none does.
    package let retryAfterSeconds: Int?
    /// The record that holds the refusal; nil when nothing was recorded.
    package let record: RecordIndex?

    /// Makes a problem.
    package init(
        _ status: Int,
        _ code: ErrorCode,
        _ message: String,
        retryAfterSeconds: Int? = nil,
        record: RecordIndex? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.record = record
    }

    /// A request that breaks a rule of form.
    package static func validation(_ message: String) -> Problem {
        Problem(400, .validation, message)
    }

    /// Something that the interface names and this build does not do.
    package static func unsupported(_ what: String) -> Problem {
        validation("not supported yet: \(what)")
    }

    /// Something that is not there.
    package static func notFound(_ what: String) -> Problem {
        Problem(404, .notFound, what)
    }

    /// A ledger that is not there, below `/v2/{ledger}/…`.
    package static let ledgerNotFound = Problem(404, .ledgerNotFound, "ledger not found")

    /// The views have not caught up with what was acknowledged.
    package static let viewsBehind = Problem(
        503,
        .internalError,
        "the views are behind the ledger; try again",
        retryAfterSeconds: 1
    )

    /// The same problem, with the record that holds it.
    package func recorded(at record: RecordIndex) -> Problem {
        Problem(
            status,
            code,
            message,
            retryAfterSeconds: retryAfterSeconds,
            record: record
        )
    }
}

/// The server itself failed: logged with its subject, answered without it.
package struct HTTPFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: String, Hashable, Sendable {
        /// The node answered in a shape that the question does not have.
        case answerShape
        /// A record that was acknowledged is not in the views that have caught up with it.
        case missingRow
        /// A record on disk cannot be read.
        case unreadableRecord
        /// A page could not be rendered.
        case template
        /// A route asked for a parameter that its template does not have.
        case parameter
    }

    /// What kind of failure it is.
    package let code: Code
    /// What it concerns.
    package let subject: String

    /// Makes a fault.
    package init(_ code: Code, _ subject: String) {
        self.code = code
        self.subject = subject
    }

    /// One line for the log.
    package var description: String { "http: \(code.rawValue): \(subject)" }
}
