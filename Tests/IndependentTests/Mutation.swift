// SPDX-License-Identifier: Apache-2.0
//
// One change of one file of a ledger or a mirror, chosen at random so that it always changes
// something that is meant: never the padding behind the last record, never a derived file that may
// be missing. Called by the tests of this folder only.

import Foundation
import TallyStore
import TestSupport

/// A changed file, and what it was.
struct Mutation: CustomStringConvertible {
    let file: String
    let what: String
    /// The record whose bytes changed, when only those did.
    let record: UInt64?
    /// False for what the second verifier does not look at.
    let isSeenByBoth: Bool
    private let held: Data
    private let changed: Data?

    var description: String { "\(what) in \(file)" }

    func apply(_ folder: String) throws {
        let url = URL(fileURLWithPath: folder + "/" + file)
        if let changed {
            try changed.write(to: url)
        } else {
            try FileManager.default.removeItem(at: url)
        }
    }

    func undo(_ folder: String) throws {
        try held.write(to: URL(fileURLWithPath: folder + "/" + file))
    }

    // MARK: - Data directories

    /// A change of a data directory that was stopped cleanly.
    init(ofData folder: String, _ random: inout SeededRandom) throws {
        let layout = try EntryLayout(folder + "/records/entries")
        var names = ["head", "checkpoint", "vkeys", "records/offsets", "records/tiles/0"]
        names += try Mutation.names(folder + "/records/blobs").map { "records/blobs/" + $0 }
        names += try Mutation.names(folder + "/checkpoints").map { "checkpoints/" + $0 }
        let state = try Mutation.names(folder + "/state").filter { $0.hasSuffix(".sst") }
        switch random.below(10) {
        case 0..<5: self = try Mutation(entries: layout, folder, &random)
        case 5..<9:
            let name = names[random.below(names.count)]
            let whole = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
            // What is derived may be short or missing: a start makes it again. It may not be wrong.
            let derived = [
                "records/offsets": layout.records.count * 8,
                "records/tiles/0": layout.records.count * 32,
            ]
            self.init(
                of: name,
                whole,
                meant: derived[name] ?? whole.count,  // all of any other file is meant
                mayGo: derived[name] == nil && !name.hasPrefix("checkpoint") && name != "vkeys",
                mayEnd: derived[name] == nil,
                &random
            )
        default:
            guard !state.isEmpty else {
                self = try Mutation(entries: layout, folder, &random)
                return
            }
            let name = "state/" + state[random.below(state.count)]
            let whole = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
            self.init(
                of: name,
                whole,
                meant: whole.count,
                mayGo: true,
                isSeenByBoth: false,
                &random
            )
        }
    }

    private init(entries: EntryLayout, _ folder: String, _ random: inout SeededRandom) throws {
        let whole = entries.bytes
        let count = entries.records.count
        let at = random.below(count)
        let range = entries.records[at]
        var changed = whole
        switch random.below(4) {
        case 0 where count > 2:
            let first = random.below(count - 1)
            let (left, right) = (entries.records[first], entries.records[first + 1])
            let swapped = whole[right] + whole[left]
            changed.replaceSubrange(left.lowerBound..<right.upperBound, with: swapped)
            self.init(
                "records/entries",
                "records \(first) and \(first + 1) swapped",
                whole,
                changed
            )
        case 1:
            changed.replaceSubrange(range, with: whole[range] + whole[range])
            self.init("records/entries", "record \(at) twice", whole, changed)
        case 2:
            changed.removeSubrange(range)
            self.init("records/entries", "record \(at) left out", whole, changed)
        default:
            let place = range.lowerBound + 2 + random.below(range.count - 2)
            changed[place] ^= 1 << UInt8(random.below(8))
            self.init(
                "records/entries",
                "a bit of record \(at), byte \(place)",
                whole,
                changed,
                record: UInt64(at)
            )
        }
    }

    // MARK: - Mirrors

    /// A change of a mirror directory.
    init(ofMirror folder: String, _ random: inout SeededRandom) throws {
        let files = FileManager.default
        let names = try files.subpathsOfDirectory(atPath: folder).sorted().filter { name in
            let kind = try files.attributesOfItem(atPath: folder + "/" + name)[.type]
            return name != "FORMAT" && kind as? FileAttributeType == .typeRegular
        }
        let name = names[random.below(names.count)]
        let whole = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
        // A checkpoint or the keys may go: what nobody is known to have signed is unchecked.
        let mayGo = !name.hasPrefix("checkpoint") && name != "vkeys"
        self.init(of: name, whole, meant: whole.count, mayGo: mayGo, &random)
    }

    // MARK: - Any file

    private init(
        of name: String,
        _ whole: Data,
        meant: Int,
        mayGo: Bool,
        mayEnd: Bool = true,
        isSeenByBoth: Bool = true,
        _ random: inout SeededRandom
    ) {
        var changed = whole
        switch random.below(6) {
        case 0 where mayGo:
            self.init(name, "file gone", whole, nil, isSeenByBoth: isSeenByBoth)
        case 1 where mayEnd:
            let end = random.below(meant)
            changed = whole.prefix(end)
            self.init(name, "cut at byte \(end)", whole, changed, isSeenByBoth: isSeenByBoth)
        default:
            let place = whole.startIndex + random.below(meant)
            changed[place] ^= 1 << UInt8(random.below(8))
            self.init(name, "a bit of byte \(place)", whole, changed, isSeenByBoth: isSeenByBoth)
        }
    }

    private init(
        _ file: String,
        _ what: String,
        _ held: Data,
        _ changed: Data?,
        record: UInt64? = nil,
        isSeenByBoth: Bool = true
    ) {
        self.file = file
        self.what = what
        self.record = record
        self.isSeenByBoth = isSeenByBoth
        self.held = held
        self.changed = changed.map { Data($0) }
    }

    private static func names(_ folder: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }
}

/// Where the records lie in their file.
struct EntryLayout {
    let bytes: Data
    /// Each record with the two bytes of its length.
    let records: [Range<Int>]

    init(_ path: String) throws {
        bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var records: [Range<Int>] = []
        var at = 0
        while at + 2 <= bytes.count {
            let length = Int(bytes[at]) << 8 | Int(bytes[at + 1])
            if length == 0 { break }
            records.append(at..<at + 2 + length)
            at += 2 + length
        }
        self.records = records
    }
}
