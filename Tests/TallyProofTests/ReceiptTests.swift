// SPDX-License-Identifier: Apache-2.0
//
// Receipts against receipts.json, both forms, and every changed bit of a record in one. Called by
// `swift test`.

import Foundation
import TallyCodec
import TallyProof
import TallyTypes
import Testing

private struct ReceiptVectors: Decodable {
    struct Case: Decodable {
        let name: String
        let receipt: String
        let error: String?
    }

    struct Proof: Decodable {
        let text: String
        let recordB64: String
    }

    let vkey: String
    let witnessVkey: String
    let accept: [Case]
    let refuse: [Case]
    let tlogProof: Proof

    static func load() throws -> ReceiptVectors {
        try decode(ReceiptVectors.self, from: "evidence/receipts.json")
    }

    func policy(cosignaturesMin: Int = 1) throws -> ReceiptPolicy {
        ReceiptPolicy(
            logKeys: [try VerifierKey(text: vkey)],
            witnessKeys: [try VerifierKey(text: witnessVkey)],
            cosignaturesMin: cosignaturesMin
        )
    }

    func good() throws -> Receipt {
        try Receipt(json: Array(try #require(accept.first).receipt.utf8))
    }
}

@Suite("Receipts")
struct ReceiptTests {
    @Test("one that must be accepted, and what it proves")
    func accepted() throws {
        let vectors = try ReceiptVectors.load()
        let receipt = try vectors.good()
        let proof = try receipt.check(vectors.policy())
        #expect(proof.checkpoint.size == 2 && proof.envelope.index == RecordIndex(1))
        #expect(proof.envelope.kind == "tx.post")
        #expect(proof.cosignatures.count == 1)
        #expect(proof.values == [.text("Ada Example, invoice 17")])
        #expect(try Receipt(json: receipt.json) == receipt)
        #expect(
            code { _ = try receipt.check(vectors.policy(cosignaturesMin: 2)) } == .witnessPolicy
        )
    }

    @Test("receipts that must be refused, each with its code")
    func refused() throws {
        let vectors = try ReceiptVectors.load()
        let policy = try vectors.policy()
        for item in vectors.refuse {
            let found = code {
                _ = try Receipt(json: Array(item.receipt.utf8)).check(policy)
            }
            #expect(found?.rawValue == item.error, "\(item.name)")
        }
        #expect(vectors.refuse.count == 25)
    }

    @Test("the tlog-proof form says the same")
    func tlogProof() throws {
        let vectors = try ReceiptVectors.load()
        let receipt = try vectors.good()
        let text = Array(vectors.tlogProof.text.utf8)
        let record = try #require(Base64.decode(Array(vectors.tlogProof.recordB64.utf8)[...]))
        let read = try Receipt(tlogProof: text, record: record, of: receipt.origin)
        #expect(read.tlogProof == text && receipt.tlogProof == text)
        #expect(try read.check(vectors.policy()).checkpoint.size == 2)
        let bad = [
            "", "c2sp.org/tlog-proof@v2\nindex 1\n\n", "c2sp.org/tlog-proof@v1\nindex 01\n\n",
            "c2sp.org/tlog-proof@v1\nindex 1\nAA==\n\n", "c2sp.org/tlog-proof@v1\nindex 1\n",
            "c2sp.org/tlog-proof@v1\nextra !\nindex 1\n\n",
        ]
        for form in bad {
            let found = code {
                _ = try Receipt(tlogProof: Array(form.utf8), record: record, of: receipt.origin)
            }
            #expect(found == .receiptFormat || found == .base64, "\(form)")
        }
    }

    @Test("a log that signs what is no record, or one of another index")
    func lyingLog() throws {
        let vectors = try ReceiptVectors.load()
        let good = try vectors.good()
        let name = try #require(NoteKeyName(good.origin))
        let key = try SignerKey(name: name, type: .log, seed: [UInt8](repeating: 7, count: 32))
        func found(_ leaf: [UInt8]) throws -> EvidenceRefusal.Code? {
            let hash = unsafe leaf.withUnsafeBytes { unsafe Hashing.leaf($0) }
            let text = Checkpoint(origin: good.origin, size: 1, root: hash).text
            let note = SignedNote(text: text, lines: [try SignedNote.line(signing: text, by: key)])
            let receipt = Receipt(
                origin: good.origin,
                index: 0,
                record: leaf,
                path: [],
                checkpoint: note.bytes
            )
            return code { _ = try receipt.check(ReceiptPolicy(logKeys: [key.verifier])) }
        }
        #expect(try found(good.record) == .recordIndex)
        #expect(try found(good.record + [0]) == .recordEncoding)
        #expect(try found([0x18, 0x17]) == .recordEncoding)
        #expect(try found([0x17]) == .recordShape)
        #expect(try found([0x8A] + [UInt8](repeating: 0, count: 9) + [0xA0]) == .recordShape)
        var atZero = good.record
        atZero[2] = 0
        #expect(try found(atZero) == nil)
    }

    @Test("every changed bit of the record, and every other index, is refused")
    func bits() throws {
        let vectors = try ReceiptVectors.load()
        let policy = try vectors.policy()
        let good = try vectors.good()
        func found(_ record: [UInt8], _ index: UInt64) -> EvidenceRefusal.Code? {
            let receipt = Receipt(
                origin: good.origin,
                index: index,
                record: record,
                path: good.path,
                checkpoint: good.checkpoint
            )
            return code { _ = try receipt.check(policy) }
        }
        #expect(found(good.record, good.index) == nil)
        for position in good.record.indices {
            for bit in 0..<8 {
                var record = good.record
                record[position] ^= 1 << UInt8(bit)
                #expect(found(record, good.index) == .receiptProof)
            }
        }
        for index in [0, 2, 3, UInt64.max] {
            #expect(found(good.record, index) == .receiptProof)
        }
    }
}
