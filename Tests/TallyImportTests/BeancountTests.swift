// SPDX-License-Identifier: Apache-2.0
//
// What Beancount files become: booking, inference, tolerances, pads, balances, metadata. The small
// files were compared with Beancount 3.2.3.

import TallyImport
import TallyTypes
import Testing

/// Two accounts that most files here use.
private let opens = "2020-01-01 open Assets:A\n2020-01-01 open Equity:B\n"

@Suite("Beancount files")
struct BeancountTests {
    @Test("postings", arguments: postingCases)
    func postings(example: TransferCase) throws {
        #expect(try Imported(opens + example.journal, .beancount).lines == example.transfers)
    }

    private static let postingCases = [
        TransferCase(
            "an elided amount in two currencies",
            "2020-01-02 * \"x\"\n  Assets:A  10.00 USD\n  Assets:A  3 CHAIR\n  Equity:B\n",
            ["Equity:B > Assets:A 1000 USD/2", "Equity:B > Assets:A 3 CHAIR"]
        ),
        TransferCase(
            "arithmetic",
            "2020-01-02 * \"x\"\n  Assets:A  (3 + 4) * 2.5 / 5 USD\n  Assets:A  -(1.50 - 3) EUR\n"
                + "  Equity:B\n",
            ["Equity:B > Assets:A 350 USD/2", "Equity:B > Assets:A 150 EUR/2"]
        ),
        TransferCase(
            "a price",
            "2020-01-02 * \"x\"\n  Assets:A  8 X @@ 85 USD\n  Equity:B  -85 USD\n",
            ["equity:conversion > Assets:A 8 X", "Equity:B > equity:conversion 8500 USD/2"]
        ),
        TransferCase(
            "an inferred amount is rounded as the tool rounds it",
            "2020-01-02 * \"x\"\n  Assets:A  1 X @ 1.015 USD\n  Assets:A  5.00 USD\n  Equity:B\n"
                + "2020-01-03 * \"x\"\n  Assets:A  1 X @ 1.005 USD\n  Assets:A  5.00 USD\n"
                + "  Equity:B\n",
            [
                "equity:conversion > Assets:A 1 X", "Equity:B > Assets:A 500 USD/2",
                "Equity:B > equity:conversion 102 USD/2", "equity:conversion > Assets:A 1 X",
                "Equity:B > Assets:A 500 USD/2", "Equity:B > equity:conversion 100 USD/2",
            ]
        ),
        TransferCase(
            "currencies of every form, numbers with commas, dates with slashes",
            "2020/1/2 * \"x\"\n  Assets:A  3,000.50 BRK.B\n  Assets:A  4 /ESM24\n  Assets:A  1 V\n"
                + "  Equity:B\n",
            [
                "Equity:B > Assets:A 300050 BRKB/2", "Equity:B > Assets:A 4 ESM24",
                "Equity:B > Assets:A 1 V",
            ]
        ),
        TransferCase(
            "entries are yielded by date",
            "2020-01-03 * \"x\"\n  Assets:A  3 X\n  Equity:B\n"
                + "2020-01-02 * \"x\"\n  Assets:A  2 X\n  Equity:B\n",
            ["Equity:B > Assets:A 2 X", "Equity:B > Assets:A 3 X"]
        ),
        TransferCase(
            "nothing left for the elided posting",
            "2020-01-02 * \"x\"\n  Assets:A  3 X\n  Assets:A  -3 X\n  Equity:B\n"
                + "2020-01-02 * \"y\"\n  Assets:A\n",
            ["Assets:A > Assets:A 3 X"]
        ),
    ]

    /// A booking method, the cost of what it takes from the lots, or nil where it may not choose.
    struct BookingCase: Sendable, CustomTestStringConvertible {
        let method: String
        let units: String
        let spec: String
        let cash: String?
        var testDescription: String { "\(method) takes \(units) X {\(spec)}" }
    }

