// SPDX-License-Identifier: Apache-2.0
//
// Hashes under a domain of their own, and the state digest, against values made by other programs.

import TallyProof
import TallyTypes
import TestSupport
import Testing

@Suite("Domain hashes")
struct DomainHashTests {
    @Test("the worked example of the record format")
    func workedExample() throws {
        let id = try #require(bytes(hex: "0198f2c47a1c7000b9d3a1f0c2d4e681"))
        let book = try #require(BookID(id))
        #expect(
            BookChain.genesis(origin: "ledger.example/tallystick", book: book)
                == digest(hex: "5ef1eb521136fad15da3c7f940ce43bc248b8c31aa5da7fd5b440183e3abd30d")
        )
        #expect(
            IdempotencyHash.of(book: book, key: "k-0001")
                == digest(hex: "813b67584a3bdf3d1251639516cebb7e14bf2d5ce361f5657f81473ccb3c182a")
        )
    }

    @Test("salts are the key stream, whatever their number")
    func salts() throws {
        let seed = (0..<32).map { UInt8($0) }
        let stream = try #require(SaltStream(seed: seed))
        let salts = stream.salts(8_192)
        #expect(salts[0].description == "18b84231ade6a6d113615c61af434e27")
        #expect(salts[1].description == "f8b1f3f5e1ad5b5cecf8fc122a35755c")
        #expect(Set(salts).count == 8_192)
        for count in [0, 1, 2, 3, 5, 100] {
            #expect(stream.salts(count) == Array(salts.prefix(count)))
        }
        #expect(SaltStream(seed: Array(seed.dropLast())) == nil)
        let words = try #require(Digest(seed))
        #expect(SaltStream(seed: words).salts(3) == Array(salts.prefix(3)))
    }

    @Test("a node of two hashes, in every form of a leaf")
    func forms() {
        let record = Array("tallystick/test/leaf/0".utf8)
        let plain = Hashing.leaf(record)
        let prefixed = unsafe ([0] + record).withUnsafeBytes { unsafe Hashing.leaf(prefixed: $0) }
        #expect(plain == prefixed)
        #expect(plain == Hashing.sha256([0] + record))
        #expect(Hashing.sha256(record.span) == Hashing.sha256(record))
        let node = Hashing.node(plain, Digest(1, 2, 3, 4))
        #expect(node == Hashing.sha256([1] + plain.bytes + Digest(1, 2, 3, 4).bytes))
    }

    @Test("the state digest frames its parts and leaves deleted books out")
    func stateDigest() {
        let (kept, gone) = (BookID(0, 1), BookID(0, 2))
        var state = StateDigest(deleted: [gone])
        state.add(book: kept, key: [1], value: [7, 8])
        state.add(book: gone, key: [2], value: [9])
        state.add(book: kept, key: [2, 0], value: [])
        #expect(state.rows == 2)
        let framed: [UInt8] = [
            0, 0, 0, 1, 1, 0, 0, 0, 2, 7, 8,
            0, 0, 0, 2, 2, 0, 0, 0, 0, 0,
            255, 255, 255, 255, 0, 0, 0, 3, 5, 5, 5,
        ]
        #expect(state.finish(scalars: [5, 5, 5]) == Hashing.sha256(framed))
    }

    @Test("invariant 20 fires on a leaf without its prefix")
    func unprefixed() async {
        let exit = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = unsafe [UInt8(1), 2].withUnsafeBytes { unsafe Hashing.leaf(prefixed: $0) }
        }
        expectInvariant(.i20, in: exit)
    }

    @Test("invariant 23 fires on rows out of order")
    func disorder() async {
        let exit = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var state = StateDigest(deleted: [])
            state.add(book: .system, key: [2], value: [])
            state.add(book: .system, key: [2], value: [])
        }
        expectInvariant(.i23, in: exit)
    }

    @Test("invariant 24 fires on more salts than an entry has orders")
    func tooManySalts() async {
        let exit = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = SaltStream(seed: [UInt8](repeating: 0, count: 32))?.salts(8_193)
        }
        expectInvariant(.i24, in: exit)
    }
}
