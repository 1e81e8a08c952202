// SPDX-License-Identifier: Apache-2.0
//
// Judges a receipt, offline, with keys that the judge brings: note, checkpoint, policy, path,
// record, openings, in this order, and the first that fails is named. Imports TallyCodec and
// TallyTypes.

package import TallyCodec
package import TallyTypes

/// What a verifier trusts, and asks for.
package struct ReceiptPolicy: Hashable, Sendable {
    /// Keys of the log; at least one must have signed.
    package let logKeys: [VerifierKey]
    /// Keys of witnesses.
    package let witnessKeys: [VerifierKey]
    /// How many of the witnesses must have cosigned.
    package let cosignaturesMin: Int

    /// Makes a policy.
    package init(
        logKeys: [VerifierKey],
        witnessKeys: [VerifierKey] = [],
        cosignaturesMin: Int = 0
    ) {
        self.logKeys = logKeys
        self.witnessKeys = witnessKeys
        self.cosignaturesMin = cosignaturesMin
    }
}

/// What a receipt proves.
package struct ReceiptProof: Hashable, Sendable {
    /// The checkpoint that covers the record.
    package let checkpoint: Checkpoint
    /// The keys of the log that signed it.
    package let signers: [VerifierKey]
    /// The witnesses that cosigned it.
    package let cosignatures: [Cosignature]
    /// The record up to its payload.
    package let envelope: RecordEnvelope
    /// The values that were disclosed, in order.
    package let values: [CBORItem]
}

extension Receipt {
    /// Checks everything that a receipt says.
    ///
    /// - Throws: ``EvidenceRefusal`` with the first check that said no.
    package func check(_ policy: ReceiptPolicy) throws(EvidenceRefusal) -> ReceiptProof {
        let note = try SignedNote(checkpoint)
        let signers = try note.signers(among: policy.logKeys)
        let cosignatures = try note.cosignatures(among: policy.witnessKeys)
        let checkpoint = try Checkpoint(text: note.text, of: origin)
        guard cosignatures.count >= policy.cosignaturesMin else {
            throw EvidenceRefusal(
                .witnessPolicy,
                "\(cosignatures.count) known witnesses of \(policy.cosignaturesMin)"
            )
        }
        let inclusion = InclusionProof(index: index, size: checkpoint.size, path: path)
        let leaf = unsafe record.withUnsafeBytes { unsafe Hashing.leaf($0) }
        guard inclusion.holds(leaf: leaf, root: checkpoint.root) else {
            throw EvidenceRefusal(.receiptProof, "the path does not lead to the root")
        }
        let (envelope, payload) = try readRecord()
        return ReceiptProof(
            checkpoint: checkpoint,
            signers: signers,
            cosignatures: cosignatures,
            envelope: envelope,
            values: try openings.map { (opening) throws(EvidenceRefusal) in
                try opening.value(in: payload)
            }
        )
    }

    private func readRecord() throws(EvidenceRefusal) -> (RecordEnvelope, CBORItem) {
        let item: CBORItem
        do throws(CBORError) {
            item = try CBORItem.decode(record)
        } catch {
            throw EvidenceRefusal(.recordEncoding, "\(error)")
        }
        guard case .array(let items) = item, items.count == 10, case .map = items[9] else {
            throw EvidenceRefusal(.recordShape, "not an array of ten items with a map")
        }
        let envelope: RecordEnvelope
        do throws(Malformed) {
            envelope = try RecordCodec.decodeEnvelope(record[...])
        } catch {
            throw EvidenceRefusal(.recordShape, error.description)
        }
        guard envelope.index.rawValue == index else {
            throw EvidenceRefusal(.recordIndex, "record \(envelope.index), receipt of \(index)")
        }
        return (envelope, items[9])
    }
}

extension Receipt.Opening {
    /// The number of bytes of a salt.
    package static let saltBytes = 16
    private static let domain = Array("tallystick/seal/v1\n".utf8)

    /// The commitment to a value: SHA-256(domain ‖ salt ‖ value).
    package static func commitment(salt: [UInt8], value: [UInt8]) -> Digest {
        Hashing.sha256(domain + salt + value)
    }

    /// The value, if the payload commits to it where the opening says.
    fileprivate func value(in payload: CBORItem) throws(EvidenceRefusal) -> CBORItem {
        var place = payload
        for step in at {
            guard let next = place.item(at: step) else { throw refusal("leads nowhere") }
            place = next
        }
        guard case .bytes(let held) = place, held.count == 32 else {
            throw refusal("leads to no commitment")
        }
        guard salt.count == Receipt.Opening.saltBytes,
            Receipt.Opening.commitment(salt: salt, value: value).bytes == held
        else { throw refusal("is not what the record commits to") }
        do throws(CBORError) {
            return try CBORItem.decode(value)
        } catch {
            throw refusal("is not one canonical item: \(error)")
        }
    }

    private func refusal(_ reason: String) -> EvidenceRefusal {
        EvidenceRefusal(.opening, reason)
    }
}

extension CBORItem {
    fileprivate func item(at step: Receipt.Opening.Step) -> CBORItem? {
        switch (self, step) {
        case (.array(let items), .number(let position)):
            return position < UInt64(items.count) ? items[Int(position)] : nil
        case (.map(let pairs), .number(let key)):
            return pairs.first { $0.key == .unsigned(key) }?.value
        case (.map(let pairs), .text(let key)):
            return pairs.first { $0.key == .text(key) }?.value
        default: return nil
        }
    }
}
