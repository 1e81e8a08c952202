// SPDX-License-Identifier: Apache-2.0
//
// The part of the accounts fold that moves money: current volumes
// in the cache, rows of moves. Imports GRDB; AccountsFold.swift calls it once per transaction and
// once per run.

import GRDB
import TallyTypes

extension AccountsFold {
    /// Touches up to this many are searched one by one, more by a dictionary.
    private static var linearSearchMax: Int { 8 }

    /// Rows that one statement inserts.
    private static var rowsPerStatement: Int { 32 }

    /// Adds postings to the volumes, notes what was touched, and returns the postings as bytes.
    mutating func move(_ body: TransactionBody, _ record: Record) throws -> [UInt8] {
        touched.removeAll(keepingCapacity: true)
        var offsets: [Int: Int] = [:]
        var writer = BlobWriter(capacity: body.postings.count * 12)
        for posting in body.postings {
            let asset = try use(posting.asset, at: body.timestamp)
            let source = try use(posting.source, at: body.timestamp, record)
            let destination = try use(posting.destination, at: body.timestamp, record)
            writer.append(number: UInt64(source))
            writer.append(number: UInt64(destination))
            writer.append(number: UInt64(cache.assets[asset].id))
            writer.append(amount: posting.amount)
            let giver = try touch(source, asset, &offsets)
            touched[giver].output = try sum(touched[giver].output, posting.amount, record)
            let taker = try touch(destination, asset, &offsets)
            touched[taker].input = try sum(touched[taker].input, posting.amount, record)
        }
        for touch in touched { try settle(touch, record) }
        return writer.bytes
    }

    /// Keeps a row per account and asset that was touched, chained to the one before it.
    mutating func keepMoves(_ id: TransactionID, _ time: BusinessTime) {
        for touch in touched {
            moveCount += 1
            let slot = cache.slots[touch.place]
            let usage = slot.usage ?? time...time
            let latest = max(usage.upperBound, time)
            moves.append(
                Move(
                    id: moveCount,
                    key: slot.key,
                    transaction: id,
                    time: time,
                    latest: latest,
                    previous: slot.lastMove,
                    volume: slot.volume
                )
            )
            cache.slots[touch.place].usage = min(usage.lowerBound, time)...latest
            cache.slots[touch.place].lastMove = moveCount
        }
    }

    /// Writes the moves of the run.
    mutating func writeMoves() throws {
        try insertRows(of: moves, into: "moves", columns: 9) { statement, first, move in
            try statement.bind(first, move.id)
            try statement.bind(first + 1, move.key.account)
            try statement.bind(first + 2, move.key.asset)
            try statement.bind(first + 3, number: move.transaction.rawValue)
            try statement.bind(first + 4, move.time.microseconds)
            try statement.bind(first + 5, move.latest.microseconds)
            try statement.bind(first + 6, move.previous)
            try statement.bind(first + 7, amount: move.volume.input)
            try statement.bind(first + 8, amount: move.volume.output)
        }
        moves = []
    }

    /// Writes the logs of the run.
    mutating func writeLogs() throws {
        try insertRows(of: logs, into: "logs", columns: 5) { statement, first, log in
            try statement.bind(first, number: log.id.rawValue)
            try statement.bind(first + 1, number: log.record.rawValue)
            try statement.bind(first + 2, Int64(log.kind.rawValue))
            try statement.bind(first + 3, number: log.date.microseconds)
            try statement.bind(first + 4, log.idempotency.map { .blob($0.bytes) } ?? .null)
        }
        logs = []
    }

    // Many rows per statement save most of the cost of a statement; what is left over goes one by
    // one.
    private func insertRows<Row>(
        of rows: [Row],
        into table: String,
        columns: Int,
        bind: (borrowing PreparedStatement, _ first: Int32, Row) throws -> Void
    ) throws {
        let marks = "(" + [String](repeating: "?", count: columns).joined(separator: ", ") + ")"
        let many = [String](repeating: marks, count: AccountsFold.rowsPerStatement)
            .joined(separator: ", ")
        let block = try PreparedStatement(database, "INSERT INTO \(table) VALUES \(many)")
        let single = try PreparedStatement(database, "INSERT INTO \(table) VALUES \(marks)")
        let blocks = rows.count / AccountsFold.rowsPerStatement * AccountsFold.rowsPerStatement
        for (offset, row) in rows.enumerated() {
            guard offset < blocks else {
                try bind(single, 1, row)
                try single.run()
                continue
            }
            let place = offset % AccountsFold.rowsPerStatement
            try bind(block, Int32(place * columns + 1), row)
            if place == AccountsFold.rowsPerStatement - 1 { try block.run() }
        }
    }

