// SPDX-License-Identifier: Apache-2.0
//
// Names of tiles and of bundles of records, and which of them a log of a size has. A tile holds 256
// hashes of one level; a level's hash stands for 256 of the level below. Imports nothing; the
// server, mirrors and verifiers use it.
//
//     tile/0/x001/x234/067        tile 1,234,067 of the leaves, full
//     tile/1/000.p/17             the first seventeen hashes of a level's first tile
//     tile/entries/000.p/3        the first three records
//
// Numbers are in groups of three digits, all but the last behind an `x`, without leading groups of
// zero. Each tile has one path and each path one tile.

/// The name of a tile or of a bundle of records.
package struct TilePath: Hashable, Sendable {
    /// The number of hashes, or records, of a full one.
    package static let width: UInt64 = 256
    /// Levels of hashes.
    package static let levels: UInt64 = 64

    /// What a tile is made of.
    package enum Kind: Hashable, Sendable {
        /// Hashes of a level; 0 are the leaves.
        case hashes(level: UInt64)
        /// Records.
        case entries
    }

    /// What it is made of.
    package let kind: Kind
    /// Its position in its level, from 0.
    package let number: UInt64
    /// How many hashes or records of it are meant, 1 to 256.
    package let width: UInt64

    /// Makes a path.
    ///
    /// - Throws: ``EvidenceRefusal`` `tilePath` for a level or a width that is none.
    package init(_ kind: Kind, _ number: UInt64, width: UInt64) throws(EvidenceRefusal) {
        if case .hashes(let level) = kind, level >= TilePath.levels {
            throw EvidenceRefusal(.tilePath, "level \(level)")
        }
        guard (1...TilePath.width).contains(width) else {
            throw EvidenceRefusal(.tilePath, "a width of \(width)")
        }
        self.kind = kind
        self.number = number
        self.width = width
    }

    /// The path, without a slash before it.
    package var text: String {
        let folder: String
        switch kind {
        case .hashes(let level): folder = "tile/\(level)/"
        case .entries: folder = "tile/entries/"
        }
        let partial = width == TilePath.width ? "" : ".p/\(width)"
        return folder + TilePath.text(of: number) + partial
    }

    /// The groups of a number: `x001/x234/067`.
    package static func text(of number: UInt64) -> String {
        var rest = number
        var text = padded(rest % 1_000)
        while rest >= 1_000 {
            rest /= 1_000
            text = "x" + padded(rest % 1_000) + "/" + text
        }
        return text
    }

    /// Reads a path, without a slash before it.
    ///
    /// - Throws: ``EvidenceRefusal`` `tilePath` for everything that ``text`` does not give.
    package init(text: String) throws(EvidenceRefusal) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3, parts[0] == "tile" else { throw TilePath.refusal }
        var groups = Array(parts[2...])
        var width = TilePath.width
        if groups.count >= 2, groups[groups.count - 2].hasSuffix(".p") {
            guard let read = TilePath.number(groups.removeLast()), read < TilePath.width else {
                throw TilePath.refusal
            }
            width = read
            groups[groups.count - 1].removeLast(2)
        }
        let kind: Kind
        if parts[1] == "entries" {
            kind = .entries
        } else if let level = TilePath.number(parts[1]) {
            kind = .hashes(level: level)
        } else {
            throw TilePath.refusal
        }
        guard let number = TilePath.number(ofGroups: groups) else { throw TilePath.refusal }
        try self.init(kind, number, width: width)
        // One text for each tile: what is read is exactly what would be written.
        guard self.text == text else { throw TilePath.refusal }
    }

    private static let refusal = EvidenceRefusal(.tilePath, "names no tile")

    private static func padded(_ group: UInt64) -> String {
        let digits = String(group)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }

    private static func number(_ text: String) -> UInt64? {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt64(text)
    }

    private static func number(ofGroups groups: [String]) -> UInt64? {
        var number = UInt64(0)
        for (position, group) in groups.enumerated() {
            let isLast = position == groups.count - 1
            guard isLast || group.hasPrefix("x"),
                let digits = TilePath.number(String(isLast ? group[...] : group.dropFirst()))
            else { return nil }
            let (product, isTooLarge) = number.multipliedReportingOverflow(by: 1_000)
            let (sum, overflows) = product.addingReportingOverflow(digits)
            guard !isTooLarge, !overflows, digits < 1_000 else { return nil }
            number = sum
        }
        return number
    }
}

/// How many tiles a level of a log has.
package struct TileLevel: Hashable, Sendable {
    /// The level; 0 are the leaves.
    package let level: UInt64
    /// Tiles of 256 hashes.
    package let full: UInt64
    /// Hashes of the one behind them; 0 when there is none.
    package let partialWidth: UInt64

    /// The levels of a log of a size that are not empty.
    package static func all(size: UInt64) -> [TileLevel] {
        var levels: [TileLevel] = []
        var hashes = size
        while hashes > 0 {
            levels.append(
                TileLevel(
                    level: UInt64(levels.count),
                    full: hashes / TilePath.width,
                    partialWidth: hashes % TilePath.width
                )
            )
            hashes /= TilePath.width
        }
        return levels
    }
}

/// Records, each behind its length in two big-endian bytes, as mirrors hold them.
package enum EntryBundle {
    /// Reads a bundle of an exact number of records.
    ///
    /// - Throws: ``EvidenceRefusal`` `bundle` when there are fewer, more, or spare bytes.
    package static func records(
        _ bytes: [UInt8],
        width: UInt64
    ) throws(EvidenceRefusal) -> [ArraySlice<UInt8>] {
        var records: [ArraySlice<UInt8>] = []
        var at = 0
        while at < bytes.count {
            guard UInt64(records.count) < width else {
                throw EvidenceRefusal(.bundle, "bytes behind \(width) records, at \(at)")
            }
            guard at + 2 <= bytes.count else {
                throw EvidenceRefusal(.bundle, "half a length at \(at)")
            }
            let end = at + 2 + (Int(bytes[at]) << 8 | Int(bytes[at + 1]))
            guard end <= bytes.count else {
                throw EvidenceRefusal(.bundle, "a record that ends behind the bundle, at \(at)")
            }
            records.append(bytes[(at + 2)..<end])
            at = end
        }
        guard UInt64(records.count) == width else {
            throw EvidenceRefusal(.bundle, "\(records.count) records of \(width)")
        }
        return records
    }
}
