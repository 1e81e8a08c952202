// SPDX-License-Identifier: Apache-2.0
//
// Backups that somebody has changed: each kind of change is refuted under its own name, with the
// file. Called by `swift test`.

import Foundation
import TallyChecker
import TallyNode
import TallyProof
import TallySim
import TallyStore
import TallyTypes
import TestSupport
import Testing

@Suite("changed backups", .serialized)
struct MirrorMutationTests {
    /// One change of a backup, and what must be said of it.
    struct Change: CustomStringConvertible, Sendable {
        let name: String
        let reason: Reason
        let file: String
        let change: @Sendable (String) throws -> Void

        var description: String { name }
    }

    private static func url(_ path: String) -> URL { URL(fileURLWithPath: path) }

    private static func flip(_ file: String, at offset: Int) -> @Sendable (String) throws -> Void {
        { mirror in
            var bytes = try Data(contentsOf: url(mirror + "/" + file))
            bytes[offset < 0 ? bytes.count + offset : offset] ^= 1
            try bytes.write(to: url(mirror + "/" + file))
        }
    }

    private static func remove(_ file: String) -> @Sendable (String) throws -> Void {
        { try FileManager.default.removeItem(atPath: $0 + "/" + file) }
    }

    private static func copy(_ from: String, _ to: String) -> @Sendable (String) throws -> Void {
        { mirror in
            let target = url(mirror + "/" + to)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(contentsOf: url(mirror + "/" + from)).write(to: target)
        }
    }

    private static func append(_ file: String) -> @Sendable (String) throws -> Void {
        { mirror in
            let bytes = try Data(contentsOf: url(mirror + "/" + file))
            try (bytes + [0]).write(to: url(mirror + "/" + file))
        }
    }

    private static let changes = [
        Change(
            name: "a byte of a record",
            reason: .recordEncoding,
            file: "tile/entries/000",
            change: flip("tile/entries/000", at: 20_000)
        ),
        Change(
            name: "a byte behind a bundle",
            reason: .bundle,
            file: "tile/entries/000",
            change: append("tile/entries/000")
        ),
        Change(
            name: "a length of a record",
            reason: .bundle,
            file: "tile/entries/002.p/88",
            change: flip("tile/entries/002.p/88", at: 1)
        ),
        Change(
            name: "a bundle that is gone",
            reason: .missing,
            file: "tile/entries/001",
            change: remove("tile/entries/001")
        ),
        Change(
            name: "a bundle in the place of another",
            reason: .recordIndex,
            file: "tile/entries/001",
            change: copy("tile/entries/000", "tile/entries/001")
        ),
        Change(
            name: "a bundle too many",
            reason: .bundle,
            file: "tile/entries/002",
            change: copy("tile/entries/002.p/88", "tile/entries/002")
        ),
        Change(
            name: "a leaf hash",
            reason: .tileHash,
            file: "tile/0/001",
            change: flip("tile/0/001", at: 100)
        ),
        Change(
            name: "a leaf hash of the last tile",
            reason: .tileHash,
            file: "tile/0/002.p/88",
            change: flip("tile/0/002.p/88", at: -1)
        ),
        Change(
            name: "a hash of a level above",
            reason: .tileHash,
            file: "tile/1/000.p/2",
            change: flip("tile/1/000.p/2", at: 40)
        ),
        Change(
            name: "a byte behind a tile",
            reason: .tileLength,
            file: "tile/0/000",
            change: append("tile/0/000")
        ),
        Change(
            name: "a tile that is gone",
            reason: .missing,
            file: "tile/1/000.p/2",
            change: remove("tile/1/000.p/2")
        ),
        Change(
            name: "a tile too many",
            reason: .surplus,
            file: "tile/2/000.p/1",
            change: copy("tile/1/000.p/2", "tile/2/000.p/1")
        ),
        Change(
            name: "a file that no mirror has",
            reason: .surplus,
            file: "notes.txt",
            change: copy("FORMAT", "notes.txt")
        ),
        Change(
            name: "a signature",
            reason: .signature,
            file: "checkpoint",
            change: { mirror in
                var note = try String(contentsOfFile: mirror + "/checkpoint", encoding: .utf8)
                note = note.replacingOccurrences(of: "\n600\n", with: "\n599\n")
                try Data(note.utf8).write(to: url(mirror + "/checkpoint"))
            }
        ),
        Change(
            name: "a checkpoint that is none",
            reason: .noteFormat,
            file: "checkpoint",
            change: copy("FORMAT", "checkpoint")
        ),
        Change(
            name: "keys that are none",
            reason: .keyFormat,
            file: "vkeys",
            change: copy("FORMAT", "vkeys")
        ),
        Change(
            name: "another format",
            reason: .file,
            file: "FORMAT",
            change: copy("vkeys", "FORMAT")
        ),
        Change(
            name: "a saved checkpoint under another size",
            reason: .checkpointFormat,
            file: "checkpoints/00000000000000000599",
            change: copy("checkpoint", "checkpoints/00000000000000000599")
        ),
    ]

