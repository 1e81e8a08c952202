// SPDX-License-Identifier: Apache-2.0
//
// `tally receipt verify` as a library: a receipt against public keys. Called by the command line.

import TallyCodec
import TallyProof
import TallyTypes

/// What became of a receipt.
package struct ReceiptVerification: Hashable, Sendable {
    /// 0 verified, 1 refuted, 2 not verified.
    package let exitCode: Int32
    /// One line for people.
    package let line: String

    /// What becomes of a receipt when no key was given.
    package static let withoutKey = ReceiptVerification(
        exitCode: 2,
        line: "not verified: no key; give the log's public keys with --key"
    )

    /// The verdict for programs: `exit` and `line`.
    package var json: [UInt8] {
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("exit", UInt64(exitCode))
        writer.member("line", line)
        writer.endObject()
        return writer.bytes
    }

    /// Checks a receipt in its JSON form.
    ///
    /// Only keys of the receipt's own log count: a file may hold those of several.
    ///
    /// - Parameters:
    ///   - json: The bytes of the receipt, from anywhere.
    ///   - keys: The texts of public keys that the caller trusts.
    ///   - witnesses: Those of witnesses.
    ///   - quorum: How many of the witnesses must have cosigned.
    /// - Returns: The verdict, with the check that said no, or what is missing.
    package static func run(
        _ json: [UInt8],
        keys: [String],
        witnesses: [String] = [],
        quorum: Int = 0
    ) -> ReceiptVerification {
        var trusted: [VerifierKey] = []
        for key in keys + witnesses {
            do throws(EvidenceRefusal) {
                trusted.append(try VerifierKey(text: key))
            } catch {
                return ReceiptVerification(exitCode: 2, line: "not verified: a key: \(error)")
            }
        }
        if let balance = balance(json, trusted, quorum) { return balance }
        do throws(EvidenceRefusal) {
            let receipt = try Receipt(json: json)
            guard let policy = policy(receipt.origin, trusted, quorum) else { return withoutOwnKey }
            return found(receipt, try receipt.check(policy))
        } catch {
            return ReceiptVerification(exitCode: 1, line: "refuted: \(error)")
        }
    }

    private static let withoutOwnKey = ReceiptVerification(
        exitCode: 2,
        line: "not verified: no key of the log that the receipt names was given"
    )

    /// What is asked of a receipt of a log; nil when none of the keys is that log's.
    private static func policy(
        _ origin: String,
        _ trusted: [VerifierKey],
        _ quorum: Int
    ) -> ReceiptPolicy? {
        let own = trusted.filter { $0.type == .log && $0.id.name.text == origin }
        guard !own.isEmpty else { return nil }
        return ReceiptPolicy(
            logKeys: own,
            witnessKeys: trusted.filter { $0.type == .witness },
            cosignaturesMin: quorum
        )
    }

    /// What became of a balance receipt; nil when the bytes are none by their type.
    private static func balance(
        _ json: [UInt8],
        _ trusted: [VerifierKey],
        _ quorum: Int
    ) -> ReceiptVerification? {
        do throws(EvidenceRefusal) {
            let receipt = try BalanceReceipt(json: json)
            guard let policy = policy(receipt.seal.origin, trusted, quorum) else {
                return withoutOwnKey
            }
            let proof = try receipt.check(policy)
            return ReceiptVerification(exitCode: 0, line: "verified " + words(proof))
        } catch {
            let isOne = BalanceReceipt.isNamed(by: json)
            return isOne ? ReceiptVerification(exitCode: 1, line: "refuted: \(error)") : nil
        }
    }

    private static func words(_ proof: BalanceReceipt.Proof) -> String {
        let whose = "\(proof.account) of book \(proof.book)"
        let place =
            "at \(proof.seal.size) records of \(proof.sealed.checkpoint.origin), sealed by record "
            + "\(proof.sealed.envelope.index)"
        guard let volume = proof.volume else {
            return "\(whose) has no \(proof.asset) \(place)"
        }
        return "\(whose) had received \(volume.input) and given \(volume.output) of "
            + "\(proof.asset) \(place)"
    }

    private static func found(_ receipt: Receipt, _ proof: ReceiptProof) -> ReceiptVerification {
        let witnesses = proof.cosignatures.map(\.witness.id.name.text).joined(separator: ", ")
        let line =
            "record \(receipt.index) (\(proof.envelope.kind)) of \(proof.checkpoint.origin): "
            + "in the tree of \(proof.checkpoint.size) records, root \(proof.checkpoint.root)"
            + (witnesses.isEmpty ? "" : ", cosigned by \(witnesses)")
        do throws(Malformed) {
            let beside = try RecordCodec.parse(receipt.record[...]).references
            guard let first = beside.first else {
                return ReceiptVerification(exitCode: 0, line: "verified " + line)
            }
            return ReceiptVerification(
                exitCode: 2,
                line: "not verified: what stands beside the record, \(first.digest); verified "
                    + line
            )
        } catch {
            // A kind or a field of a later version: its bytes are proven, its meaning is not read.
            return ReceiptVerification(
                exitCode: 2,
                line: "not verified: the record does not decode: \(error); proven " + line
            )
        }
    }
}
