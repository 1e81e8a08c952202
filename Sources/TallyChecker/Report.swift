// SPDX-License-Identifier: Apache-2.0
//
// What a verification found: a verdict per check, the first bad record or row, and the exit code.
// Imports TallyTypes. Made by the checker, completed by the caller with the checks that need files
// (views, sums), shown by the command line.

package import TallyTypes

/// The closed list of reasons why a ledger is refuted; the words are stable.
package enum Reason: String, CaseIterable, Sendable {
    /// Bytes that are no record, or not the one encoding of it.
    case recordEncoding = "RECORD_ENCODING"
    /// What stands beside a record is not there.
    case blobMissing = "BLOB_MISSING"
    /// What stands beside a record is not what the record names.
    case blobHash = "BLOB_HASH"
    /// A record whose parts do not go together.
    case recordShape = "RECORD_SHAPE"
    /// A record that says it is at another place.
    case recordIndex = "RECORD_INDEX"
    /// A time that does not increase.
    case recordTime = "RECORD_TIME"
    /// A record whose leaf hash is not the stored one.
    case leafHash = "LEAF_HASH"
    /// A gap or a repetition in a book's sequence.
    case chainSequence = "CHAIN_SEQ"
    /// A previous hash that is not the leaf hash of the book's previous record.
    case chainPrevious = "CHAIN_PREV"
    /// An idempotency key that was claimed twice.
    case idempotency = "IDEMPOTENCY"
    /// A first record that founds no ledger.
    case ledger = "LEDGER"
    /// A record of a book that nobody created.
    case book = "BOOK"
    /// A group that is neither committed nor refused as a whole.
    case group = "GROUP"
    /// An outcome that is not what the rules give.
    case outcome = "OUTCOME"
    /// Fewer records than a head or the state store says.
    case missing = "MISSING"
    /// A root that is not the tree's.
    case root = "ROOT"
    /// A row or scalar of the state store that is not what replay gives.
    case projection = "PROJECTION"
    /// A state digest that is not what replay gives.
    case stateDigest = "STATE_DIGEST"
    /// A seal that is not what replay gives at its size.
    case seal = "SEAL"
    /// A row of a view that is not what replay gives; found by the caller.
    case view = "VIEW"
    /// A bundle that is not exactly its records.
    case bundle = "BUNDLE"
    /// A file that nothing accounts for.
    case surplus = "SURPLUS"
    /// A tile of another number of bytes.
    case tileLength = "TILE_LENGTH"
    /// A hash of a tile that is not what the records give.
    case tileHash = "TILE_HASH"
    /// The text of a public key.
    case keyFormat = "KEY_FORMAT"
    /// The form of a signed note.
    case noteFormat = "NOTE_FORMAT"
    /// No known key signed a note, or a known key's signature fails.
    case signature = "SIGNATURE"
    /// The form of a checkpoint.
    case checkpointFormat = "CHECKPOINT_FORMAT"
    /// A checkpoint or records of another ledger.
    case origin = "ORIGIN"
    /// An earlier checkpoint that is no prefix of these records.
    case fork = "FORK"
    /// Fewer records than an earlier checkpoint counts.
    case rollback = "ROLLBACK"
    /// Another root than a checkpoint of the same size.
    case splitView = "SPLIT_VIEW"
    /// A proof that does not lead from an earlier checkpoint to a later one.
    case consistencyProof = "CONSISTENCY_PROOF"
    /// A known witness's cosignature fails.
    case cosignature = "COSIGNATURE"
    /// No witness cosigned, or none lately.
    case stale = "STALE"
    /// A file whose bytes are not what a checksum of its own says; found by the caller.
    case file = "FILE"
}

