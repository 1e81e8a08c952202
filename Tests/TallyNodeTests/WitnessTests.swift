// SPDX-License-Identifier: Apache-2.0
//
// Real witnesses behind real HTTP, asked by real nodes: what is cosigned, what an older copy is
// told, what a witness refuses, and what two nodes with one key leave behind. Called by `swift
// test`.

import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import TallyChecker
import TallyHTTP
import TallyNode
import TallyProof
import TallyStore
import TallyTypes
import TestSupport
import Testing

/// A witness of this process, served until the body ends.
struct ServedWitness: Sendable {
    let url: String
    let key: String

    /// The line that `tally serve --witness` takes.
    var line: String { "\(key) \(url)" }

    static func run(
        _ folder: String,
        _ logs: [String],
        _ body: @Sendable (ServedWitness) async throws -> Void
    ) async throws {
        let server = try WitnessServer.open(folder, name: "test/witness", logs: logs) { fault in
            Issue.record("the witness failed: \(fault)")
        }
        let found = Found()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.run(
                    host: "127.0.0.1",
                    port: 0,
                    signals: false,
                    level: .critical
                ) { url in found.set(url) }
            }
            try await waitUntil("the witness answers") { found.text != nil }
            let url = try #require(found.text)
            try await body(ServedWitness(url: url, key: server.verifierKey))
            group.cancelAll()
        }
    }

    /// A text that another task finds.
    final class Found: Sendable {
        private let held = Mutex<String?>(nil)

        var text: String? { held.withLock { $0 } }

        func set(_ text: String) { held.withLock { $0 = text } }
    }

    /// Sends a request, and gives what came back.
    @Sendable
    static func send(_ url: String, _ body: [UInt8]) async throws -> WitnessAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 65_536)
        return WitnessAnswer(
            status: Int(response.status.code),
            type: response.headers.first(name: "Content-Type"),
            body: [UInt8](buffer: bytes)
        )
    }

    /// Asks for a checkpoint to be cosigned.
    func add(_ request: AddCheckpoint) async throws -> WitnessAnswer {
        try await ServedWitness.send(url + "/add-checkpoint", request.bytes)
    }

    /// What it publishes of a log; nil when there is nothing.
    func published(_ origin: String) async throws -> [UInt8]? {
        let digits = WitnessStore.digits(origin)
        let request = HTTPClientRequest(url: "\(url)/\(digits)/checkpoint")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return response.status == .ok ? [UInt8](buffer: bytes) : nil
    }
}

/// Folders of ledgers that share a key, and ways to grow them.
private struct Ledgers {
    static let origin = "test/witnessed"
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory("witness") }

    func path(_ name: String) -> String { folder.file(name).path }

    /// Starts a node; its keys are beside it.
    func start(
        _ name: String,
        _ witnesses: [String] = [],
        send: @escaping WitnessAddress.Send = ServedWitness.send
    ) async throws -> Node {
        var configuration = NodeConfiguration(directory: path(name), origin: Ledgers.origin)
        configuration.witnesses = try witnesses.map {
            try WitnessAddress(line: $0, send: send)
        }
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    /// A ledger of its first records, stopped; gives its public keys.
    func found(_ name: String) async throws -> [String] {
        let node = try await start(name)
        _ = try await node.port.submit(.groups([[.make(Book.money)]]))
        try await node.stop()
        return try LogKeys.verifierKeys(of: path(name))
    }

    /// Starts, pays, and stops.
    func pay(_ name: String, _ count: Int, to account: String) async throws {
        let node = try await start(name)
        for _ in 0..<count {
            _ = try await node.port.submit(.one(.pay("world", account, 1)))
        }
        try await node.stop()
    }

    /// Copies data and keys.
    func copy(_ name: String, to other: String) throws {
        let files = FileManager.default
        try files.copyItem(atPath: path(name), toPath: path(other))
        try files.copyItem(atPath: path(name) + ".keys", toPath: path(other) + ".keys")
    }

    func note(_ name: String) throws -> SignedNote {
        try SignedNote([UInt8](Data(contentsOf: URL(fileURLWithPath: path(name) + "/checkpoint"))))
    }

    func checkpoint(_ name: String) throws -> Checkpoint {
        try Checkpoint(text: note(name).text, of: Ledgers.origin)
    }

    func compare(_ one: String, _ other: String, keys: [String]? = nil) -> Comparison {
        Comparison.run(one, other, keys: keys) { (_, _) throws(FetchFault) in nil }
    }
}

