// SPDX-License-Identifier: Apache-2.0
//
// What Ledger journals become: amounts, elision, costs, lots, virtual postings, claims, directives.
// The small journals were compared with Ledger 3.3.0 when they were written.

import TallyImport
import TallyTypes
import Testing

/// A small journal and the transfers it becomes.
struct TransferCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let journal: String
    let transfers: [String]

    init(_ name: String, _ journal: String, _ transfers: [String]) {
        testDescription = name
        self.journal = journal
        self.transfers = transfers
    }
}

@Suite("Ledger journals")
struct LedgerTests {
    @Test("amounts become transfers", arguments: amountCases)
    func amounts(example: TransferCase) throws {
        #expect(try Imported(example.journal).lines == example.transfers)
    }

    private static let amountCases = [
        TransferCase(
            "an elided amount",
            "2020/01/01 x\n  A:B  $5.00\n  C\n",
            ["C > A:B 500 USD/2"]
        ),
        TransferCase(
            "signs in every place",
            "2020/01/01 x\n  A  $-5.00\n  B  -$5.00\n  C  $ -7\n  D  -1.5 EUR\n  E\n",
            ["A > E 500 USD/2", "B > E 500 USD/2", "C > E 700 USD/2", "D > E 150 EUR/2"]
        ),
        TransferCase(
            "thousands and decimal commas",
            "2020-01-01 x\n  A  1,234 X\n  A  1,234,567.5 X\n  A  1.234,25 X\n  A  12,5 X\n  B\n",
            [
                "B > A 123400 X/2", "B > A 123456750 X/2", "B > A 123425 X/2", "B > A 1250 X/2",
            ]
        ),
        TransferCase(
            "quoted commodities before and behind",
            "2020.01.01 x\n  A  3 \"Green Tea\"\n  A  \"x 1\" 4\n  B\n",
            ["B > A 3 GREENTEA", "B > A 4 X1"]
        ),
        TransferCase(
            "several commodities in one elided amount",
            "2020/01/01 x\n  A  $5\n  A  3 EUR\n  B\n",
            ["B > A 500 USD/2", "B > A 300 EUR/2"]
        ),
        TransferCase(
            "greedy pairing in the journal's order",
            "2020/01/01 x\n  A  $5\n  B  $-3\n  C  $4\n  D  $-6\n",
            ["B > A 300 USD/2", "D > A 200 USD/2", "D > C 400 USD/2"]
        ),
        TransferCase(
            "an account may pay itself, zero amounts move nothing",
            "2020/01/01 x\n  A  $5\n  A  $-5\n  B  $0\n",
            ["A > A 500 USD/2"]
        ),
        TransferCase(
            "arithmetic in parentheses",
            "2020/01/01 x\n  A  ($10 * 3 + $2.50)\n  B  (-(3 + 4) * 2 EUR)\n  C  ($10 / 4)\n  D\n",
            ["D > A 3250 USD/2", "D > C 250 USD/2", "B > D 1400 EUR/2"]
        ),
        TransferCase(
            "smallest units",
            "C 1.00s = 100c\nC 1.00G = 100s\n2020/01/01 x\n  A  1.25G\n  B  -30s\n  D\n",
            ["B > A 3000 C", "D > A 9500 C"]
        ),
        TransferCase(
            "bare numbers",
            "2020/01/01 x\n  A  3.25\n  B\n",
            ["B > A 325 NOCOMMODITY/2"]
        ),
        TransferCase(
            "the longest amounts are exact",
            "2020/01/01 x\n  A  "
                + "115792089237316195423570985008687907853269984665640564039457584007913129639935 X"
                + "\n  B\n",
            [
                "B > A "
                    + "115792089237316195423570985008687907853269984665640564039457584007913129639935"
                    + " X"
            ]
        ),
    ]

    @Test("costs and lots go through the conversion account", arguments: costCases)
    func costs(example: TransferCase) throws {
        #expect(try Imported(example.journal).lines == example.transfers)
    }

