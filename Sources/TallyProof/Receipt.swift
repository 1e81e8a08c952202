// SPDX-License-Identifier: Apache-2.0
//
// Receipts: a record, its path to a root, and the signed checkpoint that holds this root. Two forms
// of one thing: JSON of our own, and the tlog-proof text that other people's tools read, beside
// which the record travels. Imports TallyCodec and TallyTypes; ReceiptCheck.swift judges them.
//
//     {"type":"tallystick-receipt/1","origin":…,"index":1,"record":base64,"proof":[base64…],
//      "checkpoint":text of the note,"openings":[{"at":[1],"salt":base64,"value":base64}]}
//
//     c2sp.org/tlog-proof@v1 LF
//     index 1 LF
//     base64 of a hash LF …                  (leaf to root)
//     LF
//     the note
//
// Nothing in a receipt is a key: one that brings its own key proves nothing.

import TallyCodec
package import TallyTypes

/// What a stranger needs to check that a record is in a log.
package struct Receipt: Hashable, Sendable {
    /// The word of the form.
    package static let type = "tallystick-receipt/1"
    /// The most bytes of either form.
    package static let bytesMax = 2 << 20
    /// The most hashes of a path.
    package static let pathMax = 63
    /// The most values that one receipt discloses.
    package static let openingsMax = 1_024
    private static let proofHeader = "c2sp.org/tlog-proof@v1"

    /// A value that a record commits to, disclosed.
    package struct Opening: Hashable, Sendable {
        /// A step into an item of the payload.
        package enum Step: Hashable, Sendable {
            /// A position of an array, or a number that is a key.
            case number(UInt64)
            /// A text that is a key.
            case text(Text)
        }

        /// The way from the payload to the commitment.
        package let at: [Step]
        /// The salt of the commitment, sixteen bytes.
        package let salt: [UInt8]
        /// The canonical bytes of the value.
        package let value: [UInt8]

        /// Makes an opening.
        package init(at: [Step], salt: [UInt8], value: [UInt8]) {
            self.at = at
            self.salt = salt
            self.value = value
        }
    }

    /// The name of the log.
    package let origin: String
    /// The index of the record.
    package let index: UInt64
    /// The bytes of the record.
    package let record: [UInt8]
    /// The hashes beside the way from the record to the root.
    package let path: [Digest]
    /// The bytes of the signed checkpoint.
    package let checkpoint: [UInt8]
    /// Values that whoever may disclose them has added.
    package let openings: [Opening]

    /// Makes a receipt.
    package init(
        origin: String,
        index: UInt64,
        record: [UInt8],
        path: [Digest],
        checkpoint: [UInt8],
        openings: [Opening] = []
    ) {
        self.origin = origin
        self.index = index
        self.record = record
        self.path = path
        self.checkpoint = checkpoint
        self.openings = openings
    }

    // MARK: - JSON

    /// Reads the JSON form; nothing is judged but the form.
    ///
    /// - Throws: ``EvidenceRefusal`` `receiptFormat`, or `base64` for a member that is not.
    package init(json bytes: [UInt8]) throws(EvidenceRefusal) {
        let value = try Receipt.reading { () throws(Malformed) in
            try JSONReader.parse(bytes, limits: JSONLimits(bytesMax: Receipt.bytesMax))
        }
        try self.init(value: value)
    }

    /// Reads the JSON form inside another document.
    ///
    /// - Throws: ``EvidenceRefusal`` `receiptFormat`, or `base64` for a member that is not.
    init(value: JSONValue) throws(EvidenceRefusal) {
        let fields = try Receipt.reading { () throws(Malformed) in try JSONFields(value) }
        try Receipt.refuseOthers(
            fields,
            than: ["type", "origin", "index", "record", "proof", "checkpoint", "openings"]
        )
        let (type, origin, index, record, proof, checkpoint, openings) = try Receipt.reading {
            () throws(Malformed) in
            (
                try fields.required("type", .string), try fields.required("origin", .string),
                try fields.required("index", .unsigned), try fields.required("record", .string),
                try fields.required("proof", .array(of: .string)),
                try fields.required("checkpoint", .string),
                try fields.present("openings", .array(of: .any)) ?? []
            )
        }
        guard type.string == Receipt.type else { throw Receipt.malformed("of an unknown type") }
        guard proof.count <= Receipt.pathMax, openings.count <= Receipt.openingsMax else {
            throw Receipt.malformed("with too long a path, or too many openings")
        }
        var path: [Digest] = []
        for text in proof { path.append(try Receipt.hash(text.utf8)) }
        var disclosed: [Opening] = []
        for value in openings { disclosed.append(try Receipt.opening(value)) }
        self.init(
            origin: origin.string,
            index: index,
            record: try Receipt.bytes(record.utf8, "record"),
            path: path,
            checkpoint: checkpoint.utf8,
            openings: disclosed
        )
    }

    /// The JSON form.
    package var json: [UInt8] {
        var writer = JSONWriter(style: .plain)
        write(to: &writer)
        return writer.bytes
    }

    /// Writes the JSON form inside another document.
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", Text(Receipt.type))
        writer.member("origin", Text(origin))
        writer.member("index", index)
        writer.member("record", Receipt.text(record))
        writer.key("proof")
        writer.beginArray()
        for hash in path { writer.string(Receipt.text(hash.bytes)) }
        writer.endArray()
        writer.member("checkpoint", Text(String(decoding: checkpoint, as: UTF8.self)))
        if !openings.isEmpty {
            writer.key("openings")
            writer.beginArray()
            for opening in openings { Receipt.write(opening, to: &writer) }
            writer.endArray()
        }
        writer.endObject()
    }

    private static func write(_ opening: Opening, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("at")
        writer.beginArray()
        for step in opening.at {
            switch step {
            case .number(let number): writer.unsigned(number)
            case .text(let text): writer.string(text)
            }
        }
        writer.endArray()
        writer.member("salt", text(opening.salt))
        writer.member("value", text(opening.value))
        writer.endObject()
    }

    private static func opening(_ value: JSONValue) throws(EvidenceRefusal) -> Opening {
        let fields = try reading { () throws(Malformed) in try JSONFields(value) }
        try refuseOthers(fields, than: ["at", "salt", "value"])
        let (steps, salt, disclosed) = try reading { () throws(Malformed) in
            (
                try fields.required("at", .array(of: step)), try fields.required("salt", .string),
                try fields.required("value", .string)
            )
        }
        return Opening(
            at: steps,
            salt: try bytes(salt.utf8, "salt"),
            value: try bytes(disclosed.utf8, "value")
        )
    }

    private static let step = JSONShape<Opening.Step> { (value, offset) throws(Malformed) in
        if case .string = value {
            return .text(try JSONShape<Text>.string.read(value, offset))
        }
        return .number(try JSONShape<UInt64>.unsigned.read(value, offset))
    }

    // MARK: - tlog-proof

    /// Reads the tlog-proof form of the receipt of a record.
    ///
    /// - Throws: ``EvidenceRefusal`` `receiptFormat`, or `base64`.
    package init(
        tlogProof bytes: [UInt8],
        record: [UInt8],
        of origin: String
    ) throws(EvidenceRefusal) {
        guard bytes.count <= Receipt.bytesMax, String(validating: bytes, as: UTF8.self) != nil
        else { throw Receipt.malformed("too long, or not UTF-8") }
        var rest = bytes[...]
        func line() -> ArraySlice<UInt8>? {
            guard let end = rest.firstIndex(of: 0x0A) else { return nil }
            defer { rest = rest[(end + 1)...] }
            return rest[..<end]
        }
        guard let header = line(), header.elementsEqual(Receipt.proofHeader.utf8) else {
            throw Receipt.malformed("without the header of a tlog-proof")
        }
        var next = line()
        if let extra = next, extra.starts(with: "extra ".utf8) {
            guard Base64.decode(extra.dropFirst(6)) != nil else {
                throw EvidenceRefusal(.base64, "extra")
            }
            next = line()
        }
        guard let number = next, number.starts(with: "index ".utf8),
            let index = CanonicalDecimal.read(number.dropFirst(6))
        else { throw Receipt.malformed("without its index") }
        var path: [Digest] = []
        while true {
            guard let text = line(), path.count < Receipt.pathMax || text.isEmpty else {
                throw Receipt.malformed("without the blank line behind its path")
            }
            if text.isEmpty { break }
            path.append(try Receipt.hash(Array(text)))
        }
        self.init(
            origin: origin,
            index: index,
            record: record,
            path: path,
            checkpoint: Array(rest)
        )
    }

    /// The tlog-proof form; openings and the record travel beside it.
    package var tlogProof: [UInt8] {
        var bytes = Array("\(Receipt.proofHeader)\nindex \(index)\n".utf8)
        for hash in path { bytes += Base64.encode(hash.bytes) + [0x0A] }
        return bytes + [0x0A] + checkpoint
    }

    // MARK: - Parts

    static func hash(_ text: [UInt8]) throws(EvidenceRefusal) -> Digest {
        guard let hash = Digest(try bytes(text, "proof")) else {
            throw malformed("with a hash that is not 32 bytes")
        }
        return hash
    }

    static func bytes(
        _ text: [UInt8],
        _ name: String
    ) throws(EvidenceRefusal) -> [UInt8] {
        guard let bytes = Base64.decode(text[...]) else { throw EvidenceRefusal(.base64, name) }
        return bytes
    }

    static func text(_ bytes: [UInt8]) -> Text {
        Text(String(decoding: Base64.encode(bytes), as: UTF8.self))
    }

    static func refuseOthers(
        _ fields: JSONFields,
        than known: Set<String>
    ) throws(EvidenceRefusal) {
        for member in fields.object.members where !known.contains(member.key.string) {
            throw malformed("with a member that it has not")
        }
    }

    static func reading<Value>(
        _ read: () throws(Malformed) -> Value
    ) throws(EvidenceRefusal) -> Value {
        do throws(Malformed) {
            return try read()
        } catch {
            throw malformed(error.description)
        }
    }

    static func malformed(_ reason: String) -> EvidenceRefusal {
        EvidenceRefusal(.receiptFormat, reason)
    }
}