extension Node {
    /// Waits until a number of witnesses have cosigned all that is there.
    fileprivate func cosigned(by keys: [VerifierKey]) async throws -> SignedNote {
        let size = await port.head().size
        try await waitUntil("\(size) records are cosigned by \(keys.count)") {
            guard let published = port.log.published(), published.size == size else { return false }
            return try SignedNote(published.note).cosignatures(among: keys).count == keys.count
        }
        return try SignedNote(try #require(port.log.published()).note)
    }
}

@Suite("witnesses of a node")
struct NodeWitnessTests {
    @Test("what a node publishes is cosigned by its witnesses, and receipts carry it")
    func cosigned() async throws {
        let ledgers = try Ledgers()
        let logs = try await ledgers.found("ledger")
        #expect(try ledgers.note("ledger").lines.count == 1, "nobody was asked before")
        try await ServedWitness.run(ledgers.path("w1"), logs) { one in
            try await ServedWitness.run(ledgers.path("w2"), logs) { two in
                #expect(try await one.published(Ledgers.origin) == nil)
                let keys = try [one, two].map { try VerifierKey(text: $0.key) }
                let node = try await ledgers.start("ledger", [one.line, two.line])
                let first = try await node.cosigned(by: keys)
                #expect(first.lines.count == 3)
                for _ in 1...3 {
                    _ = try await node.port.submit(.one(.pay("world", "alice", 1)))
                    _ = try await node.cosigned(by: keys)
                }
                let size = await node.port.head().size
                #expect(node.port.log.witnesses().map(\.problem) == [nil, nil])
                #expect(await node.port.metrics().contains("tally_witnesses_failing 0\n"))
                let seen = try #require(try await one.published(Ledgers.origin))
                let copy = try Checkpoint(text: SignedNote(seen).text, of: Ledgers.origin)
                #expect(copy.size == size)
                let receipt = try #require(try await node.port.log.receipt(2, .json))
                for (quorum, expected) in [(0, 0), (1, 0), (2, 0), (3, 1)] as [(Int, Int32)] {
                    let verified = ReceiptVerification.run(
                        receipt,
                        keys: logs,
                        witnesses: [one.key, two.key],
                        quorum: quorum
                    )
                    #expect(verified.exitCode == expected, "\(verified.line)")
                    #expect(verified.line.contains("WITNESS_POLICY") == (expected == 1))
                }
                let unknown = ReceiptVerification.run(receipt, keys: logs, quorum: 1)
                #expect(unknown.line.hasPrefix("refuted: WITNESS_POLICY"))
                try await node.stop()
                // A later start goes on from what the witnesses have.
                let again = try await ledgers.start("ledger", [one.line, two.line])
                _ = try await again.port.submit(.one(.pay("world", "bob", 1)))
                _ = try await again.cosigned(by: keys)
                try await again.stop()
            }
        }
        let report = Verification.run(ledgers.path("ledger"))
        #expect(report.exitCode == 0, "\(report.lines)")
    }

