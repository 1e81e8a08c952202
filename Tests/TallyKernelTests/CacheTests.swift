// SPDX-License-Identifier: Apache-2.0
//
// The cache in its stamped form, judged by two dictionaries (specs/cache.md §2), through hand-made
// entries: their seeds may say anything about covered keys, and their key hashes may be chosen so
// that all keys meet in the index. Then the vectors and short scripts of §3.

import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes
import Testing
import TestSupport

/// The two generations as the specification has them.
private struct TwoMaps {
    /// A key's value, or its tombstone.
    enum Row: Equatable {
        case live(StateValue)
        case tombstone
    }

    var gen0: [Int: Row] = [:]
    var gen1: [Int: Row] = [:]

    mutating func seed(_ key: Int, _ value: StateValue?) {
        if gen0[key] == .tombstone || gen1[key] == .tombstone { return }
        if gen0[key] != nil { return }
        if let held = gen1[key] {
            gen0[key] = held
            return
        }
        let row = value.map(Row.live) ?? .tombstone
        gen0[key] = row
        gen1[key] = row
    }

    mutating func put(_ key: Int, _ value: StateValue) { gen0[key] = .live(value) }

    /// What the merge of a tombstone does: nothing to an absent key.
    mutating func remove(_ key: Int) {
        if case .live? = gen0[key] ?? gen1[key] { gen0[key] = .tombstone }
    }

    mutating func rotate() {
        gen1 = gen0
        gen0 = [:]
    }

    func view(_ key: Int) -> CachedRow? {
        guard let row = gen0[key] ?? gen1[key] else { return nil }
        switch row {
        case .live(let value): return CachedRow(isOld: gen0[key] == nil, value: value)
        case .tombstone: return CachedRow(isOld: gen0[key] == nil, value: nil)
        }
    }
}

/// A kernel fed with entries made by hand.
private final class CacheDriver {
    static let book = BookID(9, 9)
    static let account = TallyKernelTests.account("k")

    /// One order, with the book that admission would have found for its name.
    typealias Step = (order: Order, book: BookID?, newBook: BookID?, keys: [Int])

    let keyCount: Int
    let k: UInt64
    let hash: ([UInt8]) -> KeyHash
    let node: LedgerNode
    var maps = TwoMaps()
    private(set) var index: UInt64 = 0

    init(k: UInt64, keys: Int, keysMax: Int, hash: @escaping ([UInt8]) -> KeyHash) throws {
        self.k = k
        keyCount = keys
        self.hash = hash
        node = LedgerNode(Rules(k: k, keysMax: keysMax))
        let creation = CreateLedger(origin: "o", entriesPerGeneration: k)
        try apply([(Order.createLedger(creation), nil, nil, [])])
        try apply([(Order.make(Book.money), nil, CacheDriver.book, [])])
    }

    static func key(_ number: Int) -> StateKey {
        .accountMetadata(book, account, key: Text("key \(number)"))
    }

    static func value(_ number: Int) -> Text { Text("value \(number)") }