    @Test(
        "reductions choose lots",
        arguments: [
            BookingCase(method: "STRICT", units: "-30", spec: "", cash: "94000"),
            BookingCase(method: "STRICT", units: "-4", spec: "", cash: nil),
            BookingCase(method: "STRICT", units: "-4", spec: "31.00 USD", cash: "12400"),
            BookingCase(method: "STRICT", units: "-4", spec: "2020-01-04", cash: "13200"),
            BookingCase(method: "STRICT", units: "-4", spec: "\"first\", USD", cash: "12000"),
            BookingCase(method: "STRICT", units: "-11", spec: "31.00 USD", cash: nil),
            BookingCase(method: "STRICT", units: "-4", spec: "32.00 USD", cash: nil),
            BookingCase(method: "STRICT_WITH_SIZE", units: "-10", spec: "", cash: "30000"),
            BookingCase(method: "FIFO", units: "-14", spec: "", cash: "42400"),
            BookingCase(method: "LIFO", units: "-14", spec: "", cash: "45400"),
            BookingCase(method: "HIFO", units: "-14", spec: "", cash: "45400"),
            BookingCase(method: "FIFO", units: "-31", spec: "", cash: nil),
        ]
    )
    func booking(example: BookingCase) throws {
        let file = """
            2020-01-01 open Assets:A "\(example.method)"
            2020-01-01 open Equity:B
            2020-01-04 * "third, written first"
              Assets:A  10 X {33.00 USD}
              Equity:B
            2020-01-02 * "first"
              Assets:A  10 X {30.00 USD, "first"}
              Equity:B
            2020-01-03 * "second"
              Assets:A  10 X {{310.00 USD}}
              Equity:B
            2020-01-05 * "sale"
              Assets:A  \(example.units) X {\(example.spec)} @ 99 USD
              Equity:B
            """
        guard let cash = example.cash else {
            let error = #expect(throws: ImportError.self) { try Imported(file, .beancount) }
            #expect(error?.code == .ambiguousLot || error?.code == .lotNotFound)
            #expect(error?.position?.line == 13)
            return
        }
        let book = try Imported(file, .beancount)
        #expect(book.lines.last == "equity:conversion > Equity:B \(cash) USD/2")
    }

    @Test("an unchecked account takes everything as new lots")
    func unchecked() throws {
        let file = """
            2020-01-01 open Assets:A "NONE"
            2020-01-01 open Equity:B
            2020-01-02 * "x"
              Assets:A  -10 X {30.00 USD}
              Assets:A  11 X {33.00 USD}
              Equity:B
            """
        let last = try Imported(file, .beancount).lines.last
        #expect(last == "Equity:B > equity:conversion 6300 USD/2")
    }

