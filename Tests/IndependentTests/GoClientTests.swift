// SPDX-License-Identifier: Apache-2.0
//
// Our log read by a program of another house: the packages of the Go checksum database, in
// Tests/Independent/go. It needs Debian's golang-go and golang-golang-x-mod-dev, which
// scripts/install-needs brings; without them these tests fail. Called by `swift test`.

import Foundation
import TallyChecker
import TallyNode
import TallyTypes
import TestSupport
import Testing

/// The client, built once.
private enum GoClient {
    static func built() async throws -> String {
        try await build.value
    }

    private static let build = Task<String, any Error> {
        let folder = URL(fileURLWithPath: NSTemporaryDirectory())
            .appendingPathComponent("tallystick-go-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let program = folder.appendingPathComponent("tlogclient").path
        let source = PackageRoot.url.appendingPathComponent("Tests/Independent/go/main.go").path
        let built = try await TallyProcess.run(
            ["go", "build", "-o", program, source],
            program: "/usr/bin/env",
            environment: [
                "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
                "GOCACHE": folder.appendingPathComponent("cache").path,
            ]
        )
        guard built.status == 0 else {
            throw ProcessTrouble(
                "no Go client, run scripts/install-needs: \(built.errors.prefix(500))"
            )
        }
        return program
    }

    static func run(
        _ base: String,
        key: String,
        older: String? = nil
    ) async throws -> ProcessOutcome {
        let more = older.map { ["-older", $0] } ?? []
        let arguments = ["-base", base, "-key", key] + more
        return try await TallyProcess.run(arguments, program: try await built())
    }
}

@Suite("a tlog client of another house", .serialized)
struct GoClientTests {
    /// A ledger of more than two full tiles, with a checkpoint from halfway.
    private func ledger(_ folder: TemporaryDirectory) async throws -> (path: String, older: String)
    {
        let (path, older) = (folder.file("ledger").path, folder.file("older").path)
        try await RandomLedger.make(path, seed: 7, orders: 600) { node in
            try await waitUntil("a checkpoint is published") { node.signer.published != nil }
            let note = node.signer.published?.note ?? []
            try Data(note).write(to: URL(fileURLWithPath: older))
        }
        return (path, older)
    }

    @Test("verifies checkpoint, tiles, bundles and proofs of a server and of a mirror")
    func verifies() async throws {
        let folder = try TemporaryDirectory("go")
        let (path, older) = try await ledger(folder)
        let key = path + "/vkeys"
        let server = try await ServerUnderTest(path)
        let log = server.url + "/tally/v1/log"
        let seen = try await GoClient.run(log, key: key, older: older)
        #expect(seen.status == 0, "\(seen.errors)")
        // Keys of another log: the same bytes are no proof.
        let other = folder.file("other").path
        try await RandomLedger.make(other, seed: 8, orders: 1)
        let wrong = try await GoClient.run(log, key: other + "/vkeys")
        #expect(wrong.status == 1)
        #expect(wrong.errors.contains("checkpoint: "), "\(wrong.errors)")
        // A checkpoint of another history under the same keys does not exist; one of another log
        // does, and is no prefix.
        let foreign = try await GoClient.run(log, key: key, older: other + "/checkpoint")
        #expect(foreign.status == 1)
        try await server.stop()
        let records = Verification.run(path).records
        #expect(records > 512)
        #expect(seen.output.hasPrefix("verified \(records) records, root "), "\(seen.output)")

        let mirror = folder.file("mirror").path
        _ = try Backups.create(from: path, to: mirror) { _, _ in }
        let copied = try await GoClient.run(mirror, key: key, older: older)
        #expect(copied.status == 0, "\(copied.errors)")
    }

    @Test("refuses a tile, a record and a checkpoint with one bit changed")
    func refuses() async throws {
        let folder = try TemporaryDirectory("go")
        let (path, _) = try await ledger(folder)
        let mirror = folder.file("mirror").path
        _ = try Backups.create(from: path, to: mirror) { _, _ in }
        let key = path + "/vkeys"
        let clean = try await GoClient.run(mirror, key: key)
        #expect(clean.status == 0, "\(clean.errors)")
        for (name, place) in [("tile/0/001", 100), ("tile/entries/000", 50), ("checkpoint", 25)] {
            let file = URL(fileURLWithPath: mirror + "/" + name)
            let held = try Data(contentsOf: file)
            var changed = held
            changed[changed.startIndex + place] ^= 1
            try changed.write(to: file)
            let seen = try await GoClient.run(mirror, key: key)
            #expect(seen.status == 1, "\(name)")
            #expect(!seen.errors.isEmpty, "\(name)")
            try held.write(to: file)
        }
        let again = try await GoClient.run(mirror, key: key)
        #expect(again.status == 0, "what was changed is as it was")
    }
}