    /// Writes the volumes that changed since the last time, in the table's order.
    mutating func writeVolumes() throws {
        let statement = try PreparedStatement(
            database,
            "INSERT OR REPLACE INTO volumes VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        let slots = dirty.map { cache.slots[$0] }.sorted { $0.key < $1.key }
        for slot in slots {
            try statement.bind(1, slot.key.account)
            try statement.bind(2, slot.key.asset)
            try statement.bind(3, amount: slot.volume.input)
            try statement.bind(4, amount: slot.volume.output)
            try statement.bind(5, slot.usage.map { .integer($0.lowerBound.microseconds) } ?? .null)
            try statement.bind(6, slot.usage.map { .integer($0.upperBound.microseconds) } ?? .null)
            try statement.bind(7, slot.lastMove)
            try statement.run()
        }
        for place in dirty { cache.slots[place].isDirty = false }
        dirty = []
    }

    /// Writes the totals of the assets that were used since the last time.
    func writeAssets() throws {
        let statement = try PreparedStatement(
            database,
            "INSERT OR REPLACE INTO assets VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        for place in cache.assets.indices where cache.assets[place].isDirty {
            let totals = cache.assets[place]
            try statement.bind(1, totals.id)
            try statement.bind(2, text: totals.asset.text)
            try statement.bind(3, totals.firstUsage.microseconds)
            try statement.bind(4, amount: totals.input.low)
            try statement.bind(5, number: totals.input.carries)
            try statement.bind(6, amount: totals.output.low)
            try statement.bind(7, number: totals.output.carries)
            try statement.run()
            cache.assets[place].isDirty = false
        }
    }

    private mutating func touch(
        _ account: Int64,
        _ asset: Int,
        _ offsets: inout [Int: Int]
    ) throws -> Int {
        let place = try place(of: account, asset)
        if touched.count <= AccountsFold.linearSearchMax {
            if let found = touched.firstIndex(where: { $0.place == place }) { return found }
        } else {
            for known in offsets.count..<touched.count { offsets[touched[known].place] = known }
            if let found = offsets[place] { return found }
        }
        touched.append(Touch(place: place))
        return touched.count - 1
    }

    private func place(of account: Int64, _ asset: Int) throws -> Int {
        let key = VolumeKey(account: account, asset: cache.assets[asset].id)
        if let place = cache.places[key] { return place }
        let slot = try findVolume(key, asset)
        let place = cache.slots.count
        cache.places[key] = place
        cache.slots.append(slot)
        return place
    }

    private func findVolume(_ key: VolumeKey, _ asset: Int) throws -> AccountsCache.Slot {
        var slot = AccountsCache.Slot(key: key, asset: asset, volume: .zero, lastMove: 0)
        let row = try PreparedStatement(
            database,
            """
            SELECT input, output, first_usage, last_usage, last_move FROM volumes
            WHERE account = ? AND asset = ?
            """
        )
        try row.bind(1, key.account)
        try row.bind(2, key.asset)
        if try row.step() { try fill(&slot, from: row) }
        return slot
    }

    private func fill(
        _ slot: inout AccountsCache.Slot,
        from row: borrowing PreparedStatement
    ) throws {
        slot.volume.input = try row.amount(0)
        slot.volume.output = try row.amount(1)
        let first = BusinessTime(microseconds: try row.integer(2))
        let last = BusinessTime(microseconds: try row.integer(3))
        guard first <= last else { throw row.corrupt(2, "first used after its last use") }
        slot.usage = first...last
        slot.lastMove = try row.integer(4)
    }

    private mutating func settle(_ touch: Touch, _ record: Record) throws {
        var slot = cache.slots[touch.place]
        slot.volume.input = try sum(slot.volume.input, touch.input, record)
        slot.volume.output = try sum(slot.volume.output, touch.output, record)
        if !slot.isDirty { dirty.append(touch.place) }
        slot.isDirty = true
        cache.slots[touch.place] = slot
        cache.assets[slot.asset].input.add(touch.input)
        cache.assets[slot.asset].output.add(touch.output)
        cache.assets[slot.asset].isDirty = true
    }

    private func sum(_ left: Amount, _ right: Amount, _ record: Record) throws -> Amount {
        let (sum, overflow) = left.addingReportingOverflow(right)
        guard !overflow else { throw contradiction(record, "a volume of 257 bits") }
        return sum
    }
}
