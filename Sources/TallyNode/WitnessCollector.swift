// SPDX-License-Identifier: Apache-2.0
//
// Asks witnesses to cosign what is published, C2SP tlog-witness from the side of the log. Beside
// the signer and never in its way: a witness that is slow or gone delays nothing. May import
// Synchronization; the node runs it, the command line brings the HTTP client.
//
// What a witness accepted last is kept in memory only; it says so itself when asked from another
// size. One that has seen more than was ever signed here, or another tree, ends the signing: this
// ledger is then an older copy, or went another way. So each is asked once at the start, too.

import Synchronization
import TallyHTTP
import TallyProof
import TallyStore
import TallyTypes

/// A witness that a node asks.
package struct WitnessAddress: Sendable {
    /// Sends a body to a URL, and gives what came back.
    package typealias Send =
        @Sendable (
            _ url: String, _ body: [UInt8]
        ) async throws -> WitnessAnswer

    /// Its URL, without a slash at its end.
    let url: String
    let key: VerifierKey
    let send: Send

    /// Names a witness.
    ///
    /// - Parameters:
    ///   - line: Its public key, a blank, its URL.
    ///   - send: The client.
    /// - Throws: ``NodeFault`` when the line is something else.
    package init(line: String, send: @escaping Send) throws(NodeFault) {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].hasPrefix("http://") || parts[1].hasPrefix("https://")
        else { throw WitnessAddress.fault(line, "is not a public key, a blank and a URL") }
        do throws(EvidenceRefusal) {
            key = try VerifierKey(text: String(parts[0]))
        } catch {
            throw WitnessAddress.fault(line, "\(error)")
        }
        guard key.type == .witness else {
            throw WitnessAddress.fault(line, "the key is that of a log")
        }
        url = String(parts[1].hasSuffix("/") ? parts[1].dropLast() : parts[1])
        self.send = send
    }

    private static func fault(_ line: String, _ reason: String) -> NodeFault {
        NodeFault(
            .directory,
            subject: line,
            reason: reason,
            nextStep: "take the line that `tally witness` prints"
        )
    }
}

/// Collects the cosignatures of witnesses.
final class WitnessCollector: Sendable {
    /// How a witness stands.
    struct Standing: Sendable {
        /// What it cosigned last, as far as this node knows; nil before it was asked.
        var size: UInt64?
        /// Why the last question brought no cosignature; nil when it did.
        var problem: String?
        /// Questions that brought none, since the last that did.
        var failuresInARow = 0
        /// Questions that brought none, since the start.
        var failures: UInt64 = 0
    }

