// SPDX-License-Identifier: Apache-2.0
//
// Bad input: every reason an import can fail for, with its exact place. The last test holds the
// table against the closed list of codes, so that a new code needs a case.

import TallyImport
import TallyTypes
import Testing

/// A bad journal, and the error it must end with.
struct ErrorCase: Sendable, CustomTestStringConvertible {
    let code: ImportError.Code
    let dialect: Dialect
    let text: String
    /// `line:column`, or nil for an error in the options.
    let place: String?
    let others: [String: String]

    init(
        _ code: ImportError.Code,
        _ dialect: Dialect,
        _ place: String?,
        _ text: String,
        with others: [String: String] = [:]
    ) {
        self.code = code
        self.dialect = dialect
        self.place = place
        self.text = text
        self.others = others
    }

    var testDescription: String {
        "\(code.rawValue) at \(place ?? "nowhere"): \(text.suffix(50).debugDescription)"
    }
}

/// The first line of most bad transactions.
private let head = "2020/01/01 x\n"
private let opens = "2020-01-01 open Assets:A\n2020-01-01 open Equity:B\n"
private let buy = opens + "2020-01-02 * \"b\"\n  Assets:A  5 X {10 USD}\n  Equity:B\n"

@Suite("Bad journals")
struct ErrorTests {
    @Test("an error names its reason and its place", arguments: ledgerCases + beancountCases)
    func error(example: ErrorCase) throws {
        let thrown = #expect(throws: ImportError.self) {
            try Imported(example.text, example.dialect, with: example.others)
        }
        let error = try #require(thrown)
        #expect(error.code == example.code, "\(error)")
        #expect(error.position.map { "\($0.line):\($0.column)" } == example.place, "\(error)")
        #expect(error.position.map { $0.file == example.dialect.fileName } != false, "\(error)")
        #expect(!error.message.isEmpty)
    }

    static let ledgerCases: [ErrorCase] = [
        ErrorCase(.includeCycle, .ledger, "2:9", "; a\ninclude ./book.dat\n"),
        ErrorCase(.unsupportedInclude, .ledger, "1:9", "include *.dat\n"),
        ErrorCase(.unsupportedInclude, .ledger, "1:9", "include ~/a.dat\n"),
        ErrorCase(.unsupportedInclude, .hledger, "1:9", "include timedot:a.dat\n"),
        ErrorCase(.unreadable, .ledger, "1:9", "include missing.dat\n"),
        ErrorCase(.malformedDirective, .ledger, "1:9", "include \n"),
        ErrorCase(.unexpectedIndent, .ledger, "1:3", "  A  $1\n"),
        ErrorCase(.unexpectedIndent, .ledger, "5:2", head + "  A  1\n  B\n\n C\n"),
        ErrorCase(.unknownDirective, .ledger, "1:1", "frobnicate x\n"),
        ErrorCase(.unknownDirective, .ledger, "1:1", "-- x\n"),
        ErrorCase(.unknownDirective, .hledger, "1:1", "% x\n"),
        ErrorCase(.unknownDirective, .ledger, "2:3", "account A\n  frobnicate\n"),
        ErrorCase(.unsupportedDirective, .ledger, "1:1", "i 2020/01/01 09:00 work\n"),
        ErrorCase(.unsupportedDirective, .ledger, "1:1", "capture A b\n"),
        ErrorCase(.unsupportedDirective, .ledger, "1:1", "assert 1 == 2\n"),
        ErrorCase(.unsupportedDirective, .ledger, "2:3", head + "  assert amount > 0\n"),
        ErrorCase(.unsupportedDirective, .ledger, "2:3", "tag x\n  assert value == 1\n"),
        ErrorCase(.unsupportedDirective, .ledger, "2:3", "account A\n  payee ^b\n"),
        ErrorCase(.unsupportedDirective, .ledger, "1:1", "apply fixed X $1\n"),
        ErrorCase(.unsupportedDirective, .hledger, "1:7", "alias /a/=b\n"),
        ErrorCase(.unsupportedDirective, .ledger, "2:3", head + "  <A>  $1\n  B\n"),
        ErrorCase(.unsupportedDirective, .ledger, "2:3", "= a\n  B  1 = 2\n"),
        ErrorCase(.malformedDirective, .ledger, "1:6", "year 20\n"),
        ErrorCase(.malformedDirective, .ledger, "1:7", "alias a\n"),
        ErrorCase(.malformedDirective, .ledger, "1:9", "account \n"),
        ErrorCase(.malformedDirective, .ledger, "1:9", "C 1.00 G\n"),
        ErrorCase(.malformedDirective, .ledger, "1:3", "C 0G = 1s\n"),
        ErrorCase(.malformedDirective, .hledger, "1:14", "decimal-mark ;\n"),
        ErrorCase(
            .malformedDirective,
            .ledger,
            "4:6",
            "C 1G = 2s\nC 1s = 2G\n" + head + "  A  1G\n"
        ),
        ErrorCase(.malformedDirective, .ledger, "2:10", "commodity $\n  format 1.00 EUR\n"),
        ErrorCase(.unbalancedBlock, .ledger, "1:1", "end apply account\n"),
        ErrorCase(.unbalancedBlock, .ledger, "2:1", "apply tag x\nend apply account\n"),
        ErrorCase(.malformedDate, .ledger, "1:1", "2020/02/30 x\n  A  1\n  B\n"),
        ErrorCase(.malformedDate, .ledger, "1:1", "20/02/03 x\n  A  1\n  B\n"),
        ErrorCase(.malformedDate, .ledger, "1:12", "2020/02/03=z x\n  A  1\n  B\n"),
        ErrorCase(.malformedDate, .ledger, "2:12", head + "  A  1  ; [2020/13/01]\n  B\n"),
        ErrorCase(.malformedDate, .hledger, "2:16", head + "  A  1  ; date:soon\n  B\n"),
        ErrorCase(.missingYear, .ledger, "1:1", "02/03 x\n  A  1\n  B\n"),
        ErrorCase(.malformedTransaction, .ledger, "1:11", "2020/02/03x\n  A  1\n  B\n"),
        ErrorCase(.malformedTransaction, .ledger, "1:12", "2020/02/03 (1 x\n  A  1\n  B\n"),
        ErrorCase(.malformedTransaction, .ledger, "2:9", head + "  A  $1 $2\n  B\n"),
        ErrorCase(.malformedAccount, .ledger, "2:3", head + "  (A  $1\n  B\n"),
        ErrorCase(.malformedAccount, .ledger, "2:4", head + "  *\n  B\n"),
        ErrorCase(.malformedAccount, .ledger, "2:3", head + "  A::C  $1\n  B\n"),
        ErrorCase(.malformedAmount, .ledger, "2:6", head + "  A  -\n  B\n"),
        ErrorCase(.malformedAmount, .ledger, "2:6", head + "  A  -$-1\n  B\n"),
        ErrorCase(.malformedAmount, .ledger, "2:7", head + "  A  $1,00,000\n  B\n"),
        ErrorCase(.malformedAmount, .ledger, "2:7", head + "  A  $1.000.000,0,0\n  B\n"),
        ErrorCase(.malformedAmount, .ledger, "2:6", head + "  A  \"x 1\n  B\n"),
        ErrorCase(.malformedAmount, .ledger, "2:9", head + "  A  ($1\n  B\n"),
        ErrorCase(.malformedAmount, .ledger, "4:3", head + "  A  1\n  B\n  (C)\n"),
        ErrorCase(.ambiguousNumber, .ledger, "2:7", head + "  A  $0,500\n  B\n"),
        ErrorCase(.unsupportedExpression, .ledger, "2:7", head + "  A  (rate * 2)\n  B\n"),
        ErrorCase(.unsupportedExpression, .ledger, "2:9", head + "  A  $1 ((a))\n  B\n"),
        ErrorCase(.unsupportedExpression, .ledger, "2:10", head + "  A  ($1 + 2 X)\n  B\n"),
        ErrorCase(.unsupportedExpression, .ledger, "2:10", head + "  A  ($1 * 2 X)\n  B\n"),
        ErrorCase(.unsupportedExpression, .ledger, "2:3", "= a\n  $account:b  1\n"),
        ErrorCase(
            .unsupportedExpression,
            .ledger,
            "2:39",
            head + "  A  " + String(repeating: "(", count: 40) + "1\n  B\n"
        ),
        ErrorCase(.inexactDivision, .ledger, "2:10", head + "  A  ($1 / 3)\n  B\n"),
        ErrorCase(.divisionByZero, .ledger, "2:10", head + "  A  ($1 / 0)\n  B\n"),
        ErrorCase(
            .amountTooLarge,
            .ledger,
            "2:3",
            head + "  A  1" + String(repeating: "0", count: 78) + " X\n  B\n"
        ),
        ErrorCase(
            .amountTooLarge,
            .ledger,
            "2:6",
            head + "  A  " + String(repeating: "9", count: 201) + " X\n  B\n"
        ),
        ErrorCase(.amountTooLarge, .hledger, "2:7", head + "  A  1E100 X\n  B\n"),
        ErrorCase(.malformedCost, .ledger, "2:10", head + "  A  1 X @ $-1\n  B\n"),
        ErrorCase(.malformedCost, .ledger, "2:9", head + "  A  $1 @ $2\n  B\n"),
        ErrorCase(.malformedCost, .ledger, "2:12", head + "  A  1 X (@ $2\n  B\n"),
        ErrorCase(.malformedCost, .ledger, "2:3", head + "  A  0 X @@ $2\n  B\n"),
        ErrorCase(.malformedLot, .ledger, "2:13", head + "  A  1 X {$2\n  B\n"),
        ErrorCase(.malformedLot, .ledger, "2:15", head + "  A  1 X {$2} {$3}\n  B\n"),
        ErrorCase(.malformedLot, .ledger, "2:10", head + "  A  1 X (no\n  B\n"),
        ErrorCase(.severalElided, .ledger, "4:3", head + "  A  1\n  B\n  C\n"),
        ErrorCase(.severalElided, .ledger, "5:3", head + "  A  1\n  B\n  [V]  1\n  [C]\n"),
        ErrorCase(.unbalanced, .ledger, "1:1", head + "  A  $10\n  B  $-9\n"),
        ErrorCase(.unbalanced, .ledger, "1:1", head + "  A  $10\n  B  9 EUR\n"),
        ErrorCase(.unbalanced, .hledger, "1:1", head + "  A  $10\n  [B]  $-10\n"),
        ErrorCase(.unbalanced, .ledger, "3:1", "= a\n  X  $1\n" + head + "  A  $1\n  B\n"),
        ErrorCase(.assertionFailed, .ledger, "2:10", head + "  A  $10 = $9\n  B\n"),
        ErrorCase(
            .assertionFailed,
            .hledger,
            "6:9",
            head + "  A  $1 == $1\n  A  1 X\n  B\n2020/01/02 x\n  A  $0 == $1\n  B\n"
        ),
        ErrorCase(
            .unsupportedAssignment,
            .ledger,
            "6:6",
            head + "  A  $1\n  A  1 X\n  B\n2020/01/02 x\n  A  = 0\n  B\n"
        ),
        ErrorCase(
            .unsupportedAssignment,
            .hledger,
            "3:3",
            head + "  A  = $1\n  B  $1  ; date:2020-01-05\n  C\n"
        ),
        ErrorCase(
            .unsupportedAssignment,
            .hledger,
            "2:3",
            head + "  A  = $5  ; date:2019-12-01\n  B  $-3\n"
        ),
        ErrorCase(.unsupportedQuery, .ledger, "1:3", "= expr true\n  A  1\n"),
        ErrorCase(.unsupportedQuery, .ledger, "1:3", "= /a(b)/\n  A  1\n"),
        ErrorCase(.unsupportedQuery, .ledger, "1:3", "= not\n  A  1\n"),
        ErrorCase(.accountCollision, .ledger, "3:3", head + "  Ab c  $1\n  Ab_c\n"),
        ErrorCase(.reservedAccount, .ledger, "2:3", head + "  equity:conversion  $1\n  B\n"),
        ErrorCase(
            .accountTooLong,
            .ledger,
            "2:3",
            head + "  " + String(repeating: "a", count: 1025) + "  $1\n  B\n"
        ),
        ErrorCase(.assetCollision, .ledger, "3:3", head + "  A  $1\n  A  1 USD\n  B\n"),
        ErrorCase(.scaleTooFine, .ledger, "2:3", head + "  A  $0.0000000000000000001\n  B\n"),
        ErrorCase(.scaleTooFine, .ledger, "3:3", head + "  A  1 X @ $0.0000000000000000001\n  B\n"),
    ]

    static let beancountCases: [ErrorCase] = [
        ErrorCase(.includeCycle, .beancount, "1:9", "include \"book.beancount\"\n"),
        ErrorCase(.unsupportedInclude, .beancount, "1:9", "include \"*.beancount\"\n"),
        ErrorCase(.unreadable, .beancount, "1:9", "include \"missing\"\n"),
        ErrorCase(.unexpectedIndent, .beancount, "1:3", "  Assets:A  1 X\n"),
        ErrorCase(.unknownDirective, .beancount, "1:1", "frobnicate\n"),
        ErrorCase(.unknownDirective, .beancount, "1:12", "2020-01-01 frobnicate\n"),
        ErrorCase(.malformedDirective, .beancount, "1:12", "2020-01-01 option \"a\" \"b\"\n"),
        ErrorCase(.malformedDirective, .beancount, "1:6", "open Assets:A\n"),
        ErrorCase(.malformedDirective, .beancount, "1:26", "2020-01-01 open Assets:A $\n"),
        ErrorCase(
            .malformedDirective,
            .beancount,
            "1:31",
            "option \"tolerance_multiplier\" \"half\"\n"
        ),
        ErrorCase(.unbalancedBlock, .beancount, "1:8", "poptag #a\n"),
        ErrorCase(.unbalancedBlock, .beancount, "1:1", "pushtag #a\n"),
        ErrorCase(.malformedDate, .beancount, "1:1", "2020-02-30 open Assets:A\n"),
        ErrorCase(.malformedAccount, .beancount, "1:17", "2020-01-01 open USD\n"),
        ErrorCase(
            .malformedAmount,
            .beancount,
            "4:13",
            opens + "2020-01-02 * \"x\"\n  Assets:A  USD\n  Equity:B\n"
        ),
        ErrorCase(
            .malformedAmount,
            .beancount,
            "4:14",
            opens + "2020-01-02 * \"x\"\n  Assets:A  1\n  Equity:B\n"
        ),
        ErrorCase(
            .inexactDivision,
            .beancount,
            "4:15",
            opens + "2020-01-02 * \"x\"\n  Assets:A  1 / 3 USD\n  Equity:B\n"
        ),
        ErrorCase(
            .malformedCost,
            .beancount,
            "4:19",
            opens + "2020-01-02 * \"x\"\n  Assets:A  1 X @ -1 USD\n  Equity:B\n"
        ),
        ErrorCase(
            .malformedCost,
            .beancount,
            "4:3",
            opens + "2020-01-02 * \"x\"\n  Assets:A  0 X @@ 1 USD\n  Equity:B\n"
        ),
        ErrorCase(
            .malformedLot,
            .beancount,
            "4:18",
            opens + "2020-01-02 * \"x\"\n  Assets:A  1 X {*}\n  Equity:B\n"
        ),
        ErrorCase(
            .malformedLot,
            .beancount,
            "4:3",
            opens + "2020-01-02 * \"x\"\n  Assets:A  1 X {}\n  Equity:B\n"
        ),
        ErrorCase(.malformedTransaction, .beancount, "1:18", "2020-01-02 * \"x\" | \"y\"\n"),
        ErrorCase(.malformedString, .beancount, "1:14", "2020-01-02 * \"x\n"),
        ErrorCase(.malformedMetadata, .beancount, "2:10", "2020-01-02 * \"x\"\n  key: 1 2\n"),
        ErrorCase(
            .severalElided,
            .beancount,
            "5:3",
            opens + "2020-01-02 * \"x\"\n  Assets:A\n  Equity:B\n"
        ),
        ErrorCase(
            .unbalanced,
            .beancount,
            "3:1",
            opens + "2020-01-02 * \"x\"\n  Assets:A  1 X\n  Equity:B  -2 X\n"
        ),
        ErrorCase(.assertionFailed, .beancount, "3:1", opens + "2020-01-02 balance Assets:A 1 X\n"),
        ErrorCase(
            .accountNotOpen,
            .beancount,
            "2:3",
            "2020-01-02 * \"x\"\n  Assets:A  1 X\n  Equity:B\n"
        ),
        ErrorCase(.accountNotOpen, .beancount, "3:1", opens + "2020-01-02 balance Assets:C 1 X\n"),
        ErrorCase(.accountLifecycle, .beancount, "3:1", opens + "2020-01-02 open Assets:A\n"),
        ErrorCase(.accountLifecycle, .beancount, "3:1", opens + "2020-01-02 close Assets:C\n"),
        ErrorCase(
            .currencyNotAllowed,
            .beancount,
            "4:3",
            "2020-01-01 open Assets:A USD, EUR\n2020-01-01 open Equity:B\n"
                + "2020-01-02 * \"x\"\n  Assets:A  1 X\n  Equity:B\n"
        ),
        ErrorCase(
            .lotNotFound,
            .beancount,
            "7:3",
            buy + "2020-01-03 * \"s\"\n  Assets:A  -1 X {11 USD}\n  Equity:B\n"
        ),
        ErrorCase(
            .lotNotFound,
            .beancount,
            "7:3",
            buy + "2020-01-03 * \"s\"\n  Assets:A  -7 X {}\n  Equity:B\n"
        ),
        ErrorCase(
            .ambiguousLot,
            .beancount,
            "10:3",
            buy + "2020-01-03 * \"b\"\n  Assets:A  5 X {11 USD}\n  Equity:B\n"
                + "2020-01-04 * \"s\"\n  Assets:A  -1 X {}\n  Equity:B\n"
        ),
        ErrorCase(.unusablePad, .beancount, "3:1", opens + "2020-01-02 pad Assets:A Equity:B\n"),
        ErrorCase(
            .unusablePad,
            .beancount,
            "6:1",
            buy + "2020-01-03 pad Assets:A Equity:B\n2020-01-04 balance Assets:A 9 X\n"
        ),
        ErrorCase(.unsupportedOption, .beancount, "1:8", "option \"frobnicate\" \"x\"\n"),
        ErrorCase(.unsupportedOption, .beancount, "1:8", "option \"account_rounding\" \"x\"\n"),
        ErrorCase(
            .unsupportedOption,
            .beancount,
            "1:36",
            "option \"infer_tolerance_from_cost\" \"TRUE\"\n"
        ),
        ErrorCase(.unsupportedOption, .beancount, "1:26", "2020-01-01 open Assets:A \"AVERAGE\"\n"),
        ErrorCase(.unsupportedPlugin, .beancount, "1:8", "plugin \"my.own.plugin\"\n"),
        ErrorCase(
            .unsupportedPlugin,
            .beancount,
            "1:8",
            "plugin \"beancount.plugins.split_expenses\"\n"
        ),
    ]

    @Test("bytes that are not UTF-8 are refused where they stand")
    func encoding() throws {
        let bytes = Array("; fine\n2020 é".utf8) + [0xFF, 0x20]
        let sources = Sources("book.dat", bytes)
        let error = #expect(throws: ImportError.self) {
            try Imported(["book.dat"], reader: sources.reader)
        }
        #expect(error?.code == .invalidEncoding)
        #expect(error?.position == SourcePosition(file: "book.dat", line: 2, column: 7))
    }

    @Test("a file that is not there is refused")
    func missing() {
        let error = #expect(throws: ImportError.self) {
            try Imported(["a/../b.dat"], reader: Sources("x", []).reader)
        }
        #expect(error?.code == .unreadable)
        #expect(error?.description == "b.dat:1:1: cannot read 'b.dat': no such file [unreadable]")
    }

    @Test("includes may be deep, not endless")
    func depth() throws {
        var others: [String: String] = [:]
        for level in 1...70 { others["\(level).dat"] = "include \(level + 1).dat\n" }
        let error = #expect(throws: ImportError.self) {
            try Imported("include 1.dat\n", with: others)
        }
        #expect(error?.code == .includeTooDeep)
        #expect(error?.position == SourcePosition(file: "63.dat", line: 1, column: 9))
    }

    @Test("a file that changes between the passes is noticed before anything of it is yielded")
    func changed() throws {
        let first: Sources = ["book.dat": "2020/01/01 x\n  A  $1\n  B\n"]
        let second: Sources = ["book.dat": "2020/01/01 x\n  A  $2\n  B\n"]
        let plan = try ImportSession().scan(["book.dat"], reader: first.reader)
        var stream = plan.transactions(reader: second.reader)
        let error = #expect(throws: ImportError.self) { try stream.next() }
        #expect(error?.code == .sourceChanged)
        #expect(error?.position?.file == "book.dat")
    }

    @Test(
        "options that cannot be followed are refused",
        arguments: ["X", "X=usd", "X=USD/", "X=USD/x", "X=USD/2/2", "X=TOOLONGFORANYASSETX"]
    )
    func overrides(text: String) {
        let error = #expect(throws: ImportError.self) { try CommodityOverride(parsing: text) }
        #expect(error?.code == .illegalOverride)
        #expect(error?.message.contains(text) == true)
        #expect(error?.position == nil)
    }

    @Test("every code has a bad journal")
    func complete() {
        let tabled = Set((ErrorTests.ledgerCases + ErrorTests.beancountCases).map(\.code))
        let others: Set<ImportError.Code> = [
            .invalidEncoding, .includeTooDeep, .sourceChanged, .illegalOverride,
        ]
        #expect(tabled.union(others) == Set(ImportError.Code.allCases))
    }
}
