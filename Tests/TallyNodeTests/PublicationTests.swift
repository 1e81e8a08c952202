// SPDX-License-Identifier: Apache-2.0
//
// What a running node publishes: the checkpoints that it keeps and that verify checks one by one,
// those who wait for one, blobs by their digest. Called by `swift test`.

import Foundation
import TallyChecker
import TallyCodec
import TallyHTTP
import TallyNode
import TallyProof
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("publication")
struct PublicationTests {
    private func start(_ path: String) async throws -> Node {
        try await Node.start(NodeConfiguration(directory: path, origin: "test/kept")) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    private func saved(_ path: String) throws -> [UInt64] {
        try MirrorDirectory(disk: RealDisk(), path: path).saved()
    }

    @Test("every published checkpoint is kept, and a forged one among them is refuted")
    func kept() async throws {
        let folder = try TemporaryDirectory("kept")
        let path = folder.file("ledger").path
        var sizes: [UInt64] = []
        for number in 1...3 {
            let node = try await start(path)
            _ = try await node.port.submit(.groups([[.make(bookName("book-\(number)"))]]))
            let size = await node.port.head().size
            #expect(await node.port.log.covered(size - 1), "the next checkpoint covers it")
            sizes.append(size)
            try await node.stop()
        }
        #expect(sizes == [2, 3, 4])
        let kept = try saved(path)
        #expect(Set(sizes).isSubset(of: kept), "\(kept)")
        let newest = try Data(contentsOf: URL(fileURLWithPath: path + "/checkpoint"))
        let last = URL(fileURLWithPath: path + "/" + MirrorLayout.saved(4))
        #expect(try Data(contentsOf: last) == newest)
        #expect(Verification.run(path).exitCode == 0)

        let file = path + "/" + MirrorLayout.saved(3)
        let right = try Data(contentsOf: URL(fileURLWithPath: file))
        let secret = try String(contentsOfFile: path + ".keys/log.key", encoding: .utf8)
        let key = try SignerKey(text: secret.trimmingCharacters(in: .newlines))
        let text = Checkpoint(origin: "test/kept", size: 3, root: Digest(1, 2, 3, 4)).text
        let note = SignedNote(text: text, lines: [try SignedNote.line(signing: text, by: key)])
        try Data(note.bytes).write(to: URL(fileURLWithPath: file))
        let forged = Verification.run(path)
        #expect(forged.exitCode == 1)
        #expect(forged.firstFinding?.reason == .fork)
        #expect(forged.firstFinding?.detail.contains("00000000000000000003") == true)
        var flipped = right
        flipped[flipped.count - 5] ^= 1
        try flipped.write(to: URL(fileURLWithPath: file))
        #expect(Verification.run(path).exitCode == 1, "no signature of this ledger")
        try right.write(to: URL(fileURLWithPath: file))
        #expect(Verification.run(path).exitCode == 0)
    }

    @Test("whoever waits is woken by the checkpoint, by the end, or by its own patience")
    func waiting() async throws {
        let publication = Publication()
        publication.reached(2)
        #expect(await publication.covers(1))
        async let third = publication.covers(2, within: .seconds(600))
        async let tenth = publication.covers(9, within: .seconds(600))
        try await waitUntil("two wait") { publication.waiting == 2 }
        publication.reached(3)
        #expect(await third)
        #expect(publication.waiting == 1, "the other waits on")
        #expect(await publication.covers(9, within: .zero) == false)
        publication.end()
        #expect(await tenth == false)
        #expect(await publication.covers(9, within: .seconds(600)) == false)
        #expect(await publication.covers(2), "what is published stays so")
        #expect(publication.waiting == 0)
    }

    @Test("a blob is found by its digest, and one that rotted is not given out")
    func blobs() async throws {
        let folder = try TemporaryDirectory("kept")
        let path = folder.file("ledger").path
        let node = try await start(path)
        let large = Text(String(repeating: "n", count: 70_000))
        let metadata = try #require(Metadata(unsorted: [Metadata.Pair(key: "k", value: large)]))
        let order = Order.setBookMetadata(metadata)
        _ = try await node.port.submit(.groups([[.make(Book.money)]]))
        _ = try await node.port.submit(.one(Request(book: Book.money, order: order)))
        let record = try #require(try await node.port.record(RecordIndex(2)))
        let blob = try #require(record.blobs.first)
        let log = node.port.log
        #expect(try await log.blob("\(blob.reference.digest)") == blob.bytes)
        #expect(try await log.blob(String(repeating: "0", count: 64)) == nil)
        #expect(try await log.blob("../head") == nil)
        let file = URL(fileURLWithPath: path + "/records/blobs/\(blob.reference.digest)")
        var bytes = try Data(contentsOf: file)
        bytes[7] ^= 1
        try bytes.write(to: file)
        await #expect(throws: StoreFault.self) { try await log.blob("\(blob.reference.digest)") }
        try await node.stop()
    }
}
