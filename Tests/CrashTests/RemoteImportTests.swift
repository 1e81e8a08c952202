// SPDX-License-Identifier: Apache-2.0
//
// `tally import --url`: a journal into a running server, and what becomes of it when there is none,
// or when it says no.

import Foundation
import TestSupport
import Testing

@Suite("import into a running server")
struct RemoteImportTests {
    private static let journal = PackageRoot.url
        .appendingPathComponent("Examples/company.journal").path

    private func importing(_ url: String, _ more: [String] = []) async throws -> ProcessOutcome {
        try await TallyProcess.run(
            ["import", "--url", url, "--ledger", "company", "--json"] + more
                + [RemoteImportTests.journal]
        )
    }

    @Test("it gives the records that an import into the directory gives, and twice is once")
    func same() async throws {
        let folder = try TemporaryDirectory("remote")
        let served = folder.file("served").path
        let server = try await ServerUnderTest(served)
        let first = try await importing(server.url)
        let counted = #"{"ledger":"company","written":279,"known":0,"#
        #expect(first.output.hasPrefix(counted), "\(first.output)")
        let again = try await importing(server.url)
        let known = #"{"ledger":"company","written":0,"known":279,"#
        #expect(again.output.hasPrefix(known), "\(again.output)")
        try await server.stop()

        let local = folder.file("local").path
        let written = try await TallyProcess.run(
            ["import", "--data", local, "--ledger", "company", RemoteImportTests.journal])
        #expect(written.status == 0, "\(written)")
        let third = try await TallyProcess.run(
            ["import", "--data", served, "--ledger", "company", RemoteImportTests.journal])
        #expect(third.output.hasSuffix(", 279 known already, 1 without amounts not written\n"))
        for directory in [served, local] {
            let verified = try await TallyProcess.run(["verify", directory])
            #expect(verified.status == 0, "\(verified)")
            #expect(verified.output.hasPrefix("verified 281 records"), "\(verified.output)")
        }
    }

    @Test("no server, and a server that says no, are one line each")
    func faults() async throws {
        let nobody = try await importing("http://127.0.0.1:1")
        #expect(nobody.status == 1 && nobody.output == "")
        #expect(nobody.errors.contains("http://127.0.0.1:1"), "\(nobody.errors)")
        #expect(nobody.errors.contains("is a server running there?"), "\(nobody.errors)")
        #expect(nobody.errors.split(separator: "\n").count == 1, "\(nobody.errors)")

        let folder = try TemporaryDirectory("journal")
        let server = try await ServerUnderTest(folder.file("served").path)
        let client = LedgerClient(url: server.url)
        try await client.expect(
            201,
            from: "POST",
            "/tally/v1/books",
            #"{"name":"company","kind":"journal"}"#
        )
        let refused = try await importing(server.url)
        #expect(refused.status == 1 && refused.output == "")
        #expect(refused.errors.contains(".journal:3:1: refused: "), "\(refused.errors)")
        #expect(refused.errors.contains("(status 4"), "\(refused.errors)")
        try await server.stop()
    }
}
