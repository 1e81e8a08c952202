// SPDX-License-Identifier: Apache-2.0
//
// Audits of running ledgers and of mirrors: what a log may show next after what it showed before,
// and every way to take something back. Called by `swift test`.

import Foundation
import TallyChecker
import TallyCodec
import TallyHTTP
import TallyNode
import TallyProof
import TallySim
import TallyStore
import TallyTypes
import TestSupport
import Testing

/// A log whose files a test can replace, with a count of what was read.
private final class ShownLog: MirrorSource {
    let place = "https://log.example"
    let isWhole = false
    var replaced: [String: [UInt8]?] = [:]
    var read: [String] = []
    /// Makes proofs of consistency, as a server does.
    var proofs: ((_ name: String) throws -> [UInt8]?)?
    let under: MirrorDirectory

    init(_ path: String) { under = MirrorDirectory(disk: RealDisk(), path: path) }

    func read(_ name: String, limit: Int) throws(StoreFault) -> [UInt8]? {
        read.append(name)
        if let bytes = replaced[name] { return bytes }
        if name.hasPrefix("proof/"), let proofs {
            do {
                return try proofs(name)
            } catch {
                throw StoreFault(.engine, subject: name, reason: "\(error)")
            }
        }
        return try under.read(name, limit: limit)
    }

    func forEachName(_ visit: (String) -> Void) throws(StoreFault) {}
}

/// A ledger that grows, its mirror as the log shows it, and an auditor of it.
private final class Audited {
    let test: BackedUp
    let log: ShownLog
    let state: String
    var newestWithin: UInt64?
    var witnesses: [AuditPolicy.Witness] = []
    var witnessKeys: [String] = []
    var now: UInt64 = 2_000_000_000

    init() throws {
        test = try BackedUp()
        log = ShownLog(test.mirror)
        state = test.folder.file("audit").path
    }

    func grow(to size: UInt64) async throws {
        try await test.grow(to: size)
        try test.create()
        log.proofs = { [test] name in try Audited.proof(name, test.mirror) }
    }

    var contradiction: String { state + ".contradiction" }

    func look() throws -> Report {
        log.read = []
        return LogAudit(
            of: log,
            AuditPolicy(
                keys: try LogKeys.verifierKeys(of: test.data) + witnessKeys,
                witnesses: witnesses,
                newestWithin: newestWithin
            ),
            disk: RealDisk(),
            state: state,
            now: { self.now }
        )
        .look()
    }

    /// The leaf hashes of a mirror of less than 256 × 256 records.
    static func leaves(_ mirror: String) throws -> [Digest] {
        var leaves: [Digest] = []
        let folder = mirror + "/tile/entries"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        for name in names where !name.hasSuffix(".p") {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
            leaves += try hashes([UInt8](bytes), 256)
        }
        let part = try #require(names.last { $0.hasSuffix(".p") })
        let widths = try FileManager.default.contentsOfDirectory(atPath: folder + "/" + part)
        let width = try #require(widths.compactMap(UInt64.init).max())
        let path = "\(folder)/\(part)/\(width)"
        return leaves
            + (try hashes([UInt8](Data(contentsOf: URL(fileURLWithPath: path))), width))
    }

    private static func hashes(_ bundle: [UInt8], _ width: UInt64) throws -> [Digest] {
        try EntryBundle.records(bundle, width: width).map { record in
            unsafe Array(record).withUnsafeBytes { unsafe Hashing.leaf($0) }
        }
    }

    private static func proof(_ name: String, _ mirror: String) throws -> [UInt8] {
        let numbers = name.split { !$0.isNumber }.compactMap { Int($0) }
        let leaves = try leaves(mirror)
        let proof = ConsistencyProof(oldSize: numbers[0], leaves: leaves[..<numbers[1]])
        let path = proof.path.map { String(decoding: Base64.encode($0.bytes), as: UTF8.self) }
        let list = path.map { "\"\($0)\"" }.joined(separator: ",")
        return Array("{\"from\":\(numbers[0]),\"to\":\(numbers[1]),\"proof\":[\(list)]}".utf8)
    }
}

@Suite("audit", .serialized)
struct AuditTests {
    private func verdict(_ report: Report) -> (Int32, Reason?) {
        (report.exitCode, report.firstFinding?.reason)
    }