/// The first thing that is wrong, and where.
package struct Finding: Hashable, Sendable {
    /// Why.
    package let reason: Reason
    /// What was found and what was expected, without payload values.
    package let detail: String
    /// The book concerned, when one is.
    package let book: BookID?
    /// The record concerned, when one is.
    package let index: RecordIndex?
    /// The byte offset in the stream or file of records, when a record is concerned.
    package let offset: UInt64?
    /// The row concerned, when one is: its kind and key.
    package let row: String?
    /// The file concerned, when the caller knows it.
    package let file: String?

    /// Makes a finding.
    package init(
        _ reason: Reason,
        _ detail: String,
        book: BookID? = nil,
        index: RecordIndex? = nil,
        offset: UInt64? = nil,
        row: String? = nil,
        file: String? = nil
    ) {
        self.reason = reason
        self.detail = detail
        self.book = book
        self.index = index
        self.offset = offset
        self.row = row
        self.file = file
    }

    /// The same finding in a file that the caller knows.
    package func with(file: String) -> Finding {
        Finding(
            reason,
            detail,
            book: book,
            index: index,
            offset: offset,
            row: row,
            file: file
        )
    }

    /// One line: the reason, the place, the detail.
    package var line: String {
        var places: [String] = []
        if let index { places.append("record \(index)") }
        if let book { places.append("book \(book)") }
        if let offset { places.append("byte \(offset)") }
        if let row { places.append("row \(row)") }
        if let file { places.append("file \(file)") }
        let place = places.isEmpty ? "" : " at " + places.joined(separator: ", ")
        return "\(reason.rawValue)\(place): \(detail)"
    }
}

/// How one check ended.
package enum Verdict: Hashable, Sendable {
    /// Everything it looks at is right.
    case ok
    /// Something is wrong: the first thing.
    case refuted(Finding)
    /// It could not be done: what is missing.
    case unchecked(String)
}

/// One check with its end.
package struct Check: Hashable, Sendable {
    /// What was looked at, in a word.
    package let name: String
    /// How it ended.
    package let verdict: Verdict

    /// Makes a check.
    package init(name: String, verdict: Verdict) {
        self.name = name
        self.verdict = verdict
    }
}

/// What a verification found.
package struct Report: Hashable, Sendable {
    /// The number of records read.
    package let records: UInt64
    /// The root of the tree over them.
    package let root: Digest
    /// Every check with its end; none is left out.
    package private(set) var checks: [Check]
    /// Later findings: one for each check and book, at most a hundred.
    package let others: [Finding]
    /// What is worth knowing and refutes nothing.
    package let notes: [String]

    /// Makes a report.
    package init(
        records: UInt64,
        root: Digest,
        checks: [Check],
        others: [Finding] = [],
        notes: [String] = []
    ) {
        self.records = records
        self.root = root
        self.checks = checks
        self.others = others
        self.notes = notes
    }

    /// Adds the end of a check that the caller did itself.
    package mutating func add(_ check: Check) {
        checks.append(check)
    }

    /// The exit code: 1 when anything is refuted, else 2 when anything is unchecked, else 0.
    package var exitCode: Int32 {
        var code: Int32 = 0
        for check in checks {
            switch check.verdict {
            case .refuted: return 1
            case .unchecked: code = 2
            case .ok: continue
            }
        }
        return code
    }

    /// The finding of the first refuted check.
    package var firstFinding: Finding? {
        for check in checks {
            if case .refuted(let finding) = check.verdict { return finding }
        }
        return nil
    }

    /// A few lines for people; the first says it all.
    package var lines: [String] {
        var lines: [String] = []
        switch exitCode {
        case 0: lines.append("verified \(records) records, root \(root)")
        case 1: lines.append("refuted after reading \(records) records, root \(root)")
        default: lines.append("not verified: \(records) records read, root \(root)")
        }
        for check in checks {
            switch check.verdict {
            case .ok: continue
            case .refuted(let finding): lines.append("\(check.name): \(finding.line)")
            case .unchecked(let missing): lines.append("\(check.name): not checked: \(missing)")
            }
        }
        return lines + others.map { "also: \($0.line)" } + notes.map { "note: \($0)" }
    }
}
