// SPDX-License-Identifier: Apache-2.0
//
// Lots of one account as Beancount keeps them, and the choice of lots that a reduction takes.
// Standard library only; owned by BeancountBook. Costs serve to weigh reductions; the ledger gets
// units only.

/// What a lot cost, and what tells it from others of its currency.
struct LotCost: Hashable, Sendable {
    let perUnit: ExactDecimal
    let currency: String
    let date: CivilDate
    let label: String?
}

/// Some units, at a cost or without one.
struct Lot: Sendable {
    let currency: String
    let cost: LotCost?
    var units: ExactDecimal
}

/// Units taken from a lot.
struct LotShare: Sendable {
    let units: ExactDecimal
    let cost: LotCost
}

/// The lots of one account; they keep the order in which they came.
struct Inventory: Sendable {
    private struct Key: Hashable, Sendable {
        let currency: String
        let cost: LotCost?
    }

    private struct Row: Sendable {
        let order: Int
        var units: ExactDecimal
    }

    /// How many lots of a currency are above and below zero.
    private struct Signs: Sendable {
        var above = 0
        var below = 0
        var atCost = 0
    }

    private var rows: [Key: Row] = [:]
    private var signs: [String: Signs] = [:]
    private var nextOrder = 0

    /// Adds units to the lot of the same currency and cost; a lot that becomes empty is gone.
    mutating func add(
        _ units: ExactDecimal,
        of currency: String,
        cost: LotCost?
    ) throws(ArithmeticFailure) {
        guard !units.isZero else { return }
        let key = Key(currency: currency, cost: cost)
        guard let row = rows[key] else {
            rows[key] = Row(order: nextOrder, units: units)
            nextOrder += 1
            count(key, units, by: 1)
            return
        }
        let sum = try row.units.adding(units)
        count(key, row.units, by: -1)
        rows[key] = sum.isZero ? nil : Row(order: row.order, units: sum)
        if !sum.isZero { count(key, sum, by: 1) }
    }

    private mutating func count(_ key: Key, _ units: ExactDecimal, by step: Int) {
        var counts = signs[key.currency] ?? Signs()
        if units.isNegative { counts.below += step } else { counts.above += step }
        if key.cost != nil { counts.atCost += step }
        signs[key.currency] = counts
    }

    /// True when units of this sign meet units of the other sign.
    func isReduced(by units: ExactDecimal, of currency: String) -> Bool {
        guard !units.isZero, let counts = signs[currency] else { return false }
        return units.isNegative ? counts.above > 0 : counts.below > 0
    }

    /// True when a lot of the currency has a cost.
    func hasCost(of currency: String) -> Bool {
        signs[currency].map { $0.atCost > 0 } ?? false
    }

    /// The lots that a cost specification fits, in the order in which they came.
    func matches(_ spec: CostSpec, perUnit: ExactDecimal?, of currency: String) -> [Lot] {
        let fitting = rows.filter { key, _ in
            guard key.currency == currency, let cost = key.cost else { return false }
            if let perUnit, cost.perUnit != perUnit { return false }
            if let wanted = spec.currency, cost.currency != wanted { return false }
            if let wanted = spec.date, cost.date != wanted { return false }
            if let wanted = spec.label, cost.label != wanted { return false }
            return true
        }
        return fitting.sorted { $0.value.order < $1.value.order }.map { key, row in
            Lot(currency: key.currency, cost: key.cost, units: row.units)
        }
    }
}

/// Why lots could not be chosen.
enum LotFailure: Error {
    case ambiguous
    case notEnough
    case arithmetic(ArithmeticFailure)
}

