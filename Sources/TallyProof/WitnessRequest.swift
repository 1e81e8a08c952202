// SPDX-License-Identifier: Apache-2.0
//
// What a log asks of a witness, and what the witness makes of it: C2SP tlog-witness. Imports
// TallyTypes; the witness's server stores what is decided here, the node's collector asks.
//
//     old <size, decimal> LF
//     base64 of a hash LF …          (the consistency proof from that size, at most 63)
//     LF
//     the signed note of the checkpoint

package import TallyTypes

/// A request that a witness cosign a checkpoint.
package struct AddCheckpoint: Hashable, Sendable {
    /// The most hashes of a proof.
    package static let pathMax = 63
    /// The most bytes of a request.
    package static let bytesMax = SignedNote.bytesMax + 32 + (pathMax + 1) * 45

    /// The size that the witness cosigned last, as the log believes.
    package let oldSize: UInt64
    /// The proof that the tree of that size is a prefix of the checkpoint's.
    package let path: [Digest]
    /// The signed note of the checkpoint.
    package let note: SignedNote

    /// Makes a request.
    package init(oldSize: UInt64, path: [Digest], note: SignedNote) {
        self.oldSize = oldSize
        self.path = path
        self.note = note
    }

    /// Reads a request; nothing is judged but its form.
    ///
    /// - Throws: ``EvidenceRefusal`` `witnessRequest`, `base64` or `noteFormat`.
    package init(_ bytes: [UInt8]) throws(EvidenceRefusal) {
        guard bytes.count <= AddCheckpoint.bytesMax else {
            throw AddCheckpoint.malformed("larger than \(AddCheckpoint.bytesMax) bytes")
        }
        var rest = bytes[...]
        func line() -> ArraySlice<UInt8>? {
            guard let end = rest.firstIndex(of: 0x0A) else { return nil }
            defer { rest = rest[(end + 1)...] }
            return rest[..<end]
        }
        guard let first = line(), first.starts(with: "old ".utf8),
            let size = CanonicalDecimal.read(first.dropFirst(4)), size <= Checkpoint.sizeMax
        else { throw AddCheckpoint.malformed("line 1 is not `old` and a size below 2^63") }
        var path: [Digest] = []
        while true {
            guard let text = line() else {
                throw AddCheckpoint.malformed("without the blank line behind its proof")
            }
            if text.isEmpty { break }
            guard path.count < AddCheckpoint.pathMax else {
                throw AddCheckpoint.malformed("more than \(AddCheckpoint.pathMax) hashes")
            }
            guard let bytes = Base64.decode(text), let hash = Digest(bytes) else {
                throw EvidenceRefusal(.base64, "line \(path.count + 2) is not 32 bytes")
            }
            path.append(hash)
        }
        self.init(oldSize: size, path: path, note: try SignedNote(Array(rest)))
    }

    /// The bytes of the request.
    package var bytes: [UInt8] {
        var bytes = Array("old \(oldSize)\n".utf8)
        for hash in path { bytes += Base64.encode(hash.bytes) + [0x0A] }
        return bytes + [0x0A] + note.bytes
    }

    /// The name of the log, as the note says it; nobody has vouched for it.
    package var origin: String {
        String(decoding: note.text.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private static func malformed(_ reason: String) -> EvidenceRefusal {
        EvidenceRefusal(.witnessRequest, reason)
    }
}

/// Why a witness does not cosign; each has a status of HTTP.
package enum WitnessRefusal: Error, Hashable, Sendable {
    /// 400: what is wrong with the form, or an old size above the checkpoint's.
    case malformed(EvidenceRefusal)
    /// 403: none of the log's known keys signed, or one did in vain.
    case unknownKey(EvidenceRefusal)
    /// 404: the witness follows no log of this name.
    case unknownOrigin
    /// 409: another size was cosigned last, this one; or this size with another root.
    case conflict(size: UInt64)
    /// 422: the proof does not lead from what was cosigned last to the checkpoint.
    case proof

    /// The status of the answer.
    package var status: Int {
        switch self {
        case .malformed: 400
        case .unknownKey: 403
        case .unknownOrigin: 404
        case .conflict: 409
        case .proof: 422
        }
    }
}

/// A checkpoint with the word of a witness.
package struct CosignedCheckpoint: Hashable, Sendable {
    /// What it says.
    package let checkpoint: Checkpoint
    /// The note: the lines of the log's known keys, and that of the witness.
    package let note: SignedNote
    /// The witness's time.
    package let seconds: UInt64

    /// Takes a note that was stored or judged.
    package init(checkpoint: Checkpoint, note: SignedNote, seconds: UInt64) {
        self.checkpoint = checkpoint
        self.note = note
        self.seconds = seconds
    }

    /// Reads what a witness stored for a log.
    ///
    /// - Throws: ``EvidenceRefusal`` with the first check that said no.
    package init(
        _ bytes: [UInt8],
        of origin: String,
        keys: [VerifierKey],
        witness: VerifierKey
    ) throws(EvidenceRefusal) {
        let note = try SignedNote(bytes)
        let checkpoint = try Checkpoint.open(note, of: origin, keys: keys)
        guard let own = try note.cosignatures(among: [witness]).first else {
            throw EvidenceRefusal(.cosignature, "the witness's own is not there")
        }
        self.init(checkpoint: checkpoint, note: note, seconds: own.seconds)
    }

    /// The line of the witness, which stands last.
    package var line: [UInt8] { note.lines.last.map(\.bytes) ?? [] }  // there is always one
}

extension AddCheckpoint {
    /// Decides what a witness does; what is returned must be durable before it is answered.
    ///
    /// - Parameters:
    ///   - stored: What was cosigned last for this log; nil when nothing was.
    ///   - keys: The keys that the witness knows, of any logs.
    ///   - signer: The key of the witness.
    ///   - now: Seconds since 1970 UTC. A time before the last cosignature's gives that once more.
    /// - Returns: The checkpoint with the cosignature.
    /// - Throws: ``WitnessRefusal``; nothing changes then.
    package func cosigned(
        after stored: CosignedCheckpoint?,
        keys: [VerifierKey],
        by signer: SignerKey,
        at now: UInt64
    ) throws(WitnessRefusal) -> CosignedCheckpoint {
        let own = keys.filter { $0.type == .log && $0.id.name.text == origin }
        guard !own.isEmpty else { throw .unknownOrigin }
        do throws(EvidenceRefusal) {
            _ = try note.signers(among: own)
        } catch {
            throw .unknownKey(error)
        }
        let checkpoint: Checkpoint
        do throws(EvidenceRefusal) {
            checkpoint = try Checkpoint(text: note.text, of: origin)
        } catch {
            throw .malformed(error)
        }
        try judge(checkpoint, stored?.checkpoint)
        let seconds = max(now, stored?.seconds ?? 0)  // the first may have any time
        do throws(EvidenceRefusal) {
            let line = try Cosignature.line(signing: note.text, at: seconds, by: signer)
            let known = note.lines.filter { line in own.contains { $0.id == line.id } }
            let cosigned = SignedNote(text: note.text, lines: known + [line])
            // Within the bounds of a note with one line more, too: it is read again at a start.
            _ = try SignedNote(cosigned.bytes)
            return CosignedCheckpoint(checkpoint: checkpoint, note: cosigned, seconds: seconds)
        } catch {
            throw .malformed(error)
        }
    }

    private func judge(
        _ checkpoint: Checkpoint,
        _ stored: Checkpoint?
    ) throws(WitnessRefusal) {
        guard oldSize <= checkpoint.size else {
            let reason = "the old size \(oldSize) is above the checkpoint's \(checkpoint.size)"
            throw .malformed(EvidenceRefusal(.witnessRequest, reason))
        }
        let size = stored?.size ?? 0  // nothing was cosigned: the empty tree
        let root = stored?.root ?? CompactRange.emptyRoot  // the same
        guard oldSize == size, oldSize < checkpoint.size || root == checkpoint.root else {
            throw .conflict(size: size)
        }
        let proof = ConsistencyProof(oldSize: oldSize, newSize: checkpoint.size, path: path)
        guard proof.holds(oldRoot: root, newRoot: checkpoint.root) else { throw .proof }
    }
}
