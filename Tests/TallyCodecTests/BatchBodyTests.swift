// SPDX-License-Identifier: Apache-2.0
//
// The body of a binary batch: the example in its source's header, round trips, what is refused.

import TallyCodec
import TallyTypes
import Testing
import TestSupport

@Suite("Batch body")
struct BatchBodyTests {
    /// One transfer of 7 USD/2 from `a` to `b`.
    static let example = BatchBody.encode(
        assets: [Array("USD/2".utf8)],
        accounts: [[0x61], [0x62]],
        items: [BatchBody.Item(source: 0, destination: 1, asset: 0, amount: 7)]
    )

    @Test("the example has the bytes that its file header shows")
    func documented() throws {
        let hex =
            "01 00 0100 02000000 01000000 00000000 05 5553442f32 0100 61 0100 62"
            + " 0000 0100 0000 0000 07000000000000000000000000000000"
        #expect(BatchBodyTests.example == bytes(hex: hex.filter { $0 != " " }))
        let body = try BatchBody.decode(BatchBodyTests.example)
        #expect(body.items == [BatchBody.Item(source: 0, destination: 1, asset: 0, amount: 7)])
        #expect(body.accounts.map { Array(body.bytes[$0]) } == [[0x61], [0x62]])
        #expect(!body.isForced)
    }

    private static func random(_ random: inout SeededRandom) -> [UInt8] {
        let accounts = Set((0...random.below(20)).map { _ in "a:\(random.below(100))" }).sorted()
        let assets = Set((0...random.below(4)).map { _ in "A\(random.below(9))" }).sorted()
        return BatchBody.encode(
            isForced: random.chance(1, in: 2),
            assets: assets.map { Array($0.utf8) },
            accounts: accounts.map { Array($0.utf8) },
            items: (0...random.below(30)).map { _ in
                BatchBody.Item(
                    source: random.below(accounts.count),
                    destination: random.below(accounts.count),
                    asset: random.below(assets.count),
                    amount: UInt128(random.next()) << UInt128(random.below(65))
                )
            }
        )
    }

    private func encoded(_ body: TransferBatch) -> [UInt8] {
        BatchBody.encode(
            isForced: body.isForced,
            assets: body.assets.map { Array(body.bytes[$0]) },
            accounts: body.accounts.map { Array(body.bytes[$0]) },
            items: body.items
        )
    }

    @Test("random bodies come back; cut or changed ones are refused or come back too")
    func random() throws {
        for seed in UInt64(1)...60 {
            var random = SeededRandom(seed: seed)
            let original = BatchBodyTests.random(&random)
            #expect(encoded(try BatchBody.decode(original)) == original, "seed \(seed)")
            #expect(throws: Malformed.self) { try BatchBody.decode(original + [0]) }
            for count in original.indices where random.chance(1, in: 6) || count < 60 {
                #expect(throws: Malformed.self) { try BatchBody.decode(Array(original[..<count])) }
            }
            for _ in 0..<150 {
                var changed = original
                changed[random.below(changed.count)] = UInt8(truncatingIfNeeded: random.next())
                do {
                    #expect(encoded(try BatchBody.decode(changed)) == changed, "seed \(seed)")
                } catch {
                    #expect(error.offset <= changed.count)
                }
            }
        }
    }

    /// A change of the example: an offset, a byte, the field that the error names.
    static let changes: [(Int, UInt8, String)] = [
        (0, 0, "format"), (0, 2, "format"), (1, 2, "flags"), (1, 0x80, "flags"),
        (2, 0, "assets"), (3, 2, "assets"), (4, 0, "accounts"), (6, 1, "accounts"),
        (8, 0, "transfers"), (9, 0x20, "transfers"), (12, 1, "zero"), (15, 1, "zero"),
        (17, 0x75, "assets[0]"), (16, 200, "assets[0]"), (24, 0x20, "accounts[0]"),
        (24, 0x62, "accounts[1]"), (24, 0x63, "accounts[1]"), (28, 2, "transfers[0]"),
        (30, 2, "transfers[0]"), (32, 1, "transfers[0]"), (34, 1, "transfers[0]"),
    ]

    @Test("each rule, with the field it names", arguments: changes.indices)
    func rules(_ position: Int) throws {
        let (offset, byte, field) = BatchBodyTests.changes[position]
        var bytes = BatchBodyTests.example
        bytes[offset] = byte
        let error = #expect(throws: Malformed.self) { try BatchBody.decode(bytes) }
        #expect(error?.field == field, "\(String(describing: error))")
    }

    @Test("as many transfers as a batch may hold, and not one more")
    func most() throws {
        func body(_ count: Int) -> [UInt8] {
            BatchBody.encode(
                assets: [Array("USD/2".utf8)],
                accounts: [[0x61], [0x62]],
                items: [BatchBody.Item](
                    repeating: BatchBody.Item(source: 0, destination: 1, asset: 0, amount: 7),
                    count: count
                )
            )
        }
        #expect(try BatchBody.decode(body(8_189)).items.count == 8_189)
        #expect(throws: Malformed.self) { try BatchBody.decode(body(8_190)) }
    }
}
