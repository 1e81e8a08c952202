// SPDX-License-Identifier: Apache-2.0
//
// Two verifiers that share no code over the same ledgers and mirrors: both verify every clean one
// and find the same state; both refute every changed one, and name a place that has to do with the
// change. Seeds are printed; TALLY_MUTATIONS sets how many changes. Called by `swift test`.

import Foundation
import TallyChecker
import TallyCodec
import TallyNode
import TallyProof
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("two verifiers", .serialized)
struct DifferentialTests {
    /// How many changes are made in all; 40 unless the environment says.
    private static let mutations: Int =
        ProcessInfo.processInfo.environment["TALLY_MUTATIONS"].flatMap { Int($0) } ?? 40

    /// The first seed: a fixed one, or that of the environment.
    ///
    /// Ids and salts differ in each run.
    private static let seed: UInt64 =
        ProcessInfo.processInfo.environment["TALLY_SEED"].flatMap { UInt64($0) }
        ?? 239_530

    @Test("the second verifier passes the published vectors")
    func vectors() async throws {
        let folder = PackageRoot.url.appendingPathComponent("Tests/Independent")
        let script = folder.appendingPathComponent("check_vectors.py").path
        let seen = try await TallyProcess.run(
            ["-B", script],
            program: "/usr/bin/python3"
        )
        #expect(seen.status == 0, "\(seen.output)\(seen.errors)")
        #expect(seen.output.contains("receipts.json: 27 checked, 0 wrong"), "\(seen.output)")
        #expect(seen.output.contains("merkle.json: 1017 checked, 0 wrong"))
    }

    @Test("clean ledgers and their mirrors are verified by both, with the same state")
    func clean() async throws {
        let python = try PythonVerifier()
        let count = max(4, DifferentialTests.mutations / 10)
        print("clean ledgers: TALLY_SEED=\(DifferentialTests.seed), \(count) of them")
        for turn in 0..<count {
            let folder = try TemporaryDirectory("clean")
            let (path, mirror) = (folder.file("ledger").path, folder.file("mirror").path)
            try await RandomLedger.make(
                path,
                seed: DifferentialTests.seed + UInt64(turn),
                orders: turn % 40,
                isWide: turn % 8 == 0
            )
            _ = try Backups.create(from: path, to: mirror) { _, _ in }
            for place in [path, mirror] {
                let ours = DifferentialTests.ours(place)
                #expect(ours.exitCode == 0, "turn \(turn): \(ours.lines)")
                let theirs = try python.verify(place)
                #expect(theirs.exit == 0, "turn \(turn): \(theirs)")
                #expect(theirs.size == ours.records && ours.records > 8)
                #expect(theirs.root == ours.root.description)
                let digest = try #require(theirs.stateDigest)
                #expect(ours.notes.contains("state digest \(digest)"), "\(ours.notes)")
            }
        }
    }

    @Test("a changed ledger or mirror is refuted by both, at a place that has to do with it")
    func mutated() async throws {
        let python = try PythonVerifier()
        let each = 40
        let rounds = max(1, DifferentialTests.mutations / each)
        print("changes: TALLY_SEED=\(DifferentialTests.seed), \(rounds * each) of them")
        for round in 0..<rounds {
            var random = SeededRandom(seed: DifferentialTests.seed + UInt64(round))
            let folder = try TemporaryDirectory("mutated")
            let (path, mirror) = (folder.file("ledger").path, folder.file("mirror").path)
            try await RandomLedger.make(
                path,
                seed: random.next(),
                orders: 20 + random.below(30),
                isWide: random.chance(1, in: 2)
            )
            _ = try Backups.create(from: path, to: mirror) { _, _ in }
            for turn in 0..<each {
                let isMirror = turn % 2 == 0
                let place = isMirror ? mirror : path
                let mutation =
                    isMirror
                    ? try Mutation(ofMirror: place, &random)
                    : try Mutation(ofData: place, &random)
                try mutation.apply(place)
                try DifferentialTests.expectRefuted(mutation, place, python, round)
                try mutation.undo(place)
            }
            for place in [path, mirror] {
                #expect(DifferentialTests.ours(place).exitCode == 0, "undone: \(place)")
                let theirs = try python.verify(place)
                #expect(theirs.exit == 0, "undone: \(place): \(theirs)")
            }
        }
    }

