// SPDX-License-Identifier: Apache-2.0
//
// Admission of a binary batch: one pass over its transfers, each pair of account and asset becomes
// one key. Pure. Called by the draft builder; the transfers are applied by
// Machine/BatchMachine.swift.

import TallyCodec
import TallyProof
import TallyTypes

extension DraftBuilder {
    mutating func addBatch(_ request: BatchRequest) {
        let body: BatchBody
        do {
            body = try BatchBody(request.bytes)
        } catch {
            invariantFailure(.i11, "a batch that was not validated at the edge: \(error)")
        }
        let book = resolveBatchName(request.book)
        let idempotency = request.idempotencyKey.flatMap { key in
            book.map { IdempotencyHash.of(book: $0, key: key) }
        }
        var common: [StateKey] = [.book(.system), .bookName(request.book)]
        if let book {
            common.append(.book(book))
            if let idempotency { common.append(.idempotency(book, idempotency)) }
        }
        let coverage = cover(common)
        let home = book ?? .system
        var volumes = BatchVolumes(body: body, book: home)
        entry.keys.reserve(
            keys: body.accounts.count + 16,
            bytes: body.accounts.count * 64 + 1024
        )
        var transfers: [Transfer] = []
        transfers.reserveCapacity(body.items.count)
        for item in body.items {
            let source = volumes.position(item.asset, item.source, &self)
            let destination = volumes.position(item.asset, item.destination, &self)
            transfers.append(
                Transfer(source: source, destination: destination, amount: item.amount)
            )
        }
        entry.submissions.append(
            .batch(
                PlannedBatch(
                    name: request.book,
                    book: book,
                    idempotency: idempotency,
                    digest: Hashing.sha256(request.bytes),
                    isForced: body.isForced,
                    coverage: coverage,
                    transfers: transfers
                )
            )
        )
    }

    private mutating func resolveBatchName(_ name: BookName) -> BookID? {
        resolve(name, MakingNames())
    }
}

/// The key positions of a batch's volumes, made on first use.
private struct BatchVolumes {
    private let body: BatchBody
    private let prefixes: [[UInt8]]
    private var known: [[Int32]]
    private var key: [UInt8] = []

    init(body: BatchBody, book: BookID) {
        self.body = body
        prefixes = body.assets.map { range in
            let asset = body.bytes[range]
            return [FormatRegistry.stateKey, StateKeyKind.volume.rawValue] + book.bytes
                + [UInt8(asset.count >> 8), UInt8(asset.count & 255)] + asset
        }
        known = body.assets.map { _ in [] }
        key.reserveCapacity(2048)
    }

    mutating func position(_ asset: Int, _ account: Int, _ builder: inout DraftBuilder) -> UInt16 {
        if known[asset].isEmpty {
            known[asset] = [Int32](repeating: -1, count: body.accounts.count)
        }
        let found = known[asset][account]
        if found >= 0 { return UInt16(found) }
        let address = body.bytes[body.accounts[account]]
        key.removeAll(keepingCapacity: true)
        key.append(contentsOf: prefixes[asset])
        key.append(UInt8(address.count >> 8))
        key.append(UInt8(address.count & 255))
        key.append(contentsOf: address)
        let position = builder.entry.keys.append(key)
        builder.admit(builder.hash(of: key), at: position)
        guard position < UInt32(Limits.keysPerEntryMax) else {
            builder.busy = .tooLarge(limit: "keys per entry", size: UInt64(position) + 1)
            return 0
        }
        known[asset][account] = Int32(position)
        return UInt16(position)
    }
}