    @Test("a witness that is gone is named, and keeps nobody from writing")
    func gone() async throws {
        let ledgers = try Ledgers()
        let logs = try await ledgers.found("ledger")
        let key = ServedWitness.Found()
        try await ServedWitness.run(ledgers.path("w"), logs) { witness in
            key.set(witness.key)
        }
        let vkey = try #require(key.text)
        let line = vkey + " http://127.0.0.1:1/"
        let node = try await ledgers.start("ledger", [line]) { url, _ in
            #expect(url == "http://127.0.0.1:1/add-checkpoint")
            throw CancellationError()
        }
        _ = try await node.port.submit(.one(.pay("world", "alice", 1)))
        try await waitUntil("the failure is named") {
            node.port.log.witnesses().first?.problem != nil
        }
        let size = await node.port.head().size
        try await waitUntil("the checkpoint is published") {
            node.port.log.published()?.size == size
        }
        #expect(node.port.log.refusal() == nil)
        #expect(await node.port.metrics().contains("tally_witnesses_failing 1\n"))
        try await node.stop()
        for bad in ["", "x", logs[0] + " http://a", vkey + " ftp://a", line + " "] {
            #expect(throws: NodeFault.self) {
                try WitnessAddress(line: bad, send: ServedWitness.send)
            }
        }
    }

    @Test(
        "an older copy is told by the witness, and signs no more; so is one that went another way"
    )
    func older() async throws {
        let ledgers = try Ledgers()
        let logs = try await ledgers.found("ledger")
        try ledgers.copy("ledger", to: "older")
        try ledgers.copy("ledger", to: "other")
        try await ledgers.pay("other", 1, to: "mallory")
        try await ledgers.pay("ledger", 1, to: "alice")
        try await ledgers.pay("ledger", 2, to: "alice")
        try ledgers.copy("other", to: "longer")
        try await ledgers.pay("longer", 4, to: "mallory")
        let size = try ledgers.checkpoint("ledger").size
        #expect(try ledgers.checkpoint("longer").size > size)
        try await ServedWitness.run(ledgers.path("w"), logs) { witness in
            let key = try VerifierKey(text: witness.key)
            let node = try await ledgers.start("ledger", [witness.line])
            _ = try await node.cosigned(by: [key])
            try await node.stop()
            let before = try #require(try await witness.published(Ledgers.origin))
            for (name, words) in [
                (
                    "older",
                    "has seen \(size) records, and 2 were signed here: this is an older copy"
                ),
                ("longer", "has another tree of \(size) records: this ledger went another way"),
            ] {
                let stale = try await ledgers.start(name, [witness.line])
                try await waitUntil("\(name) is told") { stale.port.log.refusal() != nil }
                #expect(stale.port.log.refusal()?.contains(words) == true)
                #expect(stale.port.log.witnesses().first?.problem?.contains(words) == true)
                let signed = try ledgers.checkpoint(name)
                _ = try await stale.port.submit(.one(.pay("world", "carol", 1)))
                try await stale.stop()
                #expect(try ledgers.checkpoint(name) == signed, "nothing more was signed")
                #expect(try await witness.published(Ledgers.origin) == before)
            }
        }
    }
}

@Suite("the witness as a server")
struct WitnessServerTests {
    private static let seed = Digest(7, 7, 7, 7)

    /// A log without a ledger: notes over leaves.
    private struct Log {
        let key: SignerKey

        init() throws {
            let name = try #require(NoteKeyName("test/log"))
            key = try SignerKey(name: name, type: .log, seed: WitnessServerTests.seed.bytes)
        }

        /// The checkpoint of a log that nobody follows.
        func unknown() throws -> AddCheckpoint {
            let text = Checkpoint(origin: "test/unknown", size: 9, root: Digest(1, 2, 3, 4)).text
            let lines = [try SignedNote.line(signing: text, by: key)]
            return AddCheckpoint(
                oldSize: 0,
                path: [],
                note: SignedNote(text: text, lines: lines)
            )
        }

        func request(_ old: Int, _ size: Int, salt: UInt64 = 0) throws -> AddCheckpoint {
            let leaves = (0..<size).map { Digest(UInt64($0), $0 < 3 ? 0 : salt, 0, 0) }
            var tree = CompactRange()
            for leaf in leaves { tree.append(leaf) }
            let text = Checkpoint(origin: "test/log", size: UInt64(size), root: tree.root).text
            return AddCheckpoint(
                oldSize: UInt64(old),
                path: ConsistencyProof(oldSize: min(old, size), leaves: leaves[...]).path,
                note: SignedNote(text: text, lines: [try SignedNote.line(signing: text, by: key)])
            )
        }
    }