    private static func expectRefuted(
        _ mutation: Mutation,
        _ place: String,
        _ python: PythonVerifier,
        _ round: Int
    ) throws {
        let kind = place.hasSuffix("mirror") ? "mirror" : "ledger"
        let words = "seed \(seed), round \(round), \(kind): \(mutation)"
        let report = ours(place)
        #expect(report.exitCode == 1, "\(words): \(report.lines)")
        var findings = report.others
        for check in report.checks {
            if case .refuted(let finding) = check.verdict { findings.append(finding) }
        }
        let name = mutation.file.split(separator: "/").last.map(String.init) ?? mutation.file
        let isNamed = findings.contains { finding in
            (finding.file ?? finding.detail).contains(name) || finding.detail.contains(name)
                || finding.index != nil
        }
        #expect(isNamed, "\(words): \(report.lines)")
        if let record = mutation.record {
            // A salt or an actor may be any: then the leaf's row of the tiles names the record.
            let isAt = findings.contains {
                $0.index?.rawValue == record || $0.detail.contains("offset \(record * 32):")
            }
            #expect(isAt, "\(words): no finding at record \(record): \(report.lines)")
        }
        guard mutation.isSeenByBoth else { return }
        let theirs = try python.verify(place)
        #expect(theirs.exit == 1, "\(words): the second verifier says \(theirs)")
        #expect(
            theirs.findings.contains { $0.record != nil || $0.file != nil },
            "\(words): \(theirs)"
        )
    }

    @Test("a history whose hashes were all made again is refuted by the checkpoint that was kept")
    func rehashed() async throws {
        let python = try PythonVerifier()
        let seed = DifferentialTests.seed
        print("re-hashed: TALLY_SEED=\(seed)")
        for turn in 0..<max(1, DifferentialTests.mutations / 40) {
            var random = SeededRandom(seed: seed + UInt64(turn))
            let folder = try TemporaryDirectory("rehashed")
            let path = folder.file("ledger").path
            try await RandomLedger.make(path, seed: random.next(), orders: 30)
            try Rehashed.rewrite(path, &random)
            let report = DifferentialTests.ours(path)
            #expect(report.exitCode == 1)
            let tree = report.checks.first { $0.name == "tree" }
            guard case .refuted(let finding)? = tree?.verdict else {
                Issue.record("seed \(seed), turn \(turn): \(report.lines)")
                continue
            }
            #expect(finding.reason == .root || finding.reason == .fork)
            let theirs = try python.verify(path)
            #expect(theirs.exit == 1)
            let names = Set(theirs.findings.map(\.name))
            #expect(names.contains("ROOT") || names.contains("FORK"), "\(theirs)")
            #expect(names.isDisjoint(with: ["CHAIN_PREV", "TILE_HASH", "PROJECTION"]))
        }
    }

    private static func ours(_ path: String) -> Report {
        Backups.verify(path, trusted: TrustedEvidence()) { _, _ in }
    }
}

/// Makes another history of a ledger, with every hash right but the signed one.
private enum Rehashed {
    static func rewrite(_ path: String, _ random: inout SeededRandom) throws {
        let entries = path + "/records/entries"
        let layout = try EntryLayout(entries)
        let at = random.below(layout.records.count)
        var heads: [BookID: Digest] = [:]
        var bytes = layout.bytes
        var tiles = TileBuilder()
        var rows: [[Digest]] = [[]]
        var tree = CompactRange()
        for (place, range) in layout.records.enumerated() {
            let old = Array(layout.bytes[(range.lowerBound + 2)..<range.upperBound])
            guard case .whole(let record) = try RecordCodec.parse(old[...]) else {
                throw ProcessTrouble("a record with a blob in a ledger without")
            }
            let changed = record.moved(
                previous: heads[record.book] ?? record.previous,
                salt: place == at ? Salt(1, 2) : record.salt
            )
            let new = RecordCodec.encode(changed)
            guard new.count == old.count else {
                throw ProcessTrouble("a record changed its length")
            }
            bytes.replaceSubrange((range.lowerBound + 2)..<range.upperBound, with: new)
            let leaf = Hashing.leaf(new)
            heads[record.book] = leaf
            tree.append(leaf)
            rows[0].append(leaf)
            for tile in tiles.append(leaf) {
                if rows.count == Int(tile.level) + 1 { rows.append([]) }
                rows[Int(tile.level) + 1].append(TileBuilder.root(tile.hashes[...]))
            }
        }
        try bytes.write(to: URL(fileURLWithPath: entries))
        for (level, row) in rows.enumerated() {
            let url = URL(fileURLWithPath: path + "/records/tiles/\(level)")
            guard !row.isEmpty else { continue }
            var held = try Data(contentsOf: url)
            let hashes = row.flatMap(\.bytes)
            held.replaceSubrange(0..<hashes.count, with: hashes)
            try held.write(to: url)
        }
        let headURL = URL(fileURLWithPath: path + "/head")
        let head = try Head([UInt8](try Data(contentsOf: headURL)))
        let again = Head(size: head.size, root: tree.root, log: head.log)
        try Data(again.bytes).write(to: headURL)
    }
}

extension Record {
    /// The same record with another previous hash and salt.
    fileprivate func moved(previous: Digest, salt: Salt) -> Record {
        Record(
            index: index,
            book: book,
            sequence: sequence,
            previous: previous,
            time: time,
            idempotency: idempotency,
            salt: salt,
            order: order,
            outcome: outcome,
            actor: actor,
            group: group,
            batch: batch
        )
    }
}
