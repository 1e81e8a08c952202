// SPDX-License-Identifier: Apache-2.0
//
// The signed log as the routes see it: proofs, receipts and tiles from the record files, never
// beyond what is published. May import TallyHTTP for the port.

import TallyHTTP
import TallyProof
import TallyStore
import TallyTypes

extension Node {
    /// The signed log as the routes see it.
    var logPort: LogPort {
        LogPort(
            verifierKeys: { [signer] in signer.verifierKeys },
            published: { [signer] in
                signer.published.map {
                    LogPort.Published(
                        size: $0.checkpoint.size,
                        note: $0.note,
                        tag: Hashing.sha256($0.note).description
                    )
                }
            },
            refusal: { [signer] in signer.refusal },
            witnesses: { [collector] in
                collector.all.map { key, standing in
                    LogPort.Witness(
                        verifierKey: key.text,
                        size: standing.size,
                        problem: standing.problem
                    )
                }
            },
            inclusion: { [records] index, size in
                try await records.onFiles { files in
                    LogPort.Inclusion(
                        leaf: base64(try files.tiles.row(0, index..<index + 1)[0]),
                        path: try files.tree.inclusion(of: index, size: size).path.map(base64)
                    )
                }
            },
            consistency: { [records] from, to in
                try await records.onFiles { files in
                    try files.tree.consistency(from: from, to: to).path.map(base64)
                }
            },
            receipt: { [records, signer, origin] index, form in
                guard let published = signer.published, index < published.checkpoint.size else {
                    return nil
                }
                return try await records.onFiles { files in
                    try files.receipt(index, published, origin, form)
                }
            },
            covered: { [signer] index in await signer.publication.covers(index) },
            blob: { [records] text in
                guard let digest = Digest(hexadecimal: text[...].utf8) else { return nil }
                return try await records.onFiles { try $0.blob(digest) }
            },
            tile: { [records, signer] text in
                guard let size = signer.published?.checkpoint.size,
                    let path = tilePath(text), path.isIn(size)
                else { return nil }
                return try await records.onFiles { try $0.tile(path) }
            },
            seal: { [sealing] in try await sealing.seal() },
            sealProblem: { [sealing] in sealing.problem },
            balance: { [records, signer, origin, sealFiles] key in
                guard let published = signer.published else { return nil }
                return try await records.onFiles { files in
                    try files.balance(key, published, origin, sealFiles)
                }
            }
        )
    }
}

private func base64(_ digest: Digest) -> String {
    String(decoding: Base64.encode(digest.bytes), as: UTF8.self)
}

/// The tile that a path names; nil when it names none.
private func tilePath(_ text: String) -> TilePath? {
    do {
        return try TilePath(text: text)
    } catch {
        return nil  // the route says that there is no such tile
    }
}

extension TilePath {
    /// True when a log of a size has all of this tile.
    fileprivate func isIn(_ size: UInt64) -> Bool {
        let shift: UInt64 = if case .hashes(let level) = kind { 8 * level } else { 0 }
        guard shift < 64 else { return false }
        let (first, overflow) = number.multipliedReportingOverflow(by: TilePath.width)
        let (end, overflows) = first.addingReportingOverflow(width)
        return !overflow && !overflows && end <= size >> shift
    }
}

extension RecordFiles {
    /// The tree of the stored rows.
    var tree: StoredTree<StoreFault> {
        StoredTree { [tiles] level, row throws(StoreFault) in try tiles.row(level, row) }
    }

    fileprivate func receipt(
        _ index: UInt64,
        _ published: PublishedCheckpoint,
        _ origin: String,
        _ form: LogPort.ReceiptForm
    ) throws -> [UInt8] {
        guard let record = try read(RecordIndex(index)) else {
            throw NodeFault(
                .lost,
                subject: "record \(index)",
                reason: "is below the checkpoint and not in its file",
                nextStep: "run `tally verify` on the data directory"
            )
        }
        let receipt = Receipt(
            origin: origin,
            index: index,
            record: record,
            path: try tree.inclusion(of: index, size: published.checkpoint.size).path,
            checkpoint: published.note
        )
        return form == .json ? receipt.json : receipt.tlogProof
    }

    fileprivate func blob(_ digest: Digest) throws -> [UInt8]? {
        guard let bytes = try blobs.bytes(of: digest) else { return nil }
        guard Hashing.sha256(bytes) == digest else {
            throw StoreFault(
                .corrupt,
                subject: "blob \(digest)",
                reason: "holds other bytes than its name says"
            )
        }
        return bytes
    }

    fileprivate func tile(_ path: TilePath) throws -> [UInt8] {
        let first = path.number * TilePath.width
        switch path.kind {
        case .hashes(let level):
            return try tiles.row(level, first..<first + path.width).flatMap(\.bytes)
        case .entries:
            return try records(from: RecordIndex(first), count: Int(path.width)).flatMap {
                [UInt8($0.count >> 8), UInt8($0.count & 255)] + $0
            }
        }
    }
}
