// SPDX-License-Identifier: Apache-2.0
//
// Signed notes, checkpoints and cosignatures against notes.json, whose keys are for tests only, and
// every single changed bit of a note. Called by `swift test`.

import Foundation
import TallyProof
import TallyTypes
import Testing

private struct NoteVectors: Decodable {
    struct Key: Decodable {
        let name: String
        let type: UInt8
        let seedHex: String
        let publicHex: String
        let keyIdHex: String
        let vkey: String

        func signer() throws -> SignerKey {
            try SignerKey(
                name: #require(NoteKeyName(name)),
                type: #require(NoteKeyType(rawValue: type)),
                seed: #require(bytes(hex: seedHex))
            )
        }
    }

    struct Seen: Decodable, Equatable {
        let witness: String
        let time: UInt64
    }

    struct Case: Decodable {
        let name: String
        let noteB64: String
        let trusted: [String]?
        let trustedVkeys: [String]?
        let size: UInt64?
        let cosignatures: [Seen]?
        let kind: String?
        let layer: String?

        func note() throws -> [UInt8] { try #require(Base64.decode(Array(noteB64.utf8)[...])) }
    }

    struct CosignatureCase: Decodable {
        let name: String
        let ok: Bool
        let witnessVkey: String
        let noteB64: String
    }

    let origin: String
    let logKey: Key
    let logKeyNext: Key
    let witnessKeys: [Key]
    let unknownWitness: Key
    let accept: [Case]
    let refuse: [Case]
    let cosignatures: [CosignatureCase]

    static func load() throws -> NoteVectors {
        try decode(NoteVectors.self, from: "evidence/notes.json")
    }

    func keys(of item: Case) throws -> [VerifierKey] {
        let named = ["log_key": logKey.vkey, "log_key_next": logKeyNext.vkey]
        let texts = try item.trustedVkeys ?? (item.trusted ?? []).map { try #require(named[$0]) }
        return try texts.map { try VerifierKey(text: $0) }
    }
}

@Suite("Notes and checkpoints")
struct NoteTests {
    @Test("keys: ids, texts and both halves")
    func keys() throws {
        let vectors = try NoteVectors.load()
        let all =
            [vectors.logKey, vectors.logKeyNext, vectors.unknownWitness] + vectors.witnessKeys
        for key in all {
            let signer = try key.signer()
            #expect(signer.verifier.text == key.vkey)
            #expect(signer.verifier.publicKey == bytes(hex: key.publicHex))
            #expect(String(signer.verifier.id.number, radix: 16) == key.keyIdHex)
            #expect(try VerifierKey(text: key.vkey) == signer.verifier)
        }
        #expect(all.count == 5)
    }

    @Test("texts that are no key")
    func badKeys() throws {
        let good = try NoteVectors.load().logKey.vkey
        let parts = good.split(separator: "+", maxSplits: 2).map(String.init)
        for bad in [
            "", good.lowercased(), good + "=", good.dropLast() + "9", "x" + good,
            parts[0] + "+" + parts[2], parts[0] + "+b2163ef7+" + parts[2],
            parts[0] + "+B2163EF6+" + parts[2], "+" + parts[1] + "+" + parts[2],
            "a b+" + parts[1] + "+" + parts[2], parts[0] + "+" + parts[1] + "+Ag==",
            parts[0] + "+" + parts[1] + "+AQ==",
        ] {
            #expect(code { _ = try VerifierKey(text: bad) } == .keyFormat, "\(bad)")
        }
    }

    @Test("notes that must be accepted, with what they say")
    func accepted() throws {
        let vectors = try NoteVectors.load()
        let witnesses = try vectors.witnessKeys.map { try VerifierKey(text: $0.vkey) }
        for item in vectors.accept {
            let note = try SignedNote(item.note())
            #expect(note.bytes == (try item.note()), "\(item.name)")
            let keys = try vectors.keys(of: item)
            guard item.kind != "note" else {
                #expect(try note.signers(among: keys) == keys, "\(item.name)")
                continue
            }
            let checkpoint = try Checkpoint.open(note, of: vectors.origin, keys: keys)
            #expect(checkpoint.size == item.size, "\(item.name)")
            #expect(note.text.starts(with: checkpoint.text), "\(item.name)")
            let seen = try note.cosignatures(among: witnesses).map {
                NoteVectors.Seen(witness: $0.witness.id.name.text, time: $0.seconds)
            }
            #expect(seen == item.cosignatures ?? [], "\(item.name)")
        }
        #expect(vectors.accept.count == 15)
    }

