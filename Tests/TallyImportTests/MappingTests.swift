// SPDX-License-Identifier: Apache-2.0
//
// How names become the ledger's: assets and scales, addresses, overrides; and how a transaction is
// recognised when it is imported again.

import TallyImport
import TallyTypes
import Testing

/// A transaction that moves one amount of each commodity.
private func amounts(_ amounts: String...) -> String {
    "2020/01/01 x\n" + amounts.map { "  A  \($0)\n" }.joined() + "  B\n"
}

@Suite("Names")
struct MappingTests {
    @Test(
        "commodities become assets",
        arguments: [
            ("$1", "USD/2"), ("€1", "EUR/2"), ("£1", "GBP/2"), ("¥1", "JPY"), ("$1.123", "USD/3"),
            ("1.10 CHF", "CHF/2"), ("1 CHF", "CHF/2"), ("1 JPY", "JPY"), ("1.500 X", "X/3"),
            ("1 \"Orb of Deception\"", "ORBOFDECEPTION"), ("1 \"4th\"", "X4TH"),
            ("1 zł", "ZU142"), ("1 \"Plans: Mithril Shield Spike\"", "PLANSMITHRXJV16MQ"),
            ("1", "NOCOMMODITY"),
        ]
    )
    func assets(amount: String, asset: String) throws {
        let plan = try Imported(amounts(amount)).plan
        #expect(plan.commodities.map(\.asset) == [asset])
        #expect(Asset(asset) != nil)
    }

    @Test("every derived asset is legal", arguments: [UInt64(1), 2, 3])
    func legality(seed: UInt64) throws {
        var random = SeededScalars(seed: seed)
        for _ in 0..<300 {
            let symbol = random.text(upTo: 30).unicodeScalars.filter { $0 != "\"" }.map(String.init)
                .joined()
            guard !symbol.isEmpty else { continue }
            let plan = try Imported(amounts("1 \"\(symbol)\"")).plan
            #expect(plan.commodities.count == 1)
            for commodity in plan.commodities {
                #expect(Asset(commodity.asset) != nil, "seed \(seed): \(symbol.debugDescription)")
            }
        }
    }

