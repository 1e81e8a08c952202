// SPDX-License-Identifier: Apache-2.0
//
// Where hledger journals differ from Ledger's: date order, decimal marks, directives that end with
// their file, lots that are notes. The small journals were compared with hledger 1.25.

import TallyImport
import TallyTypes
import Testing

@Suite("hledger journals")
struct HledgerTests {
    @Test("amounts", arguments: amountCases)
    func amounts(example: TransferCase) throws {
        #expect(try Imported(example.journal, .hledger).lines == example.transfers)
    }

    private static let amountCases = [
        TransferCase(
            "a lone comma is a decimal mark",
            "2020-01-01 x\n  A  1,234 EUR\n  B\n",
            ["B > A 1234 EUR/3"]
        ),
        TransferCase(
            "the file's decimal mark",
            "decimal-mark ,\n2020-01-01 x\n  A  1.234 EUR\n  A  12,50 EUR\n  B\n",
            ["B > A 123400 EUR/2", "B > A 1250 EUR/2"]
        ),
        TransferCase(
            "a commodity's decimal mark, before and behind",
            "commodity 1.000,00 EUR\ncommodity $1,000.00\n2020-01-01 x\n  A  1.234 EUR\n"
                + "  A  EUR 1.234,5\n  A  $1,234\n  B\n",
            ["B > A 123400 EUR/2", "B > A 123450 EUR/2", "B > A 123400 USD/2"]
        ),
        TransferCase(
            "the default commodity and its decimal mark",
            "D 1.000,00 EUR\n2020-01-01 x\n  A  1.234\n  B  EUR 1,5\n  C\n",
            ["C > A 123400 EUR/2", "C > B 150 EUR/2"]
        ),
        TransferCase(
            "exponents",
            "2020-01-01 x\n  A  1E3 EUR\n  A  2.5e-1 EUR\n  B\n",
            ["B > A 100000 EUR/2", "B > A 25 EUR/2"]
        ),
        TransferCase(
            "groups of other countries, and blanks",
            "2020-01-01 x\n  A  1,00,000.25 INR\n  A  1 000 000.25 INR\n  B\n",
            ["B > A 10000025 INR/2", "B > A 100000025 INR/2"]
        ),
        TransferCase(
            "a lot is a note, the cost counts",
            "2020-01-01 x\n  A  -10 X {$30} @ $35\n  A  2 Y @ $1 {=$3}\n  C\n",
            [
                "A > equity:conversion 10 X", "equity:conversion > A 2 Y",
                "equity:conversion > C 34800 USD/2",
            ]
        ),
        TransferCase(
            "a negative cost for one unit",
            "2020-01-01 x\n  A  3 X @ $-2\n  C\n",
            ["equity:conversion > A 3 X", "equity:conversion > C 600 USD/2"]
        ),
        TransferCase(
            "virtual groups balance each for itself",
            "2020-01-01 x\n  A  $5\n  C\n  [V]  $3\n  [W]\n  (X)\n",
            ["C > A 500 USD/2", "W > V 300 USD/2"]
        ),
    ]