    /// Applies one group of orders; `seeds` say something about covered keys that the cache holds.
    func apply(
        _ orders: [Step],
        seeds lies: [(Int, StateValue?)] = []
    ) throws {
        try prepare()
        var entry = Entry(
            epoch: Epoch(0),
            predicted: LogIndex(index),
            time: Instant(microseconds: index),
            saltSeed: Digest(index, 0, 0, 0)
        )
        var hashes: [KeyHash] = []
        var positions: [StateKey: UInt32] = [:]
        func cover(_ key: StateKey) -> UInt32 {
            if let known = positions[key] { return known }
            let bytes = StateCodec.encodeKey(key)
            let position = entry.keys.append(bytes)
            positions[key] = position
            hashes.append(hash(bytes))
            let distance = (index - 1) / k - node.generation.rawValue
            switch node.reach(hash(bytes), distance: distance) {
            case .hit, .collision: break
            case .fading(let handle):
                let value = node.value(handle).map(StateCodec.encodeValue)
                entry.seeds.append(Seed(key: position, value: value))
            case .miss: entry.seeds.append(Seed(key: position, value: node.stored(bytes)))
            }
            return position
        }
        var group: [PlannedOrder] = []
        for item in orders {
            var keys: [StateKey] = [.book(.system)]
            let isNamed = item.order.kind != .createLedger
            if isNamed { keys += [.bookName(Book.money), .book(CacheDriver.book)] }
            keys += item.keys.map(CacheDriver.key)
            group.append(
                PlannedOrder(
                    name: isNamed ? Book.money : nil,
                    book: item.book,
                    newBook: item.newBook,
                    idempotency: nil,
                    actor: nil,
                    order: item.order,
                    coverage: keys.map(cover).sorted()
                )
            )
        }
        for (key, value) in lies {
            guard let position = positions[CacheDriver.key(key)] else { continue }
            entry.seeds.append(Seed(key: position, value: value.map(StateCodec.encodeValue)))
        }
        entry.submissions = [.groups([group])]
        follow(entry.seeds, entry.keys)
        let bytes = EntryCodec.encode(entry)
        let (_, applied) = try node.apply(index, bytes, hashes: hashes)
        try require(applied.recordCount == orders.count, "a hand-made entry is stale")
    }

    /// An entry that only rotates.
    func skip() throws {
        try prepare()
        _ = try node.apply(index, nil)
    }

    private func prepare() throws {
        index += 1
        if !node.mayEnter(index) { try node.finishFlush(index - 1) }
        if index > 1, (index - 1) / k != (index - 2) / k { maps.rotate() }
    }

    private func follow(_ seeds: [Seed], _ keys: KeyTable) {
        for number in 0..<keyCount {
            let bytes = StateCodec.encodeKey(CacheDriver.key(number))
            for seed in seeds where Array(keys[Int(seed.key)]) == bytes {
                let kind = StateKeyKind.accountMetadata
                do {
                    maps.seed(
                        number,
                        try seed.value.map { try StateCodec.decodeValue(kind: kind, $0) }
                    )
                } catch { fatalError("\(error)") }
            }
        }
    }

    func put(_ key: Int, _ value: Int, seeds: [(Int, StateValue?)] = []) throws {
        let text = CacheDriver.value(value)
        let order = Order.setAccountMetadata(
            CacheDriver.account,
            map((Text("key \(key)"), text))
        )
        try apply([(order, CacheDriver.book, nil, [key])], seeds: seeds)
        maps.put(key, .text(text))
    }

    func remove(_ key: Int, seeds: [(Int, StateValue?)] = []) throws {
        let order = Order.deleteAccountMetadata(CacheDriver.account, key: Text("key \(key)"))
        try apply([(order, CacheDriver.book, nil, [key])], seeds: seeds)
        maps.remove(key)
    }

    /// Covers keys without changing one: the group is rolled back.
    func touch(_ keys: [Int], seeds: [(Int, StateValue?)]) throws {
        var metadata = Metadata()
        for key in keys { metadata[Text("key \(key)")] = "never" }
        let first = Order.setAccountMetadata(CacheDriver.account, metadata)
        let steps: [Step] = [
            (first, CacheDriver.book, nil, keys),
            (Order.make(Book.money), CacheDriver.book, BookID(8, 8), []),
        ]
        try apply(steps, seeds: seeds)
    }

    var hashes: [KeyHash] {
        (0..<keyCount).map { hash(StateCodec.encodeKey(CacheDriver.key($0))) }
    }

    /// Compares every key, and, when asked, the image.
    func check(image: Bool) throws {
        let expected = (0..<keyCount).map(maps.view)
        #expect(try node.view(of: hashes) == expected)
        guard image else { return }
        try node.finishFlush(index)
        let marker = try #require(node.store.marker)
        let restored = try StoreModel.restored(marker, node.rules)
        let found = try restored.view(of: hashes)
        #expect(found == expected, "M")
    }
}

