// SPDX-License-Identifier: Apache-2.0
//
// `tally verify` of a receipt through the real program: the same verdicts and exit codes as `tally
// receipt verify`. The receipt comes from a real server. Called by `swift test`.

import Foundation
import TestSupport
import Testing

@Suite("verify of a receipt", .serialized)
struct VerifyReceiptTests {
    /// A folder with a ledger's receipt and keys.
    private func receipt(_ folder: TemporaryDirectory) async throws -> (file: String, keys: String)
    {
        let ledger = folder.file("ledger").path
        let server = try await ServerUnderTest(ledger)
        let client = LedgerClient(url: server.url)
        try await client.expect(204, from: "POST", "/v2/shop")
        let path = "/tally/v1/log/receipt/1"
        try await waitUntil("a checkpoint covers the record") {
            try await client.send("GET", path).status == 200
        }
        let reply = try await client.send("GET", path)
        try await server.stop()
        let file = folder.file("receipt.json")
        try Data(reply.bytes).write(to: file)
        let shown = try await TallyProcess.run(["keys", "show", "--data", ledger])
        let keys = folder.file("ledger.vkeys")
        try Data(shown.output.utf8).write(to: keys)
        return (file.path, keys.path)
    }

    @Test("verified with the key, refuted when a byte differs, not verified without a key")
    func verdicts() async throws {
        let folder = try TemporaryDirectory("receipt")
        let (file, keys) = try await receipt(folder)
        let good = try await TallyProcess.run(["verify", file, "--key", keys])
        #expect(good.status == 0, "\(good)")
        #expect(good.output.hasPrefix("verified record 1 "), "\(good)")
        let same = try await TallyProcess.run(["receipt", "verify", file, "--key", keys])
        #expect(same.output == good.output && same.status == 0)
        let json = try await TallyProcess.run(["verify", file, "--key", keys, "--json"])
        #expect(json.output.hasPrefix(#"{"exit":0,"line":"verified record 1 "#), "\(json)")

        let bare = try await TallyProcess.run(["verify", file])
        #expect(bare.status == 2 && bare.output.hasPrefix("not verified: no key"), "\(bare)")
        let since = try await TallyProcess.run(["verify", file, "--key", keys, "--since", keys])
        #expect(since.status == 1 && since.errors.contains("--since is of no use"), "\(since)")

        let text = try String(contentsOfFile: file, encoding: .utf8)
        let changed = text.replacingOccurrences(of: #""index":1"#, with: #""index":0"#)
        #expect(changed != text)
        let bad = folder.file("bad.json")
        try Data(("\n" + changed).utf8).write(to: bad)
        let refuted = try await TallyProcess.run(["verify", bad.path, "--key", keys])
        #expect(refuted.status == 1 && refuted.output.hasPrefix("refuted: "), "\(refuted)")
    }

    @Test("a receipt is fetched as soon as a checkpoint covers the record, and verifies")
    func fetched() async throws {
        let folder = try TemporaryDirectory("receipt")
        let ledger = folder.file("ledger").path
        let server = try await ServerUnderTest(ledger)
        try await LedgerClient(url: server.url).expect(204, from: "POST", "/v2/shop")
        let file = folder.file("receipt.json").path
        let get = ["receipt", "get", "--url", server.url, "--out", file]
        let fetched = try await TallyProcess.run(get + ["1"])
        #expect(fetched.status == 0, "\(fetched)")
        let missing = try await TallyProcess.run(get + ["99"])
        #expect(missing.status == 1 && missing.errors.contains("99"), "\(missing)")
        let proof = try await TallyProcess.run(
            ["receipt", "get", "--url", server.url, "--format", "tlog-proof", "1"]
        )
        #expect(proof.output.hasPrefix("c2sp.org/tlog-proof@v1\nindex 1\n"), "\(proof)")
        try await server.stop()
        let keys = ledger + "/vkeys"
        let verified = try await TallyProcess.run(["receipt", "verify", file, "--key", keys])
        #expect(verified.status == 0, "\(verified)")
    }

    @Test("a file that is no receipt, and a rate below zero, are refused")
    func others() async throws {
        let folder = try TemporaryDirectory("receipt")
        let file = folder.file("note")
        try Data("localhost/tallystick\n1\n".utf8).write(to: file)
        let outcome = try await TallyProcess.run(["verify", file.path])
        #expect(outcome.status != 0 && !outcome.output.hasPrefix("verified"), "\(outcome)")
        let rate = try await TallyProcess.run(["serve", "--scrub-rate=-1"])
        #expect(rate.status == 64 && rate.errors.contains("--scrub-rate is 0 or more"), "\(rate)")
    }
}
