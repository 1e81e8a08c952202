// SPDX-License-Identifier: Apache-2.0
//
// Small journals that the real tools were run on (Tests/Vectors/import/cases.txt): the importer
// gives the same balances where the tool gives some, and refuses what the tool refuses.

import TallyImport
import TestSupport
import Testing

/// One journal and the tool's answer.
struct ToolCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let dialect: Dialect
    let journal: String
    /// Nil where the tool refuses the journal.
    let balances: [BalanceRow: String]?

    /// Reads `=== dialect: title`, the journal, `---`, the rows.
    init?(_ section: Substring) {
        let parts = section.split(
            separator: "\n---\n",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let head = parts[0].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let name = head[0].split(separator: ": ", maxSplits: 1)
        guard parts.count == 2, name.count == 2, head.count == 2,
            let dialect = Dialect(rawValue: String(name[0]))
        else { return nil }
        self.dialect = dialect
        testDescription = String(head[0])
        journal = head[1] + "\n"
        let rows = parts[1].split(separator: "\n")
        if rows == ["refused"] {
            balances = nil
            return
        }
        var balances: [BalanceRow: String] = [:]
        for row in rows {
            let columns = row.split(separator: "\t", omittingEmptySubsequences: false).map(
                String.init
            )
            guard columns.count == 3 else { return nil }
            balances[BalanceRow(columns[0], columns[1])] = columns[2]
        }
        self.balances = balances
    }

    /// All cases; a section that does not parse is left out, and then the count is wrong.
    static func all() throws -> [ToolCase] {
        try Vectors.text(of: "import/cases.txt").split(separator: "\n=== ").dropFirst()
            .compactMap(ToolCase.init)
    }
}

@Suite("The tools' answers")
struct ToolCaseTests {
    @Test("the same balances, the same refusals")
    func cases() throws {
        let cases = try ToolCase.all()
        #expect(cases.count == 257)
        for example in cases {
            guard let balances = example.balances else {
                #expect(throws: ImportError.self, "\(example.testDescription)") {
                    try Imported(example.journal, example.dialect)
                }
                continue
            }
            do {
                let book = try Imported(example.journal, example.dialect)
                #expect(book.balances == balances, "\(example.testDescription)")
            } catch let error as ImportError {
                Issue.record("\(example.testDescription): \(error)")
            }
        }
    }
}
