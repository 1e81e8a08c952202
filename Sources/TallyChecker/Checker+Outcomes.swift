// SPDX-License-Identifier: Apache-2.0
//
// The check of outcomes: each order is executed again and must end exactly as its record says.
// Imports TallyTypes and TallyCodec. Groups, which are judged as a whole, are in
// Checker+Groups.swift.

import TallyCodec
import TallyTypes

extension Checker {
    /// Judges the outcome of an order that committed, or that was refused by itself.
    mutating func judgeAlone(_ step: Step) {
        guard state.books[step.book].brokenAt == nil else { return }
        var newBook = BookID.system
        if case .committed(.bookCreated(let id)) = step.record.outcome {
            newBook = id
            guard state.position(of: id) == nil else {
                refuteOutcome(step, "the new book's id is taken")
                return
            }
        }
        let hasClaims = state.books[step.book].hasClaims
        if let detail = objection(to: step, in: step.book, newBook, hasClaims: hasClaims) {
            state.rollBack(to: 0)
            refuteOutcome(step, detail)
        } else {
            compareSeal(step)
        }
        state.settle()
    }

    /// Why the recorded outcome is not what the rules give; nil, with the state changed, if it is.
    mutating func objection(
        to step: Step,
        in book: Int,
        _ newBook: BookID,
        hasClaims: Bool
    ) -> String? {
        let recorded = step.record.outcome
        switch recorded {
        case .refused(.bookNotFound(let name)):
            return objection(toUnknown: name, step)
        case .refused(.idempotencyConflict):
            if state.books[book].isDeleted { return "its book was deleted" }
            return hasClaims ? nil : "no key of its book was ever claimed"
        case .refused, .committed:
            let computed = evaluate(step, in: book, newBook)
            return computed == recorded ? nil : mismatch(computed, recorded)
        }
    }

    private mutating func evaluate(_ step: Step, in book: Int, _ newBook: BookID) -> Outcome {
        state.evaluate(
            step.record.order,
            Place(
                book: book,
                time: step.record.time,
                index: step.place.index,
                newBook: newBook,
                event: step.event
            )
        )
    }

    private func objection(toUnknown name: Text, _ step: Step) -> String? {
        guard let name = BookName(name.string) else { return "no book can have this name" }
        guard step.record.book == .system else { return "not recorded in the system book" }
        if step.record.order.kind.bookKind == .system { return "the system book is always found" }
        return state.names[name] == nil ? nil : "a book has this name"
    }

    /// Names both outcomes by their kinds, without payload values.
    func mismatch(_ computed: Outcome, _ recorded: Outcome) -> String {
        let (left, right) = (noun(computed), noun(recorded))
        return left == right
            ? "the rules give \(left) with other details"
            : "the rules give \(left), the record says \(right)"
    }

    private func noun(_ outcome: Outcome) -> String {
        switch outcome {
        case .committed(.recorded): "committed"
        case .committed(.bookCreated): "a created book"
        case .committed(.logged): "a logged change"
        case .committed(.transaction): "a transaction"
        case .refused(let refusal): "refusal \(refusal.number)"
        }
    }

    /// Keeps the finding, and replays nothing more in the book.
    mutating func refuteOutcome(_ step: Step, _ detail: String, _ reason: Reason = .outcome) {
        refute(.outcomes, reason, detail, step.place, book: step.record.book)
        state.breakBook(step.book, at: step.place.index)
    }
}
