// SPDX-License-Identifier: Apache-2.0
//
// `tally receipt verify` as a library: a receipt against public keys. Called by the command line.

import TallyCodec
import TallyProof
import TallyTypes

/// What became of a receipt.
package struct ReceiptVerification: Hashable, Sendable {
    /// True when the record is in the log that a key signed.
    package let isVerified: Bool
    /// One line for people.
    package let line: String

    /// Checks a receipt in its JSON form.
    ///
    /// - Parameters:
    ///   - json: The bytes of the receipt, from anywhere.
    ///   - keys: The texts of public keys that the caller trusts.
    /// - Returns: The verdict, with the check that said no.
    package static func run(_ json: [UInt8], keys: [String]) -> ReceiptVerification {
        do throws(EvidenceRefusal) {
            var trusted: [VerifierKey] = []
            for key in keys { trusted.append(try VerifierKey(text: key)) }
            let receipt = try Receipt(json: json)
            let proof = try receipt.check(ReceiptPolicy(logKeys: trusted))
            return ReceiptVerification(
                isVerified: true,
                line: "verified record \(receipt.index) (\(proof.envelope.kind)) of "
                    + "\(proof.checkpoint.origin): in the tree of \(proof.checkpoint.size) "
                    + "records, root \(proof.checkpoint.root)"
            )
        } catch {
            return ReceiptVerification(isVerified: false, line: "refuted: \(error)")
        }
    }
}