    /// Why a question brought no cosignature.
    private struct Failed: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }
    }

    /// A first time, and each time a witness says from where it wants to be asked.
    private static let questionsMax = 3
    private static let pause: Duration = .milliseconds(500)
    private static let pauseDoublingsMax = 6

    private let witnesses: [WitnessAddress]
    private let signer: LogSigner
    private let records: RecordReader
    private let keeper: LogKeeper
    private let failed: @Sendable (NodeFault) -> Void
    private let standings: Mutex<[Standing]>

    /// Makes a collector.
    ///
    /// - Parameters:
    ///   - witnesses: Whom to ask.
    ///   - signer: What is published.
    ///   - records: The files that proofs are made from.
    ///   - keeper: The thread that publishes.
    ///   - failed: Told when the disk failed.
    init(
        _ witnesses: [WitnessAddress],
        signer: LogSigner,
        records: RecordReader,
        keeper: LogKeeper,
        failed: @escaping @Sendable (NodeFault) -> Void
    ) {
        self.witnesses = witnesses
        self.signer = signer
        self.records = records
        self.keeper = keeper
        self.failed = failed
        standings = Mutex(witnesses.map { _ in Standing() })
    }

    /// Every witness, and how it stands.
    var all: [(key: VerifierKey, standing: Standing)] {
        standings.withLock { standings in
            zip(witnesses, standings).map { ($0.key, $1) }
        }
    }

    /// Asks until the task is cancelled, each witness on its own.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for number in witnesses.indices {
                group.addTask { await self.follow(number) }
            }
        }
    }

    private func follow(_ number: Int) async {
        while !Task.isCancelled {
            await ask(number)
            let failures = standings.withLock { $0[number].failuresInARow }
            let doublings = min(failures, WitnessCollector.pauseDoublingsMax)
            do {
                try await Task.sleep(for: WitnessCollector.pause * (1 << doublings))
            } catch {
                return  // cancelled: the node stops
            }
        }
    }

    private func ask(_ number: Int) async {
        let standing = standings.withLock { $0[number] }
        guard let published = signer.published,
            standing.size != published.checkpoint.size || standing.problem != nil
        else { return }
        let size: UInt64
        do {
            size = try await question(witnesses[number], published, standing.size)
        } catch {
            guard !Task.isCancelled else { return }
            standings.withLock { standings in
                standings[number].problem = "\(error)"
                standings[number].failuresInARow += 1
                standings[number].failures += 1
            }
            return
        }
        standings.withLock { standings in
            standings[number].size = size
            standings[number].problem = nil
            standings[number].failuresInARow = 0
        }
    }

    /// Asks a witness, again when it wants a proof from elsewhere.
    ///
    /// - Returns: What it has cosigned; more than was asked for when a later question was faster.
    private func question(
        _ witness: WitnessAddress,
        _ published: PublishedCheckpoint,
        _ known: UInt64?
    ) async throws -> UInt64 {
        let note = try SignedNote(published.note)
        let size = published.checkpoint.size
        // Before the first question, the note of an earlier run says it.
        let earlier = try note.cosignatures(among: [witness.key])
        var old = known ?? (earlier.isEmpty ? 0 : size)
        for _ in 0..<WitnessCollector.questionsMax {
            let from = old
            let path = try await records.onFiles { files in
                try files.tree.consistency(from: from, to: size).path
            }
            let request = AddCheckpoint(oldSize: from, path: path, note: note)
            let answer = try await witness.send(witness.url + "/add-checkpoint", request.bytes)
            switch answer.status {
            case 200:
                try await take(answer.body, witness.key, published.checkpoint, note.text)
                return size
            case 409:
                let seen = try WitnessCollector.size(answer.body)
                guard seen != from else {
                    guard from == size else { throw Failed("409 with the size it was asked from") }
                    throw end(
                        "a witness has another root of \(size) records: "
                            + "this ledger went another way",
                        witness
                    )
                }
                let signed = max(signer.guarded, size)
                guard seen <= signed else {
                    throw end(
                        "a witness has seen \(seen) records, and \(signed) were signed here: "
                            + "this is an older copy",
                        witness
                    )
                }
                guard seen < size else { return seen }
                old = seen
            case 422:
                throw end(
                    "a witness has another tree of \(from) records: "
                        + "this ledger went another way",
                    witness
                )
            default:
                let words = String(decoding: answer.body.prefix(200), as: UTF8.self)
                throw Failed("status \(answer.status): \(words.filter { !$0.isNewline })")
            }
        }
        throw Failed("it wants to be asked from one size after the other")
    }

    /// Signs no more, and says why.
    private func end(_ reason: String, _ witness: WitnessAddress) -> Failed {
        let line = "\(reason) (\(witness.key.id.name.text))"
        signer.end(line)
        return Failed(line)
    }

    /// Adds the line of the witness to what is published, when it is the witness's.
    private func take(
        _ body: [UInt8],
        _ key: VerifierKey,
        _ checkpoint: Checkpoint,
        _ text: [UInt8]
    ) async throws {
        let own = try SignedNote.lines(body[...]).filter { $0.id == key.id }
        let note = SignedNote(text: text, lines: Array(own.prefix(1)))
        guard try note.cosignatures(among: [key]).count == 1 else {
            throw Failed("it answered without a cosignature of its key")
        }
        do {
            try await keeper.addCosignature(note.lines[0], to: checkpoint)
        } catch {
            failed(NodeFault(stopping: error))
            throw error
        }
    }

    private static func size(_ body: [UInt8]) throws(Failed) -> UInt64 {
        guard body.last == 0x0A, let size = CanonicalDecimal.read(body.dropLast()),
            size <= Checkpoint.sizeMax
        else { throw Failed("409 without a size") }
        return size
    }
}
