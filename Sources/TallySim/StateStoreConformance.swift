// SPDX-License-Identifier: Apache-2.0
//
// The conformance kit of the `StateStore` seam, run against every store while nothing fails.
// Imports TallyTypes and TallyStore. Crashes are tested per conformer.

package import TallyStore
internal import TallyTypes

/// A store's maker: opens the same store again and again in one place.
package struct StateStoreSubject {
    /// Opens the store; the first time it is empty.
    package let open: () throws -> any StateStore
    /// Opens a copy made by `checkpoint`.
    package let openCopy: (String) throws -> any StateStore
    /// A path for a copy; nothing is there.
    package let copy: String

    /// Makes a subject.
    package init(
        open: @escaping () throws -> any StateStore,
        openCopy: @escaping (String) throws -> any StateStore,
        copy: String
    ) {
        self.open = open
        self.openCopy = openCopy
        self.copy = copy
    }
}

/// The checks that every state store passes.
package enum StateStoreConformance {
    /// All checks.
    package static let checks: [ConformanceCheck<StateStoreSubject>] = [
        ConformanceCheck("a new store has no marker and no rows") { subject in
            let store = try subject.open()
            try expectTrue(try store.marker() == nil, "a marker")
            try expectEqual(try store.read([[1]]), [nil], "values")
            try expectEqual(try rows(store), [], "rows")
            try store.close()
        },
        ConformanceCheck("a flush puts, replaces and deletes, and is there after reopening") {
            subject in
            var store = try subject.open()
            try store.flush(batch(1, puts: [[1]: [10], [2]: [20], [2, 0]: []]))
            try store.flush(batch(2, puts: [[1]: [11]], deletes: [[2], [9]]))
            for _ in 0..<2 {
                try expectEqual(
                    try rows(store),
                    [StateRow(key: [1], value: [11]), StateRow(key: [2, 0], value: [])],
                    "rows"
                )
                try expectEqual(try store.marker(), marker(2), "marker")
                let keys: [[UInt8]] = [[], [1], [2], [2, 0], [9]]
                try expectEqual(try store.read(keys), [nil, [11], nil, [], nil], "values")
                try store.close()
                store = try subject.open()
            }
            try store.close()
        },
        ConformanceCheck("rows ascend by their bytes, and a walk begins at or behind a key") {
            subject in
            let store = try subject.open()
            let keys: [[UInt8]] = [[], [0], [0, 0], [1, 255], [2], [128], [255], [255, 255]]
            try store.flush(
                batch(1, puts: Dictionary(uniqueKeysWithValues: keys.map { ($0, $0) }))
            )
            try expectEqual(try rows(store).map(\.key), keys, "keys")
            try expectEqual(try rows(store, from: [1, 255]).map(\.key), Array(keys[3...]), "keys")
            try expectEqual(try rows(store, from: [3]).map(\.key), Array(keys[5...]), "keys")
            try store.close()
        },
        ConformanceCheck("a snapshot does not see later flushes") { subject in
            let store = try subject.open()
            try store.flush(batch(1, puts: [[1]: [10]]))
            try checkSnapshot(store)
            try store.close()
        },
        ConformanceCheck("a checkpoint is a store as of the last flush") { subject in
            let store = try subject.open()
            try store.flush(batch(1, puts: [[1]: [10]]))
            try store.checkpoint(to: subject.copy)
            try store.flush(batch(2, puts: [[1]: [11]]))
            let copy = try subject.openCopy(subject.copy)
            try expectEqual(try copy.marker(), marker(1), "marker of the copy")
            try expectEqual(try copy.read([[1]]), [[10]], "values of the copy")
            try copy.close()
            try expectEqual(try store.read([[1]]), [[11]], "values")
            try store.close()
        },
        ConformanceCheck("rows below a prefix go, the others stay, and twice is once") { subject in
            var store = try subject.open()
            let keys: [[UInt8]] = [[1], [2, 254], [2, 255], [2, 255, 0], [2, 255, 255], [3]]
            try store.flush(
                batch(1, puts: Dictionary(uniqueKeysWithValues: keys.map { ($0, $0) }))
            )
            try checkRemoval(store, keys)
            try store.flush(batch(2, puts: [[2, 255, 7]: [7]]))
            try store.close()
            store = try subject.open()
            let left = try rows(store).map(\.key)
            try expectEqual(left, [[1], [2, 254], [2, 255, 7], [3]], "keys after a flush")
            try store.close()
        },
        ConformanceCheck("many rows are read back in one sorted pass") { subject in
            let store = try subject.open()
            let keys = (0..<2_000).map { [UInt8($0 >> 8), UInt8($0 & 255), 7] }
            try store.flush(
                batch(1, puts: Dictionary(uniqueKeysWithValues: keys.map { ($0, $0 + $0) }))
            )
            let found = try store.read(keys)
            try expectEqual(found, keys.map { $0 + $0 }, "values")
            try store.close()
        },
    ]

    /// A marker that differs by index.
    package static func marker(_ index: UInt64) -> FlushMarker {
        FlushMarker(
            applied: LogIndex(index),
            scalars: [1, UInt8(index & 255)],
            secrets: [UInt8](repeating: 2, count: 32),
            tree: [],
            image: index % 2 == 0
                ? nil
                : ImageReference(
                    name: "image-\(index)",
                    digest: Digest(1, 2, 3, index),
                    size: ByteCount(64)
                )
        )
    }

    /// A sorted batch.
    package static func batch(
        _ index: UInt64,
        puts: [[UInt8]: [UInt8]] = [:],
        deletes: [[UInt8]] = []
    ) -> FlushBatch {
        var rows = FlushRows()
        for key in puts.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }).reversed() {
            let value = puts[key] ?? []
            rows.put(key.span, value.span)
        }
        for key in deletes {
            rows.delete(key.span)
        }
        rows.sort()
        return FlushBatch(rows: rows, marker: marker(index))
    }

    /// All rows of a store from a key on.
    package static func rows(
        _ store: any StateStore,
        from key: [UInt8] = []
    ) throws -> [StateRow] {
        try rows(store.snapshot(), from: key)
    }

    private static func rows(
        _ snapshot: any StateSnapshot,
        from key: [UInt8] = []
    ) throws -> [StateRow] {
        let cursor = try snapshot.cursor(from: key)
        var found: [StateRow] = []
        while let row = try cursor.next() {
            found.append(row)
        }
        return found
    }

    private static func checkRemoval(_ store: any StateStore, _ keys: [[UInt8]]) throws {
        let before = try store.snapshot()
        for _ in 0..<2 { try store.removeRows(below: [2, 255]) }
        try expectEqual(try rows(store).map(\.key), [[1], [2, 254], [3]], "keys")
        try expectEqual(try store.read([[2, 255, 0]]), [nil], "a value")
        try expectEqual(try rows(before).map(\.key), keys, "keys of an older snapshot")
    }

    private static func checkSnapshot(_ store: any StateStore) throws {
        let snapshot = try store.snapshot()
        try store.flush(batch(2, puts: [[1]: [11], [2]: [20]]))
        try expectEqual(try rows(snapshot), [StateRow(key: [1], value: [10])], "rows")
        try expectEqual(snapshot.marker, marker(1), "marker")
    }
}