    @Test("each look reads what is new, and the state stands for what was read before")
    func follows() async throws {
        let audited = try Audited()
        try await audited.grow(to: 300)
        let first = try audited.look()
        #expect(first.exitCode == 0, "\(first.lines)")
        #expect(first.records == 300)
        #expect(audited.log.read.contains("tile/entries/000"))
        try await audited.grow(to: 700)
        let second = try audited.look()
        #expect(second.exitCode == 0, "\(second.lines)")
        #expect(second.records == 700)
        #expect(audited.log.read.contains("proof/consistency?from=300&to=700"))
        #expect(!audited.log.read.contains("tile/entries/000"), "it was read at the first look")
        #expect(second.notes.contains { $0.hasPrefix("400 records since the last look") })
        let bytes = try Data(contentsOf: URL(fileURLWithPath: audited.state))
        let third = try audited.look()
        #expect(third.exitCode == 0 && third.records == 700)
        #expect(audited.log.read == ["checkpoint"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: audited.state)) == bytes)
        // The same of a static mirror, which makes no proofs.
        try await audited.grow(to: 900)
        audited.log.proofs = nil
        let fourth = try audited.look()
        #expect(fourth.exitCode == 0 && fourth.records == 900, "\(fourth.lines)")
    }

    @Test(
        "a log that shows fewer records, or another root of as many, is refuted with its own note"
    )
    func takesBack() async throws {
        let audited = try Audited()
        try await audited.grow(to: 120)
        let older = try #require(try audited.log.under.read("checkpoint", limit: 10_000))
        #expect(try audited.look().exitCode == 0)
        try await audited.grow(to: 150)
        #expect(try audited.look().exitCode == 0)
        let state = try Data(contentsOf: URL(fileURLWithPath: audited.state))
        audited.log.replaced["checkpoint"] = older
        #expect(verdict(try audited.look()) == (1, .rollback))
        #expect(try Data(contentsOf: URL(fileURLWithPath: audited.state)) == state)
        let kept = try Data(contentsOf: URL(fileURLWithPath: audited.contradiction))
        #expect([UInt8](kept) == older)
        try FileManager.default.removeItem(atPath: audited.contradiction)

        let key = try audited.key()
        let forged = try audited.note(size: 150, root: Hashing.sha256([1]), key)
        audited.log.replaced["checkpoint"] = forged
        #expect(verdict(try audited.look()) == (1, .splitView))
        let pair = try Data(contentsOf: URL(fileURLWithPath: audited.contradiction))
        #expect([UInt8](pair) == forged)
        // A larger tree that does not continue the one before.
        audited.log.replaced["checkpoint"] = try audited.note(
            size: 151,
            root: Hashing.sha256([2]),
            key
        )
        audited.log.proofs = { _ in Array("{\"from\":150,\"to\":151,\"proof\":[]}".utf8) }
        #expect(verdict(try audited.look()) == (1, .consistencyProof))
        audited.log.proofs = { _ in Array("{\"proof\":[\"AA==\"]}".utf8) }
        #expect(verdict(try audited.look()) == (1, .consistencyProof))
        // Nothing of this moved the state.
        audited.log.replaced = [:]
        audited.log.proofs = nil
        let healed = try audited.look()
        #expect(healed.exitCode == 0 && healed.records == 150, "\(healed.lines)")
    }

