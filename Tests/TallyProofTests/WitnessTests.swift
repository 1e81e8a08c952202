// SPDX-License-Identifier: Apache-2.0
//
// What a witness decides: the form of a request, every refusal with its status, and that a
// cosignature is given for what continues the stored tree and for nothing else. Called by `swift
// test`.

import TallyProof
import TallyTypes
import TestSupport
import Testing

/// A log and a witness with fixed keys, over the test leaves.
struct WitnessBench {
    let log: SignerKey
    let witness: SignerKey

    init() throws {
        log = try SignerKey(
            name: try #require(NoteKeyName("test/log")),
            type: .log,
            seed: [UInt8](repeating: 1, count: 32)
        )
        witness = try SignerKey(
            name: try #require(NoteKeyName("test/witness")),
            type: .witness,
            seed: [UInt8](repeating: 2, count: 32)
        )
    }

    func note(_ leaves: [Digest], origin: String = "test/log") throws -> SignedNote {
        let root = SlowTree.root(leaves)
        let text = Checkpoint(origin: origin, size: UInt64(leaves.count), root: root).text
        return SignedNote(text: text, lines: [try SignedNote.line(signing: text, by: log)])
    }

    func request(_ old: Int, _ leaves: [Digest]) throws -> AddCheckpoint {
        let proof = ConsistencyProof(oldSize: min(old, leaves.count), leaves: leaves[...])
        return AddCheckpoint(oldSize: UInt64(old), path: proof.path, note: try note(leaves))
    }

    func judge(
        _ request: AddCheckpoint,
        _ stored: CosignedCheckpoint?,
        at now: UInt64 = 1_000
    ) throws -> CosignedCheckpoint {
        try request.cosigned(after: stored, keys: [log.verifier], by: witness, at: now)
    }

    /// The status that a refusal gives; 200 when there was none.
    func status(_ body: () throws -> CosignedCheckpoint) throws -> Int {
        do {
            _ = try body()
            return 200
        } catch let refusal as WitnessRefusal {
            return refusal.status
        }
    }
}

