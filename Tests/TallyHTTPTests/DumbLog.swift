// SPDX-License-Identifier: Apache-2.0
//
// The signed log of the dumb node: the records that it was made with, proofs from a list of leaves,
// a note that nobody signed. Called by the tests of this folder only.

import TallyHTTP
import TallyProof
import TallyTypes

enum DumbLog {
    /// A seal that nobody computed.
    static let seal = LogSeal(
        size: 7,
        stateDigest: Digest(1, 2, 3, 4),
        balances: SealedRows(count: 3, root: Digest(5, 6, 7, 8)),
        heads: SealedRows(count: 2, root: Digest(9, 10, 11, 12))
    )
    static let note = Array("ledger.test\n2\nnot a root\n\n".utf8)

    /// What stands beside some record.
    static let blob = Array("beside".utf8)

    /// Publishes the first two of the records.
    static func port(_ leaves: @escaping @Sendable () async -> [Digest]) -> LogPort {
        @Sendable func text(_ hash: Digest) -> String {
            String(decoding: Base64.encode(hash.bytes), as: UTF8.self)
        }
        return LogPort(
            verifierKeys: { ["ledger.test+00000000+key"] },
            published: { LogPort.Published(size: 2, note: note, tag: "1a") },
            refusal: { nil },
            witnesses: {
                [
                    LogPort.Witness(verifierKey: "witness.test+1+key", size: 2, problem: nil),
                    LogPort.Witness(verifierKey: "witness.test+2+key", size: nil, problem: "gone"),
                ]
            },
            inclusion: { index, size in
                let leaves = await leaves()
                let proof = InclusionProof(index: Int(index), leaves: leaves[..<Int(size)])
                return LogPort.Inclusion(leaf: text(leaves[Int(index)]), path: proof.path.map(text))
            },
            consistency: { from, to in
                let leaves = await leaves()
                let proof = ConsistencyProof(oldSize: Int(from), leaves: leaves[..<Int(to)])
                return proof.path.map(text)
            },
            receipt: { index, form in
                if index == 5 { throw BrokenDisk() }
                return index < 2 || index == 4 ? Array("\(form) of \(index)".utf8) : nil
            },
            covered: { index in index < 6 },
            blob: { $0 == Hashing.sha256(blob).description ? blob : nil },
            tile: { path in
                guard path == "tile/0/000.p/2" else { return nil }
                return await leaves()[..<2].flatMap(\.bytes)
            },
            seal: { LogPort.Sealed(seal: seal, record: RecordIndex(7)) },
            sealProblem: { "the disk was full" },
            balance: { key in
                guard case .volume(_, let asset, let account) = key, account.text != "nobody" else {
                    return nil
                }
                return Array("balance of \(account) in \(asset)".utf8)
            }
        )
    }
}
