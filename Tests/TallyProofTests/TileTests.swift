// SPDX-License-Identifier: Apache-2.0
//
// Paths of tiles, the levels of a log, and bundles, against tiles.json. Called by `swift test`.

import Foundation
import TallyProof
import TallyTypes
import Testing

private struct TileVectors: Decodable {
    struct Index: Decodable {
        let n: UInt64
        let path: String
    }

    struct Tile: Decodable {
        let level: TileLevelText
        let n: UInt64
        let width: UInt64
        let path: String
    }

    /// A number, or `entries`.
    enum TileLevelText: Decodable {
        case hashes(UInt64)
        case entries

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                #expect(text == "entries")
                self = .entries
            } else {
                self = .hashes(try container.decode(UInt64.self))
            }
        }
    }

    struct Bad: Decodable {
        let path: String
        let why: String
    }

    struct Level: Decodable {
        let level: UInt64
        let full: UInt64
        let partialWidth: UInt64
    }

    struct Layout: Decodable {
        let size: UInt64
        let levels: [Level]
        let entryBundlesFull: UInt64
        let entryBundlePartial: UInt64
    }

    struct Content: Decodable {
        let size: Int
        let path: String
        let bytes: Int
        let sha256: String
    }

    struct BadBundle: Decodable {
        let why: String
        let hex: String
    }

    let indexPaths: [Index]
    let tilePaths: [Tile]
    let badPaths: [Bad]
    let layouts: [Layout]
    let badBundles: [BadBundle]
    let contents: [Content]

    static func load() throws -> TileVectors {
        try decode(TileVectors.self, from: "evidence/tiles.json")
    }
}

@Suite("Tiles")
struct TileTests {
    @Test("paths, both ways")
    func paths() throws {
        let vectors = try TileVectors.load()
        for index in vectors.indexPaths {
            #expect(TilePath.text(of: index.n) == index.path)
            let path = try TilePath(text: "tile/3/" + index.path)
            #expect(path.number == index.n && path.width == 256)
        }
        for tile in vectors.tilePaths {
            let kind: TilePath.Kind
            switch tile.level {
            case .hashes(let level): kind = .hashes(level: level)
            case .entries: kind = .entries
            }
            let made = try TilePath(kind, tile.n, width: tile.width)
            #expect(made.text == tile.path)
            #expect(try TilePath(text: tile.path) == made)
        }
        #expect(vectors.indexPaths.count == 21 && vectors.tilePaths.count == 17)
    }

    @Test("paths that name nothing")
    func badPaths() throws {
        let vectors = try TileVectors.load()
        for bad in vectors.badPaths {
            #expect(throws: EvidenceRefusal.self, "\(bad.path): \(bad.why)") {
                try TilePath(text: bad.path)
            }
        }
        #expect(throws: EvidenceRefusal.self) {
            try TilePath(.hashes(level: 64), 0, width: 1)
        }
        #expect(throws: EvidenceRefusal.self) { try TilePath(.entries, 0, width: 0) }
        #expect(vectors.badPaths.count == 32)
    }

    @Test("the levels of a log")
    func levels() throws {
        let vectors = try TileVectors.load()
        for layout in vectors.layouts {
            let levels = TileLevel.all(size: layout.size)
            #expect(levels.count == layout.levels.count, "size \(layout.size)")
            for (made, wanted) in zip(levels, layout.levels) {
                #expect(made.level == wanted.level && made.full == wanted.full)
                #expect(made.partialWidth == wanted.partialWidth, "size \(layout.size)")
            }
            #expect(levels.first?.full ?? 0 == layout.entryBundlesFull)
            #expect(levels.first?.partialWidth ?? 0 == layout.entryBundlePartial)
        }
        #expect(vectors.layouts.count == 16)
    }

    @Test("the bytes of tiles and bundles, as the log grows")
    func contents() throws {
        let vectors = try TileVectors.load()
        var builder = TileBuilder()
        var full: [TilePath: [UInt8]] = [:]
        var bundles: [UInt64: [UInt8]] = [:]
        var seen = 0
        for size in 1...(vectors.contents.map(\.size).max() ?? 0) {
            let leaf = Array("tallystick/test/leaf/\(size - 1)".utf8)
            let hash = unsafe leaf.withUnsafeBytes { unsafe Hashing.leaf($0) }
            for tile in builder.append(hash) {
                let path = try TilePath(.hashes(level: tile.level), tile.number, width: 256)
                full[path] = tile.hashes.flatMap(\.bytes)
            }
            bundles[UInt64(size - 1) / 256, default: []] += [0, UInt8(leaf.count)] + leaf
            for content in vectors.contents where content.size == size {
                let path = try TilePath(text: content.path)
                let bytes: [UInt8]?
                switch path.kind {
                case .entries: bytes = bundles[path.number]
                case .hashes(let level):
                    bytes =
                        path.width == 256
                        ? full[path] : builder.partial(level: level).flatMap(\.bytes)
                }
                let held = try #require(bytes)
                #expect(held.count == content.bytes, "size \(size), \(content.path)")
                #expect(Hashing.sha256(held).description == content.sha256, "\(content.path)")
                seen += 1
            }
        }
        #expect(seen == 48)
    }

    @Test("a bundle is exactly its records")
    func bundles() throws {
        let vectors = try TileVectors.load()
        for bad in vectors.badBundles {
            #expect(throws: EvidenceRefusal.self, "\(bad.why)") {
                try EntryBundle.records(#require(bytes(hex: bad.hex)), width: 1)
            }
        }
        #expect(vectors.badBundles.count == 4)
        let two = try EntryBundle.records([0, 1, 0xAA, 0, 2, 1, 2], width: 2).map(Array.init)
        #expect(two == [[0xAA], [1, 2]])
        #expect(throws: EvidenceRefusal.self) { try EntryBundle.records([0, 1, 0xAA], width: 2) }
    }
}