    @Test("an override names the asset, and fixes the scale where it has one")
    func overrides() throws {
        var options = ImportOptions()
        options.commodities = [
            try CommodityOverride(parsing: "$=DOLLAR/4"),
            try CommodityOverride(parsing: "x=y=Y_FUND"),
        ]
        let book = try Imported(amounts("$1.5", "1.25 \"x=y\""), options: options)
        #expect(book.lines == ["B > A 15000 DOLLAR/4", "B > A 125 Y_FUND/2"])
        let fine = #expect(throws: ImportError.self) {
            try Imported(amounts("$1.12345"), options: options)
        }
        #expect(fine?.code == .scaleTooFine)
        #expect(fine?.position == SourcePosition(file: "book.dat", line: 2, column: 3))
    }

    @Test("overrides settle a collision, and may not make one")
    func collisions() throws {
        let journal = amounts("$1", "1 USD")
        let error = #expect(throws: ImportError.self) { try Imported(journal) }
        #expect(error?.code == .assetCollision)
        #expect(error?.message.contains("'$' (book.dat:2:3)") == true)
        var options = ImportOptions()
        options.commodities = [CommodityOverride(commodity: "USD", name: "USDX", scale: nil)]
        #expect(try Imported(journal, options: options).lines.count == 2)
        options.commodities += [CommodityOverride(commodity: "$", name: "USDX", scale: nil)]
        #expect(throws: ImportError.self) { try Imported(journal, options: options) }
        options.commodities += [CommodityOverride(commodity: "$", name: "USDY", scale: nil)]
        let twice = #expect(throws: ImportError.self) { try Imported(journal, options: options) }
        #expect(twice?.code == .illegalOverride)
    }

    @Test(
        "accounts become addresses",
        arguments: [
            ("Equity:Opening Balances", "Equity:Opening_Balances"), ("R&D (old)", "RandD_-old-"),
            ("Tom's:50% of a/b", "Toms:50percent_of_a-b"),
            ("Asséts:Bánk", "Assets:Bank"), ("Ase\u{301}ts", "Asets"),
            ("Русский язык:Активы", "Russkij_yazyk:Aktivy"), ("Ταμείο", "Tameio"),
            ("Größe:Øre:Łódź", "Groesse:Oere:Lodz"), ("資産", "_u8cc7__u7523_"), ("a*b", "a_u2a_b"),
            ("World", "World"), ("world", "world_"), ("world:a", "world:a"), ("a_b-c", "a_b-c"),
        ]
    )
    func addresses(name: String, address: String) throws {
        let plan = try Imported("2020/01/01 x\n  \(name)  $1\n  Z\n").plan
        let mapping = try #require(plan.accounts.first { $0.name == name })
        #expect(mapping.address == address)
        #expect(AccountAddress(address) != nil)
        #expect(mapping.metadata == [MetadataPair(key: "import/name", value: name)])
        let book = try Imported("2020/01/01 x\n  \(name)  $1\n  Z\n")
        let entries = book.transactions[0].accountMetadata
        #expect(entries.map(\.address) == (address == name ? [] : [address]))
    }

    @Test("every derived address is legal, and none is world", arguments: [UInt64(4), 5, 6])
    func addressLegality(seed: UInt64) throws {
        var random = SeededScalars(seed: seed)
        for _ in 0..<300 {
            let name = "N" + random.text(upTo: 20).filter { !$0.isWhitespace && $0 != ";" }
            do {
                let plan = try Imported("2020/01/01 x\n  \(name)  $1\n  Z\n").plan
                for account in plan.accounts {
                    #expect(AccountAddress(account.address) != nil, "seed \(seed): \(name)")
                    #expect(account.address != "world")
                }
            } catch let error as ImportError {
                #expect(error.code == .malformedAccount, "seed \(seed): \(error)")
            }
        }
    }

    @Test("account overrides settle a collision and cannot reach world")
    func accountOverrides() throws {
        let journal = "2020/01/01 x\n  Ab c  $1\n  Ab_c\n"
        let error = #expect(throws: ImportError.self) { try Imported(journal) }
        #expect(error?.message.contains("'Ab c' (book.dat:2:3) and 'Ab_c'") == true)
        var options = ImportOptions()
        options.accounts = [try AccountOverride(parsing: "Ab c=other:place")]
        #expect(try Imported(journal, options: options).lines == ["Ab_c > other:place 100 USD/2"])
        options.accounts = [AccountOverride(name: "Ab c", address: "world")]
        let world = #expect(throws: ImportError.self) { try Imported(journal, options: options) }
        #expect(world?.code == .reservedAccount)
        #expect(throws: ImportError.self) { try AccountOverride(parsing: "a=b c") }
        #expect(throws: ImportError.self) { try AccountOverride(parsing: "=b") }
    }

    @Test("names that differ only in how their letters are composed are kept apart, by refusal")
    func composition() throws {
        let journal = "2020/01/01 x\n  Caf\u{E9}  $1\n  Cafe\u{301}\n"
        let error = #expect(throws: ImportError.self) { try Imported(journal) }
        #expect(error?.code == .accountCollision)
        #expect(error?.position == SourcePosition(file: "book.dat", line: 3, column: 3))
    }

    @Test("the importer's own accounts can be renamed, but not to world and not to one name")
    func ownAccounts() throws {
        let journal = "2020/01/01 x\n  A  2 X @ $3\n  B\n  (V)  $1\n"
        var options = ImportOptions()
        options.conversionAccount = "swap"
        options.virtualAccount = "virtual:rest"
        #expect(
            try Imported(journal, options: options).lines == [
                "swap > A 2 X", "B > swap 600 USD/2", "virtual:rest > V 100 USD/2",
            ]
        )
        options.virtualAccount = "swap"
        #expect(throws: ImportError.self) { try Imported(journal, options: options) }
        options.virtualAccount = "world"
        #expect(throws: ImportError.self) { try Imported(journal, options: options) }
    }

    @Test("the same journal gives the same identities, equal transactions differ")
    func identity() throws {
        let one = "2020/01/01 x\n  A  $1\n  B\n"
        let first = try Imported(one + one + one.replacing("x", with: "y"))
        let second = try Imported(one + one + one.replacing("x", with: "y"))
        let keys = first.transactions.map(\.identityBytes)
        #expect(keys == second.transactions.map(\.identityBytes))
        #expect(Set(keys).count == 3)
        #expect(keys[1][21] == 1)
        let moved = try Imported(
            ["sub/other.dat"],
            reader: Sources("sub/other.dat", Array(("; moved\n\n" + one).utf8)).reader
        )
        #expect(moved.transactions.map(\.identityBytes) == [keys[0]])
    }

    @Test("identities do not depend on scales, notes and states, but on what moves")
    func identityOfContent() throws {
        func key(_ journal: String) throws -> [UInt8] {
            try #require(try Imported(journal).transactions.first).identityBytes
        }
        let plain = try key("2020/01/01 x\n  A  $1\n  B\n")
        #expect(try key("2020/01/01 * x  ; note\n  A  $1.000\n  B  $-1\n") == plain)
        #expect(try key("2020/01/01 x\n  A  $1\n  B\n2020/01/02 x\n  A  $0.001\n  B\n") == plain)
        let others = [
            "2020/01/02 x\n  A  $1\n  B\n", "2020/01/01 z\n  A  $1\n  B\n",
            "2020/01/01 (c) x\n  A  $1\n  B\n", "2020/01/01 x\n  A  $2\n  B\n",
            "2020/01/01 x\n  A  $1\n  C\n", "2020/01/01 x\n  A  1 EUR\n  B\n",
        ]
        for other in others { #expect(try key(other) != plain, "\(other)") }
    }

    @Test("the layout of identity bytes")
    func identityLayout() throws {
        let book = try Imported("2003/12/01 a\n  A  $1\n  B\n")
        let hex = book.transactions[0].identityBytes.map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        .joined()
        #expect(
            hex == "74616c6c792e696d706f72742e31" + "0000000000000000"
                + "0000000a323030332d31322d3031" + "0000000161" + "00000000" + "00000000"
                + "00000002" + "00" + "0000000141" + "0000000124" + "0000000131"
                + "00" + "0000000142" + "0000000124" + "000000022d31"
        )
    }

    @Test("dates become microseconds of midnight")
    func dates() throws {
        let dates = ["1969/12/31", "1970/01/01", "2000/02/29", "0001/01/01", "9999/12/31"]
        let journal = dates.map { "\($0) x\n  A  $1\n  B\n" }.joined()
        #expect(
            try Imported(journal).transactions.map(\.effectiveMicroseconds) == [
                -86_400_000_000, 0, 951_782_400_000_000, -62_135_596_800_000_000,
                253_402_214_400_000_000,
            ]
        )
    }

    @Test("several journals are one import")
    func severalFiles() throws {
        let sources: Sources = [
            "a.dat": "2020/01/01 x\n  A  $1.00\n  B\n",
            "b.beancount":
                "2020-01-01 open Assets:A\n2020-01-01 open Equity:B\n"
                + "2020-01-02 * \"x\"\n  Assets:A  1 EUR\n  Equity:B\n",
            "c.dat": "2020/01/01 x\n  A  $1.000\n  B\n",
        ]
        let book = try Imported(["a.dat", "b.beancount", "./c.dat"], reader: sources.reader)
        #expect(
            book.lines == [
                "B > A 1000 USD/3", "Equity:B > Assets:A 100 EUR/2", "B > A 1000 USD/3",
            ]
        )
        #expect(book.plan.journals.map(\.dialect) == [.ledger, .beancount, .ledger])
        let keys = book.transactions.map(\.identityBytes)
        #expect(Array(keys[0].dropFirst(22)) == Array(keys[2].dropFirst(22)))
        #expect(keys[0] != keys[2])
    }
}
