// SPDX-License-Identifier: Apache-2.0
//
// Data directories that cannot be used: the server ends with one line that names the file, the
// cause and the next step, and leaves everything as it was.

import Foundation
import TestSupport
import Testing

/// A directory that is wrong in one way.
private struct BadStart: CustomTestStringConvertible, Sendable {
    let name: String
    /// Makes it wrong; gets the path of a cleanly stopped ledger.
    let damage: @Sendable (String) throws -> Void
    /// Where the server is started, relative to the ledger.
    var place = ""
    /// The file that has to be named, relative to the ledger.
    let subject: String
    /// Words of the cause and of the next step.
    let words: [String]
    var testDescription: String { name }

    static let all = [
        BadStart(
            name: "another format",
            damage: { try Data("tallystick data 9\n".utf8).write(to: file($0, "FORMAT")) },
            subject: "/FORMAT",
            words: ["tallystick data 9", "start the program version"]
        ),
        BadStart(
            name: "a folder that holds something else",
            damage: { try FileManager.default.removeItem(at: file($0, "FORMAT")) },
            subject: "",
            words: ["no FORMAT", "name an empty folder"]
        ),
        BadStart(
            name: "a file in place of the folder",
            damage: { _ in },
            place: "/head",
            subject: "/head",
            words: ["irectory"]
        ),
        BadStart(
            name: "a part is gone",
            damage: { try FileManager.default.removeItem(at: file($0, "records")) },
            subject: "/records",
            words: ["is missing", "restore a backup"]
        ),
        BadStart(
            name: "a frame of the log is corrupt",
            damage: { try flipLog($0) },
            subject: "/log/",
            words: ["offset", "backup"]
        ),
        BadStart(
            name: "the head is corrupt",
            damage: { try Data("tallystick head 1\nsize x\n".utf8).write(to: file($0, "head")) },
            subject: "/head",
            words: ["backup"]
        ),
        BadStart(
            name: "the head is gone",
            damage: { try FileManager.default.removeItem(at: file($0, "head")) },
            subject: "/head",
            words: ["is missing", "restore a backup"]
        ),
        BadStart(
            name: "the state store is corrupt",
            damage: { try flipState($0) },
            subject: "/state",
            words: ["backup"]
        ),
        BadStart(
            name: "the cache image is corrupt",
            damage: { try flipImage($0) },
            subject: "/image/image-",
            words: ["backup"]
        ),
    ]

    static func file(_ directory: String, _ name: String) -> URL {
        URL(fileURLWithPath: directory + "/" + name)
    }

    /// Changes a byte of the first entry, which is long since flushed.
    private static func flipLog(_ directory: String) throws {
        let folder = directory + "/log"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        guard let segment = names.first(where: { $0.hasSuffix(".segment") }) else {
            throw ProcessTrouble("no segment in \(names)")
        }
        try overwrite(file(folder, segment), at: 64 + 32 + 3)
    }

    private static func flipImage(_ directory: String) throws {
        let folder = directory + "/image"
        guard let name = try FileManager.default.contentsOfDirectory(atPath: folder).first else {
            throw ProcessTrouble("no image in \(folder)")
        }
        try overwrite(file(folder, name), at: 40)
    }

    /// Changes a byte of the file that names the state store's tables.
    private static func flipState(_ directory: String) throws {
        let folder = directory + "/state"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        guard let manifest = names.first(where: { $0.hasPrefix("MANIFEST-") }) else {
            throw ProcessTrouble("no manifest in \(names)")
        }
        try overwrite(file(folder, manifest), at: 20)
    }

    private static func overwrite(_ url: URL, at offset: UInt64) throws {
        let handle = try FileHandle(forUpdating: url)
        try handle.seek(toOffset: offset)
        let byte = try handle.read(upToCount: 1)?.first ?? 0
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: Data([byte ^ 4]))
        try handle.close()
    }
}

