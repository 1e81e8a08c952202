// SPDX-License-Identifier: Apache-2.0
//
// Turns the numbers that stand for accounts and assets back into names, each looked up once per
// read, and reads the postings that hold such numbers (the forms are in Blob.swift).
// Imports GRDB; the reads of accounts books call it.

import GRDB
import TallyTypes

/// The names behind the numbers of one accounts view, within one snapshot.
struct ViewNames {
    private let database: Database
    private var accounts: [Int64: AccountAddress] = [:]
    private var assets: [Int64: Asset] = [:]

    /// Starts without any.
    init(_ database: Database) {
        self.database = database
    }

    /// The address of the account with a number.
    mutating func account(_ id: Int64) throws -> AccountAddress {
        if let known = accounts[id] { return known }
        let row = try PreparedStatement(database, "SELECT address FROM accounts WHERE id = ?")
        try row.bind(1, id)
        guard try row.step() else {
            throw ViewFault(.corrupt, subject: "accounts", cause: "no account \(id)")
        }
        let address = try row.address(0)
        accounts[id] = address
        return address
    }

    /// The asset with a number.
    mutating func asset(_ id: Int64) throws -> Asset {
        if let known = assets[id] { return known }
        let row = try PreparedStatement(database, "SELECT name FROM assets WHERE id = ?")
        try row.bind(1, id)
        guard try row.step() else {
            throw ViewFault(.corrupt, subject: "assets", cause: "no asset \(id)")
        }
        let asset = try row.asset(0)
        assets[id] = asset
        return asset
    }

    /// Reads the postings of a transaction.
    mutating func postings(_ blob: [UInt8]) throws -> [Posting] {
        var reader = BlobReader(blob)
        var postings: [Posting] = []
        while !reader.isAtEnd {
            let (source, destination, asset, amount) = try blobFault("postings") {
                (
                    try reader.number(), try reader.number(), try reader.number(),
                    try reader.amount()
                )
            }
            postings.append(
                Posting(
                    source: try account(Int64(bitPattern: source)),
                    destination: try account(Int64(bitPattern: destination)),
                    asset: try self.asset(Int64(bitPattern: asset)),
                    amount: amount
                )
            )
        }
        return postings
    }

    /// Names a volume.
    mutating func named(_ key: VolumeKey, _ volume: Volume) throws -> AccountVolume {
        AccountVolume(
            account: try account(key.account),
            asset: try asset(key.asset),
            volume: volume
        )
    }
}

/// Turns bytes that do not parse into a fault: the view wrote them itself.
private func blobFault<Value>(_ column: String, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let malformed as Malformed {
        let subject = "transactions.\(column)"
        throw ViewFault(.corrupt, subject: subject, cause: malformed.description)
    }
}
