// SPDX-License-Identifier: Apache-2.0
//
// The main job: `tally import` of real journals gives the balances that other programs computed,
// `tally verify` passes, and a second import adds no record. Own journals from a clone alone; those
// in ../shared/data where they are there.

import Foundation
import TallyNode
import TestSupport
import Testing

/// Imports journals into one data directory, each into a ledger of its own, and compares.
private func importAndCompare(_ journals: [JournalToImport]) async throws {
    let folder = try TemporaryDirectory("import")
    let directory = folder.file("ledger").path
    for journal in journals {
        let outcome = try await journal.run(into: directory)
        #expect(outcome.output.contains(", 0 known already"), "\(outcome.output)")
    }
    let first = try String(contentsOfFile: directory + "/head", encoding: .utf8)
    let verified = try await TallyProcess.run(["verify", directory])
    #expect(verified.status == 0, "\(verified.output)\(verified.errors)")

    try await compareBalances(journals, directory)

    for journal in journals {
        let outcome = try await journal.run(into: directory)
        #expect(outcome.output.contains(": 0 transactions written, "), "\(outcome.output)")
    }
    let second = try String(contentsOfFile: directory + "/head", encoding: .utf8)
    let sizes = [first, second].map { $0.split(separator: "\n").dropFirst().first }
    #expect(sizes[0]?.hasPrefix("size ") == true)
    #expect(sizes[0] == sizes[1], "a second import added records")
    #expect(try await TallyProcess.run(["verify", directory]).status == 0)
}

private func compareBalances(_ journals: [JournalToImport], _ directory: String) async throws {
    let node = try await Node.start(NodeConfiguration(directory: directory)) { fault in
        Issue.record("\(fault)")
    }
    #expect(await node.views.caughtUp())
    for journal in journals {
        let found = try await journal.balances(node.views.reader)
        #expect(!journal.expected.isEmpty)
        for row in Set(found.keys).union(journal.expected.keys).sorted() {
            #expect(found[row] == journal.expected[row], "\(journal): \(row)")
        }
    }
    try await node.stop()
}

@Suite("import of the example journals")
struct ExampleImportTests {
    @Test("balances are those of hledger, Ledger and Beancount")
    func examples() async throws {
        let journals = try [
            ("company", "company.journal"), ("household", "household.beancount"),
        ].map { name, file in
            let expected = try ExpectedBalances(Vectors.bytes(of: "import/\(name).json"))
            #expect(expected.file == "Examples/\(file)")
            return JournalToImport(
                ledger: name,
                path: PackageRoot.url.appendingPathComponent(expected.file).path,
                expected: expected.rows
            )
        }
        try await importAndCompare(journals)
    }

    @Test("a journal with an error writes nothing and names file, line and column")
    func refused() async throws {
        let folder = try TemporaryDirectory("refused")
        let journal = folder.file("bad.journal")
        try Data("2026-01-01 x\n  a  1 EUR\n  b  2 EUR\n".utf8).write(to: journal)
        let directory = folder.file("ledger").path
        let outcome = try await TallyProcess.run(["import", "--data", directory, journal.path])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains(journal.path + ":"), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(!FileManager.default.fileExists(atPath: directory))
    }
}

@Suite("import of journals from elsewhere", .needsSharedData)
struct SharedImportTests {
    @Test("balances are those of the real tools")
    func journals() async throws {
        let folder = try SharedData.url(for: "data/expected").path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let journals = try names.map { name in
            let expected = try ExpectedBalances(SharedData.bytes(of: "data/expected/\(name)"))
            return JournalToImport(
                ledger: String(name.prefix { $0 != "." }),
                path: try SharedData.url(for: "data/\(expected.file)").path,
                expected: expected.rows
            )
        }
        #expect(journals.count == 6)
        try await importAndCompare(journals)
    }
}
