// SPDX-License-Identifier: Apache-2.0
//
// The batch machine: the same rule as a single-posting transaction, as one pass over preallocated
// rows and bytes. Pure and total. Called by the machine. specs/hot-path.md §4 has the layout; the
// tests judge it against the same transfers sent as single orders. Nothing here allocates per
// transfer.

import CTally
import TallyCodec
import TallyProof
import TallyTypes

extension Machine {
    /// Judges a batch: its name, its book, its key, then each transfer on its own.
    mutating func apply(_ batch: PlannedBatch) -> AppliedSubmission {
        invariant(
            .i11,
            batch.transfers.count <= Limits.transfersPerBatchMax,
            "a batch of \(batch.transfers.count) transfers"
        )
        let gate = Gate(scope: scope, settled: Overlay(), covered: batch.coverage)
        guard gate.bookID(named: batch.name) == batch.book else { return .staleBatch }
        let first = scalars.nextRecord
        guard let book = batch.book else {
            return refuseAll(batch, .bookNotFound(name: Text(batch.name.text)), .system)
        }
        guard let row = gate.book(book) else {
            invariantFailure(.i8, "book \(book) has a name and no row")
        }
        guard !row.isDeleted else { return refuseAll(batch, .bookDeleted, book) }
        if let hash = batch.idempotency,
            let claim = gate.idempotency(.idempotency(book, hash))
        {
            guard claim.digest == batch.digest else {
                return refuseAll(batch, .idempotencyConflict, book)
            }
            invariant(
                .i15,
                claim.count == UInt64(batch.transfers.count),
                "a batch of \(batch.transfers.count) replays one of \(claim.count)"
            )
            return .batch(first: claim.record, outcomes: [], isReplay: true)
        }
        guard row.kind == .accounts else {
            return refuseAll(batch, .bookKind(expected: .accounts, found: row.kind), book)
        }
        let outcomes = transfer(batch, book, row)
        return .batch(first: first, outcomes: outcomes, isReplay: false)
    }

    /// One refused record per transfer, in the book, or in the system book when there is none.
    private mutating func refuseAll(
        _ batch: PlannedBatch,
        _ refusal: Refusal,
        _ home: BookID
    ) -> AppliedSubmission {
        let first = scalars.nextRecord
        let names = BatchNames(scope.keys, batch)
        var gate = Gate(scope: scope, settled: Overlay(), covered: batch.coverage)
        guard var row = gate.book(home) else {
            invariantFailure(.i8, "book \(home) has no row")
        }
        run.reserve(records: batch.transfers.count)
        for transfer in batch.transfers {
            refuse(transfer, batch, names, refusal, home, &row)
        }
        gate.put(.book(home), .book(row))
        scope.merge(gate.own)
        let outcome = TransferOutcome(refusal: UInt8(refusal.number))
        return .batch(
            first: first,
            outcomes: [TransferOutcome](repeating: outcome, count: batch.transfers.count),
            isReplay: false
        )
    }

    private mutating func refuse(
        _ transfer: Transfer,
        _ batch: PlannedBatch,
        _ names: BatchNames,
        _ refusal: Refusal,
        _ book: BookID,
        _ row: inout BookRow
    ) {
        let order = CreateTransaction(
            postings: [names.posting(transfer)],
            isForced: batch.isForced
        )
        let record = Record(
            index: scalars.nextRecord,
            book: book,
            sequence: row.nextSequence,
            previous: row.head,
            time: nextTime,
            idempotency: nil,
            salt: nextSalt,
            order: .createTransaction(order),
            outcome: .refused(refusal)
        )
        let leaf = run.append(record)
        advance(to: record.time, leaf: leaf)
        row.nextSequence = row.nextSequence.next
        row.head = leaf
    }

    // MARK: - The pass

    private mutating func transfer(
        _ batch: PlannedBatch,
        _ book: BookID,
        _ start: BookRow
    ) -> [TransferOutcome] {
        var row = start
        let first = scalars.nextRecord
        let names = BatchNames(scope.keys, batch)
        var writer = TransferRecordWriter(book: book, isForced: batch.isForced)
        var claim = batch.idempotency
        var outcomes: [TransferOutcome] = []
        outcomes.reserveCapacity(batch.transfers.count)
        run.reserve(records: batch.transfers.count)
        let rows = VolumeRows(scope)
        let last = batch.transfers.count - 1
        for (position, transfer) in batch.transfers.enumerated() {
            let later = batch.transfers[min(position + 8, last)]
            rows.prefetch(Int(later.source))
            rows.prefetch(Int(later.destination))
            if let refusal = move(transfer, rows, names, isForced: batch.isForced) {
                refuse(transfer, batch, names, refusal, book, &row)
                outcomes.append(TransferOutcome(refusal: UInt8(refusal.number)))
            } else {
                let time = nextTime
                let leaf = writer.write(
                    transfer,
                    names,
                    TransferRecordWriter.Place(
                        index: scalars.nextRecord,
                        sequence: row.nextSequence,
                        previous: row.head,
                        time: time,
                        salt: nextSalt,
                        log: row.nextLog,
                        id: row.nextTransaction
                    ),
                    claim: claim.map { ($0, BatchClaim(batch, at: position)) },
                    to: &run
                )
                run.positions.append(
                    TransactionPosition(
                        book: book,
                        transaction: row.nextTransaction,
                        record: scalars.nextRecord
                    )
                )
                advance(to: time, leaf: leaf)
                claim = nil
                row.nextSequence = row.nextSequence.next
                row.head = leaf
                row.nextLog = row.nextLog.next
                row.nextTransaction = row.nextTransaction.next
                outcomes.append(TransferOutcome(refusal: 0))
            }
        }
        settle(batch, book, row, first, isClaimed: claim == nil)
        return outcomes
    }

