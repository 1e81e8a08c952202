// SPDX-License-Identifier: Apache-2.0
//
// Damaged journals: whatever a text turns into, the importer answers with transactions that balance
// or with an error that has a place; it never traps. And the laws that hold for every import.

import TallyImport
import TallyTypes
import TestSupport
import Testing

/// Seeded texts of all kinds of characters.
struct SeededScalars {
    private var random: SeededRandom
    private static let pools: [ClosedRange<UInt32>] = [
        0x20...0x7E, 0x20...0x7E, 0xA1...0x17F, 0x370...0x3FF, 0x400...0x4FF, 0x4E00...0x4E20,
        0x1F600...0x1F610, 0x300...0x310,
    ]

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// Returns up to `count` characters, at least one.
    mutating func text(upTo count: Int) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0...random.below(count) {
            let pool = Self.pools[random.below(Self.pools.count)]
            let value = pool.lowerBound + UInt32(random.below(pool.count))
            if let scalar = Unicode.Scalar(value) { text.append(scalar) }
        }
        return String(text)
    }
}

/// Changes a text in small ways that journals are likely to react to.
private struct Mutator {
    var random: SeededRandom
    private static let pieces = [
        "$", "€", "@", "@@", "{", "}", "{{", "[", "]", "(", ")", ";", "=", "==", "*", "!", "~",
        "\"",
        "\\", ":", "::", "  ", "\t", "\n", "\n\n", "\n  ", "-", "--", ",", ".", "1", "0",
        "9999999999",
        "1e9", "/", "%", "#", "^", "2020-02-30", "12/31", "include ", "apply account ", "end",
        "alias ",
        "C 1a = 2b\n", "D 1,00 €\n", "= /a/\n", "pad ", "balance ", "open ", "world", "é",
        "\u{301}",
        "10000000000000000000000000000000000000000000000000000000000000000000000000000000000", "\0",
    ]
    .map { Array($0.utf8) }

    mutating func mutate(_ text: [UInt8]) -> [UInt8] {
        var bytes = text
        for _ in 0...random.below(4) { step(&bytes) }
        return bytes
    }

    private mutating func step(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let place = random.below(bytes.count)
        let end = min(bytes.count, place + 1 + random.below(20))
        switch random.below(6) {
        case 0: bytes.remove(at: place)
        case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 2: bytes.insert(contentsOf: Self.pieces[random.below(Self.pieces.count)], at: place)
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
        default:
            let piece = Self.pieces[random.below(Self.pieces.count)]
            bytes.replaceSubrange(place..<end, with: piece)
        }
    }
}

@Suite("Damaged journals")
struct MutationTests {
    @Test("a damaged journal is imported or refused at a place", arguments: Dialect.allCases)
    func mutations(dialect: Dialect) throws {
        var mutator = Mutator(random: SeededRandom(seed: 0x7A11_0001))
        var refused = 0
        var accepted = 0
        for round in 0..<2_000 {
            let bytes = mutator.mutate(Array(Self.book(dialect).utf8))
            do {
                try check(bytes, dialect)
                accepted += 1
            } catch let error as ImportError {
                refused += 1
                let position = try #require(error.position, "round \(round): \(error)")
                #expect(position.line >= 1 && position.column >= 1, "round \(round): \(error)")
                #expect(position.file == dialect.fileName, "round \(round): \(error)")
            }
        }
        #expect(accepted > 20)
        #expect(refused > 200)
    }

    @Test("the undamaged journals are imported", arguments: Dialect.allCases)
    func undamaged(dialect: Dialect) throws {
        try check(Array(Self.book(dialect).utf8), dialect)
    }

    @Test("a journal cut anywhere is imported or refused at a place", arguments: Dialect.allCases)
    func prefixes(dialect: Dialect) throws {
        let bytes = Array(Self.book(dialect).utf8)
        for count in 0..<bytes.count {
            do {
                try check(Array(bytes[..<count]), dialect)
            } catch let error as ImportError {
                #expect(error.position != nil, "\(count): \(error)")
            }
        }
    }