    private static let costCases = [
        TransferCase(
            "a cost for one unit",
            "2020/01/01 x\n  A  10 AAPL @ $30.25\n  C\n",
            ["equity:conversion > A 10 AAPL", "C > equity:conversion 30250 USD/2"]
        ),
        TransferCase(
            "a cost for all",
            "2020/01/01 x\n  A  -10 AAPL @@ $301.07\n  C\n",
            ["A > equity:conversion 10 AAPL", "equity:conversion > C 30107 USD/2"]
        ),
        TransferCase(
            "costs that set no price",
            "2020/01/01 x\n  A  2 X (@) $3\n  A  2 Y (@@) $3\n  C\n",
            [
                "equity:conversion > A 2 X", "equity:conversion > A 2 Y",
                "C > equity:conversion 900 USD/2",
            ]
        ),
        TransferCase(
            "two commodities without a cost are an exchange",
            "2020/01/01 x\n  A  10 AAPL\n  C  $-300.03\n",
            ["equity:conversion > A 10 AAPL", "C > equity:conversion 30003 USD/2"]
        ),
        TransferCase(
            "a lot weighs at its own price",
            "2020/01/01 x\n  A  -10 AAPL {$30} @ $35\n  G  $-50\n  C\n",
            [
                "A > equity:conversion 10 AAPL", "G > C 5000 USD/2",
                "equity:conversion > C 30000 USD/2",
            ]
        ),
        TransferCase(
            "all notations of lots",
            "2020/01/01 x\n  A  4 X {=$3} [2019-05-01] (first) @ $3\n  A  2 X {{$8}} @@ $9\n  C\n",
            [
                "equity:conversion > A 4 X", "equity:conversion > A 2 X",
                "C > equity:conversion 2000 USD/2",
            ]
        ),
        TransferCase(
            "a lot that only moves",
            "2020/01/01 x\n  A  1 X {$3}\n  A  2 X {$4}\n  B\n",
            ["B > A 1 X", "B > A 2 X"]
        ),
        TransferCase(
            "less than half a cent is let through to conversion",
            "2020/01/01 x\n  A  3 X @ $0.3333\n  C  $-1.00\n",
            ["equity:conversion > A 3 X", "C > equity:conversion 100 USD/2"]
        ),
    ]

    @Test("virtual postings", arguments: virtualCases)
    func virtual(example: TransferCase) throws {
        #expect(try Imported(example.journal).lines == example.transfers)
    }

    private static let virtualCases = [
        TransferCase(
            "in parentheses: against an account of their own",
            "2020/01/01 x\n  A  $10\n  C\n  (V)  $3\n  (W)  $-2\n",
            [
                "C > A 1000 USD/2", "equity:unbalanced-virtual > V 300 USD/2",
                "W > equity:unbalanced-virtual 200 USD/2",
            ]
        ),
        TransferCase(
            "in brackets: balanced with the rest",
            "2020/01/01 x\n  A  $10\n  [V]  $-3\n  C\n",
            ["V > A 300 USD/2", "C > A 700 USD/2"]
        ),
        TransferCase(
            "automated postings multiply and stand for themselves",
            "= /^exp/\n  (Tax)  0.1\n  (Flat)  3 EUR\n"
                + "2020/01/01 x\n  Exp:A  $10.50\n  C\n",
            [
                "C > Exp:A 1050 USD/2", "equity:unbalanced-virtual > Tax 105 USD/2",
                "equity:unbalanced-virtual > Flat 300 EUR/2",
            ]
        ),
        TransferCase(
            "rules apply to what comes after them, and only where they match",
            "2020/01/01 x\n  Exp:A  $1\n  C\n= exp:a$\n  (T)  1\n"
                + "2020/01/02 x\n  Exp:A  $2\n  Exp:A:B  $3\n  C\n",
            [
                "C > Exp:A 100 USD/2", "C > Exp:A 200 USD/2", "C > Exp:A:B 300 USD/2",
                "equity:unbalanced-virtual > T 200 USD/2",
            ]
        ),
        TransferCase(
            "a rule may add real postings that balance",
            "= a\n  X  $1\n  Y  $-1\n2020/01/01 x\n  A  $2\n  C\n",
            ["C > A 200 USD/2", "Y > X 100 USD/2"]
        ),
    ]