    @Test("notes that must be refused, where they must be")
    func refused() throws {
        let vectors = try NoteVectors.load()
        for item in vectors.refuse {
            let keys = try vectors.keys(of: item)
            let bytes = try item.note()
            let found = code {
                let note = try SignedNote(bytes)
                _ = try Checkpoint.open(note, of: vectors.origin, keys: keys)
            }
            switch item.layer {
            case "checkpoint":
                #expect(found == .checkpointFormat || found == .origin, "\(item.name)")
                #expect(try SignedNote(bytes).signers(among: keys) == keys, "\(item.name)")
            default: #expect(found == .noteFormat || found == .signature, "\(item.name)")
            }
        }
        #expect(vectors.refuse.count == 60)
    }

    @Test("cosignatures")
    func cosignatures() throws {
        let vectors = try NoteVectors.load()
        for item in vectors.cosignatures {
            let key = try VerifierKey(text: item.witnessVkey)
            let found = code {
                let bytes = try #require(Base64.decode(Array(item.noteB64.utf8)[...]))
                let seen = try SignedNote(bytes).cosignatures(among: [key])
                if seen.isEmpty { throw EvidenceRefusal(.cosignature, "none") }
            }
            #expect((found == nil) == item.ok, "\(item.name): \(String(describing: found))")
        }
        #expect(vectors.cosignatures.count == 14)
    }

    @Test("what is signed here is read here, byte for byte")
    func written() throws {
        let vectors = try NoteVectors.load()
        let log = try vectors.logKey.signer()
        let witness = try vectors.witnessKeys[0].signer()
        let checkpoint = Checkpoint(
            origin: vectors.origin,
            size: 13,
            root: try #require(digest(hex: String(repeating: "5a", count: 32)))
        )
        let note = SignedNote(
            text: checkpoint.text,
            lines: [
                try SignedNote.line(signing: checkpoint.text, by: log),
                try Cosignature.line(signing: checkpoint.text, at: 1_790_000_000, by: witness),
            ]
        )
        let read = try SignedNote(note.bytes)
        #expect(read == note)
        #expect(
            try Checkpoint.open(read, of: vectors.origin, keys: [log.verifier]) == checkpoint
        )
        #expect(
            try read.cosignatures(among: [witness.verifier]).map(\.seconds) == [1_790_000_000]
        )
        #expect(code { _ = try Checkpoint(text: checkpoint.text, of: "other") } == .origin)
        #expect(
            code {
                _ = try Cosignature.line(signing: [], at: 1 << 63, by: witness)
            } == .cosignature
        )
    }

    @Test("every changed bit of a note is refused")
    func bits() throws {
        let vectors = try NoteVectors.load()
        let item = try #require(vectors.accept.first { $0.name == "one cosignature" })
        let keys = try vectors.keys(of: item)
        let witnesses = try vectors.witnessKeys.map { try VerifierKey(text: $0.vkey) }
        let good = try item.note()
        func opens(_ bytes: [UInt8]) -> Bool {
            code {
                let note = try SignedNote(bytes)
                _ = try Checkpoint.open(note, of: vectors.origin, keys: keys)
                if try note.cosignatures(among: witnesses).isEmpty {
                    throw EvidenceRefusal(.cosignature, "none")
                }
            } == nil
        }
        #expect(opens(good))
        for position in good.indices {
            for bit in 0..<8 {
                var bad = good
                bad[position] ^= 1 << UInt8(bit)
                #expect(!opens(bad), "byte \(position), bit \(bit)")
            }
        }
        for length in 0..<good.count {
            #expect(!opens(Array(good.prefix(length))), "\(length) bytes")
        }
        #expect(!opens(good + [0x0A]))
    }

    @Test("base64: one text for any bytes")
    func base64() {
        for length in 0..<40 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 151 + length) }
            let text = Base64.encode(bytes)
            #expect(text == Array(Data(bytes).base64EncodedString().utf8))
            #expect(Base64.decode(text[...]) == bytes)
        }
        for bad in ["A", "AA", "AAA", "AB==", "AAB=", "AA=A", "A===", "====", "AAA\n", "AA-_"] {
            #expect(Base64.decode(Array(bad.utf8)[...]) == nil, "\(bad)")
        }
    }
}
