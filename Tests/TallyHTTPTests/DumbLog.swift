// SPDX-License-Identifier: Apache-2.0
//
// The signed log of the dumb node: the records that it was made with, proofs from a list of leaves,
// a note that nobody signed. Called by the tests of this folder only.

import TallyHTTP
import TallyProof
import TallyTypes

enum DumbLog {
    static let note = Array("ledger.test\n2\nnot a root\n\n".utf8)

    /// Publishes the first two of the records.
    static func port(_ leaves: @escaping @Sendable () async -> [Digest]) -> LogPort {
        @Sendable func text(_ hash: Digest) -> String {
            String(decoding: Base64.encode(hash.bytes), as: UTF8.self)
        }
        return LogPort(
            verifierKeys: { ["ledger.test+00000000+key"] },
            published: { LogPort.Published(size: 2, note: note) },
            refusal: { nil },
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
                index < 2 ? Array("\(form) of \(index)".utf8) : nil
            },
            tile: { path in
                guard path == "tile/0/000.p/2" else { return nil }
                return await leaves()[..<2].flatMap(\.bytes)
            }
        )
    }
}
