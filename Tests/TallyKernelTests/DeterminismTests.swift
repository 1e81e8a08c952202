// SPDX-License-Identifier: Apache-2.0
//
// The same entries in two kernels with other flush timing and another bound on keys: the same
// records, the same rows, the same digest (specs/cache.md §5 D). Also the journal's published
// events.

import TallyCodec
import TallyKernel
import TallyProof
import TallyTypes
import Testing
import TestSupport

@Suite("Determinism")
struct DeterminismTests {
    @Test("flush timing and the bound on keys change nothing", arguments: UInt64(1)...12)
    func timing(_ seed: UInt64) throws {
        let k: UInt64 = [3, 8, 64][Int(seed % 3)]
        let bench = try Bench.random(seed, k: k)
        var random = SeededRandom(seed: seed &* 77)
        let other = LedgerNode(Rules(k: k, keysMax: 4_096))
        for (position, bytes) in bench.frames.enumerated() {
            let index = UInt64(position + 1)
            try other.applyInOrder(index, bytes)
            if random.chance(1, in: 2) { try other.finishFlush(index) }
            if random.chance(1, in: 8) {
                try other.restart(Array(bench.frames[...position]))
            }
        }
        try other.finishFlush(other.applied)
        try bench.node.finishFlush(bench.node.applied)
        #expect(other.records == bench.node.records)
        #expect(other.root == bench.node.root)
        #expect(other.scalars == bench.node.scalars)
        #expect(other.store.rows == bench.node.store.rows)
        #expect(try other.stateDigest() == bench.node.stateDigest())
        let hashes = bench.universe.hashes
        #expect(try other.view(of: hashes) == bench.node.view(of: hashes))
        try bench.checkState()
    }

    @Test("hashes that travel with a plan are those made again from its bytes")
    func hashes() throws {
        let bench = try Bench()
        let plan = try bench.plan(try bench.draft([[.makeMoney]]))
        let secrets = bench.node.kernel.secrets
        let again = (0..<plan.entry.keys.count).map {
            KeyHash(of: Array(plan.entry.keys[$0]), under: secrets)
        }
        #expect(plan.hashes == again)
    }
}

@Suite("Journals")
struct JournalTests {
    private func journal() throws -> Bench {
        let bench = try Bench(keysMax: 1_024)
        try bench.send(.system(.make(Book.events, .journal)))
        return bench
    }

    private func event(_ order: Order) -> Request { order.in(Book.events) }

