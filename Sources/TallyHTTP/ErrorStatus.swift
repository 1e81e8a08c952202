// SPDX-License-Identifier: Apache-2.0
//
// Everything else that can stop a request → status and code: a node that cannot take it, text that
// does not parse, a view that does not answer it, a fault. Faults are told to the log and never to
// the client. May import TallyTypes and TallyViews; the gateway calls it.

import TallyTypes
import TallyViews

extension Problem {
    /// What a client sees of a node that could not take the request.
    ///
    /// Nothing was recorded, but for `faulted`: then nobody knows.
    init(_ busy: Busy) {
        switch busy {
        case .queueFull:
            self.init(503, .internalError, "too many requests are waiting", retryAfterSeconds: 1)
        case .cacheFull:
            self.init(503, .internalError, "the cache is full", retryAfterSeconds: 1)
        case .staleTooOften:
            self.init(
                503,
                .internalError,
                "what the request rests on kept changing",
                retryAfterSeconds: 1
            )
        case .stopping:
            self.init(503, .internalError, "the node is stopping", retryAfterSeconds: 1)
        case .faulted:
            self.init(
                503,
                .internalError,
                "the node has stopped on a fault; whether this was recorded is not known: "
                    + "send it again with the same Idempotency-Key once the node is back",
                retryAfterSeconds: 1
            )
        case .tooLarge(let limit, let size, let max):
            let unit = limit.string.hasSuffix("per entry") ? "" : " bytes"
            self.init(413, .validation, "\(limit): \(size)\(unit), at most \(max)")
        case .keyCollision:
            // For ever, and not a matter of time: another try with the same key cannot help.
            self.init(409, .conflict, "two keys of the ledger's state have the same short form")
        }
    }

    /// What a client sees of a read that the views do not answer.
    init(_ refusal: ViewRefusal) {
        switch refusal {
        case .bookNotFound:
            self = .ledgerNotFound
        case .bookKind(let expected, let found):
            self = .validation("the book is of kind \(found.word), not \(expected.word)")
        case .unsupported(let what):
            self = .unsupported(what)
        }
    }

    /// What a client sees of any error, and whether the log must hear of it.
    static func of(_ error: any Error) -> (problem: Problem, isFault: Bool) {
        switch error {
        case let problem as Problem: (problem, false)
        case let malformed as Malformed: (.validation(malformed.description), false)
        case let busy as Busy: (Problem(busy), false)
        case let refusal as ViewRefusal: (Problem(refusal), false)
        case is CancellationError:
            (
                Problem(503, .internalError, "the node is stopping", retryAfterSeconds: 1),
                false
            )
        default:
            (Problem(500, .internalError, "the server failed; its log says why"), true)
        }
    }
}