    /// Writes the book's row, and the claim of the batch's key when a transfer committed.
    private func settle(
        _ batch: PlannedBatch,
        _ book: BookID,
        _ row: BookRow,
        _ first: RecordIndex,
        isClaimed: Bool
    ) {
        var gate = Gate(scope: scope, settled: Overlay(), covered: batch.coverage)
        gate.put(.book(book), .book(row))
        if let hash = batch.idempotency, isClaimed {
            gate.put(
                .idempotency(book, hash),
                .idempotency(
                    IdempotencyRow(
                        digest: batch.digest,
                        record: first,
                        count: UInt64(batch.transfers.count)
                    )
                )
            )
        }
        scope.merge(gate.own)
    }

    /// Moves one amount, or gives the refusal; nothing is half done.
    @inline(__always)
    private func move(
        _ transfer: Transfer,
        _ rows: borrowing VolumeRows,
        _ names: borrowing BatchNames,
        isForced: Bool
    ) -> Refusal? {
        let sourceKey = Int(transfer.source)
        let destinationKey = Int(transfer.destination)
        invariant(
            .i15,
            names.asset(sourceKey) == names.asset(destinationKey),
            "a transfer between two assets"
        )
        let source = rows.handle(sourceKey)
        let destination = rows.handle(destinationKey)
        let from = rows.narrow(source)
        let to = rows.narrow(destination)
        guard let from, let to, source != destination else {
            return moveWide(transfer, names, isForced: isForced)
        }
        let available = from.input > from.output ? from.input - from.output : 0
        guard isForced || transfer.amount <= available || names.isWorld(sourceKey) else {
            return moveWide(transfer, names, isForced: isForced)
        }
        let (output, overflowOut) = from.output.addingReportingOverflow(transfer.amount)
        let (input, overflowIn) = to.input.addingReportingOverflow(transfer.amount)
        guard !overflowOut, !overflowIn else {
            return moveWide(transfer, names, isForced: isForced)
        }
        rows.put(source, sourceKey, input: from.input, output: output)
        rows.put(destination, destinationKey, input: input, output: to.output)
        return nil
    }

    /// The same rule at full width: refusals, self-transfers, sums above 128 bits.
    @inline(never)
    private func moveWide(
        _ transfer: Transfer,
        _ names: borrowing BatchNames,
        isForced: Bool
    ) -> Refusal? {
        let posting = names.posting(transfer)
        var source = volume(UInt32(transfer.source))
        let available = source.balance.available
        guard isForced || posting.source.isWorld || posting.amount <= available else {
            return .insufficientFunds(
                account: posting.source,
                asset: posting.asset,
                needed: posting.amount,
                available: available
            )
        }
        let (output, overflowOut) = source.output.addingReportingOverflow(posting.amount)
        guard !overflowOut else {
            return .amountOverflow(account: posting.source, asset: posting.asset)
        }
        source.output = output
        let isSelf = scope.handles[Int(transfer.source)] == scope.handles[Int(transfer.destination)]
        var destination = isSelf ? source : volume(UInt32(transfer.destination))
        let (input, overflowIn) = destination.input.addingReportingOverflow(posting.amount)
        guard !overflowIn else {
            return .amountOverflow(account: posting.destination, asset: posting.asset)
        }
        destination.input = input
        scope.put(UInt32(transfer.source), .volume(source))
        scope.put(UInt32(transfer.destination), .volume(destination))
        return nil
    }

    private func volume(_ position: UInt32) -> Volume {
        switch scope.get(position) {
        case .volume(let volume)?: volume
        case nil: .zero
        case .book, .bookName, .text, .transactionState, .reference, .idempotency, .entity:
            invariantFailure(.i8, "the row of a volume holds another kind of value")
        }
    }
}

extension BatchClaim {
    /// What the record of one transfer says when it claims the batch's key.
    init(_ batch: PlannedBatch, at position: Int) {
        self.init(
            digest: batch.digest,
            position: UInt64(position),
            count: UInt64(batch.transfers.count)
        )
    }
}

/// Account and asset of each volume key of a batch, as ranges of the key table's bytes.
struct BatchNames {
    /// Where the account of a key stands; empty for keys of other kinds.
    private var accounts: [Range<Int>] = []
    /// The number of the asset of a key; two keys of one asset have one number.
    private var assetNumbers: [UInt16] = []
    private var assets: [Range<Int>] = []
    private var worlds: [Bool] = []
    private let keys: KeyTable

