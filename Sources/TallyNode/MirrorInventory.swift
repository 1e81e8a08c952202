// SPDX-License-Identifier: Apache-2.0
//
// Which files a mirror holds: listed in a directory, or, at a server that lists nothing, those that
// its size gives. Called by the verification of mirrors, which takes off what it has compared; what
// is left is surplus.

import TallyChecker
import TallyProof
import TallyStore
import TallyTypes

/// The names of a mirror, sorted by what they are.
struct MirrorInventory {
    /// A tile or a bundle, of whatever width.
    struct Tile: Hashable {
        let kind: TilePath.Kind
        let number: UInt64
    }

    /// True when the names were listed.
    let isListed: Bool
    /// Full tiles and bundles; nobody lists more of them than a folder can hold.
    private(set) var full: Set<Tile> = []
    /// By tile the widths of its partial files.
    private(set) var partials: [Tile: Set<UInt64>] = [:]
    private(set) var saved: [UInt64] = []
    private(set) var blobs: Set<String> = []
    private(set) var leftovers: [String] = []
    /// Names that a mirror does not have.
    private(set) var foreign: [String] = []

    /// Lists a mirror.
    init(listing source: any MirrorSource) throws(StoreFault) {
        isListed = true
        var names: [String] = []
        try source.forEachName { names.append($0) }
        for name in names { add(name) }
        saved.sort()
    }

    /// The files that a mirror of a size needs.
    init(size: UInt64) {
        isListed = false
        for level in TileLevel.all(size: size) {
            add(.hashes(level: level.level), level)
            if level.level == 0 { add(.entries, level) }
        }
    }

    private mutating func add(_ kind: TilePath.Kind, _ level: TileLevel) {
        for number in 0..<level.full { full.insert(Tile(kind: kind, number: number)) }
        if level.partialWidth > 0 {
            partials[Tile(kind: kind, number: level.full)] = [level.partialWidth]
        }
    }

    private mutating func add(_ name: String) {
        if name.hasSuffix(".new") {
            leftovers.append(name)
        } else if name.hasPrefix("tile/") {
            addTile(name)
        } else if name.hasPrefix("blob/") {
            blobs.insert(String(name.dropFirst(5)))
        } else if name.hasPrefix("checkpoints/"),
            let size = MirrorLayout.savedSize(String(name.dropFirst(12)))
        {
            saved.append(size)
        } else if !["FORMAT", "vkeys", "checkpoint", "head"].contains(name) {
            foreign.append(name)
        }
    }

    private mutating func addTile(_ name: String) {
        do throws(EvidenceRefusal) {
            let path = try TilePath(text: name)
            let tile = Tile(kind: path.kind, number: path.number)
            if path.width == TilePath.width {
                full.insert(tile)
            } else {
                partials[tile, default: []].insert(path.width)
            }
        } catch {
            foreign.append(name)
        }
    }

    /// The number of records in its bundles, up to the first that is not there.
    var records: UInt64 {
        var number: UInt64 = 0
        while full.contains(Tile(kind: .entries, number: number)) { number += 1 }
        let last = partials[Tile(kind: .entries, number: number)]?.max() ?? 0  // none begun
        return number * TilePath.width + last
    }

    /// Takes off a tile, with the widths of its partial files.
    mutating func take(_ tile: Tile) -> (isFull: Bool, widths: [UInt64]) {
        let widths = partials.removeValue(forKey: tile) ?? []  // most have no partial file
        return (full.remove(tile) != nil, widths.sorted())
    }

    /// Takes off a blob; false when it was not listed.
    mutating func take(blob digest: Digest) -> Bool { blobs.remove("\(digest)") != nil }

    /// The names of tiles that nothing accounted for, the first few.
    var surplus: [String] {
        let whole = full.prefix(10).map { MirrorLayout.name($0.kind, $0.number) }
        let parts = partials.prefix(10).flatMap { tile, widths in
            widths.map { MirrorLayout.name(tile.kind, tile.number, width: $0) }
        }
        return (foreign.prefix(10) + whole + parts).sorted()
    }
}