    @Test("a pad makes the next balance of each currency true, once")
    func pads() throws {
        let file =
            opens + """
                2020-01-01 open Assets:A:C
                2020-01-01 pad Assets:A Equity:B
                2020-01-05 * "x"
                  Assets:A:C  3.00 USD
                  Equity:B
                2020-01-06 balance Assets:A 100.00 USD
                2020-01-06 balance Assets:A 5 EUR
                2020-01-07 balance Assets:A 100.01 USD
                2020-01-07 pad Assets:A Equity:B
                2020-01-08 balance Assets:A 90.00 USD
                """
        let book = try Imported(file, .beancount)
        #expect(
            book.lines == [
                "Equity:B > Assets:A 9700 USD/2", "Equity:B > Assets:A 500 EUR/2",
                "Equity:B > Assets:A:C 300 USD/2", "Assets:A > Equity:B 1000 USD/2",
            ]
        )
        #expect(book.metadata(0).contains("import/state=P"))
        #expect(book.plan.counts.assertions == 4)
    }

    @Test(
        "tolerances of transactions",
        arguments: [
            ("", "10.00", "-10.005", true), ("", "10.00", "-10.006", false),
            ("", "10", "-10", true), ("", "3 X @ 3.33", "-10", false),
            ("option \"inferred_tolerance_default\" \"USD:0.01\"\n", "3 X @ 3.33", "-10", true),
            ("option \"inferred_tolerance_default\" \"*:0.01\"\n", "3 X @ 3.33", "-10", true),
            ("option \"tolerance_multiplier\" \"1.2\"\n", "10.00", "-10.012", true),
        ]
    )
    func tolerances(option: String, first: String, second: String, balances: Bool) throws {
        let file =
            option + opens
            + "2020-01-02 * \"x\"\n  Assets:A  \(first) USD\n  Equity:B  \(second) USD\n"
        if balances {
            #expect(try Imported(file, .beancount).transactions.count == 1)
        } else {
            let error = #expect(throws: ImportError.self) { try Imported(file, .beancount) }
            #expect(error?.code == .unbalanced)
        }
    }

    @Test(
        "tolerances of balances",
        arguments: [("3.01", true), ("3.02", false), ("3", false), ("3.1 ~ 0.1", true)]
    )
    func balanceTolerances(claim: String, holds: Bool) throws {
        let file =
            opens + "2020-01-02 * \"x\"\n  Assets:A  3.005 X\n  Equity:B\n"
            + "2020-01-03 balance Assets:A \(claim) X\n2020-01-02 balance Assets:A 0 X\n"
        if holds {
            #expect(try Imported(file, .beancount).plan.counts.assertions == 2)
        } else {
            let error = #expect(throws: ImportError.self) { try Imported(file, .beancount) }
            #expect(error?.code == .assertionFailed)
            #expect(error?.position == SourcePosition(file: "book.beancount", line: 6, column: 1))
        }
    }

    @Test("what a transaction says becomes metadata")
    func metadata() throws {
        let file =
            opens + """
                pushtag #trip
                pushmeta place: "Riga"
                2020-01-02 ! "Payee" "two
                lines" #a ^link-1
                  key: "va\\"lue"
                  when: 2020-01-05
                  much: (1 + 2) USD
                  yes: TRUE
                  empty:
                  #late
                  ! Assets:A  2 X {3.00 USD, 2019-12-31} @ 4 USD
                    pk: Assets:A
                  Equity:B  ; a comment
                poptag #trip
                popmeta place:
                """
        let book = try Imported(file, .beancount)
        #expect(
            book.metadata(0) == [
                "import/link/link-1=", "import/meta/empty=", "import/meta/key=va\"lue",
                "import/meta/much=3 USD", "import/meta/place=Riga",
                "import/meta/when=2020-01-05", "import/meta/yes=TRUE",
                "import/narration=two\nlines", "import/payee=Payee",
                "import/posting/1/cost={3.00 USD, 2019-12-31}",
                "import/posting/1/meta/pk=Assets:A", "import/posting/1/price=@ 4 USD",
                "import/posting/1/state=!", "import/state=!", "import/tag/a=",
                "import/tag/late=", "import/tag/trip=",
            ]
        )
    }

    @Test("directives, options and plugins without effect are counted with their reasons")
    func ignored() throws {
        let file =
            "* heading\n:PROPERTIES:\n# hash\noption \"title\" \"x\"\n"
            + "plugin \"beancount.plugins.leafonly\"\n" + opens + """
                2020-01-01 commodity X
                  name: "x"
                2020-01-01 event "a" "b"
                2020-01-01 note Assets:A "foo"
                2020-01-01 document Assets:A "foo.pdf"
                2020-01-01 query "q" "select *
                  from x"
                2020-01-01 custom "budget" Assets:A "x" 3 USD
                2020-01-01 price X 3 USD
                2020-01-02 txn "x"
                  Assets:A  3 X
                  ; a comment
                  Equity:B
                2020-01-03 close Assets:A
                2020-01-04 balance Assets:A 3 X
                """
        let book = try Imported(file, .beancount)
        #expect(book.lines == ["Equity:B > Assets:A 3 X"])
        #expect(
            book.plan.ignored.map { "\($0.name) \($0.count)" } == [
                "commodity 1", "custom 1", "document 1", "event 1", "note 1", "option title 1",
                "plugin beancount.plugins.leafonly 1", "price 1", "query 1",
            ]
        )
        let account = try #require(book.plan.accounts.first { $0.name == "Assets:A" })
        #expect(account.metadata.map(\.key) == ["import/name", "import/opened"])
    }

    @Test("a plugin may open accounts, includes are relative, accounts may be in any script")
    func others() throws {
        let book = try Imported(
            "plugin \"beancount.plugins.auto_accounts\"\ninclude \"sub/more.beancount\"\n",
            .beancount,
            with: [
                "sub/more.beancount": "2020-01-02 * \"x\"\n  Активы:Ñandú  3 X\n  Equity:B\n"
            ]
        )
        #expect(book.lines == ["Equity:B > Aktivy:Nandu 3 X"])
        #expect(book.transactions[0].position.file == "sub/more.beancount")
    }
}
