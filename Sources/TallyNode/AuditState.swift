// SPDX-License-Identifier: Apache-2.0
//
// What an auditor remembers of a log between two looks: the checkpoint that it verified last, the
// tree under it, and where each book's chain ended. docs/formats/audit-state.md. Written by the
// audit alone, in one file that is replaced; it is the auditor's own, and nobody else's word.
//
//     {"type":"tallystick-audit/1","origin":"ledger.example/tallystick",
//      "checkpoint":"…signed note…","tree":"base64","time":1795852800000000,
//      "books":[{"book":"base64","next":7,"head":"base64"}]}

import TallyChecker
import TallyCodec
import TallyProof
import TallyTypes

/// How far an auditor followed a log.
struct AuditState: Hashable {
    /// The end of a book's chain.
    struct Chain: Hashable {
        /// The sequence that its next record must have.
        var next: UInt64
        /// The hash that its next record must name as the previous one.
        var head: Digest
    }

    /// The word of the form.
    static let type = "tallystick-audit/1"
    /// The most bytes of a file: some ten million books.
    static let bytesMax = 1 << 30

    /// The origin that the records give, which every book's chain begins with.
    var origin = ""
    /// The signed note that was verified last; empty before the first.
    var note: [UInt8] = []
    /// The tree under it.
    var tree = CompactRange()
    /// The time of the last record.
    var time = Instant(microseconds: 0)
    /// The end of each book's chain.
    var chains: [BookID: Chain] = [:]

    /// Nothing was verified yet.
    init() {}

    /// Reads a file.
    ///
    /// - Throws: ``Malformed`` for everything that ``bytes`` does not give.
    init(_ bytes: [UInt8]) throws(Malformed) {
        let limits = JSONLimits(bytesMax: AuditState.bytesMax, valuesMax: 1 << 26)
        let fields = try JSONFields(try JSONReader.parse(bytes, limits: limits))
        guard try fields.required("type", .string).string == AuditState.type else {
            throw Malformed("is no audit state of version 1", field: "type")
        }
        origin = try fields.required("origin", .string).string
        note = try fields.required("checkpoint", .string).utf8
        tree = try CompactRange(decoding: try fields.required("tree", .base64))
        time = Instant(microseconds: try fields.required("time", .unsigned))
        let chain = JSONShape<(BookID, Chain)>.object { (fields) throws(Malformed) in
            let book = JSONShape<[UInt8]>.base64.checked("not 16 bytes") { BookID($0) }
            return (
                try fields.required("book", book),
                Chain(
                    next: try fields.required("next", .unsigned),
                    head: try fields.required("head", .hash)
                )
            )
        }
        for (book, chain) in try fields.required("books", .array(of: chain)) {
            guard chains.updateValue(chain, forKey: book) == nil else {
                throw Malformed("a book twice", field: "books")
            }
        }
        guard self.bytes == bytes else { throw Malformed("is not as an audit writes it") }
    }

    /// The bytes of the file.
    var bytes: [UInt8] {
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("type", AuditState.type)
        writer.member("origin", Text(origin))
        writer.member("checkpoint", String(decoding: note, as: UTF8.self))
        writer.member("tree", AuditState.base64(tree.bytes))
        writer.member("time", time.microseconds)
        writer.key("books")
        writer.beginArray()
        for (book, chain) in chains.sorted(by: { $0.key < $1.key }) {
            writer.beginObject()
            writer.member("book", AuditState.base64(book.bytes))
            writer.member("next", chain.next)
            writer.member("head", AuditState.base64(chain.head.bytes))
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.take() + [0x0A]
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        String(decoding: Base64.encode(bytes), as: UTF8.self)
    }
}

extension AuditState {
    /// Takes a record behind those that were taken, and says what is wrong with its place.
    ///
    /// - Parameters:
    ///   - record: The record, decoded strictly.
    ///   - leaf: Its leaf hash.
    ///   - file: Where it was found.
    /// - Throws: ``Refuted``: `recordIndex`, `recordTime`, `ledger`, `chainSequence` or
    ///   `chainPrevious`.
    mutating func take(_ record: Record, leaf: Digest, file: String) throws(Refuted) {
        let index = RecordIndex(tree.size)
        func refuted(_ reason: Reason, _ detail: String) -> Refuted {
            Refuted(Finding(reason, detail, book: record.book, index: index, file: file))
        }
        guard record.index == index else {
            throw refuted(.recordIndex, "it says that it is record \(record.index)")
        }
        guard record.time > time else { throw refuted(.recordTime, "its time does not increase") }
        if index == .zero {
            guard case .createLedger(let order) = record.order, record.book == .system else {
                throw refuted(.ledger, "the first record is no ledger.create")
            }
            origin = order.origin.string
        }
        let genesis = BookChain.genesis(origin: Text(origin), book: record.book)
        let chain = chains[record.book] ?? Chain(next: 0, head: genesis)  // the first of its book
        guard record.sequence.rawValue == chain.next else {
            let detail = "sequence \(record.sequence), expected \(chain.next)"
            throw refuted(.chainSequence, detail)
        }
        guard record.previous == chain.head else {
            let detail = "the previous hash is not that of the record before it in its book"
            throw refuted(.chainPrevious, detail)
        }
        chains[record.book] = Chain(next: chain.next + 1, head: leaf)
        time = record.time
        tree.append(leaf)
        if case .succeedLog(let succession) = record.order, record.isCommitted {
            origin = succession.origin.string
        }
    }
}

extension JSONShape where Value == [UInt8] {
    /// A string that is canonical base64.
    static var base64: JSONShape {
        JSONShape<Text>.string.checked("is not canonical base64") { Base64.decode($0.utf8[...]) }
    }
}

extension JSONShape where Value == Digest {
    /// A string that is the canonical base64 of 32 bytes.
    static var hash: JSONShape {
        JSONShape<[UInt8]>.base64.checked("not 32 bytes") { Digest($0) }
    }
}