    @Test("a record that is not what was signed is refuted, whatever the log proves")
    func records() async throws {
        let audited = try Audited()
        try await audited.grow(to: 100)
        #expect(try audited.look().exitCode == 0)
        try await audited.grow(to: 130)
        let name = "tile/entries/000.p/130"
        let bundle = try #require(try audited.log.under.read(name, limit: 1 << 20))
        let records = try EntryBundle.records(bundle, width: 130)
        func changed(_ number: Int, _ change: (inout [UInt8]) -> Void) -> [UInt8] {
            records.enumerated().flatMap { place, record in
                var bytes = Array(record)
                if place == number { change(&bytes) }
                return [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
            }
        }
        #expect(changed(0) { _ in } == bundle)
        audited.log.replaced[name] = changed(110) { $0[$0.count - 1] ^= 1 }
        let last = try audited.look()
        #expect(last.exitCode == 1, "\(last.lines)")
        audited.log.replaced[name] = changed(110) { $0.append(0) }
        let longer = try audited.look()
        #expect(verdict(longer) == (1, .recordEncoding))
        #expect(longer.firstFinding?.index == RecordIndex(110))
        audited.log.replaced[name] = changed(110) { $0 = Array(records[111]) }
        #expect(verdict(try audited.look()) == (1, .recordIndex))
        audited.log.replaced[name] = Array(bundle.dropLast())
        #expect(verdict(try audited.look()) == (1, .bundle))
        audited.log.replaced[name] = .some(nil)
        #expect(verdict(try audited.look()) == (1, .missing))
        // A record that says nothing of its place is found by the root alone: its salt.
        let salt = try RecordCodec.decodeEnvelope(records[110]).salt.bytes
        audited.log.replaced[name] = changed(110) { bytes in
            let starts = bytes.indices.dropLast(15).filter { Array(bytes[$0..<$0 + 16]) == salt }
            for start in starts { bytes[start] ^= 1 }
        }
        let other = try audited.look()
        #expect(other.exitCode == 1, "\(other.lines)")
        audited.log.replaced = [:]
        #expect(try audited.look().records == 130)
    }

    @Test("a state that is not the auditor's own is no word against the log")
    func state() async throws {
        let audited = try Audited()
        try await audited.grow(to: 60)
        #expect(try audited.look().exitCode == 0)
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: audited.state)))
        var random = SplitMix(seed: 20_261_128)
        var refused = 0
        for _ in 0..<200 {
            var bytes = whole
            let at = Int(random.next() % UInt64(bytes.count))
            bytes[at] ^= UInt8(1 << (random.next() % 8))
            try Data(bytes).write(to: URL(fileURLWithPath: audited.state))
            let report = try audited.look()
            // What is not noticed at once are the ends of chains, which only new records touch.
            if report.exitCode == 2 { refused += 1 } else { #expect(report.exitCode == 0) }
        }
        #expect(refused > 100, "\(refused)")
        try Data(whole).write(to: URL(fileURLWithPath: audited.state))
        #expect(try audited.look().exitCode == 0)
    }

    @Test("what a witness saw is compared, and its time says how fresh the log is")
    func witnesses() async throws {
        let audited = try Audited()
        let witness = try SignerKey(
            name: try #require(NoteKeyName("witness.example/w1")),
            type: .witness,
            seed: [UInt8](repeating: 7, count: 32)
        )
        let copies = audited.test.folder.file("witness").path
        audited.witnesses = [
            AuditPolicy.Witness(MirrorDirectory(disk: RealDisk(), path: copies))
        ]
        audited.witnessKeys = [witness.verifier.text]
        try await audited.grow(to: 70)
        let none = try audited.look()
        #expect(none.exitCode == 2, "\(none.lines)")
        func publish(_ note: [UInt8], at seconds: UInt64) throws {
            let note = try SignedNote(note)
            let line = try Cosignature.line(signing: note.text, at: seconds, by: witness)
            let folder = copies + "/\(Hashing.sha256(Array("test/backup".utf8)))"
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true
            )
            let bytes = SignedNote(text: note.text, lines: note.lines + [line]).bytes
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/checkpoint"))
        }
        let key = try audited.key()
        let own = try #require(try audited.log.under.read("checkpoint", limit: 10_000))
        try publish(own, at: 1_999_999_990)
        audited.newestWithin = 10
        let fresh = try audited.look()
        #expect(fresh.exitCode == 0, "\(fresh.lines)")
        audited.now += 1
        #expect(verdict(try audited.look()) == (1, .stale))
        audited.newestWithin = nil
        #expect(try audited.look().exitCode == 0)
        // The witness is ahead for a moment: nobody is refuted.
        try publish(try audited.note(size: 71, root: Hashing.sha256([3]), key), at: 1_999_999_999)
        #expect(try audited.look().exitCode == 2)
        // It saw another log of the same size, and of a size between two looks.
        try publish(try audited.note(size: 70, root: Hashing.sha256([3]), key), at: 1_999_999_999)
        #expect(verdict(try audited.look()) == (1, .splitView))
        try publish(try audited.note(size: 75, root: Hashing.sha256([3]), key), at: 1_999_999_999)
        try await audited.grow(to: 80)
        audited.log.proofs = nil
        #expect(verdict(try audited.look()) == (1, .splitView))
        try publish(try audited.note(size: 60, root: Hashing.sha256([3]), key), at: 1_999_999_999)
        audited.log.proofs = { _ in Array("{\"proof\":[]}".utf8) }
        #expect(try audited.look().exitCode == 1)
    }
}

extension Audited {
    /// The secret of the log, by which the tests show what an operator could sign.
    fileprivate func key() throws -> SignerKey {
        let path = test.data + ".keys/log.key"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try SignerKey(text: String(text.split(separator: "\n")[0]))
    }

    /// A note of the log's own key.
    fileprivate func note(size: UInt64, root: Digest, _ key: SignerKey) throws -> [UInt8] {
        let text = Checkpoint(origin: "test/backup", size: size, root: root).text
        return SignedNote(text: text, lines: [try SignedNote.line(signing: text, by: key)]).bytes
    }
}
