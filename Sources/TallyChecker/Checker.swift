// SPDX-License-Identifier: Apache-2.0
//
// The second opinion: replays a ledger from its records alone, with dictionaries, and compares all
// that the ledger says about itself. Imports TallyTypes, TallyCodec, TallyProof, and never the
// kernel. Records and rows are handed in by the caller, who reads the files; nothing here changes
// a byte.
//
//     var checker = Checker(heads: [head])
//     for … { checker.feed(record, offset: …, leaf: …) }     // in order, from record 0
//     try checker.compareRows(scalars) { … next row … }       // after as many as the store holds
//     for … { checker.feed(…) }                               // the tail
//     let report = checker.report()

import TallyCodec
package import TallyProof
package import TallyTypes

/// A statement about the tree that is to be confirmed: so many records with this root.
package struct TreeHead: Hashable, Sendable {
    /// The number of records.
    package let size: UInt64
    /// The root of the tree over them.
    package let root: Digest
    /// Who says so, for messages: a file's name.
    package let source: String
    /// What it is when the root is another.
    package let reason: Reason
    /// The file that says so, when the caller knows it.
    package let file: String?

    /// Makes a statement.
    package init(
        size: UInt64,
        root: Digest,
        source: String,
        reason: Reason = .root,
        file: String? = nil
    ) {
        self.size = size
        self.root = root
        self.source = source
        self.reason = reason
        self.file = file
    }
}

/// Where a record stands, for findings.
struct RecordPlace {
    let index: RecordIndex
    let offset: UInt64
    let leaf: Digest
}

/// An independent replay of a ledger.
package struct Checker {
    var state = LedgerState()
    var claims = Claims()
    var findings = Findings()
    var tree = CompactRange()
    /// The group whose records are being read.
    var openGroup: OpenGroup?
    /// Why nothing is replayed any more, when that is so.
    var stopped: String?
    var rowsVerdict: Verdict?
    var digestVerdict: Verdict?
    var sealsVerdict: Verdict?
    /// What replay gives at the sizes that seals speak of; nil inside where it gives nothing.
    var sealed: [UInt64: LogSeal?] = [:]
    let sealSizes: Set<UInt64>
    private var heads: [TreeHead]
    private let lastHead: UInt64?
    private var leavesSeen: UInt64 = 0

    /// Starts before the first record.
    ///
    /// - Parameters:
    ///   - heads: Statements about the tree, each to be confirmed once its size is reached.
    ///   - sealSizes: The sizes that seals among the records speak of; one that is missing here
    ///     leaves its seal unchecked.
    ///   - hasStore: False for records that no state store goes with: its rows are then not missed.
    package init(heads: [TreeHead], sealSizes: Set<UInt64> = [], hasStore: Bool = true) {
        self.sealSizes = sealSizes
        rowsVerdict = hasStore ? .unchecked("no rows of a state store were given") : nil
        self.heads = heads.sorted { $0.size > $1.size }
        lastHead = heads.map(\.size).max()
        confirmHeads()
    }

    /// The number of records fed.
    package var size: UInt64 { tree.size }
    /// The root of the tree over the records fed.
    package var root: Digest { tree.root }
    /// What appending to that tree needs.
    package var compactRange: CompactRange { tree }
    /// True while every record could be read and replayed.
    package var isReplaying: Bool { stopped == nil }

    /// Takes the next record, which has no blobs.
    ///
    /// - Parameters:
    ///   - bytes: The encoded record.
    ///   - offset: Where it begins in the stream or file of records, for findings.
    ///   - stored: The leaf hash that the tree files hold for it, when there are any.
    /// - Returns: Its leaf hash.
    @discardableResult
    package mutating func feed(
        _ bytes: [UInt8],
        offset: UInt64,
        leaf stored: Digest? = nil
    ) -> Digest {
        feed(bytes, offset: offset, leaf: stored) { _ in nil }
    }

    /// Takes the next record.
    ///
    /// - Parameters:
    ///   - bytes: The encoded record.
    ///   - offset: Where it begins in the stream or file of records, for findings.
    ///   - stored: The leaf hash that the tree files hold for it, when there are any.
    ///   - blob: Gives what stands beside the record under a digest, unchecked, or nil.
    /// - Returns: Its leaf hash.
    /// - Throws: What `blob` throws.
    @discardableResult
    package mutating func feed<Failure: Error>(
        _ bytes: [UInt8],
        offset: UInt64,
        leaf stored: Digest? = nil,
        blob: (BlobReference) throws(Failure) -> [UInt8]?
    ) throws(Failure) -> Digest {
        if sealSizes.contains(tree.size) { computeSeal() }
        let place = RecordPlace(
            index: RecordIndex(tree.size),
            offset: offset,
            leaf: Hashing.leaf(bytes)
        )
        tree.append(place.leaf)
        if let stored {
            leavesSeen += 1
            if stored != place.leaf {
                refute(.leaves, .leafHash, "the stored leaf hash is another", place)
            }
        }
        confirmHeads()
        if stopped == nil, let record = try read(bytes, place, blob) { replay(record, place) }
        return place.leaf
    }

    /// Says how everything ended.
    package mutating func report() -> Report {
        settleGroup()
        let checks = CheckName.allCases.compactMap { name in
            verdict(of: name).map { Check(name: name.rawValue, verdict: $0) }
        }
        return Report(
            records: tree.size,
            root: tree.root,
            checks: checks,
            others: findings.others,
            notes: findings.notes + tailNote
        )
    }

    private var tailNote: [String] {
        guard let lastHead, lastHead < tree.size else { return [] }
        return ["records from \(lastHead) on lie beyond every head: replayed, not proven"]
    }

    private func verdict(of check: CheckName) -> Verdict? {
        if let finding = findings.first[check] { return .refuted(finding) }
        switch check {
        case .records:
            return tree.size == 0 ? .unchecked("there is no record") : .ok
        case .leaves:
            if leavesSeen == 0 { return nil }
            return leavesSeen == tree.size ? .ok : .unchecked("some leaf hashes were not given")
        case .sequence, .chain, .idempotency, .outcomes:
            if let stopped { return .unchecked(stopped) }
            return tree.size == 0 ? .unchecked("there is no record") : .ok
        case .tree:
            return treeVerdict
        case .rows: return rowsVerdict
        case .digest: return digestVerdict
        case .seals: return sealsVerdict
        }
    }

    private var treeVerdict: Verdict {
        guard let head = heads.last else {
            return lastHead == nil ? .unchecked("there is no head to compare with") : .ok
        }
        return .refuted(
            Finding(
                .missing,
                "\(head.source) speaks of \(head.size) records, \(tree.size) were found",
                index: RecordIndex(tree.size),
                file: head.file
            )
        )
    }

    private mutating func confirmHeads() {
        while let head = heads.last, head.size == tree.size {
            heads.removeLast()
            let root = tree.root
            if head.root != root {
                findings.add(
                    .tree,
                    Finding(
                        head.reason,
                        "\(head.source) gives another root for \(head.size) records, not \(root)",
                        file: head.file
                    )
                )
            }
        }
    }

    /// Keeps a finding about a record.
    mutating func refute(
        _ check: CheckName,
        _ reason: Reason,
        _ detail: String,
        _ place: RecordPlace,
        book: BookID? = nil
    ) {
        findings.add(
            check,
            Finding(reason, detail, book: book, index: place.index, offset: place.offset)
        )
    }
}