    @Test("fields are set, removed and folded; the whole entity is replaced and ended")
    func folds() throws {
        let bench = try journal()
        let steps: [Order] = [
            .event("f", .delete), .event("f", .update, new: "1"), .event("g", .insert),
            .event("g", .insert, new: "null"), .event("f", .ingest, new: "7"),
            .event("f", .update), .event("*", .update, new: "{\"b\":1,\"a\":2}"),
            .event("*", .insert), .event("*", .delete), .event("*", .ingest, new: "[]"),
        ]
        for step in steps {
            #expect(try bench.outcomes(event(step)) == [.committed(.recorded)])
            try bench.checkState()
        }
        for value in ["[]", "null", "1", "\"\""] as [Text] {
            #expect(
                try bench.outcomes(event(.event("*", .insert, new: value)))
                    == [.refused(.entityNotObject)]
            )
        }
    }

    @Test("an expected old value is compared by meaning; absent equals absent only")
    func expectations() throws {
        let bench = try journal()
        func isCommitted(_ order: Order) throws -> Bool {
            let outcome = try bench.outcomes(event(order))[0]
            if case .refused(let refusal) = outcome { #expect(refusal == .oldValueMismatch) }
            return outcome == .committed(.recorded)
        }
        #expect(try !isCommitted(.event("f", .insert, old: "1", new: "2", expectsOld: true)))
        #expect(try isCommitted(.event("f", .insert, new: "10", expectsOld: true)))
        #expect(try !isCommitted(.event("f", .update, new: "2", expectsOld: true)))
        #expect(try isCommitted(.event("f", .update, old: "1e1", new: "2", expectsOld: true)))
        #expect(try !isCommitted(.event("f", .update, old: "\"2\"", new: "3", expectsOld: true)))
        #expect(try isCommitted(.event("*", .delete, old: "{\"f\":2.0}", expectsOld: true)))
        #expect(try isCommitted(.event("*", .delete, expectsOld: true)))
        try bench.checkState()
    }

    @Test("an entity may not outgrow its row")
    func large() throws {
        let bench = try journal()
        let value = Text("\"" + String(repeating: "v", count: 132_000) + "\"")
        #expect(
            try bench.outcomes(event(.event("f", .insert, new: value))) == [.committed(.recorded)]
        )
        guard
            case .refused(.entityTooLarge) = try bench.outcomes(
                event(.event("g", .insert, new: value))
            )[0]
        else { throw Broken("not refused") }
        try bench.checkState()
    }

    @Test("the published events fold to the published states")
    func conformance() throws {
        let bench = try journal()
        let events = try Vectors.text(of: "journal/events.jsonl").split(separator: "\n")
        var groups: [[Request]] = []
        for line in events {
            let order = Order.recordEvent(try JournalTests.event(String(line)))
            groups.append([order.in(Book.events)])
        }
        for group in groups { try bench.send([group]) }
        #expect(groups.count == 200)
        #expect(bench.node.blobs.count == 2, "two values are larger than a record")
        try bench.checkState()
        let queries = try JSONReader.parse(try Vectors.bytes(of: "journal/expected_queries.json"))
        guard case .array(let list) = queries else { throw Broken("no list") }
        let book = try #require(try bench.node.bookID(Book.events))
        var compared = 0
        for item in list where item["name"] == .string("state at the end") {
            guard case .string(let type)? = item["query"]?["entity_type"],
                case .string(let id)? = item["query"]?["entity_id"],
                case .bool(let exists)? = item["answer"]?["exists"]
            else { throw Broken("no query") }
            let row = bench.twin.rows[.entity(book, type: type, id: id)]
            #expect((row != nil) == exists, "\(type) \(id)")
            if case .entity(let state)? = row {
                try expectEqual(state, item["answer"]?["state"], "\(type) \(id)")
            }
            compared += 1
        }
        #expect(compared == 51)
    }

    /// The same fields with the same values, numbers by their exact value.
    private func expectEqual(_ state: EntityState, _ expected: JSONValue?, _ name: String) throws {
        guard case .object(let expected)? = expected else { throw Broken("no state of \(name)") }
        #expect(Set(state.fields.map(\.name)) == Set(expected.members.map(\.key)), "\(name)")
        for field in state.fields {
            let value = try #require(expected[field.name], "\(name) \(field.name)")
            #expect(try field.value.value().exactEquals(value), "\(name) \(field.name)")
        }
    }

    /// One line of conformance/journal/events.jsonl.
    private static func event(_ line: String) throws -> JournalEvent {
        guard case .object(let object) = try JSONReader.parse(Array(line.utf8)) else {
            throw Broken("no object")
        }
        func text(_ key: Text) throws -> Text {
            guard case .string(let text)? = object[key] else { throw Broken("no text \(key)") }
            return text
        }
        let word = try text("action").string
        let action = try #require(JournalAction.allCases.first { $0.word == word })
        return JournalEvent(
            entityType: try text("entity_type"),
            entityID: try text("entity_id"),
            field: try text("field"),
            action: action,
            oldValue: object["old_value"].map { JSONText($0) },
            newValue: object["new_value"].map { JSONText($0) },
            actor: try text("actor"),
            source: try text("source")
        )
    }
}

extension JSONValue {
    /// The member of an object; nil in any other value.
    fileprivate subscript(key: Text) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }
}