    @Test("each refusal has its status and changes nothing; a restart keeps what was cosigned")
    func statuses() async throws {
        let folder = try TemporaryDirectory("witness")
        let log = try Log()
        let path = folder.file("w").path
        let vkeys = [log.key.verifier.text]
        let first = ServedWitness.Found()
        try await ServedWitness.run(path, vkeys) { witness in
            first.set(witness.key)
            let added = try await witness.add(log.request(0, 5))
            #expect(added.status == 200)
            let line = try SignedNote.lines(added.body[...])
            let own = try VerifierKey(text: witness.key)
            #expect(line.map(\.id) == [own.id])
            let before = try #require(try await witness.published("test/log"))
            let foreign = try SignerKey(
                name: log.key.verifier.id.name,
                type: .log,
                seed: Digest(8, 8, 8, 8).bytes
            )
            let good = try log.request(5, 9)
            let unsigned = AddCheckpoint(
                oldSize: 5,
                path: good.path,
                note: SignedNote(
                    text: good.note.text,
                    lines: [try SignedNote.line(signing: good.note.text, by: foreign)]
                )
            )
            let unknown = try log.unknown()
            #expect(try await witness.add(unknown).status == 404)
            #expect(try await witness.add(unsigned).status == 403)
            #expect(try await witness.add(log.request(9, 5)).status == 400)
            let malformed = try await ServedWitness.send(
                witness.url + "/add-checkpoint",
                Array("old 5\n".utf8)
            )
            #expect(malformed.status == 400)
            #expect(String(decoding: malformed.body, as: UTF8.self).hasPrefix("WITNESS_REQUEST"))
            let conflict = try await witness.add(log.request(4, 9))
            #expect(conflict.status == 409 && conflict.body == Array("5\n".utf8))
            #expect(conflict.type == "text/x.tlog.size")
            #expect(try await witness.add(log.request(5, 9, salt: 1)).status == 422)
            #expect(try await witness.add(log.request(5, 5, salt: 1)).status == 409)
            let elsewhere = try await ServedWitness.send(witness.url + "/other", [])
            #expect(elsewhere.status == 404)
            #expect(try await witness.published("test/log") == before, "nothing was changed")
        }
        try await ServedWitness.run(path, vkeys) { witness in
            #expect(witness.key == first.text)
            let anew = try await witness.add(log.request(0, 9)).status
            let further = try await witness.add(log.request(5, 9)).status
            #expect(anew == 409 && further == 200)
        }
        let mode = try FileManager.default
            .attributesOfItem(atPath: path + "/witness.key")[.posixPermissions]
        #expect(mode as? Int == 0o600)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644],
            ofItemAtPath: path + "/witness.key"
        )
        #expect(throws: NodeFault.self) {
            try WitnessServer.open(path, name: nil, logs: vkeys) { _ in }
        }
    }

    @Test("of requests that race, those that are cosigned follow one another")
    func race() async throws {
        let folder = try TemporaryDirectory("witness")
        let log = try Log()
        let path = folder.file("w").path
        try await ServedWitness.run(path, [log.key.verifier.text]) { witness in
            #expect(try await witness.add(log.request(0, 4)).status == 200)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<24 {
                    let request = try log.request(4, 5 + number % 8, salt: UInt64(number % 3))
                    group.addTask { try await witness.add(request).status }
                }
                var statuses: [Int] = []
                for try await status in group { statuses.append(status) }
                return statuses
            }
            // The stored tree has no salt: a third of the requests continue it, and one of them is
            // first.
            #expect(statuses.count { $0 == 200 } == 1)
            #expect(statuses.allSatisfy { [200, 409, 422].contains($0) })
            let note = try #require(try await witness.published("test/log"))
            let held = try Checkpoint(text: SignedNote(note).text, of: "test/log")
            #expect(held.size > 4)
            let next = try log.request(Int(held.size), 20)
            #expect(try await witness.add(next).status == 200)
        }
    }

    @Test("a folder without its key, a key of another name and keys that are none are refused")
    func refusedStart() async throws {
        let folder = try TemporaryDirectory("witness")
        let log = try Log()
        let vkeys = [log.key.verifier.text]
        let path = folder.file("w").path
        try await ServedWitness.run(path, vkeys) { witness in
            let added = try await witness.add(log.request(0, 5)).status
            #expect(added == 200)
            #expect(throws: (any Error).self, "two witnesses in one folder") {
                try WitnessServer.open(path, name: nil, logs: vkeys) { _ in }
            }
        }
        #expect(throws: NodeFault.self) {
            try WitnessServer.open(path, name: "test/else", logs: vkeys) { _ in }
        }
        for logs in [[], ["x"], [try #require(vkeys.first) + "x"]] {
            #expect(throws: NodeFault.self) {
                try WitnessServer.open(path, name: nil, logs: logs) { _ in }
            }
        }
        let stored = path + "/" + WitnessStore.digits("test/log") + ".checkpoint"
        let note = try Data(contentsOf: URL(fileURLWithPath: stored))
        try note.dropLast(1).write(to: URL(fileURLWithPath: stored))
        #expect(throws: StoreFault.self) {
            try WitnessServer.open(path, name: nil, logs: vkeys) { _ in }
        }
        try note.write(to: URL(fileURLWithPath: stored))
        _ = try WitnessServer.open(path, name: nil, logs: vkeys) { _ in }
        try FileManager.default.removeItem(atPath: path + "/witness.key")
        #expect(throws: NodeFault.self) {
            try WitnessServer.open(path, name: "test/witness", logs: vkeys) { _ in }
        }
    }
}