@Suite("Witness")
struct WitnessTests {
    @Test("requests: what is written is read, and anything else is refused")
    func form() throws {
        let bench = try WitnessBench()
        let request = try bench.request(3, SlowTree.leaves(7))
        #expect(request.path.count == 4 && request.origin == "test/log")
        let bytes = request.bytes
        #expect(try AddCheckpoint(bytes) == request)
        let text = String(decoding: bytes, as: UTF8.self)
        let hash = String(decoding: Base64.encode(request.path[0].bytes), as: UTF8.self) + "\n"
        let start = text.index(text.startIndex, offsetBy: 6)
        let many = String(text[..<start]) + String(repeating: hash, count: 64) + text[start...]
        #expect(text[..<start] == "old 3\n")
        let most = String(text[..<start]) + String(repeating: hash, count: 59) + text[start...]
        #expect(try AddCheckpoint(Array(most.utf8)).path.count == 63)
        for (bad, expected) in [
            ("", .witnessRequest), ("old 3", .witnessRequest),
            (text.replacingFirst("old 3", "old 03"), .witnessRequest),
            (text.replacingFirst("old 3", "old -3"), .witnessRequest),
            (text.replacingFirst("old 3", "old 9223372036854775808"), .witnessRequest),
            (text.replacingFirst("old 3", "Old 3"), .witnessRequest),
            (text.replacingFirst("old 3\n", "old 3\r\n"), .witnessRequest),
            (many, .witnessRequest), (text.replacingFirst(hash, "AAAA\n"), .base64),
            (text.replacingFirst(hash, hash.dropLast(2) + "\n"), .base64),
            (text.replacingFirst("\n\n", "\n"), .base64),
            (text + "x", .noteFormat),
            ("old 3\n\n", .noteFormat),
            ("old 3\n\n" + String(repeating: "x", count: AddCheckpoint.bytesMax), .witnessRequest),
        ] as [(String, EvidenceRefusal.Code)] {
            #expect(
                code { _ = try AddCheckpoint(Array(bad.utf8)) } == expected,
                "\(bad.prefix(40))"
            )
        }
        #expect(bytes.count > 300)
        for end in 0..<bytes.count {
            #expect(code { _ = try AddCheckpoint(Array(bytes[..<end])) } != nil, "\(end)")
        }
    }

    @Test("a log grows under the eyes of a witness; each cosignature verifies")
    func grows() throws {
        let bench = try WitnessBench()
        var stored: CosignedCheckpoint?
        var old = 0
        for (step, size) in [1, 2, 2, 5, 8, 21].enumerated() {
            let leaves = SlowTree.leaves(size)
            let now = step == 3 ? 10 : UInt64(1_000 + step)
            let next = try bench.judge(try bench.request(old, leaves), stored, at: now)
            let seen = try next.note.cosignatures(among: [bench.witness.verifier])
            #expect(seen.count == 1 && seen.first?.seconds == next.seconds)
            #expect(next.seconds == (step == 3 ? 1_002 : now), "the clock never goes back")
            #expect(try next.note.signers(among: [bench.log.verifier]).count == 1)
            let read = try CosignedCheckpoint(
                next.note.bytes,
                of: "test/log",
                keys: [bench.log.verifier],
                witness: bench.witness.verifier
            )
            #expect(read == next)
            #expect(try SignedNote.lines(next.line[...]) == next.note.lines.suffix(1))
            stored = next
            old = size
        }
        #expect(stored?.checkpoint.root == SlowTree.root(SlowTree.leaves(21)))
    }

    @Test("what is refused, and how")
    func refused() throws {
        let bench = try WitnessBench()
        let leaves = SlowTree.leaves(9)
        let stored = try bench.judge(try bench.request(0, Array(leaves[..<5])), nil)
        #expect(try bench.status { try bench.judge(bench.request(5, leaves), stored) } == 200)
        // The old size is another one, or the tree of this size is.
        for (old, count) in [(0, 9), (4, 9), (6, 9), (0, 3), (9, 9)] {
            let request = try bench.request(old, Array(leaves[..<count]))
            #expect(throws: WitnessRefusal.conflict(size: 5)) {
                try bench.judge(request, stored)
            }
        }
        let other = Array(leaves[..<4]) + [SlowTree.leaf(99)]
        #expect(throws: WitnessRefusal.conflict(size: 5)) {
            try bench.judge(try bench.request(5, other), stored)
        }
        #expect(throws: WitnessRefusal.conflict(size: 0)) {
            try bench.judge(try bench.request(5, leaves), nil)
        }
        // A longer tree that does not continue it.
        let longer = other + Array(leaves[5...])
        #expect(throws: WitnessRefusal.proof) {
            try bench.judge(try bench.request(5, longer), stored)
        }
        let good = try bench.request(5, leaves)
        for position in good.path.indices {
            var path = good.path
            path[position] = SlowTree.leaf(50)
            let bad = AddCheckpoint(oldSize: 5, path: path, note: good.note)
            #expect(throws: WitnessRefusal.proof) { try bench.judge(bad, stored) }
        }
        let padded = AddCheckpoint(
            oldSize: 0,
            path: [SlowTree.leaf(1)],
            note: try bench.note(leaves)
        )
        #expect(throws: WitnessRefusal.proof) { try bench.judge(padded, nil) }
        // Keys and names.
        let signed = good.note
        let foreign = try SignerKey(
            name: bench.log.verifier.id.name,
            type: .log,
            seed: [UInt8](repeating: 9, count: 32)
        )
        func status(_ request: AddCheckpoint, _ keys: [VerifierKey]) throws -> Int {
            try bench.status {
                try request.cosigned(after: stored, keys: keys, by: bench.witness, at: 1)
            }
        }
        #expect(try status(good, [bench.log.verifier]) == 200)
        #expect(try status(good, []) == 404)
        #expect(try status(good, [bench.witness.verifier]) == 404)
        #expect(try status(good, [foreign.verifier]) == 403)
        let line = SignedNote.Line(
            id: bench.log.verifier.id,
            signature: [UInt8](repeating: 0, count: 64)
        )
        let vain = SignedNote(text: signed.text, lines: signed.lines + [line])
        let inVain = AddCheckpoint(oldSize: 5, path: good.path, note: vain)
        #expect(try status(inVain, [bench.log.verifier]) == 403)
        let above = AddCheckpoint(oldSize: 10, path: [], note: signed)
        #expect(try status(above, [bench.log.verifier]) == 400)
        let text = Array("test/log\n09\nAAAA\n".utf8)
        let lines = [try SignedNote.line(signing: text, by: bench.log)]
        let broken = SignedNote(text: text, lines: lines)
        let malformed = AddCheckpoint(oldSize: 5, path: [], note: broken)
        #expect(try status(malformed, [bench.log.verifier]) == 400)
    }

    @Test("only lines of known keys are kept")
    func lines() throws {
        let bench = try WitnessBench()
        let note = try bench.note(SlowTree.leaves(3))
        let stranger = try SignerKey(
            name: try #require(NoteKeyName("stranger")),
            type: .log,
            seed: [UInt8](repeating: 3, count: 32)
        )
        let more = try SignedNote.line(signing: note.text, by: stranger)
        let request = AddCheckpoint(
            oldSize: 0,
            path: [],
            note: SignedNote(text: note.text, lines: [more] + note.lines)
        )
        let next = try bench.judge(request, nil)
        #expect(next.note.lines.map(\.id) == [bench.log.verifier.id, bench.witness.verifier.id])
    }

    @Test("the text of a witness's secret key is read as one, and not as a log's")
    func secret() throws {
        let bench = try WitnessBench()
        let text = try SignerKey.text(
            name: bench.witness.verifier.id.name,
            type: .witness,
            seed: [UInt8](repeating: 2, count: 32)
        )
        #expect(try SignerKey(text: text, type: .witness).verifier == bench.witness.verifier)
        #expect(code { _ = try SignerKey(text: text) } == .keyFormat)
    }
}

