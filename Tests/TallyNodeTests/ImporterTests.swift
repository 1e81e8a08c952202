// SPDX-License-Identifier: Apache-2.0
//
// Imports into a node: where one stops that is refused, what a second one adds, and what the report
// says of what was not written. Called by `swift test`.

import Foundation
import TallyCodec
import TallyHTTP
import TallyImport
import TallyNode
import TallyTypes
import TestSupport
import Testing

@Suite("imports into a node", .serialized)
struct ImporterTests {
    static let ledger = bookName("company")

    private func start(_ path: String, views: Bool = true) async throws -> Node {
        let configuration = NodeConfiguration(
            directory: path,
            keysMax: 65_536,
            areViewsEnabled: views
        )
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    /// A transaction of four lines.
    private static func transaction(_ day: Int, _ note: String = "n", _ amount: Int = 1) -> String {
        "2026-01-\(day < 10 ? "0" : "")\(day) day \(day)\n  ; \(note)\n  a  \(amount) EUR\n  b\n"
    }

    private static func journal(_ transactions: [String]) -> (ImportPlan, SourceReader) {
        let bytes = Array(transactions.joined().utf8)
        let reader = SourceReader { _ throws(SourceFault) in bytes }
        do {
            return (try ImportSession().scan(["journal.dat"], reader: reader), reader)
        } catch {
            fatalError("a journal of the tests does not parse: \(error)")
        }
    }

    private func importing(
        _ transactions: [String],
        into node: Node,
        ledger: BookName = ImporterTests.ledger
    ) async throws -> ImportReport {
        let (plan, reader) = ImporterTests.journal(transactions)
        return try await Importer(door: node.importDoor, ledger: ledger)
            .run(plan, reader) { _, _ in }
    }

    /// The one line of an import that stops.
    private func stopping(
        _ transactions: [String],
        _ node: Node,
        ledger: BookName = ImporterTests.ledger
    ) async throws -> String {
        do {
            let report = try await importing(transactions, into: node, ledger: ledger)
            throw Broken("imported: \(report)")
        } catch let fault as NodeFault {
            return fault.description
        }
    }

    /// What became of the transactions of all records from one on, in order.
    private func outcomes(_ node: Node, from first: UInt64) async throws -> [String] {
        var found: [String] = []
        for index in first..<(await node.port.head().size) {
            let encoded = try #require(try await node.port.record(RecordIndex(index)))
            let record = try encoded.record()
            guard case .createTransaction(let order) = record.order else { continue }
            let day = (order.timestamp?.microseconds ?? 0) / 86_400_000_000 - 20_453
            found.append("\(day) \(record.isCommitted ? "booked" : "refused")")
        }
        return found
    }

    @Test(
        "nothing behind the first refused transaction is booked, all before it is",
        arguments: [1, 2, 3, 7, 12, 13] as [Int]
    )
    func refusal(at refused: Int) async throws {
        let folder = try TemporaryDirectory("import")
        let node = try await start(folder.path)
        let known = ImporterTests.transaction(refused, "one")
        #expect(try await importing([known], into: node).written == 1)
        let before = await node.port.head().size
        var journal = (1...13).map { ImporterTests.transaction($0) }
        journal[refused - 1] = ImporterTests.transaction(refused, "another")
        let line = try await stopping(journal, node)
        let place = "journal.dat:\(4 * (refused - 1) + 1):1: refused: an earlier import has this"
        #expect(line.hasPrefix(place), "\(line)")
        #expect(line.hasSuffix("nothing behind it; mend it and import again"), "\(line)")
        let booked = (1..<refused).map { "\($0) booked" } + ["\(refused) refused"]
        #expect(try await outcomes(node, from: before) == booked)

        journal[refused - 1] = known
        let report = try await importing(journal, into: node)
        #expect(report.written == UInt64(13 - refused) && report.known == UInt64(refused))
        try await node.stop()
    }

    @Test("a transaction that the ledger cannot take is named, and nothing behind it is booked")
    func tooLarge() async throws {
        let folder = try TemporaryDirectory("import")
        let node = try await start(folder.path)
        var journal = (1...9).map { ImporterTests.transaction($0) }
        journal[5] = ImporterTests.transaction(6, String(repeating: "x", count: 530_000))
        let line = try await stopping(journal, node)
        #expect(line.hasPrefix("journal.dat:21:1: not taken: order: 53"), "\(line)")
        #expect(try await outcomes(node, from: 0) == (1...5).map { "\($0) booked" })
        try await node.stop()
    }

    @Test("a refusal is in words")
    func words() async throws {
        let folder = try TemporaryDirectory("import")
        let node = try await start(folder.path)
        _ = try await node.port.submit(
            .groups([[.make(Book.events, .journal)], [.make(Book.money)], [.deleteMoney]])
        )
        let journal = [ImporterTests.transaction(1), ImporterTests.transaction(2)]
        let kind = try await stopping(journal, node, ledger: Book.events)
        #expect(kind.hasPrefix("journal.dat:1:1: refused: the book is of kind journal"), "\(kind)")
        let deleted = try await stopping(journal, node, ledger: Book.money)
        #expect(deleted.hasPrefix("journal.dat:1:1: refused: the ledger was deleted;"))
        try await node.stop()
    }

    @Test("a second import adds no record, with and without views", arguments: [true, false])
    func twice(views: Bool) async throws {
        let folder = try TemporaryDirectory("import")
        let journal = (1...9).map { ImporterTests.transaction($0) }
        for run in 0..<2 {
            let node = try await start(folder.path, views: views)
            let report = try await importing(journal, into: node)
            #expect(report.written == (run == 0 ? 9 : 0) && report.known == (run == 0 ? 0 : 9))
            #expect(await node.port.head().size == 11)
            try await node.stop()
        }
    }

    @Test("the report names what was not written, and every account with its address")
    func report() async throws {
        let folder = try TemporaryDirectory("import")
        let node = try await start(folder.path)
        let journal = [
            "P 2026-01-01 USD 1 EUR\n", ImporterTests.transaction(1),
            "2026-01-02 nothing\n  Café  0 EUR\n  b\n", ImporterTests.transaction(3),
        ]
        let report = try await importing(journal, into: node)
        #expect(
            report.text == """
                commodity EUR → EUR/2
                account Café → Cafe
                ignored 1 × P: a market price changes no balance
                journal.dat:6:1: not written: it has no amounts, so nothing moves
                company: 2 transactions written, 0 known already, 1 without amounts not written
                """
        )
        let members = [
            #""ledger":"company","written":2,"known":0"#,
            #""commodities":[{"commodity":"EUR","asset":"EUR/2"}]"#,
            #""accounts":[{"account":"Café","address":"Cafe"},{"account":"a","address":"a"},"#
                + #"{"account":"b","address":"b"}]"#,
            #""notWritten":[{"file":"journal.dat","line":6,"column":1}]"#,
            #""ignored":[{"directive":"P","count":1,"#
                + #""reason":"a market price changes no balance"}]"#,
            #""warnings":[]"#,
        ]
        #expect(report.json == "{" + members.joined(separator: ",") + "}")
        let again = try await importing(journal, into: node)
        #expect(again.written == 0 && again.known == 2)
        try await node.stop()
    }

    @Test("invariant 12 fires when a door submits behind a refused transaction")
    func behindRefusal() async {
        let exit = await #expect(
            processExitsWith: .failure,
            observing: [\.standardErrorContent]
        ) {
            let (plan, reader) = ImporterTests.journal(
                (1...3).map { ImporterTests.transaction($0) }
            )
            let door = ImportDoor(
                createLedger: { _ in },
                submit: { _, _ in [.written, .refused("no"), .written] }
            )
            _ = try await Importer(door: door, ledger: ImporterTests.ledger)
                .run(plan, reader) { _, _ in }
        }
        expectInvariant(.i12, in: exit)
    }
}