    @Test("each kind of change is refuted under its own name")
    func change() async throws {
        let test = try BackedUp()
        try await test.grow(to: 600)
        for change in MirrorMutationTests.changes {
            try test.create()
            #expect(test.verify().exitCode == 0)
            try change.change(test.mirror)
            let report = MirrorVerification.run(
                MirrorDirectory(disk: RealDisk(), path: test.mirror)
            )
            #expect(report.exitCode == 1, "\(change): \(report.lines)")
            let finding = report.firstFinding
            #expect(finding?.reason == change.reason, "\(change): \(report.lines)")
            #expect(
                finding?.file == test.mirror + "/" + change.file,
                "\(change): \(report.lines)"
            )
            try FileManager.default.removeItem(atPath: test.mirror)
        }
    }

    @Test("a blob that is gone, changed, or of no record under a wrong name is named")
    func blobs() async throws {
        let test = try BackedUp()
        try await test.grow(to: 50)
        try test.create()
        let folder = test.mirror + "/blob"
        let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder).first)
        let bytes = try Data(contentsOf: MirrorMutationTests.url(folder + "/" + name))
        let zeros = String(repeating: "0", count: 64)
        try Data([1]).write(to: MirrorMutationTests.url(folder + "/" + zeros))
        let surplus = test.verify().firstFinding
        #expect(surplus?.reason == .blobHash && surplus?.file == folder + "/" + zeros)
        try FileManager.default.removeItem(atPath: folder + "/" + zeros)
        #expect(test.verify().exitCode == 0)
        try Data(bytes.dropLast()).write(to: MirrorMutationTests.url(folder + "/" + name))
        let changed = test.verify().firstFinding
        #expect(changed?.reason == .blobHash && changed?.file == folder + "/" + name)
        try FileManager.default.removeItem(atPath: folder + "/" + name)
        let gone = test.verify().firstFinding
        #expect(gone?.reason == .blobMissing && gone?.file == folder + "/" + name)
    }

    @Test("a saved checkpoint of another history is a fork")
    func fork() async throws {
        let test = try BackedUp()
        try await test.grow(to: 50)
        let secret = try String(contentsOfFile: test.data + ".keys/log.key", encoding: .utf8)
        let key = try SignerKey(text: secret.trimmingCharacters(in: .newlines))
        let folder = test.data + "/checkpoints"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = Checkpoint(origin: "test/backup", size: 40, root: Digest(1, 2, 3, 4)).text
        let note = SignedNote(text: text, lines: [try SignedNote.line(signing: text, by: key)])
        try Data(note.bytes).write(
            to: MirrorMutationTests.url(test.data + "/" + MirrorLayout.saved(40))
        )
        try test.create()
        let finding = test.verify().firstFinding
        #expect(finding?.reason == .fork)
        #expect(finding?.file == test.mirror + "/checkpoints/00000000000000000040")
        #expect(Verification.run(test.data).firstFinding?.reason == .fork)
    }

    @Test("whatever single byte of a file is changed, the backup is refuted")
    func flips() async throws {
        let test = try BackedUp()
        try await test.grow(to: 300)
        try test.create()
        var random = SplitMix(seed: 4_711)
        for (name, bytes) in try BackedUp.files(test.mirror).sorted(by: { $0.key < $1.key }) {
            let offset = Int(random.next() % UInt64(bytes.count))
            var changed = bytes
            changed[offset] ^= UInt8(1 << (random.next() % 8))
            try changed.write(to: MirrorMutationTests.url(test.mirror + "/" + name))
            let report = MirrorVerification.run(
                MirrorDirectory(disk: RealDisk(), path: test.mirror)
            )
            #expect(report.exitCode == 1, "\(name), byte \(offset): \(report.lines)")
            try bytes.write(to: MirrorMutationTests.url(test.mirror + "/" + name))
        }
        #expect(test.verify().exitCode == 0)
    }
}