@Suite("bad starts")
struct BadStartTests {
    /// The one line on standard error; everything else is an issue.
    private func line(
        _ outcome: ProcessOutcome,
        subject: String,
        words: [String],
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.status > 0, "\(outcome)", sourceLocation: location)
        #expect(outcome.output == "", sourceLocation: location)
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(outcome.errors)", sourceLocation: location)
        for word in [subject] + words {
            #expect(
                outcome.errors.contains(word),
                "“\(word)” is not in \(outcome.errors)",
                sourceLocation: location
            )
        }
    }

    @Test("one line names the file, the cause and the next step, and nothing changes")
    func damaged() async throws {
        let folder = try TemporaryDirectory("bad")
        let ledger = folder.file("ledger").path
        try await SmallLedger.make(ledger)
        for bad in BadStart.all {
            let copy = folder.file("copy").path
            try FileManager.default.copyItem(atPath: ledger, toPath: copy)
            try bad.damage(copy)
            let before = try Manifest(copy)
            let outcome = try await TallyProcess.run(
                ["serve", "--data", copy + bad.place, "--port", "0"])
            line(outcome, subject: copy + bad.subject, words: bad.words)
            let changes = try Manifest(copy).changes(since: before)
            #expect(changes == [], "\(bad.name)")
            try FileManager.default.removeItem(atPath: copy)
        }
    }

    @Test("a directory that another process has open is left alone")
    func locked() async throws {
        let folder = try TemporaryDirectory("locked")
        let ledger = folder.file("ledger").path
        let server = try await ServerUnderTest(ledger)
        try await LedgerClient(url: server.url).expect(204, from: "POST", "/v2/one")
        for command in [["serve", "--port", "0", "--data", ledger], ["verify", ledger]] {
            let outcome = try await TallyProcess.run(command)
            let isVerify = command[0] == "verify"
            #expect(outcome.status == (isVerify ? 2 : 1), "\(outcome)")
            let text = isVerify ? outcome.output : outcome.errors
            #expect(text.contains(ledger))
            #expect(text.contains("is open in another process; stop that process first"))
            if !isVerify {
                #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            }
        }
        try await LedgerClient(url: server.url).expect(204, from: "POST", "/v2/two")
        try await server.stop()
        #expect(try await TallyProcess.run(["verify", ledger]).status == 0)
    }

    @Test("a port that is taken: no ledger is made, and the line names it")
    func takenPort() async throws {
        let folder = try TemporaryDirectory("port")
        let server = try await ServerUnderTest(folder.file("first").path)
        let port = String(server.url.split(separator: ":").last ?? "")
        let second = folder.file("second").path
        let outcome = try await TallyProcess.run(["serve", "--data", second, "--port", port])
        line(outcome, subject: "127.0.0.1:" + port, words: ["in use", "--port"])
        #expect(!FileManager.default.fileExists(atPath: second))
        let left = folder.file("temporary").path
        try FileManager.default.createDirectory(atPath: left, withIntermediateDirectories: false)
        let examples = PackageRoot.url.appendingPathComponent("Examples").path
        let demo = try await TallyProcess.run(
            ["demo", "--port", port, "--examples", examples],
            environment: ["TMPDIR": left]
        )
        line(demo, subject: "127.0.0.1:" + port, words: ["in use", "--port"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: left) == [])
        try await server.stop()
    }

    @Test("the demo leaves nothing behind, or says where it is")
    func demo() async throws {
        let folder = try TemporaryDirectory("demo")
        let environment = ["TMPDIR": folder.path]
        let missing = try await TallyProcess.run(
            ["demo", "--once", "--port", "0", "--examples", folder.file("none").path],
            environment: environment
        )
        #expect(missing.status == 1)
        #expect(missing.errors.contains("none/company.journal"), "\(missing.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
        let examples = PackageRoot.url.appendingPathComponent("Examples").path
        let shown = try await TallyProcess.run(
            ["demo", "--once", "--port", "0", "--examples", examples],
            environment: environment
        )
        #expect(shown.status == 0, "\(shown)")
        #expect(shown.output.hasSuffix("stopped cleanly, its ledger is removed\n"), "\(shown)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])

        let kept = folder.file("kept").path
        let named = try await TallyProcess.run(
            ["demo", "--once", "--port", "0", "--examples", examples, "--data", kept],
            environment: environment
        )
        #expect(named.output.hasSuffix("stopped cleanly\n"), "\(named)")
        #expect(FileManager.default.fileExists(atPath: kept + "/head"))
    }

    @Test("a disk that takes no more bytes, and a folder that may not be written")
    func worldFails() async throws {
        let folder = try TemporaryDirectory("world")
        let serve = ["serve", "--port", "0", "--data"]
        let shell = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""
        let full = folder.file("full").path
        let filled = try await TallyProcess.run(
            ["-c", shell, TallyBinary.path()] + serve + [full],
            program: "/bin/bash"
        )
        line(filled, subject: full, words: ["make room"])

        // Files that are there may grow by nothing, and new ones only to 64 KiB.
        let ledger = folder.file("ledger").path
        try await SmallLedger.make(ledger)
        let whole = try Manifest(ledger)
        let started = try await TallyProcess.run(
            ["-c", shell, TallyBinary.path()] + serve + [ledger],
            program: "/bin/bash"
        )
        line(started, subject: ledger + ": ", words: ["make room, then start again"])
        // The folder's own time may be another.
        let changes = try Manifest(ledger).changes(since: whole).filter { $0 != "" }
        #expect(changes == [])

        let closed = folder.file("closed").path
        try FileManager.default.createDirectory(
            atPath: closed,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o555]
        )
        let before = try Manifest(closed)
        let plain = [try TallyBinary.path()] + serve + [closed]
        // The rights of a folder do not bind root, unless it gives up what lets it ignore them.
        let command =
            geteuid() == 0
            ? ["/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search"] + plain
            : plain
        let refused = try await TallyProcess.run(
            Array(command.dropFirst()),
            program: command[0]
        )
        line(refused, subject: closed, words: ["give this user access"])
        #expect(try Manifest(closed).changes(since: before) == [])
    }
}