    @Test("a journal read by the rules of another program is imported or refused at a place")
    func otherDialects() throws {
        for dialect in Dialect.allCases {
            for other in Dialect.allCases where other != dialect {
                var options = ImportOptions()
                options.dialect = dialect
                do {
                    _ = try Imported(Self.book(other), other, options: options)
                } catch let error as ImportError {
                    #expect(error.position != nil, "\(error)")
                }
            }
        }
    }

    /// Imports, and holds the laws against what comes out.
    private func check(_ bytes: [UInt8], _ dialect: Dialect) throws {
        let reader = Sources(dialect.fileName, bytes).reader
        let book = try Imported([dialect.fileName], reader: reader)
        #expect(book.transactions.count == book.plan.counts.transactions - book.plan.empty.count)
        for transaction in book.transactions {
            #expect(!transaction.postings.isEmpty)
            for posting in transaction.postings {
                #expect(!posting.amount.isZero)
                #expect(Asset(posting.asset) != nil)
                #expect(AccountAddress(posting.source)?.isWorld == false)
                #expect(AccountAddress(posting.destination)?.isWorld == false)
            }
        }
    }

    private static func book(_ dialect: Dialect) -> String {
        switch dialect {
        case .ledger: ledgerBook
        case .hledger: hledgerBook
        case .beancount: beancountBook
        }
    }

    private static let ledgerBook = """
        C 1.00s = 100c
        alias food=Expenses:Food
        commodity €
          format 1.000,00 €
        = /food/ and not x
          (Tax)  0.12
        Y2020
        account Assets:Bank
          alias bank
        apply tag trip
        01/02=2020/01/03 * (12) Payee  ; :a:b: [=2020/02/01]
          food  $1,234.50 = $1234.50  ; key: value
          ! [Assets:Saved]  (2.50 € * 3)
          [Assets:Saved]  -7.50 €
          bank
        end apply tag
        2020/01/03 Shares
          Assets:Depot  -3 "A B" {$2.00} [2019/01/01] (lot) @ $4.00
          Income:Gain  $-0
          bank  $6
        2020.01.04 coins
          Assets:Purse  3s
          Assets:Purse  = 0
          bank  = $-1228.50

        """

    private static let hledgerBook = """
        decimal-mark .
        commodity 1,000.00 EUR
        D $1,000.00
        alias a = b
        account Assets:Bank  ; note
        2020-01-02 * (1) Shop | note ; tag:value, other: none
          a:c  1.5E1 = 15
          Assets:Bank
        2020-01-01 opening
          Assets:Bank  1 000.00 EUR
          [V]  $2 ; date:2020-01-05
          [W]
          Equity  EUR -1,000.00 ==* EUR -1,000.00
        2020-01-07 assign
          Assets:Bank  = $20
          Assets:Depot  2 X {$3} @ $4
          b

        """

    private static let beancountBook = """
        option "operating_currency" "USD"
        2020-01-01 open Assets:Bank USD, EUR
        2020-01-01 open Assets:Depot "FIFO"
        2020-01-01 open Equity:Start
          key: "value"
        2020-01-01 pad Assets:Bank Equity:Start
        2020-01-05 balance Assets:Bank 1,000.00 ~ 0.01 USD
        pushtag #trip
        2020-01-06 * "Payee" "Narration \\"x\\"" #a ^b
          when: 2020-01-01
          Assets:Depot  10 X {2.00 USD, "lot"} @ 3 USD
            p: 1 / 4
          Assets:Bank  -(10 * 2.00) USD
        poptag #trip
        2020-01-07 ! "sale"
          Assets:Depot  -4 X {}
          Assets:Depot  3 Y {{9.00 EUR}}
          Equity:Start
        2020-01-08 price X 4 USD
        2020-01-09 close Equity:Start

        """
}