@Suite("comparing what a log signed")
struct ComparisonTests {
    @Test("two nodes with one key: the fork is a file that convinces with the key alone")
    func fork() async throws {
        let ledgers = try Ledgers()
        let keys = try await ledgers.found("ledger")
        try ledgers.copy("ledger", to: "start")
        try ledgers.copy("ledger", to: "other")
        try await ledgers.pay("ledger", 2, to: "alice")
        try await ledgers.pay("other", 2, to: "bob")
        let (one, two) = (ledgers.path("ledger"), ledgers.path("other"))
        let start = ledgers.path("start")
        #expect(ledgers.compare(one, one).outcome == .same)
        for place in [one, two] {
            let grown = ledgers.compare(start + "/checkpoint", place, keys: keys)
            #expect(grown.outcome == .consistent && grown.exitCode == 0, "\(grown.line)")
            #expect(grown.report == nil)
        }
        let forked = ledgers.compare(one, two)
        #expect(forked.outcome == .fork && forked.exitCode == 1)
        #expect(forked.line.contains("key taken from the directory"))
        try convinces(forked, keys)
        // Notes alone, by a stranger with the key.
        let notes = ledgers.compare(one + "/checkpoint", two + "/checkpoint", keys: keys)
        try convinces(notes, keys)
        let keyless = ledgers.compare(one + "/checkpoint", two + "/checkpoint")
        #expect(keyless.outcome == .unresolved && keyless.exitCode == 2)
        // Other sizes: the tree of the larger shows it.
        try await ledgers.pay("other", 3, to: "bob")
        let sizes = ledgers.compare(one + "/checkpoint", two, keys: keys)
        #expect(sizes.line.contains("whose first 4 have root"), "\(sizes.line)")
        try convinces(sizes, keys)
        let blind = ledgers.compare(one + "/checkpoint", two + "/checkpoint", keys: keys)
        #expect(blind.outcome == .unresolved && blind.exitCode == 2, "\(blind.line)")
        // The same from a mirror's tiles.
        let mirror = ledgers.path("mirror")
        _ = try Backups.create(from: two, to: mirror) { _, _ in }
        try convinces(ledgers.compare(one, mirror, keys: keys), keys)
        #expect(ledgers.compare(two, mirror, keys: keys).outcome == .same)
        #expect(ledgers.compare(start, mirror, keys: keys).outcome == .consistent)
        // Two receipts of one index, at any sizes.
        var receipts: [String] = []
        for name in ["ledger", "other"] {
            let node = try await ledgers.start(name)
            let receipt = try #require(try await node.port.log.receipt(3, .json))
            let file = ledgers.path(name + ".receipt")
            try Data(receipt).write(to: URL(fileURLWithPath: file))
            receipts.append(file)
            try await node.stop()
        }
        let byReceipts = ledgers.compare(receipts[0], receipts[1], keys: keys)
        #expect(byReceipts.line.contains("two records at index 3"), "\(byReceipts.line)")
        try convinces(byReceipts, keys)
        #expect(ledgers.compare(receipts[1], two, keys: keys).outcome == .same)
        // Nothing is said of what cannot be read, or nobody signed.
        let nowhere = ledgers.path("nowhere")
        #expect(ledgers.compare(one, nowhere).exitCode == 2)
        let foreign = try await otherLog()
        #expect(ledgers.compare(one, two, keys: [foreign]).exitCode == 2)
        #expect(
            Comparison.verify(report: try #require(forked.report), keys: [foreign]).exitCode == 2
        )
        #expect(Comparison.verify(report: try #require(forked.report), keys: []).exitCode == 2)
    }

