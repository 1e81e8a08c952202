// SPDX-License-Identifier: Apache-2.0
//
// Whole books: the example journals of this repository against the balances that other programs
// computed (Tests/Vectors/import), and the real journals beside it where they are there.

import Foundation
import TallyImport
import TallyTypes
import TestSupport
import Testing

/// Records every row that differs.
private func compare(_ found: [BalanceRow: String], with expected: [BalanceRow: String]) {
    for row in Set(found.keys).union(expected.keys).sorted() {
        #expect(found[row] == expected[row], "\(row)")
    }
}

@Suite("Example journals")
struct ExampleTests {
    private static func path(_ name: String) -> String {
        PackageRoot.url.appendingPathComponent("Examples/\(name)").path
    }

    @Test(
        "the company's books balance as hledger and Ledger say",
        arguments: [Dialect.hledger, .ledger]
    )
    func company(dialect: Dialect) throws {
        var options = ImportOptions()
        options.dialect = dialect
        let book = try Imported(
            [Self.path("company.journal")],
            reader: diskReader,
            options: options
        )
        let expected = try ExpectedBalances(Vectors.bytes(of: "import/company.json"))
        compare(book.balances, with: expected.rows)
        #expect(book.plan.counts.transactions == 280)
        #expect(book.plan.empty.count == 1)
        #expect(book.transactions.count == 279)
        #expect(book.plan.counts.assertions == 13)
        #expect(book.plan.warnings == [])
        #expect(book.plan.journals[0].files.count == 4)
    }

    @Test("the household's books balance as Beancount says")
    func household() throws {
        let book = try Imported([Self.path("household.beancount")], reader: diskReader)
        let expected = try ExpectedBalances(Vectors.bytes(of: "import/household.json"))
        compare(book.balances, with: expected.rows)
        #expect(book.transactions.count == 287)
        #expect(book.plan.counts.assertions == 22)
    }

    @Test("no two transactions of the examples share an identity")
    func identities() throws {
        let paths = ["company.journal", "household.beancount"].map(Self.path)
        let book = try Imported(paths, reader: diskReader)
        #expect(Set(book.transactions.map(\.identityBytes)).count == 279 + 287)
    }
}

@Suite("Journals from elsewhere", .needsSharedData)
struct SharedJournalTests {
    @Test(
        "balances are those of the real tools",
        arguments: [
            "demo.ledger", "drewr.dat", "example.beancount", "sample.dat", "standard.dat",
            "wow.dat",
        ]
    )
    func balances(name: String) throws {
        let expected = try ExpectedBalances(
            SharedData.bytes(of: "data/expected/\(name).json")
        )
        let path = try SharedData.url(for: "data/\(expected.file)").path
        let book = try Imported([path], reader: diskReader)
        compare(book.balances, with: expected.rows)
        #expect(book.plan.empty.count == 0)
        if let totals = expected.totals {
            // The importer's own accounts answer exactly what the book leaves over.
            let negated = book.ownBalances.mapValues { text in
                text.hasPrefix("-") ? String(text.dropFirst()) : text == "0" ? "0" : "-" + text
            }
            #expect(negated == totals)
        }
        let keys = book.transactions.map(\.identityBytes)
        #expect(Set(keys).count == keys.count)
        let again = try Imported([path], reader: diskReader)
        #expect(again.transactions == book.transactions)
    }

    @Test("every expectation has its journal here")
    func complete() throws {
        let folder = try SharedData.url(for: "data/expected").path
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 6)
    }
}
