// SPDX-License-Identifier: Apache-2.0
//
// The comparison with a state store: its scalars, each of its rows in key order, its digest.
// Imports TallyTypes, TallyCodec, TallyProof; called when as many records were fed as the store
// holds.
//
// Rows of a deleted book may be missing, because a janitor takes them away at a time of its own;
// those that are still there must be right. Rows of a book whose replay was wrong are not judged.

import TallyCodec
import TallyProof
package import TallyTypes

/// A row of a state store: its canonical bytes.
package struct StoredRow: Hashable, Sendable {
    /// The canonical bytes of the key.
    package let key: [UInt8]
    /// The canonical bytes of the value.
    package let value: [UInt8]

    /// Makes a row.
    package init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

/// A key that replay knows a row for, with its canonical bytes.
private struct ExpectedKey {
    let bytes: [UInt8]
    let key: StateKey
}

extension Checker {
    /// Compares every row, and the scalars, of a state store with what replay gives.
    ///
    /// - Parameters:
    ///   - scalars: The store's scalars; as many records must have been fed as they say.
    ///   - nextRow: Gives the next row, ascending by key bytes; nil after the last.
    /// - Throws: What `nextRow` throws.
    package mutating func compareRows<Failure: Error>(
        _ scalars: LedgerScalars,
        _ nextRow: () throws(Failure) -> StoredRow?
    ) throws(Failure) {
        settleGroup()
        rowsVerdict = .ok
        guard compare(scalars) else { return }
        if let stopped {
            rowsVerdict = .unchecked(stopped)
            return
        }
        try compareAll(nextRow)
        if findings.first[.rows] == nil,
            let broken = state.books.first(where: { $0.brokenAt != nil })
        {
            rowsVerdict = .unchecked("rows of book \(broken.id), whose replay was wrong")
        }
    }

    /// Compares a digest of all state with the one of replay.
    ///
    /// - Parameters:
    ///   - stored: The digest to confirm.
    ///   - source: Who says so, for messages.
    package mutating func compare(digest stored: Digest, source: String) {
        guard let computed = stateDigest() else {
            digestVerdict = .unchecked("\(source): the replay of a book was wrong, or ended early")
            return
        }
        digestVerdict = .ok
        if computed != stored {
            findings.add(
                .digest,
                Finding(.stateDigest, "\(source) gives \(stored), replay \(computed)")
            )
        }
    }

    /// The digest of all state; nil when the replay ended early or was wrong in some book.
    package func stateDigest() -> Digest? {
        seal()?.stateDigest
    }

    /// Calls the body with every row that replay gives, ascending by key.
    func forEachRow(_ body: (_ key: StateKey, _ bytes: [UInt8], _ value: [UInt8]) -> Void) {
        for expected in expectedKeys() {
            guard let value = value(of: expected.key) else {
                invariantFailure(.i23, "the checker lists a key without a value")
            }
            body(expected.key, expected.bytes, StateCodec.encodeValue(value))
        }
    }

    /// Every row that replay gives.
    package func rows() -> [StateKey: StateValue] {
        var rows: [StateKey: StateValue] = [:]
        for expected in expectedKeys() {
            rows[expected.key] = value(of: expected.key)
        }
        return rows
    }

    /// The scalars that replay gives.
    package var scalars: LedgerScalars { state.scalars }

    // MARK: - Scalars

    private mutating func compare(_ stored: LedgerScalars) -> Bool {
        let computed = state.scalars
        if stored.nextRecord.rawValue != tree.size {
            let reason: Reason = stored.nextRecord.rawValue > tree.size ? .missing : .projection
            refuteRow(
                reason,
                "scalars",
                "the store holds \(stored.nextRecord) records, \(tree.size) were read"
            )
            return false
        }
        let parts = [
            ("last time", stored.lastTime == computed.lastTime),
            ("epoch", stored.epoch == computed.epoch),
            ("K", stored.entriesPerGeneration == computed.entriesPerGeneration),
            ("origin", stored.origin == computed.origin),
        ]
        for (name, isEqual) in parts where !isEqual && stopped == nil {
            refuteRow(.projection, "scalars", "another \(name)")
        }
        return true
    }

    // MARK: - Rows

    private mutating func compareAll<Failure: Error>(
        _ nextRow: () throws(Failure) -> StoredRow?
    ) throws(Failure) {
        let expected = expectedKeys()
        var at = 0
        var last: [UInt8] = []
        while let row = try nextRow() {
            guard last.lexicographicallyPrecedes(row.key) else {
                refuteRow(
                    .projection,
                    name(of: row.key),
                    "it does not come after the row before it"
                )
                return
            }
            last = row.key
            while at < expected.count, expected[at].bytes.lexicographicallyPrecedes(row.key) {
                guard mayBeMissing(expected[at].key) else {
                    refuteRow(.projection, name(expected[at].key), "the row is missing")
                    return
                }
                at += 1
            }
            if at < expected.count, expected[at].bytes == row.key {
                guard compare(row, expected[at].key) else { return }
                at += 1
            } else if !isOfBrokenBook(row.key) {
                refuteRow(.projection, name(of: row.key), "there should be no such row")
                return
            }
        }
        if let missing = expected[at...].first(where: { !mayBeMissing($0.key) }) {
            refuteRow(.projection, name(missing.key), "the row is missing")
        }
    }

    private mutating func compare(_ row: StoredRow, _ key: StateKey) -> Bool {
        if isBroken(key.book) { return true }
        guard let value = value(of: key), StateCodec.encodeValue(value) == row.value else {
            refuteRow(.projection, name(key), difference(key))
            return false
        }
        return true
    }

    private func expectedKeys() -> [ExpectedKey] {
        var keys: [StateKey] = state.books.map { .book($0.id) }
        keys.append(contentsOf: state.names.keys.map { .bookName($0) })
        keys.append(
            contentsOf: state.volumes.keys.map { .volume($0.book, $0.asset, $0.account) }
        )
        // Any order: all keys are sorted by their bytes below.
        keys.append(contentsOf: state.rows.keys)
        keys.append(contentsOf: state.entities.keys)
        keys.append(contentsOf: claims.all.keys.map(\.stateKey))
        return keys.map { ExpectedKey(bytes: StateCodec.encodeKey($0), key: $0) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }

    /// What replay gives for a key; nil for one that it does not know.
    private func value(of key: StateKey) -> StateValue? {
        switch key {
        case .book(let book):
            state.position(of: book).map { .book(state.books[$0].row) }
        case .bookName(let name):
            state.names[name].map { .bookName($0) }
        case .volume(let book, let asset, let account):
            state.volumes[VolumeKey(book: book, asset: asset, account: account)]
                .map { .volume($0) }
        case .accountMetadata, .transactionState, .reference, .bookMetadata:
            state.row(key)
        case .entity:
            state.entities[key].map { .entity(state.entityState($0)) }
        case .idempotency(let book, let hash):
            claims.all[ClaimKey(book: book, hash: hash)].map { .idempotency($0) }
        }
    }

    private func mayBeMissing(_ key: StateKey) -> Bool {
        if isBroken(key.book) { return true }
        if case .book = key { return false }
        guard let book = state.position(of: key.book) else { return false }
        return state.books[book].isDeleted
    }

    private func isBroken(_ book: BookID) -> Bool {
        if let book = state.position(of: book) { return state.books[book].brokenAt != nil }
        return state.books.first?.brokenAt != nil  // what a broken system book creates is not known
    }

    private func isOfBrokenBook(_ bytes: [UInt8]) -> Bool {
        do throws(Malformed) {
            return isBroken(try StateCodec.decodeKey(bytes).book)
        } catch {
            return false  // no key at all: the caller names it as a row that should not be
        }
    }

    // MARK: - Words

    private mutating func refuteRow(_ reason: Reason, _ row: String, _ detail: String) {
        findings.add(.rows, Finding(reason, detail, row: row))
    }

    private func difference(_ key: StateKey) -> String {
        switch value(of: key) {
        case .volume(let volume): "replay gives \(volume)"
        case .idempotency(let row):
            "replay gives record \(row.record), count \(row.count), digest \(row.digest)"
        case .book, .bookName, .text, .transactionState, .reference, .entity, nil:
            "its value is not the one of replay"
        }
    }

    private func name(of bytes: [UInt8]) -> String {
        do throws(Malformed) {
            return name(try StateCodec.decodeKey(bytes))
        } catch {
            return "with the key \(hexadecimal(bytes))"
        }
    }

    private func name(_ key: StateKey) -> String {
        switch key {
        case .book(let book): "book \(book)"
        case .bookName(let name): "bookName \(name)"
        case .volume(let book, let asset, let account): "volume \(book) \(asset) \(account)"
        case .accountMetadata(let book, let account, let key):
            "accountMetadata \(book) \(account) \(key)"
        case .transactionState(let book, let id): "transactionState \(book) \(id)"
        case .reference(let book, let text): "reference \(book) \(text)"
        case .idempotency(let book, let hash): "idempotency \(book) \(hash)"
        case .bookMetadata(let book, let key): "bookMetadata \(book) \(key)"
        case .entity(let book, let type, let id): "entity \(book) \(type) \(id)"
        }
    }
}