@Suite("Fork reports")
struct ForkReportTests {
    private let leaves = SlowTree.leaves(9)
    private var other: [Digest] { Array(leaves[..<3]) + (90..<96).map(SlowTree.leaf) }

    @Test("two roots of one size, and a larger tree that does not continue a smaller one")
    func checkpoints() throws {
        let bench = try WitnessBench()
        let keys = [bench.log.verifier]
        let (one, two) = (try bench.note(leaves).bytes, try bench.note(other).bytes)
        let same = ForkReport(origin: "test/log", sides: .oneSize(one, two))
        #expect(try same.check(keys).contains("two roots of 9 records"))
        #expect(try ForkReport(json: same.json) == same)
        for size in [4, 5, 8] {
            let small = try bench.note(Array(leaves[..<size])).bytes
            let proof = ConsistencyProof(oldSize: size, leaves: other[...])
            let root = SlowTree.root(Array(other[..<size]))
            let sides = ForkReport.Sides.twoSizes(small, two, root: root, path: proof.path)
            let report = ForkReport(origin: "test/log", sides: sides)
            #expect(try report.check(keys).contains("whose first \(size) have root"))
            #expect(try ForkReport(json: report.json) == report)
            let wrong = ForkReport.Sides.twoSizes(small, two, root: leaves[0], path: proof.path)
            #expect(refusal(wrong, keys) == .forkProof)
            let turned = ForkReport.Sides.twoSizes(two, small, root: root, path: proof.path)
            #expect(refusal(turned, keys) == .forkProof)
        }
        // A log that only grew: no report of it convinces.
        let before = try bench.note(Array(leaves[..<5])).bytes
        let proof = ConsistencyProof(oldSize: 5, leaves: leaves[...])
        let root = SlowTree.root(Array(leaves[..<5]))
        let grown = ForkReport.Sides.twoSizes(before, one, root: root, path: proof.path)
        #expect(refusal(grown, keys) == .forkProof)
        #expect(refusal(.oneSize(one, one), keys) == .forkProof)
        #expect(refusal(.oneSize(before, one), keys) == .forkProof)
        #expect(refusal(.oneSize(one, two), []) == .signature)
        let foreign = try bench.note(other, origin: "test/else").bytes
        #expect(refusal(.oneSize(one, foreign), keys) == .origin)
    }

    @Test("every changed byte of a report is refused")
    func tampered() throws {
        let bench = try WitnessBench()
        let keys = [bench.log.verifier]
        let one = try bench.note(leaves).bytes
        let two = try bench.note(other).bytes
        let report = ForkReport(origin: "test/log", sides: .oneSize(one, two))
        let bytes = report.json
        _ = try ForkReport(json: bytes).check(keys)
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1
            #expect(throws: EvidenceRefusal.self, "\(position)") {
                _ = try ForkReport(json: changed).check(keys)
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        for bad in [
            "", "{}", text + " {}", text.replacingFirst("fork/1", "fork/2"),
            text.replacingFirst("{", #"{"key":"x","#),
            text.replacingFirst("{", #"{"origin":"test/log","#),
            text.replacingFirst(#""checkpoints":["#, #""checkpoints":["","#),
        ] {
            #expect(code { _ = try ForkReport(json: Array(bad.utf8)) } == .forkFormat, "\(bad)")
        }
    }

    private func refusal(
        _ sides: ForkReport.Sides,
        _ keys: [VerifierKey]
    ) -> EvidenceRefusal.Code? {
        code { _ = try ForkReport(origin: "test/log", sides: sides).check(keys) }
    }
}

extension String {
    /// The text with the first occurrence of a part replaced.
    func replacingFirst(_ part: some StringProtocol, _ other: some StringProtocol) -> String {
        guard let range = firstRange(of: part) else {
            Issue.record("\(part) is not there")
            return self
        }
        return String(self[..<range.lowerBound]) + String(other) + String(self[range.upperBound...])
    }
}
