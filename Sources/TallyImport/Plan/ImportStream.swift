// SPDX-License-Identifier: Apache-2.0
//
// The second pass: reads the same files again, in the same order, and yields each transaction in
// the ledger's terms. Pure; pulled by the command line, which may submit between pulls. Memory is
// what the books need (see LedgerRun, HledgerIndex, BeancountRun) and sixteen bytes a transaction
// for ordinals.

/// Yields the transactions of a plan.
package struct ImportStream: Sendable {
    private let plan: ImportPlan
    private let reader: SourceReader
    private let assets: [String: CommodityMapping]
    private let addresses: [String: String]
    private var identity = IdentityBytes()
    private var run: JournalRun?
    private var journal = 0

    init(plan: ImportPlan, reader: SourceReader) {
        self.plan = plan
        self.reader = reader
        assets = Dictionary(
            plan.commodities.map { ($0.commodity, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        addresses = Dictionary(
            plan.accounts.map { ($0.name, $0.address) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// Returns the next transaction that moves something, nil at the end.
    ///
    /// - Throws: ``ImportError``; after a scan that succeeded only for files that cannot be read or
    ///   that have changed.
    package mutating func next() throws(ImportError) -> ImportedTransaction? {
        while journal < plan.journals.count {
            if run == nil { run = try open(plan.journals[journal]) }
            guard let booked = try run?.next() else {
                run = nil
                journal += 1
                continue
            }
            let bytes = identity.next(booked)
            let postings = try transfers(of: booked)
            guard !postings.isEmpty else { continue }
            return try imported(booked, postings, bytes)
        }
        return nil
    }

    private func open(_ journal: ScannedJournal) throws(ImportError) -> JournalRun {
        try JournalRun(
            path: journal.path,
            dialect: journal.dialect,
            sources: SourceLibrary(reader: reader, expected: journal.files)
        )
    }

    private func address(_ posting: BookedPosting) throws(ImportError) -> String {
        guard let address = addresses[posting.account] else { throw changed(posting.position) }
        return address
    }

    private func changed(_ position: SourcePosition) -> ImportError {
        ImportError(.sourceChanged, at: position, "expected what was scanned, found something new")
    }

    private func transfers(
        of booked: BookedTransaction
    ) throws(ImportError) -> [ImportedPosting] {
        var transfers: [ImportedPosting] = []
        var commodities: [String] = []
        for posting in booked.postings where !commodities.contains(posting.commodity) {
            commodities.append(posting.commodity)
        }
        let residues = try booked.residues()
        for commodity in commodities {
            let residue = residues.first { $0.commodity == commodity }?.quantity
            transfers += try balanced(commodity, residue ?? .zero, booked)
        }
        for posting in booked.postings where posting.group == .unbalancedVirtual {
            transfers += try virtual(posting)
        }
        return transfers
    }

    /// The balanced postings of one commodity, with conversion as the last one.
    private func balanced(
        _ commodity: String,
        _ residue: ExactDecimal,
        _ booked: BookedTransaction
    ) throws(ImportError) -> [ImportedPosting] {
        guard let mapping = assets[commodity] else { throw changed(booked.position) }
        var legs: [SignedLeg] = []
        for posting in booked.postings
        where posting.group == .balanced && posting.commodity == commodity {
            legs.append(
                SignedLeg(
                    account: try address(posting),
                    quantity: posting.quantity,
                    position: posting.position
                )
            )
        }
        legs.append(
            SignedLeg(
                account: plan.options.conversionAccount,
                quantity: residue.negated,
                position: booked.position
            )
        )
        return try TransferPairing.transfers(
            of: legs,
            asset: mapping.asset,
            scale: mapping.scale
        )
    }

    private func virtual(_ posting: BookedPosting) throws(ImportError) -> [ImportedPosting] {
        guard let mapping = assets[posting.commodity] else { throw changed(posting.position) }
        let legs = [
            SignedLeg(
                account: try address(posting),
                quantity: posting.quantity,
                position: posting.position
            ),
            SignedLeg(
                account: plan.options.virtualAccount,
                quantity: posting.quantity.negated,
                position: posting.position
            ),
        ]
        return try TransferPairing.transfers(
            of: legs,
            asset: mapping.asset,
            scale: mapping.scale
        )
    }

    private func imported(
        _ booked: BookedTransaction,
        _ postings: [ImportedPosting],
        _ identityBytes: [UInt8]
    ) throws(ImportError) -> ImportedTransaction {
        var details = booked.details
        details.addText("payee", booked.payee)
        details.addText("narration", booked.narration)
        details.addText("code", booked.code)
        var names: [AccountNameEntry] = []
        for name in Set(booked.postings.map(\.account)).sorted() {
            guard let address = addresses[name], address != name else { continue }
            let pair = MetadataPair(key: "import/name", value: name)
            names.append(AccountNameEntry(address: address, metadata: pair))
        }
        let texts = [booked.payee, booked.narration].filter { !$0.isEmpty }
        return ImportedTransaction(
            effectiveMicroseconds: booked.date.microseconds,
            summary: texts.joined(separator: " | "),
            postings: postings,
            metadata: details.pairs.map { $0.prefixed() },
            accountMetadata: names,
            identityBytes: identityBytes,
            position: booked.position
        )
    }
}