@Suite("Cache")
struct CacheTests {
    /// All ids begin at four places of the index, and differ behind.
    private static func clustered(_ key: [UInt8]) -> KeyHash {
        var sum: UInt64 = 14_695_981_039_346_656_037
        for byte in key { sum = (sum ^ UInt64(byte)) &* 1_099_511_628_211 }
        return KeyHash(low: 61 + sum % 4, high: sum, tag: ~sum)
    }

    private static func real(_ key: [UInt8]) -> KeyHash {
        KeyHash(of: key, under: LedgerNode.secrets)
    }

    @Test(
        "equals two dictionaries on random operations",
        arguments: Array(UInt64(1)...30),
        [true, false]
    )
    func twoMaps(_ seed: UInt64, _ isClustered: Bool) throws {
        var random = SeededRandom(seed: seed)
        let k: UInt64 = seed % 2 == 0 ? 3 : 5
        let driver = try CacheDriver(
            k: k,
            keys: 24,
            keysMax: 31,
            hash: { isClustered ? CacheTests.clustered($0) : CacheTests.real($0) }
        )
        for step in 0..<120 {
            let key = random.below(24)
            let lie: StateValue? = random.chance(1, in: 2) ? .text("a lie") : nil
            let lies = random.chance(1, in: 2) ? [(key, lie)] : []
            switch random.below(10) {
            case 0..<4: try driver.put(key, step, seeds: lies)
            case 4..<6: try driver.remove(key, seeds: lies)
            case 6..<8: try driver.touch([key, (key + 1) % 24], seeds: lies)
            default: try driver.skip()
            }
            try driver.check(image: random.chance(1, in: 10))
            if random.chance(1, in: 25) { try driver.restore() }
        }
    }

    private func driver() throws -> CacheDriver {
        try CacheDriver(k: 3, keys: 2, keysMax: 64, hash: CacheTests.real)
    }

    private func rotate(_ driver: CacheDriver, _ times: Int = 1) throws {
        let target = ((driver.index - 1) / 3 + UInt64(times)) * 3 + 1
        while driver.index + 1 < target { try driver.skip() }
    }

    @Test("put, rotate, delete, rotate: gen1 holds the tombstone, the value is nowhere")
    func deletedAfterRotation() throws {
        let driver = try driver()
        try driver.put(0, 1)
        try rotate(driver)
        try driver.remove(0)
        #expect(try driver.row() == CachedRow(isOld: false, value: nil))
        try rotate(driver)
        try driver.put(1, 1)
        #expect(try driver.row() == CachedRow(isOld: true, value: nil))
        try rotate(driver)
        try driver.skip()
        #expect(try driver.row() == nil, "one more rotation: in neither generation")
        try driver.check(image: true)
    }

    @Test("put, rotate, seed: gen1's value wins and is copied to gen0")
    func seedOfOldKey() throws {
        let driver = try driver()
        try driver.put(0, 1)
        try rotate(driver)
        try driver.touch([0], seeds: [(0, .text("old"))])
        let live = CachedRow(isOld: false, value: .text(CacheDriver.value(1)))
        #expect(try driver.row() == live)
        try driver.check(image: true)
    }

    @Test("delete, seed: the tombstone stays, in gen0 and over gen1")
    func seedOfTombstone() throws {
        let driver = try driver()
        try driver.put(0, 1)
        try driver.remove(0)
        try rotate(driver)
        try driver.touch([0], seeds: [(0, .text("old"))])
        #expect(try driver.row() == CachedRow(isOld: true, value: nil))
        try driver.check(image: true)
    }

    @Test("put, rotate, rotate: absent from the cache although the store has it")
    func forgotten() throws {
        let driver = try driver()
        try driver.put(0, 1)
        try rotate(driver, 2)
        try driver.skip()
        #expect(try driver.row() == nil)
        let key = StateCodec.encodeKey(CacheDriver.key(0))
        #expect(driver.node.stored(key) == StateCodec.encodeValue(.text(CacheDriver.value(1))))
    }

