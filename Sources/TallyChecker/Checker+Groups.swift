// SPDX-License-Identifier: Apache-2.0
//
// The check of groups: orders that commit or are refused together. Imports TallyTypes.
//
// Records say position and count. Orders whose idempotency key had been claimed before the group
// leave no record, so positions may be missing, but only in a ledger in which some key was
// claimed. For the same reason a group that ends early and one that begins late can look like one
// group; where one part is committed and the next refused, they are taken for two, and a note says
// so.
//
// In a refused group the orders before the refusing one are executed for the sake of its reason,
// then taken back. An order that equals an earlier one of the group may have been a replay of it,
// which its record no longer shows: the reason must then follow with it or without it.

import TallyTypes

/// The group whose records are being read.
struct OpenGroup {
    let count: UInt64
    let isCommitted: Bool
    var last: UInt64
    var lastStep: Step
    /// The steps of a refused group; none of a committed one, which were judged as they came.
    var steps: [Step] = []
}

extension Checker {
    /// The most orders of a group for which every choice of replays is tried.
    private static let replayChoicesMax = 6

    /// Judges a record's outcome, now or at the end of its group.
    mutating func judge(_ step: Step) {
        guard let group = step.record.group else {
            settleGroup()
            judgeAlone(step)
            return
        }
        if !extendGroup(step, group) {
            openGroup(step, group)
        }
        if step.record.isCommitted {
            judgeAlone(step)
        } else {
            openGroup?.steps.append(step)
        }
    }

    /// Extends the open group; false when the record begins another one.
    private mutating func extendGroup(_ step: Step, _ group: GroupPosition) -> Bool {
        guard let open = openGroup, open.count == group.count, open.last < group.position else {
            return false
        }
        guard open.isCommitted == step.record.isCommitted else {
            if claims.isEmpty {
                refuteOutcome(step, "a group is both committed and refused", .group)
            } else {
                findings.note("record \(step.place.index) was taken to begin another group")
            }
            return false
        }
        if claims.isEmpty, group.position != open.last + 1 {
            refuteOutcome(step, "position \(open.last + 1) of its group is missing", .group)
        }
        openGroup?.last = group.position
        openGroup?.lastStep = step
        return true
    }

    private mutating func openGroup(_ step: Step, _ group: GroupPosition) {
        settleGroup()
        if claims.isEmpty, group.position != 0 {
            refuteOutcome(step, "position 0 of its group is missing", .group)
        }
        openGroup = OpenGroup(
            count: group.count,
            isCommitted: step.record.isCommitted,
            last: group.position,
            lastStep: step
        )
    }

    /// Ends the open group, and judges it when it was refused.
    mutating func settleGroup() {
        guard let group = openGroup else { return }
        openGroup = nil
        if claims.isEmpty, group.last + 1 != group.count {
            refuteOutcome(
                group.lastStep,
                "its group ends at position \(group.last) of \(group.count)",
                .group
            )
        }
        if !group.steps.isEmpty {
            judgeRefused(group.steps)
        }
    }

    private mutating func judgeRefused(_ steps: [Step]) {
        guard steps.allSatisfy({ state.books[$0.book].brokenAt == nil }) else { return }
        let refusing = steps.indices.filter { rolledBackBy(steps[$0]) == nil }
        guard let at = refusing.first, refusing.count == 1 else {
            refuteAll(
                steps,
                "\(refusing.count) orders of a refused group have a reason of their own"
            )
            return
        }
        let position = steps[at].record.group?.position
        for step in steps where rolledBackBy(step) != nil && rolledBackBy(step) != position {
            refuteAll([step], "it blames another order than the one that was refused")
            return
        }
        if let detail = objection(toGroup: steps[..<at], refusedBy: steps[at]) {
            refuteOutcome(steps[at], detail)
        }
    }

    private mutating func refuteAll(_ steps: [Step], _ detail: String) {
        for step in steps {
            refuteOutcome(step, detail, .group)
        }
    }

    private func rolledBackBy(_ step: Step) -> UInt64? {
        guard case .refused(.groupRolledBack(let position)) = step.record.outcome else {
            return nil
        }
        return position
    }

    /// Why no choice of replays among the orders before it explains the refusal; nil when one does.
    private mutating func objection(
        toGroup before: ArraySlice<Step>,
        refusedBy step: Step
    ) -> String? {
        let repeated = before.indices.filter { at in
            before[..<at].contains {
                $0.record.order == before[at].record.order && $0.book == before[at].book
            }
        }
        var detail: String?
        for replayed in choices(of: repeated) {
            let objection = attempt(before, without: replayed, refusedBy: step)
            state.rollBack(to: 0)
            state.settle()
            guard let objection else { return nil }
            if detail == nil { detail = objection }
        }
        return detail
    }

    private func choices(of repeated: [Int]) -> [Set<Int>] {
        guard repeated.count <= Checker.replayChoicesMax else { return [[], Set(repeated)] }
        return (0..<(1 << repeated.count)).map { mask in
            Set(repeated.enumerated().filter { mask >> $0.offset & 1 == 1 }.map(\.element))
        }
    }

    private mutating func attempt(
        _ before: ArraySlice<Step>,
        without replayed: Set<Int>,
        refusedBy step: Step
    ) -> String? {
        var created: [Int] = []
        for at in before.indices where !replayed.contains(at) {
            let earlier = before[at]
            let books = state.books.count
            let place = Place(
                book: book(of: earlier, created),
                time: earlier.record.time,
                index: earlier.place.index,
                newBook: BookID(.max, .max - UInt64(at)),
                event: earlier.event
            )
            guard case .committed = state.evaluate(earlier.record.order, place) else {
                return "an order before it in its group would have been refused first"
            }
            if state.books.count > books { created.append(books) }
        }
        let at = book(of: step, created)
        let hasClaims = state.books[at].hasClaims || before.contains { $0.book == step.book }
        let newBook = BookID(.max, .max - UInt64(before.endIndex))
        return objection(to: step, in: at, newBook, hasClaims: hasClaims)
    }

    /// The book of an order of a refused group, which may be one that its group would have made.
    private func book(of step: Step, _ created: [Int]) -> Int {
        let kind = step.record.order.kind.bookKind
        guard step.record.book == .system, kind != .system else { return step.book }
        let fitting = created.last { kind == nil || state.books[$0].kind == kind }
        return fitting ?? created.last ?? step.book
    }
}
