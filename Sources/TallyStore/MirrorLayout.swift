// SPDX-License-Identifier: Apache-2.0
//
// The names in a mirror directory, docs/formats/mirror.md, and which tiles a size needs. Imports
// TallyProof for the groups of a tile's number. Used by the writer of backups, by their verifier,
// and by whoever reads a mirror over HTTP.
//
//     FORMAT               the text "tallystick mirror 1" and a line feed
//     vkeys  checkpoint  head  checkpoints/00000000000000000003
//     tile/0/000.p/3       tile/entries/000.p/3       blob/SHA-256

package import TallyProof
package import TallyTypes

/// Names and bounds of a mirror directory.
package enum MirrorLayout {
    /// What FORMAT holds.
    package static let format = Array("tallystick mirror 1\n".utf8)
    /// The largest `vkeys`.
    package static let keysBytesMax = 65_536
    /// The largest note.
    package static let noteBytesMax = 1_000_000
    /// The largest `head` and `FORMAT`.
    package static let smallBytesMax = 4_096
    /// The largest bundle: 256 records, each behind two bytes.
    package static let bundleBytesMax = 256 * (2 + Limits.recordBytesMax)
    /// Bytes of a hash in a tile.
    package static let hashBytes = 32
    /// The most saved checkpoints that a mirror may hold.
    package static let savedMax = 1_000_000

    /// The name of the first hashes of a tile, or of the first records of a bundle.
    package static func name(_ kind: TilePath.Kind, _ number: UInt64, width: UInt64) -> String {
        name(kind, number) + (width == TilePath.width ? "" : ".p/\(width)")
    }

    /// The name of a full tile or bundle.
    package static func name(_ kind: TilePath.Kind, _ number: UInt64) -> String {
        let folder =
            switch kind {
            case .hashes(let level): "tile/\(level)/"
            case .entries: "tile/entries/"
            }
        return folder + TilePath.text(of: number)
    }

    /// The name of what stands beside records.
    package static func blob(_ digest: Digest) -> String { "blob/\(digest)" }

    /// The name of a saved checkpoint: its size in twenty digits.
    package static func saved(_ size: UInt64) -> String { "checkpoints/" + digits(size) }

    /// A size in twenty digits, so that names ascend as sizes do.
    static func digits(_ size: UInt64) -> String {
        let digits = String(size)
        return String(repeating: "0", count: 20 - digits.count) + digits
    }

    /// The size that a saved checkpoint is named by; nil for another name.
    package static func savedSize(_ name: String) -> UInt64? {
        guard name.utf8.count == 20, name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let size = UInt64(name), size <= Checkpoint.sizeMax
        else { return nil }
        return size
    }
}