    @Test("claims are judged, and transactions yielded, by date")
    func dateOrder() throws {
        let journal = """
            2020-01-02 second
              A  $5 = $15
              B
            2020-01-01 first
              A  $10
              B
            2020-01-03 third
              A  = $20
              B
            2020-01-04 a posting of its own date
              A  $1  ; date:2020-01-02
              B
            2020-01-05 the whole tree, and nothing else
              A:Sub  $2
              A  $0 =* $22
              B  ==* $-22
            """
        let book = try Imported(journal, .hledger)
        #expect(book.transactions.map(\.summary.first) == ["f", "s", "t", "a", "t"])
        #expect(
            book.lines == [
                "B > A 1000 USD/2", "B > A 500 USD/2", "B > A 400 USD/2", "B > A 100 USD/2",
                "B > A:Sub 200 USD/2",
            ]
        )
        #expect(book.plan.counts.assertions == 4)
    }

    @Test("directives end with the file that has them")
    func scopes() throws {
        let book = try Imported(
            "include one.j\n2020-01-01 x\n  food  1\n  B\n",
            .hledger,
            with: [
                "one.j": """
                D $1.00
                alias food = Expenses:Food
                apply account P
                2019-01-01 y
                  food:out  2
                  B
                2019-01-02 z
                  Q  2
                  B

                """
            ]
        )
        #expect(
            book.lines == [
                "P:B > P:food:out 200 USD/2", "P:B > P:Q 200 USD/2", "B > food 1 NOCOMMODITY",
            ]
        )
    }

    @Test("an alias replaces leading segments, the latest first, until they end")
    func aliases() throws {
        let journal = """
            alias a = b
            alias x:y = a
            2020-01-01 x
              x:y:z  $1
              a  $2
              C
            end aliases
            2020-01-01 x
              a  $4
              C
            """
        let book = try Imported(journal, .hledger)
        #expect(book.lines == ["C > b:z 100 USD/2", "C > b 200 USD/2", "C > a 400 USD/2"])
    }

    @Test("a transaction is read by what was said above it, wherever its date puts it")
    func contexts() throws {
        let journal = """
            Y2021
            alias a = one
            05-01 last
              a  $1  ; above
              C
            include other.j
            decimal-mark ,
            alias a = two
            03-01 third
              a  1.234,5 EUR
              ; date:02-01
              C
            end aliases
            Y2020
            apply account P
            04-01 first
              a  $4
              C
            """
        let other = "decimal-mark .\n04-01 fourth\n  a  1,234.5 EUR\n  C\nalias a = three\n"
        let book = try Imported(journal, .hledger, with: ["other.j": other])
        #expect(book.transactions.map(\.summary) == ["first", "third", "fourth", "last"])
        #expect(
            book.lines == [
                "P:C > P:a 400 USD/2", "C > two 123450 EUR/2", "C > one 123450 EUR/2",
                "C > one 100 USD/2",
            ]
        )
        #expect(book.transactions.map(\.position.line) == [16, 9, 2, 3])
        #expect(book.metadata(1).contains("import/posting/1/date=2021-02-01"))
    }

    @Test("a posting's own date decides when its claim holds, before and behind its transaction")
    func postingDates() throws {
        let journal = """
            2020-01-05 x
              A  $1  ; date:2020-01-02
              A  $2
              B  ; date:2020-01-08
            2020-01-02 one is there, and nothing of B
              A  $0 = $1
              B  $0 = $0
            2020-01-05 three are there
              A  $0 = $3
              B  $0 = $0
            2020-01-08 all is there
              B  $0 = $-3
            """
        #expect(try Imported(journal, .hledger).plan.counts.assertions == 5)
        let early = journal.replacing("B  $0 = $-3", with: "B  $0 = $-2")
        #expect(throws: ImportError.self) { try Imported(early, .hledger) }
    }

    @Test("automated postings stay off, with a warning")
    func automated() throws {
        let book = try Imported(
            "= exp\n  (tax)  *0.1\n2020-01-01 x\n  exp  $10\n  C\n",
            .hledger
        )
        #expect(book.lines == ["C > exp 1000 USD/2"])
        #expect(book.plan.warnings.map(\.position.line) == [1])
        #expect(book.plan.ignored.map(\.name) == ["="])
    }

    @Test("payee, note and tags")
    func metadata() throws {
        let journal = "2020-01-01 * Shop | weekly; trip:, colour: dark red\n  A  $1  ; x:y\n  B\n"
        let book = try Imported(journal, .hledger)
        #expect(
            book.metadata(0) == [
                "import/meta/colour=dark red", "import/narration=weekly",
                "import/note=trip:, colour: dark red", "import/payee=Shop",
                "import/posting/1/meta/x=y", "import/posting/1/note=x:y", "import/state=*",
                "import/tag/trip=",
            ]
        )
    }

    @Test("the tolerance is half of the last digit that the whole journal shows")
    func tolerance() throws {
        let loose = "2020-01-01 x\n  A  3 X @ $0.3333\n  C  $-1.00\n"
        #expect(try Imported(loose, .hledger).lines.count == 2)
        let strict = loose + "2020-01-02 x\n  A  $0.0001\n  C\n"
        #expect(throws: ImportError.self) { try Imported(strict, .hledger) }
        let fixed = "commodity $1,000.00\n" + strict
        #expect(try Imported(fixed, .hledger).lines.count == 3)
    }

    @Test("the dialect follows the file's name, or the option")
    func dialects() throws {
        let options = ImportOptions()
        #expect(options.dialect(of: "a/b.journal") == .hledger)
        #expect(options.dialect(of: "b.hledger") == .hledger)
        #expect(options.dialect(of: "b.J") == .hledger)
        #expect(options.dialect(of: "b.beancount") == .beancount)
        #expect(options.dialect(of: "b.bean") == .beancount)
        #expect(options.dialect(of: "b.dat") == .ledger)
        #expect(options.dialect(of: "x.journal/ledger") == .ledger)
        var forced = options
        forced.dialect = .ledger
        #expect(forced.dialect(of: "a.journal") == .ledger)
        let journal = "2020-01-01 x\n  A  1,234 EUR\n  B\n"
        #expect(try Imported(journal, .hledger, options: forced).lines == ["B > A 123400 EUR/2"])
    }
}
