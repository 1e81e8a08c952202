// SPDX-License-Identifier: Apache-2.0
//
// Admission of a binary batch: passes over its transfers and over the keys that they name, each
// pair of account and asset once. Pure. Called by the draft builder; the transfers are applied by
// Machine/BatchMachine.swift. Nothing here allocates per transfer or per key.

import CTally
import TallyCodec
import TallyProof
import TallyTypes

extension DraftBuilder {
    mutating func addBatch(_ request: BatchRequest) {
        let book = resolve(request.book, MakingNames())
        let idempotency = request.idempotencyKey.flatMap { key in
            book.map { IdempotencyHash.of(book: $0, key: key) }
        }
        var common: [StateKey] = [.book(.system), .bookName(request.book)]
        if let book {
            common.append(.book(book))
            if let idempotency { common.append(.idempotency(book, idempotency)) }
        }
        let coverage = cover(common)
        let batch = request.batch
        let first = entry.keys.count
        var volumes = BatchVolumes(batch, from: first)
        guard first + volumes.count <= Limits.keysPerEntryMax else {
            busy = .tooLarge(
                limit: "keys per entry",
                size: UInt64(first + volumes.count),
                max: Limits.keysPerEntryMax
            )
            return
        }
        admit(volumes, in: book ?? .system)
        entry.submissions.append(
            .batch(
                PlannedBatch(
                    name: request.book,
                    book: book,
                    idempotency: idempotency,
                    digest: Hashing.sha256(batch.bytes),
                    isForced: batch.isForced,
                    coverage: coverage,
                    transfers: volumes.transfers()
                )
            )
        )
    }

    /// Adds the keys of a batch's volumes, asset by asset, and finds their rows.
    private mutating func admit(_ volumes: BatchVolumes, in book: BookID) {
        let first = entry.keys.count
        hashes.reserveCapacity(first + volumes.count)
        rows.reserveCapacity(first + volumes.count)
        for group in volumes.groups {
            let asset = volumes.batch.bytes[volumes.batch.assets[group.asset]]
            let prefix =
                [FormatRegistry.stateKey, StateKeyKind.volume.rawValue] + book.bytes
                + [UInt8(asset.count >> 8), UInt8(asset.count & 255)] + asset
            let start = entry.keys.count
            entry.keys.append(prefix: prefix, tails: group.accounts, of: volumes.batch.bytes)
            hash(from: start, after: KeyHashPrefix(of: prefix, under: secrets))
        }
        find(from: first)
    }

    private mutating func hash(from start: Int, after prefix: KeyHashPrefix) {
        unsafe entry.keys.bytes.withUnsafeBytes { bytes in
            for position in start..<entry.keys.count {
                let key = unsafe bytes[entry.keys.range(position)]
                unsafe hashes.append(prefix.hash(of: UnsafeRawBufferPointer(rebasing: key)))
            }
        }
    }

    /// How many look-ups ahead memory is asked for.
    private static var ahead: Int { 12 }

    /// Finds the rows of keys that were hashed: first all slots, then all rows.
    private mutating func find(from first: Int) {
        let last = hashes.count - 1
        for position in first..<hashes.count {
            let later = hashes[min(position + DraftBuilder.ahead, last)]
            unsafe tally_prefetch(cache.index.firstSlot(of: later))
            switch cache.index.find(hashes[position]) {
            case .found(let handle): rows.append(handle)
            case .absent: rows.append(.none)
            case .collision:
                busy = .keyCollision
                rows.append(.none)
            }
        }
        for position in first..<hashes.count {
            let later = rows[min(position + DraftBuilder.ahead, last)]
            if later != .none { unsafe tally_prefetch(cache.rows.address(later)) }
            let handle = rows[position]
            if handle == .none {
                missing.append(UInt32(position))
            } else {
                source(handle, at: UInt32(position))
            }
        }
    }
}

/// The volumes that a batch names: pairs of asset and account, each once, and where their keys go.
private struct BatchVolumes {
    /// The accounts that transfers of one asset name.
    struct Group {
        let asset: Int
        /// Where each stands in the batch's bytes, ascending.
        let accounts: [Range<Int>]
    }

    let batch: TransferBatch
    /// In the order of the keys.
    private(set) var groups: [Group] = []
    /// The number of keys.
    private(set) var count = 0
    /// By asset: the first of its row in `positions`, or -1 for one that no transfer names.
    private var rows: [Int]
    /// By asset in use, then by account: the position of the key, or -1.
    private var positions: [Int32] = []

    init(_ batch: TransferBatch, from first: Int) {
        self.batch = batch
        rows = [Int](repeating: -1, count: batch.assets.count)
        markUsed()
        number(from: first)
    }

    /// The transfers with the positions of their keys.
    mutating func transfers() -> [Transfer] {
        let (rows, positions) = (rows, positions)
        return unsafe [Transfer](unsafeUninitializedCapacity: batch.count) { buffer, count in
            BatchVolumes.forEach(batch) { item in
                let row = rows[item.asset]
                unsafe (buffer.baseAddress.unsafelyUnwrapped + count).initialize(
                    to: Transfer(
                        source: UInt16(truncatingIfNeeded: positions[row + item.source]),
                        destination: UInt16(truncatingIfNeeded: positions[row + item.destination]),
                        amount: item.amount
                    )
                )
                count += 1
            }
        }
    }

    private mutating func markUsed() {
        var used = [Bool](repeating: false, count: batch.assets.count)
        BatchVolumes.forEach(batch) { used[$0.asset] = true }
        var next = 0
        for asset in used.indices where used[asset] {
            rows[asset] = next
            next += batch.accounts.count
        }
        var marks = [Int32](repeating: -1, count: next)
        let rows = rows
        BatchVolumes.forEach(batch) { item in
            let row = rows[item.asset]
            marks[row + item.source] = 0
            marks[row + item.destination] = 0
        }
        positions = marks
    }

    private mutating func number(from first: Int) {
        for asset in rows.indices where rows[asset] >= 0 {
            var accounts: [Range<Int>] = []
            accounts.reserveCapacity(batch.accounts.count)
            for account in batch.accounts.indices where positions[rows[asset] + account] == 0 {
                positions[rows[asset] + account] = Int32(first + count)
                accounts.append(batch.accounts[account])
                count += 1
            }
            groups.append(Group(asset: asset, accounts: accounts))
        }
    }

    @inline(__always)
    private static func forEach(_ batch: TransferBatch, _ body: (TransferBatch.Item) -> Void) {
        unsafe batch.bytes.withUnsafeBytes { bytes in
            let needed = batch.start + batch.count * TransferBatch.transferBytes
            invariant(.i11, needed <= bytes.count, "a batch ends before its transfers")
            guard let base = bytes.baseAddress else { return }
            var next = unsafe base + batch.start
            for _ in 0..<batch.count {
                body(unsafe TransferBatch.Item(at: next))
                unsafe next += TransferBatch.transferBytes
            }
        }
    }
}