    @Test("queries of automated transactions")
    func queries() throws {
        let journal = """
            = /exp/ or /^in.*y$/ and not z
              (T)  1
            2020/01/01 x
              Exp:A  $1
              Inc:xy  $2
              Inc:zy  $4
              Inc:yx  $8
              C
            """
        let taxed = try Imported(journal).lines.filter { $0.contains("> T ") }
        #expect(
            taxed == [
                "equity:unbalanced-virtual > T 100 USD/2",
                "equity:unbalanced-virtual > T 200 USD/2",
            ]
        )
    }

    @Test("claims are judged in source order")
    func claims() throws {
        let journal = """
            2020/01/02 later date, earlier line
              A  $5 = $5
              B
            2020/01/01 x
              A  $10 = $15
              A  = $20
              B  = $-20
            2020/01/03 a blanket zero
              A  = 0
              B
            """
        let book = try Imported(journal)
        #expect(book.plan.counts.assertions == 5)
        #expect(
            book.lines == [
                "B > A 500 USD/2", "B > A 1000 USD/2", "B > A 500 USD/2", "A > B 2000 USD/2",
            ]
        )
    }

    @Test("names: parents, aliases, default accounts, years")
    func names() throws {
        let journal = """
            alias food=Expenses:Food
            account Assets:Long Name
              alias short
              note where the money is
            bucket Assets:Cash
            Y2019
            12/31 x
              food:out  $1
            apply account Top
            2020/1/2 x
              food  $2
              short  $-1
              Sub  $-1
            end apply account
            """
        let book = try Imported(journal)
        #expect(
            book.lines == [
                "Assets:Cash > Expenses:Food:out 100 USD/2",
                "Assets:Long_Name > Expenses:Food 100 USD/2",
                "Top:Sub > Expenses:Food 100 USD/2",
            ]
        )
        let long = try #require(book.plan.accounts.first { $0.name == "Assets:Long Name" })
        #expect(
            long.metadata == [
                MetadataPair(key: "import/name", value: "Assets:Long Name"),
                MetadataPair(key: "import/note", value: "where the money is"),
            ]
        )
    }

    @Test("includes are relative, and keep their parents and years to themselves")
    func includes() throws {
        let book = try Imported(
            "Y2020\ninclude sub/one.dat\n1/1 x\n  A  $1\n  B\n",
            with: [
                "sub/one.dat": "Y2018\napply account P\ninclude ../two.dat\n",
                "two.dat": "2/2 y\n  C  $2\n  D\n",
            ]
        )
        #expect(book.lines == ["P:D > P:C 200 USD/2", "B > A 100 USD/2"])
        #expect(book.plan.journals[0].files.map(\.path) == ["book.dat", "sub/one.dat", "two.dat"])
        #expect(
            book.transactions.map(\.effectiveMicroseconds)
                == [1_517_529_600_000_000, 1_577_836_800_000_000]
        )
    }

    @Test("what a transaction says becomes metadata")
    func metadata() throws {
        let journal = """
            apply tag trip
            2020/01/01=2020/01/05 ! (c-1) The Payee  ; :a:b:
              ; Key: some value
              * A  2 X {$3} @ $3  ; [=2020/02/01]
              ; Also: this
              B
            end apply tag
            """
        let book = try Imported(journal)
        #expect(
            book.metadata(0) == [
                "import/code=c-1", "import/date2=2020-01-05", "import/meta/Key=some value",
                "import/note=:a:b:\nKey: some value", "import/payee=The Payee",
                "import/posting/1/cost=@ $3", "import/posting/1/date2=2020-02-01",
                "import/posting/1/lot={$3}", "import/posting/1/meta/Also=this",
                "import/posting/1/note=[=2020/02/01]\nAlso: this", "import/posting/1/state=*",
                "import/state=!", "import/tag/a=", "import/tag/b=", "import/tag/trip=",
            ]
        )
        #expect(book.transactions[0].summary == "The Payee")
        #expect(
            book.transactions[0].position == SourcePosition(file: "book.dat", line: 2, column: 1)
        )
    }

    @Test("text that is no entry is passed over or counted with its reason")
    func ignored() throws {
        let journal = """
            ; one
            # two
            * three
            % four
            | five
            comment
            2020/01/01 not read
            end comment
            test
              nor this
            end test
            ~ monthly
              A  $5
              B
            P 2020/01/01 EUR $1.10
            N $
            payee Somebody
              alias someone
            tag thing
            commodity $
              note dollars
              format $1,000.00
            define x=3
            check x == 3
            2020/01/01 x
              ; a note
              A  $1
              B
            2020/01/02 nothing moves
              A  $0
              B
            2020/01/03 nor here
            """
        let book = try Imported(journal)
        #expect(book.lines == ["B > A 100 USD/2"])
        #expect(book.plan.counts.transactions == 3)
        #expect(book.plan.empty.count == 2)
        #expect(
            book.plan.ignored.map { "\($0.name) \($0.count)" } == [
                "N 1", "P 1", "check 1", "comment 1", "commodity note 1", "define 1", "payee 1",
                "tag 1", "test 1", "~ 1",
            ]
        )
        #expect(book.plan.ignored.allSatisfy { !$0.reason.isEmpty })
    }

    @Test("a file may start with a byte order mark and end its lines with CR LF")
    func lineEnds() throws {
        let book = try Imported("\u{FEFF}2020/01/01 x\r\n  A  $1\r\n  B\r\n")
        #expect(book.lines == ["B > A 100 USD/2"])
        #expect(book.metadata(0) == ["import/payee=x"])
    }
}