    init(_ keys: KeyTable, _ batch: PlannedBatch) {
        self.keys = keys
        accounts.reserveCapacity(keys.count)
        assetNumbers.reserveCapacity(keys.count)
        worlds.reserveCapacity(keys.count)
        let home = batch.book ?? .system
        unsafe keys.bytes.withUnsafeBytes { bytes in
            for position in 0..<keys.count {
                unsafe add(keys.range(position), home, bytes)
            }
        }
    }

    /// Layout of a volume key: format, kind, book 16, length u16, asset, length u16, account.
    @inline(__always)
    private mutating func add(
        _ range: Range<Int>,
        _ home: BookID,
        _ bytes: UnsafeRawBufferPointer
    ) {
        let start = range.lowerBound
        guard range.count > 22, unsafe bytes[start + 1] == StateKeyKind.volume.rawValue,
            unsafe BatchNames.word(bytes, start + 2) == home.high,
            unsafe BatchNames.word(bytes, start + 10) == home.low
        else {
            accounts.append(start..<start)
            assetNumbers.append(.max)
            worlds.append(false)
            return
        }
        let assetCount = unsafe Int(bytes[start + 18]) << 8 | Int(bytes[start + 19])
        let asset = (start + 20)..<(start + 20 + assetCount)
        let account = (asset.upperBound + 2)..<range.upperBound
        unsafe assetNumbers.append(number(of: asset, bytes))
        accounts.append(account)
        worlds.append(unsafe bytes[account].elementsEqual(BatchNames.world))
    }

    private static let world = Array(AccountAddress.world.text.utf8)

    @inline(__always)
    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The number of an asset; keys of one asset stand together.
    @inline(__always)
    private mutating func number(
        of asset: Range<Int>,
        _ bytes: UnsafeRawBufferPointer
    ) -> UInt16 {
        if let last = assets.last, unsafe bytes[last].elementsEqual(bytes[asset]) {
            return UInt16(assets.count - 1)
        }
        if let known = assets.firstIndex(where: { unsafe bytes[$0].elementsEqual(bytes[asset]) }) {
            return UInt16(known)
        }
        assets.append(asset)
        return UInt16(assets.count - 1)
    }

    @inline(__always)
    func asset(_ key: Int) -> UInt16 { assetNumbers[key] }

    @inline(__always)
    func isWorld(_ key: Int) -> Bool { worlds[key] }

    @inline(__always)
    func assetRange(_ key: Int) -> Range<Int> {
        let number = assetNumbers[key]
        invariant(.i15, number != .max, "a transfer names a key that is no volume of its book")
        return assets[Int(number)]
    }

    @inline(__always)
    func accountRange(_ key: Int) -> Range<Int> { accounts[key] }

    var bytes: [UInt8] { keys.bytes }

    /// The transfer as a posting, with names checked again.
    func posting(_ transfer: Transfer) -> Posting {
        let asset = text(assetRange(Int(transfer.source)))
        guard let source = AccountAddress(text(accountRange(Int(transfer.source)))),
            let destination = AccountAddress(text(accountRange(Int(transfer.destination)))),
            let asset = Asset(asset)
        else { invariantFailure(.i15, "a volume key holds an illegal account or asset") }
        return Posting(
            source: source,
            destination: destination,
            asset: asset,
            amount: Amount(transfer.amount)
        )
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: keys.bytes[range], as: UTF8.self)
    }
}

/// The rows of a batch's volumes, read and written without a look-up.
///
/// Nothing that it has read of the cache changes within an entry.
struct VolumeRows {
    private let cache: Cache
    private let handles: [RowHandle]
    private let keys: KeyTable
    private let stamp: UInt32
    private let round: UInt32

    init(_ scope: EntryScope) {
        cache = scope.cache
        handles = scope.handles
        keys = scope.keys
        stamp = cache.stamp
        round = cache.dirty.round
    }

    @inline(__always)
    func handle(_ key: Int) -> RowHandle { handles[key] }

    /// Asks for the row of a key that will be needed soon.
    @inline(__always)
    func prefetch(_ key: Int) {
        unsafe tally_prefetch(cache.rows.address(handles[key]))
    }

    /// Input and output of a volume that fits the row, zero for an absent one; nil for a wide one.
    @inline(__always)
    func narrow(_ handle: RowHandle) -> (input: UInt128, output: UInt128)? {
        switch cache.rows[handle].state {
        case .volume: (cache.rows[handle].input, cache.rows[handle].output)
        case .tombstone: (0, 0)
        case .payload, .free: nil
        }
    }

    /// Writes a volume that fits the row into gen0; the row must not hold a payload.
    @inline(__always)
    func put(_ handle: RowHandle, _ key: Int, input: UInt128, output: UInt128) {
        if cache.rows[handle].round != round { cache.becomeDirty(handle, key: keys[key]) }
        cache.rows[handle].input = input
        cache.rows[handle].output = output
        cache.rows[handle].state = .volume
        cache.rows[handle].stamp = stamp
    }
}
