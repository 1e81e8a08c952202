// SPDX-License-Identifier: Apache-2.0
//
// The proof that a log showed two histories: one file that convinces whoever has the log's public
// key. Imports TallyCodec and TallyTypes; `tally compare` writes it, `tally fork-report verify`
// judges it. Three forms, of two members each that the log signed:
//
//     {"type":"tallystick-fork/1","origin":…,"checkpoints":[note,note]}                one size
//     {"type":"tallystick-fork/1","origin":…,"checkpoints":[note,note],
//      "root":base64,"proof":[base64…]}                                              two sizes
//     {"type":"tallystick-fork/1","origin":…,"receipts":[receipt,receipt]}          one index
//
// In the second, the first note counts fewer records, and the proof shows that the tree of the
// second begins with a tree of that many records and another root, the one that is given.
//
// Like a receipt, it holds no key: whoever judges it brings the log's.

import TallyCodec
package import TallyTypes

/// Two things that one log signed and that contradict each other.
package struct ForkReport: Hashable, Sendable {
    /// The word of the form.
    package static let type = "tallystick-fork/1"
    /// The most bytes of a report.
    package static let bytesMax = 5 << 20

    /// What contradicts what.
    package enum Sides: Hashable, Sendable {
        /// Two signed notes of one size.
        case oneSize([UInt8], [UInt8])
        /// Two signed notes, and what the larger one's tree has at the size of the smaller.
        case twoSizes([UInt8], [UInt8], root: Digest, path: [Digest])
        /// Two receipts of one index.
        case receipts(Receipt, Receipt)
    }

    /// The name of the log.
    package let origin: String
    /// The two sides.
    package let sides: Sides

    /// Makes a report; ``check(_:)`` judges it.
    package init(origin: String, sides: Sides) {
        self.origin = origin
        self.sides = sides
    }

    /// Reads a report; nothing is judged but the form.
    ///
    /// - Throws: ``EvidenceRefusal`` `forkFormat`, `receiptFormat`, or `base64`.
    package init(json bytes: [UInt8]) throws(EvidenceRefusal) {
        let limits = JSONLimits(bytesMax: ForkReport.bytesMax)
        let fields: JSONFields
        let (type, origin): (Text, Text)
        do throws(Malformed) {
            fields = try JSONFields(try JSONReader.parse(bytes, limits: limits))
            type = try fields.required("type", .string)
            origin = try fields.required("origin", .string)
        } catch {
            throw ForkReport.malformed(error.description)
        }
        guard type.string == ForkReport.type else { throw ForkReport.malformed("unknown type") }
        let names = fields.object.members.map(\.key.string).sorted()
        self.origin = origin.string
        switch names {
        case ["checkpoints", "origin", "type"]:
            let notes = try ForkReport.pair(fields, "checkpoints", .string)
            sides = .oneSize(notes.0.utf8, notes.1.utf8)
        case ["checkpoints", "origin", "proof", "root", "type"]:
            let notes = try ForkReport.pair(fields, "checkpoints", .string)
            let (root, proof) = try ForkReport.reading { () throws(Malformed) in
                (
                    try fields.required("root", .string),
                    try fields.required("proof", .array(of: .string))
                )
            }
            guard proof.count <= AddCheckpoint.pathMax else {
                throw ForkReport.malformed("too long a proof")
            }
            var path: [Digest] = []
            for text in proof { path.append(try ForkReport.hash(text, "proof")) }
            sides = .twoSizes(
                notes.0.utf8,
                notes.1.utf8,
                root: try ForkReport.hash(root, "root"),
                path: path
            )
        case ["origin", "receipts", "type"]:
            let values = try ForkReport.pair(fields, "receipts", .any)
            sides = .receipts(try Receipt(value: values.0), try Receipt(value: values.1))
        default:
            throw ForkReport.malformed("members that a fork report has not, or too few")
        }
    }

    /// The JSON form.
    package var json: [UInt8] {
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("type", Text(ForkReport.type))
        writer.member("origin", Text(origin))
        switch sides {
        case .oneSize(let one, let other):
            ForkReport.write([one, other], to: &writer)
        case .twoSizes(let one, let other, let root, let path):
            ForkReport.write([one, other], to: &writer)
            writer.member("root", ForkReport.base64(root))
            writer.key("proof")
            writer.beginArray()
            for hash in path { writer.string(ForkReport.base64(hash)) }
            writer.endArray()
        case .receipts(let one, let other):
            writer.key("receipts")
            writer.beginArray()
            one.write(to: &writer)
            other.write(to: &writer)
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes
    }

    /// Judges the report; only keys of the log that it names count.
    ///
    /// - Returns: What was shown, in one line for people.
    /// - Throws: ``EvidenceRefusal`` with the first check that said no; `forkProof` when the two
    ///   sides do not contradict each other.
    package func check(_ trusted: [VerifierKey]) throws(EvidenceRefusal) -> String {
        let keys = trusted.filter { $0.type == .log && $0.id.name.text == origin }
        switch sides {
        case .oneSize(let one, let other):
            let (a, b) = (try open(one, keys), try open(other, keys))
            guard a.size == b.size else { throw ForkReport.none("two sizes, and no proof") }
            guard a.root != b.root else { throw ForkReport.none("one checkpoint twice") }
            return "\(origin) signed two roots of \(a.size) records: \(a.root) and \(b.root)"
        case .twoSizes(let one, let other, let root, let path):
            let (a, b) = (try open(one, keys), try open(other, keys))
            guard a.size > 0, a.size < b.size else {
                throw ForkReport.none("the first does not count fewer records")
            }
            let proof = ConsistencyProof(oldSize: a.size, newSize: b.size, path: path)
            guard proof.holds(oldRoot: root, newRoot: b.root) else {
                throw ForkReport.none("the proof does not hold")
            }
            guard a.root != root else { throw ForkReport.none("the second continues the first") }
            return "\(origin) signed \(a.size) records with root \(a.root), and \(b.size) records "
                + "whose first \(a.size) have root \(root)"
        case .receipts(let one, let other):
            let policy = ReceiptPolicy(logKeys: keys)
            for receipt in [one, other] {
                guard receipt.origin == origin else {
                    throw EvidenceRefusal(.origin, "a receipt of another log")
                }
                _ = try receipt.check(policy)
            }
            guard one.index == other.index else { throw ForkReport.none("two indexes") }
            guard one.record != other.record else { throw ForkReport.none("one record twice") }
            return "\(origin) signed two records at index \(one.index): "
                + "leaf hashes \(one.leaf) and \(other.leaf)"
        }
    }

    private func open(_ note: [UInt8], _ keys: [VerifierKey]) throws(EvidenceRefusal) -> Checkpoint
    {
        try Checkpoint.open(try SignedNote(note), of: origin, keys: keys)
    }

    // MARK: - Parts

    private static func pair<Value>(
        _ fields: JSONFields,
        _ name: String,
        _ shape: JSONShape<Value>
    ) throws(EvidenceRefusal) -> (Value, Value) {
        let values = try reading { () throws(Malformed) in
            try fields.required(name, .array(of: shape))
        }
        guard values.count == 2 else { throw malformed("\(name) are not two") }
        return (values[0], values[1])
    }

    private static func hash(_ text: Text, _ name: String) throws(EvidenceRefusal) -> Digest {
        guard let bytes = Base64.decode(text.utf8[...]), let hash = Digest(bytes) else {
            throw EvidenceRefusal(.base64, "\(name) is not 32 bytes")
        }
        return hash
    }

    private static func base64(_ hash: Digest) -> Text {
        Text(String(decoding: Base64.encode(hash.bytes), as: UTF8.self))
    }

    private static func write(_ notes: [[UInt8]], to writer: inout JSONWriter) {
        writer.key("checkpoints")
        writer.beginArray()
        for note in notes { writer.string(Text(String(decoding: note, as: UTF8.self))) }
        writer.endArray()
    }

    private static func reading<Value>(
        _ read: () throws(Malformed) -> Value
    ) throws(EvidenceRefusal) -> Value {
        do throws(Malformed) {
            return try read()
        } catch {
            throw malformed(error.description)
        }
    }

    private static func malformed(_ reason: String) -> EvidenceRefusal {
        EvidenceRefusal(.forkFormat, reason)
    }

    private static func none(_ reason: String) -> EvidenceRefusal {
        EvidenceRefusal(.forkProof, reason)
    }
}

extension Receipt {
    /// The leaf hash of the record.
    package var leaf: Digest { unsafe record.withUnsafeBytes { unsafe Hashing.leaf($0) } }
}
