// SPDX-License-Identifier: Apache-2.0
//
// Balance receipts: what an account had when the ledger was sealed, or that it had nothing, for a
// stranger with the log's key. docs/formats/seal.md. Imports TallyCodec and TallyTypes.
//
//     {"type":"tallystick-balance/1","key":base64,"rows":[{"position":3,"key":base64,
//      "value":base64,"proof":[base64…]}],"seal":{the receipt of the log.seal record}}
//
// `key` is the key of the state that was asked for. One row with this key shows its balance. Rows
// that lie side by side around it, or one at the edge, or none in a seal without balances, show
// that there is none.

import TallyCodec
package import TallyTypes

/// A balance under a seal, or its absence.
package struct BalanceReceipt: Hashable, Sendable {
    /// The word of the form.
    package static let type = "tallystick-balance/1"
    /// The most bytes of the form.
    package static let bytesMax = 4 << 20

    /// A row of the sealed balances.
    package struct Row: Hashable, Sendable {
        /// The position, from 0.
        package let position: UInt64
        /// The canonical bytes of its key.
        package let key: [UInt8]
        /// The canonical bytes of its value.
        package let value: [UInt8]
        /// The hashes beside the way to the root.
        package let path: [Digest]

        /// Makes a row.
        package init(position: UInt64, key: [UInt8], value: [UInt8], path: [Digest]) {
            self.position = position
            self.key = key
            self.value = value
            self.path = path
        }
    }

    /// What a balance receipt proves.
    package struct Proof: Hashable, Sendable {
        /// The book.
        package let book: BookID
        /// What the balance is of.
        package let asset: Asset
        /// Whose it is.
        package let account: AccountAddress
        /// What the account received and gave; nil when it had no balance.
        package let volume: Volume?
        /// The seal.
        package let seal: LogSeal
        /// What the seal's own receipt proves.
        package let sealed: ReceiptProof
    }

    /// The canonical bytes of the key that was asked for.
    package let key: [UInt8]
    /// The row with this key, or its neighbours.
    package let rows: [Row]
    /// The receipt of the record that seals.
    package let seal: Receipt

    /// Makes a receipt.
    package init(key: [UInt8], rows: [Row], seal: Receipt) {
        self.key = key
        self.rows = rows
        self.seal = seal
    }

    // MARK: - JSON

    /// True for a JSON object whose type says that it is a balance receipt, whatever else it holds.
    package static func isNamed(by bytes: [UInt8]) -> Bool {
        do throws(Malformed) {
            let limits = JSONLimits(bytesMax: BalanceReceipt.bytesMax)
            let fields = try JSONFields(try JSONReader.parse(bytes, limits: limits))
            return try fields.required("type", .string).string == BalanceReceipt.type
        } catch {
            return false  // the caller reads it as what else it may be, and names what is wrong
        }
    }

    /// Reads the JSON form; nothing is judged but the form.
    ///
    /// - Throws: ``EvidenceRefusal`` `receiptFormat` or `base64`.
    package init(json bytes: [UInt8]) throws(EvidenceRefusal) {
        let fields = try Receipt.reading { () throws(Malformed) in
            let limits = JSONLimits(bytesMax: BalanceReceipt.bytesMax)
            return try JSONFields(try JSONReader.parse(bytes, limits: limits))
        }
        try Receipt.refuseOthers(fields, than: ["type", "key", "rows", "seal"])
        let (type, key, rows, seal) = try Receipt.reading { () throws(Malformed) in
            (
                try fields.required("type", .string), try fields.required("key", .string),
                try fields.required("rows", .array(of: .any)), try fields.required("seal", .any)
            )
        }
        guard type.string == BalanceReceipt.type else {
            throw Receipt.malformed("of an unknown type")
        }
        guard rows.count <= 2 else { throw Receipt.malformed("with more than two rows") }
        var parsed: [Row] = []
        for row in rows { parsed.append(try BalanceReceipt.row(row)) }
        self.init(
            key: try Receipt.bytes(key.utf8, "key"),
            rows: parsed,
            seal: try Receipt(value: seal)
        )
    }

    private static func row(_ value: JSONValue) throws(EvidenceRefusal) -> Row {
        let fields = try Receipt.reading { () throws(Malformed) in try JSONFields(value) }
        try Receipt.refuseOthers(fields, than: ["position", "key", "value", "proof"])
        let (position, key, held, proof) = try Receipt.reading { () throws(Malformed) in
            (
                try fields.required("position", .unsigned), try fields.required("key", .string),
                try fields.required("value", .string),
                try fields.required("proof", .array(of: .string))
            )
        }
        guard proof.count <= Receipt.pathMax else {
            throw Receipt.malformed("with too long a path")
        }
        var path: [Digest] = []
        for text in proof { path.append(try Receipt.hash(text.utf8)) }
        return Row(
            position: position,
            key: try Receipt.bytes(key.utf8, "key"),
            value: try Receipt.bytes(held.utf8, "value"),
            path: path
        )
    }

    /// The JSON form.
    package var json: [UInt8] {
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("type", Text(BalanceReceipt.type))
        writer.member("key", Receipt.text(key))
        writer.key("rows")
        writer.beginArray()
        for row in rows {
            writer.beginObject()
            writer.member("position", row.position)
            writer.member("key", Receipt.text(row.key))
            writer.member("value", Receipt.text(row.value))
            writer.key("proof")
            writer.beginArray()
            for hash in row.path { writer.string(Receipt.text(hash.bytes)) }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        writer.key("seal")
        seal.write(to: &writer)
        writer.endObject()
        return writer.bytes
    }

    // MARK: - Check

    /// Checks everything that the receipt says.
    ///
    /// - Throws: ``EvidenceRefusal``: the seal's own receipt first, then `balanceProof` with what
    ///   does not hold.
    package func check(_ policy: ReceiptPolicy) throws(EvidenceRefusal) -> Proof {
        let sealed = try seal.check(policy)
        let asked = try BalanceReceipt.decoded { () throws(Malformed) in
            try StateCodec.decodeKey(key)
        }
        guard case .volume(let book, let asset, let account) = asked else {
            throw BalanceReceipt.no("the key is of no balance")
        }
        let record = try BalanceReceipt.decoded { () throws(Malformed) in
            try RecordCodec.parse(seal.record[...])
        }
        guard case .whole(let record) = record, case .sealLog(let seal) = record.order,
            record.isCommitted
        else { throw BalanceReceipt.no("its record is no seal") }
        for row in rows {
            let proof = InclusionProof(
                index: row.position,
                size: seal.balances.count,
                path: row.path
            )
            let leaf = Hashing.leaf(SealBuilder.leafInput(key: row.key, value: row.value))
            guard proof.holds(leaf: leaf, root: seal.balances.root) else {
                throw BalanceReceipt.no("the path of row \(row.position) leads to another root")
            }
        }
        return Proof(
            book: book,
            asset: asset,
            account: account,
            volume: try volume(under: seal),
            seal: seal,
            sealed: sealed
        )
    }

    private func volume(under seal: LogSeal) throws(EvidenceRefusal) -> Volume? {
        if let row = rows.first, rows.count == 1, row.key == key {
            let value = try BalanceReceipt.decoded { () throws(Malformed) in
                try StateCodec.decodeValue(kind: .volume, row.value)
            }
            guard case .volume(let volume) = value else {
                throw BalanceReceipt.no("its row is no balance")
            }
            return volume
        }
        guard showsAbsence(among: seal.balances) else {
            throw BalanceReceipt.no("its rows do not show that the balance is absent")
        }
        return nil
    }

    private func showsAbsence(among balances: SealedRows) -> Bool {
        if rows.isEmpty { return balances.count == 0 && balances.root == CompactRange.emptyRoot }
        if rows.count == 2 {
            return rows[0].position + 1 == rows[1].position
                && rows[0].key.lexicographicallyPrecedes(key)
                && key.lexicographicallyPrecedes(rows[1].key)
        }
        let row = rows[0]
        if row.position == 0, key.lexicographicallyPrecedes(row.key) { return true }
        return row.position == balances.count - 1 && row.key.lexicographicallyPrecedes(key)
    }

    private static func decoded<Value>(
        _ read: () throws(Malformed) -> Value
    ) throws(EvidenceRefusal) -> Value {
        do throws(Malformed) {
            return try read()
        } catch {
            throw no(error.description)
        }
    }

    private static func no(_ reason: String) -> EvidenceRefusal {
        EvidenceRefusal(.balanceProof, reason)
    }
}
