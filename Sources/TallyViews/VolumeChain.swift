// SPDX-License-Identifier: Apache-2.0
//
// Reads of moves. The moves of an account and asset are a chain from the last to the first, each
// with the latest business time up to it, so that a walk ends where nothing before can be later.
// Appending to a chain touches no old page, which an index by account would: for ten thousand
// accounts that was half the cost of a fold. Imports GRDB; the reads of transactions and accounts
// call it.

import GRDB
import TallyTypes

/// A volume under the numbers of its account and asset.
struct KeyedVolume {
    /// Whose it is.
    let key: VolumeKey
    /// Both sums.
    var volume: Volume
}

/// The chains of moves of an accounts view.
enum VolumeChain {
    /// One link.
    private struct Move {
        let transaction: UInt64
        let time: BusinessTime
        let latest: BusinessTime
        let previous: Int64
        let volume: Volume
    }

    /// The volumes after the moves with these numbers: those of one transaction.
    static func volumes(
        _ database: Database,
        _ moves: ClosedRange<Int64>
    ) throws -> [KeyedVolume] {
        let rows = try PreparedStatement(
            database,
            "SELECT account, asset, input, output FROM moves WHERE id >= ? AND id <= ? ORDER BY id"
        )
        try rows.bind(1, moves.lowerBound)
        try rows.bind(2, moves.upperBound)
        var volumes: [KeyedVolume] = []
        while try rows.step() {
            let key = VolumeKey(account: try rows.integer(0), asset: try rows.integer(1))
            let volume = Volume(input: try rows.amount(2), output: try rows.amount(3))
            volumes.append(KeyedVolume(key: key, volume: volume))
        }
        guard volumes.count == moves.count else {
            throw ViewFault(.corrupt, subject: "moves", cause: "a transaction without its moves")
        }
        return volumes
    }

    /// The volume after every move up to a business time and, at that time, up to a transaction.
    static func volume(
        _ database: Database,
        _ key: VolumeKey,
        through time: BusinessTime,
        _ id: TransactionID
    ) throws -> Volume {
        let row = try PreparedStatement(
            database,
            "SELECT last_move FROM volumes WHERE account = ? AND asset = ?"
        )
        try row.bind(1, key.account)
        try row.bind(2, key.asset)
        guard try row.step(), var move = try move(database, row.integer(0)) else {
            throw ViewFault(.corrupt, subject: "volumes", cause: "no volume for a move")
        }
        var volume = move.volume
        while !(move.latest < time || (move.latest == time && move.transaction <= id.rawValue)) {
            let before = try VolumeChain.move(database, move.previous)
            if (move.time, move.transaction) > (time, id.rawValue) {
                volume = try volume.subtracting(move.volume, before?.volume ?? .zero)
            }
            guard let before else { break }
            move = before
        }
        return volume
    }

    private static func move(_ database: Database, _ id: Int64) throws -> Move? {
        guard id != 0 else { return nil }
        let row = try PreparedStatement(
            database,
            "SELECT tx, timestamp, latest, previous, input, output FROM moves WHERE id = ?"
        )
        try row.bind(1, id)
        guard try row.step() else {
            throw ViewFault(.corrupt, subject: "moves", cause: "a chain that leads nowhere")
        }
        return Move(
            transaction: try row.number(0),
            time: BusinessTime(microseconds: try row.integer(1)),
            latest: BusinessTime(microseconds: try row.integer(2)),
            previous: try row.integer(3),
            volume: Volume(input: try row.amount(4), output: try row.amount(5))
        )
    }
}

extension Volume {
    /// This volume without what one move added: the difference of the volumes after and before it.
    fileprivate func subtracting(_ after: Volume, _ before: Volume) throws -> Volume {
        Volume(
            input: try difference(input, try difference(after.input, before.input)),
            output: try difference(output, try difference(after.output, before.output))
        )
    }
}

/// The difference of two amounts of which the first holds the second.
func difference(_ left: Amount, _ right: Amount) throws -> Amount {
    guard let difference = left.subtracting(right) else {
        throw ViewFault(.corrupt, subject: "volumes", cause: "less than the moves that made them")
    }
    return difference
}