    @Test("a seeded absence is a clean tombstone in both generations")
    func seededAbsence() throws {
        let driver = try driver()
        try driver.node.finishFlush(driver.index)
        try driver.touch([0], seeds: [])
        #expect(try driver.row() == CachedRow(isOld: false, value: nil))
        try driver.node.finishFlush(driver.index)
        #expect(driver.node.stored(StateCodec.encodeKey(CacheDriver.key(0))) == nil)
    }

    @Test("vectors: K = 10, current index 25", arguments: UInt64(26)...40)
    func vectors(_ index: UInt64) throws {
        let bench = try Bench(k: 10)
        try bench.send(.makeMoney)
        func set(_ key: Text, at index: Int) throws {
            try bench.idle(to: index - 1)
            try bench.send(Order.setAccountMetadata(account("x"), map((key, "v"))).in(Book.money))
        }
        try set("one", at: 12)
        try set("both", at: 13)
        try set("both", at: 22)
        try set("zero", at: 23)
        try bench.idle(to: 25)
        let book = try #require(try bench.node.bookID(Book.money))
        let metadata = map(("one", "w"), ("both", "w"), ("zero", "w"), ("none", "w"))
        let submission = Submission.groups([
            [Order.setAccountMetadata(account("x"), metadata).in(Book.money)]
        ])
        let admission = bench.node.admit([submission], at: index)
        guard case .needs(let draft) = admission else { throw Broken("no draft") }
        guard let plan = bench.node.complete(draft, at: index) else { throw Broken("too late") }
        func key(_ text: Text) -> [UInt8] {
            StateCodec.encodeKey(.accountMetadata(book, account("x"), key: text))
        }
        #expect(draft.missingKeys == [key("none")], "misses go to the store")
        let seeds = plan.entry.seeds.map { Array(plan.entry.keys[Int($0.key)]) }
        let fading = index <= 30 ? [] : [key("one")]
        #expect(seeds.filter { $0 != key("none") && $0[1] == 4 } == fading)
    }

    @Test("an image of another index, cut, lengthened or with a key twice is refused")
    func images() throws {
        let bench = try Bench()
        try bench.send(.makeMoney)
        try bench.send(Order.fund("x", 5).in(Book.money))
        let capture = bench.node.capture()
        let image = capture.image.flatMap { $0 }
        func restores(_ bytes: [UInt8], _ index: LogIndex) -> Bool {
            do {
                _ = try Kernel.restore(
                    applied: index,
                    scalars: capture.scalars,
                    secrets: capture.secrets,
                    tree: capture.tree,
                    image: bytes,
                    keysMax: 64
                )
                return true
            } catch {
                return false
            }
        }
        #expect(restores(image, capture.applied))
        #expect(!restores(image, capture.applied.next))
        for count in image.indices { #expect(!restores(Array(image[..<count]), capture.applied)) }
        #expect(!restores(image + [0], capture.applied))
        for (offset, byte) in [(0, UInt8(2)), (1, 1), (8, 0), (24, 255)] {
            var bad = image
            bad[offset] = byte
            if offset == 8 { bad.replaceSubrange(8..<16, with: [UInt8](repeating: 0, count: 8)) }
            #expect(!restores(bad, capture.applied), "byte \(offset)")
        }
        var twice = image
        twice[24] += 1
        let volume = 24 + 3 + 32
        twice += image.suffix(volume)
        #expect(!restores(twice, capture.applied))
        for offset in [24, 25, 26] {
            var bad = image
            bad[image.count - volume + offset] = 9 + UInt8(offset)
            #expect(!restores(bad, capture.applied), "row byte \(offset)")
        }
    }
}

extension CacheDriver {
    fileprivate func row() throws -> CachedRow? { try node.view(of: hashes)[0] }

    /// Restores the kernel from the store; nothing may change.
    fileprivate func restore() throws {
        try node.finishFlush(index)
        let marker = try #require(node.store.marker)
        node.kernel = try StoreModel.restored(marker, node.rules)
        try check(image: false)
    }
}