extension BookingMethod {
    /// Returns the shares of the lots that a reduction takes.
    func choose(
        from lots: [Lot],
        reducing units: ExactDecimal
    ) throws(LotFailure) -> [LotShare] {
        switch self {
        case .strict, .unchecked: return try strictly(lots, units)
        case .strictWithSize: return try bySize(lots, units)
        case .fifo: return try inOrder(lots.indices.sorted { before(lots, $0, $1) }, lots, units)
        case .lifo: return try inOrder(lots.indices.sorted { later(lots, $0, $1) }, lots, units)
        case .hifo: return try inOrder(try byCost(lots), lots, units)
        }
    }

    private func exactly<Value>(
        _ work: () throws(ArithmeticFailure) -> Value
    ) throws(LotFailure) -> Value {
        do {
            return try work()
        } catch {
            throw .arithmetic(error)
        }
    }

    private func share(_ lot: Lot, _ units: ExactDecimal) throws(LotFailure) -> LotShare {
        guard let cost = lot.cost else { throw LotFailure.notEnough }
        return LotShare(units: units, cost: cost)
    }

    /// One lot that is large enough, or all of them exactly.
    private func strictly(_ lots: [Lot], _ units: ExactDecimal) throws(LotFailure) -> [LotShare] {
        if lots.count == 1 {
            let isEnough = try exactly { () throws(ArithmeticFailure) in
                try lots[0].units.absolute.compared(to: units.absolute) >= 0
            }
            guard isEnough else { throw LotFailure.notEnough }
            return [try share(lots[0], units)]
        }
        var total = ExactDecimal.zero
        for lot in lots {
            let before = total
            total = try exactly { () throws(ArithmeticFailure) in try before.adding(lot.units) }
        }
        guard total == units.negated else { throw LotFailure.ambiguous }
        var shares: [LotShare] = []
        for lot in lots { shares.append(try share(lot, lot.units.negated)) }
        return shares
    }

    /// As strict, but the oldest lot of exactly the wanted size settles an ambiguity.
    private func bySize(_ lots: [Lot], _ units: ExactDecimal) throws(LotFailure) -> [LotShare] {
        do {
            return try strictly(lots, units)
        } catch {
            let order = lots.indices.sorted { before(lots, $0, $1) }
            guard case .ambiguous = error,
                let index = order.first(where: { lots[$0].units == units.negated })
            else { throw error }
            return [try share(lots[index], units)]
        }
    }

    private func inOrder(
        _ order: [Int],
        _ lots: [Lot],
        _ units: ExactDecimal
    ) throws(LotFailure) -> [LotShare] {
        var shares: [LotShare] = []
        var rest = units.absolute
        for index in order where lots[index].units.isNegative != units.isNegative {
            guard !rest.isZero else { break }
            let held = lots[index].units.absolute
            let before = rest
            let (size, left) = try exactly { () throws(ArithmeticFailure) in
                let size = try held.compared(to: before) < 0 ? held : before
                return (size, try before.subtracting(size))
            }
            shares.append(try share(lots[index], units.isNegative ? size.negated : size))
            rest = left
        }
        guard rest.isZero else { throw LotFailure.notEnough }
        return shares
    }

    private func before(_ lots: [Lot], _ left: Int, _ right: Int) -> Bool {
        guard let first = lots[left].cost?.date, let second = lots[right].cost?.date else {
            return left < right
        }
        return (first, left) < (second, right)
    }

    private func later(_ lots: [Lot], _ left: Int, _ right: Int) -> Bool {
        guard let first = lots[left].cost?.date, let second = lots[right].cost?.date,
            first != second
        else { return left < right }
        return first > second
    }

    /// Dearest first; equal ones in the order in which they came.
    private func byCost(_ lots: [Lot]) throws(LotFailure) -> [Int] {
        var order: [Int] = []
        for index in lots.indices {
            guard let cost = lots[index].cost?.perUnit else { continue }
            var place = order.count
            while place > 0, let other = lots[order[place - 1]].cost?.perUnit,
                try exactly({ () throws(ArithmeticFailure) in try other.compared(to: cost) }) < 0
            {
                place -= 1
            }
            order.insert(index, at: place)
        }
        return order
    }
}
