// SPDX-License-Identifier: Apache-2.0
//
// Seals of a running node: what they say is what a replay finds, and each balance, or its absence,
// is shown to somebody who has the key alone. Called by `swift test`.

import Foundation
import TallyChecker
import TallyCodec
import TallyHTTP
import TallyNode
import TallyProof
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("seals")
struct SealingTests {
    private func start(_ path: String) async throws -> Node {
        let configuration = NodeConfiguration(directory: path, origin: "test/seal")
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    /// A ledger with accounts of some names, each with one more than the one before.
    private func filled(_ path: String, _ names: [String]) async throws -> Node {
        let node = try await start(path)
        _ = try await node.port.submit(.groups([[.make(Book.money)]]))
        for (place, name) in names.enumerated() {
            _ = try await node.port.submit(.one(.pay("world", name, UInt128(place + 1))))
        }
        return node
    }

    private func receipt(_ node: Node, _ account: String) async throws -> [UInt8] {
        let book = try #require(try await node.port.book(Book.money))
        let address = try #require(AccountAddress(account))
        let key = StateKey.volume(book.id, usd, address)
        return try #require(try await node.port.log.balance(key))
    }

    @Test("a seal is recorded, a replay confirms it, and its balances are shown one by one")
    func seal() async throws {
        let folder = try TemporaryDirectory("seal")
        let path = folder.file("ledger").path
        let names = (0..<300).map { "account:\($0)" }
        let node = try await filled(path, names)
        let sealed = try await node.sealing.seal()
        #expect(sealed.seal.size == 302 && sealed.record == RecordIndex(302))
        #expect(sealed.seal.balances.count == 301)
        #expect(sealed.seal.heads.count == 2)
        let again = try await node.sealing.seal()
        #expect(again == sealed, "nothing came after the seal")
        _ = try await node.port.submit(.one(.pay("account:7", "later", 1)))
        try await node.stop()
        let report = Verification.run(path)
        #expect(report.exitCode == 0, "\(report.lines)")
        #expect(report.checks.contains(Check(name: "seals", verdict: .ok)))

        let shown = try await start(path)
        let keys = try LogKeys.verifierKeys(of: path)
        let world = ReceiptVerification.run(try await receipt(shown, "world"), keys: keys)
        #expect(world.exitCode == 0)
        #expect(world.line.contains("world of book"))
        #expect(world.line.contains("had received 0 and given 45150 of USD/2 at 302 records"))
        for (place, name) in [(0, names[0]), (7, names[7]), (255, names[255]), (299, names[299])] {
            let said = ReceiptVerification.run(try await receipt(shown, name), keys: keys)
            #expect(said.exitCode == 0, "\(said.line)")
            #expect(said.line.contains("received \(place + 1) and given 0"), "\(said.line)")
        }
        for absent in ["a", "account:77x", "later", "zzz"] {
            let said = ReceiptVerification.run(try await receipt(shown, absent), keys: keys)
            #expect(said.exitCode == 0, "\(said.line)")
            #expect(said.line.contains("has no USD/2 at 302 records"), "\(said.line)")
        }
        #expect(ReceiptVerification.run(try await receipt(shown, "later"), keys: []).exitCode == 2)
        try await shown.stop()
    }

    @Test("no other balance, no false absence, no other record passes for what a receipt shows")
    func forged() async throws {
        let folder = try TemporaryDirectory("seal")
        let path = folder.file("ledger").path
        let node = try await filled(path, ["a", "b", "d", "e"])
        _ = try await node.sealing.seal()
        try await node.stop()
        let shown = try await start(path)
        let keys = try LogKeys.verifierKeys(of: path)
        func read(_ name: String) async throws -> BalanceReceipt {
            try BalanceReceipt(json: try await receipt(shown, name))
        }
        let (a, b, d) = (try await read("a"), try await read("b"), try await read("d"))
        let gap = try await read("c")
        #expect(gap.rows.count == 2 && gap.rows[0] == b.rows[0] && gap.rows[1] == d.rows[0])
        func line(_ receipt: BalanceReceipt) -> String {
            let said = ReceiptVerification.run(receipt.json, keys: keys)
            #expect(said.exitCode == 1)
            return said.line
        }
        func row(_ row: BalanceReceipt.Row, value: [UInt8]? = nil, at: UInt64? = nil)
            -> BalanceReceipt.Row
        {
            BalanceReceipt.Row(
                position: at ?? row.position,
                key: row.key,
                value: value ?? row.value,
                path: row.path
            )
        }
        #expect(ReceiptVerification.run(b.json, keys: keys).exitCode == 0)
        #expect(ReceiptVerification.run(gap.json, keys: keys).exitCode == 0)
        let more = StateCodec.encodeValue(.volume(Volume(input: Amount(99), output: .zero)))
        #expect(
            line(BalanceReceipt(key: b.key, rows: [row(b.rows[0], value: more)], seal: b.seal))
                .contains("BALANCE_PROOF: the path of row")
        )
        #expect(
            line(BalanceReceipt(key: b.key, rows: [row(b.rows[0], at: 0)], seal: b.seal))
                .contains("BALANCE_PROOF: the path of row 0")
        )
        let absences = [[], [a.rows[0]], [d.rows[0]], [a.rows[0], d.rows[0]]]
        for rows in absences {
            #expect(
                line(BalanceReceipt(key: b.key, rows: rows, seal: b.seal))
                    .contains("BALANCE_PROOF: its rows do not show that the balance is absent")
            )
        }
        let other = try Receipt(json: try #require(try await shown.port.log.receipt(1, .json)))
        #expect(
            line(BalanceReceipt(key: b.key, rows: b.rows, seal: other))
                .contains("BALANCE_PROOF: its record is no seal")
        )
        var bytes = b.json
        bytes[bytes.count - 2] = UInt8(ascii: ",")
        #expect(ReceiptVerification.run(bytes, keys: keys).exitCode == 1)
        try await shown.stop()
    }

    @Test("a seal that is not true is refuted by a replay, also when all hashes are made again")
    func untrue() async throws {
        let folder = try TemporaryDirectory("seal")
        let path = folder.file("ledger").path
        let node = try await filled(path, ["a"])
        let size = await node.port.head().size
        let rows = SealedRows(count: 2, root: Digest(1, 2, 3, 4))
        let seal = LogSeal(
            size: size,
            stateDigest: Digest(1, 2, 3, 4),
            balances: rows,
            heads: rows
        )
        _ = try await node.port.submit(.groups([[Request(book: nil, order: .sealLog(seal))]]))
        try await node.stop()
        let report = Verification.run(path)
        #expect(report.exitCode == 1)
        #expect(report.firstFinding?.reason == .seal)
        #expect(report.firstFinding?.index == RecordIndex(size))
    }

    @Test("the balances of the two newest seals are kept, and what a crash left of others goes")
    func kept() async throws {
        let folder = try TemporaryDirectory("seal")
        let path = folder.file("ledger").path
        let node = try await filled(path, ["a"])
        let files = FileManager.default
        for turn in 0..<3 {
            if turn == 2 {
                let torn = path + "/seals/00000000000000000001.rows"
                #expect(files.createFile(atPath: torn, contents: Data([1, 2, 3])))
            }
            _ = try await node.sealing.seal()
            _ = try await node.port.submit(.one(.pay("world", "a", 1)))
        }
        let names = try files.contentsOfDirectory(atPath: path + "/seals")
        let sizes = Set(names.map { $0.prefix { $0 != "." } })
        #expect(sizes.count == 2, "\(names)")
        #expect(names.filter { $0.hasSuffix(".record") }.count == 2)
        try await node.stop()
        #expect(Verification.run(path).exitCode == 0)
    }
}