    @Test(
        "a server's tiles are read as a mirror's; a tree that is not the signed one tells nothing"
    )
    func fetched() async throws {
        let ledgers = try Ledgers()
        let keys = try await ledgers.found("ledger")
        try ledgers.copy("ledger", to: "start")
        try await ledgers.pay("ledger", 3, to: "alice")
        let node = try await ledgers.start("ledger")
        let log = node.port.log
        let note = try #require(log.published()?.note)
        let start = ledgers.path("start") + "/checkpoint"
        var tiles: [String: [UInt8]] = ["checkpoint": note]
        tiles["tile/0/000.p/5"] = try await log.tile("tile/0/000.p/5")
        #expect(tiles.count == 2)
        try await node.stop()
        func compare(_ files: [String: [UInt8]]) -> Comparison {
            Comparison.run(start, "http://ledger", keys: keys) { (url, _) throws(FetchFault) in
                files[String(url.dropFirst("http://ledger/".count))]
            }
        }
        let good = compare(tiles)
        #expect(good.outcome == .consistent, "\(good.line)")
        var wrong = tiles
        wrong["tile/0/000.p/5"]?[0] ^= 1
        #expect(compare(wrong).outcome == .unresolved)
        wrong["tile/0/000.p/5"] = Array(repeating: 0, count: 40)
        #expect(compare(wrong).outcome == .unresolved)
        wrong["tile/0/000.p/5"] = nil
        #expect(compare(wrong).outcome == .unresolved)
        let failing = Comparison.run(start, "http://ledger", keys: keys) {
            (_, _) throws(FetchFault) in throw .failed("no route")
        }
        #expect(failing.exitCode == 2 && failing.line.contains("no route"))
    }

    /// A file that says a fork is believed, and none of its tampered copies.
    private func convinces(_ found: Comparison, _ keys: [String]) throws {
        #expect(found.outcome == .fork && found.exitCode == 1, "\(found.line)")
        let report = try #require(found.report)
        let verified = Comparison.verify(report: report, keys: keys)
        #expect(verified.outcome == .fork && verified.exitCode == 0, "\(verified.line)")
        for position in stride(from: 0, to: report.count, by: 7) {
            var changed = report
            changed[position] ^= 1
            let tampered = Comparison.verify(report: changed, keys: keys)
            #expect(tampered.exitCode != 0, "byte \(position): \(tampered.line)")
        }
        let short = Comparison.verify(report: report.dropLast(), keys: keys)
        #expect(short.outcome == .refuted && short.exitCode == 1)
    }

    private func otherLog() async throws -> String {
        let name = try #require(NoteKeyName("test/elsewhere"))
        return try SignerKey(name: name, type: .log, seed: Digest(1, 1, 1, 1).bytes).verifier.text
    }
}
